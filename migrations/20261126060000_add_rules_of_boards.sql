-- What a board shows of names and values, and how its values spread over the cases.

ALTER TABLE tracks.phases
    -- domain::board::BoardRules; all keys are there, so that a plan compares like with like.
    ADD COLUMN board JSONB NOT NULL
        DEFAULT '{"names": "shown", "values": "shown", "decimals": null, "ladder_step": null, "is_hidden": false}';

CREATE OR REPLACE VIEW tracks.phase_facts AS
SELECT p.id AS phase_id, p.slug AS phase_slug, p.title AS phase_title, p.kind, p.split_id, p.canary_case_id,
       p.opens_at, p.closes_at, p.upload_grace_s, p.is_final, p.paused_at, p.published_at, p.metrics,
       p.keep, p.keep_metric, p.quota, p.limits, p.device_class, p.requires_code_url, p.position AS phase_position,
       t.id AS track_id, t.slug AS track_slug, t.title AS track_title, t.format, t.labels, t.position AS track_position,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone, c.note AS challenge_note,
       (SELECT a.version FROM tracks.agreement_texts a WHERE a.challenge_id = c.id ORDER BY a.created_at DESC, a.version DESC LIMIT 1) AS agreement_version,
       (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_id,
       (SELECT s.version FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_version,
       t.groups, t.pixel_spacing_mm, p.board
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id;

ALTER TABLE leaderboard.means
    ADD COLUMN spreads JSONB NOT NULL DEFAULT '{}';  -- {metric: {sd, q1, q3}}; null where it has none, absent until it was made

ALTER TABLE leaderboard.entries
    ADD COLUMN submissions INTEGER;                  -- of the team that were scored and not withdrawn; NULL: not counted yet
