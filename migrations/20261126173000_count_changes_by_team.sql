-- Which teams a ranking has to look at again: one score does not make all of fifty thousand submissions worth a look.

-- In the order in which running roles lock them.
LOCK TABLE scoring.evaluations, submission.submissions;
ALTER TABLE leaderboard.inputs
    ADD COLUMN of_all BIGINT NOT NULL DEFAULT 0;     -- the count when something last changed that is no single team's

-- Written with the count of its phase, whose row is locked meanwhile: what is seen there is seen here.
CREATE TABLE leaderboard.inputs_of_teams (
    phase_id UUID NOT NULL,
    team_id  UUID NOT NULL,
    count    BIGINT NOT NULL,                        -- of the phase, when something of the team changed last
    PRIMARY KEY (phase_id, team_id)
);
CREATE INDEX inputs_of_teams_by_count ON leaderboard.inputs_of_teams (phase_id, count);
GRANT SELECT ON leaderboard.inputs_of_teams TO molar_leaderboard;

CREATE OR REPLACE FUNCTION leaderboard.note_input() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    INSERT INTO leaderboard.inputs AS i (phase_id, count, of_all) VALUES (COALESCE(NEW.phase_id, OLD.phase_id), 1, 1)
    ON CONFLICT (phase_id) DO UPDATE SET count = i.count + 1, of_all = i.count + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION leaderboard.note_input_of_team() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
DECLARE
    phase UUID := COALESCE(NEW.phase_id, OLD.phase_id);
    now_at BIGINT;
BEGIN
    INSERT INTO leaderboard.inputs AS i (phase_id, count) VALUES (phase, 1)
    ON CONFLICT (phase_id) DO UPDATE SET count = i.count + 1
    RETURNING i.count INTO now_at;
    INSERT INTO leaderboard.inputs_of_teams AS t (phase_id, team_id, count)
    VALUES (phase, COALESCE(NEW.team_id, OLD.team_id), now_at)
    ON CONFLICT (phase_id, team_id) DO UPDATE SET count = now_at;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION leaderboard.note_input_of_team FROM PUBLIC;

DROP TRIGGER note_finished ON scoring.evaluations;
CREATE TRIGGER note_finished AFTER INSERT OR UPDATE ON scoring.evaluations
    FOR EACH ROW WHEN (NEW.state = 'finished') EXECUTE FUNCTION leaderboard.note_input_of_team();
DROP TRIGGER note_gone ON scoring.evaluations;
CREATE TRIGGER note_gone AFTER DELETE ON scoring.evaluations
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_input_of_team();
DROP TRIGGER note_choice ON submission.submissions;
CREATE TRIGGER note_choice AFTER UPDATE OF is_chosen, withdrawn_at ON submission.submissions
    FOR EACH ROW WHEN ((OLD.is_chosen, OLD.withdrawn_at) IS DISTINCT FROM (NEW.is_chosen, NEW.withdrawn_at))
    EXECUTE FUNCTION leaderboard.note_input_of_team();
