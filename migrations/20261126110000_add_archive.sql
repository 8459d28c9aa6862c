-- What the archive of a phase and its report tell beside its board. Read by the role `leaderboard`.

-- Where the code of a submission is, and under which licence.
CREATE VIEW submission.code_facts AS
SELECT s.id AS submission_id, s.code_url, s.licence FROM submission.submissions s;
GRANT SELECT ON submission.code_facts TO molar_leaderboard;

-- Of a phase what only people read.
CREATE VIEW tracks.phase_reports AS
SELECT p.id AS phase_id, c.summary, c.team_size_max
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id;

-- How much data there is; nothing of a single case.
CREATE VIEW tracks.split_reports AS
SELECT s.id AS split_id, s.track_id, s.slug, s.is_public, s.has_references, s.are_references_public,
       s.announced_cases, s.announced_labelled,
       (SELECT count(*) FROM tracks.cases c WHERE c.split_id = s.id AND c.state = 'stored') AS cases
FROM tracks.splits s;

GRANT SELECT ON tracks.phase_reports, tracks.split_reports TO molar_leaderboard;
