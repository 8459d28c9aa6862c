-- Of the statistics what a board without intervals tells, so that their document, of megabytes, is not read for it. Taken from the
-- document by the database, also where that was written before this or by an older version of the program.
ALTER TABLE leaderboard.statistics
    ADD COLUMN undrawn          TEXT GENERATED ALWAYS AS (document->'figures'->>'undrawn') STORED,   -- why nothing could be drawn
    ADD COLUMN is_board_ranking BOOLEAN NOT NULL
        GENERATED ALWAYS AS ((document->'figures'->'is_board_ranking')::boolean) STORED,
    ADD COLUMN left_out         JSONB NOT NULL GENERATED ALWAYS AS (document->'figures'->'left_out') STORED;   -- [{metric, reason}]
