//! `PATCH /api/v1/phases/{id}`

use actix_web::web;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_contracts::keys;
use molar_domain::PhaseId;
use molar_domain::challenge::time;
use molar_domain::phase::{Visibility, is_running};
use molar_domain::quota::Quota;
use molar_domain::retention;
use molar_service::{audit, outbox};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::publish::reason;
use super::rows::{self, Phase};
use super::view::PhaseView;
use crate::challenges::apply::lock;
use crate::challenges::history::{self, NewChange};
use crate::challenges::plan::Plan;
use crate::challenges::plan::difference;
use crate::finals::rows as finals;

/// What is absent stays as it is. The challenge file does not learn of it: who applies it again sees the
/// difference in the plan.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePhase {
    /// RFC 3339, or a local time of the challenge's zone.
    pub closes_at: Option<String>,
    /// As `closes_at`; empty for a board that does not freeze.
    pub freezes_at: Option<String>,
    #[schema(value_type = Option<String>)]
    pub visibility: Option<Visibility>,
    /// Members of the quota that change; null takes a limit away.
    #[schema(value_type = Object)]
    pub quota: Option<Map<String, Value>>,
    /// For how many days after the close files are kept; 0: for ever.
    pub retention_days: Option<u32>,
    /// Needed once the phase has opened, or has submissions; kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

#[derive(Serialize)]
struct Rules {
    closes_at: DateTime<Utc>,
    freezes_at: Option<DateTime<Utc>>,
    visibility: Visibility,
    quota: Quota,
    retention_days: Option<i32>,
}

/// Extends or shortens a phase, freezes its board, says who sees it, changes its quota, or for how long its files are
/// kept.
#[utoipa::path(
    patch,
    path = "/api/v1/phases/{id}",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.change", skip_all)]
pub async fn change(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<ChangePhase>,
) -> Result<web::Json<PhaseView>, ApiError> {
    let phase = change_one(&kit, &caller, *id, &body).await?;
    Ok(web::Json(PhaseView::of(phase, kit.clock.now())))
}

/// Who may publish is another question than who may change a time.
pub const FROZEN: &str =
    "the board stands still since its freeze; it goes on when it is published, not by another time";

pub async fn change_one(
    kit: &Kit,
    caller: &Caller,
    id: PhaseId,
    body: &ChangePhase,
) -> Result<Phase, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let phase = rows::find(&mut *tx, id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    lock(&mut tx, &phase.challenge).await?;
    // What it was while another held the lock does not count.
    let phase = rows::find(&mut *tx, id, now).await?;
    let old = Rules::of(&phase);
    let new = body.rules(&phase)?;
    if old.freezes_at.is_some_and(|at| at <= now) && new.freezes_at != old.freezes_at {
        return Err(ApiError::conflict(FROZEN).with_code("board-frozen"));
    }
    if new.closes_at != old.closes_at {
        require_finals_later(&mut tx, id, new.closes_at).await?;
        require_room_between(&mut tx, id, new.closes_at).await?;
        finals::require_unnamed(&mut tx, id.0).await?;
    }
    let mut plan = Plan::default();
    let changes = difference(&old, &new)?;
    if changes.is_empty() {
        return Ok(phase);
    }
    plan.update(&phase.name(), changes);
    let has_submissions = has_submissions(&mut tx, id).await?;
    if is_running(phase.opening(), has_submissions, now) {
        plan.explain();
    }
    let reason = reason(body.reason.as_deref())?;
    plan.require_reason(reason)?;
    write(&mut tx, id, &new).await?;
    record(&mut tx, caller, &phase, &plan, reason, now).await?;
    let changed = rows::find(&mut *tx, id, now).await?;
    tx.commit().await?;
    Ok(changed)
}

impl Rules {
    fn of(phase: &Phase) -> Self {
        Self {
            closes_at: phase.closes_at,
            freezes_at: phase.freezes_at,
            visibility: phase.visibility(),
            quota: phase.quota.0.clone(),
            retention_days: phase.retention_days,
        }
    }
}

impl ChangePhase {
    fn rules(&self, phase: &Phase) -> Result<Rules, ApiError> {
        let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
        let mut rules = Rules::of(phase);
        let mut wrong = Complaints::new();
        if let Some(text) = &self.closes_at
            && let Some(at) = wrong.take("/closes_at", time(text, zone))
        {
            rules.closes_at = at;
        }
        if let Some(text) = &self.freezes_at {
            rules.freezes_at = match text.trim() {
                "" => None,
                text => wrong.take("/freezes_at", time(text, zone)),
            };
        }
        if let Some(visibility) = self.visibility {
            rules.visibility = visibility;
        }
        if let Some(members) = &self.quota
            && let Some(quota) = wrong.take("/quota", merged(&rules.quota, members))
        {
            rules.quota = quota;
        }
        if let Some(days) = self.retention_days {
            wrong.check(
                days == 0 || retention::DAYS.contains(&days),
                "/retention_days",
                format!(
                    "is {days}: files are kept for {} to {} days after the close, or for ever, which is 0",
                    retention::DAYS.start(),
                    retention::DAYS.end()
                ),
            );
            rules.retention_days = i32::try_from(days).ok().filter(|days| *days > 0);
        }
        // What is not changed may lie before the phase opened, where it had to wait for another longer than was thought.
        let closes_moved = rules.closes_at != phase.closes_at;
        wrong.check(
            !closes_moved || phase.opens_at < rules.closes_at,
            "/closes_at",
            "the phase would end before it starts",
        );
        let freezes_moved = rules.freezes_at != phase.freezes_at;
        let is_outside = |at: DateTime<Utc>| {
            (freezes_moved && at <= phase.opens_at)
                || (closes_moved || freezes_moved) && at > rules.closes_at
        };
        wrong.check(
            !rules.freezes_at.is_some_and(is_outside),
            "/freezes_at",
            "a board freezes after its phase opens and no later than it closes",
        );
        wrong.check(
            rules.quota.concurrent > 0,
            "/quota/concurrent",
            "is 0, so nobody could ever submit; pause the phase instead",
        );
        wrong.finish()?;
        if (closes_moved || freezes_moved) && phase.published_at.is_some() {
            let why = "the phase is published; its end and its freeze cannot change any more";
            return Err(ApiError::conflict(why));
        }
        Ok(rules)
    }
}

fn merged(quota: &Quota, members: &Map<String, Value>) -> Result<Quota, serde_json::Error> {
    let mut all = serde_json::to_value(quota)?;
    if let Some(all) = all.as_object_mut() {
        all.extend(members.clone());
    }
    serde_json::from_value(all)
}

/// As for a file: who the finalists are is known when the phase they come from has closed.
async fn require_finals_later(
    conn: &mut PgConnection,
    id: PhaseId,
    closes_at: DateTime<Utc>,
) -> Result<(), ApiError> {
    let finals = sqlx::query!(
        "SELECT title, opens_at FROM tracks.phases WHERE finalists_of = $1 AND opens_at < $2 ORDER BY opens_at LIMIT 1",
        id.0,
        closes_at,
    )
    .fetch_optional(conn)
    .await?;
    let Some(finals) = finals else { return Ok(()) };
    let detail = format!(
        "{} takes its finalists from this phase and opens at {}: close this one no later, or open that one later first, in \
         the challenge file",
        finals.title,
        finals.opens_at.format("%Y-%m-%d %H:%M UTC")
    );
    Err(ApiError::invalid("/closes_at", detail))
}

/// What waits for a phase opens when that has closed, and has to close after it.
async fn require_room_between(
    conn: &mut PgConnection,
    id: PhaseId,
    closes_at: DateTime<Utc>,
) -> Result<(), ApiError> {
    let other = sqlx::query!(
        r#"SELECT o.title, o.closes_at, o.opens_after IS NOT DISTINCT FROM p.id AS "waits!"
           FROM tracks.phases p
           JOIN tracks.phases o ON (o.opens_after = p.id AND o.closes_at <= $2) OR (o.id = p.opens_after AND o.closes_at >= $2)
           WHERE p.id = $1 ORDER BY o.closes_at LIMIT 1"#,
        id.0,
        closes_at,
    )
    .fetch_optional(conn)
    .await?;
    let Some(other) = other else { return Ok(()) };
    let at = other.closes_at.format("%Y-%m-%d %H:%M UTC");
    let detail = match other.waits {
        true => format!(
            "{} opens after this phase and closes at {at}: close this one sooner, or that one later first",
            other.title
        ),
        false => format!(
            "this phase opens after {}, which closes at {at}: close it later than that",
            other.title
        ),
    };
    Err(ApiError::invalid("/closes_at", detail))
}

async fn has_submissions(conn: &mut PgConnection, id: PhaseId) -> sqlx::Result<bool> {
    let has = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM submission.life WHERE phase_id = $1) AS "has!""#,
        id.0
    );
    has.fetch_one(conn).await
}

async fn write(conn: &mut PgConnection, id: PhaseId, new: &Rules) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE tracks.phases SET closes_at = $2, freezes_at = $3, visibility = $4, quota = $5, retention_days = $6
         WHERE id = $1",
        id.0,
        new.closes_at,
        new.freezes_at,
        new.visibility.as_str(),
        json!(new.quota),
        new.retention_days,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn record(
    conn: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
    plan: &Plan,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let change = NewChange {
        challenge_id: phase.challenge_id,
        file_id: None,
        reason,
        steps: &plan.steps,
    };
    history::insert(conn, caller, &change, now).await?;
    outbox::announce(conn, now, keys::CHALLENGE_APPLIED, phase.challenge_id, None).await?;
    let details = json!({"challenge_id": phase.challenge_id, "plan": plan.steps});
    let actor = Some(caller.user_id);
    audit::append(conn, now, actor, "phase.changed", phase.id, details, reason).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, PhaseBuilder};
    use molar_web_kit::testing::{noon, organizer, person};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_running_phase_changes_for_a_reason_that_is_kept_with_both_values(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/phases/{}", demo.phase_id);
        let mut body =
            json!({"closes_at": "2026-12-24T12:00", "quota": {"per_day": null, "concurrent": 7}});
        let (status, silent) = olga.patch(&path, body.clone()).await;
        assert_eq!(status, 422);
        let told = silent["errors"][0]["detail"].as_str().unwrap();
        assert!(
            told.contains("phase teeth/validation: closes_at: "),
            "{told}"
        );
        assert!(told.contains("quota.concurrent: 2 → 7"), "{told}");

        body["reason"] = json!("the store was down");
        let (status, changed) = olga.patch(&path, body.clone()).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!(changed["closes_at"], "2026-12-24T11:00:00Z");
        assert_eq!(changed["quota"]["per_day"], Value::Null);
        assert_eq!(olga.patch(&path, body).await.0, 200);
        let entries: Vec<Value> = sqlx::query_scalar("SELECT details FROM audit.entries")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(entries.len(), 1, "what changes nothing is not on record");
        let changes = &entries[0]["plan"][0]["changes"];
        assert_eq!(
            changes[1],
            json!({"key": "quota.concurrent", "from": 2, "to": 7})
        );
        let (_, history) = olga.get("/api/v1/challenges/demo/changes").await;
        let last = &history["items"][0];
        assert_eq!(last["changed_by"], "Olga");
        assert_eq!(last["reason"], "the store was down");
        assert_eq!(&last["steps"][0]["changes"], changes);
        let eve = api.of(&person(&pool, "Eve").await);
        assert_eq!(
            eve.patch(&path, json!({"visibility": "public"})).await.0,
            403
        );
        assert_eq!(eve.get("/api/v1/challenges/demo/changes").await.0, 403);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn bad_values_are_told_at_once_and_a_planned_phase_needs_no_reason(pool: PgPool) {
        let week = chrono::TimeDelta::days(7);
        let phase = PhaseBuilder::new("final").window(noon() + week, noon() + week * 2);
        let demo = ChallengeBuilder::new("demo")
            .phase(phase)
            .insert(&pool)
            .await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/phases/{}", demo.phase_id);
        let bad = json!({
            "closes_at": "2026-09-02T00:00:00Z", "freezes_at": "2026-10-25T02:30:00", "quota": {"concurent": 3},
        });
        let (status, problem) = olga.patch(&path, bad).await;
        assert_eq!(status, 422);
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| &e["pointer"])
            .collect();
        assert_eq!(pointers, ["/freezes_at", "/quota", "/closes_at"]);
        let good = json!({"freezes_at": "2026-09-12T12:00:00Z", "visibility": "organizers"});
        let (status, changed) = olga.patch(&path, good).await;
        assert_eq!(
            (status, &changed["freezes_at"]),
            (200, &json!("2026-09-12T12:00:00Z"))
        );
        let kept = json!({"retention_days": 90});
        assert_eq!(olga.patch(&path, kept).await.1["retention_days"], 90);
        let (status, problem) = olga.patch(&path, json!({"retention_days": 36_501})).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/retention_days"))
        );
        let for_ever = json!({"retention_days": 0});
        assert_eq!(
            olga.patch(&path, for_ever).await.1["retention_days"],
            Value::Null
        );
        let melted = json!({"freezes_at": ""});
        assert_eq!(olga.patch(&path, melted).await.1["freezes_at"], Value::Null);

        assert_eq!(api.nobody().get(&path).await.0, 404);
        assert_eq!(olga.get(&path).await.0, 200);
        let (_, seen) = api.nobody().get("/api/v1/challenges/demo").await;
        assert_eq!(seen["tracks"][0]["phases"], json!([]));
        let (_, seen) = olga.get("/api/v1/challenges/demo").await;
        assert_eq!(seen["tracks"][0]["phases"].as_array().unwrap().len(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_does_not_close_after_one_has_opened_that_takes_its_finalists(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        sqlx::query!(
            "INSERT INTO tracks.phases (id, track_id, slug, title, kind, split_id, position, opens_at, closes_at, metrics, keep,
                 quota, limits, device_class, finalists_of, finalists_top, is_final, upload_grace_s, requires_code_url,
                 locks_teams)
             SELECT gen_random_uuid(), track_id, 'final', 'The final', kind, split_id, 9, closes_at + interval '1 day',
                    closes_at + interval '9 days', metrics, keep, quota, limits, device_class, id, 10, is_final,
                    upload_grace_s, requires_code_url, locks_teams
             FROM tracks.phases WHERE id = $1",
            demo.phase_id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        let closes_at: DateTime<Utc> = sqlx::query_scalar!(
            "SELECT closes_at FROM tracks.phases WHERE id = $1",
            demo.phase_id.0
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        let path = format!("/api/v1/phases/{}", demo.phase_id);
        let moved = |hours| json!({"closes_at": closes_at + chrono::TimeDelta::hours(hours), "reason": "the store was down"});
        let (status, problem) = olga.patch(&path, moved(25)).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/closes_at");
        let told = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(told.starts_with("The final takes its finalists"), "{told}");
        assert_eq!(olga.patch(&path, moved(24)).await.0, 200);
    }
}
