//! What can keep a process from starting, or end it.

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another version of Molar has been here; running on could misread its rows.
    #[error("the database is at migration {0}, which this binary does not know; use the newer one")]
    UnknownSchema(i64),

    #[error("the database lacks migration {0}; run `molar migrate` first")]
    OldSchema(i64),

    #[error("cannot listen on {address}")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },

    #[error("the background task `{0}` ended before it was told to")]
    TaskEnded(&'static str),

    #[error("work did not end within the grace period")]
    GraceExceeded,

    #[error("cannot set up logs and metrics: {0}")]
    Telemetry(String),

    #[error("database")]
    Database(#[from] sqlx::Error),

    #[error("migration")]
    Migrate(#[from] sqlx::migrate::MigrateError),

    #[error("broker")]
    Queue(#[from] molar_queue::Error),

    #[error(transparent)]
    Io(#[from] std::io::Error),
}
