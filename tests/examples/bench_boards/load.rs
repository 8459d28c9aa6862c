//! Readers that ask again as soon as they are answered, each on a connection of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub const READERS: usize = 64;

/// More than fit, so that nobody is held up for asking too often: they come from as many addresses.
const ADDRESSES: usize = 4096;

/// What one of these is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub to: SocketAddr,
    pub path: String,
    /// As lines.
    pub headers: String,
    pub status: u16,
}

pub struct Load {
    pub per_s: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
}

/// Of one answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// How the readers ask.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each as soon as it is answered: how much can be had.
    AsMuchAsCanBe,
    /// All together so many a second, each when its turn comes, and a late answer counts from then: how long it takes.
    PerSecond(u32),
}

/// All readers for so long; the first tenth of it does not count.
pub async fn measure(request: &Request, lasts: Duration, pace: Pace) -> anyhow::Result<Load> {
    let begun = Instant::now();
    let (from, until) = (begun + lasts / 10, begun + lasts);
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        readers.spawn(read(request.clone(), reader, pace, from, until));
    }
    let mut took = Vec::new();
    while let Some(one) = readers.join_next().await {
        took.extend(one??);
    }
    ensure!(!took.is_empty(), "nothing was answered");
    took.sort_unstable();
    let ms = |part: f64| took[(part * (took.len() - 1) as f64) as usize].as_secs_f64() * 1e3;
    Ok(Load {
        per_s: took.len() as f64 / (until - from).as_secs_f64(),
        median_ms: ms(0.5),
        p99_ms: ms(0.99),
    })
}

async fn read(
    request: Request,
    reader: usize,
    pace: Pace,
    from: Instant,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(request.to).await?;
    let (mut took, mut turn) = (Vec::new(), reader);
    let start = Instant::now();
    while Instant::now() < until {
        let begun = match pace {
            Pace::AsMuchAsCanBe => Instant::now(),
            Pace::PerSecond(rate) => {
                let due = start + Duration::from_secs_f64(turn as f64 / f64::from(rate));
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        turn += READERS;
        let status = connection.ask(&request, turn % ADDRESSES).await?;
        let answered = begun.elapsed();
        ensure!(
            status == request.status,
            "{} answers {status}",
            request.path
        );
        if begun >= from {
            took.push(answered);
        }
    }
    Ok(took)
}

/// One answer, in full.
pub async fn once(request: &Request) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(request.to).await?;
    let status = connection.ask(request, 0).await?;
    let (head, body) = connection.buffer.split_at(connection.head);
    Ok(Answer {
        status,
        head: String::from_utf8_lossy(head).to_lowercase(),
        body: body.to_vec(),
    })
}

/// HTTP/1.1 as far as it is needed: answers say how long they are.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Length of the head in it.
    head: usize,
}

impl Connection {
    async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4 << 20),
            head: 0,
        })
    }

    /// Leaves head and body in the buffer.
    async fn ask(&mut self, request: &Request, address: usize) -> anyhow::Result<u16> {
        let (path, headers) = (&request.path, &request.headers);
        let (high, low) = (address / 250, address % 250);
        let text = format!(
            "GET {path} HTTP/1.1\r\nhost: bench\r\nx-forwarded-for: 10.1.{high}.{low}\r\n{headers}\r\n"
        );
        self.stream.write_all(text.as_bytes()).await?;
        self.buffer.clear();
        self.head = loop {
            let seen = self.buffer.len().saturating_sub(3);
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the connection was closed");
            let end = self.buffer[seen..]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break seen + end + 4;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..self.head])?;
        let status: u16 = head.get(9..12).context("no status")?.parse()?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>())
        });
        let length = match status {
            304 => 0,
            _ => length.context("no length")??,
        };
        while self.buffer.len() < self.head + length {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the connection was closed");
        }
        Ok(status)
    }
}
