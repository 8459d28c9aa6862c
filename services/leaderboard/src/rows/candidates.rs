//! Finished evaluations that may become entries.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::means::{self, Measured};
use super::phases::Phase;
use crate::entries::{self, Candidate};

struct Row {
    evaluation_id: Uuid,
    submission_id: Uuid,
    team_id: Uuid,
    submitted_at: DateTime<Utc>,
    is_chosen: bool,
    out_reason: Option<String>,
    is_withdrawn: bool,
}

#[derive(Default)]
struct Cases {
    values: Vec<Value>,
    failed: usize,
}

/// Of every submission that counts, its newest evaluation by what the phase is measured by, if that has finished:
/// what was measured otherwise never stands beside it. Teams that are not approved take no part. What was withdrawn is
/// among them where a Ladder remembers it.
pub async fn list(tx: &mut PgConnection, phase: &Phase) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT DISTINCT ON (s.submission_id)
                  e.evaluation_id AS "evaluation_id!", s.submission_id AS "submission_id!", s.team_id AS "team_id!",
                  s.completed_at AS "submitted_at!", s.is_chosen AS "is_chosen!", p.out_reason,
                  s.withdrawn_at IS NOT NULL AS "is_withdrawn!"
           FROM scoring.evaluation_facts e
           JOIN submission.accepted s ON s.submission_id = e.submission_id
           JOIN registration.participants p ON p.team_id = s.team_id AND p.track_id = $2
           WHERE e.phase_id = $1 AND e.state = 'finished'
             AND (e.is_current OR NOT EXISTS (SELECT FROM scoring.frame_facts f WHERE f.phase_id = $1))
             AND p.state = 'approved' AND (s.withdrawn_at IS NULL OR $3)
           ORDER BY s.submission_id, e.attempt_id DESC NULLS LAST, e.evaluation_id DESC"#,
        phase.id.0,
        phase.track_id,
        phase.board.ladder_step.is_some(),
    )
    .fetch_all(&mut *tx)
    .await?;
    candidates(tx, rows, &phase.metrics).await
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
                  s.withdrawn_at IS NOT NULL AS "is_withdrawn!"
           FROM scoring.rescored e
           JOIN submission.accepted s ON s.submission_id = e.submission_id
           JOIN registration.participants p ON p.team_id = s.team_id AND p.track_id = $2
           WHERE e.rescoring_id = $1 AND e.state = 'finished'
             AND p.state = 'approved' AND (s.withdrawn_at IS NULL OR $3)
           ORDER BY s.submission_id, e.evaluation_id DESC"#,
        rescoring,
        phase.track_id,
        phase.board.ladder_step.is_some(),
    )
    .fetch_all(&mut *tx)
    .await?;
    candidates(tx, rows, metrics).await
}

async fn candidates(
    tx: &mut PgConnection,
    rows: Vec<Row>,
    metrics: &[String],
) -> sqlx::Result<Vec<Candidate>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.evaluation_id).collect();
    let mut known = means::list(tx, &ids, metrics).await?;
    let new: Vec<Uuid> = ids
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .collect();
    let mut cases = scored_cases(tx, &new).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let known = known.remove(&row.evaluation_id);
            let is_new = known.is_none();
            let measured = known.unwrap_or_else(|| {
                let cases = cases.remove(&row.evaluation_id).unwrap_or_default();
                cases.measured(metrics)
            });
            row.candidate(measured, is_new)
        })
        .collect())
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
        }
    }
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
