//! `GET /api/v1/submissions/{id}/events`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::see;
use crate::rows::events;

/// Something that happened to a submission.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionEvent)]
pub struct Event {
    pub at: DateTime<Utc>,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it took, or how long it was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionEvents)]
pub struct Events {
    pub items: Vec<Event>,
}

/// A submission's whole life in the order of time, for organizers and reviewers: uploads, checks, attempts, runs of
/// cases, evaluations, places on boards and acts of people.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/events", tag = "submission", params(("id" = Uuid, Path)),
    responses((status = 200, body = Events)))]
#[tracing::instrument(name = "submissions.events", skip_all, fields(submission.id = %id))]
pub async fn events(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<Events>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let items = all(&mut conn, &caller, *id).await?;
    Ok(web::Json(Events { items }))
}

/// A team is told on its own page what is its to know.
pub async fn all(
    conn: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
) -> Result<Vec<Event>, ApiError> {
    let seen = see(conn, caller, id).await?;
    if !seen.is_reviewer {
        return Err(ApiError::forbidden(
            "the whole of it is for organizers and reviewers; the page of the submission has what is yours to know",
        ));
    }
    let rows = events::list(conn, id).await?;
    Ok(rows
        .into_iter()
        .map(|row| Event {
            at: row.at,
            what: row.what,
            detail: row.detail.filter(|detail| !detail.is_empty()),
            seconds: row.seconds,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use molar_domain::attempt::AttemptState;
    use molar_domain::case_run::CaseRunState;
    use molar_testkit::{
        AttemptBuilder, ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder,
    };
    use molar_web_kit::testing::organizer;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_reads_a_whole_life_in_order_and_its_team_does_not(pool: PgPool) {
        let world = World::new(&pool).await;
        let phase = PhaseBuilder::new("final").kind(molar_domain::phase::SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("other")
            .phase(phase)
            .insert(&pool)
            .await;
        let team = TeamBuilder::new(&challenge, "Molars")
            .member(world.member.id)
            .insert(&pool)
            .await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(&pool)
            .await;
        AttemptBuilder::new(&challenge, &submission)
            .state(AttemptState::Finished)
            .case_runs(CaseRunState::Finished)
            .insert(&pool)
            .await;
        let olga = organizer(&pool, "Olga", challenge.id).await;
        let path = format!("/api/v1/submissions/{}/events", submission.id);
        let (status, life) = world.get_as(&olga, &path).await;
        assert_eq!(status.as_u16(), 200, "{life}");
        let items = life["items"].as_array().unwrap();
        let what: Vec<_> = items
            .iter()
            .map(|one| one["what"].as_str().unwrap())
            .collect();
        assert_eq!(what[0], "created");
        for expected in [
            "uploaded",
            "checked",
            "attempt 1 queued",
            "attempt 1 finished",
            "case Case_01 finished",
        ] {
            assert!(what.contains(&expected), "{expected} in {what:?}");
        }
        let at: Vec<_> = items
            .iter()
            .map(|one| one["at"].as_str().unwrap())
            .collect();
        assert!(at.is_sorted(), "{at:?}");
        let page = format!("/organize/submissions/{}", submission.id);
        let (_, html) = world.page_as(&olga, &page).await;
        assert!(html.contains("attempt 1 finished"), "{html}");
        assert_eq!(world.get(&path).await.0.as_u16(), 403);
    }
}
