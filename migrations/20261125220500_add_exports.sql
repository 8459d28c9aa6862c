-- The ledger of data, also of what organizers take out of a phase in bulk: a row for each link that was handed out.
-- Append only.

CREATE TABLE submission.exported_files (
    id            UUID PRIMARY KEY,                  -- v7: in the order of time
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    user_id       UUID NOT NULL REFERENCES registration.users,
    kind          TEXT NOT NULL CHECK (kind IN ('prediction', 'run')),
    file_id       UUID NOT NULL,                     -- the submission, or the case run
    place         TEXT NOT NULL,                     -- in the export
    size_bytes    BIGINT NOT NULL,
    handed_at     TIMESTAMPTZ NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,              -- of the link
    CONSTRAINT exported_files_expire CHECK (expires_at > handed_at)
);
CREATE INDEX exported_files_of_challenge ON submission.exported_files (challenge_id, user_id, id);

CREATE TABLE scoring.exported_files (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    user_id       UUID NOT NULL REFERENCES registration.users,
    kind          TEXT NOT NULL CHECK (kind IN ('output')),
    file_id       UUID NOT NULL,                     -- the case run
    place         TEXT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    handed_at     TIMESTAMPTZ NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,
    CONSTRAINT exported_files_expire CHECK (expires_at > handed_at)
);
CREATE INDEX exported_files_of_challenge ON scoring.exported_files (challenge_id, user_id, id);

CREATE OR REPLACE VIEW tracks.handed_out AS
SELECT d.id AS download_id, d.challenge_id, d.user_id, d.kind, d.file_id, d.place, d.size_bytes, d.handed_at, d.expires_at
FROM tracks.downloads d
UNION ALL
SELECT s.id, s.challenge_id, s.user_id, s.kind, s.file_id, s.place, s.size_bytes, s.handed_at, s.expires_at
FROM submission.exported_files s
UNION ALL
SELECT o.id, o.challenge_id, o.user_id, o.kind, o.file_id, o.place, o.size_bytes, o.handed_at, o.expires_at
FROM scoring.exported_files o;

GRANT SELECT, INSERT ON submission.exported_files TO molar_submission;
GRANT SELECT, INSERT ON scoring.exported_files TO molar_scoring;
