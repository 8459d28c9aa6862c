//! Signs that one person may be in several teams. Shown to organizers; nothing follows by itself.

mod mail_domain;
mod rows;

use std::collections::HashMap;

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, TeamId, spelled_enum};
use molar_web_kit::{ApiError, Caller, Kit, Page};
use serde::Serialize;
use sqlx::PgPool;

use crate::challenges;

spelled_enum! {
    #[derive(utoipa::ToSchema)]
    pub enum SignKind as "kind of sign" {
        /// Members with one mail domain were seen at one network address.
        Address = "address",
        /// One image.
        Image = "image",
        /// One file of predictions.
        Predictions = "predictions",
        /// Containers that wrote the same, byte for byte.
        Outputs = "outputs",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TeamName {
    #[schema(value_type = uuid::Uuid)]
    pub id: TeamId,
    pub name: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Sign {
    pub kind: SignKind,
    /// What was seen.
    pub detail: String,
    /// Between which teams.
    pub teams: Vec<TeamName>,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

/// Signs that teams of a challenge may be the same people; for organizers and reviewers. None is a
/// proof: a lab has one address, and a base image is everybody's.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/signs",
    tag = "participations",
    params(("slug" = String, Path)),
    responses((status = OK, body = Page<Sign>))
)]
#[tracing::instrument(name = "signs.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<web::Json<Page<Sign>>, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let items = all(&kit.db, challenge.id).await?;
    Ok(web::Json(Page { items, next: None }))
}

/// The latest first.
pub async fn all(db: &PgPool, challenge: ChallengeId) -> sqlx::Result<Vec<Sign>> {
    let names = rows::team_names(db, challenge).await?;
    let seen = [
        rows::addresses(db, challenge).await?,
        rows::images(db, challenge).await?,
        rows::predictions(db, challenge).await?,
        rows::outputs(db, challenge).await?,
    ];
    let mut signs: Vec<Sign> = seen
        .into_iter()
        .flatten()
        .map(|seen| sign(seen, &names))
        .collect();
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.last_seen_at));
    Ok(signs)
}

fn sign(seen: rows::Seen, names: &HashMap<TeamId, String>) -> Sign {
    let mut teams: Vec<TeamName> = seen
        .teams
        .into_iter()
        .map(|id| TeamName {
            id,
            name: names.get(&id).cloned().unwrap_or_default(),
        })
        .collect();
    teams.sort_by(|a, b| a.name.cmp(&b.name));
    Sign {
        kind: seen.kind,
        detail: seen.detail,
        teams,
        first_seen_at: seen.first_seen_at,
        last_seen_at: seen.last_seen_at,
    }
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{Person, noon, organizer, person};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, handed_in, phase, signature, team};

    /// Somebody with an address, who signed from some place and has a team.
    async fn member(
        api: &Api,
        pool: &PgPool,
        email: &str,
        from: &str,
        team_name: &str,
    ) -> (Person, String) {
        let member = person(pool, team_name).await;
        sqlx::query!(
            "UPDATE registration.users SET email = $2 WHERE id = $1",
            member.id.0,
            email
        )
        .execute(pool)
        .await
        .unwrap();
        let signs = api.of(&member).from(from);
        let (status, _) = signs.post("/api/v1/agreements", signature("1")).await;
        assert_eq!(status, 201);
        let team = team(api, &member, team_name).await;
        (member, team)
    }

    fn told(list: &Value) -> Vec<(String, String, Vec<String>)> {
        let items = list["items"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut told: Vec<_> = items
            .map(|item| {
                let teams = item["teams"].as_array().unwrap().iter();
                let names = teams.map(|team| text(&team["name"])).collect();
                (text(&item["kind"]), text(&item["detail"]), names)
            })
            .collect();
        told.sort();
        told
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn one_mail_domain_at_one_address_is_a_sign_and_neither_alone_is(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        for (email, from, team) in [
            ("a@uni.example", "203.0.113.7", "Molars"),
            ("b@uni.example", "203.0.113.7", "Canines"),
            ("c@uni.example", "203.0.113.8", "Same domain"),
            ("d@lab.example", "203.0.113.7", "Same address"),
            ("e@gmail.com", "198.51.100.1", "Mail one"),
            ("f@gmail.com", "198.51.100.2", "Mail two"),
            ("g@v6.example", "2001:db8:1:2::7", "Six one"),
            ("h@v6.example", "2001:db8:1:2:ffff::8", "Six two"),
        ] {
            member(&api, &pool, email, from, team).await;
        }
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = "/api/v1/challenges/demo/signs";
        let (status, list) = olga.get(path).await;
        assert_eq!(status, 200, "{list}");
        insta::assert_json_snapshot!(told(&list), @r#"
        [
          [
            "address",
            "members with mail addresses of uni.example registered, signed or joined from 203.0.113.7",
            [
              "Canines",
              "Molars"
            ]
          ],
          [
            "address",
            "members with mail addresses of v6.example registered, signed or joined from 2001:db8:1:2::/64",
            [
              "Six one",
              "Six two"
            ]
          ]
        ]
        "#);
        assert_eq!(list["items"][0]["first_seen_at"], "2026-09-01T12:00:00Z");
        let (ada, _) = member(&api, &pool, "x@x.example", "203.0.113.9", "Others").await;
        assert_eq!(api.of(&ada).get(path).await.0, 403);
        crate::sightings::purge(&pool, noon() + chrono::TimeDelta::seconds(1))
            .await
            .unwrap();
        assert_eq!(olga.get(path).await.1["items"], json!([]));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_person_in_two_teams_of_different_tracks_is_no_sign(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, _) = member(&api, &pool, "a@uni.example", "203.0.113.7", "Molars").await;
        team(&api, &ada, "Canines").await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let (_, list) = olga.get("/api/v1/challenges/demo/signs").await;
        assert_eq!(list["items"], json!([]));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn one_image_or_file_of_two_teams_is_a_sign(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let phase = phase(&pool, &demo, noon()).await;
        let (ada, molars) = member(&api, &pool, "a@a.example", "203.0.113.1", "Molars").await;
        let (bob, canines) = member(&api, &pool, "b@b.example", "203.0.113.2", "Canines").await;
        for (team, by, sha256, image) in [
            (&molars, &ada, "aa11", None),
            (&canines, &bob, "aa11", None),
            (&molars, &ada, "bb", Some("sha256:cc22")),
            (&canines, &bob, "dd", Some("sha256:cc22")),
            (&molars, &ada, "ee", None),
            (&molars, &ada, "ee", None),
        ] {
            handed_in(&pool, team, by, phase, sha256, image).await;
        }
        let refused = handed_in(&pool, &canines, &bob, phase, "ee", None).await;
        sqlx::query!(
            "UPDATE submission.uploads SET state = 'expired' WHERE submission_id = $1",
            refused
        )
        .execute(&pool)
        .await
        .unwrap();
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let (_, list) = olga.get("/api/v1/challenges/demo/signs").await;
        insta::assert_json_snapshot!(told(&list), @r#"
        [
          [
            "image",
            "handed in the same image, sha256:cc22",
            [
              "Canines",
              "Molars"
            ]
          ],
          [
            "predictions",
            "handed in the same file of predictions, SHA-256 aa11",
            [
              "Canines",
              "Molars"
            ]
          ]
        ]
        "#);
        let (_, html) = api
            .browser(&organizer(&pool, "Otto", demo.id).await)
            .page("/organize/signs/demo")
            .await;
        assert!(
            html.contains("sha256:cc22") && html.contains("Canines"),
            "{html}"
        );
    }
}
