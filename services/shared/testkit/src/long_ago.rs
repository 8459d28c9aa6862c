//! What a platform has that has run for months, and which tables a query reads of it.

use sqlx::{PgConnection, PgPool};

/// Copies every submission three thousand times, from yesterday back over months: so many that to read them all is
/// dearer than an index. All have ended, are settled and told.
pub async fn insert_long_ago(owner: &PgPool) {
    let sql = "
        INSERT INTO submission.submissions (id, phase_id, team_id, created_by, kind, created_at)
        SELECT gen_random_uuid(), phase_id, team_id, created_by, kind, created_at - n * interval '1 hour'
        FROM submission.submissions, generate_series(24, 3000) n;
        INSERT INTO submission.uploads (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes,
            sha256, open_until, decided_at, not_before)
        SELECT id, 'accepted', id::text, '', 1, 1, '', created_at, created_at, created_at
        FROM submission.submissions s
        WHERE NOT EXISTS (SELECT FROM submission.uploads u WHERE u.submission_id = s.id);
        INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
        SELECT id, entry, phase_id, team_id, created_at::date, created_at
        FROM submission.submissions s CROSS JOIN unnest('{reserved,spent}'::text[]) entry
        WHERE NOT EXISTS (SELECT FROM submission.quota_ledger l WHERE l.submission_id = s.id);
        INSERT INTO registration.noticed (subject_id, occasion, noticed_at)
        SELECT id, 'ended', created_at FROM submission.submissions WHERE created_at < (SELECT max(created_at) FROM submission.submissions);
        INSERT INTO execution.attempts (id, submission_id, number, phase_id, team_id, state, image_digest, archive_key,
            archive_size_bytes, limits, device_class, format, created_at, started_at, finished_at)
        SELECT gen_random_uuid(), id, 1, phase_id, team_id, 'finished', '', '', 1, '{}'::jsonb, 'cpu', 'labelme',
            created_at, created_at, created_at
        FROM submission.submissions s
        WHERE kind = 'container' AND created_at < (SELECT max(created_at) FROM submission.submissions)
          AND NOT EXISTS (SELECT FROM execution.attempts a WHERE a.submission_id = s.id)";
    let filled = sqlx::raw_sql(sql).execute(owner).await;
    filled.expect("rows like those that are there");
    let sql = "ANALYZE submission.submissions, submission.uploads, submission.quota_ledger, registration.noticed, execution.attempts";
    let analyzed = sqlx::raw_sql(sql).execute(owner).await;
    analyzed.expect("tables of the owner");
}

/// How often this transaction has read these tables whole, or looked something up in these indexes.
pub async fn scans(conn: &mut PgConnection, of: &[&str]) -> i64 {
    let mut all = 0;
    for name in of {
        all += sqlx::query_scalar!(
            r#"SELECT pg_stat_get_xact_numscans($1::text::regclass) AS "n!""#,
            name
        )
        .fetch_one(&mut *conn)
        .await
        .expect("a table or an index");
    }
    all
}
