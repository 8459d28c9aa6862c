//! nginx with files, as the floor.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

pub struct Nginx {
    folder: TempDir,
    files: u32,
    pub address: SocketAddr,
    child: Child,
}

impl Nginx {
    /// As many workers as the role has threads that answer.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("files");
        fs::create_dir(&root)?;
        for path in [folder.path(), &root] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let home = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {home}/{what};\n"))
            .concat();
        let configuration = format!(
            "worker_processes 2; daemon off; pid {home}/pid; error_log stderr;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; open_file_cache max=100;\n{temporary}\
             keepalive_requests 100000000; types {{}}\n\
             server {{ listen {address}; root {home}/files; }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration)?;
        let child = Command::new("/usr/sbin/nginx")
            .args(["-e", "stderr", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            ensure!(
                begun.elapsed() < Duration::from_secs(10),
                "nginx does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self {
            folder,
            files: 0,
            address,
            child,
        })
    }

    /// Where it is read. Each time a new file: nginx keeps those that it knows open.
    pub fn put(&mut self, bytes: &[u8]) -> anyhow::Result<String> {
        self.files += 1;
        let name = format!("board-{}", self.files);
        let path = self.folder.path().join("files").join(&name);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        Ok(format!("/{name}"))
    }
}

/// Its workers end with it where it is asked, and not where it is killed.
impl Drop for Nginx {
    fn drop(&mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}
