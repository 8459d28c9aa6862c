-- In turns over phases and teams, a submission a moment; of each team and phase one by chance is its best.
CREATE TEMP TABLE seed_submissions AS
SELECT i, p.phase_id, t.team_id, t.user_id, place.at,
       pg_temp.seed_id(place.at, 'submission ' || i) AS submission_id,
       pg_temp.seed_id(place.at + interval '10 minutes', 'evaluation ' || i) AS evaluation_id,
       i / (b.phases * b.teams) AS round,
       floor(pg_temp.chance(format('best %s %s', t.n, p.n)) * ceil(b.submissions::float8 / (b.phases * b.teams)))
           AS best_round,
       0.5 + 0.3 * pg_temp.chance(format('team %s %s', t.n, p.n)) AS quality
FROM seed_begin b
CROSS JOIN generate_series(0, b.submissions - 1) i
CROSS JOIN LATERAL (SELECT b.at + interval '80 days' * (i::float8 / b.submissions) AS at) place
JOIN seed_phases p ON p.n = 1 + i % b.phases
JOIN seed_teams t ON t.n = 1 + (i / b.phases) % b.teams;
-- The last round may be short: who is not in it has its best in the first.
UPDATE seed_submissions s SET best_round = 0
FROM (SELECT phase_id, team_id, max(round) AS last FROM seed_submissions GROUP BY 1, 2) whole
WHERE whole.phase_id = s.phase_id AND whole.team_id = s.team_id AND s.best_round > whole.last;
ANALYZE seed_submissions;

INSERT INTO submission.submissions (id, phase_id, team_id, created_by, kind, code_url, created_at)
SELECT submission_id, phase_id, team_id, user_id, 'predictions', 'https://code.test/' || i, at FROM seed_submissions;
INSERT INTO submission.uploads
    (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until, completed_at,
     decided_at, not_before)
SELECT submission_id, 'accepted', 'seed/' || i, 'seed', 5242880, 1024, md5(i::text) || md5(i::text), at + interval '1 day',
       at + interval '1 minute', at + interval '2 minutes', at
FROM seed_submissions;

INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
SELECT submission_id, entry, phase_id, team_id, (at AT TIME ZONE 'UTC')::date, at
FROM seed_submissions CROSS JOIN unnest('{reserved,spent}'::text[]) entry;

-- Their teams have heard how they ended: else a million mails would be written beside whatever is measured.
INSERT INTO registration.noticed (subject_id, occasion, noticed_at)
SELECT submission_id, 'ended', at + interval '11 minutes' FROM seed_submissions;
