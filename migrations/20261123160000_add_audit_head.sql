-- The newest entry of the audit log, for the daily export: what was exported once, a cut tail cannot take back.
CREATE FUNCTION audit.head(OUT seq BIGINT, OUT hash BYTEA, OUT at TIMESTAMPTZ)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.seq, e.hash, e.at FROM audit.entries e ORDER BY e.seq DESC LIMIT 1
$$;

REVOKE ALL ON FUNCTION audit.head FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.head TO molar_leaderboard;
