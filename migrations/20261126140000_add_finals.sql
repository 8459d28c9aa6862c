-- Who won: finalists, what they tell of their method, and what they are awarded. Owned by the role `tracks`.

-- Finalists are named once, from a ranking that stands; publishing tells them and the awards.
CREATE TABLE tracks.finals (
    phase_id         UUID PRIMARY KEY REFERENCES tracks.phases,
    top              INTEGER NOT NULL CHECK (top BETWEEN 1 AND 1000),   -- so many, ties included
    ranking_version  INTEGER NOT NULL,
    dossiers_due_at  TIMESTAMPTZ,                    -- exclusive; NULL: until they are locked
    named_by         UUID NOT NULL,
    named_at         TIMESTAMPTZ NOT NULL,
    published_at     TIMESTAMPTZ
);

-- All teams that were ranked and in competition then, so that it is known who moves up.
CREATE TABLE tracks.finalists (
    id             UUID PRIMARY KEY,
    phase_id       UUID NOT NULL REFERENCES tracks.finals,
    team_id        UUID NOT NULL REFERENCES registration.teams,
    rank           INTEGER NOT NULL CHECK (rank > 0),
    named_at       TIMESTAMPTZ,                      -- NULL: behind the last finalist
    struck_at      TIMESTAMPTZ,
    struck_by      UUID,
    struck_reason  TEXT,                             -- shown to the team
    UNIQUE (phase_id, team_id),
    CONSTRAINT finalists_struck_all_or_none CHECK (
        (struck_at IS NULL) = (struck_by IS NULL) AND (struck_at IS NULL) = (struck_reason IS NULL)
    ),
    CONSTRAINT finalists_struck_of_named CHECK (struck_at IS NULL OR named_at IS NOT NULL)
);

CREATE TABLE tracks.dossiers (
    finalist_id       UUID PRIMARY KEY REFERENCES tracks.finalists,
    authors           JSONB NOT NULL DEFAULT '[]',   -- [{name, affiliation, orcid}]
    code_url          TEXT,
    commit            TEXT CHECK (commit ~ '^[0-9a-f]{40}$'),
    external_data     TEXT,                          -- "none" is an answer, NULL is not
    external_weights  TEXT,
    consents          BOOLEAN,                       -- to publish; NULL: not answered
    consented_by      UUID,
    consented_at      TIMESTAMPTZ,
    report_key        TEXT,
    report_bytes      BIGINT,
    report_sha256     TEXT,
    report_at         TIMESTAMPTZ,
    code_key          TEXT,                          -- of the archive that was fetched
    code_bytes        BIGINT,
    code_sha256       TEXT,
    code_from         TEXT,                          -- the link, and the commit, that it was fetched by
    code_commit       TEXT,
    code_at           TIMESTAMPTZ,
    locked_by         UUID,
    locked_at         TIMESTAMPTZ,
    changed_by        UUID NOT NULL,
    changed_at        TIMESTAMPTZ NOT NULL,
    CONSTRAINT dossiers_consent_all_or_none CHECK (
        (consents IS NULL) = (consented_by IS NULL) AND (consents IS NULL) = (consented_at IS NULL)
    ),
    CONSTRAINT dossiers_report_all_or_none CHECK (num_nulls(report_key, report_bytes, report_sha256, report_at) IN (0, 4)),
    CONSTRAINT dossiers_code_all_or_none CHECK (
        num_nulls(code_key, code_bytes, code_sha256, code_from, code_commit, code_at) IN (0, 6)
    ),
    CONSTRAINT dossiers_locked_all_or_none CHECK ((locked_at IS NULL) = (locked_by IS NULL))
);

CREATE TABLE tracks.awards (
    id        UUID PRIMARY KEY,
    phase_id  UUID NOT NULL REFERENCES tracks.finals,
    position  INTEGER NOT NULL,                      -- on the page
    title     TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    UNIQUE (phase_id, position)
);

CREATE TABLE tracks.award_places (
    award_id     UUID NOT NULL REFERENCES tracks.awards ON DELETE CASCADE,
    finalist_id  UUID NOT NULL REFERENCES tracks.finalists,
    place        INTEGER NOT NULL CHECK (place BETWEEN 1 AND 100),
    PRIMARY KEY (award_id, finalist_id)
);
CREATE INDEX award_places_of_finalist ON tracks.award_places (finalist_id);

-- Where finalists were named, these and no others go on to a phase that takes the best of this one.
CREATE VIEW tracks.finalist_facts AS
SELECT f.phase_id, f.team_id, f.named_at IS NOT NULL AND f.struck_at IS NULL AS is_finalist
FROM tracks.finalists f;

GRANT SELECT, INSERT, UPDATE ON tracks.finals, tracks.finalists, tracks.dossiers TO molar_tracks;
GRANT SELECT, INSERT, DELETE ON tracks.awards, tracks.award_places TO molar_tracks;
GRANT SELECT ON tracks.finalist_facts TO molar_submission;
