//! Phases that hold the members of teams as they are.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::TeamId;
use serde::Serialize;
use sqlx::PgExecutor;

use crate::Error;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Lock {
    /// Track and phase, by their titles.
    pub phase: String,
    pub from: DateTime<Utc>,
    /// An organizer allows changes until then.
    pub unlocked_until: Option<DateTime<Utc>>,
    /// Whether it holds now.
    pub is_locked: bool,
    #[serde(skip)]
    challenge: String,
    #[serde(skip)]
    zone: Tz,
}

/// The first phase that locks the team, in a track where it has a place.
pub async fn find(
    db: impl PgExecutor<'_>,
    team: TeamId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Lock>> {
    let row = sqlx::query!(
        r#"
        SELECT l.phase_title AS "phase!", l.track_title AS "track!", l.opens_at AS "opens_at!",
               l.challenge_slug AS "challenge!", l.zone AS "zone!", t.unlocked_until
        FROM tracks.team_locks l
        JOIN registration.participations p ON p.track_id = l.track_id
        JOIN registration.teams t ON t.id = p.team_id
        WHERE p.team_id = $1 AND p.state IN ('approved', 'disqualified')
        ORDER BY l.opens_at LIMIT 1
        "#,
        team.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Lock {
        phase: format!("{}: {}", row.track, row.phase),
        from: row.opens_at,
        unlocked_until: row.unlocked_until.filter(|until| *until > now),
        is_locked: row.opens_at <= now && row.unlocked_until.is_none_or(|until| until <= now),
        challenge: row.challenge,
        zone: row.zone.parse().unwrap_or(Tz::UTC),
    }))
}

/// Insists that members may change now. The team's lock is held.
pub async fn require_open(
    db: impl PgExecutor<'_>,
    team: TeamId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    match find(db, team, now).await? {
        Some(lock) if lock.is_locked => Err(lock.error()),
        _ => Ok(()),
    }
}

impl Lock {
    /// In the challenge's zone.
    pub fn since(&self) -> String {
        let local = self.from.with_timezone(&self.zone);
        local.format("%-d %B %Y, %H:%M %Z").to_string()
    }

    fn error(self) -> Error {
        Error::TeamLocked {
            since: self.since(),
            phase: self.phase,
            challenge: self.challenge,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_web_kit::testing::{noon, organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{
        Api, challenge, invitation, join, locking_phase, participation, phase, set_state, sign,
        team,
    };

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn members_stay_as_they_are_from_the_opening_of_a_phase_that_locks_teams(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let eve = person(&pool, "Eve").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let token = invitation(&api, &ada, &molars).await;
        locking_phase(&pool, &demo, noon() + TimeDelta::hours(1)).await;
        set_state(&pool, &place, "approved").await;

        let team_path = format!("/api/v1/teams/{molars}");
        let (_, seen) = api.of(&ada).get(&team_path).await;
        assert_eq!(seen["lock"]["is_locked"], false);
        assert_eq!(seen["lock"]["phase"], "OPG: Final");

        // The opening itself is inclusive.
        api.clock.advance(TimeDelta::hours(1));
        let accept = format!("/api/v1/invitations/{token}/accept");
        let (_, locked) = api.of(&eve).post(&accept, json!({})).await;
        insta::assert_json_snapshot!(locked, @r#"
        {
          "code": "team-locked",
          "detail": "the members of this team cannot change since OPG: Final opened on 1 September 2026, 15:00 CEST; the organizers can allow a change: ask them at /questions/new?challenge=demo",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let leave = format!("{team_path}/members/me");
        let remove = format!("{team_path}/members/{}", grace.id);
        assert_eq!(api.of(&grace).delete(&leave).await.1["code"], "team-locked");
        assert_eq!(api.of(&ada).delete(&remove).await.1["code"], "team-locked");
        let invite = format!("{team_path}/invitations");
        assert_eq!(
            api.of(&ada).post(&invite, json!({})).await.1["code"],
            "team-locked"
        );
        // Who leads it is not who is in it.
        let over = json!({"user_id": grace.id});
        let hand_over = format!("{team_path}/hand-over");
        assert_eq!(api.of(&ada).post(&hand_over, over).await.0, 200);

        let olga = organizer(&pool, "Olga", demo.id).await;
        let unlock = format!("{team_path}/unlock");
        let why = json!({"reason": "a member fell ill"});
        assert_eq!(api.of(&ada).post(&unlock, why.clone()).await.0, 403);
        assert_eq!(
            api.of(&olga).post(&unlock, json!({"reason": ""})).await.0,
            422
        );
        assert_eq!(api.of(&olga).post(&unlock, why).await.0, 200);
        assert_eq!(api.of(&eve).post(&accept, json!({})).await.0, 200);
        api.clock.advance(TimeDelta::hours(25));
        // The tokens of tests are good for a day.
        #[expect(clippy::disallowed_methods, reason = "a test")]
        sqlx::query("UPDATE registration.tokens SET expires_at = expires_at + interval '9 days'")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(api.of(&eve).delete(&leave).await.1["code"], "team-locked");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_that_opens_after_another_locks_teams_from_its_publication_on(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        set_state(&pool, &place, "approved").await;
        let last = phase(&pool, &demo, noon() - TimeDelta::days(9)).await;
        locking_phase(&pool, &demo, noon() - TimeDelta::hours(1)).await;
        sqlx::query!(
            "UPDATE tracks.phases SET opens_after = $1 WHERE id <> $1",
            last
        )
        .execute(&pool)
        .await
        .unwrap();
        let path = format!("/api/v1/teams/{molars}");
        let (_, seen) = api.of(&ada).get(&path).await;
        assert_eq!(seen["lock"], json!(null));
        sqlx::query!(
            "UPDATE tracks.phases SET published_at = $2, closes_at = $2 WHERE id = $1",
            last,
            noon()
        )
        .execute(&pool)
        .await
        .unwrap();
        let (_, seen) = api.of(&ada).get(&path).await;
        assert_eq!(seen["lock"]["is_locked"], true);
        assert_eq!(seen["lock"]["from"], "2026-09-01T12:00:00Z");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_locks_only_teams_with_a_place_in_its_track(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.other_track).await;
        set_state(&pool, &place, "approved").await;
        participation(&api, &ada, &molars, demo.track).await;
        locking_phase(&pool, &demo, noon() - TimeDelta::hours(1)).await;
        join(&api, &molars, &ada, &grace).await;
        let (_, seen) = api.of(&ada).get(&format!("/api/v1/teams/{molars}")).await;
        assert_eq!(seen["lock"], json!(null), "asked for is not given");
    }
}
