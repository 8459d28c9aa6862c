//! Logs and metrics of a process.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::{Error, Result};

#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// What is logged: a level, or directives such as `info,molar_scoring=debug`.
    #[arg(long, env = "MOLAR_LOG", default_value = "info,lapin=error,sqlx=warn")]
    pub log: String,

    #[arg(long, env = "MOLAR_LOG_FORMAT", value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line an event, for people.
    Pretty,
    /// One JSON object an event, for collectors.
    Json,
}

/// Seconds; from a page out of the cache to the scoring of a large volume.
const BUCKETS_S: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// Starts logging to standard error. A second call in one process changes nothing.
pub fn init(args: &LogArgs) -> Result<()> {
    let filter = EnvFilter::try_new(&args.log).map_err(|e| Error::Telemetry(e.to_string()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Fails only when logging was set up before, as by another role in the same test.
    let _ = match args.log_format {
        LogFormat::Pretty => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// The process's metrics, installed on first use.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            // Unwrap safety: only an empty list of buckets is refused.
            let builder = PrometheusBuilder::new()
                .set_buckets(BUCKETS_S)
                .expect("buckets");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Fails only when something else installed a recorder; its metrics are then not ours to show.
            let _ = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}
