//! `GET /submissions/new`

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use molar_domain::phase::{PhaseState, SubmissionKind};
use molar_service::db;
use molar_volumes::{Format, prediction_name};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::pages::{moment, size};
use crate::rows::life;
use crate::rows::phases::{self, Phase, Rules};
use crate::state::State;
use crate::submissions::quota::{self, QuotaView};

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
    opening: String,
    closes_at: String,
    limit: String,
    quota: String,
    wall_s: u32,
    memory: String,
    teams: Vec<Team>,
    site: &'a str,
    csrf: &'a str,
    script: &'a str,
}

/// One of the caller's that may hand in.
struct Team {
    id: Uuid,
    name: String,
    quota: QuotaView,
}

#[tracing::instrument(name = "pages.submissions.new", skip_all)]
pub async fn new(
    kit: web::Data<Kit>,
    state: web::Data<State>,
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
    let phase_state = phase.window.state(now, false);
    let teams = teams(&mut conn, &caller, &phase, now).await?;
    let format = match phase.format {
        molar_domain::challenge::Format::Labelme => Format::Labelme,
        molar_domain::challenge::Format::Nifti => Format::Nifti,
    };
    let body = New {
        is_open: phase_state == PhaseState::Open,
        state: phase_state,
        is_container: phase.kind == SubmissionKind::Container,
        example: prediction_name("CASE", format),
        cases: cases.len(),
        opening: phase.opening(now),
        closes_at: moment(phase.window.closes_at, phase.zone),
        limit: size(phase.limits.upload_bytes),
        quota: allowed(&phase),
        wall_s: phase.limits.wall_s,
        memory: size(phase.limits.memory_bytes),
        teams,
        site: kit.public_url.as_str(),
        csrf: caller.csrf_token(),
        script: layout::upload_url(),
        phase: &phase,
        rules: &rules,
    };
    let mut response = layout::Page::new("New submission", body.render()?)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Submissions", "/submissions")
        .caller(Some(&caller))
        .respond();
    // Its script puts parts straight to the object store.
    let policy = layout::policy_with_connections(state.store.public_origin());
    let policy = HeaderValue::from_str(&policy).map_err(ApiError::internal)?;
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

async fn teams(
    conn: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<Vec<Team>, ApiError> {
    let ids: Vec<Uuid> = caller.teams.iter().map(|team| team.0).collect();
    let names = life::team_names(&mut *conn, &ids).await?;
    let mut teams = Vec::new();
    for id in ids {
        let participation = phases::participation(&mut *conn, id, phase.track_id).await?;
        if participation.is_some_and(|p| p.state == "approved") {
            teams.push(Team {
                id,
                name: names.get(&id).cloned().unwrap_or_default(),
                quota: quota::view(&mut *conn, phase, id, now).await?,
            });
        }
    }
    Ok(teams)
}

fn allowed(phase: &Phase) -> String {
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
        assert!(
            page.contains("<noscript>") && page.contains("/assets/upload.js"),
            "{page}"
        );
        let (status, _) = world.page("/submissions/new?phase=x").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
