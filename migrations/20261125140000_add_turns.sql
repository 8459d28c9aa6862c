-- What decides whose case run is next.

ALTER TABLE execution.attempts
    ADD COLUMN is_rerun BOOLEAN NOT NULL DEFAULT false;  -- by an organizer: behind all that participants handed in

-- When a team was last served, and how much of it runs, is asked at every claim.
CREATE INDEX attempts_of_team ON execution.attempts (team_id, device_class);
CREATE INDEX case_runs_claimed ON execution.case_runs (attempt_id, claimed_at DESC);
