-- How sure a ranking is. Owned by the role `leaderboard`.

-- Made from the scores per case, which never change, of the entries of one version: it can be made again at any time, also
-- of an old version. So no history is kept: of each phase there is the newest, and while its board is frozen also that of
-- the version that the public sees.
CREATE TABLE leaderboard.statistics (
    phase_id    UUID NOT NULL,
    version     INTEGER NOT NULL,               -- of the ranking that it is about
    computed_at TIMESTAMPTZ NOT NULL,
    took_ms     INTEGER NOT NULL CHECK (took_ms >= 0),
    seed        BIGINT NOT NULL,                -- of the draws: leaderboard::statistics::seed
    draws       INTEGER NOT NULL CHECK (draws > 0),
    library     TEXT NOT NULL,                  -- what ranked, with its version
    document    JSONB NOT NULL,                 -- leaderboard::statistics::Document: teams by id, figures by the place of the team
    PRIMARY KEY (phase_id, version),
    FOREIGN KEY (phase_id, version) REFERENCES leaderboard.rankings (phase_id, version)
);
GRANT SELECT, INSERT, DELETE ON leaderboard.statistics TO molar_leaderboard;
