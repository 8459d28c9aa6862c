-- What participants begin with: a pack for each track, and what the machines are. Owned by `tracks`.

-- In the organizers' words; a phase names one by its `device_class`.
CREATE TABLE tracks.device_classes (
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    slug          TEXT NOT NULL,
    description   JSONB NOT NULL,                    -- domain::DeviceClass
    PRIMARY KEY (challenge_id, slug)
);

-- For execution, which holds each worker's own account against it.
CREATE VIEW tracks.device_class_facts AS
SELECT d.slug AS device_class, d.description, c.slug AS challenge_slug
FROM tracks.device_classes d JOIN tracks.challenges c ON c.id = d.challenge_id;

-- A zip in the bucket `public`. The one that was stored last is the track's pack.
CREATE TABLE tracks.packs (
    id           UUID PRIMARY KEY,
    track_id     UUID NOT NULL REFERENCES tracks.tracks,
    object_key   TEXT NOT NULL,
    size_bytes   BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256       TEXT NOT NULL,
    samples      TEXT[] NOT NULL,                    -- the cases in it: split/case
    announced_by UUID NOT NULL,
    announced_at TIMESTAMPTZ NOT NULL,
    stored_at    TIMESTAMPTZ,                        -- NULL: not put yet
    CONSTRAINT packs_once UNIQUE (track_id, sha256)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON tracks.device_classes TO molar_tracks;
GRANT SELECT, INSERT, UPDATE ON tracks.packs TO molar_tracks;
GRANT SELECT ON tracks.device_class_facts TO molar_execution;

-- Places in the queue: the medians that expected starts rest on are taken once a minute.
CREATE TABLE execution.typical_times (
    phase_id  UUID PRIMARY KEY REFERENCES tracks.phases ON DELETE CASCADE,
    millis    BIGINT NOT NULL,                       -- from the claim to the report, median of a week
    taken_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX case_runs_finished_at ON execution.case_runs (finished_at) WHERE state = 'finished';
-- The line that is played forward every two seconds, among all runs that ever were.
CREATE INDEX case_runs_open ON execution.case_runs (attempt_id) WHERE state IN ('waiting', 'released', 'running');

GRANT SELECT, INSERT, UPDATE ON execution.typical_times TO molar_execution;
