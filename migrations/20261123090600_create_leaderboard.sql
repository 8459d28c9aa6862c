-- Ranks. Owned by the role `leaderboard`.

-- Append-only versions of a phase's ranking: a board at any past moment is a read.
CREATE TABLE leaderboard.rankings (
    id          UUID PRIMARY KEY,
    phase_id    UUID NOT NULL REFERENCES tracks.phases,
    version     INTEGER NOT NULL,
    inputs_hash TEXT NOT NULL,                       -- of the entries it was made from: the same inputs make no new version
    left_out    TEXT[] NOT NULL,                     -- metrics that no entry has
    created_at  TIMESTAMPTZ NOT NULL,
    CONSTRAINT rankings_version_unique UNIQUE (phase_id, version)
);

CREATE TABLE leaderboard.entries (
    ranking_id     UUID NOT NULL REFERENCES leaderboard.rankings,
    team_id        UUID NOT NULL REFERENCES registration.teams,
    submission_id  UUID NOT NULL REFERENCES submission.submissions,
    evaluation_id  UUID NOT NULL REFERENCES scoring.evaluations,
    values         JSONB NOT NULL,                   -- {metric: mean over the cases}
    ranks          JSONB NOT NULL,                   -- {metric: rank}
    mean_rank      DOUBLE PRECISION,
    final_rank     INTEGER,                          -- NULL: out of competition
    is_eligible    BOOLEAN NOT NULL,
    out_reason     TEXT,                             -- why it is out of competition
    cases          INTEGER NOT NULL,
    failed_cases   INTEGER NOT NULL,                 -- cases that were given the worst values
    submitted_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (ranking_id, team_id),
    CONSTRAINT entries_rank_iff_eligible CHECK (is_eligible = (final_rank IS NOT NULL)),
    CONSTRAINT entries_reason_iff_out CHECK (is_eligible = (out_reason IS NULL))
);

CREATE VIEW leaderboard.current_rankings AS
SELECT DISTINCT ON (phase_id) id AS ranking_id, phase_id, version, created_at
FROM leaderboard.rankings ORDER BY phase_id, version DESC;
