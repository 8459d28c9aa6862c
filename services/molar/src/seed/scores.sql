-- Of the best of each team and phase the cases are there, and the ranking makes its means from them; of all others the
-- means alone, as they stay when a ranking has been made.
INSERT INTO scoring.evaluations
    (id, submission_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash, parameters, state,
     created_at, finished_at)
SELECT evaluation_id, submission_id, phase_id, team_id, current_setting('seed.scorer'),
       pg_temp.seed_id(b.at, 'references'), current_setting('seed.parameters_hash'),
       current_setting('seed.parameters')::jsonb, 'finished', s.at + interval '3 minutes', s.at + interval '10 minutes'
FROM seed_begin b, seed_submissions s;

INSERT INTO scoring.case_scores (evaluation_id, case_id, state, values, labels, scored_at, not_before)
SELECT s.evaluation_id, c.case_id, 'scored',
       jsonb_build_object('instance_DSC', v - 0.05, 'image_DSC', v, 'instance_NSD', v - 0.04, 'image_NSD', v + 0.01,
                          'instance_IoU', v - 0.1, 'image_IoU', v - 0.08, 'IA', v - 0.02),
       '[]', s.at + interval '9 minutes', s.at
FROM seed_submissions s
CROSS JOIN seed_cases c
CROSS JOIN LATERAL (SELECT 0.1 + s.quality + 0.08 * pg_temp.chance(s.i || ' ' || c.n) AS v) made
WHERE s.round = s.best_round;

INSERT INTO leaderboard.means (evaluation_id, means, spreads, cases, failed_cases)
SELECT evaluation_id,
       jsonb_build_object('instance_DSC', v - 0.05, 'image_DSC', v, 'instance_NSD', v - 0.04, 'image_NSD', v + 0.01,
                          'instance_IoU', v - 0.1, 'image_IoU', v - 0.08, 'IA', v - 0.02),
       jsonb_build_object('instance_DSC', around, 'image_DSC', around, 'instance_NSD', around, 'image_NSD', around,
                          'instance_IoU', around, 'image_IoU', around, 'IA', around),
       b.cases, 0
FROM seed_begin b
CROSS JOIN seed_submissions s
CROSS JOIN LATERAL (SELECT s.quality + 0.05 * pg_temp.chance('mean ' || s.i) AS v) made
CROSS JOIN LATERAL (SELECT jsonb_build_object('sd', 0.02, 'q1', v - 0.02, 'q3', v + 0.02) AS around) spread
WHERE s.round <> s.best_round;
