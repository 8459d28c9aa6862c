use secrecy::SecretString;
use url::Url;

/// Where objects are kept.
#[derive(Debug, Clone, clap::Args)]
pub struct S3Args {
    /// S3 endpoint as this process reaches it
    #[arg(id = "s3-endpoint", long = "s3-endpoint", env = "MOLAR_S3_ENDPOINT")]
    pub endpoint: Url,

    /// S3 endpoint as participants and workers reach it; pre-signed URLs name this one [default: the
    /// endpoint above]
    #[arg(
        id = "s3-public-endpoint",
        long = "s3-public-endpoint",
        env = "MOLAR_S3_PUBLIC_ENDPOINT"
    )]
    pub public_endpoint: Option<Url>,

    /// Region that requests are signed for
    #[arg(
        id = "s3-region",
        long = "s3-region",
        env = "MOLAR_S3_REGION",
        default_value = "us-east-1"
    )]
    pub region: String,

    /// Access key of this role
    #[arg(
        id = "s3-access-key",
        long = "s3-access-key",
        env = "MOLAR_S3_ACCESS_KEY"
    )]
    pub access_key: String,

    /// Secret key of this role
    #[arg(
        id = "s3-secret-key",
        long = "s3-secret-key",
        env = "MOLAR_S3_SECRET_KEY",
        hide_env_values = true
    )]
    pub secret_key: SecretString,

    /// What the names of the buckets start with
    #[arg(
        id = "s3-bucket-prefix",
        long = "s3-bucket-prefix",
        env = "MOLAR_S3_BUCKET_PREFIX",
        default_value = "molar-"
    )]
    pub bucket_prefix: String,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Process {
        #[command(flatten)]
        s3: S3Args,
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Process::command().debug_assert();
    }

    #[test]
    fn a_secret_key_is_not_printed() {
        let args = [
            "x",
            "--s3-endpoint",
            "http://127.0.0.1:1",
            "--s3-access-key",
            "me",
        ];
        let process = Process::parse_from(args.into_iter().chain(["--s3-secret-key", "hush"]));
        assert!(!format!("{:?}", process.s3).contains("hush"));
        assert_eq!(process.s3.bucket_prefix, "molar-");
    }
}
