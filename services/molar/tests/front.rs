//! The front with real nginx: who answers what, and what is said when nobody does.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use molar::up::nginx::{self, Front};
use molar::up::{DataFolder, Shutdown, Supervisor, Terminal, find_program, ports};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers each request with its name and the head of the request; `/…/events` with one event
/// and then silence.
async fn role(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, name));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, name: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    if head.contains("/events ") {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n";
        stream.write_all(text.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        return;
    }
    let body = format!("{name}\n{head}");
    let length = body.len();
    let text =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn ask(port: u16, head: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let text = format!("{head}Host: molar.example\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn get(port: u16, path: &str, headers: &str) -> String {
    ask(port, &format!("GET {path} HTTP/1.1\r\n{headers}")).await
}

/// How a body of 9 MB is met before any of it is sent.
async fn met(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; "HTTP/1.1 100".len()];
    stream.read_exact(&mut start).await.unwrap();
    String::from_utf8_lossy(&start).into_owned()
}

#[tokio::test]
async fn one_origin_stands_before_all_roles() {
    if find_program("nginx").is_none() {
        eprintln!("SKIPPED servers: one_origin_stands_before_all_roles (missing: nginx)");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let folder = Arc::new(DataFolder::open(place.path()).unwrap());
    let elsewhere = folder.servers();
    let up = Supervisor::new(folder, Terminal::new(), Shutdown::default())
        .await
        .unwrap();
    let (tracks, board) = (role("tracks").await, role("leaderboard").await);
    let away: SocketAddr = ([127, 0, 0, 1], ports::free().unwrap()).into();
    let port = ports::free().unwrap();
    let routes = [
        ("/api/v1/phases", tracks),
        ("/api/v1/phases/*/board", board),
        ("/api/v1/teams", away),
    ];
    nginx::start(
        &up,
        &Front {
            routes: &routes,
            default: board,
            port,
        },
    )
    .await
    .unwrap();

    let phase = get(port, "/api/v1/phases/7?x=1", "X-Forwarded-For: 6.6.6.6\r\n").await;
    assert!(phase.contains("\r\n\r\ntracks\n"), "{phase}");
    assert!(
        phase.contains("GET /api/v1/phases/7?x=1 HTTP/1.1"),
        "the path is passed as it came"
    );
    assert!(
        phase.contains("X-Forwarded-For: 127.0.0.1\r\n"),
        "a caller cannot choose its address"
    );
    assert!(phase.contains("Host: molar.example\r\n") && phase.contains("X-Request-Id: "));
    assert!(
        get(port, "/api/v1/phases/7/board", "")
            .await
            .contains("\r\n\r\nleaderboard\n")
    );
    assert!(
        get(port, "/api/v1/phasesx", "")
            .await
            .contains("\r\n\r\nleaderboard\n")
    );

    let trouble = get(port, "/api/v1/teams", "Accept: application/json\r\n").await;
    assert!(trouble.starts_with("HTTP/1.1 503 "), "{trouble}");
    assert!(
        trouble.contains("Content-Type: application/problem+json\r\n"),
        "{trouble}"
    );
    assert!(trouble.contains("Retry-After: 5\r\n") && trouble.contains("/problems/unavailable"));
    let page = get(port, "/api/v1/teams", "Accept: text/html,*/*\r\n").await;
    assert!(
        page.contains("Content-Type: text/html; charset=utf-8\r\n"),
        "{page}"
    );

    let large = ask(
        port,
        "POST /api/v1/phases HTTP/1.1\r\nContent-Length: 9000000\r\n",
    )
    .await;
    assert!(large.starts_with("HTTP/1.1 413 ") && large.contains("application/problem+json"));

    for (path, status) in [
        ("/api/v1/phases", 413),
        ("/organize/boards/sts/import", 413),
        ("/organize/boards/sts/import/plan", 100),
        ("/finalists/7/report", 100),
    ] {
        assert_eq!(
            met(port, path).await,
            format!("HTTP/1.1 {status}"),
            "{path}"
        );
    }

    let mut events = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = "GET /api/v1/phases/7/events HTTP/1.1\r\nHost: x\r\n\r\n";
    events.write_all(head.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    let first = async {
        while !String::from_utf8_lossy(&seen).contains("data: one") {
            seen.push(events.read_u8().await.unwrap());
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(5), first).await;
    assert!(arrived.is_ok(), "an event goes out as it comes in");

    up.stop().await;
    assert!(ports::is_free(port));
    if elsewhere != place.path() {
        std::fs::remove_dir_all(elsewhere).unwrap();
    }
}
