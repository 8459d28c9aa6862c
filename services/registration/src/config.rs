#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: molar_service::RoleArgs,

    #[command(flatten)]
    pub web: molar_web_kit::WebArgs,

    /// Days after which a browser or a terminal must sign in again.
    #[arg(long, env = "MOLAR_SESSION_DAYS", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub session_days: u16,

    /// Days after which network addresses of signatures and of joining a team are forgotten.
    #[arg(long, env = "MOLAR_ADDRESS_DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub address_days: u16,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Process {
        #[command(flatten)]
        config: super::Config,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }
}
