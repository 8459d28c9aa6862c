//! `GET /api/v1/challenges/{slug}/ledger`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};

use super::rows::{self, PersonView};
use crate::challenges;

/// Who signed the agreement of a challenge and how much each was given; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/ledger",
    tag = "ledger",
    params(("slug" = String, Path), PageQuery),
    responses((status = OK, body = Page<PersonView>))
)]
#[tracing::instrument(name = "ledger.people", skip_all)]
pub async fn people(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<PersonView>>, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let rows = rows::people(&kit.db, challenge.id, query.after(), query.fetch()).await?;
    Ok(web::Json(Page::of(rows, &query, |row| row.user_id.0)))
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, blank, challenge, handed_out, new_agreement, sign, signature, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn organizers_see_who_signed_and_who_has_what(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let signed = api.of(&ada).from("203.0.113.7");
        assert_eq!(
            signed.post("/api/v1/agreements", signature("1")).await.0,
            201
        );
        sign(&api, &grace).await;
        new_agreement(&pool, &demo, "2").await;
        sign(&api, &grace).await;
        team(&api, &ada, "Molars").await;
        for file in [1, 1, 2] {
            handed_out(&pool, &demo, &ada, file, noon()).await;
        }

        let path = "/api/v1/challenges/demo/ledger";
        assert_eq!(api.of(&ada).get(path).await.0, 403);
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let (status, list) = olga.get(path).await;
        assert_eq!(status, 200, "{list}");
        let of = |name: &str| {
            let mut items = list["items"].as_array().unwrap().iter();
            items.find(|item| item["name"] == name).unwrap().clone()
        };
        let mut one = blank(of("Ada"));
        one["email"] = json!("[mail]");
        insta::assert_json_snapshot!(one, @r#"
        {
          "affiliation": "Analytical Society",
          "email": "[mail]",
          "files": 2,
          "has_signed_newest": false,
          "last_link_at": "2026-09-01T12:00:00Z",
          "links": 3,
          "name": "Ada",
          "signed_at": "2026-09-01T12:00:00Z",
          "signed_name": "Ada Lovelace",
          "teams": [
            "Molars"
          ],
          "user_id": "[id]",
          "version": "1"
        }
        "#);
        let grace_row = of("Grace");
        assert_eq!(grace_row["has_signed_newest"], true);
        assert_eq!(grace_row["files"], 0);
        let (_, first) = olga.get(&format!("{path}?limit=1")).await;
        let next = first["next"].as_str().unwrap();
        let (_, second) = olga.get(&format!("{path}?limit=1&cursor={next}")).await;
        assert_ne!(first["items"][0]["name"], second["items"][0]["name"]);
        assert!(second.get("next").is_none());

        let (_, list) = olga.get(&format!("{path}/signatures")).await;
        let mut addresses: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["user_id"] == json!(ada.id), item["address"].clone()))
            .collect();
        addresses.sort_by_key(|(is_ada, _)| !is_ada);
        let nowhere = (false, json!(null));
        assert_eq!(
            addresses,
            [(true, json!("203.0.113.7")), nowhere.clone(), nowhere]
        );
        let own = format!("{path}/downloads?user_id={}", ada.id);
        let (_, list) = olga.get(&own).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 3);
        let file = &list["items"][0]["place"];
        assert!(
            file.as_str().unwrap().starts_with("opg/training/"),
            "{file}"
        );
        let none = format!("{path}/downloads?user_id={}", grace.id);
        assert_eq!(olga.get(&none).await.1["items"], json!([]));
        let elsewhere = crate::testing::challenge_named(&pool, "elsewhere").await;
        let fritz = api.of(&organizer(&pool, "Fritz", elsewhere.id).await);
        for below in [
            "",
            "/signatures",
            "/downloads",
            "/signatures.csv",
            "/downloads.csv",
        ] {
            assert_eq!(fritz.get(&format!("{path}{below}")).await.0, 403, "{below}");
        }
    }
}
