-- What measures beyond the protocol's need: sets of labels, the size of a pixel or a voxel, and in each
-- evaluation its own parameters.

ALTER TABLE tracks.tracks
    ADD COLUMN groups JSONB NOT NULL DEFAULT '{}',   -- {name: [label]}: what a mean can be restricted to
    ADD COLUMN pixel_spacing_mm DOUBLE PRECISION,    -- of images, whose files do not say it
    ADD CONSTRAINT tracks_pixel_spacing CHECK (pixel_spacing_mm > 0);

ALTER TABLE scoring.reference_facts
    ADD COLUMN spacing_mm DOUBLE PRECISION[];        -- of a volume's voxels along x, y, z; NULL: an image, or not read for it yet

ALTER TABLE scoring.evaluations
    ADD COLUMN parameters JSONB NOT NULL DEFAULT '{}';   -- domain::evaluation::Parameters, of which the hash is

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
       e.parameters
FROM scoring.evaluations e;
