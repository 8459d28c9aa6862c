//! Rows for tests: a world to test in, with what is required in `new` and the rest defaulted.
//!
//! The builders write every role's tables, so they are given the owner's pool that `#[sqlx::test]` makes;
//! the code under test gets [`as_role`], which has the rights and the schema of its role and no more.
//! They fail by panicking: a test's world is there or the test is wrong.

mod attempt;
mod challenge;
mod evaluation;
mod long_ago;
mod submission;
mod team;
mod user;
mod worker;

use chrono::{DateTime, TimeZone, Utc};
use molar_service::{Role, db};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

pub use attempt::{Attempt, AttemptBuilder, CaseRun};
pub use challenge::{Case, Challenge, ChallengeBuilder, PhaseBuilder};
pub use evaluation::{Evaluation, EvaluationBuilder};
pub use long_ago::{insert_long_ago, scans};
pub use molar_domain::MockClock;
pub use submission::{Submission, SubmissionBuilder};
pub use team::{Team, TeamBuilder};
pub use user::{User, UserBuilder, token_for};
pub use worker::{Worker, WorkerBuilder};

/// When tests take place, unless they say otherwise.
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0)
        .single()
        .expect("an unambiguous time")
}

/// The test's database with the rights and the schema of one role, whatever its password is.
pub async fn as_role(owner: &PgPool, role: Role) -> PgPool {
    let options = db::options((*owner.connect_options()).clone(), role);
    PgPoolOptions::new()
        .max_connections(5)
        .connect_with(options.options([("role", role.login())]))
        .await
        .expect("the cluster has the roles' logins")
}
