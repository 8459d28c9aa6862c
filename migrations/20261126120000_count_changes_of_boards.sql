-- What a board shows beside its rankings, counted, so that one look tells whether any of it has changed.

-- Written by the triggers below in the transaction of the change, and by nobody else; never lowered.
CREATE TABLE leaderboard.changes (
    subject UUID PRIMARY KEY,                        -- a track or a phase
    count   BIGINT NOT NULL
);
GRANT SELECT ON leaderboard.changes TO molar_leaderboard;

CREATE FUNCTION leaderboard.note_changes(subjects UUID[]) RETURNS VOID
LANGUAGE sql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
    INSERT INTO leaderboard.changes AS c (subject, count)
    SELECT DISTINCT subject, 1 FROM unnest(subjects) AS subject WHERE subject IS NOT NULL ORDER BY 1
    ON CONFLICT (subject) DO UPDATE SET count = c.count + 1
$$;

-- A team's place in a track. A request for one is on no board.
CREATE FUNCTION leaderboard.note_participation() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(ARRAY[NEW.track_id, OLD.track_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER note_new_participation AFTER INSERT ON registration.participations
    FOR EACH ROW WHEN (NEW.state <> 'requested') EXECUTE FUNCTION leaderboard.note_participation();
CREATE TRIGGER note_participation AFTER UPDATE OR DELETE ON registration.participations
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_participation();

CREATE FUNCTION leaderboard.note_name() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(
        ARRAY(SELECT p.track_id FROM registration.participations p WHERE p.team_id = NEW.id));
    RETURN NULL;
END $$;
CREATE TRIGGER note_name AFTER UPDATE OF name ON registration.teams
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION leaderboard.note_name();

-- Baselines, and links to code.
CREATE FUNCTION leaderboard.note_phase() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(ARRAY[NEW.phase_id, OLD.phase_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER note_baseline AFTER INSERT OR UPDATE OR DELETE ON tracks.baselines
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_phase();
CREATE TRIGGER note_code AFTER UPDATE OF code_url ON submission.submissions
    FOR EACH ROW WHEN (OLD.code_url IS DISTINCT FROM NEW.code_url) EXECUTE FUNCTION leaderboard.note_phase();

-- What a ranking is made of beside places in the track, counted likewise: a round over all phases ranks only those in
-- which something has changed. Apart from the above, so that an evaluation tells nothing to who looks at a frozen board.
CREATE TABLE leaderboard.inputs (
    phase_id UUID PRIMARY KEY,
    count    BIGINT NOT NULL
);
GRANT SELECT ON leaderboard.inputs TO molar_leaderboard;

CREATE FUNCTION leaderboard.note_input() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    INSERT INTO leaderboard.inputs AS i (phase_id, count) VALUES (COALESCE(NEW.phase_id, OLD.phase_id), 1)
    ON CONFLICT (phase_id) DO UPDATE SET count = i.count + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER note_finished AFTER INSERT OR UPDATE ON scoring.evaluations
    FOR EACH ROW WHEN (NEW.state = 'finished') EXECUTE FUNCTION leaderboard.note_input();
CREATE TRIGGER note_gone AFTER DELETE ON scoring.evaluations
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_input();
CREATE TRIGGER note_frame AFTER INSERT OR UPDATE OR DELETE ON scoring.frames
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_input();
CREATE TRIGGER note_rescoring AFTER UPDATE OF state ON scoring.rescorings
    FOR EACH ROW EXECUTE FUNCTION leaderboard.note_input();
CREATE TRIGGER note_choice AFTER UPDATE OF is_chosen, withdrawn_at ON submission.submissions
    FOR EACH ROW WHEN ((OLD.is_chosen, OLD.withdrawn_at) IS DISTINCT FROM (NEW.is_chosen, NEW.withdrawn_at))
    EXECUTE FUNCTION leaderboard.note_input();

-- For triggers only.
REVOKE EXECUTE ON FUNCTION leaderboard.note_changes, leaderboard.note_participation, leaderboard.note_name,
    leaderboard.note_phase, leaderboard.note_input FROM PUBLIC;

-- Which version stood a day ago is looked up with each look at a board.
CREATE INDEX rankings_in_time ON leaderboard.rankings (phase_id, version DESC, created_at);
