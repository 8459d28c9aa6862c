-- Places of a team in several tracks change in one statement: counted row by row, two teams that leave at once would lock
-- the counts of the same tracks in different orders, and one of them would fail.

DROP TRIGGER note_new_participation ON registration.participations;
DROP TRIGGER note_participation ON registration.participations;
DROP FUNCTION leaderboard.note_participation();

-- A request for a place is on no board.
CREATE FUNCTION leaderboard.note_new_places() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(ARRAY(SELECT track_id FROM after WHERE state <> 'requested'));
    RETURN NULL;
END $$;
CREATE TRIGGER note_new_places AFTER INSERT ON registration.participations
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION leaderboard.note_new_places();

CREATE FUNCTION leaderboard.note_changed_places() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(ARRAY(SELECT track_id FROM before UNION SELECT track_id FROM after));
    RETURN NULL;
END $$;
CREATE TRIGGER note_changed_places AFTER UPDATE ON registration.participations
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION leaderboard.note_changed_places();

CREATE FUNCTION leaderboard.note_gone_places() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = leaderboard, pg_temp AS $$
BEGIN
    PERFORM leaderboard.note_changes(ARRAY(SELECT track_id FROM before));
    RETURN NULL;
END $$;
CREATE TRIGGER note_gone_places AFTER DELETE ON registration.participations
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION leaderboard.note_gone_places();

-- For triggers only.
REVOKE EXECUTE ON FUNCTION leaderboard.note_new_places, leaderboard.note_changed_places, leaderboard.note_gone_places FROM PUBLIC;
