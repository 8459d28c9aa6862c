-- What was handed in. Owned by the role `submission`.

CREATE TABLE submission.submissions (
    id            UUID PRIMARY KEY,                  -- v7, so primary-key order is arrival order
    phase_id      UUID NOT NULL REFERENCES tracks.phases,
    team_id       UUID NOT NULL REFERENCES registration.teams,
    created_by    UUID NOT NULL REFERENCES registration.users,
    kind          TEXT NOT NULL CHECK (kind IN ('predictions', 'container')),
    note          TEXT NOT NULL DEFAULT '',          -- the team's own words
    code_url      TEXT,
    created_at    TIMESTAMPTZ NOT NULL,
    cancelled_at  TIMESTAMPTZ,
    cancelled_by  UUID,
    is_chosen     BOOLEAN NOT NULL DEFAULT false,    -- by the team, where a phase keeps the chosen one
    withdrawn_at  TIMESTAMPTZ
);
CREATE INDEX submissions_of_team ON submission.submissions (team_id, phase_id, id);
CREATE INDEX submissions_of_phase ON submission.submissions (phase_id, id);
CREATE UNIQUE INDEX submissions_one_chosen ON submission.submissions (phase_id, team_id) WHERE is_chosen;

-- The one file of a submission, from the first part to the verdict of the check.
--
-- Lifecycle and allowed transitions: services/shared/domain/src/upload.rs.
CREATE TABLE submission.uploads (
    submission_id     UUID PRIMARY KEY REFERENCES submission.submissions,
    state             TEXT NOT NULL CHECK (state IN ('open', 'completed', 'checking', 'accepted', 'refused', 'cancelled', 'expired')),
    object_key        TEXT NOT NULL UNIQUE,          -- in the bucket `uploads`; ours, never the caller's
    multipart_id      TEXT NOT NULL,
    part_size_bytes   BIGINT NOT NULL,
    size_bytes        BIGINT NOT NULL CHECK (size_bytes > 0),   -- declared on create, insisted on at complete
    sha256            TEXT NOT NULL,                 -- hex, declared on create
    open_until        TIMESTAMPTZ NOT NULL,          -- the sweeper expires it after this
    completed_at      TIMESTAMPTZ,
    decided_at        TIMESTAMPTZ,
    failure           TEXT,                          -- domain::FailureCode
    failure_detail    JSONB,                         -- [{place, detail, mend}], shown to the team
    image_digest      TEXT,                          -- container: SHA-256 of the image's config
    image_size_bytes  BIGINT,
    notes             JSONB NOT NULL DEFAULT '[]',   -- what was ignored, told to the team
    lease_token       UUID,
    lease_expires_at  TIMESTAMPTZ,
    attempts          INTEGER NOT NULL DEFAULT 0,
    not_before        TIMESTAMPTZ NOT NULL,
    CONSTRAINT uploads_failure_iff_refused CHECK ((state = 'refused') = (failure IS NOT NULL)),
    CONSTRAINT uploads_lease_all_or_none CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT uploads_lease_iff_checking CHECK ((state = 'checking') = (lease_token IS NOT NULL))
);
CREATE INDEX uploads_to_check ON submission.uploads (not_before) WHERE state IN ('completed', 'checking');
CREATE INDEX uploads_open ON submission.uploads (open_until) WHERE state = 'open';

-- What a submission did to its team's quota. Append only: reserved, then spent or returned.
CREATE TABLE submission.quota_ledger (
    submission_id  UUID NOT NULL REFERENCES submission.submissions,
    entry          TEXT NOT NULL CHECK (entry IN ('reserved', 'spent', 'returned')),
    phase_id       UUID NOT NULL,
    team_id        UUID NOT NULL,
    day            DATE NOT NULL,                    -- of the create, in the challenge's zone
    reason         TEXT,                             -- of a return: a failure code or 'cancelled'
    created_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (submission_id, entry)
);
CREATE INDEX quota_ledger_of_team ON submission.quota_ledger (phase_id, team_id, day);
-- Settled once: a submission's quota is spent or given back, never both.
CREATE UNIQUE INDEX quota_ledger_settled_once ON submission.quota_ledger (submission_id) WHERE entry <> 'reserved';

-- Accepted files, for execution and scoring.
CREATE VIEW submission.accepted AS
SELECT s.id AS submission_id, s.phase_id, s.team_id, s.kind, s.created_at, u.completed_at, u.decided_at,
       u.object_key, u.size_bytes, u.sha256, u.image_digest, s.cancelled_at, s.withdrawn_at, s.is_chosen, s.code_url
FROM submission.submissions s
JOIN submission.uploads u ON u.submission_id = s.id
WHERE u.state = 'accepted';
