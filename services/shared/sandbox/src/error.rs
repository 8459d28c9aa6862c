use std::path::PathBuf;

/// What kept the platform from doing its part. What the container did is an
/// [`Outcome`](crate::Outcome), what the archive is an
/// [`ArchiveError`](crate::image::ArchiveError): neither is in here but for a load.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller should load the image and try again.
    #[error("the engine has no image {0}")]
    NoImage(String),

    #[error("the docker engine did not answer in time: {0}")]
    Deadline(&'static str),

    /// The disk was short before, or for reasons that are not, this container's.
    #[error("less free disk than the floor at {}", .0.display())]
    NoSpace(PathBuf),

    /// The engine could not start the container, and the image is not to blame.
    #[error("the engine could not start the container: {0}")]
    Start(String),

    /// Another engine may run it; this one would give it the host.
    #[error("the image runs as root, and this engine would make it root of the host")]
    RootImage,

    #[error("the engine loaded the archive, but no image {0} came of it")]
    LoadedOther(String),

    #[error(transparent)]
    Archive(#[from] crate::image::ArchiveError),

    #[error(transparent)]
    Io(#[from] std::io::Error),

    #[error(transparent)]
    Docker(#[from] bollard::errors::Error),
}
