-- Measurements against the references. Owned by the role `scoring`.

-- What reading a reference showed.
CREATE TABLE scoring.reference_facts (
    reference_id  UUID PRIMARY KEY REFERENCES tracks.case_references,
    case_id       UUID NOT NULL REFERENCES tracks.cases,
    reference_set_id UUID NOT NULL REFERENCES tracks.reference_sets,
    is_good       BOOLEAN NOT NULL,
    complaint     TEXT,                              -- of a refused reference, with the mend
    shape         INTEGER[] NOT NULL DEFAULT '{}',   -- voxels: [height, width] or [x, y, z]
    labels        INTEGER[] NOT NULL DEFAULT '{}',
    sha256        TEXT NOT NULL,
    read_at       TIMESTAMPTZ NOT NULL,
    CONSTRAINT reference_facts_complaint CHECK (is_good = (complaint IS NULL))
);

-- A submission measured by one scorer against one version of the references. Re-scoring adds rows.
CREATE TABLE scoring.evaluations (
    id                UUID PRIMARY KEY,
    submission_id     UUID NOT NULL REFERENCES submission.submissions,
    attempt_id        UUID REFERENCES execution.attempts,    -- NULL: predictions; else also whose times are used
    phase_id          UUID NOT NULL REFERENCES tracks.phases,
    team_id           UUID NOT NULL REFERENCES registration.teams,
    scorer_version    TEXT NOT NULL,
    reference_set_id  UUID NOT NULL REFERENCES tracks.reference_sets,
    parameters_hash   TEXT NOT NULL,                 -- SHA-256 of the metric parameters
    state             TEXT NOT NULL CHECK (state IN ('running', 'finished', 'cancelled')),
    created_at        TIMESTAMPTZ NOT NULL,
    finished_at       TIMESTAMPTZ,
    CONSTRAINT evaluations_finished CHECK ((state = 'finished') = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX evaluations_once ON scoring.evaluations
    (submission_id, COALESCE(attempt_id, '00000000-0000-0000-0000-000000000000'), scorer_version, reference_set_id, parameters_hash);
CREATE INDEX evaluations_of_phase ON scoring.evaluations (phase_id, team_id);

CREATE TABLE scoring.case_scores (
    evaluation_id     UUID NOT NULL REFERENCES scoring.evaluations,
    case_id           UUID NOT NULL REFERENCES tracks.cases,
    case_run_id       UUID REFERENCES execution.case_runs,
    state             TEXT NOT NULL CHECK (state IN ('waiting', 'scoring', 'scored')),
    values            JSONB,                         -- {metric: value}
    labels            JSONB,                         -- per-label results
    reason            TEXT,                          -- domain::FailureCode where the worst values were given
    reason_detail     TEXT,
    notes             JSONB NOT NULL DEFAULT '[]',
    scored_at         TIMESTAMPTZ,
    lease_token       UUID,
    lease_expires_at  TIMESTAMPTZ,
    attempts          INTEGER NOT NULL DEFAULT 0,
    not_before        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (evaluation_id, case_id),
    CONSTRAINT case_scores_scored CHECK ((state = 'scored') = (values IS NOT NULL)),
    CONSTRAINT case_scores_lease_all_or_none CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL))
);
CREATE INDEX case_scores_to_score ON scoring.case_scores (not_before) WHERE state IN ('waiting', 'scoring');

CREATE VIEW scoring.evaluation_facts AS
SELECT e.id AS evaluation_id, e.submission_id, e.attempt_id, e.phase_id, e.team_id, e.scorer_version, e.reference_set_id,
       e.parameters_hash, e.state, e.created_at, e.finished_at,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id) AS cases,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id AND c.state = 'scored') AS scored_cases
FROM scoring.evaluations e;

CREATE VIEW scoring.scored_cases AS
SELECT c.evaluation_id, c.case_id, t.name AS case_name, c.case_run_id, c.values, c.labels, c.reason, c.reason_detail, c.notes, c.scored_at
FROM scoring.case_scores c
JOIN tracks.cases t ON t.id = c.case_id
WHERE c.state = 'scored';
