//! What on this host a container would like to reach.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Listeners on loopback, a file of the host, and another case's input.
pub struct Bait {
    pub tcp: SocketAddr,
    pub udp: SocketAddr,
    /// Of the host.
    pub file: PathBuf,
    pub secrets: [String; 2],
    visits: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

const OTHER: &str = "another-case.txt";

impl Bait {
    /// `other` is the folder in which another case's input lies.
    pub fn set(folder: &Path, other: &Path) -> anyhow::Result<Self> {
        let secrets = [0, 1].map(|_| uuid::Uuid::new_v4().simple().to_string());
        let file = folder.join("secret.txt");
        std::fs::write(&file, &secrets[0])?;
        std::fs::create_dir_all(other)?;
        std::fs::write(other.join(OTHER), &secrets[1])?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let bait = Self {
            tcp: tcp.local_addr()?,
            udp: udp.local_addr()?,
            file,
            secrets,
            visits: Arc::default(),
            is_over: Arc::default(),
        };
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        let (visits, is_over) = (bait.visits.clone(), bait.is_over.clone());
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let came = tcp.accept().is_ok() || udp.recv_from(&mut [0; 64]).is_ok();
                match came {
                    true => drop(visits.fetch_add(1, Ordering::Relaxed)),
                    false => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        Ok(bait)
    }

    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }

    /// For the container's shell: where it may try its luck.
    pub fn to_text(&self, bomb_bytes: u64) -> String {
        format!(
            "tcp={}\nudp={}\nsecret={}\nother={OTHER}\nbomb={bomb_bytes}\n",
            self.tcp.port(),
            self.udp.port(),
            self.file.display()
        )
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Of a path's disk, the least that was free while somebody looked.
pub struct FreeSpace {
    at_first: u64,
    is_over: Arc<AtomicBool>,
    least: JoinHandle<u64>,
}

fn free(place: &Path) -> u64 {
    rustix::fs::statvfs(place).map_or(u64::MAX, |stat| stat.f_bavail * stat.f_frsize)
}

impl FreeSpace {
    pub fn watch(place: PathBuf) -> Self {
        let at_first = free(&place);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let least = std::thread::spawn(move || {
            let mut least = u64::MAX;
            while !over.load(Ordering::Relaxed) {
                least = least.min(free(&place));
                std::thread::sleep(Duration::from_millis(10));
            }
            least
        });
        Self {
            at_first,
            is_over,
            least,
        }
    }

    pub fn fallen_by(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.at_first.saturating_sub(self.least.join().unwrap_or(0))
    }
}
