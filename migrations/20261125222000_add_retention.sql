-- For how long after its close a phase keeps what was handed in and what ran; the notice before anything goes; and what
-- went. Scores, ranks, figures and the audit log are never removed.

ALTER TABLE tracks.phases
    ADD COLUMN retention_days INTEGER,               -- NULL: for ever
    ADD CONSTRAINT phases_retention CHECK (retention_days BETWEEN 1 AND 36500);

CREATE VIEW tracks.phase_retention AS
SELECT p.id AS phase_id, p.retention_days, p.closes_at + make_interval(days => p.retention_days) AS due_at
FROM tracks.phases p WHERE p.retention_days IS NOT NULL;

-- One sweep of the files of a phase, by the role whose they are. Files and bytes grow while it goes on; the entry in the
-- audit log is written when it ends.
CREATE TABLE submission.removals (
    id              UUID PRIMARY KEY,
    phase_id        UUID NOT NULL REFERENCES tracks.phases,
    retention_days  INTEGER NOT NULL,
    begun_at        TIMESTAMPTZ NOT NULL,            -- from then on what it removes is said to be gone
    finished_at     TIMESTAMPTZ,
    files           BIGINT NOT NULL DEFAULT 0,
    size_bytes      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX removals_one_open ON submission.removals (phase_id) WHERE finished_at IS NULL;
CREATE INDEX removals_of_phase ON submission.removals (phase_id, begun_at);

CREATE TABLE execution.removals (
    id              UUID PRIMARY KEY,
    phase_id        UUID NOT NULL REFERENCES tracks.phases,
    retention_days  INTEGER NOT NULL,
    begun_at        TIMESTAMPTZ NOT NULL,
    finished_at     TIMESTAMPTZ,
    files           BIGINT NOT NULL DEFAULT 0,
    size_bytes      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX removals_one_open ON execution.removals (phase_id) WHERE finished_at IS NULL;
CREATE INDEX removals_of_phase ON execution.removals (phase_id, begun_at);

-- First the row is marked, then its objects go, then that is noted: whoever dies between is followed by the next round.
ALTER TABLE submission.uploads
    ADD COLUMN removal_id UUID REFERENCES submission.removals,
    ADD COLUMN removed_at TIMESTAMPTZ,               -- the store has said that it is gone
    ADD CONSTRAINT uploads_removed_by CHECK (removed_at IS NULL OR removal_id IS NOT NULL);
CREATE INDEX uploads_to_remove ON submission.uploads (removal_id, submission_id)
    WHERE removal_id IS NOT NULL AND removed_at IS NULL;

ALTER TABLE execution.attempts
    ADD COLUMN removal_id UUID REFERENCES execution.removals,
    ADD COLUMN removed_at TIMESTAMPTZ,
    ADD CONSTRAINT attempts_removed_by CHECK (removed_at IS NULL OR removal_id IS NOT NULL);
CREATE INDEX attempts_to_remove ON execution.attempts (removal_id, id) WHERE removal_id IS NOT NULL AND removed_at IS NULL;
CREATE INDEX attempts_of_phase ON execution.attempts (phase_id);

ALTER TABLE execution.case_runs
    ADD COLUMN log_size_bytes BIGINT,
    ADD COLUMN series_size_bytes BIGINT;

-- Objects of layers and configs whose rows are gone, until the store has said that they are, too.
CREATE TABLE submission.doomed_layers (
    object_key  TEXT PRIMARY KEY,                    -- in the bucket `layers`
    size_bytes  BIGINT NOT NULL,
    removal_id  UUID REFERENCES submission.removals, -- NULL: nobody needed it, whatever the retention
    doomed_at   TIMESTAMPTZ NOT NULL
);

-- Images that a submission counts on.
CREATE VIEW submission.needed_images AS
SELECT u.image_digest, u.submission_id
FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
WHERE u.state = 'accepted' AND u.removal_id IS NULL AND u.image_digest IS NOT NULL AND (
    (s.withdrawn_at IS NULL AND s.cancelled_at IS NULL)
    OR EXISTS (SELECT FROM execution.attempts a WHERE a.submission_id = s.id AND a.state IN ('queued', 'running')));

-- Submissions that a later phase takes its finalists from: their files stay until that phase has closed, too.
CREATE VIEW submission.kept_for_finals AS
SELECT s.id AS submission_id, max(n.closes_at) AS until
FROM submission.submissions s
JOIN tracks.phases n ON n.finalists_of = s.phase_id
JOIN leaderboard.places l ON l.phase_id = s.phase_id AND l.team_id = s.team_id AND l.final_rank <= n.finalists_top
GROUP BY s.id;

-- What is left of a phase's files, to announce how much goes.
CREATE VIEW submission.phase_files AS
SELECT f.phase_id, count(*) AS files, sum(f.size_bytes)::bigint AS size_bytes
FROM (
    SELECT s.phase_id, u.size_bytes
    FROM submission.uploads u JOIN submission.submissions s ON s.id = u.submission_id
    WHERE u.state IN ('accepted', 'refused') AND u.removal_id IS NULL AND u.archive_removed_at IS NULL
    UNION ALL
    -- Of images, what no other phase needs.
    SELECT p.phase_id, p.size_bytes FROM (
        SELECT DISTINCT s.phase_id, i.object_key, i.size_bytes, i.diff_id
        FROM submission.uploads u
        JOIN submission.submissions s ON s.id = u.submission_id
        JOIN submission.stored_images i ON i.image_digest = u.image_digest
        WHERE u.state = 'accepted' AND u.removal_id IS NULL
    ) p
    WHERE NOT EXISTS (
        SELECT FROM submission.stored_images o
        JOIN submission.needed_images n ON n.image_digest = o.image_digest
        JOIN submission.submissions s ON s.id = n.submission_id AND s.phase_id <> p.phase_id
        WHERE o.diff_id = p.diff_id)
) f GROUP BY f.phase_id;

CREATE VIEW execution.phase_files AS
SELECT a.phase_id,
       count(r.output_key) + count(r.log_key) + count(r.series_key) AS files,
       sum(CASE WHEN r.output_key IS NULL THEN 0 ELSE COALESCE(r.output_size_bytes, 0) END
           + COALESCE(r.log_size_bytes, 0) + COALESCE(r.series_size_bytes, 0))::bigint AS size_bytes
FROM execution.attempts a JOIN execution.case_runs r ON r.attempt_id = a.id
WHERE a.removal_id IS NULL
GROUP BY a.phase_id;

-- That organizers were told. Another date is told anew.
CREATE TABLE registration.retention_notices (
    phase_id    UUID NOT NULL REFERENCES tracks.phases,
    due_at      TIMESTAMPTZ NOT NULL,                -- by the close and the days as they were
    removes_at  TIMESTAMPTZ NOT NULL,                -- nothing goes before
    told_at     TIMESTAMPTZ NOT NULL,
    files       BIGINT NOT NULL,
    size_bytes  BIGINT NOT NULL,
    PRIMARY KEY (phase_id, due_at)
);

-- What may go, and when: only as long as close and days are those that organizers were told of. While something of the
-- phase is still to be scored, or a re-scoring computes, nothing begins.
CREATE VIEW registration.removals_due AS
SELECT r.phase_id, r.retention_days, r.due_at, n.removes_at, n.told_at, n.files, n.size_bytes,
       EXISTS (SELECT FROM submission.in_flight f WHERE f.phase_id = r.phase_id)
       OR EXISTS (SELECT FROM scoring.rescorings s WHERE s.phase_id = r.phase_id AND s.state = 'computing') AS is_busy
FROM tracks.phase_retention r
JOIN registration.retention_notices n ON n.phase_id = r.phase_id AND n.due_at = r.due_at;

-- What has gone, of both roles.
CREATE VIEW execution.removed_files AS
SELECT r.phase_id, r.retention_days, r.begun_at, r.finished_at, r.files, r.size_bytes FROM submission.removals r
UNION ALL
SELECT r.phase_id, r.retention_days, r.begun_at, r.finished_at, r.files, r.size_bytes FROM execution.removals r;

-- Whose file is gone, or the output, log and curves of its runs.
CREATE VIEW submission.removed AS
SELECT u.submission_id, r.phase_id, r.begun_at AS removed_at, r.retention_days
FROM submission.uploads u JOIN submission.removals r ON r.id = u.removal_id;
CREATE VIEW execution.removed AS
SELECT a.id AS attempt_id, a.submission_id, r.phase_id, r.begun_at AS removed_at, r.retention_days
FROM execution.attempts a JOIN execution.removals r ON r.id = a.removal_id;

GRANT SELECT ON tracks.phase_retention TO molar_registration, molar_tracks;
GRANT SELECT, INSERT, UPDATE ON submission.removals TO molar_submission;
GRANT SELECT, INSERT, UPDATE ON execution.removals TO molar_execution;
GRANT SELECT, INSERT, DELETE ON submission.doomed_layers TO molar_submission;
GRANT SELECT ON submission.needed_images TO molar_submission;
GRANT SELECT ON submission.kept_for_finals TO molar_submission, molar_execution;
GRANT SELECT ON submission.phase_files, execution.phase_files TO molar_registration, molar_tracks;
GRANT SELECT, INSERT ON registration.retention_notices TO molar_registration;
GRANT SELECT ON registration.removals_due TO molar_registration, molar_tracks, molar_submission, molar_execution;
GRANT SELECT ON execution.removed_files TO molar_tracks, molar_scoring;
GRANT SELECT ON submission.removed TO molar_submission;
GRANT SELECT ON execution.removed TO molar_submission, molar_execution;

-- Curves that are gone are not offered.
CREATE OR REPLACE VIEW execution.case_run_measures AS
SELECT r.id AS case_run_id, r.attempt_id, r.case_id, r.kind, r.position, r.wall_ms, r.cpu_core_s, r.peak_memory_bytes,
       r.kernel_peak_memory_bytes, r.memory_area_mib_s, r.gpu_peak_mib, r.gpu_area_mib_s, r.gpu_baseline_mib,
       CASE WHEN a.removal_id IS NULL THEN r.series_key END AS series_key, c.image_bucket = 'public' AS is_public
FROM execution.case_runs r
JOIN execution.attempts a ON a.id = r.attempt_id
JOIN tracks.stored_cases c ON c.case_id = r.case_id
WHERE r.state IN ('finished', 'failed');
