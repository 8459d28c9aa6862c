//! `molar admin seed`: a challenge of many teams and submissions, to measure with.

use std::time::Instant;

use anyhow::{bail, ensure};
use molar_domain::evaluation::Parameters;
use molar_domain::limits::Limits;
use molar_domain::quota::Quota;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

const METRICS: [&str; 7] = [
    "instance_DSC",
    "image_DSC",
    "instance_NSD",
    "image_NSD",
    "instance_IoU",
    "image_IoU",
    "IA",
];

/// How much of it there is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1000))]
    phases: i32,
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    teams: i32,
    /// Over all phases and teams.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i32).range(1..=100_000_000))]
    submissions: i32,
    /// Of each team's best in each phase every case has its scores; of all others there are the means.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    cases: i32,
    /// Also where there are challenges already.
    #[arg(long)]
    force: bool,
}

/// In one transaction: all of it or nothing. What was made is a challenge like any other, `scale`.
pub async fn run(pool: &PgPool, args: Args) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    refuse(&mut tx, args.force).await?;
    set(&mut tx, args).await?;
    let begun = Instant::now();
    for (what, sql) in [
        ("teams and phases", include_str!("world.sql")),
        ("submissions", include_str!("submissions.sql")),
        ("scores", include_str!("scores.sql")),
    ] {
        sqlx::raw_sql(sql).execute(&mut *tx).await?;
        println!("{:5.0} s  {what}", begun.elapsed().as_secs_f64());
    }
    tx.commit().await?;
    // Whoever measures at once does not wait for the server's own round.
    sqlx::raw_sql("VACUUM ANALYZE").execute(pool).await?;
    println!(
        "{:5.0} s  {} submissions of {} teams in {} phases: /boards/scale/teeth/phase-1",
        begun.elapsed().as_secs_f64(),
        args.submissions,
        args.teams,
        args.phases,
    );
    Ok(())
}

async fn refuse(tx: &mut PgConnection, is_forced: bool) -> anyhow::Result<()> {
    let slugs = sqlx::query_scalar!("SELECT slug FROM tracks.challenges ORDER BY slug")
        .fetch_all(tx)
        .await?;
    ensure!(
        !slugs.iter().any(|slug| slug == "scale"),
        "there is a challenge `scale` already: this database was seeded before"
    );
    if !slugs.is_empty() && !is_forced {
        bail!(
            "this database has challenges ({}), and what is seeded stays beside them for good: seed a database of its \
             own, or say --force",
            slugs.join(", ")
        );
    }
    Ok(())
}

/// Read by the statements, which only know text.
async fn set(tx: &mut PgConnection, args: Args) -> anyhow::Result<()> {
    let limits = Limits::default();
    let metrics = METRICS.map(str::to_owned);
    let parameters = Parameters::new(&metrics, limits.wall_s, &Default::default(), None)?;
    for (name, value) in [
        ("seed.phases", args.phases.to_string()),
        ("seed.teams", args.teams.to_string()),
        ("seed.cases", args.cases.to_string()),
        ("seed.submissions", args.submissions.to_string()),
        ("seed.metrics", format!("{{{}}}", METRICS.join(","))),
        ("seed.quota", json!(Quota::default()).to_string()),
        ("seed.limits", json!(limits).to_string()),
        ("seed.scorer", "seed".to_owned()),
        ("seed.parameters", json!(parameters).to_string()),
        ("seed.parameters_hash", parameters.hash()),
    ] {
        sqlx::query_scalar!("SELECT set_config($1, $2, true)", name, value)
            .fetch_one(&mut *tx)
            .await?;
    }
    // What is made fits together by construction: a million keys need no look-up each, and no count of changes. An owner
    // that may not say so waits longer.
    sqlx::raw_sql(
        "DO $$ BEGIN SET LOCAL session_replication_role = replica; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$",
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Args = Args {
        phases: 2,
        teams: 5,
        submissions: 37,
        cases: 3,
        force: false,
    };

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn there_is_what_was_asked_for_and_each_team_has_one_best_with_cases(db: PgPool) {
        run(&db, SMALL).await.unwrap();
        let counts = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM submission.accepted) AS "submissions!",
                      (SELECT count(*) FROM scoring.evaluation_facts WHERE is_current) AS "evaluations!",
                      (SELECT count(*) FROM scoring.scored_cases) AS "cases!",
                      (SELECT count(*) FROM leaderboard.means) AS "means!",
                      (SELECT count(*) FROM submission.quota_ledger WHERE entry = 'spent') AS "spent!",
                      (SELECT count(*) FROM registration.noticed) AS "noticed!""#
        )
        .fetch_one(&db)
        .await
        .unwrap();
        let found = (
            counts.submissions,
            counts.evaluations,
            counts.cases,
            counts.means,
        );
        assert_eq!(found, (37, 37, 2 * 5 * 3, 37 - 2 * 5));
        assert_eq!((counts.spent, counts.noticed), (37, 37), "at rest");
        let refusal = run(&db, SMALL).await.unwrap_err().to_string();
        assert!(refusal.contains("seeded before"), "{refusal}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_database_in_use_is_left_alone_unless_it_is_forced(db: PgPool) {
        molar_testkit::ChallengeBuilder::new("sts")
            .insert(&db)
            .await;
        let refusal = run(&db, SMALL).await.unwrap_err().to_string();
        assert!(
            refusal.contains("sts") && refusal.contains("--force"),
            "{refusal}"
        );
        let forced = Args {
            force: true,
            ..SMALL
        };
        run(&db, forced).await.unwrap();
    }
}
