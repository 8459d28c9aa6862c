-- Who did what. Written by every role through one function, in the writer's own transaction.

CREATE TABLE audit.entries (
    seq         BIGINT PRIMARY KEY,                  -- 1, 2, 3 …: a gap is a cut
    at          TIMESTAMPTZ NOT NULL,
    role        TEXT NOT NULL,                       -- the PostgreSQL role that wrote
    actor_id    UUID,                                -- NULL: the system
    action      TEXT NOT NULL,                       -- noun.past-participle
    subject_id  UUID NOT NULL,
    details     JSONB NOT NULL,                      -- ids and plain facts, nothing personal
    commitment  BYTEA,                               -- SHA-256 of salt and personal text, see audit.personal
    previous    BYTEA NOT NULL,                      -- hash of the entry before
    hash        BYTEA NOT NULL
);

-- What may have to be erased: the chain keeps only its salted commitment.
CREATE TABLE audit.personal (
    seq   BIGINT PRIMARY KEY REFERENCES audit.entries,
    salt  BYTEA NOT NULL,
    text  TEXT NOT NULL
);

CREATE FUNCTION audit.entry_hash(
    seq BIGINT, at TIMESTAMPTZ, role TEXT, actor_id UUID, action TEXT, subject_id UUID, details JSONB, commitment BYTEA, previous BYTEA
) RETURNS BYTEA LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        seq, extract(epoch FROM at)::text, role, actor_id, action, subject_id, details,
        encode(commitment, 'hex'), encode(previous, 'hex'))::text, 'UTF8'))
$$;

-- Appends an entry. Serialised by an advisory lock that the writer's transaction holds to its end, so
-- that entries stand in the order of their commits.
CREATE FUNCTION audit.append(
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
    RETURN next_seq;
END $$;

-- The first entry that does not fit its predecessor, or NULL; also when the entry `head_seq` is gone or
-- differs from the exported hash.
CREATE FUNCTION audit.first_break(head_seq BIGINT DEFAULT NULL, head_hash BYTEA DEFAULT NULL) RETURNS BIGINT
LANGUAGE sql STABLE AS $$
    SELECT min(bad) FROM (
        SELECT e.seq AS bad
        FROM (SELECT *, lag(hash, 1, '\x'::bytea) OVER (ORDER BY seq) AS before, row_number() OVER (ORDER BY seq) AS place FROM audit.entries) e
        WHERE e.previous <> e.before OR e.seq <> e.place
           OR e.hash <> audit.entry_hash(e.seq, e.at, e.role, e.actor_id, e.action, e.subject_id, e.details, e.commitment, e.previous)
        UNION ALL
        SELECT p.seq FROM audit.personal p JOIN audit.entries e USING (seq)
        WHERE e.commitment IS DISTINCT FROM sha256(p.salt || convert_to(p.text, 'UTF8'))
        UNION ALL
        SELECT head_seq WHERE head_seq IS NOT NULL
            AND NOT EXISTS (SELECT FROM audit.entries e WHERE e.seq = head_seq AND e.hash = head_hash)
    ) breaks
$$;

REVOKE ALL ON FUNCTION audit.append FROM PUBLIC;
REVOKE ALL ON FUNCTION audit.first_break FROM PUBLIC;
