-- What is asked: challenges, tracks, phases and their data. Owned by the role `tracks`.

CREATE TABLE tracks.challenges (
    id          UUID PRIMARY KEY,
    slug        TEXT NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    title       TEXT NOT NULL,
    summary     TEXT NOT NULL,
    zone        TEXT NOT NULL,                       -- IANA zone in which days are counted and times shown
    team_size_max SMALLINT NOT NULL DEFAULT 10,
    note        TEXT,                                -- shown on every board, e.g. "demo limits"
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);

-- Every challenge file that was applied, as it was.
CREATE TABLE tracks.challenge_files (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    applied_by    UUID NOT NULL,
    applied_at    TIMESTAMPTZ NOT NULL,
    sha256        TEXT NOT NULL,
    text          TEXT NOT NULL
);

-- Versions of the data-use terms; the newest is the one to sign.
CREATE TABLE tracks.agreement_texts (
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    version       TEXT NOT NULL,
    text          TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (challenge_id, version)
);

CREATE TABLE tracks.tracks (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    slug          TEXT NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    title         TEXT NOT NULL,
    format        TEXT NOT NULL CHECK (format IN ('labelme', 'nifti')),   -- of references and predictions
    labels        INTEGER[] NOT NULL,                -- the label set, FDI numbers for teeth
    position      SMALLINT NOT NULL,
    CONSTRAINT tracks_slug_unique UNIQUE (challenge_id, slug)
);

CREATE TABLE tracks.splits (
    id          UUID PRIMARY KEY,
    track_id    UUID NOT NULL REFERENCES tracks.tracks,
    slug        TEXT NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    is_public   BOOLEAN NOT NULL,                    -- images may be downloaded by signed members
    has_references BOOLEAN NOT NULL,                 -- false: unlabelled training data
    announced_cases INTEGER,                         -- what the challenge file promises
    CONSTRAINT splits_slug_unique UNIQUE (track_id, slug)
);

CREATE TABLE tracks.cases (
    id            UUID PRIMARY KEY,
    split_id      UUID NOT NULL REFERENCES tracks.splits,
    name          TEXT NOT NULL CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    image_bucket  TEXT NOT NULL CHECK (image_bucket IN ('public', 'hidden')),
    image_key     TEXT NOT NULL,
    image_name    TEXT NOT NULL,                     -- file name below /inputs, e.g. Case_01.nii.gz
    size_bytes    BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('announced', 'stored')),
    created_at    TIMESTAMPTZ NOT NULL,
    stored_at     TIMESTAMPTZ,
    CONSTRAINT cases_name_unique UNIQUE (split_id, name),
    CONSTRAINT cases_stored CHECK ((state = 'stored') = (stored_at IS NOT NULL))
);

-- A version of a split's references. The newest is the one that new evaluations name.
CREATE TABLE tracks.reference_sets (
    id          UUID PRIMARY KEY,
    split_id    UUID NOT NULL REFERENCES tracks.splits,
    version     INTEGER NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    CONSTRAINT reference_sets_version_unique UNIQUE (split_id, version)
);

CREATE TABLE tracks.case_references (
    id                UUID PRIMARY KEY,
    reference_set_id  UUID NOT NULL REFERENCES tracks.reference_sets,
    case_id           UUID NOT NULL REFERENCES tracks.cases,
    object_key        TEXT NOT NULL,                 -- in the bucket `references`
    size_bytes        BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256            TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('announced', 'stored')),
    stored_at         TIMESTAMPTZ,
    CONSTRAINT case_references_once UNIQUE (reference_set_id, case_id)
);

CREATE TABLE tracks.phases (
    id               UUID PRIMARY KEY,
    track_id         UUID NOT NULL REFERENCES tracks.tracks,
    slug             TEXT NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    title            TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('predictions', 'container')),
    split_id         UUID NOT NULL REFERENCES tracks.splits,
    canary_case_id   UUID REFERENCES tracks.cases,   -- a public case on which an image is tried first
    canary_case      TEXT,                           -- its name as the challenge file says it: split/case
    position         SMALLINT NOT NULL,
    opens_at         TIMESTAMPTZ NOT NULL,           -- inclusive
    closes_at        TIMESTAMPTZ NOT NULL,           -- exclusive
    upload_grace_s   INTEGER NOT NULL DEFAULT 0 CHECK (upload_grace_s >= 0),
    is_final         BOOLEAN NOT NULL,               -- teams see no scores until published
    paused_at        TIMESTAMPTZ,
    published_at     TIMESTAMPTZ,
    published_by     UUID,
    metrics          TEXT[] NOT NULL,                -- in the order of the columns
    keep             TEXT NOT NULL CHECK (keep IN ('latest', 'best', 'chosen')),
    keep_metric      TEXT,                           -- of keep = best
    quota            JSONB NOT NULL,                 -- domain::Quota
    limits           JSONB NOT NULL,                 -- domain::Limits of one case run
    device_class     TEXT NOT NULL,
    requires_code_url BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT phases_slug_unique UNIQUE (track_id, slug),
    CONSTRAINT phases_window CHECK (opens_at < closes_at),
    CONSTRAINT phases_keep_metric CHECK ((keep = 'best') = (keep_metric IS NOT NULL))
);

-- Rows that a board shows apart and does not rank.
CREATE TABLE tracks.baselines (
    phase_id  UUID NOT NULL REFERENCES tracks.phases,
    name      TEXT NOT NULL,
    position  SMALLINT NOT NULL,
    note      TEXT,
    values    JSONB NOT NULL,                        -- {metric: mean}
    PRIMARY KEY (phase_id, name)
);

ALTER TABLE registration.challenge_roles ADD FOREIGN KEY (challenge_id) REFERENCES tracks.challenges;
ALTER TABLE registration.teams ADD FOREIGN KEY (challenge_id) REFERENCES tracks.challenges;
ALTER TABLE registration.participations ADD FOREIGN KEY (track_id) REFERENCES tracks.tracks;
ALTER TABLE registration.agreements ADD FOREIGN KEY (challenge_id, version) REFERENCES tracks.agreement_texts;

-- A phase with everything that another role needs to judge a submission to it.
CREATE VIEW tracks.phase_facts AS
SELECT p.id AS phase_id, p.slug AS phase_slug, p.title AS phase_title, p.kind, p.split_id, p.canary_case_id,
       p.opens_at, p.closes_at, p.upload_grace_s, p.is_final, p.paused_at, p.published_at, p.metrics,
       p.keep, p.keep_metric, p.quota, p.limits, p.device_class, p.requires_code_url, p.position AS phase_position,
       t.id AS track_id, t.slug AS track_slug, t.title AS track_title, t.format, t.labels, t.position AS track_position,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone, c.note AS challenge_note,
       (SELECT a.version FROM tracks.agreement_texts a WHERE a.challenge_id = c.id ORDER BY a.created_at DESC, a.version DESC LIMIT 1) AS agreement_version,
       (SELECT s.id FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_id,
       (SELECT s.version FROM tracks.reference_sets s WHERE s.split_id = p.split_id ORDER BY s.version DESC LIMIT 1) AS reference_set_version
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id;

-- Cases whose image lies in the store.
CREATE VIEW tracks.stored_cases AS
SELECT c.id AS case_id, c.split_id, c.name, c.image_bucket, c.image_key, c.image_name, c.size_bytes, c.sha256
FROM tracks.cases c WHERE c.state = 'stored';

-- References that lie in the store, for scoring.
CREATE VIEW tracks.stored_references AS
SELECT r.id AS reference_id, r.reference_set_id, s.split_id, s.version, r.case_id, c.name AS case_name,
       r.object_key, r.size_bytes, r.sha256, t.format, t.labels
FROM tracks.case_references r
JOIN tracks.reference_sets s ON s.id = r.reference_set_id
JOIN tracks.cases c ON c.id = r.case_id
JOIN tracks.splits p ON p.id = s.split_id
JOIN tracks.tracks t ON t.id = p.track_id
WHERE r.state = 'stored';
