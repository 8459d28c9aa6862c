-- The audit log as its readers see it, what is wrong with it in words, and an erasure that is on record itself.

-- Which challenge an entry is about, for the organizers who read it. Kept when the entry is written; beside
-- the chain, because it says nothing that the entry does not.
CREATE TABLE audit.scopes (
    seq           BIGINT PRIMARY KEY,
    challenge_id  UUID NOT NULL
);
CREATE INDEX scopes_by_challenge ON audit.scopes (challenge_id, seq);

-- The challenge of the subject, or else of any id in the details. NULL: the platform's own business.
CREATE FUNCTION audit.challenge_of(subject_id UUID, details JSONB) RETURNS UUID
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH ids AS (
        SELECT challenge_of.subject_id AS id
        UNION
        SELECT CASE WHEN value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN value::uuid END
        FROM jsonb_each_text(CASE jsonb_typeof(challenge_of.details) WHEN 'object' THEN challenge_of.details ELSE '{}' END)
    ), tracks_of AS (
        SELECT t.id AS track_id FROM tracks.tracks t JOIN ids USING (id)
        UNION ALL SELECT p.track_id FROM tracks.phases p JOIN ids USING (id)
        UNION ALL SELECT s.track_id FROM tracks.splits s JOIN ids USING (id)
        UNION ALL SELECT s.track_id FROM tracks.cases c JOIN ids USING (id) JOIN tracks.splits s ON s.id = c.split_id
        UNION ALL SELECT p.track_id FROM registration.participations p JOIN ids USING (id)
        UNION ALL SELECT p.track_id FROM submission.submissions s JOIN ids USING (id) JOIN tracks.phases p ON p.id = s.phase_id
        UNION ALL SELECT p.track_id FROM execution.attempts a JOIN ids USING (id) JOIN tracks.phases p ON p.id = a.phase_id
        UNION ALL SELECT p.track_id FROM execution.case_runs r JOIN ids USING (id)
                  JOIN execution.attempts a ON a.id = r.attempt_id JOIN tracks.phases p ON p.id = a.phase_id
    )
    SELECT challenge_id FROM (
        SELECT c.id AS challenge_id FROM tracks.challenges c JOIN ids USING (id)
        UNION ALL SELECT t.challenge_id FROM tracks.tracks t JOIN tracks_of o ON o.track_id = t.id
        UNION ALL SELECT t.challenge_id FROM registration.teams t JOIN ids USING (id)
    ) found LIMIT 1
$$;

CREATE OR REPLACE FUNCTION audit.append(
    at TIMESTAMPTZ, actor_id UUID, action TEXT, subject_id UUID, details JSONB, personal TEXT DEFAULT NULL
) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last audit.entries%ROWTYPE;
    next_seq BIGINT;
    salt BYTEA;
    commitment BYTEA;
    previous BYTEA;
BEGIN
    PERFORM pg_advisory_xact_lock(7305808869230441059);   -- "audit", as a number
    SELECT * INTO last FROM audit.entries e ORDER BY e.seq DESC LIMIT 1;
    next_seq := COALESCE(last.seq, 0) + 1;
    previous := COALESCE(last.hash, '\x'::bytea);
    IF personal IS NOT NULL THEN
        salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        commitment := sha256(salt || convert_to(personal, 'UTF8'));
    END IF;
    INSERT INTO audit.entries VALUES (
        next_seq, append.at, session_user, append.actor_id, append.action, append.subject_id, append.details, commitment, previous,
        audit.entry_hash(next_seq, append.at, session_user::text, append.actor_id, append.action, append.subject_id, append.details, commitment, previous));
    IF personal IS NOT NULL THEN
        INSERT INTO audit.personal VALUES (next_seq, salt, append.personal);
    END IF;
    INSERT INTO audit.scopes
    SELECT next_seq, c FROM audit.challenge_of(append.subject_id, append.details) c WHERE c IS NOT NULL
    ON CONFLICT (seq) DO UPDATE SET challenge_id = excluded.challenge_id;
    RETURN next_seq;
END $$;

INSERT INTO audit.scopes
SELECT e.seq, c FROM audit.entries e, audit.challenge_of(e.subject_id, e.details) c WHERE c IS NOT NULL;

-- What is read of the log. A text that was erased shows as such.
CREATE VIEW audit.log AS
SELECT e.seq, e.at, e.role, e.actor_id, u.name AS actor, e.action, e.subject_id, e.details, p.text AS reason,
       e.commitment IS NOT NULL AND p.seq IS NULL AS is_erased, e.hash, s.challenge_id
FROM audit.entries e
LEFT JOIN audit.personal p USING (seq)
LEFT JOIN audit.scopes s USING (seq)
LEFT JOIN registration.users u ON u.id = e.actor_id;

-- Everything that is wrong with the log, by entry and in words; given an exported head, also a tail that
-- was cut off or written anew.
CREATE FUNCTION audit.breaks(head_seq BIGINT DEFAULT NULL, head_hash BYTEA DEFAULT NULL)
RETURNS TABLE (seq BIGINT, what TEXT) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH chain AS (
        SELECT e.*, lag(e.seq, 1, 0::bigint) OVER w AS seq_before, lag(e.hash, 1, '\x'::bytea) OVER w AS hash_before
        FROM audit.entries e WINDOW w AS (ORDER BY e.seq)
    ), erased AS (
        SELECT jsonb_array_elements_text(e.details -> 'seqs')::bigint AS seq
        FROM audit.entries e WHERE e.action = 'personal.erased'
    )
    SELECT found.seq, found.what FROM (
        SELECT c.seq, 'the entry was changed after it was written' AS what FROM chain c
        WHERE c.hash <> audit.entry_hash(c.seq, c.at, c.role, c.actor_id, c.action, c.subject_id, c.details, c.commitment, c.previous)
        UNION ALL
        SELECT c.seq_before + 1, CASE c.seq - c.seq_before
            WHEN 2 THEN 'the entry is missing' ELSE format('the entries from here to %s are missing', c.seq - 1) END
        FROM chain c WHERE c.seq > c.seq_before + 1
        UNION ALL
        SELECT c.seq, 'the entry does not continue the one before, which was written anew' FROM chain c
        WHERE c.seq = c.seq_before + 1 AND c.previous <> c.hash_before
        UNION ALL
        SELECT p.seq, 'its text was changed' FROM audit.personal p JOIN audit.entries e USING (seq)
        WHERE e.commitment IS DISTINCT FROM sha256(p.salt || convert_to(p.text, 'UTF8'))
        UNION ALL
        SELECT e.seq, 'its text is missing, and no erasure is on record' FROM audit.entries e
        WHERE e.commitment IS NOT NULL AND NOT EXISTS (SELECT FROM audit.personal p WHERE p.seq = e.seq)
          AND NOT EXISTS (SELECT FROM erased WHERE erased.seq = e.seq)
        UNION ALL
        SELECT head_seq, 'the exported head is missing: the log was cut before it' WHERE head_seq IS NOT NULL
            AND NOT EXISTS (SELECT FROM audit.entries e WHERE e.seq = head_seq)
        UNION ALL
        SELECT head_seq, 'the entry is not the exported head: the log was written anew up to it' WHERE EXISTS (
            SELECT FROM audit.entries e WHERE e.seq = head_seq AND e.hash IS DISTINCT FROM head_hash)
    ) found ORDER BY found.seq, found.what
$$;

-- Erases the texts that are about a person: entries whose subject they are or that name them in their details, and texts
-- that hold one of `words` (their name, their address). What the person did in office stays, with its reason,
-- unless it names them. The erasure is an entry itself. Returns how many texts were erased.
CREATE FUNCTION audit.erase(at TIMESTAMPTZ, actor_id UUID, person UUID, words TEXT[])
RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE seqs BIGINT[];
BEGIN
    SELECT array_agg(p.seq ORDER BY p.seq) INTO seqs FROM audit.personal p JOIN audit.entries e USING (seq)
    WHERE e.subject_id = erase.person OR position(erase.person::text IN e.details::text) > 0
       OR EXISTS (SELECT FROM unnest(erase.words) word
                  WHERE length(trim(word)) > 2 AND position(lower(trim(word)) IN lower(p.text)) > 0);
    IF seqs IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM audit.personal p WHERE p.seq = ANY (seqs);
    PERFORM audit.append(erase.at, erase.actor_id, 'personal.erased', erase.person, jsonb_build_object('seqs', seqs));
    RETURN cardinality(seqs);
END $$;

REVOKE ALL ON FUNCTION audit.challenge_of, audit.breaks, audit.erase FROM PUBLIC;
-- The log is read, and its head exported, by the role that shows what is public.
GRANT SELECT ON audit.log TO molar_leaderboard;
GRANT EXECUTE ON FUNCTION audit.breaks TO molar_leaderboard;
-- Where accounts end.
GRANT EXECUTE ON FUNCTION audit.erase TO molar_registration;
