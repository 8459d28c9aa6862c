-- What a worker's engine can start a container with, and whether root in it would be root of its host: runs
-- go where they can, and images that no worker of their class may run as root are refused at the check.

ALTER TABLE execution.workers
    ADD COLUMN runtimes TEXT[] NOT NULL DEFAULT '{}',       -- domain::limits::Runtime
    ADD COLUMN keeps_root_out BOOLEAN NOT NULL DEFAULT true; -- with the runtime that a phase gets that asks for none

CREATE VIEW execution.worker_facts AS
SELECT w.id AS worker_id, w.device_class, w.last_seen_at, w.is_draining, w.runtimes, w.keeps_root_out
FROM execution.workers w
WHERE w.revoked_at IS NULL;

GRANT SELECT ON execution.worker_facts TO molar_execution, molar_submission;
