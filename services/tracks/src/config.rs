use std::path::PathBuf;

use molar_objects::S3Args;
use molar_service::RoleArgs;
use molar_web_kit::WebArgs;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub role: RoleArgs,

    #[command(flatten)]
    pub web: WebArgs,

    #[command(flatten)]
    pub objects: S3Args,

    /// TOML file of the most that a phase's limits may be, such as `wall_s = 3600`; by default there
    /// is none.
    #[arg(long, env = "MOLAR_LIMIT_CAPS")]
    pub limit_caps: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_well_formed() {
        use clap::{CommandFactory, Parser};

        #[derive(Debug, Parser)]
        struct Process {
            #[command(flatten)]
            config: super::Config,
        }
        Process::command().debug_assert();
    }
}
