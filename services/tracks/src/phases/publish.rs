//! `POST /api/v1/phases/{id}/publish`

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::consent::Act;
use molar_domain::phase::PhaseState;
use molar_domain::{PhaseId, UserId};
use molar_service::consent::{self, Outcome, Wish};
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Kit, Waiting};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Phase};
use super::view::PhaseView;
use crate::finals;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

impl Decision {
    /// An empty reason is none.
    pub fn reason(&self) -> Result<Option<&str>, ApiError> {
        reason(self.reason.as_deref())
    }
}

/// As [`Decision::reason`].
pub fn reason(given: Option<&str>) -> Result<Option<&str>, ApiError> {
    let reason = given.map(str::trim).unwrap_or_default();
    if reason.chars().count() > 1000 {
        return Err(ApiError::invalid(
            "/reason",
            "must have 1000 characters at most",
        ));
    }
    Ok(Some(reason).filter(|reason| !reason.is_empty()))
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// The request of another organizer that this confirms.
    pub confirms: Option<Uuid>,
}

/// What became of the wish to publish.
pub enum Published {
    Now(Box<PhaseView>),
    Waits(Waiting),
}

/// Shows the scores of a final phase, a hidden board, or past the freeze of one, to everybody, and with them the
/// finalists and awards where some are named; then each dossier has to be locked. Phases that wait for it open once it has
/// closed. Doing so twice changes nothing.
/// Where the challenge file wants two organizers for it, the first is answered 202 and another sends the same with
/// `confirms`.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/publish",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView), (status = ACCEPTED, body = Waiting))
)]
#[tracing::instrument(name = "phases.publish", skip_all)]
pub async fn publish(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<Publication>,
) -> Result<HttpResponse, ApiError> {
    match take(&kit, &caller, *id, &body).await? {
        Published::Now(phase) => Ok(HttpResponse::Ok().json(phase)),
        Published::Waits(waiting) => Ok(waiting.respond()),
    }
}

pub async fn take(
    kit: &Kit,
    caller: &Caller,
    id: PhaseId,
    body: &Publication,
) -> Result<Published, ApiError> {
    let now = kit.clock.now();
    let phase = rows::find(&kit.db, id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let reason = reason(body.reason.as_deref())?;
    let finals = finals::rows::find_finals(&kit.db, phase.id).await?;
    let hides = phase.is_final || phase.board.is_hidden || phase.freezes_at.is_some();
    if !hides && finals.is_none() {
        let why = "the scores of this phase are shown all along; only a final phase, one with a frozen or hidden board, or one whose finalists are named is published";
        return Err(ApiError::conflict(why));
    }
    if finals.is_some() && !matches!(phase.state(now), PhaseState::Closed | PhaseState::Published) {
        let why = "the finalists of this phase are published with it, and it is open, or work of it is left: publish it when that is done";
        return Err(ApiError::conflict(why));
    }

    let mut tx = kit.db.begin().await?;
    if !is_published(&mut tx, id).await? {
        finals::publish::require_ready(&mut tx, id.0).await?;
        let wish = Wish {
            act: Act::Publish,
            subject: id.0,
            challenge: phase.challenge_id(),
            by: caller.user_id,
            reason,
            confirms: body.confirms,
        };
        match consent::settle(&mut tx, &wish, now).await? {
            Outcome::Waits(asked) => {
                tx.commit().await?;
                return Ok(Published::Waits(Waiting::of(&asked)));
            }
            Outcome::Act { reason, asked_by } => {
                let by = Signed { caller, asked_by };
                write(&mut tx, &phase, &by, reason.as_deref(), now).await?;
            }
        }
    }
    tx.commit().await?;
    let phase = rows::find(&kit.db, id, now).await?;
    Ok(Published::Now(Box::new(PhaseView::of(phase, now))))
}

/// Who did it, and who asked for it where these are two.
struct Signed<'a> {
    caller: &'a Caller,
    asked_by: Option<UserId>,
}

/// Of two who publish at once the second waits here, and finds it done.
async fn is_published(conn: &mut PgConnection, id: PhaseId) -> sqlx::Result<bool> {
    sqlx::query!(
        "SELECT FROM tracks.finals WHERE phase_id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"SELECT published_at IS NOT NULL AND NOT EXISTS (
               SELECT FROM tracks.finals f WHERE f.phase_id = p.id AND f.published_at IS NULL
           ) AS "is!" FROM tracks.phases p WHERE id = $1 FOR UPDATE"#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

async fn write(
    conn: &mut PgConnection,
    phase: &Phase,
    by: &Signed<'_>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let opens = rows::opened_by(&mut *conn, phase.id, now).await?;
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = $2, published_by = $3 WHERE id = $1 AND published_at IS NULL",
        phase.id,
        now,
        by.caller.user_id.0,
    )
    .execute(&mut *conn)
    .await?;
    outbox::announce(conn, now, keys::PHASE_PUBLISHED, phase.id, Some(phase.id)).await?;
    let mut details = json!({
        "challenge_id": phase.challenge_id,
        "from": phase.state(now),
        "to": "published",
    });
    if let Some(told) = finals::publish::write(conn, phase.id, now).await? {
        details["finals"] = told;
    }
    if !opens.is_empty() {
        let opens: Vec<Uuid> = opens.into_iter().map(|(id, _)| id).collect();
        details["opens"] = json!(opens);
    }
    if let Some(first) = by.asked_by {
        details["asked_by"] = json!(first);
    }
    let actor = Some(by.caller.user_id);
    let action = "phase.published";
    audit::append(conn, now, actor, action, phase.id, details, reason).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, PhaseBuilder};
    use molar_web_kit::testing::{Person, organizer};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::Api;

    struct Stage {
        api: Api,
        olga: Person,
        bob: Person,
        path: String,
    }

    async fn stage(pool: &PgPool) -> Stage {
        let phase = PhaseBuilder::new("final").is_final();
        let demo = ChallengeBuilder::new("demo")
            .phase(phase)
            .insert(pool)
            .await;
        sqlx::query!("UPDATE tracks.challenges SET second_organizer = '{publish}'")
            .execute(pool)
            .await
            .unwrap();
        Stage {
            api: Api::new(pool).await,
            olga: organizer(pool, "Olga", demo.id).await,
            bob: organizer(pool, "Bob", demo.id).await,
            path: format!("/api/v1/phases/{}/publish", demo.phase_id),
        }
    }

    async fn is_published(pool: &PgPool) -> bool {
        sqlx::query_scalar!(r#"SELECT published_at IS NOT NULL AS "is!" FROM tracks.phases"#)
            .fetch_one(pool)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn two_organizers_publish_and_one_twice_does_not(pool: PgPool) {
        let of = stage(&pool).await;
        let (olga, bob) = (of.api.of(&of.olga), of.api.of(&of.bob));
        let (status, asked) = olga.post(&of.path, json!({"reason": "all is done"})).await;
        assert_eq!(status, 202, "{asked}");
        let confirms = json!({"confirms": asked["request_id"]});
        // Another token of hers is still her.
        let browser = of.api.with_token(&of.olga.session);
        for own in [&olga, &browser] {
            let (status, refused) = own.post(&of.path, confirms.clone()).await;
            assert_eq!(status, 409, "{refused}");
            assert_eq!(refused["code"], "second-organizer-is-the-first");
        }
        let (status, asked_for) = bob.post(&of.path, json!({})).await;
        assert_eq!((status, is_published(&pool).await), (409, false));
        insta::assert_json_snapshot!(asked_for, @r#"
        {
          "code": "waits-for-second-organizer",
          "detail": "publishing this phase: another organizer asked for it already; confirm or decline that request under /organize/requests",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let (status, published) = bob.post(&of.path, confirms).await;
        assert_eq!(
            (status, is_published(&pool).await),
            (200, true),
            "{published}"
        );
        let row = sqlx::query!(
            "SELECT e.action, e.details, p.text FROM audit.entries e JOIN audit.personal p USING (seq)
             WHERE action = 'phase.published'"
        );
        let row = row.fetch_one(&pool).await.unwrap();
        assert_eq!(row.details["asked_by"], json!(of.olga.id));
        assert_eq!(row.text, "all is done");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_hidden_board_is_published_as_a_final_phase_is(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/phases/{}/publish", demo.phase_id);
        assert_eq!(olga.post(&path, json!({})).await.0, 409);
        sqlx::query!(r#"UPDATE tracks.phases SET board = '{"is_hidden": true}'"#)
            .execute(&pool)
            .await
            .unwrap();
        let (status, published) = olga.post(&path, json!({})).await;
        assert_eq!(
            (status, is_published(&pool).await),
            (200, true),
            "{published}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_request_that_has_expired_confirms_nothing_and_may_be_made_anew(pool: PgPool) {
        let of = stage(&pool).await;
        let (olga, bob) = (of.api.of(&of.olga), of.api.of(&of.bob));
        let (_, asked) = olga.post(&of.path, json!({})).await;
        sqlx::query!("UPDATE audit.requests SET expires_at = requested_at")
            .execute(&pool)
            .await
            .unwrap();
        let confirms = json!({"confirms": asked["request_id"]});
        let (status, over) = bob.post(&of.path, confirms).await;
        assert_eq!((status, &over["code"]), (409, &json!("request-over")));
        let (status, again) = bob.post(&of.path, json!({})).await;
        assert_eq!((status, is_published(&pool).await), (202, false), "{again}");
        let decisions = sqlx::query_scalar!("SELECT decision FROM audit.requests ORDER BY id");
        let decisions = decisions.fetch_all(&pool).await.unwrap();
        assert!(
            decisions.contains(&Some("expired".to_owned())) && decisions.contains(&None),
            "{decisions:?}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_database_itself_refuses_one_person_twice(pool: PgPool) {
        let of = stage(&pool).await;
        of.api.of(&of.olga).post(&of.path, json!({})).await;
        let refused = sqlx::query!(
            "UPDATE audit.requests SET decision = 'confirmed', decided_by = requested_by, decided_at = requested_at"
        )
        .execute(&pool)
        .await;
        assert!(refused.unwrap_err().to_string().contains("requests_second"));
    }
}
