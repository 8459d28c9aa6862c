//! `GET /api/v1/splits/{id}/cases`

use actix_web::web;
use molar_domain::SplitId;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::splits::{self, Split};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CaseView {
    pub id: Uuid,
    pub name: String,
    pub image_name: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// `announced` or `stored`.
    pub state: String,
    /// Of the image: `[height, width]` or `[x, y, z]`; none where it does not tell.
    pub shape: Option<Vec<i32>>,
    /// Why the image cannot be used, and how to mend it.
    pub image_complaint: Option<String>,
    /// Of the newest version.
    pub reference: Option<ReferenceView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReferenceView {
    pub version: i32,
    pub size_bytes: i64,
    pub sha256: String,
    /// `announced` or `stored`.
    pub state: String,
    /// None until it was read.
    pub is_good: Option<bool>,
    /// Why it is not good, and how to mend it.
    pub complaint: Option<String>,
    /// What is odd about it, and no reason to refuse it.
    pub warning: Option<String>,
}

/// The cases of a split with what reading their references showed; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/splits/{id}/cases",
    tag = "cases",
    params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = Page<CaseView>))
)]
#[tracing::instrument(name = "cases.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<CaseView>>, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    caller.require_reviewer(split.challenge_id())?;
    Ok(web::Json(page(&kit.db, &split, &query).await?))
}

pub async fn page(
    db: impl PgExecutor<'_>,
    split: &Split,
    query: &PageQuery,
) -> sqlx::Result<Page<CaseView>> {
    let rows = sqlx::query_file!(
        "queries/list_cases.sql",
        split.id,
        query.after().unwrap_or_default(),
        query.fetch(),
    )
    .fetch_all(db)
    .await?;
    let cases = rows.into_iter().map(|row| CaseView {
        id: row.id,
        name: row.name,
        image_name: row.image_name,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
        state: row.state,
        shape: row.shape,
        image_complaint: row.image_complaint,
        reference: row.reference_state.map(|state| ReferenceView {
            version: row.version.unwrap_or_default(),
            size_bytes: row.reference_size_bytes.unwrap_or_default(),
            sha256: row.reference_sha256.unwrap_or_default(),
            state,
            is_good: row.is_good,
            complaint: row.complaint,
            warning: row.warning,
        }),
    });
    Ok(Page::of(cases.collect(), query, |case: &CaseView| case.id))
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use serde_json::Value;
    use sqlx::{AssertSqlSafe, PgPool};
    use uuid::Uuid;

    /// As many as the challenge has images and slices.
    const MANY: i32 = 90_000;

    /// Blocks touched and rows read below the limit, of one page.
    async fn cost(pool: &PgPool, sql: &str, split: Uuid, after: Uuid) -> (u64, u64, u64) {
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
        let told: Value = sqlx::query_scalar(AssertSqlSafe(explain))
            .bind(split)
            .bind(after)
            .bind(101_i64)
            .fetch_one(pool)
            .await
            .unwrap();
        let plan = &told[0]["Plan"];
        let number = |name: &str| plan[name].as_u64().unwrap();
        let blocks = number("Shared Hit Blocks") + number("Shared Read Blocks");
        (number("Actual Rows"), blocks, most_rows(plan))
    }

    /// Of the step that passes most rows in one go, also those that it throws away.
    fn most_rows(plan: &Value) -> u64 {
        let number = |name: &str| plan[name].as_f64().unwrap_or_default() as u64;
        let own = number("Actual Rows") + number("Rows Removed by Filter");
        let below = plan["Plans"].as_array().into_iter().flatten();
        below.map(most_rows).max().unwrap_or_default().max(own)
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_last_page_of_ninety_thousand_cases_costs_what_the_first_does(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").cases(&[]).insert(&pool).await;
        sqlx::query!(
            "INSERT INTO tracks.cases
                 (id, split_id, name, image_bucket, image_key, image_name, size_bytes, sha256, state, created_at, stored_at)
             SELECT gen_random_uuid(), $1, 'Slice_' || n, 'hidden', 'Slice_' || n, 'Slice_' || n || '.png', 1,
                    '00', 'stored', now(), now()
             FROM generate_series(1, $2) n",
            demo.split_id.0,
            MANY,
        )
        .execute(&pool)
        .await
        .unwrap();
        sqlx::query!(
            "WITH r AS (INSERT INTO tracks.case_references
                 (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             SELECT gen_random_uuid(), $1, id, name, 1, '00', 'stored', now() FROM tracks.cases RETURNING id, case_id)
             INSERT INTO scoring.reference_facts (reference_id, case_id, reference_set_id, is_good, sha256, read_at)
             SELECT id, case_id, $1, true, '00', now() FROM r",
            demo.reference_set_id.0,
        )
        .execute(&pool)
        .await
        .unwrap();
        sqlx::raw_sql("ANALYZE").execute(&pool).await.unwrap();
        let (split, last) = (demo.split_id.0, last_page(&pool).await);
        for sql in [
            include_str!("../../queries/list_cases.sql"),
            include_str!("../../queries/manifest.sql"),
        ] {
            let (rows, first_blocks, first_most) = cost(&pool, sql, split, Uuid::nil()).await;
            assert_eq!(rows, 101);
            let (rows, blocks, most) = cost(&pool, sql, split, last).await;
            assert_eq!(rows, 100, "{sql}");
            // Each row of a page is looked up in at most three indexes of three levels.
            assert!(first_blocks < 2000, "{first_blocks} blocks: {sql}");
            assert!(blocks < 2000, "{blocks} after {first_blocks}: {sql}");
            assert!(
                first_most <= 101 && most <= 101,
                "{first_most} {most}: {sql}"
            );
        }
    }

    /// Where the last hundred begin.
    async fn last_page(pool: &PgPool) -> Uuid {
        sqlx::query_scalar!("SELECT id FROM tracks.cases ORDER BY id DESC OFFSET 100 LIMIT 1")
            .fetch_one(pool)
            .await
            .unwrap()
    }
}
