-- Cases are measured in the order of their evaluations, those of teams first: what is taken next is
-- found by walking, however many wait behind it.
CREATE INDEX evaluations_running ON scoring.evaluations ((rescoring_id IS NOT NULL), id) WHERE state = 'running';

-- What was measured never changes: its means are made once, and not again with each ranking of its phase.
CREATE TABLE leaderboard.means (
    evaluation_id UUID PRIMARY KEY,
    -- By metric; null where it has none.
    means JSONB NOT NULL,
    cases INTEGER NOT NULL,
    failed_cases INTEGER NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON leaderboard.means TO molar_leaderboard;
