-- A report of a finalist has a key of its own, whatever is in it, and the name that its file had.

ALTER TABLE tracks.dossiers
    ADD COLUMN report_name TEXT,                     -- as the team called the file; NULL: not told
    ADD COLUMN announced_key TEXT,                   -- where a report may be put that was announced and is not stored yet
    ADD COLUMN announced_sha256 TEXT,
    ADD COLUMN announced_name TEXT,
    ADD CONSTRAINT dossiers_announced_all_or_none CHECK ((announced_key IS NULL) = (announced_sha256 IS NULL));
