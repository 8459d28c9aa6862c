//! Against a server that runs, behind names that lead to it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::{Bounds, Internet, Network, Refusal, fetch};

const MIB: usize = 1 << 20;

/// Names that lead to loopback count as outside where they are `127.0.0.1`; all else is judged as ever.
struct Town {
    names: BTreeMap<&'static str, Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Town {
    fn new() -> Self {
        let at = |addresses: &[&str]| addresses.iter().map(|a| a.parse().unwrap()).collect();
        let names = [
            ("code.test", at(&["127.0.0.1"])),
            ("other.test", at(&["127.0.0.1"])),
            ("inside.test", at(&["127.0.0.2"])),
            ("both.test", at(&["127.0.0.1", "10.0.0.1"])),
            ("metadata.test", at(&["169.254.169.254"])),
            ("mapped.test", at(&["::ffff:127.0.0.1"])),
        ];
        Self {
            names: names.into(),
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Network for Town {
    fn objection(&self, url: &Url) -> Option<&'static str> {
        (url.scheme() != "http").then_some("it is not of this town")
    }

    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let found = self.names.get(host).cloned().unwrap_or_default();
        let found = found.into_iter().map(|ip| SocketAddr::new(ip, port));
        let found = found.collect();
        Box::pin(async move { Ok(found) })
    }

    fn is_outside(&self, address: IpAddr) -> bool {
        address == IpAddr::from([127, 0, 0, 1]) || Internet.is_outside(address)
    }
}

/// Serves until the test ends; answers by path.
struct Server {
    port: u16,
}

impl Server {
    async fn start() -> Self {
        // An error says that another test was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let byte = stream.read_u8().await?;
                        request.push(byte);
                    }
                    let request = String::from_utf8_lossy(&request).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
                    answer(&mut stream, &path, port).await
                });
            }
        });
        Self { port }
    }

    fn link(&self, host: &str, path: &str) -> Url {
        format!("http://{host}:{}{path}", self.port)
            .parse()
            .unwrap()
    }
}

async fn answer(to: &mut tokio::net::TcpStream, path: &str, port: u16) -> io::Result<()> {
    let redirect = |to: String| {
        format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    };
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    match path {
        "/hello" => {
            to.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
                .await
        }
        "/hangs" => {
            to.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nh")
                .await?;
            std::future::pending().await
        }
        "/endless" => {
            to.write_all(chunked.as_bytes()).await?;
            let piece = vec![b'x'; 65_536];
            loop {
                to.write_all(b"10000\r\n").await?;
                to.write_all(&piece).await?;
                to.write_all(b"\r\n").await?;
            }
        }
        "/says-large" => {
            let text = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
            to.write_all(text.as_bytes()).await
        }
        "/nowhere" => {
            let text = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n";
            to.write_all(text.as_bytes()).await
        }
        path => {
            let hops = path
                .strip_prefix("/hops/")
                .and_then(|n| n.parse::<u32>().ok());
            let text = match (hops, path.strip_prefix("/to/")) {
                (Some(1), _) => redirect("/hello".to_owned()),
                (Some(n), _) => redirect(format!("http://other.test:{port}/hops/{}", n - 1)),
                (None, Some(host)) => redirect(format!("http://{host}:{port}/hello")),
                (None, None) => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            to.write_all(text.as_bytes()).await
        }
    }
}

async fn get(town: &Town, link: Url) -> Result<Vec<u8>, Refusal> {
    let time = Duration::from_secs(10);
    fetch(town, link, Bounds { bytes: MIB, time }).await
}

#[tokio::test]
async fn a_link_is_fetched_from_the_address_that_was_looked_at() {
    let (server, town) = (Server::start().await, Town::new());
    let body = get(&town, server.link("code.test", "/hello"))
        .await
        .unwrap();
    assert_eq!(body, b"hello");
    // No other resolver knows the name, and ours was asked once: there is no second answer to be fooled by.
    assert_eq!(town.asked(), ["code.test"]);
}

/// A proxy would resolve the name again, and connect to where it likes. It is named in the environment of a process of its
/// own, which does what the test above does.
#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let test = "outside::tests::a_link_is_fetched_from_the_address_that_was_looked_at";
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.kill_on_drop(true);
    child.args(["--exact", test]).env_remove("NO_PROXY");
    child.env_remove("no_proxy").env_remove("REQUEST_METHOD");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &address);
    }
    let done = tokio::select! {
        done = child.output() => done.unwrap(),
        asked = proxy.accept() => panic!("the proxy was asked: {asked:?}"),
    };
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_asked() {
    let (server, town) = (Server::start().await, Town::new());
    for host in ["inside.test", "both.test", "metadata.test", "mapped.test"] {
        let refused = get(&town, server.link(host, "/hello")).await.unwrap_err();
        assert!(matches!(refused, Refusal::Inside(_)), "{host}: {refused}");
        assert!(!refused.to_string().contains("127."), "{refused}");
    }
}

#[tokio::test]
async fn an_address_in_any_spelling_is_not_asked() {
    let (server, town) = (Server::start().await, Town::new());
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let refused = get(&town, server.link(host, "/hello")).await.unwrap_err();
        assert!(matches!(refused, Refusal::Link(..)), "{host}: {refused}");
    }
    assert!(town.asked().is_empty());
    // What a resolver would take for loopback is a name like any other, and goes by its address.
    let refused = get(&town, server.link("localhost", "/hello")).await;
    assert!(matches!(refused, Err(Refusal::UnknownHost(_))));
}

#[tokio::test]
async fn each_redirect_is_looked_at_anew() {
    let (server, town) = (Server::start().await, Town::new());
    assert_eq!(
        get(&town, server.link("code.test", "/hops/3"))
            .await
            .unwrap(),
        b"hello"
    );
    let far = get(&town, server.link("code.test", "/hops/4")).await;
    assert!(matches!(far, Err(Refusal::TooFar)), "{far:?}");
    for (host, is_inside) in [
        ("inside.test", true),
        ("metadata.test", true),
        ("127.0.0.1", false),
    ] {
        let link = server.link("code.test", &format!("/to/{host}"));
        let refused = get(&town, link).await.unwrap_err();
        assert_eq!(
            matches!(refused, Refusal::Inside(_)),
            is_inside,
            "{refused}"
        );
    }
    let nowhere = get(&town, server.link("code.test", "/nowhere")).await;
    assert!(matches!(nowhere, Err(Refusal::Nowhere(_))), "{nowhere:?}");
}

#[tokio::test]
async fn what_is_too_large_or_too_slow_ends() {
    let (server, town) = (Server::start().await, Town::new());
    for path in ["/endless", "/says-large"] {
        let refused = get(&town, server.link("code.test", path)).await;
        assert!(matches!(refused, Err(Refusal::TooLarge(1))), "{refused:?}");
    }
    let bounds = Bounds {
        bytes: MIB,
        time: Duration::from_millis(300),
    };
    let refused = fetch(&town, server.link("code.test", "/hangs"), bounds).await;
    assert!(matches!(refused, Err(Refusal::TooSlow(_))), "{refused:?}");
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_tells_no_secret() {
    let (server, town) = (Server::start().await, Town::new());
    let missing = get(&town, server.link("code.test", "/missing"))
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("public"), "{missing}");
    let secret = format!("http://ada:hunter2@code.test:{}/x?token=abc", server.port);
    let refused = get(&town, secret.parse().unwrap()).await.unwrap_err();
    let text = refused.to_string();
    assert!(!text.contains("hunter2") && !text.contains("abc"), "{text}");
    // The network of production is asked by none of these tests, and takes none of their links.
    let link = server.link("code.test", "/hello");
    let bounds = Bounds {
        bytes: MIB,
        time: Duration::from_secs(1),
    };
    assert!(matches!(
        fetch(&Internet, link, bounds).await,
        Err(Refusal::Link(..))
    ));
}
