//! Many teams at once, as rows: hashing their passwords is not what is measured.

#![expect(
    clippy::disallowed_methods,
    reason = "rows of a role are made past its checked queries, as the tests look at them"
)]

use anyhow::Context as _;
use molar_tests::api::{Api, id, text};
use molar_tests::challenge::Track;
use molar_tests::people::{Organizer, Team};
use molar_tests::system::System;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// Teams of one captain each, who signed the agreement, approved in the track of the rush.
pub async fn make(
    system: &System,
    organizer: &Organizer,
    count: usize,
) -> anyhow::Result<Vec<Team>> {
    let mut db = PgConnection::connect(&system.owner_url()?).await?;
    let challenge: Uuid = id(&organizer.challenge)?.parse()?;
    let track: Uuid = id(organizer.track(Track::Opg)?)?.parse()?;
    let agreement = &organizer.challenge["agreement"];
    let api = Api::new(system.url());
    let mut teams = Vec::new();
    let mut tx = db.begin().await?;
    for number in 0..count {
        let (user, team) = (Uuid::now_v7(), Uuid::now_v7());
        let token = format!(
            "molar_{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        );
        let (name, email) = (
            format!("Rush {number:03}"),
            format!("rush-{number}@test.invalid"),
        );
        sqlx::query(
            "INSERT INTO registration.users (id, email, name, password_hash, created_at)
             VALUES ($1, $2, $3, 'none', now())",
        )
        .bind(user)
        .bind(&email)
        .bind(&name)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO registration.tokens (id, user_id, kind, name, token_hash, created_at, expires_at)
             VALUES ($1, $2, 'api', 'rush', $3, now(), now() + interval '1 day')",
        )
        .bind(Uuid::now_v7())
        .bind(user)
        .bind(&Sha256::digest(&token)[..])
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO registration.agreements
                 (id, user_id, challenge_id, version, text_sha256, signed_name, affiliation, signed_at)
             VALUES ($1, $2, $3, $4, $5, $6, '', now())",
        )
        .bind(Uuid::now_v7())
        .bind(user)
        .bind(challenge)
        .bind(text(agreement, "version"))
        .bind(text(agreement, "sha256"))
        .bind(&name)
        .execute(&mut *tx)
        .await?;
        insert_team(&mut tx, (challenge, track), (team, user), &name).await?;
        teams.push(Team {
            name,
            id: team.to_string(),
            email,
            api: api.with_token(&token),
        });
    }
    tx.commit().await?;
    db.close().await.context("the owner's connection")?;
    Ok(teams)
}

async fn insert_team(
    tx: &mut PgConnection,
    (challenge, track): (Uuid, Uuid),
    (team, captain): (Uuid, Uuid),
    name: &str,
) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO registration.teams (id, challenge_id, name, captain_id, created_at)
         VALUES ($1, $2, $3, $4, now())",
    )
    .bind(team)
    .bind(challenge)
    .bind(name)
    .bind(captain)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO registration.memberships (team_id, user_id, joined_at) VALUES ($1, $2, now())",
    )
    .bind(team)
    .bind(captain)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO registration.participations (id, team_id, track_id, state, requested_by, requested_at)
         VALUES ($1, $2, $3, 'approved', $4, now())",
    )
    .bind(Uuid::now_v7())
    .bind(team)
    .bind(track)
    .bind(captain)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO registration.track_memberships (track_id, user_id, team_id) VALUES ($1, $2, $3)",
    )
    .bind(track)
    .bind(captain)
    .bind(team)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
