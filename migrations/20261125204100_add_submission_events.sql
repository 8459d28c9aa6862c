-- What the console shows of a submission's whole life beside its own rows.

CREATE VIEW leaderboard.entry_facts AS
SELECT e.submission_id, e.evaluation_id, r.phase_id, r.version, r.created_at, e.final_rank, e.out_reason
FROM leaderboard.entries e JOIN leaderboard.rankings r ON r.id = e.ranking_id;

-- Acts without what may have to be erased.
CREATE VIEW audit.acts AS
SELECT e.seq, e.at, e.actor_id, e.action, e.subject_id FROM audit.entries e;
CREATE INDEX entries_of_subject ON audit.entries (subject_id);
CREATE INDEX entries_of_submission ON leaderboard.entries (submission_id);

GRANT SELECT ON leaderboard.entry_facts, audit.acts TO molar_submission;
