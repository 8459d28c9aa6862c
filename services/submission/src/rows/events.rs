//! Everything that happened to a submission, from the rows of all roles.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Event {
    pub at: DateTime<Utc>,
    pub what: String,
    pub detail: Option<String>,
    /// What it took, or how long it was waited for.
    pub seconds: Option<f64>,
}

/// A container of thousands of cases has more than anybody reads.
const MOST: i64 = 2000;

/// In the order of time.
pub async fn list(db: impl PgExecutor<'_>, submission: Uuid) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"SELECT e.at AS "at!", e.what AS "what!", e.detail, e.seconds FROM (
               SELECT s.created_at AS at, 'created' AS what, s.kind AS detail, NULL::float8 AS seconds, 0 AS place
               FROM submission.submissions s WHERE s.id = $1
               UNION ALL
               SELECT u.completed_at, 'uploaded', u.size_bytes || ' bytes',
                      extract(epoch FROM u.completed_at - s.created_at)::float8, 1
               FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id WHERE s.id = $1
               UNION ALL
               SELECT u.decided_at, 'checked', concat_ws(': ', u.state, u.failure),
                      extract(epoch FROM u.decided_at - u.completed_at)::float8, 2
               FROM submission.uploads u WHERE u.submission_id = $1
               UNION ALL
               SELECT s.cancelled_at, 'cancelled', NULL, NULL, 9 FROM submission.submissions s WHERE s.id = $1
               UNION ALL
               SELECT s.withdrawn_at, 'withdrawn', NULL, NULL, 9 FROM submission.submissions s WHERE s.id = $1
               UNION ALL
               SELECT a.created_at, 'attempt ' || a.number || ' queued', 'run again: ' || a.rerun_reason, NULL, 3
               FROM execution.attempt_facts a WHERE a.submission_id = $1
               UNION ALL
               SELECT a.started_at, 'attempt ' || a.number || ' started', 'after waiting',
                      extract(epoch FROM a.started_at - a.created_at)::float8, 4
               FROM execution.attempt_facts a WHERE a.submission_id = $1
               UNION ALL
               SELECT a.canary_passed_at, 'canary passed', NULL, NULL, 5
               FROM execution.attempt_facts a WHERE a.submission_id = $1
               UNION ALL
               SELECT a.finished_at, 'attempt ' || a.number || ' ' || a.state, a.failure,
                      extract(epoch FROM a.finished_at - a.started_at)::float8, 8
               FROM execution.attempt_facts a WHERE a.submission_id = $1
               UNION ALL
               SELECT COALESCE(r.finished_at, r.claimed_at), 'case ' || c.name || ' ' || r.state,
                      concat_ws(', ', CASE WHEN r.kind = 'canary' THEN 'canary' END, r.failure), r.wall_ms / 1000.0::float8, 5
               FROM execution.case_run_facts r JOIN tracks.stored_cases c ON c.case_id = r.case_id
               WHERE r.submission_id = $1
               UNION ALL
               SELECT e.created_at, 'evaluation begun',
                      concat_ws(', ', 'scorer ' || e.scorer_version, CASE WHEN e.rescoring_id IS NOT NULL THEN 're-scored' END), NULL, 6
               FROM scoring.evaluation_facts e WHERE e.submission_id = $1
               UNION ALL
               SELECT e.finished_at, 'evaluation finished', e.scored_cases || ' cases',
                      extract(epoch FROM e.finished_at - e.created_at)::float8, 7
               FROM scoring.evaluation_facts e WHERE e.submission_id = $1
               UNION ALL
               SELECT r.created_at, 'on the board', 'version ' || r.version || COALESCE(', rank ' || r.final_rank, ', out of competition'), NULL, 8
               FROM leaderboard.entry_facts r WHERE r.submission_id = $1
               UNION ALL
               SELECT l.at, l.action, 'audit log ' || l.seq, NULL, 9
               FROM audit.acts l
               WHERE l.subject_id = $1
                  OR l.subject_id IN (SELECT a.attempt_id FROM execution.attempt_facts a WHERE a.submission_id = $1)
                  OR l.subject_id IN (SELECT r.case_run_id FROM execution.case_run_facts r WHERE r.submission_id = $1)
           ) e WHERE e.at IS NOT NULL ORDER BY e.at, e.place, e.what LIMIT $2"#,
        submission,
        MOST,
    )
    .fetch_all(db)
    .await
}
