//! `POST /api/v1/participations/{id}/withdraw`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::ParticipationId;
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgConnection;

use super::decide::{self, Words};
use super::rows::{self, Place};
use super::{ParticipationView, State, Step, list};
use crate::{Error, teams};

/// Gives the team's place up, by its captain. Its entries leave the board; to come back it must ask again. Its
/// members are free for another team, unless this one has handed something in in the track. Once a phase of the track has
/// closed in which something of the team stands, its ranks are final: only organizers take a place away then.
#[utoipa::path(
    post,
    path = "/api/v1/participations/{id}/withdraw",
    tag = "participations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ParticipationView))
)]
#[tracing::instrument(name = "participations.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
) -> Result<web::Json<ParticipationView>, ApiError> {
    Ok(web::Json(withdraw_team(&kit, &caller, *id).await?))
}

pub async fn withdraw_team(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
) -> Result<ParticipationView, Error> {
    let seen = list::find(kit, caller, id).await?;
    let mut tx = kit.db.begin().await?;
    let team = teams::rows::lock(&mut tx, seen.team_id).await?;
    if team.captain_id != caller.user_id {
        return Err(ApiError::forbidden("only the team's captain withdraws it").into());
    }
    let place = rows::find(&mut *tx, id).await?;
    let now = kit.clock.now();
    require_no_final_ranks(&mut tx, &place, &seen.challenge, now).await?;
    decide::take(
        &mut tx,
        kit,
        caller,
        &place,
        Step::Withdraw,
        &Words::default(),
    )
    .await?;
    tx.commit().await?;
    list::find(kit, caller, id).await
}

/// With the team all behind it would move up, knowing the scores. Who only asked for a place has no rank.
async fn require_no_final_ranks(
    conn: &mut PgConnection,
    place: &Place,
    challenge: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if place.state != State::Approved {
        return Ok(());
    }
    let all = rows::final_ranks(conn, place.team_id, now).await?;
    let Some(of) = all.into_iter().find(|of| of.track_id == place.track_id) else {
        return Ok(());
    };
    let why = format!(
        "{} has closed and the team stands in its ranks, which are final: it cannot give its place up itself any more; if it has to leave, the organizers can take it out: ask them at /questions/new?challenge={challenge}",
        of.phase
    );
    Err(ApiError::conflict(why).with_code("ranks-final").into())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_web_kit::testing::{Person, noon, organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{
        Api, Challenge, approved_team, challenge, closed_phase, handed_in, join, participation,
        phase, set_state, sign, team,
    };

    /// A captain whose team has its place, the team, and the path by which it gives that up.
    async fn placed(
        pool: &PgPool,
        api: &Api,
        demo: &Challenge,
        name: &str,
    ) -> (Person, String, String) {
        let captain = person(pool, name).await;
        let (team, place) = approved_team(pool, demo, &api.of(&captain), name).await;
        let path = format!("/api/v1/participations/{place}/withdraw");
        (captain, team, path)
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_stands_in_a_phase_that_takes_no_upload_any_more_keeps_its_place(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let closes_at = noon() + TimeDelta::hours(1);
        let phase = phase(&pool, &demo, closes_at - TimeDelta::days(30)).await;
        sqlx::query!("UPDATE tracks.phases SET upload_grace_s = 600")
            .execute(&pool)
            .await
            .unwrap();
        let (eve, early, eves) = placed(&pool, &api, &demo, "Early").await;
        let (ada, molars, adas) = placed(&pool, &api, &demo, "Molars").await;
        let (bob, _, bobs) = placed(&pool, &api, &demo, "Canines").await;
        handed_in(&pool, &early, &eve, phase, "aa", None).await;
        handed_in(&pool, &molars, &ada, phase, "bb", None).await;

        let until = TimeDelta::minutes(70);
        api.clock.advance(until - TimeDelta::milliseconds(1));
        assert_eq!(api.of(&eve).post(&eves, json!({})).await.0, 200);
        api.clock.advance(TimeDelta::milliseconds(1));
        let (status, problem) = api.of(&ada).post(&adas, json!({})).await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("ranks-final")),
            "{problem}"
        );
        assert_eq!(
            problem["detail"],
            "OPG: Final has closed and the team stands in its ranks, which are final: it cannot give its place up itself any more; if it has to leave, the organizers can take it out: ask them at /questions/new?challenge=demo"
        );
        // Whoever handed nothing in has no rank.
        assert_eq!(api.of(&bob).post(&bobs, json!({})).await.0, 200);

        let olga = organizer(&pool, "Olga", demo.id).await;
        let path = adas.replace("/withdraw", "/disqualify");
        let why = json!({"reason": "it asked to leave"});
        let (status, out) = api.of(&olga).post(&path, why).await;
        assert_eq!((status, &out["state"]), (200, &json!("disqualified")));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_ranks_nowhere_keeps_no_team(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let phase = closed_phase(&pool, &demo).await;
        let (ada, late, adas) = placed(&pool, &api, &demo, "Late").await;
        let (bob, taken_out, bobs) = placed(&pool, &api, &demo, "Taken out").await;
        let (cem, tried, cems) = placed(&pool, &api, &demo, "Tried").await;
        let id = handed_in(&pool, &late, &ada, phase, "aa", None).await;
        sqlx::query!(
            "UPDATE submission.uploads SET state = 'expired' WHERE submission_id = $1",
            id
        )
        .execute(&pool)
        .await
        .unwrap();
        let id = handed_in(&pool, &taken_out, &bob, phase, "bb", None).await;
        sqlx::query!(
            "UPDATE submission.submissions SET withdrawn_at = created_at WHERE id = $1",
            id
        )
        .execute(&pool)
        .await
        .unwrap();
        let id = handed_in(&pool, &tried, &cem, phase, "cc", Some("sha256:cc")).await;
        sqlx::query!(
            "UPDATE submission.submissions SET is_trial = true WHERE id = $1",
            id
        )
        .execute(&pool)
        .await
        .unwrap();
        // A container that was taken, and failed its canary.
        let (dora, broken, doras) = placed(&pool, &api, &demo, "Broken").await;
        let id = handed_in(&pool, &broken, &dora, phase, "dd", Some("sha256:dd")).await;
        let (status, problem) = api.of(&dora).post(&doras, json!({})).await;
        assert_eq!(status, 409, "as long as it is in work: {problem}");
        sqlx::query!(
            "INSERT INTO execution.attempts (id, submission_id, number, phase_id, team_id, state, image_digest, archive_key,
                 archive_size_bytes, limits, device_class, format, failure, created_at, finished_at)
             SELECT gen_random_uuid(), id, 1, phase_id, team_id, 'failed', 'sha256:dd', 'dd', 1, '{}', 'cpu', 'nifti',
                 'canary-failed', created_at, created_at
             FROM submission.submissions WHERE id = $1",
            id
        )
        .execute(&pool)
        .await
        .unwrap();
        for (captain, path) in [(&ada, &adas), (&bob, &bobs), (&cem, &cems), (&dora, &doras)] {
            let (status, problem) = api.of(captain).post(path, json!({})).await;
            assert_eq!(status, 200, "{problem}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_captain_withdraws_and_nobody_else(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let path = format!("/api/v1/participations/{place}/withdraw");

        let olga = organizer(&pool, "Olga", demo.id).await;
        for other in [&grace, &olga] {
            let (status, problem) = api.of(other).post(&path, json!({})).await;
            assert_eq!(status, 403, "{problem}");
        }
        assert_eq!(
            api.of(&person(&pool, "Eve").await)
                .post(&path, json!({}))
                .await
                .0,
            404
        );
        let (status, withdrawn) = api.of(&ada).post(&path, json!({})).await;
        assert_eq!((status, &withdrawn["state"]), (200, &json!("withdrawn")));
        assert_eq!(api.of(&ada).post(&path, json!({})).await.0, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn people_of_a_team_that_handed_something_in_are_bound_to_it_also_when_it_withdrew(
        pool: PgPool,
    ) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let withdraw = format!("/api/v1/participations/{place}/withdraw");
        set_state(&pool, &place, "approved").await;
        let phase = phase(&pool, &demo, noon()).await;
        handed_in(&pool, &molars, &ada, phase, "ab", None).await;
        assert_eq!(api.of(&ada).post(&withdraw, json!({})).await.0, 200);

        let others = team(&api, &ada, "Others").await;
        let ask = |team: &str| json!({"team_id": team, "track_id": demo.track});
        let (status, problem) = api
            .of(&ada)
            .post("/api/v1/participations", ask(&others))
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("in-another-team")),
            "{problem}"
        );
        // With the same team she comes back.
        let (status, back) = api
            .of(&ada)
            .post("/api/v1/participations", ask(&molars))
            .await;
        assert_eq!(status, 201, "{back}");
    }
}
