//! `/organize/challenges/{slug}/data`: what is stored and what is wrong with it; `/organize/splits/{id}`: its cases.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{CaseId, ChallengeId, SplitId};
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, PageQuery, layout};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::organize_challenges::INDEX;
use crate::cases::list::{self, CaseView};
use crate::cases::remove::remove_one;
use crate::cases::splits;
use crate::challenges::complaints::{self, ComplaintList, SplitCounts};
use crate::challenges::rows;
use crate::state::AppState;

#[derive(Template)]
#[template(path = "organize_data.html")]
struct DataPage {
    list: ComplaintList,
}

impl DataPage {
    fn blocking(&self) -> usize {
        self.list.items.iter().filter(|item| item.blocks).count()
    }
}

/// "2270 of 2280"
fn of(there: &i64, announced: &Option<i32>) -> String {
    match announced {
        Some(announced) => format!("{there} of {announced}"),
        None => there.to_string(),
    }
}

fn size(split: &SplitCounts) -> String {
    match split.size_bytes {
        b if b >= 1 << 30 => format!("{:.1} GiB", b as f64 / f64::from(1 << 30)),
        b => format!("{:.1} MiB", b as f64 / f64::from(1 << 20)),
    }
}

#[tracing::instrument(name = "pages.organize.data", skip_all)]
pub async fn data(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let challenge = rows::find(&kit.db, &slug).await?;
    caller.require_reviewer(ChallengeId(challenge.id))?;
    let list = complaints::list(&kit.db, challenge.id).await?;
    let body = DataPage { list }.render()?;
    Ok(
        layout::Page::new(format!("Data of {}", challenge.title), body)
            .crumb("Organize", INDEX)
            .crumb(challenge.title, format!("{INDEX}/{}", challenge.slug))
            .caller(Some(&caller))
            .respond(),
    )
}

#[derive(Debug, Deserialize)]
pub struct Query {
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "organize_cases.html")]
struct CasesPage {
    csrf: String,
    split_id: Uuid,
    may_change: bool,
    cases: Vec<CaseView>,
    next: Option<String>,
}

#[tracing::instrument(name = "pages.organize.cases", skip_all)]
pub async fn cases(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<SplitId>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let split = splits::find(&kit.db, *id).await?;
    caller.require_reviewer(split.challenge_id())?;
    let paging = PageQuery::new(query.cursor, Some(100))?;
    let found = list::page(&kit.db, &split, &paging).await?;
    let next = found.next.map(serde_json::to_value).transpose();
    let next = next.map_err(ApiError::internal)?;
    let body = CasesPage {
        csrf: caller.csrf_token().to_owned(),
        split_id: split.id,
        may_change: caller.is_organizer(split.challenge_id()),
        cases: found.items,
        next: next.as_ref().and_then(Value::as_str).map(str::to_owned),
    };
    Ok(layout::Page::new("Cases of a split", body.render()?)
        .crumb("Organize", INDEX)
        .caller(Some(&caller))
        .respond())
}

#[derive(Debug, Deserialize)]
pub struct Form {
    reason: String,
    split_id: Uuid,
}

#[tracing::instrument(name = "pages.organize.remove", skip_all)]
pub async fn remove(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<CaseId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let reason = Some(form.reason.trim()).filter(|reason| !reason.is_empty());
    remove_one(&kit, &state.store, &caller, *id, reason).await?;
    Ok(layout::see_other(&format!(
        "/organize/splits/{}",
        form.split_id
    )))
}

fn shape(case: &CaseView) -> String {
    match case.shape.as_deref() {
        Some([height, width]) => format!("{width} × {height}"),
        Some([x, y, z]) => format!("{x} × {y} × {z}"),
        _ => "–".into(),
    }
}

fn reference(case: &CaseView) -> &'static str {
    match case
        .reference
        .as_ref()
        .map(|r| (r.state.as_str(), r.is_good))
    {
        None => "none",
        Some((_, Some(true))) => "good",
        Some((_, Some(false))) => "bad",
        Some(("stored", None)) => "being read",
        Some(_) => "announced",
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_is_wrong_with_the_data_is_one_page(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        sqlx::raw_sql("UPDATE tracks.cases SET image_complaint = 'the PNG is damaged', shape = '{3,7}' WHERE name = 'Case_01'")
            .execute(&pool)
            .await
            .unwrap();
        let api = Api::new(&pool).await;
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let (_, page) = olga.page("/organize/challenges/demo/data").await;
        for part in [
            "Case_01.png",
            "the PNG is damaged",
            "--replace",
            "1 thing keeps",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        let cases = format!("/organize/splits/{}", demo.split_id);
        let (_, page) = olga.page(&cases).await;
        assert!(page.contains("7 × 3") && page.contains("Case_02"), "{page}");
        let eve = api.browser(&person(&pool, "Eve").await);
        assert_eq!(eve.page("/organize/challenges/demo/data").await.0, 403);
        assert_eq!(eve.page(&cases).await.0, 403);
        let remove = format!("/organize/cases/{}/remove", demo.cases[0].id);
        let form = [
            ("reason", "wrong"),
            ("split_id", &demo.split_id.to_string()),
        ];
        assert_eq!(eve.submit("/", &remove, &form).await.0, 403);
        // Its phase is not ready because of it.
        assert_eq!(
            olga.submit(&cases, &remove, &form).await,
            (303, cases.clone())
        );
        assert!(!olga.page(&cases).await.1.contains("Case_01"));
        let last = format!("/organize/cases/{}/remove", demo.cases[1].id);
        let (status, page) = olga.submit(&cases, &last, &form).await;
        assert_eq!(status, 409);
        assert!(page.contains("has opened on these cases"), "{page}");
    }
}
