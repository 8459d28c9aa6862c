-- Rounds look at what is new (service::Lookback); without these each look reads all that was ever handed in.
CREATE INDEX uploads_accepted ON submission.uploads (decided_at) WHERE state = 'accepted';
CREATE INDEX submissions_created ON submission.submissions (created_at);
CREATE INDEX attempts_started ON execution.attempts (started_at);
CREATE INDEX attempts_rerun ON execution.attempts (created_at) WHERE is_rerun;
CREATE INDEX quota_ledger_reserved ON submission.quota_ledger (created_at) WHERE entry = 'reserved';
