//! `GET /api/v1/submissions/all`: everybody's, for organizers and reviewers.

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::FailureCode;
use molar_domain::phase::SubmissionKind;
use molar_domain::submission::SubmissionState;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::list::{challenges, items};
use super::view::SubmissionItem;

/// Looked at for one page: where few of many fit, the page is short and says where to go on.
const LOOKED_AT: usize = 2000;
const BATCH: i64 = 200;

#[derive(Debug, Default, Clone, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Slug of a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// `predictions` or `container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub kind: Option<SubmissionKind>,
    /// As submissions show it: `queued`, `running`, `scored`, `failed` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub state: Option<SubmissionState>,
    /// A failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub failure: Option<FailureCode>,
    /// Created at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Created before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

/// Submissions of all teams in the challenges that you organize or review, newest first.
#[utoipa::path(get, path = "/api/v1/submissions/all", tag = "submission", params(Query),
    responses((status = 200, body = Page<SubmissionItem>)))]
#[tracing::instrument(name = "submissions.all", skip_all)]
pub async fn all(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<Page<SubmissionItem>>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    Ok(web::Json(page(&mut conn, &caller, &query).await?))
}

pub async fn page(
    conn: &mut PgConnection,
    caller: &Caller,
    query: &Query,
) -> Result<Page<SubmissionItem>, ApiError> {
    let challenges = challenges(caller);
    if challenges.as_ref().is_some_and(Vec::is_empty) {
        return Err(ApiError::forbidden(
            "this list is for organizers and reviewers; `/api/v1/submissions` has those of your teams",
        ));
    }
    let paging = PageQuery::new(query.cursor, query.limit)?;
    let (mut before, mut looked_at) = (paging.after(), 0);
    let mut fitting = Vec::new();
    loop {
        let ids = list(&mut *conn, query, challenges.as_deref(), before).await?;
        before = ids.last().copied();
        looked_at += ids.len();
        let found = items(conn, &ids).await?;
        fitting.extend(found.into_iter().filter(|item| query.fits(item)));
        let is_last = ids.len() < BATCH as usize;
        if fitting.len() > paging.limit() || is_last {
            return Ok(Page::of(fitting, &paging, |item| item.id));
        }
        if looked_at >= LOOKED_AT {
            return Ok(Page {
                items: fitting,
                next: before.map(Cursor),
            });
        }
    }
}

impl Query {
    /// By what only the whole of the rows says.
    fn fits(&self, item: &SubmissionItem) -> bool {
        self.state.is_none_or(|state| item.state == state)
            && self.failure.is_none_or(|code| item.failure == Some(code))
    }
}

async fn list(
    db: impl PgExecutor<'_>,
    query: &Query,
    challenges: Option<&[Uuid]>,
    before: Option<Uuid>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT s.id FROM submission.submissions s JOIN tracks.phase_facts p ON p.phase_id = s.phase_id
           WHERE ($1::uuid[] IS NULL OR p.challenge_id = ANY ($1)) AND ($2::text IS NULL OR p.challenge_slug = $2)
             AND ($3::uuid IS NULL OR s.phase_id = $3) AND ($4::uuid IS NULL OR s.team_id = $4)
             AND ($5::text IS NULL OR s.kind = $5) AND ($6::timestamptz IS NULL OR s.created_at >= $6)
             AND ($7::timestamptz IS NULL OR s.created_at < $7) AND ($8::uuid IS NULL OR s.id < $8)
           ORDER BY s.id DESC LIMIT $9"#,
        challenges,
        query.challenge,
        query.phase_id,
        query.team_id,
        query.kind.map(SubmissionKind::as_str),
        query.since,
        query.until,
        before,
        BATCH,
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use molar_testkit::{SubmissionBuilder, TeamBuilder};
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn organizers_filter_everybodys_submissions_and_others_see_none(pool: PgPool) {
        let world = World::new(&pool).await;
        let other = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        let accepted = SubmissionBuilder::new(&world.challenge, &other)
            .insert(&pool)
            .await;
        let cancelled = SubmissionBuilder::new(&world.challenge, &other)
            .cancelled()
            .insert(&pool)
            .await;
        let olga = organizer(&pool, "Olga", world.challenge.id).await;
        let of = async |filter: &str| {
            let path = format!("/api/v1/submissions/all?{filter}");
            let (_, page) = world.get_as(&olga, &path).await;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            let mut ids: Vec<_> = items
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect();
            ids.sort();
            ids
        };
        let sorted = |ids: &[molar_domain::SubmissionId]| {
            let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            ids.sort();
            ids
        };
        let both = sorted(&[accepted.id, cancelled.id]);
        assert_eq!(of("").await, both);
        assert_eq!(of("state=cancelled").await, sorted(&[cancelled.id]));
        assert_eq!(of(&format!("team_id={}", other.id)).await, both);
        assert_eq!(of("challenge=elsewhere").await, sorted(&[]));
        assert_eq!(of("kind=container").await, sorted(&[]));
        assert_eq!(of("failure=worker-lost").await, sorted(&[]));
        assert_eq!(of("since=2100-01-01T00:00:00Z").await, sorted(&[]));
        assert_eq!(of("until=2100-01-01T00:00:00Z").await, both);
        // Keyset: each once.
        let (_, first) = world.get_as(&olga, "/api/v1/submissions/all?limit=1").await;
        let next = format!("limit=1&cursor={}", first["next"].as_str().unwrap());
        let second = of(&next).await;
        assert_eq!(second.len(), 1);
        assert_ne!(first["items"][0]["id"], second[0].as_str());

        let eve = person(&pool, "Eve").await;
        let (status, _) = world.get_as(&eve, "/api/v1/submissions/all").await;
        assert_eq!(status.as_u16(), 403);
    }
}
