-- Whether a phase can take submissions: it has cases, and each has a reference that was read and found good.
CREATE VIEW tracks.phase_readiness AS
SELECT p.id AS phase_id, n.stored_cases, n.good_references, n.announced_cases,
       (p.kind = 'predictions' OR p.canary_case_id IS NOT NULL) AS has_canary,
       (n.stored_cases > 0 AND n.good_references = n.stored_cases
        AND (p.kind = 'predictions' OR p.canary_case_id IS NOT NULL)) AS is_ready
FROM tracks.phases p
CROSS JOIN LATERAL (
    SELECT count(*) AS announced_cases,
           count(*) FILTER (WHERE c.state = 'stored') AS stored_cases,
           count(*) FILTER (WHERE c.state = 'stored' AND EXISTS (
               SELECT FROM tracks.case_references r
               JOIN scoring.reference_facts f ON f.reference_id = r.id AND f.is_good
               WHERE r.case_id = c.id AND r.state = 'stored' AND r.reference_set_id =
                   (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1))) AS good_references
    FROM tracks.cases c WHERE c.split_id = p.split_id) n;

GRANT SELECT ON tracks.phase_readiness
    TO molar_registration, molar_tracks, molar_submission, molar_execution, molar_scoring, molar_leaderboard;
