-- Means were sums of floating numbers, which depend on the order of the cases: equals did not tie. Those of phases that still run are made
-- anew, exactly, with the next ranking. What has closed keeps what it was ranked by, and spreads and counts stay.
UPDATE leaderboard.means m SET means = '{}'
FROM scoring.evaluation_facts e
JOIN tracks.phases p ON p.id = e.phase_id
WHERE e.evaluation_id = m.evaluation_id AND p.published_at IS NULL AND p.closes_at > now()
  AND EXISTS (SELECT FROM scoring.scored_cases c WHERE c.evaluation_id = e.evaluation_id);
