//! `GET /api/v1/submissions/{id}/measures`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::{Seen, see};
use super::rounding::{mib, tenths};
use crate::rows::measures::{self, Measures};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MeasureList {
    pub items: Vec<MeasureView>,
}

/// What a run used. Whole MiB and MiB·s, tenths of seconds.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MeasureView {
    pub name: String,
    pub is_canary: bool,
    pub wall_s: Option<f64>,
    pub cpu_core_s: Option<f64>,
    /// The largest of the samples, without page cache that the kernel would give back.
    pub peak_memory_mib: Option<f64>,
    /// The kernel's own, page cache included.
    pub kernel_peak_memory_mib: Option<f64>,
    pub memory_area_mib_s: Option<f64>,
    /// Absent without a GPU, as are the next two.
    pub gpu_peak_mib: Option<f64>,
    pub gpu_area_mib_s: Option<f64>,
    /// Used before the container was started; part of the area.
    pub gpu_baseline_mib: Option<f64>,
    /// Where the curves are; of a hidden case for organizers and reviewers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    #[serde(skip)]
    pub case_run_id: Uuid,
    #[serde(skip)]
    pub series_key: Option<String>,
}

/// What each run used.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/measures", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = MeasureList)))]
#[tracing::instrument(name = "submissions.measures", skip_all, fields(submission.id = %id))]
pub async fn measures(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<MeasureList>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let seen = see(&mut conn, &caller, *id).await?;
    let items = list(&mut conn, &seen).await?;
    Ok(web::Json(MeasureList { items }))
}

pub async fn list(conn: &mut PgConnection, seen: &Seen) -> Result<Vec<MeasureView>, ApiError> {
    let phase = &seen.phase;
    let shows = phase.shows_scores() || seen.is_reviewer;
    let rows = measures::list(conn, seen.life.shown().0).await?;
    let told = rows.into_iter().filter(|row| shows || row.is_canary);
    Ok(told.map(|row| view(row, seen.is_reviewer)).collect())
}

/// A container could write the image of a hidden case into its memory curve.
fn view(row: Measures, is_reviewer: bool) -> MeasureView {
    let key = row.series_key.filter(|_| row.is_public || is_reviewer);
    let run = row.case_run_id;
    MeasureView {
        series: key
            .is_some()
            .then(|| format!("/api/v1/case-runs/{run}/series")),
        series_key: key,
        case_run_id: run,
        name: row.name,
        is_canary: row.is_canary,
        wall_s: row.wall_ms.map(|ms| tenths(ms as f64 / 1000.0)),
        cpu_core_s: row.cpu_core_s.map(tenths),
        peak_memory_mib: row.peak_memory_bytes.map(mib),
        kernel_peak_memory_mib: row.kernel_peak_memory_bytes.map(mib),
        memory_area_mib_s: row.memory_area_mib_s.map(f64::round),
        gpu_peak_mib: row.gpu_peak_mib.map(f64::round),
        gpu_area_mib_s: row.gpu_area_mib_s.map(f64::round),
        gpu_baseline_mib: row.gpu_baseline_mib.map(f64::round),
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{AttemptBuilder, ChallengeBuilder, SubmissionBuilder};
    use molar_web_kit::testing;
    use sqlx::PgPool;

    use crate::testing::{World, open_phase};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_gets_the_figures_of_its_runs_and_the_curves_of_public_cases(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container).is_final();
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(&pool)
            .await;
        let attempt = AttemptBuilder::new(&world.challenge, &submission)
            .state(AttemptState::Finished)
            .insert(&pool)
            .await;
        sqlx::query!(
            "UPDATE execution.case_runs SET series_key = 'a/series.json.gz', wall_ms = 1234, cpu_core_s = 2.345,
                 peak_memory_bytes = 314572800, memory_area_mib_s = 299.6"
        )
        .execute(&pool)
        .await
        .unwrap();
        let path = format!("/api/v1/submissions/{}/measures", submission.id);
        let (_, mut unpublished) = world.get(&path).await;
        let canary = attempt.canary.as_ref().unwrap().id;
        assert_eq!(
            unpublished["items"][0]["series"].take(),
            format!("/api/v1/case-runs/{canary}/series")
        );
        insta::assert_json_snapshot!(unpublished["items"], @r#"
        [
          {
            "cpu_core_s": 2.3,
            "gpu_area_mib_s": null,
            "gpu_baseline_mib": null,
            "gpu_peak_mib": null,
            "is_canary": true,
            "kernel_peak_memory_mib": null,
            "memory_area_mib_s": 300.0,
            "name": "Canary_01",
            "peak_memory_mib": 300.0,
            "series": null,
            "wall_s": 1.2
          }
        ]
        "#);

        let boss = testing::organizer(&pool, "Boss", world.challenge.id).await;
        let (_, all) = world.get_as(&boss, &path).await;
        let with_curves = |list: &serde_json::Value| {
            let items = list["items"].as_array().unwrap().clone();
            (
                items.len(),
                items
                    .iter()
                    .filter(|item| item.get("series").is_some())
                    .count(),
            )
        };
        assert_eq!(with_curves(&all), (3, 3));

        sqlx::query!("UPDATE tracks.phases SET published_at = now()")
            .execute(&pool)
            .await
            .unwrap();
        let (_, published) = world.get(&path).await;
        assert_eq!(with_curves(&published), (3, 1));
    }
}
