-- An organizer may open a dossier after its due date: of a team that moved up later, or where something was wrong.
ALTER TABLE tracks.dossiers
    ADD COLUMN reopened_at TIMESTAMPTZ;              -- from then on no due date holds until it is locked

-- Files of those who moved up are kept for their final as well.
CREATE OR REPLACE VIEW submission.kept_for_finals AS
SELECT s.id AS submission_id, max(n.closes_at) AS until
FROM submission.submissions s
JOIN tracks.phases n ON n.finalists_of = s.phase_id
LEFT JOIN leaderboard.places l ON l.phase_id = s.phase_id AND l.team_id = s.team_id
LEFT JOIN tracks.finalist_facts f ON f.phase_id = s.phase_id AND f.team_id = s.team_id
WHERE l.final_rank <= n.finalists_top OR f.is_finalist
GROUP BY s.id;
