use secrecy::SecretString;

/// Where messages go.
#[derive(Debug, Clone, clap::Args)]
pub struct AmqpArgs {
    /// URL of the RabbitMQ virtual host, with user and password: amqp://user:password@host:5672/vhost
    #[arg(long, env = "MOLAR_AMQP_URL", hide_env_values = true)]
    pub amqp_url: SecretString,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Process {
        #[command(flatten)]
        amqp: AmqpArgs,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }

    #[test]
    fn the_url_is_not_printed() {
        let process = Process::parse_from(["x", "--amqp-url", "amqp://me:hush@localhost"]);
        assert!(!format!("{:?}", process.amqp).contains("hush"));
    }
}
