//! `molar admin`: what is only possible on the database's host, with the owner's URL.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use molar_domain::{Clock as _, SystemClock};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::{owner, seed};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The owner's database URL; `molar up` prints where it keeps it.
    #[arg(long, env = "MOLAR_OWNER_DATABASE_URL", hide_env_values = true)]
    database_url: SecretString,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account that may do everything. The password is read from MOLAR_PASSWORD.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        #[arg(long, env = "MOLAR_PASSWORD", hide_env_values = true)]
        password: SecretString,
    },
    /// Make an account an organizer of a challenge.
    Organizer {
        #[arg(long)]
        challenge: String,
        #[arg(long)]
        email: String,
    },
    /// Make a one-time token with which one worker enrols.
    EnrolmentToken,
    /// Make a challenge of many teams and submissions, to measure with. Never on a platform in use.
    Seed(seed::Args),
    /// The same as `molar audit verify`.
    #[command(hide = true)]
    VerifyAudit {
        /// A file from the bucket `exports`, such as audit/2026-11-23.json.
        #[arg(long)]
        head: Option<std::path::PathBuf>,
    },
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let pool = owner::connect(&args.database_url).await?;
    let now = SystemClock.now();
    match args.command {
        Command::Create {
            email,
            name,
            password,
        } => {
            molar_registration::create_admin(&pool, now, &email, &name, password).await?;
            println!("{email} is an admin.");
        }
        Command::Organizer { challenge, email } => {
            molar_registration::grant_organizer(&pool, now, &challenge, &email).await?;
            println!("{email} is an organizer of {challenge}.");
        }
        Command::EnrolmentToken => println!("{}", enrolment_token(&pool, now).await?),
        Command::Seed(args) => seed::run(&pool, args).await?,
        Command::VerifyAudit { head } => {
            crate::audit::verify_here(&args.database_url, head.as_deref()).await?;
        }
    }
    pool.close().await;
    Ok(())
}

pub async fn enrolment_token(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<String> {
    Ok(molar_execution::create_enrolment_token(pool, now).await?)
}
