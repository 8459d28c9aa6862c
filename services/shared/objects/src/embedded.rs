//! An S3 server for development, tests and small installations, with its data in a folder.
//!
//! It speaks the part of S3 that [`crate::Store`] and pre-signed requests use and refuses the rest;
//! there is no ListMultipartUploads and no versioning. s3s does the protocol and the signatures. How
//! objects are kept is ours: of the back end that comes with s3s, a PUT whose checksum was wrong
//! stayed in place, an upload was lost when the process died while completing it, and names were
//! limited to some hundred bytes.

mod access;
mod cors;
mod disk;
mod failure;
mod operations;
mod parts;
mod receive;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::grants::Grants;
use access::{Keys, Policy};
use cors::Cors;
use disk::Disk;

/// How long requests in flight may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// After this long without a complete request head, a connection is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts to serve `data_dir`, which is made if it is not there. Only one server at a time can
    /// have it.
    pub async fn bind(address: SocketAddr, data_dir: &Path, grants: Grants) -> io::Result<Self> {
        Self::bind_for_pages(address, data_dir, grants, Vec::new()).await
    }

    /// The same; pages of these origins may put and get from a browser at pre-signed URLs.
    pub async fn bind_for_pages(
        address: SocketAddr,
        data_dir: &Path,
        grants: Grants,
        origins: Vec<String>,
    ) -> io::Result<Self> {
        let disk = Disk::open(data_dir)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(
            listener,
            Cors::new(service(disk, grants), origins),
            stop.clone(),
        ));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests and waits for those in flight, ten seconds at most.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the object store ended badly");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn service(disk: Disk, grants: Grants) -> S3Service {
    let grants = Arc::new(grants);
    let mut builder = S3ServiceBuilder::new(disk);
    builder.set_auth(Keys(grants.clone()));
    builder.set_access(Policy(grants));
    builder.build()
}

async fn serve(listener: TcpListener, service: Cors, stop: CancellationToken) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            stream = accept(&listener) => stream,
            Some(_) = connections.join_next() => continue,
        };
        let connection = http
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        connections.spawn(graceful.watch(connection));
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off when the object store stopped");
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                return stream;
            }
            // Out of file descriptors, most likely; closing connections will free some.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
