//! `GET /organize/submissions`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::FailureCode;
use molar_domain::phase::SubmissionKind;
use molar_domain::submission::SubmissionState;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use crate::submissions::console::{Query, page};
use crate::submissions::view::SubmissionItem;

#[derive(Template)]
#[template(path = "console.html")]
struct Body {
    query: Query,
    items: Vec<SubmissionItem>,
    next: Option<String>,
    json: String,
}

impl Body {
    fn challenge(&self) -> &str {
        self.query.challenge.as_deref().unwrap_or_default()
    }
}

/// As a form sends it: what was left empty is there, and empty.
type Fields = Vec<(String, String)>;

#[tracing::instrument(name = "pages.console", skip_all)]
pub async fn console(
    kit: web::Data<Kit>,
    caller: Caller,
    fields: web::Query<Fields>,
) -> Result<HttpResponse, ApiError> {
    let query = read(&fields)?;
    let mut conn = kit.db.acquire().await?;
    let found = page(&mut conn, &caller, &query).await?;
    let next = found.next.map(|cursor| {
        let mut next = query.clone();
        next.cursor = Some(cursor);
        format!("/organize/submissions?{}", written(&next))
    });
    let body = Body {
        json: format!("/api/v1/submissions/all?{}", written(&query)),
        items: found.items,
        next,
        query,
    };
    Ok(layout::Page::new("Submissions", body.render()?)
        .crumb("Organize", "/organize")
        .caller(Some(&caller))
        .respond())
}

fn read(fields: &Fields) -> Result<Query, ApiError> {
    let filled = fields.iter().filter(|(_, value)| !value.trim().is_empty());
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(filled);
    let query = web::Query::<Query>::from_query(&text.finish());
    query
        .map(web::Query::into_inner)
        .map_err(|error| ApiError::BadRequest(error.to_string()))
}

fn written(query: &Query) -> String {
    let fields = serde_json::to_value(query).unwrap_or_default();
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        text.append_pair(name, &value);
    }
    text.finish()
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::organizer;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_page_filters_by_its_form_and_ignores_what_is_left_empty(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("a").await;
        let olga = organizer(&pool, "Olga", world.challenge.id).await;
        let link = format!("href=\"/submissions/{id}\"");
        let all = "/organize/submissions?challenge=&state=&kind=&failure=";
        let (_, html) = world.page_as(&olga, all).await;
        assert!(html.contains(&link), "{html}");
        let failed = "/organize/submissions?challenge=&state=failed";
        let (_, html) = world.page_as(&olga, failed).await;
        assert!(!html.contains(&link) && html.contains("empty"), "{html}");
        assert!(
            html.contains("/api/v1/submissions/all?state=failed"),
            "{html}"
        );
    }
}
