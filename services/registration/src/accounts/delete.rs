//! `POST /api/v1/me/delete`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::{TeamId, UserId};
use molar_service::audit;
use molar_web_kit::caller::ended_session_cookie;
use molar_web_kit::{ApiError, Caller, Kit};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::password::require_password;
use super::rows::{self, User};
use crate::participations::rows::final_ranks;
use crate::state::AppState;
use crate::{Error, mails, teams};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    #[schema(value_type = String)]
    pub password: SecretString,
}

/// Deletes your account.
///
/// Name, address, affiliation, password, sessions and tokens are erased, also from agreements that
/// you signed and from mails. Your teams go on without you; who has been in one for longest takes over
/// as captain. What was handed in stays with its team, and agreements and audit log keep that somebody
/// signed and acted, under a number.
#[utoipa::path(
    post,
    path = "/api/v1/me/delete",
    tag = "account",
    responses((status = NO_CONTENT))
)]
#[tracing::instrument(name = "accounts.delete", skip_all)]
pub async fn delete(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    body: web::Json<DeleteAccount>,
) -> Result<HttpResponse, ApiError> {
    erase(&kit, &state, &caller, body.into_inner()).await?;
    Ok(HttpResponse::NoContent()
        .cookie(ended_session_cookie(&kit))
        .finish())
}

pub async fn erase(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    request: DeleteAccount,
) -> Result<(), Error> {
    let user = require_password(kit, state, caller, request.password).await?;
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    if user.is_admin && !rows::has_other_admin(&mut tx, user.id).await? {
        return Err(Error::LastAdmin);
    }
    leave_teams(&mut tx, &user, now).await?;
    rows::delete_what_is_theirs(&mut tx, user.id, now).await?;
    mails::rows::erase_of(&mut tx, user.id, now).await?;
    rows::anonymise(&mut tx, user.id, now).await?;
    let deleted = "account.deleted";
    audit::append(
        &mut tx,
        now,
        Some(user.id),
        deleted,
        user.id.0,
        json!({}),
        None,
    )
    .await?;
    // By what is surely theirs: a name may be a word of somebody else's text, and anybody can type an address.
    let words: Vec<_> = user
        .confirmed_at
        .map(|_| user.email.clone())
        .into_iter()
        .collect();
    audit::erase(&mut tx, now, Some(user.id), user.id, &words).await?;
    tx.commit().await?;
    Ok(())
}

async fn leave_teams(
    conn: &mut PgConnection,
    user: &User,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for team in rows::teams_of(&mut *conn, user.id).await? {
        leave_team(conn, team, user.id, now).await?;
    }
    Ok(())
}

/// Unlike [`teams::leave`], also where the team has a place: nobody is kept here. Only a team that
/// competes is not left to nobody, as long as it can give its place up: where its ranks are final, they stay.
async fn leave_team(
    conn: &mut PgConnection,
    id: TeamId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let team = teams::rows::lock(&mut *conn, id).await?;
    let kept = final_ranks(&mut *conn, id, now).await?;
    let kept: Vec<Uuid> = kept.into_iter().map(|of| of.track_id.0).collect();
    if rows::would_compete_without_anybody(&mut *conn, id, user, &kept).await? {
        return Err(Error::LastMember { team: team.name });
    }
    teams::rows::delete_member(&mut *conn, id, user).await?;
    if team.captain_id == user {
        teams::rows::replace_captain(&mut *conn, id).await?;
    }
    let is_empty = teams::rows::count_members(&mut *conn, id).await? == 0;
    if is_empty && !teams::rows::has_submitted(&mut *conn, id).await? {
        teams::rows::dissolve(conn, id, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::PgPool;

    use crate::host::create_admin;
    use crate::testing::{
        Api, approved_team, challenge, closed_phase, handed_in, invitation_of, participation_of,
        registered, set_state, sign_as, sign_in, team_of,
    };
    use molar_web_kit::testing::{noon, person};

    const ADA: &str = "ada@example.org";
    const PATH: &str = "/api/v1/me/delete";

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_remains_of_an_account_names_nobody(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = registered(&api, ADA).await;
        sign_as(&ada).await;
        let molars = team_of(&ada, "Molars").await;
        let body = json!({"email": ADA});
        api.nobody().post("/api/v1/accounts/reset", body).await;

        let wrong = json!({"password": "a wild guess"});
        assert_eq!(ada.post(PATH, wrong).await.0, 422);
        let right = json!({"password": "correct horse"});
        assert_eq!(ada.post(PATH, right).await.0, 204);
        assert_eq!(ada.get("/api/v1/me").await.0, 401);
        assert_eq!(sign_in(&api, ADA, "correct horse").await, Err(422));

        let left = sqlx::query_scalar!(
            r#"SELECT concat((SELECT string_agg(u::text, '') FROM registration.users u),
                             (SELECT string_agg(m::text, '') FROM registration.mails m),
                             (SELECT string_agg(t::text, '') FROM registration.tokens t),
                             (SELECT string_agg(l::text, '') FROM registration.mail_links l),
                             (SELECT string_agg(a::text, '') FROM registration.agreements a),
                             (SELECT string_agg(p::text, '') FROM audit.personal p)) AS "all!""#
        );
        let left = left.fetch_one(&pool).await.unwrap();
        for personal in [ADA, "Ada", "Analytical", "argon2"] {
            assert!(!left.contains(personal), "{personal} is in {left}");
        }
        let signed =
            sqlx::query!("SELECT version, text_sha256, signed_at FROM registration.agreements");
        let signed = signed.fetch_one(&pool).await.unwrap();
        assert_eq!((signed.version.as_str(), signed.signed_at), ("1", noon()));
        let broken = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM audit.breaks()"#);
        assert_eq!(broken.fetch_one(&pool).await.unwrap(), 0);
        let seen =
            sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM registration.sightings"#);
        assert_eq!(seen.fetch_one(&pool).await.unwrap(), 0);
        let members = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM registration.memberships WHERE team_id = $1"#,
            molars.parse::<uuid::Uuid>().unwrap()
        );
        assert_eq!(members.fetch_one(&pool).await.unwrap(), 0);

        registered(&api, ADA).await;
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_that_competes_passes_on_but_not_to_nobody(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = registered(&api, ADA).await;
        sign_as(&ada).await;
        let molars = team_of(&ada, "Molars").await;
        let place = participation_of(&ada, &molars, demo.track).await;
        set_state(&pool, &place, "approved").await;
        let body = json!({"password": "correct horse"});
        let (status, problem) = ada.post(PATH, body.clone()).await;
        assert_eq!((status, &problem["code"]), (409, &json!("last-member")));
        insta::assert_json_snapshot!(problem["detail"], @r#""you are the last member of Molars, which has a place in a track; invite somebody who takes over, or withdraw the place, at /teams""#);
        assert_eq!(ada.get("/api/v1/me").await.0, 200, "nothing is half done");

        let grace = registered(&api, "grace@example.org").await;
        sign_as(&grace).await;
        let token = invitation_of(&ada, &molars).await;
        let accept = format!("/api/v1/invitations/{token}/accept");
        assert_eq!(grace.post(&accept, json!({})).await.0, 200);
        assert_eq!(ada.post(PATH, body).await.0, 204);
        let (_, team) = grace.get(&format!("/api/v1/teams/{molars}")).await;
        let (_, me) = grace.get("/api/v1/me").await;
        assert_eq!(team["captain_id"], me["id"]);
        assert_eq!(team["members"].as_array().unwrap().len(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_last_of_a_team_whose_ranks_are_final_may_go_and_they_stay(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = registered(&api, ADA).await;
        let (molars, place) = approved_team(&pool, &demo, &ada, "Molars").await;
        let phase = closed_phase(&pool, &demo).await;
        // Who of the team it was does not matter.
        let bob = person(&pool, "Bob").await;
        handed_in(&pool, &molars, &bob, phase, "ab", None).await;

        let withdraw = format!("/api/v1/participations/{place}/withdraw");
        let (status, refused) = ada.post(&withdraw, json!({})).await;
        assert_eq!(
            (status, &refused["code"]),
            (409, &json!("ranks-final")),
            "{refused}"
        );
        let body = json!({"password": "correct horse"});
        let (status, refused) = ada.post(PATH, body).await;
        assert_eq!(status, 204, "{refused}");
        let state = sqlx::query_scalar!("SELECT state FROM registration.participations");
        assert_eq!(state.fetch_one(&pool).await.unwrap(), "approved");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_only_administrator_stays(pool: PgPool) {
        let api = Api::new(&pool).await;
        let make = async |email: &str| {
            create_admin(&pool, noon(), email, "Root", "correct horse".into())
                .await
                .unwrap();
            api.with_token(&sign_in(&api, email, "correct horse").await.unwrap())
        };
        let root = make("root@example.org").await;
        let body = json!({"password": "correct horse"});
        let (status, problem) = root.post(PATH, body.clone()).await;
        assert_eq!((status, &problem["code"]), (409, &json!("last-admin")));
        make("other@example.org").await;
        assert_eq!(root.post(PATH, body).await.0, 204);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn of_two_administrators_who_go_at_once_one_stays(pool: PgPool) {
        let make = async |email: &str| {
            create_admin(&pool, noon(), email, "Root", "correct horse".into())
                .await
                .unwrap();
            let user = super::rows::by_email(&pool, email).await.unwrap();
            user.unwrap().id
        };
        let (one, other) = (
            make("root@example.org").await,
            make("other@example.org").await,
        );
        let mut first = pool.begin().await.unwrap();
        assert!(super::rows::has_other_admin(&mut first, one).await.unwrap());
        let mut second = pool.begin().await.unwrap();
        let mut looks = Box::pin(super::rows::has_other_admin(&mut second, other));
        let a_while = std::time::Duration::from_millis(300);
        let waited = tokio::time::timeout(a_while, &mut looks).await;
        assert!(waited.is_err(), "the second waits for the first");
        super::rows::anonymise(&mut first, one, noon())
            .await
            .unwrap();
        first.commit().await.unwrap();
        assert!(!looks.await.unwrap());
    }
}
