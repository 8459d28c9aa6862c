-- One schema a role; the login roles themselves are made once per cluster by `molar migrate`, before this runs.
CREATE SCHEMA registration;
CREATE SCHEMA tracks;
CREATE SCHEMA submission;
CREATE SCHEMA execution;
CREATE SCHEMA scoring;
CREATE SCHEMA leaderboard;
CREATE SCHEMA audit;

DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['registration', 'tracks', 'submission', 'execution', 'scoring', 'leaderboard'] LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', role, 'molar_' || role);

        -- Announcements that committed with the rows they speak of and wait for the relay.
        EXECUTE format('CREATE TABLE %I.outbox (
            id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            message_id    UUID NOT NULL UNIQUE,
            routing_key   TEXT NOT NULL,
            body          BYTEA NOT NULL,            -- protobuf, see proto/
            trace_parent  TEXT,                      -- W3C trace context of the writer
            created_at    TIMESTAMPTZ NOT NULL,
            published_at  TIMESTAMPTZ                -- NULL until the broker confirmed
        )', role);
        EXECUTE format('CREATE INDEX outbox_pending ON %I.outbox (id) WHERE published_at IS NULL', role);

        -- Messages already seen by a queue of this role: a second delivery changes nothing.
        EXECUTE format('CREATE TABLE %I.inbox (
            queue        TEXT NOT NULL,
            message_id   UUID NOT NULL,
            received_at  TIMESTAMPTZ NOT NULL,
            deliveries   INTEGER NOT NULL DEFAULT 1,
            PRIMARY KEY (queue, message_id)
        )', role);

        -- Answers to creating POSTs, replayed when the same key comes again.
        EXECUTE format('CREATE TABLE %I.idempotency_keys (
            caller_id     UUID NOT NULL,             -- the user who sent the key
            key           TEXT NOT NULL,
            request_hash  BYTEA NOT NULL,            -- SHA-256 of method, path and body
            status        SMALLINT NOT NULL,
            location      TEXT,
            body          BYTEA NOT NULL,
            created_at    TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (caller_id, key),
            CONSTRAINT idempotency_keys_key_length CHECK (length(key) BETWEEN 1 AND 255)
        )', role);
    END LOOP;
END $$;
