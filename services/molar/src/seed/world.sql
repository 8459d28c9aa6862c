-- One challenge with one track; every team takes part. Settings are read as `seed.…`.
CREATE FUNCTION pg_temp.seed_id(at TIMESTAMPTZ, what TEXT) RETURNS UUID LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(what), 1, 3) || '8'
            || substr(md5(what), 4, 15))::uuid
$$;
-- Between 0 and 1, the same for the same text.
CREATE FUNCTION pg_temp.chance(what TEXT) RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(what), 1, 8))::bit(32)::bigint / 4294967296.0::float8
$$;
CREATE TEMP TABLE seed_begin AS
SELECT date_trunc('hour', now()) - interval '90 days' AS at,
       current_setting('seed.phases')::int AS phases, current_setting('seed.teams')::int AS teams,
       current_setting('seed.cases')::int AS cases, current_setting('seed.submissions')::int AS submissions;

CREATE TEMP TABLE seed_teams AS
SELECT n, pg_temp.seed_id(at, 'user ' || n) AS user_id, pg_temp.seed_id(at, 'team ' || n) AS team_id
FROM seed_begin, generate_series(1, teams) n;
CREATE TEMP TABLE seed_phases AS
SELECT n, pg_temp.seed_id(at, 'phase ' || n) AS phase_id FROM seed_begin, generate_series(1, phases) n;
CREATE TEMP TABLE seed_cases AS
SELECT n, pg_temp.seed_id(at, 'case ' || n) AS case_id FROM seed_begin, generate_series(1, cases) n;

INSERT INTO registration.users (id, email, name, password_hash, created_at)
SELECT user_id, 'seed-' || n || '@scale.test', 'Person ' || n, '', at FROM seed_begin, seed_teams;
INSERT INTO tracks.challenges (id, slug, title, summary, zone, created_at, updated_at)
SELECT pg_temp.seed_id(at, 'challenge'), 'scale', 'Scale', 'Made by molar admin seed.', 'UTC', at, at FROM seed_begin;
INSERT INTO tracks.tracks (id, challenge_id, slug, title, format, labels, position)
SELECT pg_temp.seed_id(at, 'track'), pg_temp.seed_id(at, 'challenge'), 'teeth', 'Teeth', 'labelme', '{11,12,13}', 1
FROM seed_begin;
INSERT INTO tracks.splits (id, track_id, slug, is_public, has_references)
SELECT pg_temp.seed_id(at, 'split'), pg_temp.seed_id(at, 'track'), 'hidden', false, true FROM seed_begin;
INSERT INTO tracks.reference_sets (id, split_id, version, created_at)
SELECT pg_temp.seed_id(at, 'references'), pg_temp.seed_id(at, 'split'), 1, at FROM seed_begin;
INSERT INTO tracks.cases
    (id, split_id, name, image_bucket, image_key, image_name, size_bytes, sha256, state, created_at, stored_at)
SELECT case_id, pg_temp.seed_id(at, 'split'), 'case-' || n, 'hidden', 'seed/' || n, n || '.png', 1024,
       encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), 'stored', at, at
FROM seed_begin, seed_cases;
INSERT INTO tracks.phases
    (id, track_id, slug, title, kind, split_id, position, opens_at, closes_at, is_final, metrics, keep, keep_metric,
     quota, limits, device_class)
SELECT phase_id, pg_temp.seed_id(at, 'track'), 'phase-' || n, 'Phase ' || n, 'predictions',
       pg_temp.seed_id(at, 'split'), n, at, at + interval '1 year', false, current_setting('seed.metrics')::text[],
       'best', 'IA', current_setting('seed.quota')::jsonb, current_setting('seed.limits')::jsonb, 'any'
FROM seed_begin, seed_phases;
INSERT INTO tracks.baselines (phase_id, name, position, values)
SELECT phase_id, 'Plain U-Net', 1, '{"IA": 0.5, "image_DSC": 0.8}' FROM seed_phases;
INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash, parameters)
SELECT phase_id, current_setting('seed.scorer'), pg_temp.seed_id(at, 'references'),
       current_setting('seed.parameters_hash'), current_setting('seed.parameters')::jsonb
FROM seed_begin, seed_phases;
INSERT INTO registration.teams (id, challenge_id, name, captain_id, created_at)
SELECT team_id, pg_temp.seed_id(at, 'challenge'), 'Team ' || n, user_id, at FROM seed_begin, seed_teams;
INSERT INTO registration.memberships (team_id, user_id, joined_at)
SELECT team_id, user_id, at FROM seed_begin, seed_teams;
INSERT INTO registration.participations
    (id, team_id, track_id, state, requested_by, requested_at, decided_by, decided_at)
SELECT pg_temp.seed_id(at, 'place ' || n), team_id, pg_temp.seed_id(at, 'track'), 'approved', user_id, at, user_id, at
FROM seed_begin, seed_teams;
INSERT INTO registration.track_memberships (track_id, user_id, team_id)
SELECT pg_temp.seed_id(at, 'track'), user_id, team_id FROM seed_begin, seed_teams;
