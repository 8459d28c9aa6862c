-- Of statistics that were made before: those of an ended phase are never made again.
UPDATE leaderboard.statistics s
SET intervals = COALESCE((SELECT jsonb_object_agg(t->>'team_id', t->'interval')
                          FROM jsonb_array_elements(s.document->'teams') t
                          WHERE jsonb_typeof(t->'interval') = 'object'), '{}')
WHERE s.intervals = '{}' AND (s.document->'figures'->>'is_board_ranking')::boolean;
