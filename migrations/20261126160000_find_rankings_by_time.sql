-- Which version stood at a moment is looked up with each look at a board: in the order of times the first that is found, and not
-- after all that came later. Versions are in the order of their times.
DROP INDEX leaderboard.rankings_in_time;
CREATE INDEX rankings_in_time ON leaderboard.rankings (phase_id, created_at DESC, version DESC);
