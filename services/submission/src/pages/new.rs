//! `GET /submissions/new`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::TeamId;
use molar_domain::phase::{PhaseState, SubmissionKind};
use molar_service::db;
use molar_volumes::{Format, prediction_name};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use crate::pages::{moment, size};
use crate::rows::phases::{self, Phase, Rules};

#[derive(Debug, Deserialize)]
pub struct Query {
    phase: Uuid,
}

#[derive(Template)]
#[template(path = "new.html")]
struct New<'a> {
    phase: &'a Phase,
    rules: &'a Rules,
    state: PhaseState,
    is_open: bool,
    is_container: bool,
    example: String,
    cases: usize,
    opens_at: String,
    closes_at: String,
    limit: String,
    quota: String,
    wall_s: u32,
    memory: String,
    has_team: bool,
    site: &'a str,
}

#[tracing::instrument(name = "pages.submissions.new", skip_all)]
pub async fn new(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let phase = phases::find(&mut *conn, query.phase).await?;
    let rules = phases::rules(&mut *conn, phase.id).await?;
    if !rules
        .visibility
        .shows_phase(caller.may_review(phase.challenge_id.into()))
    {
        return Err(ApiError::NotFound("phase"));
    }
    let now = db::now(&mut *conn).await?;
    let cases = phases::expected_cases(&mut conn, &phase).await?;
    let state = phase.window.state(now, false);
    let mut has_team = false;
    for TeamId(team) in &caller.teams {
        let participation = phases::participation(&mut *conn, *team, phase.track_id).await?;
        has_team |= participation.is_some_and(|p| p.state == "approved");
    }
    let format = match phase.format {
        molar_domain::challenge::Format::Labelme => Format::Labelme,
        molar_domain::challenge::Format::Nifti => Format::Nifti,
    };
    let body = New {
        is_open: state == PhaseState::Open,
        state,
        is_container: phase.kind == SubmissionKind::Container,
        example: prediction_name("CASE", format),
        cases: cases.len(),
        opens_at: moment(phase.window.opens_at, phase.zone),
        closes_at: moment(phase.window.closes_at, phase.zone),
        limit: size(phase.limits.upload_bytes),
        quota: quota(&phase),
        wall_s: phase.limits.wall_s,
        memory: size(phase.limits.memory_bytes),
        has_team,
        site: kit.public_url.as_str(),
        phase: &phase,
        rules: &rules,
    };
    Ok(layout::Page::new("New submission", body.render()?)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Submissions", "/submissions")
        .caller(Some(&caller))
        .respond())
}

fn quota(phase: &Phase) -> String {
    let mut parts = Vec::new();
    if let Some(total) = phase.quota.total {
        parts.push(format!("{total} in all"));
    }
    if let Some(day) = phase.quota.per_day {
        parts.push(format!("{day} a day"));
    }
    parts.push(format!("{} at a time", phase.quota.concurrent));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_page_names_the_command_for_its_phase(pool: PgPool) {
        let world = World::new(&pool).await;
        let path = format!("/submissions/new?phase={}", world.challenge.phase_id);
        let (status, page) = world.page(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("--phase sts/teeth/validation"), "{page}");
        let (status, _) = world.page("/submissions/new?phase=x").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
