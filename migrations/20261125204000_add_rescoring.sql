-- Corrected references, re-scoring beside what counts, and acts that need a second organizer.

ALTER TABLE tracks.challenges
    ADD COLUMN second_organizer TEXT[] NOT NULL DEFAULT '{}',   -- domain::consent::Act
    ADD CONSTRAINT challenges_second_organizer CHECK (second_organizer <@ ARRAY['publish', 'disqualify', 'rescore']);

CREATE VIEW tracks.second_organizers AS
SELECT c.id AS challenge_id, c.second_organizer AS acts FROM tracks.challenges c;

CREATE VIEW registration.challenge_organizers AS
SELECT r.challenge_id, r.user_id, u.name
FROM registration.challenge_roles r JOIN registration.users u ON u.id = r.user_id
WHERE r.role = 'organizer' AND u.anonymised_at IS NULL;

-- Acts that one organizer asked for and another has to confirm. The subject is of the role that acts: a phase, a
-- participation, a re-scoring. Several roles write here, so all of them do it through two functions, as with the log.
CREATE TABLE audit.requests (
    id            UUID PRIMARY KEY,
    act           TEXT NOT NULL CHECK (act IN ('publish', 'disqualify', 'rescore')),
    subject_id    UUID NOT NULL,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    requested_by  UUID NOT NULL REFERENCES registration.users,
    requested_at  TIMESTAMPTZ NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,              -- exclusive
    reason        TEXT,                              -- of the first organizer; the act's, once it is done
    decision      TEXT CHECK (decision IN ('confirmed', 'declined', 'expired')),
    decided_by    UUID REFERENCES registration.users,   -- NULL: nobody did in time
    decided_at    TIMESTAMPTZ,
    CONSTRAINT requests_decided CHECK ((decision IS NULL) = (decided_at IS NULL)),
    CONSTRAINT requests_decider CHECK ((decided_by IS NOT NULL) = (COALESCE(decision, 'expired') <> 'expired')),
    CONSTRAINT requests_second CHECK (decision <> 'confirmed' OR decided_by <> requested_by)
);
CREATE UNIQUE INDEX requests_one_open ON audit.requests (act, subject_id) WHERE decision IS NULL;
CREATE INDEX requests_of_challenge ON audit.requests (challenge_id, id);

CREATE FUNCTION audit.ask(
    id UUID, act TEXT, subject_id UUID, challenge_id UUID, requested_by UUID, at TIMESTAMPTZ, expires_at TIMESTAMPTZ, reason TEXT
) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE audit.requests r SET decision = 'expired', decided_at = r.expires_at
    WHERE r.act = ask.act AND r.subject_id = ask.subject_id AND r.decision IS NULL AND r.expires_at <= ask.at;
    INSERT INTO audit.requests (id, act, subject_id, challenge_id, requested_by, requested_at, expires_at, reason)
    VALUES (ask.id, ask.act, ask.subject_id, ask.challenge_id, ask.requested_by, ask.at, ask.expires_at, ask.reason);
END $$;

-- Whether there was such a request to decide.
CREATE FUNCTION audit.decide(id UUID, decided_by UUID, decision TEXT, at TIMESTAMPTZ) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE audit.requests r SET decision = decide.decision, decided_by = decide.decided_by, decided_at = decide.at
    WHERE r.id = decide.id AND r.decision IS NULL AND r.expires_at > decide.at;
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION audit.ask FROM PUBLIC;
REVOKE ALL ON FUNCTION audit.decide FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.ask, audit.decide TO molar_registration, molar_tracks, molar_scoring;
GRANT SELECT ON audit.requests, tracks.second_organizers, registration.challenge_organizers
    TO molar_registration, molar_tracks, molar_scoring;

-- A correction is a set below zero until all of it was read and found good and an organizer accepted it: only then it
-- gets the next version, and is the newest.
ALTER TABLE tracks.reference_sets
    ADD COLUMN based_on     UUID REFERENCES tracks.reference_sets,   -- of a correction: what it corrects
    ADD COLUMN reason       TEXT,
    ADD COLUMN created_by   UUID,
    ADD COLUMN accepted_by  UUID,
    ADD COLUMN accepted_at  TIMESTAMPTZ,
    ADD COLUMN dropped_at   TIMESTAMPTZ,             -- of a correction that another took the place of
    ADD CONSTRAINT reference_sets_version CHECK (version <> 0),
    ADD CONSTRAINT reference_sets_correction CHECK (
        (based_on IS NULL) = (reason IS NULL) AND (based_on IS NULL) = (created_by IS NULL)),
    ADD CONSTRAINT reference_sets_accepted CHECK (
        (based_on IS NOT NULL AND version > 0) = (accepted_at IS NOT NULL) AND (version > 0 OR based_on IS NOT NULL)
        AND (accepted_at IS NULL) = (accepted_by IS NULL) AND (dropped_at IS NULL OR version < 0));

-- What the reference of a case was before its correction: the new one must have its shape.
CREATE VIEW tracks.corrected_references AS
SELECT r.id AS reference_id, b.id AS before_id
FROM tracks.case_references r
JOIN tracks.reference_sets s ON s.id = r.reference_set_id AND s.based_on IS NOT NULL
JOIN tracks.case_references b ON b.reference_set_id = s.based_on AND b.case_id = r.case_id;
GRANT SELECT ON tracks.corrected_references TO molar_scoring;

-- New evaluations of a phase beside those that count.
CREATE TABLE scoring.rescorings (
    id                      UUID PRIMARY KEY,
    phase_id                UUID NOT NULL REFERENCES tracks.phases,
    state                   TEXT NOT NULL CHECK (state IN ('draft', 'computing', 'ready', 'published', 'dropped')),
    scope                   TEXT NOT NULL CHECK (scope IN ('touched', 'everything')),
    reason                  TEXT NOT NULL,
    -- By what it measures, and by what the phase was measured when it was made.
    scorer_version          TEXT NOT NULL,
    reference_set_id        UUID NOT NULL REFERENCES tracks.reference_sets,
    parameters_hash         TEXT NOT NULL,
    parameters              JSONB NOT NULL,          -- domain::evaluation::Parameters
    from_scorer_version     TEXT NOT NULL,
    from_reference_set_id   UUID NOT NULL REFERENCES tracks.reference_sets,
    from_parameters_hash    TEXT NOT NULL,
    created_by              UUID NOT NULL REFERENCES registration.users,
    created_at              TIMESTAMPTZ NOT NULL,
    started_at              TIMESTAMPTZ,
    ready_at                TIMESTAMPTZ,             -- when everything was measured for the last time
    decided_by              UUID REFERENCES registration.users,   -- who published or dropped it
    decided_at              TIMESTAMPTZ,
    CONSTRAINT rescorings_decided CHECK ((state IN ('published', 'dropped')) = (decided_at IS NOT NULL)
        AND (decided_at IS NULL) = (decided_by IS NULL)),
    CONSTRAINT rescorings_started CHECK (started_at IS NOT NULL OR state IN ('draft', 'dropped'))
);
CREATE UNIQUE INDEX rescorings_one_open ON scoring.rescorings (phase_id) WHERE state IN ('draft', 'computing', 'ready');

ALTER TABLE scoring.evaluations
    ADD COLUMN rescoring_id UUID REFERENCES scoring.rescorings;   -- NULL: made when the submission was ready
CREATE INDEX evaluations_of_rescoring ON scoring.evaluations (rescoring_id) WHERE rescoring_id IS NOT NULL;
DROP INDEX scoring.evaluations_once;
CREATE UNIQUE INDEX evaluations_once ON scoring.evaluations
    (submission_id, COALESCE(attempt_id, '00000000-0000-0000-0000-000000000000'), scorer_version, reference_set_id, parameters_hash,
     COALESCE(rescoring_id, '00000000-0000-0000-0000-000000000000'))
    WHERE state <> 'cancelled';

ALTER TABLE scoring.case_scores
    ADD COLUMN copied_from UUID REFERENCES scoring.evaluations;   -- which measured it, with the same inputs; NULL: this one

-- A frame follows file and references until the first evaluation has finished, then only a published re-scoring.
ALTER TABLE scoring.frames
    ADD COLUMN parameters JSONB,                     -- of which the hash is; NULL: of before they were kept
    ADD COLUMN rescoring_id UUID REFERENCES scoring.rescorings;   -- which was published last
UPDATE scoring.frames f SET parameters = (
    SELECT e.parameters FROM scoring.evaluations e
    WHERE e.phase_id = f.phase_id AND e.parameters_hash = f.parameters_hash AND e.parameters IS NOT NULL LIMIT 1);

GRANT SELECT, INSERT, UPDATE ON scoring.rescorings TO molar_scoring;

-- Those of a re-scoring that is not published are nobody's but the preview's.
CREATE OR REPLACE VIEW scoring.evaluation_facts AS
SELECT e.id AS evaluation_id, e.submission_id, e.attempt_id, e.phase_id, e.team_id, e.scorer_version, e.reference_set_id,
       e.parameters_hash, e.state, e.created_at, e.finished_at,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id) AS cases,
       (SELECT count(*) FROM scoring.case_scores c WHERE c.evaluation_id = e.id AND c.state = 'scored') AS scored_cases,
       e.parameters,
       EXISTS (SELECT FROM scoring.frames f WHERE f.phase_id = e.phase_id AND f.scorer_version = e.scorer_version
               AND f.reference_set_id = e.reference_set_id AND f.parameters_hash = e.parameters_hash
               AND (e.rescoring_id IS NULL OR e.rescoring_id = f.rescoring_id)) AS is_current,
       e.rescoring_id
FROM scoring.evaluations e
WHERE e.rescoring_id IS NULL
   OR EXISTS (SELECT FROM scoring.rescorings r WHERE r.id = e.rescoring_id AND r.state = 'published');

-- By what a phase is measured now.
CREATE VIEW scoring.frame_facts AS
SELECT f.phase_id, f.scorer_version, f.reference_set_id, f.parameters_hash, f.parameters, f.rescoring_id
FROM scoring.frames f;

CREATE VIEW scoring.rescoring_facts AS
SELECT r.id AS rescoring_id, r.phase_id, r.state, r.scope, r.reason, r.scorer_version, r.reference_set_id, r.parameters,
       r.from_scorer_version, r.from_reference_set_id, r.created_by, r.created_at, r.started_at, r.ready_at,
       r.decided_by, r.decided_at
FROM scoring.rescorings r;

-- The evaluations of a re-scoring, whatever becomes of it.
CREATE VIEW scoring.rescored AS
SELECT e.rescoring_id, e.id AS evaluation_id, e.submission_id, e.team_id, e.state
FROM scoring.evaluations e WHERE e.rescoring_id IS NOT NULL AND e.state <> 'cancelled';

GRANT SELECT ON scoring.frame_facts, scoring.rescored TO molar_leaderboard;
GRANT SELECT ON scoring.rescoring_facts TO molar_leaderboard, molar_registration;

CREATE VIEW tracks.reference_set_versions AS
SELECT s.id AS reference_set_id, s.split_id, s.version FROM tracks.reference_sets s;
GRANT SELECT ON tracks.reference_set_versions TO molar_scoring, molar_leaderboard;
