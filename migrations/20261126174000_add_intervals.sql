-- Of the statistics what every board shows, so that their document, of megabytes, is not read for it.
ALTER TABLE leaderboard.statistics
    ADD COLUMN intervals JSONB NOT NULL DEFAULT '{}';  -- {team's id: {from, to}}: in which its rank lies; empty: made before this
