//! `/organize/file/plan`, `/organize/file/apply`: a challenge file that is pasted, its plan, and the yes to it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;

use super::organize_challenges::INDEX;
use super::slips;
use crate::challenges::apply::{Applied, ApplyChallenge, apply_file};
use crate::state::AppState;

#[derive(Debug, Deserialize)]
pub struct Form {
    file: String,
    plan: Option<String>,
    #[serde(default)]
    reason: String,
}

#[derive(Template)]
#[template(path = "organize_plan.html")]
struct PlanPage {
    csrf: String,
    file: String,
    reason: String,
    wrong: Vec<String>,
    steps: Vec<StepLine>,
    /// None where the file cannot be applied as it is.
    plan_id: Option<String>,
    needs_reason: bool,
}

struct StepLine {
    change: &'static str,
    what: String,
    detail: String,
    touches: String,
}

impl Form {
    fn request(&self, dry_run: bool) -> ApplyChallenge {
        ApplyChallenge {
            // A browser sends its own ends of lines.
            file: self.file.replace("\r\n", "\n"),
            overlay: None,
            dry_run,
            reason: Some(self.reason.clone()),
            plan: self.plan.clone().filter(|_| !dry_run),
        }
    }
}

#[tracing::instrument(name = "pages.file.plan", skip_all)]
pub async fn plan(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    show(&kit, &state, &caller, &form, Vec::new()).await
}

#[tracing::instrument(name = "pages.file.apply", skip_all)]
pub async fn apply(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    if form.plan.is_none() {
        return Err(ApiError::invalid("/plan", "look at the plan first"));
    }
    match apply_file(&kit, &state, &caller, &form.request(false)).await {
        Ok(applied) => Ok(layout::see_other(&done(&applied))),
        Err(error) => {
            let wrong = slips(error)?;
            show(&kit, &state, &caller, &form, wrong).await
        }
    }
}

fn done(applied: &Applied) -> String {
    format!("{INDEX}/{}", applied.challenge)
}

/// The plan of the file as it is now, with what was wrong before.
async fn show(
    kit: &Kit,
    state: &AppState,
    caller: &Caller,
    form: &Form,
    mut wrong: Vec<String>,
) -> Result<HttpResponse, ApiError> {
    let planned = match apply_file(kit, state, caller, &form.request(true)).await {
        Ok(planned) => Some(planned),
        Err(error) => {
            wrong.extend(slips(error)?);
            None
        }
    };
    let status = match wrong.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let steps = planned.iter().flat_map(|planned| &planned.plan);
    let steps = steps.map(|step| StepLine {
        change: step.change.as_str(),
        what: step.what.clone(),
        detail: step.detail.clone(),
        touches: step.touches.map(|t| t.text()).unwrap_or_default(),
    });
    let body = PlanPage {
        csrf: caller.csrf_token().to_owned(),
        file: form.file.clone(),
        reason: form.reason.clone(),
        wrong,
        steps: steps.collect(),
        needs_reason: planned.as_ref().is_some_and(|p| !p.needs_reason.is_empty()),
        plan_id: planned.map(|planned| planned.plan_id),
    };
    Ok(
        layout::Page::new("Plan of a challenge file", body.render()?)
            .crumb("Organize", INDEX)
            .caller(Some(caller))
            .status(status)
            .respond(),
    )
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::admin;
    use sqlx::PgPool;

    use crate::testing::Api;

    const FILE: &str = include_str!("../../../../deploy/challenges/sts2024.toml");

    /// What a hidden field of the page holds.
    fn field(html: &str, name: &str) -> String {
        let (_, rest) = html
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_pasted_file_is_planned_confirmed_and_kept(pool: PgPool) {
        let api = Api::new(&pool).await;
        let root = api.browser(&admin(&pool, "Root").await);
        let start = "/organize/challenges";
        let file = FILE.replace('\n', "\r\n");
        let plan = "/organize/file/plan";
        let (status, html) = root.submit(start, plan, &[("file", &file)]).await;
        assert_eq!(status, 200, "{html}");
        assert!(html.contains("phase opg/validation"), "{html}");
        let id = field(&html, "plan");
        let yes = [("file", file.as_str()), ("plan", id.as_str())];
        let apply = "/organize/file/apply";
        let done = root.submit(start, apply, &yes).await;
        assert_eq!(done, (303, "/organize/challenges/sts2024".into()));
        let (_, html) = root.page("/organize/challenges/sts2024").await;
        assert!(
            html.contains("create phase opg/validation: is new"),
            "{html}"
        );

        // The same plan is no plan for the challenge as it is now.
        let other = file.replace("per_day = 5", "per_day = 6");
        let stale = [
            ("file", other.as_str()),
            ("plan", id.as_str()),
            ("reason", "more"),
        ];
        let (status, html) = root.submit(start, apply, &stale).await;
        assert_eq!(status, 422);
        assert!(html.contains("look at the plan again"), "{html}");
        let id = field(&html, "plan");
        let silent = [("file", other.as_str()), ("plan", id.as_str())];
        let (status, html) = root.submit(start, apply, &silent).await;
        assert_eq!(status, 422);
        assert!(html.contains("say why they change"), "{html}");
        let (status, html) = root.submit(start, plan, &[("file", "slug = 7")]).await;
        assert_eq!(status, 422);
        assert!(!html.contains("name=\"plan\""), "{html}");
    }
}
