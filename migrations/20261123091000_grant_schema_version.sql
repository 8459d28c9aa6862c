-- A role refuses to start on a schema that its binary does not know, so it must be able to read the version.
GRANT SELECT ON public._sqlx_migrations
    TO molar_registration, molar_tracks, molar_submission, molar_execution, molar_scoring, molar_leaderboard;
