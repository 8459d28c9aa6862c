//! `molar up`: what it can be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Postgres,
    Rabbitmq,
    Docker,
    S3,
    Nginx,
    Roles,
    Worker,
}

/// Starts Molar on this machine: its servers, all roles and one worker.
///
/// Everything lives in one data folder and listens on the loopback only. Ctrl-C stops all of it
/// in order; pressed twice, at once. The next start finds all data again.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Folder for databases, objects, logs and secrets; made if need be.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = ".molar",
        env = "MOLAR_DATA"
    )]
    pub data: PathBuf,

    /// Plays a whole challenge, from registration to the boards, then keeps serving.
    #[arg(long)]
    pub demo: bool,

    /// Ends when the demo has ended; not 0 if a submission did not reach its board.
    #[arg(long, requires = "demo")]
    pub exit: bool,

    /// Starts these parts only.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    pub only: Vec<Part>,

    /// Runs this command when everything is ready, then stops everything and ends with the
    /// command's status. Takes the rest of the line; a single word goes to `sh -c`.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    pub run: Vec<String>,

    /// Port of the front on 127.0.0.1; by default a free one, kept over restarts.
    #[arg(long)]
    pub port: Option<u16>,

    /// For tests: quicker, but a crash of the machine may lose data.
    #[arg(long)]
    pub fast: bool,

    /// Owner's URL of a PostgreSQL database to be used instead of a private one.
    #[arg(
        long,
        value_name = "URL",
        env = "MOLAR_DATABASE_URL",
        hide_env_values = true
    )]
    pub database_url: Option<SecretString>,

    /// URL of a RabbitMQ virtual host to be used instead of a private node.
    #[arg(
        long,
        value_name = "URL",
        env = "MOLAR_AMQP_URL",
        hide_env_values = true
    )]
    pub amqp_url: Option<SecretString>,

    /// Management URL of that RabbitMQ, with an administrator's user and password, to make one
    /// user per role; without it, all roles share the user of the URL.
    #[arg(
        long,
        value_name = "URL",
        env = "MOLAR_AMQP_MANAGEMENT_URL",
        hide_env_values = true
    )]
    pub amqp_management_url: Option<SecretString>,

    /// An S3 server to be used instead of the embedded one.
    #[arg(long, value_name = "URL", env = "MOLAR_S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,

    /// The key of that server, with all rights on its eight buckets, which must be there; used by all roles.
    #[arg(
        long,
        value_name = "KEY",
        requires = "s3_secret_key",
        env = "MOLAR_S3_ACCESS_KEY"
    )]
    pub s3_access_key: Option<String>,

    #[arg(
        long,
        value_name = "SECRET",
        env = "MOLAR_S3_SECRET_KEY",
        hide_env_values = true
    )]
    pub s3_secret_key: Option<SecretString>,

    /// A Docker Engine to be used; by default the system's if it answers, else a private one.
    #[arg(long, value_name = "HOST", env = "DOCKER_HOST")]
    pub docker_host: Option<String>,

    /// For tests: how many seconds the URL of a part of an upload can be used.
    #[arg(long, value_name = "SECONDS")]
    pub part_url_s: Option<u32>,

    #[command(flatten)]
    pub lease: molar_execution::LeaseArgs,
}

impl UpArgs {
    /// Whether the part is asked for: all are unless `--only` names some.
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        up: UpArgs,
    }

    #[test]
    fn the_arguments_are_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn run_takes_the_rest_of_the_line() {
        let line = "up --only postgres,docker --run cargo test -p molar -- --nocapture";
        let up = Line::parse_from(line.split(' ')).up;
        assert_eq!(
            up.run,
            ["cargo", "test", "-p", "molar", "--", "--nocapture"]
        );
        assert!(up.wants(Part::Postgres) && up.wants(Part::Docker) && !up.wants(Part::Rabbitmq));
    }

    #[test]
    fn exit_makes_no_sense_without_a_demo() {
        assert!(Line::try_parse_from(["up", "--exit"]).is_err());
    }
}
