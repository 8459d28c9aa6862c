-- As before, and: a re-run that has finished is not scored before its own evaluation was made, whatever an earlier
-- attempt came to. What was withdrawn is not measured again.
CREATE OR REPLACE VIEW submission.life AS
SELECT s.id AS submission_id, s.phase_id, s.team_id, s.created_by, s.kind, s.note, s.code_url, s.created_at,
       s.cancelled_at, s.withdrawn_at, s.is_chosen,
       u.state AS upload_state, u.size_bytes, u.sha256, u.completed_at, u.decided_at,
       u.failure AS upload_failure, u.failure_detail AS upload_failure_detail, u.image_digest, u.notes AS upload_notes,
       a.id AS attempt_id, a.number AS attempt_number, a.state AS attempt_state, a.failure AS attempt_failure,
       a.failure_detail AS attempt_failure_detail, a.created_at AS attempt_created_at, a.started_at AS attempt_started_at,
       a.finished_at AS attempt_finished_at, a.canary_passed_at,
       COALESCE(r.runs, 0) AS runs, COALESCE(r.final_runs, 0) AS final_runs, COALESCE(r.running_runs, 0) AS running_runs,
       e.id AS evaluation_id, CASE WHEN NOT is_awaited THEN e.state END AS evaluation_state, e.created_at AS evaluation_created_at, e.finished_at AS evaluation_finished_at,
       COALESCE(c.cases, 0) AS cases, COALESCE(c.scored_cases, 0) AS scored_cases, COALESCE(c.worst_cases, 0) AS worst_cases,
       (SELECT l.entry FROM submission.quota_ledger l WHERE l.submission_id = s.id ORDER BY (l.entry = 'reserved') LIMIT 1) AS quota,
       e.attempt_id AS evaluation_attempt_id, COALESCE(a.is_rerun, false) AS is_rerun, a.rerun_reason
FROM submission.submissions s
JOIN submission.uploads u ON u.submission_id = s.id
LEFT JOIN LATERAL (SELECT * FROM execution.attempts a WHERE a.submission_id = s.id ORDER BY a.number DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS runs,
           count(*) FILTER (WHERE r.state IN ('finished', 'failed', 'cancelled')) AS final_runs,
           count(*) FILTER (WHERE r.state = 'running') AS running_runs
    FROM execution.case_runs r WHERE r.attempt_id = a.id) r ON true
LEFT JOIN LATERAL (
    SELECT e.evaluation_id AS id, e.state, e.created_at, e.finished_at, e.attempt_id
    FROM scoring.evaluation_facts e WHERE e.submission_id = s.id
    ORDER BY e.is_current DESC, (a.is_rerun IS TRUE AND e.state = 'cancelled'), e.attempt_id DESC NULLS LAST, e.evaluation_id DESC LIMIT 1) e ON true
CROSS JOIN LATERAL (
    SELECT a.is_rerun IS TRUE AND a.state = 'finished' AND NOT s.is_trial
           AND s.cancelled_at IS NULL AND s.withdrawn_at IS NULL
           AND NOT EXISTS (SELECT FROM scoring.evaluation_facts x WHERE x.attempt_id = a.id AND x.state <> 'cancelled') AS is_awaited) w
LEFT JOIN LATERAL (
    SELECT count(*) AS cases, count(*) FILTER (WHERE c.state = 'scored') AS scored_cases,
           count(*) FILTER (WHERE c.reason IS NOT NULL) AS worst_cases
    FROM scoring.case_scores c WHERE c.evaluation_id = e.id) c ON true;
