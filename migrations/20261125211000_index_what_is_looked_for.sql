-- What a loop looks for among all that ever was.
CREATE INDEX mails_unsent ON registration.mails (id) WHERE sent_at IS NULL;

-- What was handed in and may still change the ranks of its phase: the one reading of "work in flight".
CREATE VIEW submission.in_flight AS
SELECT l.submission_id, l.phase_id FROM submission.life l
WHERE l.cancelled_at IS NULL
  AND NOT EXISTS (SELECT FROM submission.submissions s WHERE s.id = l.submission_id AND s.is_trial)
  AND l.evaluation_state IS DISTINCT FROM 'finished'
  AND l.upload_state NOT IN ('refused', 'cancelled', 'expired')
  AND (l.attempt_state IS NULL OR l.attempt_state NOT IN ('failed', 'cancelled'));
GRANT SELECT ON submission.in_flight TO molar_tracks, molar_submission, molar_leaderboard;
