-- Single cases were drawn to the last digit of what containers used in them, into which a container can write what it saw. They are
-- drawn anew, as they are told elsewhere: to a tenth of a second and a whole MiB·s.
DELETE FROM leaderboard.drawings d
USING leaderboard.figures f
WHERE f.phase_id = d.phase_id AND f.version = d.version
  AND f.name IN ('cases-running_time_s', 'cases-gpu_memory_area_mib_s');
