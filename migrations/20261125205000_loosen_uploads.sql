-- Uploads whose whole hash is told late or never, and that a client finds again.

-- Declared on create or on complete, or else found by the check. A browser does not know it.
ALTER TABLE submission.uploads ALTER COLUMN sha256 DROP NOT NULL;
ALTER TABLE submission.uploads ADD CONSTRAINT uploads_sha256_of_accepted
    CHECK (state <> 'accepted' OR sha256 IS NOT NULL);

-- Hex; by this the client that began it knows its file again: a hash of its size, first and last MiB.
ALTER TABLE submission.uploads ADD COLUMN resume_key TEXT;

-- When the parts and the object of an expired or cancelled upload were dropped from the store; tried until then.
ALTER TABLE submission.uploads ADD COLUMN dropped_at TIMESTAMPTZ;
UPDATE submission.uploads SET dropped_at = decided_at WHERE state IN ('expired', 'cancelled');
CREATE INDEX uploads_to_drop ON submission.uploads (submission_id)
    WHERE state IN ('expired', 'cancelled') AND dropped_at IS NULL;

-- What a client looks for that was stopped.
CREATE INDEX uploads_to_resume ON submission.uploads (resume_key) WHERE state = 'open';
