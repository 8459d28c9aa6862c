-- Boards that were published elsewhere as a table, so that past challenges can be shown. Owned by the role `leaderboard`.

-- Of a challenge what its boards need also where it has no phase.
CREATE VIEW tracks.challenge_facts AS
SELECT c.id AS challenge_id, c.slug, c.title, c.zone FROM tracks.challenges c;
GRANT SELECT ON tracks.challenge_facts TO molar_leaderboard;

-- One row is a whole board, so that none is ever there by half. Ranks are ours, made of the values when it came; what was
-- published stands beside them. It is as public as its challenge, which everybody sees.
CREATE TABLE leaderboard.imports (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    slug          TEXT NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    title         TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    source        TEXT CHECK (source ~ '^https?://' AND length(source) <= 500),   -- where it was published
    note          TEXT CHECK (length(note) <= 1000),
    table_sha256  TEXT NOT NULL CHECK (table_sha256 ~ '^[0-9a-f]{64}$'),          -- of the CSV that was sent
    metrics       JSONB NOT NULL CHECK (jsonb_array_length(metrics) BETWEEN 1 AND 32),   -- [{name, is_higher_better}]
    left_out      TEXT[] NOT NULL,                   -- metrics that no row has
    -- [{team, values, ranks, mean_rank, final_rank, published}], best first; values and ranks in the order of metrics,
    -- published by the name of its column, as it was written
    rows          JSONB NOT NULL CHECK (jsonb_array_length(rows) BETWEEN 1 AND 1000),
    imported_by   UUID NOT NULL,
    imported_at   TIMESTAMPTZ NOT NULL,
    CONSTRAINT imports_slug_unique UNIQUE (challenge_id, slug)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leaderboard.imports TO molar_leaderboard;

-- For the page of the challenge.
CREATE VIEW leaderboard.import_facts AS
SELECT i.challenge_id, i.slug, i.title FROM leaderboard.imports i;
GRANT SELECT ON leaderboard.import_facts TO molar_tracks;
