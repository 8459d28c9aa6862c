-- A phase may open when another one is published: an open phase after the final, on the same hidden cases.

ALTER TABLE tracks.phases
    ADD COLUMN opens_after UUID REFERENCES tracks.phases,   -- planned until that one is published; NULL: the clock alone decides
    ADD CONSTRAINT phases_opens_after_another CHECK (opens_after <> id);

-- `opens_at` is when it has opened or will open, as far as the clock decides; `is_held`: not before a publication that is to come.
CREATE OR REPLACE VIEW tracks.phase_facts AS
SELECT p.id AS phase_id, p.slug AS phase_slug, p.title AS phase_title, p.kind, p.split_id, p.canary_case_id,
       GREATEST(p.opens_at, a.published_at) AS opens_at, p.closes_at, p.upload_grace_s, p.is_final, p.paused_at, p.published_at, p.metrics,
       p.keep, p.keep_metric, p.quota, p.limits, p.device_class, p.requires_code_url, p.position AS phase_position,
       t.id AS track_id, t.slug AS track_slug, t.title AS track_title, t.format, t.labels, t.position AS track_position,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone, c.note AS challenge_note,
       (SELECT a.version FROM tracks.agreement_texts a WHERE a.challenge_id = c.id ORDER BY a.created_at DESC, a.version DESC LIMIT 1) AS agreement_version,
       (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_id,
       (SELECT s.version FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_version,
       t.groups, t.pixel_spacing_mm, p.board,
       p.opens_after, a.title AS opens_after_title, p.opens_after IS NOT NULL AND a.published_at IS NULL AS is_held
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id
LEFT JOIN tracks.phases a ON a.id = p.opens_after;

-- A phase that is held locks no team before it opens, and nobody knows when that is.
CREATE OR REPLACE VIEW tracks.team_locks AS
SELECT p.id AS phase_id, p.title AS phase_title, GREATEST(p.opens_at, a.published_at) AS opens_at, t.id AS track_id, t.title AS track_title,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id
LEFT JOIN tracks.phases a ON a.id = p.opens_after
WHERE p.locks_teams AND (p.opens_after IS NULL OR a.published_at < p.closes_at);
