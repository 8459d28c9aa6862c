//! Phases and their baselines.

use chrono::{DateTime, Utc};
use molar_domain::challenge::{Baseline, Phase, Track};
use molar_domain::phase::is_running;
use molar_web_kit::ApiError;
use serde_json::json;
use uuid::Uuid;

use super::phase_fields::PhaseFields;
use super::{Upsert, place};
use crate::Error;
use crate::challenges::plan::{Change, FieldChange, Touches};
use crate::finals::rows as finals;

struct Awaited {
    id: Uuid,
    is_published: bool,
}

impl Upsert<'_> {
    pub(super) async fn phase(
        &mut self,
        track_id: Uuid,
        track: &Track,
        phase: &Phase,
        position: i16,
    ) -> Result<(), Error> {
        let new = self.phase_fields(track_id, phase, position).await?;
        let known = sqlx::query_scalar!(
            "SELECT id FROM tracks.phases WHERE track_id = $1 AND slug = $2",
            track_id,
            phase.slug,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let id = known.unwrap_or_else(|| self.new_id());
        let old = self.old_phase(id).await?;
        let name = format!("phase {}/{}", track.slug, phase.slug);
        let changes = self.note(&name, old.as_ref(), &new)?;
        let has_submissions = self.has_submissions(id).await?;
        let runs = old
            .as_ref()
            .is_some_and(|old| is_running(old.opening(), has_submissions, self.now));
        if let Some(changes) = changes {
            if let Some(old) = &old {
                if old.closes_at != new.closes_at {
                    finals::require_unnamed(&mut *self.conn, id).await?;
                }
                if has_submissions {
                    old.require_same_task(&new, &name)?;
                }
                let counts = self.counts(Some(id), None).await?;
                let touches = Touches::sum(counts.into_iter().map(|counts| counts.by(&changes)));
                self.plan.touch(touches);
            }
            if runs || old.as_ref().is_some_and(|old| old.lets_go(&new)) {
                self.plan.explain();
            }
            self.write_phase(id, track_id, &phase.slug, &new).await?;
        }
        if self.baselines(id, &name, &phase.baselines).await? && runs {
            self.plan.explain();
        }
        Ok(())
    }

    /// Whom changes of one phase, or of all of a track, may concern.
    pub(super) async fn counts(
        &mut self,
        phase: Option<Uuid>,
        track: Option<Uuid>,
    ) -> Result<Vec<Touches>, Error> {
        let counts = sqlx::query_as!(
            Touches,
            r#"SELECT (SELECT count(*) FROM registration.participants q
                       WHERE q.track_id = p.track_id AND q.state = 'approved') AS "teams!",
                      (SELECT count(*) FROM submission.life l
                       WHERE l.phase_id = p.id AND l.cancelled_at IS NULL) AS "submissions!",
                      (SELECT count(*) FROM submission.life l
                       WHERE l.phase_id = p.id AND l.evaluation_id IS NOT NULL) AS "evaluations!",
                      (SELECT count(*) FROM leaderboard.places e WHERE e.phase_id = p.id) AS "ranks!",
                      (SELECT count(*) FROM submission.life l
                       WHERE l.phase_id = p.id AND l.upload_state IN ('accepted', 'refused')) AS "kept_shorter!"
               FROM tracks.phases p WHERE p.id = $1 OR p.track_id = $2"#,
            phase,
            track,
        );
        Ok(counts.fetch_all(&mut *self.conn).await?)
    }

    async fn phase_fields(
        &mut self,
        track_id: Uuid,
        phase: &Phase,
        position: i16,
    ) -> Result<PhaseFields, Error> {
        let window = phase.window(self.zone);
        let window = window.ok_or_else(|| ApiError::internal("a window that was checked"))?;
        let split_id = sqlx::query_scalar!(
            "SELECT id FROM tracks.splits WHERE track_id = $1 AND slug = $2",
            track_id,
            phase.split,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let finalists_of = match &phase.finalists {
            // Named before this phase, so it is there.
            Some(finalists) => Some(
                sqlx::query_scalar!(
                    "SELECT id FROM tracks.phases WHERE track_id = $1 AND slug = $2",
                    track_id,
                    finalists.phase,
                )
                .fetch_one(&mut *self.conn)
                .await?,
            ),
            None => None,
        };
        let awaited = match &phase.opens_after {
            Some(slug) => Some(self.awaited(track_id, slug).await?),
            None => None,
        };
        Ok(PhaseFields {
            title: phase.title.clone(),
            kind: phase.kind.to_string(),
            split_id,
            split: phase.split.clone(),
            canary_case: phase.canary.clone(),
            position,
            opens_at: micros(window.0),
            opens_after_id: awaited.as_ref().map(|awaited| awaited.id),
            opens_after: phase.opens_after.clone(),
            is_held: awaited.is_some_and(|awaited| !awaited.is_published),
            closes_at: micros(window.1),
            upload_grace_s: i32::try_from(phase.upload_grace_s).unwrap_or(i32::MAX),
            is_final: phase.is_final,
            metrics: phase.metrics.clone(),
            keep: phase.keep.to_string(),
            keep_metric: phase.keep_metric.clone(),
            quota: json!(phase.quota),
            limits: json!(phase.limits),
            device_class: phase.device_class.clone(),
            requires_code_url: phase.requires_code_url,
            locks_teams: phase.locks_teams,
            allowed_licences: phase.allowed_licences.clone(),
            freezes_at: phase.freeze(self.zone).map(micros),
            visibility: phase.visibility.to_string(),
            board: json!(phase.board),
            finalists_of,
            finalists_phase: phase.finalists.as_ref().map(|f| f.phase.clone()),
            finalists_top: phase.finalists.as_ref().map(|f| i32::from(f.top)),
            retention_days: phase
                .retention_days
                .and_then(|days| i32::try_from(days).ok()),
        })
    }

    /// It is named before the phase that opens after it, so it is there.
    async fn awaited(&mut self, track_id: Uuid, slug: &str) -> Result<Awaited, Error> {
        let found = sqlx::query_as!(
            Awaited,
            r#"SELECT id, published_at IS NOT NULL AS "is_published!" FROM tracks.phases WHERE track_id = $1 AND slug = $2"#,
            track_id,
            slug,
        );
        Ok(found.fetch_one(&mut *self.conn).await?)
    }

    async fn old_phase(&mut self, id: Uuid) -> Result<Option<PhaseFields>, Error> {
        let old = sqlx::query_as!(
            PhaseFields,
            "SELECT p.title, p.kind, p.split_id, s.slug AS split, p.canary_case, p.position, p.opens_at,
                    p.opens_after AS opens_after_id, o.opens_after_slug AS opens_after,
                    o.is_held AS \"is_held!\", p.closes_at, p.upload_grace_s, p.is_final, p.metrics, p.keep, p.keep_metric,
                    p.quota, p.limits, p.device_class, p.requires_code_url, p.locks_teams, p.allowed_licences, p.freezes_at,
                    p.visibility, p.board, p.finalists_of, p.finalists_top, p.retention_days,
                    (SELECT f.slug FROM tracks.phases f WHERE f.id = p.finalists_of) AS finalists_phase
             FROM tracks.phases p JOIN tracks.splits s ON s.id = p.split_id
             JOIN tracks.openings o ON o.phase_id = p.id
             WHERE p.id = $1",
            id
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(old)
    }

    pub(super) async fn has_submissions(&mut self, phase: Uuid) -> Result<bool, Error> {
        let has = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM submission.life WHERE phase_id = $1) AS "has!""#,
            phase
        );
        Ok(has.fetch_one(&mut *self.conn).await?)
    }

    async fn write_phase(
        &mut self,
        id: Uuid,
        track_id: Uuid,
        slug: &str,
        new: &PhaseFields,
    ) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO tracks.phases AS p
                 (id, track_id, slug, title, kind, split_id, canary_case, position, opens_at, closes_at,
                  upload_grace_s, is_final, metrics, keep, keep_metric, quota, limits, device_class,
                  requires_code_url, locks_teams, allowed_licences, freezes_at, visibility, finalists_of, finalists_top,
                  retention_days, board, opens_after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                     $20, $21, $22, $23, $24, $25, $26, $27, $28)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind,
                 split_id = excluded.split_id, canary_case = excluded.canary_case,
                 canary_case_id = CASE WHEN p.canary_case IS NOT DISTINCT FROM excluded.canary_case
                                       THEN p.canary_case_id END,
                 position = excluded.position, opens_at = excluded.opens_at,
                 closes_at = excluded.closes_at, upload_grace_s = excluded.upload_grace_s,
                 is_final = excluded.is_final, metrics = excluded.metrics, keep = excluded.keep,
                 keep_metric = excluded.keep_metric, quota = excluded.quota,
                 limits = excluded.limits, device_class = excluded.device_class,
                 requires_code_url = excluded.requires_code_url,
                 locks_teams = excluded.locks_teams,
                 allowed_licences = excluded.allowed_licences, freezes_at = excluded.freezes_at,
                 visibility = excluded.visibility, finalists_of = excluded.finalists_of,
                 finalists_top = excluded.finalists_top, retention_days = excluded.retention_days,
                 board = excluded.board, opens_after = excluded.opens_after",
            id,
            track_id,
            slug,
            new.title,
            new.kind,
            new.split_id,
            new.canary_case,
            new.position,
            new.opens_at,
            new.closes_at,
            new.upload_grace_s,
            new.is_final,
            &new.metrics,
            new.keep,
            new.keep_metric,
            new.quota,
            new.limits,
            new.device_class,
            new.requires_code_url,
            new.locks_teams,
            &new.allowed_licences,
            new.freezes_at,
            new.visibility,
            new.finalists_of,
            new.finalists_top,
            new.retention_days,
            new.board,
            new.opens_after_id,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    async fn baselines(
        &mut self,
        phase: Uuid,
        name: &str,
        wanted: &[Baseline],
    ) -> Result<bool, Error> {
        let rows = sqlx::query!(
            "SELECT name, note, values FROM tracks.baselines WHERE phase_id = $1 ORDER BY position",
            phase
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let old: Vec<_> = rows
            .iter()
            .map(|b| json!([b.name, b.note, b.values]))
            .collect();
        let new: Vec<_> = wanted
            .iter()
            .map(|b| json!([b.name, b.note, b.values]))
            .collect();
        if old == new {
            return Ok(false);
        }
        sqlx::query!("DELETE FROM tracks.baselines WHERE phase_id = $1", phase)
            .execute(&mut *self.conn)
            .await?;
        for (position, baseline) in wanted.iter().enumerate() {
            sqlx::query!(
                "INSERT INTO tracks.baselines (phase_id, name, position, note, values)
                 VALUES ($1, $2, $3, $4, $5)",
                phase,
                baseline.name,
                place(position),
                baseline.note,
                json!(baseline.values),
            )
            .execute(&mut *self.conn)
            .await?;
        }
        let what = format!("baselines of {name}");
        let detail = format!("{} → {}", old.len(), new.len());
        self.plan.add(Change::Update, &what, detail);
        if let Some(step) = self.plan.steps.last_mut() {
            step.changes = vec![FieldChange {
                key: "baselines".into(),
                from: json!(old),
                to: json!(new),
            }];
        }
        Ok(true)
    }
}

/// As the database keeps times.
fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}
