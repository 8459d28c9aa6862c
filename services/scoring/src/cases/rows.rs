//! The rows of case scores. Every write carries the lease's token and needs a running evaluation.

use chrono::{DateTime, Utc};
use molar_domain::evaluation::SCORER_VERSION;
use molar_domain::{CaseId, EvaluationId, FailureCode, Fault};
use molar_service::lease::{Lease, LeaseError};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

/// What is leased.
#[derive(Debug, Clone, Copy)]
pub struct CaseScore {
    pub evaluation: EvaluationId,
    pub case: CaseId,
}

/// What is written at the end of a case.
#[derive(Debug)]
pub struct Done {
    pub values: Value,
    pub labels: Option<Value>,
    /// Where the worst values were given.
    pub reason: Option<(FailureCode, String)>,
    pub notes: Vec<String>,
}

/// Takes cases that can be measured: the reference is good and of the announced content, and the run, if
/// there is one, has ended through nobody's fault of ours.
///
/// What is measured names its scorer, so that another version's cases are left to it. Re-scoring goes behind teams.
/// Evaluations are walked from the oldest, and no further than needed: thousands may wait.
///
/// A lease that ran out is taken over at once, but not again and again: a case that kills its process
/// gives the others more and more time between its tries.
pub async fn claim(
    db: impl PgExecutor<'_>,
    limit: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Lease<CaseScore>>> {
    let ours: Vec<String> = FailureCode::ALL
        .iter()
        .filter(|code| code.fault() == Fault::Ours)
        .map(|code| code.as_str().to_owned())
        .collect();
    let rows = sqlx::query!(
        r#"WITH due AS (
               SELECT c.evaluation_id, c.case_id
               FROM (SELECT id, reference_set_id FROM scoring.evaluations
                     WHERE state = 'running' AND scorer_version = $5
                     ORDER BY rescoring_id IS NOT NULL, id) e
               CROSS JOIN LATERAL (
                   SELECT c.evaluation_id, c.case_id
                   FROM scoring.case_scores c
                   JOIN tracks.stored_references r
                       ON r.reference_set_id = e.reference_set_id AND r.case_id = c.case_id
                   JOIN scoring.reference_facts f
                       ON f.reference_id = r.reference_id AND f.sha256 = r.sha256 AND f.is_good
                       AND (r.format <> 'nifti' OR f.spacing_mm IS NOT NULL)
                   LEFT JOIN execution.case_run_facts run ON run.case_run_id = c.case_run_id
                   WHERE c.evaluation_id = e.id
                     AND (c.case_run_id IS NULL OR run.state = 'finished'
                          OR (run.state = 'failed' AND run.failure <> ALL ($4)))
                     AND ((c.state = 'waiting' AND c.not_before <= $1)
                          OR (c.state = 'scoring' AND $1 >= c.lease_expires_at + CASE
                                  WHEN c.attempts <= 2 THEN interval '0'
                                  ELSE least(interval '15 minutes',
                                             interval '15 seconds' * 2 ^ least(c.attempts - 3, 8))
                              END))
                   ORDER BY c.case_id
                   LIMIT $3
                   FOR UPDATE OF c SKIP LOCKED
               ) c
               LIMIT $3
           )
           UPDATE scoring.case_scores c
           SET state = 'scoring', lease_token = gen_random_uuid(), lease_expires_at = $2, attempts = c.attempts + 1
           FROM due
           WHERE c.evaluation_id = due.evaluation_id AND c.case_id = due.case_id
           RETURNING c.evaluation_id, c.case_id, c.lease_token AS "lease_token!", c.attempts"#,
        now,
        until,
        limit,
        &ours,
        SCORER_VERSION,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            id: row.case_id,
            token: row.lease_token,
            attempt: u32::try_from(row.attempts).unwrap_or(1),
            of: CaseScore {
                evaluation: row.evaluation_id.into(),
                case: row.case_id.into(),
            },
        })
        .collect())
}

pub async fn extend(
    db: impl PgExecutor<'_>,
    lease: &Lease<CaseScore>,
    until: DateTime<Utc>,
) -> Result<(), LeaseError> {
    let updated = sqlx::query!(
        "UPDATE scoring.case_scores SET lease_expires_at = $4
         WHERE evaluation_id = $1 AND case_id = $2 AND state = 'scoring' AND lease_token = $3",
        lease.of.evaluation.0,
        lease.of.case.0,
        lease.token,
        until,
    )
    .execute(db)
    .await?;
    LeaseError::insist_on_one(updated.rows_affected())
}

/// Writes the values, once.
pub async fn score(
    tx: &mut PgConnection,
    lease: &Lease<CaseScore>,
    done: &Done,
    now: DateTime<Utc>,
) -> Result<(), LeaseError> {
    let (reason, detail) = done.reason.as_ref().map_or((None, None), |(code, detail)| {
        (Some(code.as_str()), Some(detail.as_str()))
    });
    let updated = sqlx::query!(
        "UPDATE scoring.case_scores c
         SET state = 'scored', values = $4, labels = $5, reason = $6, reason_detail = $7, notes = $8, scored_at = $9,
             lease_token = NULL, lease_expires_at = NULL
         FROM scoring.evaluations e
         WHERE c.evaluation_id = $1 AND c.case_id = $2 AND c.state = 'scoring' AND c.lease_token = $3
           AND e.id = c.evaluation_id AND e.state = 'running'",
        lease.of.evaluation.0,
        lease.of.case.0,
        lease.token,
        done.values,
        done.labels,
        reason,
        detail,
        Value::from(done.notes.clone()),
        now,
    )
    .execute(tx)
    .await?;
    LeaseError::insist_on_one(updated.rows_affected())
}

/// Frees the row for another try. With `is_charged` false the try that ends here does not count.
pub async fn free(
    db: impl PgExecutor<'_>,
    lease: &Lease<CaseScore>,
    not_before: DateTime<Utc>,
    is_charged: bool,
) -> Result<(), LeaseError> {
    let updated = sqlx::query!(
        "UPDATE scoring.case_scores
         SET state = 'waiting', not_before = $4, lease_token = NULL, lease_expires_at = NULL, attempts = attempts - $5
         WHERE evaluation_id = $1 AND case_id = $2 AND state = 'scoring' AND lease_token = $3",
        lease.of.evaluation.0,
        lease.of.case.0,
        lease.token,
        not_before,
        i32::from(!is_charged),
    )
    .execute(db)
    .await?;
    LeaseError::insist_on_one(updated.rows_affected())
}
