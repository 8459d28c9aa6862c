-- Trials, the queue as teams see it, and logs: while they grow, and released ones.

-- A container that is tried on the canary alone: no hidden case, no evaluation, no rank, no quota but its own.
ALTER TABLE submission.submissions
    ADD COLUMN is_trial BOOLEAN NOT NULL DEFAULT false,
    ADD CONSTRAINT submissions_trial_of_container CHECK (NOT is_trial OR kind = 'container');
CREATE INDEX submissions_trials ON submission.submissions (phase_id, team_id, created_at) WHERE is_trial;

CREATE VIEW submission.trials AS
SELECT s.id AS submission_id, s.phase_id, s.team_id, s.created_at
FROM submission.submissions s WHERE s.is_trial;

GRANT SELECT ON submission.trials TO molar_tracks, molar_execution, molar_scoring, molar_leaderboard;

-- Where each attempt that has not ended stands; made anew every few seconds.
CREATE TABLE execution.places (
    attempt_id         UUID PRIMARY KEY REFERENCES execution.attempts,
    device_class       TEXT NOT NULL,
    is_served          BOOLEAN NOT NULL,             -- a live worker of the class has a slot that is large enough
    place              INTEGER CHECK (place >= 1),   -- of its next case, 1 is next; NULL: nothing of it waits, or nobody serves
    expected_start_at  TIMESTAMPTZ,                  -- of that case
    remaining          INTEGER NOT NULL,             -- cases that have not ended
    seen_at            TIMESTAMPTZ NOT NULL,
    CONSTRAINT places_start_of_place CHECK ((place IS NULL) = (expected_start_at IS NULL))
);

CREATE VIEW execution.queue_places AS
SELECT p.attempt_id, p.device_class, p.is_served, p.place, p.expected_start_at, p.remaining, p.seen_at
FROM execution.places p;

-- Of the log of a public case, while it runs. The whole is kept as an object when the run ends.
CREATE TABLE execution.log_pieces (
    case_run_id  UUID NOT NULL REFERENCES execution.case_runs,
    lease_token  UUID NOT NULL,                      -- a run that is redone begins a new log
    position     INTEGER NOT NULL CHECK (position >= 0),   -- in bytes, of the log's start
    content      BYTEA NOT NULL,                     -- UTF-8 as it came, control characters included
    PRIMARY KEY (case_run_id, lease_token, position)
);

-- The log of one hidden case, shown to its team by an organizer. For good: what was read cannot be taken back.
CREATE TABLE execution.log_releases (
    case_run_id  UUID PRIMARY KEY REFERENCES execution.case_runs,
    released_by  UUID NOT NULL REFERENCES registration.users,
    reason       TEXT NOT NULL,                      -- told to the team
    released_at  TIMESTAMPTZ NOT NULL
);

CREATE VIEW execution.logs AS
SELECT r.id AS case_run_id, r.attempt_id, r.case_id, r.kind,
       r.kind = 'canary' AND c.image_bucket = 'public' AS is_public,
       r.log_key IS NOT NULL AS is_kept, r.state = 'running' AS is_running,
       l.reason AS release_reason, l.released_at
FROM execution.case_runs r
JOIN tracks.stored_cases c ON c.case_id = r.case_id
LEFT JOIN execution.log_releases l ON l.case_run_id = r.id;

GRANT SELECT, INSERT, UPDATE, DELETE ON execution.places, execution.log_pieces TO molar_execution;
GRANT SELECT, INSERT ON execution.log_releases TO molar_execution;
GRANT SELECT ON execution.queue_places, execution.logs TO molar_submission;
GRANT SELECT ON execution.logs TO molar_execution;
