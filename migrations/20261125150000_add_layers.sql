-- Images by their parts: a layer that any earlier submission brought is stored once. Owned by `submission`.

CREATE TABLE submission.layers (
    diff_id         TEXT PRIMARY KEY,                -- sha256:… of the layer, unpacked
    object_key      TEXT NOT NULL UNIQUE,            -- in the bucket `layers`, gzipped
    size_bytes      BIGINT NOT NULL CHECK (size_bytes > 0),      -- of the object
    sha256          TEXT NOT NULL,                   -- hex, of the object
    unpacked_bytes  BIGINT NOT NULL CHECK (unpacked_bytes >= 0),
    stored_at       TIMESTAMPTZ NOT NULL
);

-- An image all of whose layers are stored.
CREATE TABLE submission.images (
    digest             TEXT PRIMARY KEY,             -- sha256:… of the config
    config_key         TEXT NOT NULL UNIQUE,         -- in the bucket `layers`
    config_size_bytes  BIGINT NOT NULL CHECK (config_size_bytes > 0),
    stored_at          TIMESTAMPTZ NOT NULL
);

CREATE TABLE submission.image_layers (
    image_digest  TEXT NOT NULL REFERENCES submission.images,
    position      INTEGER NOT NULL CHECK (position >= 0),        -- 0 is the lowest
    diff_id       TEXT NOT NULL REFERENCES submission.layers,
    PRIMARY KEY (image_digest, position)
);

ALTER TABLE submission.uploads
    ADD COLUMN image_report JSONB,                   -- container: what the check saw, as far as it went
    ADD COLUMN archive_removed_at TIMESTAMPTZ;       -- the image's layers are stored: nothing needs the archive

CREATE INDEX uploads_archives_kept ON submission.uploads (image_digest)
    WHERE state = 'accepted' AND image_digest IS NOT NULL AND archive_removed_at IS NULL;

-- For execution: what a worker fetches, the config first.
CREATE VIEW submission.stored_images AS
SELECT digest AS image_digest, -1 AS position, digest AS diff_id, config_key AS object_key,
       config_size_bytes AS size_bytes, substr(digest, 8) AS sha256, config_size_bytes AS unpacked_bytes
FROM submission.images
UNION ALL
SELECT i.image_digest, i.position, i.diff_id, l.object_key, l.size_bytes, l.sha256, l.unpacked_bytes
FROM submission.image_layers i JOIN submission.layers l ON l.diff_id = i.diff_id;

GRANT SELECT, INSERT ON submission.layers, submission.images, submission.image_layers TO molar_submission;
GRANT SELECT ON submission.stored_images TO molar_submission, molar_execution;
