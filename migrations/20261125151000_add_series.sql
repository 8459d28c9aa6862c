-- The curves of a run are an object; the row keeps their key and the figures.
--
-- execution.case_runs.usage, where the curves were before, is written and read no more.

ALTER TABLE execution.case_runs
    ADD COLUMN series_key TEXT,                           -- in the bucket `logs`, below the lease token
    ADD COLUMN cpu_core_s DOUBLE PRECISION,               -- CPU time of all cores together
    ADD COLUMN memory_area_mib_s DOUBLE PRECISION,        -- Σ value × interval; NULL: the cgroup was not to be seen
    ADD COLUMN kernel_peak_memory_bytes BIGINT,           -- the kernel's own, page cache included; peak_memory_bytes is of the samples
    ADD COLUMN gpu_peak_mib DOUBLE PRECISION;             -- of the samples; NULL: no GPU

-- What a run used. Its curves are shown to its team only where the case is public: a container could write
-- the image into them.
CREATE VIEW execution.case_run_measures AS
SELECT r.id AS case_run_id, r.attempt_id, r.case_id, r.kind, r.position, r.wall_ms, r.cpu_core_s, r.peak_memory_bytes,
       r.kernel_peak_memory_bytes, r.memory_area_mib_s, r.gpu_peak_mib, r.gpu_area_mib_s, r.gpu_baseline_mib, r.series_key,
       c.image_bucket = 'public' AS is_public
FROM execution.case_runs r
JOIN tracks.stored_cases c ON c.case_id = r.case_id
WHERE r.state IN ('finished', 'failed');
GRANT SELECT ON execution.case_run_measures TO molar_execution, molar_submission;
