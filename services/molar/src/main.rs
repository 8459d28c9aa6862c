//! The `molar` binary.

use std::process::ExitCode;

use clap::Parser as _;
use molar::cli::{self, Line};

#[tokio::main]
async fn main() -> ExitCode {
    // Every TLS connection of the process uses ring; a second provider would be ambiguous.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = Box::pin(cli::run(Line::parse().command)).await;
    outcome.unwrap_or_else(|error| {
        eprintln!("molar: {error:#}");
        ExitCode::FAILURE
    })
}
