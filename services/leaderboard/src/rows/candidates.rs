//! Finished evaluations that may become entries.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::TeamId;
use molar_domain::phase::Keep;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::means::{self, Measured};
use super::phases::Phase;
use crate::entries::{self, Candidate};

/// Of so many evaluations the cases are held at once: a phase of fifty thousand has millions.
const AT_ONCE: usize = 500;

struct Row {
    evaluation_id: Uuid,
    submission_id: Uuid,
    team_id: Uuid,
    submitted_at: DateTime<Utc>,
    is_chosen: bool,
    out_reason: Option<String>,
    is_withdrawn: bool,
    /// By the metric that chooses the best, as far as it is kept.
    value: Option<f64>,
    /// Whether that much is kept.
    is_measured: bool,
}

#[derive(Default)]
struct Cases {
    values: Vec<Value>,
    failed: usize,
}

/// Of every submission of these teams that counts, its newest evaluation by what the phase is measured by, if that has
/// finished: what was measured otherwise never stands beside it. Teams that are not approved take no part. What was
/// withdrawn is among them where a Ladder remembers it.
///
/// Of what is measured there is the metric that chooses the best, and no more: of fifty thousand one in fifty becomes an
/// entry, and [`complete`] looks up the rest of those.
pub async fn list(
    tx: &mut PgConnection,
    phase: &Phase,
    teams: &[TeamId],
) -> sqlx::Result<Vec<Candidate>> {
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT DISTINCT ON (s.submission_id)
                  e.evaluation_id AS "evaluation_id!", s.submission_id AS "submission_id!", s.team_id AS "team_id!",
                  s.completed_at AS "submitted_at!", s.is_chosen AS "is_chosen!", p.out_reason,
                  s.withdrawn_at IS NOT NULL AS "is_withdrawn!",
                  (m.means->>$4)::float8 AS value, ($4::text IS NULL OR COALESCE(m.means ? $4, false)) AS "is_measured!"
           FROM scoring.evaluation_facts e
           JOIN submission.accepted s ON s.submission_id = e.submission_id
           JOIN registration.participants p ON p.team_id = s.team_id AND p.track_id = $2
           LEFT JOIN leaderboard.means m ON m.evaluation_id = e.evaluation_id AND $4::text IS NOT NULL
           WHERE e.phase_id = $1 AND e.team_id = ANY($5) AND e.state = 'finished'
             AND (e.is_current OR NOT EXISTS (SELECT FROM scoring.frame_facts f WHERE f.phase_id = $1))
             AND p.state = 'approved' AND (s.withdrawn_at IS NULL OR $3)
           ORDER BY s.submission_id, e.attempt_id DESC NULLS LAST, e.evaluation_id DESC"#,
        phase.id.0,
        phase.track_id,
        phase.board.ladder_step.is_some(),
        chooses(phase),
        &teams,
    )
    .fetch_all(&mut *tx)
    .await?;
    candidates(tx, rows, phase, &phase.metrics).await
}

/// The same as a re-scoring measured it, of what it has measured so far.
pub async fn list_rescored(
    tx: &mut PgConnection,
    phase: &Phase,
    rescoring: Uuid,
    metrics: &[String],
) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT DISTINCT ON (s.submission_id)
                  e.evaluation_id AS "evaluation_id!", s.submission_id AS "submission_id!", s.team_id AS "team_id!",
                  s.completed_at AS "submitted_at!", s.is_chosen AS "is_chosen!", p.out_reason,
                  s.withdrawn_at IS NOT NULL AS "is_withdrawn!",
                  (m.means->>$3)::float8 AS value, ($3::text IS NULL OR COALESCE(m.means ? $3, false)) AS "is_measured!"
           FROM scoring.rescored e
           JOIN submission.accepted s ON s.submission_id = e.submission_id
           JOIN registration.participants p ON p.team_id = s.team_id AND p.track_id = $2
           LEFT JOIN leaderboard.means m ON m.evaluation_id = e.evaluation_id AND $3::text IS NOT NULL
           WHERE e.rescoring_id = $1 AND e.state = 'finished'
             AND p.state = 'approved' AND (s.withdrawn_at IS NULL OR $4)
           ORDER BY s.submission_id, e.evaluation_id DESC"#,
        rescoring,
        phase.track_id,
        chooses(phase),
        phase.board.ladder_step.is_some(),
    )
    .fetch_all(&mut *tx)
    .await?;
    candidates(tx, rows, phase, metrics).await
}

fn chooses(phase: &Phase) -> Option<&str> {
    let metric = phase.keep_metric.as_deref();
    metric.filter(|_| phase.keep == Keep::Best)
}

async fn candidates(
    tx: &mut PgConnection,
    rows: Vec<Row>,
    phase: &Phase,
    metrics: &[String],
) -> sqlx::Result<Vec<Candidate>> {
    let new = rows.iter().filter(|row| !row.is_measured);
    let new: Vec<Uuid> = new.map(|row| row.evaluation_id).collect();
    let mut found = measured(tx, &new, metrics).await?;
    let metric = chooses(phase);
    let candidates = rows.into_iter().map(|row| {
        let measured = match row.is_measured {
            true => chosen_by(metric, row.value),
            false => found
                .remove(&row.evaluation_id)
                .unwrap_or_else(|| Cases::default().measured(metrics)),
        };
        let is_new = !row.is_measured;
        row.candidate(measured, is_new)
    });
    Ok(candidates.collect())
}

/// Looks up, or makes, all that is measured of these; returns those of which it was made, to be kept.
pub async fn complete(
    tx: &mut PgConnection,
    entries: &mut [Candidate],
    metrics: &[String],
) -> sqlx::Result<Vec<Candidate>> {
    let part = || entries.iter().filter(|entry| !entry.is_new);
    let ids: Vec<Uuid> = part().map(|entry| entry.evaluation.0).collect();
    let mut known = means::list(tx, &ids, metrics).await?;
    let is_whole = |id: &Uuid| known.get(id).is_some_and(|known| known.has_spreads);
    let new: Vec<Uuid> = ids.into_iter().filter(|id| !is_whole(id)).collect();
    let mut found = measured(tx, &new, metrics).await?;
    let mut made = Vec::new();
    for entry in entries.iter_mut().filter(|entry| !entry.is_new) {
        let (known, found) = (
            known.remove(&entry.evaluation.0),
            found.remove(&entry.evaluation.0),
        );
        match (known, found) {
            // Means without their cases are of a past that was not kept whole: nothing takes their place.
            (Some(known), None) => entry.set(known),
            (_, found) => {
                entry.set(found.unwrap_or_else(|| Cases::default().measured(metrics)));
                entry.is_new = true;
                made.push(entry.clone());
            }
        }
    }
    Ok(made)
}

fn chosen_by(metric: Option<&str>, value: Option<f64>) -> Measured {
    Measured {
        means: metric
            .map(|name| (name.to_owned(), value))
            .into_iter()
            .collect(),
        spreads: BTreeMap::new(),
        cases: 0,
        failed_cases: 0,
        has_spreads: false,
    }
}

impl Candidate {
    fn set(&mut self, measured: Measured) {
        self.means = measured.means;
        self.spreads = measured.spreads;
        self.cases = measured.cases;
        self.failed_cases = measured.failed_cases;
    }
}

impl Row {
    fn candidate(self, measured: Measured, is_new: bool) -> Candidate {
        Candidate {
            evaluation: self.evaluation_id.into(),
            submission: self.submission_id.into(),
            team: self.team_id.into(),
            out_reason: self.out_reason,
            submitted_at: self.submitted_at,
            is_chosen: self.is_chosen,
            means: measured.means,
            spreads: measured.spreads,
            cases: measured.cases,
            failed_cases: measured.failed_cases,
            is_new,
            is_withdrawn: self.is_withdrawn,
            submissions: 1,
        }
    }
}

impl Cases {
    fn measured(&self, metrics: &[String]) -> Measured {
        Measured {
            means: entries::means(metrics, &self.values),
            spreads: entries::spreads(metrics, &self.values),
            cases: self.values.len(),
            failed_cases: self.failed,
            has_spreads: true,
        }
    }
}

/// What each comes to that has scored cases.
async fn measured(
    tx: &mut PgConnection,
    ids: &[Uuid],
    metrics: &[String],
) -> sqlx::Result<BTreeMap<Uuid, Measured>> {
    let mut found = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let cases = scored_cases(tx, ids).await?.into_iter();
        found.extend(cases.map(|(id, cases)| (id, cases.measured(metrics))));
    }
    Ok(found)
}

async fn scored_cases(tx: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Cases>> {
    // In the order of the cases, so that the same values always add up to the same mean.
    let rows = sqlx::query!(
        r#"SELECT evaluation_id AS "evaluation_id!", values AS "values!", reason IS NOT NULL AS "is_failed!"
           FROM scoring.scored_cases WHERE evaluation_id = ANY($1) ORDER BY case_name, case_id"#,
        ids,
    )
    .fetch_all(tx)
    .await?;
    let mut by_evaluation: BTreeMap<Uuid, Cases> = BTreeMap::new();
    for row in rows {
        let cases = by_evaluation.entry(row.evaluation_id).or_default();
        cases.values.push(row.values);
        cases.failed += usize::from(row.is_failed);
    }
    Ok(by_evaluation)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_service::Role;
    use molar_testkit::{
        AttemptBuilder, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder,
        TeamBuilder, as_role, noon,
    };
    use serde_json::json;
    use sqlx::PgPool;

    use crate::fold;

    /// Of the newest version.
    async fn values(pool: &PgPool) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT e.values->>'IA' AS "ia!" FROM leaderboard.current_rankings r
               JOIN leaderboard.entries e ON e.ranking_id = r.ranking_id"#
        )
        .fetch_all(pool)
        .await
        .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_board_stands_until_a_rerun_is_scored_and_then_shows_that_though_it_is_worse(
        pool: PgPool,
    ) {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("sts")
            .phase(phase.metrics(&["IA"]))
            .insert(&pool)
            .await;
        let team = TeamBuilder::new(&challenge, "Ours").insert(&pool).await;
        let new = SubmissionBuilder::new(&challenge, &team).container();
        let submission = new.insert(&pool).await;
        let attempt = || AttemptBuilder::new(&challenge, &submission).state(AttemptState::Finished);
        let evaluation =
            |ia: f64| EvaluationBuilder::new(&challenge, &submission, json!({ "IA": ia }));
        let fold = async || {
            let db = as_role(&pool, Role::Leaderboard).await;
            fold::one(&db, challenge.phase_id, noon()).await.unwrap()
        };
        let first = attempt().insert(&pool).await;
        evaluation(0.75).attempt(&first).insert(&pool).await;
        assert!(fold().await);

        let later = noon() + TimeDelta::hours(1);
        let second = attempt().rerun(2, "why").created_at(later);
        let second = second.insert(&pool).await;
        let running = evaluation(0.5).attempt(&second).at(later).running();
        let running = running.insert(&pool).await;
        assert!(!fold().await, "nothing is measured yet");
        assert_eq!(values(&pool).await, ["0.75"]);

        sqlx::query!(
            "DELETE FROM scoring.case_scores WHERE evaluation_id = $1",
            running.id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        sqlx::query!(
            "DELETE FROM scoring.evaluations WHERE id = $1",
            running.id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        let finished = evaluation(0.5).attempt(&second).at(later);
        finished.insert(&pool).await;
        assert!(fold().await);
        assert_eq!(values(&pool).await, ["0.5"]);

        // The first run measured anew after that: still the second counts.
        sqlx::query!(
            "UPDATE scoring.evaluations SET parameters_hash = 'before' WHERE attempt_id = $1",
            first.id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        let anew = evaluation(0.75)
            .attempt(&first)
            .at(later + TimeDelta::hours(1));
        anew.insert(&pool).await;
        assert!(!fold().await);
        assert_eq!(values(&pool).await, ["0.5"]);
    }
}
