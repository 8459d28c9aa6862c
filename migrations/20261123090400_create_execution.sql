-- Runs of containers. Owned by the role `execution`.

CREATE TABLE execution.workers (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL,
    key_hash       BYTEA NOT NULL UNIQUE,            -- SHA-256 of the worker's own key
    device_class   TEXT NOT NULL,
    slots          SMALLINT NOT NULL CHECK (slots BETWEEN 1 AND 64),
    slot_memory_bytes BIGINT NOT NULL,               -- what one slot may give to a case run
    device         JSONB NOT NULL,                   -- GPU, driver, CPU, cores a slot has
    enrolled_at    TIMESTAMPTZ NOT NULL,
    last_seen_at   TIMESTAMPTZ NOT NULL,
    is_draining    BOOLEAN NOT NULL DEFAULT false,
    revoked_at     TIMESTAMPTZ
);

CREATE TABLE execution.enrolment_tokens (
    token_hash  BYTEA PRIMARY KEY,
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    used_by     UUID REFERENCES execution.workers,   -- single use
    used_at     TIMESTAMPTZ
);

-- One try at running a container over all cases of its phase's split. Fixes image, limits and device class.
--
-- Lifecycle and allowed transitions: services/shared/domain/src/attempt.rs.
CREATE TABLE execution.attempts (
    id             UUID PRIMARY KEY,
    submission_id  UUID NOT NULL REFERENCES submission.submissions,
    number         INTEGER NOT NULL CHECK (number >= 1),
    phase_id       UUID NOT NULL REFERENCES tracks.phases,
    team_id        UUID NOT NULL REFERENCES registration.teams,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    image_digest   TEXT NOT NULL,
    archive_key    TEXT NOT NULL,                    -- in the bucket `uploads`
    archive_size_bytes BIGINT NOT NULL,
    limits         JSONB NOT NULL,                   -- domain::Limits
    device_class   TEXT NOT NULL,
    format         TEXT NOT NULL CHECK (format IN ('labelme', 'nifti')),
    failure        TEXT,                             -- domain::FailureCode
    failure_detail TEXT,
    canary_passed_at TIMESTAMPTZ,
    created_at     TIMESTAMPTZ NOT NULL,
    started_at     TIMESTAMPTZ,
    finished_at    TIMESTAMPTZ,
    CONSTRAINT attempts_number_unique UNIQUE (submission_id, number),
    CONSTRAINT attempts_failure_iff_failed CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT attempts_finished CHECK ((state IN ('finished', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
-- Only one attempt of a submission is alive.
CREATE UNIQUE INDEX attempts_one_alive ON execution.attempts (submission_id) WHERE state IN ('queued', 'running');

-- One case of an attempt: the unit of lease, fence, retry and fair share.
--
-- Lifecycle and allowed transitions: services/shared/domain/src/case_run.rs.
CREATE TABLE execution.case_runs (
    id                UUID PRIMARY KEY,
    attempt_id        UUID NOT NULL REFERENCES execution.attempts,
    case_id           UUID NOT NULL REFERENCES tracks.cases,
    kind              TEXT NOT NULL CHECK (kind IN ('canary', 'case')),
    position          INTEGER NOT NULL,              -- the canary is 0
    state             TEXT NOT NULL CHECK (state IN ('waiting', 'released', 'running', 'finished', 'failed', 'cancelled')),
    lease_token       UUID,                          -- the fence: who does not know it cannot write
    lease_expires_at  TIMESTAMPTZ,
    worker_id         UUID REFERENCES execution.workers,
    claims            INTEGER NOT NULL DEFAULT 0,
    lost_leases       INTEGER NOT NULL DEFAULT 0,
    not_before        TIMESTAMPTZ NOT NULL,
    released_at       TIMESTAMPTZ,
    claimed_at        TIMESTAMPTZ,
    finished_at       TIMESTAMPTZ,
    failure           TEXT,                          -- domain::FailureCode; a failed case is final for that case
    failure_detail    TEXT,
    exit_code         INTEGER,
    wall_ms           BIGINT,                        -- Docker's FinishedAt − StartedAt
    gpu_area_mib_s    DOUBLE PRECISION,              -- NULL: the machine has no GPU
    gpu_baseline_mib  DOUBLE PRECISION,
    gpu_total_mib     DOUBLE PRECISION,
    peak_memory_bytes BIGINT,
    usage             JSONB,                         -- series at 0.1 s
    device            JSONB,                         -- of the worker, as it was
    output_key        TEXT,                          -- in the bucket `outputs`, below the lease token
    output_size_bytes BIGINT,
    output_sha256     TEXT,
    log_key           TEXT,                          -- in the bucket `logs`
    notes             JSONB NOT NULL DEFAULT '[]',
    CONSTRAINT case_runs_once UNIQUE (attempt_id, case_id, kind),
    CONSTRAINT case_runs_failure_iff_failed CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT case_runs_lease_iff_running CHECK ((state = 'running') = (lease_expires_at IS NOT NULL)),
    CONSTRAINT case_runs_output_whole CHECK ((output_key IS NULL) = (output_sha256 IS NULL))
);
CREATE INDEX case_runs_waiting ON execution.case_runs (not_before) WHERE state IN ('waiting', 'released');
CREATE INDEX case_runs_running ON execution.case_runs (lease_expires_at) WHERE state = 'running';

CREATE VIEW execution.attempt_facts AS
SELECT a.id AS attempt_id, a.submission_id, a.number, a.phase_id, a.team_id, a.state, a.failure, a.failure_detail,
       a.canary_passed_at, a.created_at, a.started_at, a.finished_at
FROM execution.attempts a;

CREATE VIEW execution.case_run_facts AS
SELECT r.id AS case_run_id, r.attempt_id, a.submission_id, r.case_id, r.kind, r.position, r.state, r.claimed_at, r.finished_at,
       r.failure, r.failure_detail, r.exit_code, r.wall_ms, r.gpu_area_mib_s, r.gpu_baseline_mib, r.gpu_total_mib, r.peak_memory_bytes,
       r.device, r.output_key, r.output_size_bytes, r.output_sha256, r.log_key, r.notes, a.limits
FROM execution.case_runs r
JOIN execution.attempts a ON a.id = r.attempt_id;
