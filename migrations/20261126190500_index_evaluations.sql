-- The life of a submission is looked for by its submission and its attempt, whatever became of the evaluation; without these
-- each look reads every evaluation there is.
CREATE INDEX evaluations_of_submission ON scoring.evaluations (submission_id);
CREATE INDEX evaluations_of_attempt ON scoring.evaluations (attempt_id) WHERE attempt_id IS NOT NULL;
