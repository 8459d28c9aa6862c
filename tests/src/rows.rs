//! What the database says, read as its owner.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests look at rows of every role, past their checked queries"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::system::{ROLES, System};
use crate::until;

pub struct Rows(PgPool);

/// Where a case run stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Run {
    pub state: String,
    pub claims: i32,
    pub lost_leases: i32,
    pub worker: Option<String>,
    pub token: Option<String>,
}

/// One of a container's attempts.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Attempt {
    pub state: String,
    pub is_rerun: bool,
}

impl Rows {
    pub async fn open(system: &System) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .connect(&system.owner_url()?)
            .await?;
        Ok(Self(pool))
    }

    pub fn pool(&self) -> &PgPool {
        &self.0
    }

    /// Phases that have a ranking.
    pub async fn ranked_phases(&self) -> anyhow::Result<i64> {
        let sql = "SELECT count(DISTINCT phase_id) FROM leaderboard.rankings";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.0).await?)
    }

    /// Phases of whose newest ranking there are statistics.
    pub async fn phases_with_statistics(&self) -> anyhow::Result<i64> {
        let sql = "SELECT count(*) FROM leaderboard.current_rankings r
                   JOIN leaderboard.statistics s ON s.phase_id = r.phase_id AND s.version = r.version";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.0).await?)
    }

    pub async fn phase(&self, slug: &str) -> anyhow::Result<Uuid> {
        let sql = "SELECT id FROM tracks.phases WHERE slug = $1";
        Ok(sqlx::query_scalar(sql)
            .bind(slug)
            .fetch_one(&self.0)
            .await?)
    }

    /// A copy of the board's last entry that is better than all, its evaluation finished and announced as `scoring` does.
    pub async fn finish_a_better_one(&self, phase: Uuid, by: f64) -> anyhow::Result<()> {
        let sql = include_str!("better.sql").replace("$PHASE", &phase.to_string());
        let sql = sql.replace("$BY", &format!("{by:.3}"));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.0).await?;
        Ok(())
    }

    /// What a submission did to its team's quota, in order.
    pub async fn quota(&self, submission: &str) -> anyhow::Result<Vec<String>> {
        let id: Uuid = submission.parse()?;
        let sql = "SELECT entry FROM submission.quota_ledger WHERE submission_id = $1 ORDER BY entry = 'reserved' DESC, entry";
        Ok(sqlx::query_scalar(sql).bind(id).fetch_all(&self.0).await?)
    }

    pub async fn quota_entries(&self) -> anyhow::Result<i64> {
        Ok(
            sqlx::query_scalar("SELECT count(*) FROM submission.quota_ledger")
                .fetch_one(&self.0)
                .await?,
        )
    }

    /// Quota is settled by a job; waits for it.
    pub async fn settled(&self, submission: &str, entry: &str) -> anyhow::Result<()> {
        let what = format!("the quota of {submission} to be {entry}");
        until(&what, Duration::from_secs(20), async || {
            Ok((self.quota(submission).await?.len() > 1).then_some(()))
        })
        .await?;
        let ledger = self.quota(submission).await?;
        ensure!(
            ledger == ["reserved", entry],
            "the quota ledger of {submission} says {ledger:?}"
        );
        Ok(())
    }

    /// One evaluation, finished; one score per case; no case measured twice; quota spent once.
    pub async fn scored_once(&self, submission: &str, cases: i64) -> anyhow::Result<()> {
        let id: Uuid = submission.parse()?;
        let evaluations: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT id, state FROM scoring.evaluations WHERE submission_id = $1")
                .bind(id)
                .fetch_all(&self.0)
                .await?;
        ensure!(
            evaluations.len() == 1,
            "{submission} has the evaluations {evaluations:?}"
        );
        ensure!(
            evaluations[0].1 == "finished",
            "{submission}: {evaluations:?}"
        );
        let states: Vec<String> =
            sqlx::query_scalar("SELECT state FROM scoring.case_scores WHERE evaluation_id = $1")
                .bind(evaluations[0].0)
                .fetch_all(&self.0)
                .await?;
        let is_whole = states.len() as i64 == cases && states.iter().all(|state| state == "scored");
        ensure!(
            is_whole,
            "{submission} should have {cases} scored cases: {states:?}"
        );
        let worst: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM scoring.case_scores WHERE evaluation_id = $1 AND reason IS NOT NULL",
        )
        .bind(evaluations[0].0)
        .fetch_one(&self.0)
        .await?;
        ensure!(
            worst == 0,
            "{worst} cases of {submission} were given the worst values"
        );
        self.settled(submission, "spent").await
    }

    /// States of a container's case runs, the canary first, and how often each was claimed.
    pub async fn runs(&self, submission: &str) -> anyhow::Result<Vec<(String, i32)>> {
        let sql = "SELECT r.state, r.claims FROM execution.case_runs r
            JOIN execution.attempts a ON a.id = r.attempt_id WHERE a.submission_id = $1 ORDER BY r.position, r.id";
        Ok(sqlx::query_as(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_all(&self.0)
            .await?)
    }

    /// In their order.
    pub async fn attempts(&self, submission: &str) -> anyhow::Result<Vec<Attempt>> {
        let sql = "SELECT state, is_rerun FROM execution.attempts WHERE submission_id = $1 ORDER BY number";
        Ok(sqlx::query_as(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_all(&self.0)
            .await?)
    }

    /// How many mails hold a text, sent or not.
    pub async fn mails_that_say(&self, what: &str) -> anyhow::Result<i64> {
        let sql = "SELECT count(*) FROM registration.mails WHERE position($1 IN text) > 0";
        Ok(sqlx::query_scalar(sql)
            .bind(what)
            .fetch_one(&self.0)
            .await?)
    }

    /// The first run of a container.
    pub async fn canary(&self, submission: &str) -> anyhow::Result<Run> {
        let sql = "SELECT r.state, r.claims, r.lost_leases, r.worker_id::text AS worker, r.lease_token::text AS token
            FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
            WHERE a.submission_id = $1 AND r.position = 0";
        let run = sqlx::query_as(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_optional(&self.0)
            .await?;
        run.context("no case run yet")
    }

    /// The id of a worker that beats.
    pub async fn worker(&self, name: &str) -> anyhow::Result<Option<String>> {
        let sql =
            "SELECT id::text FROM execution.workers WHERE name = $1 AND last_seen_at > enrolled_at";
        Ok(sqlx::query_scalar(sql)
            .bind(name)
            .fetch_optional(&self.0)
            .await?)
    }

    /// When a container's attempt ended, in seconds since 1970.
    pub async fn attempt_ended_s(&self, submission: &str) -> anyhow::Result<f64> {
        let sql = "SELECT extract(epoch FROM finished_at)::float8 FROM execution.attempts WHERE submission_id = $1";
        Ok(sqlx::query_scalar(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_one(&self.0)
            .await?)
    }

    /// Seconds from the end of each of a container's runs to the end of the next: what a case takes in all.
    pub async fn between_ends(&self, submission: &str) -> anyhow::Result<Vec<Duration>> {
        let sql = "SELECT extract(epoch FROM r.finished_at - lag(r.finished_at) OVER (ORDER BY r.finished_at))::float8
            FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id WHERE a.submission_id = $1";
        let gaps: Vec<Option<f64>> = sqlx::query_scalar(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_all(&self.0)
            .await?;
        Ok(gaps
            .into_iter()
            .flatten()
            .map(Duration::from_secs_f64)
            .collect())
    }

    /// From a container's `complete` to the start of its first run. No earlier than that was: the report
    /// of the run counts as part of it.
    pub async fn to_the_first_start(&self, submission: &str) -> anyhow::Result<Duration> {
        let sql = "SELECT extract(epoch FROM min(r.finished_at - r.wall_ms * interval '1 ms') - min(u.completed_at))::float8
            FROM execution.case_runs r JOIN execution.attempts a ON a.id = r.attempt_id
            JOIN submission.uploads u ON u.submission_id = a.submission_id WHERE a.submission_id = $1";
        let seconds: Option<f64> = sqlx::query_scalar(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_one(&self.0)
            .await?;
        let seconds = seconds.context("no run has ended")?;
        Ok(Duration::try_from_secs_f64(seconds)?)
    }

    /// Of the one evaluation: metric → value by case name, as exactly as the database keeps it.
    pub async fn values(
        &self,
        submission: &str,
    ) -> anyhow::Result<BTreeMap<String, BTreeMap<String, f64>>> {
        let sql = "SELECT t.name, v.key, v.value::text::float8 FROM scoring.case_scores c
            JOIN scoring.evaluations e ON e.id = c.evaluation_id
            JOIN tracks.cases t ON t.id = c.case_id
            CROSS JOIN LATERAL jsonb_each(c.values) v
            WHERE e.submission_id = $1 AND jsonb_typeof(v.value) = 'number'";
        let rows: Vec<(String, String, f64)> = sqlx::query_as(sql)
            .bind(submission.parse::<Uuid>()?)
            .fetch_all(&self.0)
            .await?;
        let mut values = BTreeMap::<String, BTreeMap<String, f64>>::new();
        for (case, metric, value) in rows {
            values.entry(case).or_default().insert(metric, value);
        }
        Ok(values)
    }

    /// How many rows stand in every table that a message could lead to.
    pub async fn counts(&self) -> anyhow::Result<BTreeMap<&'static str, i64>> {
        let mut counts = BTreeMap::new();
        for table in [
            "submission.submissions",
            "submission.uploads",
            "submission.quota_ledger",
            "execution.attempts",
            "execution.case_runs",
            "scoring.evaluations",
            "scoring.case_scores",
            "scoring.reference_facts",
            "leaderboard.rankings",
            "leaderboard.entries",
            "audit.entries",
        ] {
            let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            counts.insert(table, sqlx::query_scalar(sql).fetch_one(&self.0).await?);
        }
        Ok(counts)
    }

    /// Announcements of all roles that the broker has not confirmed.
    pub async fn unpublished(&self) -> anyhow::Result<i64> {
        let mut all = 0;
        for role in ROLES {
            let sql = AssertSqlSafe(format!(
                "SELECT count(*) FROM {role}.outbox WHERE published_at IS NULL"
            ));
            all += sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.0).await?;
        }
        Ok(all)
    }

    /// What a relay leaves that is killed after the broker's confirm and before its own commit: the
    /// message is out and the row says it is not. Returns how many.
    pub async fn forget_confirms(&self) -> anyhow::Result<u64> {
        let mut all = 0;
        for role in ROLES {
            let sql = AssertSqlSafe(format!("UPDATE {role}.outbox SET published_at = NULL"));
            all += sqlx::query(sql).execute(&self.0).await?.rows_affected();
        }
        Ok(all)
    }

    /// Messages that a role has seen more than once.
    pub async fn seen_again(&self) -> anyhow::Result<i64> {
        let mut all = 0;
        for role in ROLES {
            let sql = AssertSqlSafe(format!(
                "SELECT count(*) FROM {role}.inbox WHERE deliveries > 1"
            ));
            all += sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.0).await?;
        }
        Ok(all)
    }

    /// Lets the deadline of an open upload pass, as if it had begun the day before yesterday.
    pub async fn expire_upload(&self, submission: &str) -> anyhow::Result<()> {
        let sql = "WITH begun AS (UPDATE submission.submissions SET created_at = created_at - interval '2 days' WHERE id = $1)
                   UPDATE submission.uploads SET open_until = now() - interval '1 minute' WHERE submission_id = $1";
        let done = sqlx::query(sql)
            .bind(submission.parse::<Uuid>()?)
            .execute(&self.0)
            .await?;
        ensure!(done.rows_affected() == 1, "no upload {submission}");
        Ok(())
    }

    /// Lets a phase end now, or as late as the challenge's file says.
    pub async fn end_phase(&self, phase: &str, is_over: bool) -> anyhow::Result<()> {
        let sql = "UPDATE tracks.phases SET closes_at = CASE WHEN $2 THEN now() ELSE '2090-01-01Z' END WHERE id = $1";
        let update = sqlx::query(sql).bind(phase.parse::<Uuid>()?).bind(is_over);
        let done = update.execute(&self.0).await?;
        ensure!(done.rows_affected() == 1, "no phase {phase}");
        Ok(())
    }

    pub async fn release(self) {
        self.0.close().await;
    }
}

/// Whether a role of the database may read a table.
pub async fn may_read(url: &str, table: &str) -> anyhow::Result<bool> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(url)
        .await
        .context("the role's own login")?;
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let read = sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await;
    pool.close().await;
    match read {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => Ok(false),
        Err(error) => Err(error.into()),
    }
}
