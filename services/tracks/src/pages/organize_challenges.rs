//! `/organize/challenges`: one's challenges; of one its phases with their common changes, and its history.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::phase::Visibility;
use molar_domain::{ChallengeId, PhaseId};
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, PageQuery, layout};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{retention, slips, when};
use crate::challenges::history::{self, ChangeView};
use crate::challenges::rows::{self, Challenge};
use crate::phases::change::{ChangePhase, change_one};
use crate::phases::pause;
use crate::phases::publish::Decision;
use crate::phases::rows::{self as phases, Phase};

pub const INDEX: &str = "/organize/challenges";

#[derive(Template)]
#[template(path = "organize_index.html")]
struct Index {
    csrf: String,
    challenges: Vec<Challenge>,
    is_admin: bool,
}

#[tracing::instrument(name = "pages.organize.index", skip_all)]
pub async fn index(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let mut challenges = rows::list(&kit.db).await?;
    challenges.retain(|challenge| caller.may_review(ChallengeId(challenge.id)));
    let body = Index {
        csrf: caller.csrf_token().to_owned(),
        challenges,
        is_admin: caller.is_admin,
    };
    Ok(layout::page(Some(&caller), "Organize", body.render()?))
}

#[derive(Template)]
#[template(path = "organize_challenge.html")]
struct ChallengePage {
    csrf: String,
    challenge: Challenge,
    may_change: bool,
    wrong: Vec<String>,
    phases: Vec<PhaseForm>,
    /// The file that was applied last, to begin from.
    file: String,
    history: Vec<HistoryLine>,
    older: Option<String>,
}

struct PhaseForm {
    id: uuid::Uuid,
    name: String,
    title: String,
    state: String,
    window: String,
    is_paused: bool,
    /// Local times, as a form has them.
    closes: String,
    freezes: String,
    visibility: Visibility,
    per_day: String,
    total: String,
    concurrent: u32,
    /// Empty: files are kept for ever.
    retention_days: String,
    /// What was announced of its files, and what has gone.
    retention: Vec<String>,
    /// Teams work under its rules.
    is_open: bool,
}

struct HistoryLine {
    at: String,
    who: String,
    reason: Option<String>,
    file: Option<String>,
    steps: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Query {
    /// Of the history.
    cursor: Option<Cursor>,
}

#[tracing::instrument(name = "pages.organize.show", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let page = page(&kit, &caller, &slug, query.cursor, Vec::new()).await?;
    Ok(page.respond())
}

async fn page(
    kit: &Kit,
    caller: &Caller,
    slug: &str,
    cursor: Option<Cursor>,
    wrong: Vec<String>,
) -> Result<layout::Page, ApiError> {
    let now = kit.clock.now();
    let challenge = rows::find(&kit.db, slug).await?;
    let id = ChallengeId(challenge.id);
    caller.require_reviewer(id)?;
    let zone: Tz = challenge.zone.parse().unwrap_or(Tz::UTC);
    let phases = phases::list(&kit.db, Some(id.0), now).await?;
    let retention = retention::lines(&kit.db, id.0, zone).await?;
    let forms = phases.iter().map(|phase| PhaseForm {
        retention: retention.get(&phase.id).cloned().unwrap_or_default(),
        ..phase_form(phase, zone, now)
    });
    let forms = forms.collect();
    let found = history::page(&kit.db, id.0, &PageQuery::new(cursor, Some(10))?).await?;
    let older = found.next.map(serde_json::to_value).transpose();
    let older = older.map_err(ApiError::internal)?;
    let body = ChallengePage {
        csrf: caller.csrf_token().to_owned(),
        may_change: caller.is_organizer(id),
        wrong,
        phases: forms,
        file: newest_file(kit, id).await?,
        history: found.items.iter().map(|c| history_line(c, zone)).collect(),
        older: older.as_ref().and_then(Value::as_str).map(str::to_owned),
        challenge,
    };
    Ok(
        layout::Page::new(format!("Organize {}", body.challenge.title), body.render()?)
            .crumb("Organize", INDEX)
            .caller(Some(caller)),
    )
}

/// Empty where it was applied with an overlay: what is kept then is both, one after the other.
async fn newest_file(kit: &Kit, challenge: ChallengeId) -> sqlx::Result<String> {
    let text = sqlx::query_scalar!(
        "SELECT text FROM tracks.challenge_files WHERE challenge_id = $1 ORDER BY applied_at DESC, id DESC LIMIT 1",
        challenge.0
    )
    .fetch_optional(&kit.db)
    .await?;
    Ok(text
        .filter(|text| !text.contains("\n# overlay\n"))
        .unwrap_or_default())
}

fn phase_form(phase: &Phase, zone: Tz, now: DateTime<Utc>) -> PhaseForm {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    PhaseForm {
        id: phase.id,
        name: format!("{}/{}", phase.track, phase.slug),
        title: phase.title.clone(),
        state: phase.state(now).to_string(),
        window: format!(
            "{} to {}",
            when::opens(phase, zone, now),
            when::end(phase.closes_at, zone)
        ),
        is_paused: phase.paused_at.is_some(),
        closes: local(phase.closes_at),
        freezes: phase.freezes_at.map(local).unwrap_or_default(),
        visibility: phase.visibility(),
        per_day: number(phase.quota.per_day),
        total: number(phase.quota.total),
        concurrent: phase.quota.concurrent,
        retention_days: phase
            .retention_days
            .map(|n| n.to_string())
            .unwrap_or_default(),
        retention: Vec::new(),
        is_open: phase.opening().has_come(now),
    }
}

fn history_line(change: &ChangeView, zone: Tz) -> HistoryLine {
    let steps = change.steps.iter();
    HistoryLine {
        at: when::moment(change.changed_at, zone),
        who: change.changed_by.clone(),
        reason: change.reason.clone(),
        file: change
            .file_sha256
            .as_ref()
            .map(|s| s.chars().take(12).collect()),
        steps: steps
            .map(|step| format!("{} {}: {}", step.change.as_str(), step.what, step.detail))
            .collect(),
    }
}

#[derive(Debug, Deserialize)]
pub struct Form {
    act: Act,
    #[serde(default)]
    closes_at: String,
    #[serde(default)]
    freezes_at: String,
    visibility: Option<Visibility>,
    #[serde(default)]
    per_day: String,
    #[serde(default)]
    total: String,
    #[serde(default)]
    concurrent: String,
    #[serde(default)]
    retention_days: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Extend,
    Freeze,
    Quota,
    Keep,
    Show,
    Pause,
    Resume,
}

#[tracing::instrument(name = "pages.organize.change", skip_all)]
pub async fn change(
    kit: web::Data<Kit>,
    caller: Caller,
    path: web::Path<(String, PhaseId)>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let (slug, id) = path.into_inner();
    match act(&kit, &caller, id, &form).await {
        Ok(()) => Ok(layout::see_other(&format!("{INDEX}/{slug}"))),
        Err(error) => {
            let wrong = slips(error)?;
            let page = page(&kit, &caller, &slug, None, wrong).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).respond())
        }
    }
}

async fn act(kit: &Kit, caller: &Caller, id: PhaseId, form: &Form) -> Result<(), ApiError> {
    if matches!(form.act, Act::Pause | Act::Resume) {
        let decision = Decision {
            reason: Some(form.reason.clone()),
        };
        pause::set(kit, caller, id, form.act == Act::Pause, &decision).await?;
        return Ok(());
    }
    let mut change = ChangePhase {
        reason: Some(form.reason.clone()),
        ..ChangePhase::default()
    };
    match form.act {
        Act::Extend => change.closes_at = Some(form.closes_at.clone()),
        Act::Freeze => change.freezes_at = Some(form.freezes_at.clone()),
        Act::Quota => change.quota = Some(form.quota()?),
        Act::Keep => change.retention_days = Some(form.days()?),
        Act::Show => change.visibility = form.visibility,
        Act::Pause | Act::Resume => {}
    }
    change_one(kit, caller, id, &change).await?;
    Ok(())
}

impl Form {
    /// An empty field keeps files for ever.
    fn days(&self) -> Result<u32, ApiError> {
        match self.retention_days.trim() {
            "" => Ok(0),
            text => text.parse().map_err(|_| {
                ApiError::invalid(
                    "/retention_days",
                    format!("`{text}` is no whole number of days"),
                )
            }),
        }
    }

    /// An empty field takes a limit away.
    fn quota(&self) -> Result<Map<String, Value>, ApiError> {
        let number = |pointer: &str, text: &str| match text.trim() {
            "" => Ok(Value::Null),
            text => text
                .parse::<u32>()
                .map(Value::from)
                .map_err(|_| ApiError::invalid(pointer, format!("`{text}` is no whole number"))),
        };
        let mut quota = Map::new();
        quota.insert("per_day".into(), number("/per_day", &self.per_day)?);
        quota.insert("total".into(), number("/total", &self.total)?);
        quota.insert(
            "concurrent".into(),
            number("/concurrent", &self.concurrent)?,
        );
        Ok(quota)
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, SubmissionBuilder, TeamBuilder};
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_extends_pauses_and_limits_a_phase_on_its_page(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let page = "/organize/challenges/demo";
        let path = format!("{page}/phases/{}", demo.phase_id);
        let silent = [
            ("act", "extend"),
            ("closes_at", "2026-12-24T12:00"),
            ("reason", " "),
        ];
        let (status, html) = olga.submit(page, &path, &silent).await;
        assert_eq!(status, 422);
        assert!(html.contains("say why they change"), "{html}");
        for form in [
            vec![("act", "extend"), ("closes_at", "2026-12-24T12:00")],
            vec![("act", "freeze"), ("freezes_at", "2026-12-20T12:00")],
            vec![("act", "show"), ("visibility", "participants")],
            vec![
                ("act", "quota"),
                ("per_day", ""),
                ("total", "9"),
                ("concurrent", "1"),
            ],
            vec![("act", "keep"), ("retention_days", "30")],
            vec![("act", "pause")],
        ] {
            let form = [form, vec![("reason", "the store was down")]].concat();
            let done = olga.submit(page, &path, &form).await;
            assert_eq!(done, (303, page.into()), "{form:?}");
        }
        let row: (String, String, bool, serde_json::Value) = sqlx::query_as(
            "SELECT closes_at::text, visibility, paused_at IS NOT NULL, quota FROM tracks.phases",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert!(row.0.starts_with("2026-12-24"), "{row:?}");
        assert_eq!((row.1.as_str(), row.2), ("participants", true));
        assert_eq!(
            (&row.3["total"], &row.3["concurrent"]),
            (&9.into(), &1.into())
        );
        let (_, html) = olga.page(page).await;
        for part in [
            "the store was down",
            "Olga",
            "quota.total: null → 9",
            "Resume",
            "href=\"/organize/boards/demo/import\"",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        let eve = api.browser(&person(&pool, "Eve").await);
        assert_eq!(eve.page(page).await.0, 403);
        assert_eq!(olga.page("/organize/challenges").await.0, 200);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_page_says_until_when_files_are_kept_when_they_go_and_what_has_gone(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let team = TeamBuilder::new(&demo, "Molars").insert(&pool).await;
        SubmissionBuilder::new(&demo, &team).insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let page = async || olga.page("/organize/challenges/demo").await.1;
        let run = async |sql: &str| {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
                .execute(&pool)
                .await
                .unwrap();
        };
        assert!(!page().await.contains("Its files are kept"));
        run("UPDATE tracks.phases SET retention_days = 30, closes_at = '2026-12-01T00:00:00Z'")
            .await;
        let html = page().await;
        assert!(html.contains("Its files are kept until"), "{html}");
        run("INSERT INTO registration.retention_notices
             SELECT phase_id, due_at, due_at, due_at - interval '10 days', 0, 0 FROM tracks.phase_retention")
        .await;
        let html = page().await;
        assert!(
            html.contains("31 December 2026") || html.contains("2026-12-31"),
            "{html}"
        );
        assert!(html.contains("1 files of"), "{html}");
        run("INSERT INTO submission.removals
             SELECT gen_random_uuid(), id, 30, '2027-01-02', '2027-01-02', 7, 4096 FROM tracks.phases")
        .await;
        let html = page().await;
        assert!(
            html.contains("7 files of 4096 bytes were removed on"),
            "{html}"
        );
    }
}
