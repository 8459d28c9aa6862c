-- See Rows::finish_a_better_one.
DO $$
DECLARE
    last RECORD; submission UUID := gen_random_uuid(); evaluation UUID := gen_random_uuid();
BEGIN
    SELECT e.team_id, e.submission_id, e.evaluation_id INTO last
    FROM leaderboard.entries e JOIN leaderboard.current_rankings r ON r.ranking_id = e.ranking_id
    WHERE r.phase_id = '$PHASE' ORDER BY e.final_rank DESC LIMIT 1;
    INSERT INTO submission.submissions (id, phase_id, team_id, created_by, kind, created_at)
    SELECT submission, phase_id, team_id, created_by, kind, now() FROM submission.submissions
    WHERE id = last.submission_id;
    INSERT INTO submission.uploads
        (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until, completed_at,
         decided_at, not_before)
    SELECT submission, state, 'bench/' || submission, multipart_id, part_size_bytes, size_bytes, sha256, now(), now(),
           now(), now()
    FROM submission.uploads WHERE submission_id = last.submission_id;
    INSERT INTO scoring.evaluations
        (id, submission_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash, parameters, state,
         created_at, finished_at)
    SELECT evaluation, submission, phase_id, team_id, scorer_version, reference_set_id, parameters_hash, parameters,
           state, now(), now()
    FROM scoring.evaluations WHERE id = last.evaluation_id;
    INSERT INTO scoring.case_scores (evaluation_id, case_id, state, values, labels, scored_at, not_before)
    SELECT evaluation, case_id, state,
           (SELECT jsonb_object_agg(key, 0.97 + $BY / 1000) FROM jsonb_object_keys(values) key), labels, now(), now()
    FROM scoring.case_scores WHERE evaluation_id = last.evaluation_id;
    -- An Announcement of proto/events.proto: version 1, the evaluation, its phase.
    INSERT INTO scoring.outbox (message_id, routing_key, body, created_at)
    VALUES (gen_random_uuid(), 'evaluation.finished',
            '\x08011224'::bytea || convert_to(evaluation::text, 'UTF8')
            || '\x1a24'::bytea || convert_to('$PHASE', 'UTF8'), now());
    PERFORM pg_notify('outbox_scoring', '');
END $$;
