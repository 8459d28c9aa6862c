-- A phase may open when another one is published: an open phase after the final, on the same hidden cases.

ALTER TABLE tracks.phases
    ADD COLUMN opens_after UUID REFERENCES tracks.phases,   -- planned until that one is published; NULL: the clock alone decides
    ADD CONSTRAINT phases_opens_after_another CHECK (opens_after <> id);

-- When each phase has opened or will open, said here and nowhere else. `is_held`: not before a publication that is to come. A final
-- may be published while it runs: its ranks still move then, and what waits for it opens at its close.
CREATE VIEW tracks.openings AS
SELECT p.id AS phase_id,
       GREATEST(p.opens_at, CASE WHEN a.published_at IS NOT NULL THEN GREATEST(a.published_at, a.closes_at) END) AS opens_at,
       p.opens_after IS NOT NULL AND a.published_at IS NULL AS is_held,
       a.slug AS opens_after_slug,
       CASE a.visibility WHEN 'organizers' THEN 'another phase' ELSE a.title END AS opens_after_title   -- not everybody is told of every phase
FROM tracks.phases p
LEFT JOIN tracks.phases a ON a.id = p.opens_after;
GRANT SELECT ON tracks.openings TO molar_tracks;

CREATE OR REPLACE VIEW tracks.phase_facts AS
SELECT p.id AS phase_id, p.slug AS phase_slug, p.title AS phase_title, p.kind, p.split_id, p.canary_case_id,
       o.opens_at, p.closes_at, p.upload_grace_s, p.is_final, p.paused_at, p.published_at, p.metrics,
       p.keep, p.keep_metric, p.quota, p.limits, p.device_class, p.requires_code_url, p.position AS phase_position,
       t.id AS track_id, t.slug AS track_slug, t.title AS track_title, t.format, t.labels, t.position AS track_position,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone, c.note AS challenge_note,
       (SELECT a.version FROM tracks.agreement_texts a WHERE a.challenge_id = c.id ORDER BY a.created_at DESC, a.version DESC LIMIT 1) AS agreement_version,
       (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_id,
       (SELECT s.version FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_version,
       t.groups, t.pixel_spacing_mm, p.board,
       p.opens_after, o.opens_after_title, o.is_held
FROM tracks.phases p
JOIN tracks.openings o ON o.phase_id = p.id
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id;

-- A phase locks no team that does not open: one that is held, of which nobody knows when, and one that has ended before it could.
CREATE OR REPLACE VIEW tracks.team_locks AS
SELECT p.id AS phase_id, p.title AS phase_title, o.opens_at, t.id AS track_id, t.title AS track_title,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone
FROM tracks.phases p
JOIN tracks.openings o ON o.phase_id = p.id
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id
WHERE p.locks_teams AND NOT o.is_held AND o.opens_at < p.closes_at;
