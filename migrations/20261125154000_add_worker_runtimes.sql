-- Runs go where they can: what a worker's engine starts a container with, and whether root in it would be root
-- of its host. Images that no worker of their class may run as root are refused at the check.

ALTER TABLE execution.workers
    ADD COLUMN runtimes TEXT[] NOT NULL DEFAULT '{}',        -- domain::limits::Runtime
    ADD COLUMN keeps_root_out BOOLEAN NOT NULL DEFAULT true, -- with the runtime that a phase gets that asks for none
    ADD COLUMN remaps_users BOOLEAN NOT NULL DEFAULT true;   -- with any runtime

ALTER TABLE execution.attempts
    ADD COLUMN may_be_root BOOLEAN NOT NULL DEFAULT false;   -- as the check of its image found

CREATE FUNCTION execution.keeps_root_out(w execution.workers, runtime TEXT) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN runtime IS NULL THEN w.keeps_root_out ELSE runtime = 'runsc' OR w.remaps_users END
$$;

-- Whether a worker can run the cases of an attempt, if it is there and has a slot.
CREATE FUNCTION execution.fits(w execution.workers, a execution.attempts) RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
    SELECT w.device_class = a.device_class
       AND w.slot_memory_bytes >= (a.limits->>'memory_bytes')::bigint
       AND w.gpus >= (a.limits->>'gpus')::int
       AND (a.limits->>'runtime' IS NULL OR a.limits->>'runtime' = ANY(w.runtimes))
       AND (NOT a.may_be_root OR execution.keeps_root_out(w, a.limits->>'runtime'))
$$;

-- For the check of an image: which machines there are.
CREATE VIEW execution.worker_facts AS
SELECT w.id AS worker_id, w.device_class, w.last_seen_at, w.is_draining, w.runtimes, w.keeps_root_out, w.remaps_users
FROM execution.workers w
WHERE w.revoked_at IS NULL;

-- Submissions whose image runs as root, or may for all that the check found.
CREATE VIEW submission.root_images AS
SELECT u.submission_id FROM submission.uploads u
WHERE u.image_report->'uid' = '{"known": 0}' OR u.image_report->'uid' = '"unclear"';

GRANT SELECT ON execution.worker_facts TO molar_execution, molar_submission;
GRANT SELECT ON submission.root_images TO molar_submission, molar_execution;
