//! `/organize/ledger/{challenge}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::UserId;
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;

use super::{next_page, page};
use crate::challenges::{self, Challenge};
use crate::ledger::rows::{self, DownloadView, PersonView, SignatureView};

#[derive(Deserialize)]
pub struct Query {
    /// Only what one person signed and has.
    person: Option<UserId>,
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct Body {
    challenge: Challenge,
    people: Vec<PersonView>,
    /// Of one person.
    person: Option<Person>,
    next: Option<String>,
}

struct Person {
    signatures: Vec<SignatureView>,
    downloads: Vec<DownloadView>,
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let paging = PageQuery::new(query.cursor, Some(LIMIT_MAX))?;
    let body = match query.person {
        Some(id) => of_one(&kit, challenge, id, &paging).await?,
        None => of_all(&kit, challenge, &paging).await?,
    };
    let title = format!("Agreement and data of {}", body.challenge.title);
    Ok(page(Some(&caller), title, &body)?
        .crumb("Places in tracks", "/organize/participations")
        .respond())
}

async fn of_all(kit: &Kit, challenge: Challenge, paging: &PageQuery) -> Result<Body, ApiError> {
    let rows = rows::people(&kit.db, challenge.id, paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, paging, |row| row.user_id.0);
    Ok(Body {
        challenge,
        next: next_page(found.next, "?")?,
        people: found.items,
        person: None,
    })
}

async fn of_one(
    kit: &Kit,
    challenge: Challenge,
    id: UserId,
    paging: &PageQuery,
) -> Result<Body, ApiError> {
    let (after, limit) = (paging.after(), paging.fetch());
    let downloads = rows::downloads(&kit.db, challenge.id, Some(id), after, limit).await?;
    let found = Page::of(downloads, paging, |row| row.id);
    let signatures = rows::signatures(&kit.db, challenge.id, Some(id), None, 100).await?;
    Ok(Body {
        challenge,
        people: Vec::new(),
        next: next_page(found.next, &format!("?person={id}&"))?,
        person: Some(Person {
            signatures,
            downloads: found.items,
        }),
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, organizer, person};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, handed_out, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_reads_who_signed_and_who_has_what(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let path = "/organize/ledger/demo";
        let (_, html) = olga.page(path).await;
        assert!(html.contains("Nobody has signed"), "{html}");
        sign(&api, &ada).await;
        team(&api, &ada, "Molars").await;
        handed_out(&pool, &demo, &ada, 7, noon()).await;
        let (_, html) = olga.page(path).await;
        for part in ["Ada Lovelace", "Molars", "downloads.csv", "version 1"] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        let (_, html) = olga.page(&format!("{path}?person={}", ada.id)).await;
        assert!(html.contains("opg/training/7.png"), "{html}");
        assert_eq!(api.browser(&ada).page(path).await.0, 403);
        assert_eq!(olga.page("/organize/ledger/none").await.0, 404);
    }
}
