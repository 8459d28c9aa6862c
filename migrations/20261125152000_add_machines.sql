-- What a worker can run, and what a board's times were taken on.

ALTER TABLE execution.workers
    ADD COLUMN gpus SMALLINT NOT NULL DEFAULT 0,   -- slots whose GPU can take a case
    ADD CONSTRAINT workers_gpus_have_a_slot CHECK (gpus BETWEEN 0 AND slots);

ALTER TABLE leaderboard.rankings
    ADD COLUMN machines TEXT[] NOT NULL DEFAULT '{}';   -- on which the case runs of its entries were, in words
