-- What each role may touch: its own schema, and views of the others'. Rows have one writer.
DO $$
DECLARE role text; login text;
BEGIN
    FOREACH role IN ARRAY ARRAY['registration', 'tracks', 'submission', 'execution', 'scoring', 'leaderboard'] LOOP
        login := 'molar_' || role;
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', role, login);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', role, login);
        EXECUTE format('GRANT USAGE ON SCHEMA registration, tracks, submission, execution, scoring, leaderboard, audit TO %I', login);
        EXECUTE format('GRANT SELECT ON registration.callers, registration.participants, registration.signatures TO %I', login);
        EXECUTE format('GRANT SELECT ON tracks.phase_facts, tracks.stored_cases TO %I', login);
        EXECUTE format('GRANT SELECT ON submission.accepted, submission.life TO %I', login);
        EXECUTE format('GRANT SELECT ON execution.attempt_facts, execution.case_run_facts TO %I', login);
        EXECUTE format('GRANT SELECT ON scoring.evaluation_facts, scoring.scored_cases TO %I', login);
        EXECUTE format('GRANT SELECT ON leaderboard.current_rankings TO %I', login);
        EXECUTE format('GRANT EXECUTE ON FUNCTION audit.append TO %I', login);
    END LOOP;
END $$;

-- Append-only tables are so for their own role, too.
REVOKE UPDATE, DELETE ON submission.quota_ledger FROM molar_submission;
REVOKE UPDATE, DELETE ON leaderboard.rankings, leaderboard.entries FROM molar_leaderboard;
REVOKE UPDATE, DELETE ON registration.agreements FROM molar_registration;
REVOKE UPDATE, DELETE ON tracks.agreement_texts, tracks.challenge_files FROM molar_tracks;

-- Registration shows the terms and the tracks that a team can ask for.
GRANT SELECT ON tracks.challenges, tracks.tracks, tracks.agreement_texts TO molar_registration;
-- The check of predictions needs names, geometry and labels, never the references.
GRANT SELECT ON scoring.reference_facts TO molar_submission, molar_tracks, molar_leaderboard;
GRANT SELECT ON tracks.stored_references TO molar_scoring;
GRANT SELECT ON tracks.baselines TO molar_leaderboard;
