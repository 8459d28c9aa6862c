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
    /// All together so many a second, each when its turn comes: how long it takes. Whose turn comes before it is answered
    /// asks late, and that counts from the turn.
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
                begin(start + Duration::from_secs_f64(turn as f64 / f64::from(rate))).await
            }
        };
        turn += READERS;
        let head = connection.ask(&request, turn % ADDRESSES).await?;
        connection.body(&head, |_| {}).await?;
        let answered = begun.elapsed();
        ensure!(
            head.status == request.status,
            "{} answers {}",
            request.path,
            head.status
        );
        if begun >= from {
            took.push(answered);
        }
    }
    Ok(took)
}

/// From when an answer counts.
async fn begin(due: Instant) -> Instant {
    if Instant::now() >= due {
        return due;
    }
    tokio::time::sleep_until(due.into()).await;
    // The timer goes by milliseconds and rings late, of which the server knows nothing.
    Instant::now()
}

/// One answer, in full.
pub async fn once(request: &Request) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(request.to).await?;
    let told = connection.ask(request, 0).await?;
    let head = String::from_utf8_lossy(&connection.buffer[..told.end]).to_lowercase();
    let mut body = Vec::new();
    let keep = |piece: &[u8]| body.extend_from_slice(piece);
    connection.body(&told, keep).await?;
    Ok(Answer {
        status: told.status,
        head,
        body,
    })
}

/// HTTP/1.1 as far as it is needed: answers say how long they are.
struct Connection {
    stream: TcpStream,
    /// What came last. Small: to hold whole bodies would cost the reader more than the server it measures.
    buffer: Vec<u8>,
}

const BUFFER: usize = 64 << 10;

struct Head {
    status: u16,
    /// Of the body.
    length: usize,
    /// Where the head ends in the buffer, and what came of the body begins.
    end: usize,
}

impl Connection {
    async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    async fn ask(&mut self, request: &Request, address: usize) -> anyhow::Result<Head> {
        let (path, headers) = (&request.path, &request.headers);
        let (high, low) = (address / 250, address % 250);
        let text = format!(
            "GET {path} HTTP/1.1\r\nhost: bench\r\nx-forwarded-for: 10.1.{high}.{low}\r\n{headers}\r\n"
        );
        self.stream.write_all(text.as_bytes()).await?;
        self.buffer.clear();
        let end = loop {
            let seen = self.buffer.len().saturating_sub(3);
            self.read().await?;
            let end = self.buffer[seen..]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break seen + end + 4;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..end])?;
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
        Ok(Head {
            status,
            length,
            end,
        })
    }

    /// The body behind this head, piece by piece.
    async fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8])) -> anyhow::Result<()> {
        let first = &self.buffer[head.end..];
        take(first);
        let mut missing = head.length.saturating_sub(first.len());
        while missing > 0 {
            self.buffer.clear();
            let read = self.read().await?;
            take(&self.buffer);
            missing = missing.saturating_sub(read);
        }
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<usize> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the connection was closed");
        Ok(read)
    }
}
