//! The HTTP listener of a process.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use crate::{Error, Result, Shutdown};

#[derive(Debug, Clone, clap::Args)]
pub struct HttpArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        env = "MOLAR_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
}

/// Binds at once, so that a taken port keeps the process from starting, and serves once the returned
/// future is polled. It ends after `shutdown` began and the requests under way were answered.
pub fn serve<F>(
    listen: SocketAddr,
    shutdown: &Shutdown,
    configure: F,
) -> Result<(
    SocketAddr,
    impl Future<Output = std::io::Result<()>> + Send + use<F>,
)>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let cannot = |source| Error::Listen {
        address: listen,
        source,
    };
    let socket = TcpListener::bind(listen).map_err(cannot)?;
    let address = socket.local_addr().map_err(cannot)?;
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(2)
        // Signals are the process's business, see `Shutdown`.
        .disable_signals()
        .shutdown_timeout(shutdown.grace().as_secs())
        .client_request_timeout(Duration::from_secs(10))
        // Longer than the front keeps an idle connection, so that it is never the front's next
        // request that finds the connection just closed.
        .keep_alive(Duration::from_secs(75))
        .listen(socket)
        .map_err(cannot)?
        .run();
    Ok((address, until_stopped(server, shutdown.clone())))
}

async fn until_stopped(server: Server, shutdown: Shutdown) -> std::io::Result<()> {
    let handle = server.handle();
    let stop = shutdown.token();
    let (served, ()) = tokio::join!(server, async move {
        stop.cancelled().await;
        handle.stop(true).await;
    });
    served
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    use super::*;

    async fn get(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_before_the_listener_ends() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let (begun, release) = (web::Data::new(Notify::new()), web::Data::new(Notify::new()));
        let (begun_there, release_there) = (begun.clone(), release.clone());
        let slow = move |config: &mut web::ServiceConfig| {
            let (begun, release) = (begun_there.clone(), release_there.clone());
            let handler = move || {
                let (begun, release) = (begun.clone(), release.clone());
                async move {
                    begun.notify_one();
                    release.notified().await;
                    "answered"
                }
            };
            config.route("/", web::get().to(handler));
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let (address, server) = serve(listen, &shutdown, slow).unwrap();
        let server = tokio::spawn(server);
        let client = tokio::spawn(get(address));

        begun.notified().await;
        shutdown.begin();
        release.notify_one();
        assert!(client.await.unwrap().ends_with("answered"));
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refused = serve(
            address,
            &Shutdown::new(Duration::ZERO),
            |_: &mut web::ServiceConfig| {},
        );
        let Err(Error::Listen { address: named, .. }) = refused else {
            panic!("listening")
        };
        assert_eq!(named, address);
    }
}
