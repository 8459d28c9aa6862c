//! `GET /api/v1/submissions/{id}/cases`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::{Seen, see};
use super::rounding::{self, tenths};
use super::view::notes;
use crate::rows::cases::{self, CaseRow};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CaseList {
    pub items: Vec<CaseView>,
    /// Scores and names are hidden until the phase is published.
    pub is_hidden: bool,
}

#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct CaseView {
    /// In a final phase that is not published, the place of the case: `case 7`.
    pub name: String,
    /// A public case on which the image was tried first.
    pub is_canary: bool,
    /// Of the case's run, or of its scoring: `waiting`, `running`, `scored`, …
    pub state: String,
    /// From the closed list of codes: why the case has the worst values.
    pub failure: Option<String>,
    pub failure_detail: Option<String>,
    /// Of a hidden case, for a team, to a tenth.
    pub wall_s: Option<f64>,
    /// By metric; absent while hidden. Of a hidden case, for a team, time and GPU memory are rounded.
    #[schema(value_type = Option<Object>)]
    pub values: Option<Value>,
    pub notes: Vec<String>,
    /// Where to read what the container wrote: on its public case, also while it runs; on a hidden one, for a team,
    /// only what the organizers released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// The page with its pictures, for organizers and reviewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Why the organizers released the log of a hidden case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_release_reason: Option<String>,
}

/// What became of each case.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/cases", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = CaseList)))]
#[tracing::instrument(name = "submissions.cases", skip_all, fields(submission.id = %id))]
pub async fn cases(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<CaseList>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let seen = see(&mut conn, &caller, *id).await?;
    Ok(web::Json(list(&mut conn, &seen).await?))
}

pub async fn list(conn: &mut PgConnection, seen: &Seen) -> Result<CaseList, ApiError> {
    let phase = &seen.phase;
    let shows = phase.shows_scores();
    let is_hidden = !shows && !seen.is_reviewer;
    let (attempt, evaluation) = seen.life.shown();
    let mut items = Vec::new();
    let submission = seen.life.submission_id;
    let page = |row: &CaseRow| {
        let page = format!("/organize/submissions/{submission}/cases/{}", row.case_id);
        seen.is_reviewer.then_some(page)
    };
    if let Some(row) = cases::canary(&mut *conn, attempt).await? {
        items.push(CaseView {
            is_canary: true,
            log: row.log_of.map(log_path),
            page: page(&row),
            ..view(row, None)
        });
    }
    let rows = cases::list(conn, phase.split_id, attempt, evaluation).await?;
    for (row, place) in rows.into_iter().zip(1..) {
        let is_released = row.release_reason.is_some();
        let log = row.log_of.filter(|_| seen.is_organizer || is_released);
        let told = CaseView {
            log: log.map(log_path),
            page: page(&row),
            log_release_reason: row.release_reason.clone(),
            ..view(row, is_hidden.then_some(place))
        };
        items.push(match seen.is_reviewer {
            true => told,
            false => rounded(told),
        });
    }
    Ok(CaseList { items, is_hidden })
}

fn rounded(case: CaseView) -> CaseView {
    CaseView {
        wall_s: case.wall_s.map(tenths),
        values: case.values.map(rounding::values),
        ..case
    }
}

fn log_path(run: Uuid) -> String {
    format!("/api/v1/case-runs/{run}/log")
}

/// With a `place`, nothing is told but how far it is and why it failed.
fn view(row: CaseRow, place: Option<usize>) -> CaseView {
    let state = match (&row.scored_at, row.run_state) {
        (Some(_), _) => "scored".to_owned(),
        (None, Some(state)) => state,
        (None, None) => "waiting".to_owned(),
    };
    let failure = row.failure.or(row.reason);
    if let Some(place) = place {
        return CaseView {
            name: format!("case {place}"),
            state,
            failure,
            ..CaseView::default()
        };
    }
    CaseView {
        name: row.name,
        state,
        failure,
        failure_detail: row.failure_detail.or(row.reason_detail),
        wall_s: row.wall_ms.map(|ms| ms as f64 / 1000.0),
        values: row.values,
        notes: row.notes.as_ref().map(notes).unwrap_or_default(),
        ..CaseView::default()
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{AttemptBuilder, ChallengeBuilder, EvaluationBuilder, SubmissionBuilder};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{World, open_phase};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_final_phase_shows_no_score_and_no_name_until_it_is_published(pool: PgPool) {
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
        EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.5}))
            .attempt(&attempt)
            .insert(&pool)
            .await;
        sqlx::query!("UPDATE execution.case_runs SET log_key = 'attempt/log.txt'")
            .execute(&pool)
            .await
            .unwrap();
        let path = format!("/api/v1/submissions/{}/cases", submission.id);
        let (_, hidden) = world.get(&path).await;
        assert_eq!(hidden["is_hidden"], true);
        assert_eq!(hidden["items"][0]["name"], "Canary_01");
        let canary = attempt.canary.as_ref().unwrap().id;
        assert_eq!(
            hidden["items"][0]["log"],
            format!("/api/v1/case-runs/{canary}/log")
        );
        assert!(hidden["items"][1].get("log").is_none());
        assert_eq!(hidden["items"][1]["name"], "case 1");
        assert_eq!(hidden["items"][1]["state"], "scored");
        let text = hidden.to_string();
        assert!(
            !text.contains("0.5") && !text.contains("Case_0"),
            "{hidden:#}"
        );

        sqlx::query!("UPDATE tracks.phases SET published_at = now()")
            .execute(&pool)
            .await
            .unwrap();
        let (_, shown) = world.get(&path).await;
        assert_eq!(shown["items"][2]["name"], "Case_02");
        assert_eq!(shown["items"][2]["values"]["IA"], 0.5);
        assert_eq!(shown["items"][2]["wall_s"], 1.5);

        sqlx::query!(r#"UPDATE tracks.phases SET board = '{"values": "order"}'"#)
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(world.get(&path).await.1, hidden);
        let path = format!("/api/v1/submissions/{}/measures", submission.id);
        let (_, measures) = world.get(&path).await;
        assert!(!measures.to_string().contains("Case_0"), "{measures}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_board_without_exact_values_hides_those_of_cases_also_before_the_final(pool: PgPool) {
        let world = World::new(&pool).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        let values = json!({"IA": 0.625});
        EvaluationBuilder::new(&world.challenge, &submission, values.clone())
            .insert(&pool)
            .await;
        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        let path = format!("/api/v1/submissions/{}/cases", submission.id);
        for (board, is_hidden) in [
            (json!({}), false),
            (json!({"names": "anonymous", "is_hidden": true}), false),
            (json!({"values": "order"}), true),
            (json!({"values": "rounded", "decimals": 2}), true),
            (json!({"ladder_step": 0.01}), true),
        ] {
            sqlx::query!("UPDATE tracks.phases SET board = $1", board)
                .execute(&pool)
                .await
                .unwrap();
            let (_, seen) = world.get(&path).await;
            assert_eq!(seen["is_hidden"], is_hidden, "{board}");
            let (name, told) = match is_hidden {
                true => ("case 1", json!(null)),
                false => ("Case_01", values.clone()),
            };
            assert_eq!(seen["items"][0]["name"], name, "{board}");
            assert_eq!(seen["items"][0]["values"], told, "{board}");
            let (_, seen) = world.get_as(&organizer, &path).await;
            assert_eq!(seen["items"][0]["values"], values, "{board}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_gets_the_time_of_a_hidden_case_to_a_tenth(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(&pool)
            .await;
        let attempt = AttemptBuilder::new(&world.challenge, &submission)
            .state(AttemptState::Finished)
            .insert(&pool)
            .await;
        let values = json!({"running_time_s": 1.251});
        EvaluationBuilder::new(&world.challenge, &submission, values)
            .attempt(&attempt)
            .insert(&pool)
            .await;
        sqlx::query!("UPDATE execution.case_runs SET wall_ms = 1251")
            .execute(&pool)
            .await
            .unwrap();
        let path = format!("/api/v1/submissions/{}/cases", submission.id);
        let walls = |list: &serde_json::Value| {
            let items = list["items"].as_array().unwrap();
            let walls = items.iter().map(|item| item["wall_s"].as_f64().unwrap());
            walls.collect::<Vec<_>>()
        };
        let (_, seen) = world.get(&path).await;
        assert_eq!(walls(&seen), [1.251, 1.3, 1.3]);
        assert_eq!(seen["items"][1]["values"]["running_time_s"], 1.3);
        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        let (_, seen) = world.get_as(&organizer, &path).await;
        assert_eq!(walls(&seen), [1.251; 3]);
        assert_eq!(seen["items"][1]["values"]["running_time_s"], 1.251);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_released_log_is_shown_with_its_reason_and_no_other(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(&pool)
            .await;
        AttemptBuilder::new(&world.challenge, &submission)
            .state(AttemptState::Finished)
            .insert(&pool)
            .await;
        sqlx::query!("UPDATE execution.case_runs SET log_key = 'attempt/log.txt'")
            .execute(&pool)
            .await
            .unwrap();
        let released = sqlx::query_scalar!(
            "INSERT INTO execution.log_releases (case_run_id, released_by, reason, released_at)
             SELECT id, $1, 'it shows <no> image', now() FROM execution.case_runs WHERE position = 2
             RETURNING case_run_id",
            world.member.id.0,
        );
        let released = released.fetch_one(&pool).await.unwrap();

        let path = format!("/api/v1/submissions/{}/cases", submission.id);
        let (_, seen) = world.get(&path).await;
        let items = seen["items"].as_array().unwrap();
        assert!(items[1].get("log").is_none());
        assert_eq!(items[2]["log"], format!("/api/v1/case-runs/{released}/log"));
        assert_eq!(items[2]["log_release_reason"], "it shows <no> image");
        let (_, page) = world.page(&format!("/submissions/{}", submission.id)).await;
        assert!(
            page.contains(&format!("href=\"/case-runs/{released}/log\"")),
            "{page}"
        );
        assert!(page.contains("it shows &#60;no&#62; image"), "{page}");

        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        let (_, seen) = world.get_as(&organizer, &path).await;
        let items = seen["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["log"].is_string()), "{seen:#}");
        let first = world.challenge.cases[0].id;
        let shown = format!("/organize/submissions/{}/cases/{first}", submission.id);
        assert_eq!(items[1]["page"], shown);
        let life = format!("/organize/submissions/{}", submission.id);
        for page in [&life, &format!("/submissions/{}", submission.id)] {
            let (_, html) = world.page_as(&organizer, page).await;
            assert!(
                html.contains(&format!("href=\"{shown}\"")),
                "{page}: {html}"
            );
        }
        let (_, seen) = world.get(&path).await;
        assert!(seen["items"][1].get("page").is_none(), "{seen:#}");
    }
}
