-- What measures beyond the protocol's need: sets of labels, the size of a pixel or a voxel, and in each
-- evaluation its own parameters.

ALTER TABLE tracks.tracks
    ADD COLUMN groups JSONB NOT NULL DEFAULT '{}',   -- {name: [label]}: what a mean can be restricted to
    ADD COLUMN pixel_spacing_mm DOUBLE PRECISION,    -- of images, whose files do not say it
    ADD CONSTRAINT tracks_pixel_spacing CHECK (pixel_spacing_mm > 0);

ALTER TABLE scoring.reference_facts
    ADD COLUMN spacing_mm DOUBLE PRECISION[],        -- of a volume's voxels along x, y, z; {}: it says none; NULL: an image, or not read for it yet
    ADD CONSTRAINT reference_facts_spacing CHECK (cardinality(spacing_mm) IN (0, 3));

ALTER TABLE scoring.evaluations
    ADD COLUMN parameters JSONB;                     -- domain::evaluation::Parameters, of which the hash is; NULL: made before they were kept, with the protocol's metrics

-- A cancelled evaluation may be made again, when a phase goes back to what it was measured by.
DROP INDEX scoring.evaluations_once;
CREATE UNIQUE INDEX evaluations_once ON scoring.evaluations
    (submission_id, COALESCE(attempt_id, '00000000-0000-0000-0000-000000000000'), scorer_version, reference_set_id, parameters_hash)
    WHERE state <> 'cancelled';

-- What a phase is measured by now. An evaluation made by it counts, whichever was made last.
CREATE TABLE scoring.frames (
    phase_id          UUID PRIMARY KEY REFERENCES tracks.phases,
    scorer_version    TEXT NOT NULL,
    reference_set_id  UUID NOT NULL REFERENCES tracks.reference_sets,
    parameters_hash   TEXT NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON scoring.frames TO molar_scoring;

CREATE OR REPLACE VIEW tracks.phase_facts AS
SELECT p.id AS phase_id, p.slug AS phase_slug, p.title AS phase_title, p.kind, p.split_id, p.canary_case_id,
       p.opens_at, p.closes_at, p.upload_grace_s, p.is_final, p.paused_at, p.published_at, p.metrics,
       p.keep, p.keep_metric, p.quota, p.limits, p.device_class, p.requires_code_url, p.position AS phase_position,
       t.id AS track_id, t.slug AS track_slug, t.title AS track_title, t.format, t.labels, t.position AS track_position,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone, c.note AS challenge_note,
       (SELECT a.version FROM tracks.agreement_texts a WHERE a.challenge_id = c.id ORDER BY a.created_at DESC, a.version DESC LIMIT 1) AS agreement_version,
       (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_id,
       (SELECT s.version FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_version,
       t.groups, t.pixel_spacing_mm
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id;

CREATE OR REPLACE VIEW scoring.evaluation_facts AS
SELECT e.id AS evaluation_id, e.submission_id, e.attempt_id, e.phase_id, e.team_id, e.scorer_version, e.reference_set_id,
       e.parameters_hash, e.state, e.created_at, e.finished_at,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id) AS cases,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id AND c.state = 'scored') AS scored_cases,
       e.parameters,
       EXISTS (SELECT FROM scoring.frames f WHERE f.phase_id = e.phase_id AND f.scorer_version = e.scorer_version
               AND f.reference_set_id = e.reference_set_id AND f.parameters_hash = e.parameters_hash) AS is_current
FROM scoring.evaluations e;

CREATE OR REPLACE VIEW submission.life AS
SELECT s.id AS submission_id, s.phase_id, s.team_id, s.created_by, s.kind, s.note, s.code_url, s.created_at,
       s.cancelled_at, s.withdrawn_at, s.is_chosen,
       u.state AS upload_state, u.size_bytes, u.sha256, u.completed_at, u.decided_at,
       u.failure AS upload_failure, u.failure_detail AS upload_failure_detail, u.image_digest, u.notes AS upload_notes,
       a.id AS attempt_id, a.number AS attempt_number, a.state AS attempt_state, a.failure AS attempt_failure,
       a.failure_detail AS attempt_failure_detail, a.created_at AS attempt_created_at, a.started_at AS attempt_started_at,
       a.finished_at AS attempt_finished_at, a.canary_passed_at,
       COALESCE(r.runs, 0) AS runs, COALESCE(r.final_runs, 0) AS final_runs, COALESCE(r.running_runs, 0) AS running_runs,
       e.id AS evaluation_id, e.state AS evaluation_state, e.created_at AS evaluation_created_at, e.finished_at AS evaluation_finished_at,
       COALESCE(c.cases, 0) AS cases, COALESCE(c.scored_cases, 0) AS scored_cases, COALESCE(c.worst_cases, 0) AS worst_cases,
       (SELECT l.entry FROM submission.quota_ledger l WHERE l.submission_id = s.id ORDER BY (l.entry = 'reserved') LIMIT 1) AS quota
FROM submission.submissions s
JOIN submission.uploads u ON u.submission_id = s.id
LEFT JOIN LATERAL (SELECT * FROM execution.attempts a WHERE a.submission_id = s.id ORDER BY a.number DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS runs,
           count(*) FILTER (WHERE r.state IN ('finished', 'failed', 'cancelled')) AS final_runs,
           count(*) FILTER (WHERE r.state = 'running') AS running_runs
    FROM execution.case_runs r WHERE r.attempt_id = a.id) r ON true
LEFT JOIN LATERAL (
    SELECT e.evaluation_id AS id, e.state, e.created_at, e.finished_at
    FROM scoring.evaluation_facts e WHERE e.submission_id = s.id
    ORDER BY e.is_current DESC, e.evaluation_id DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS cases, count(*) FILTER (WHERE c.state = 'scored') AS scored_cases,
           count(*) FILTER (WHERE c.reason IS NOT NULL) AS worst_cases
    FROM scoring.case_scores c WHERE c.evaluation_id = e.id) c ON true;
