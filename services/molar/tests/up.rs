//! `molar up` as a process, with real servers: killed, doubled, interrupted.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use molar::up::{Identity, Record};
use rustix::process::Signal;
use tempfile::TempDir;

/// A data folder; what `up` puts elsewhere for it goes with it.
///
/// It lies in a folder closed to others, as a clone under `/root` does.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(place)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn state(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&fs::read_to_string(self.file("data/state.json")).ok()?).ok()
    }

    fn up(&self, only: &str, run: Option<&str>) -> Up {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.file("up.log"))
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
        command.arg("up").arg("--data").arg(self.file("data"));
        command
            .args(["--fast", "--only", only])
            .args(run.iter().flat_map(|run| ["--run", run]));
        for given in [
            "MOLAR_DATABASE_URL",
            "MOLAR_AMQP_URL",
            "DOCKER_HOST",
            "MOLAR_DATA",
        ] {
            command.env_remove(given);
        }
        command.process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Up(command.spawn().unwrap())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.file("up.log")).unwrap_or_default()
    }

    fn records(&self) -> Vec<Record> {
        let files = fs::read_dir(self.file("data/run"))
            .into_iter()
            .flatten()
            .flatten();
        files
            .filter_map(|file| serde_json::from_str(&fs::read_to_string(file.path()).ok()?).ok())
            .collect()
    }

    fn record(&self, name: &str) -> Option<Record> {
        self.records()
            .into_iter()
            .find(|record| record.name == name)
    }

    /// Every process that works in the servers' folder or carries the mark of this data folder.
    fn processes(&self) -> Vec<String> {
        let state = self.state().unwrap();
        let servers = state["servers"]
            .as_str()
            .map_or_else(|| self.file("data"), PathBuf::from);
        let mark = format!("MOLAR_UP_CHILD={}/", state["instance"].as_str().unwrap());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let is_marked = environment
                .windows(mark.len())
                .any(|part| part == mark.as_bytes());
            let is_inside = fs::read_link(entry.path().join("cwd"))
                .is_ok_and(|folder| folder.starts_with(&servers));
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok());
            if (is_marked || is_inside) && number.and_then(Identity::of).is_some() {
                found.push(fs::read_to_string(entry.path().join("comm")).unwrap_or_default());
            }
        }
        found
    }

    fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(
                begun.elapsed() < LIMIT,
                "waited in vain for {what}:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(state) = self.state() else { return };
        if let Some(servers) = state["servers"].as_str() {
            let _ = fs::remove_dir_all(servers);
        }
        if let Some(instance) = state["instance"].as_str() {
            let _ = fs::remove_dir_all(Path::new("/run/molar").join(instance));
        }
    }
}

/// Generous: RabbitMQ takes 10 s alone and a minute beside a build.
const LIMIT: Duration = Duration::from_secs(150);

struct Up(Child);

impl Up {
    fn signal(&self, signal: Signal) {
        let identity = Identity::of(i32::try_from(self.0.id()).unwrap()).unwrap();
        assert!(identity.signal(signal).unwrap());
    }

    fn wait(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < LIMIT, "`molar up` does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A test that failed half-way still stops its servers.
        if self.0.try_wait().unwrap().is_none() {
            self.signal(Signal::TERM);
            self.0.wait().unwrap();
        }
    }
}

/// Says which test cannot run for want of which server, so that the run can count it.
fn lacks(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| match **program {
            "postgres" => !Path::new("/usr/lib/postgresql").is_dir(),
            "rabbitmq" => !Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").is_file(),
            other => molar::up::find_program(other).is_none(),
        })
        .collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED servers: {test} (missing: {missing:?})");
    }
    !missing.is_empty()
}

#[test]
fn a_second_up_on_the_same_folder_is_refused_with_the_pid_of_the_first() {
    if lacks("a_second_up_on_the_same_folder_is_refused", &["postgres"]) {
        return;
    }
    let place = Place::new();
    let first = place.up("postgres", None);
    place.until("the first", || place.said().contains("everything is ready"));
    let before = place.record("postgresql").unwrap().identity;

    let refused = place.up("postgres", None).wait();
    assert!(!refused.success());
    assert!(
        place
            .said()
            .contains(&format!("is in use by process {}", first.0.id()))
    );
    assert!(
        before.is_alive(),
        "the refused one leaves the servers alone"
    );

    first.signal(Signal::INT);
    assert!(first.wait().success());
    assert_eq!(place.processes(), [""; 0]);
}

#[test]
fn after_kill_9_the_next_up_ends_the_orphans_and_finds_the_data() {
    if lacks(
        "after_kill_9_the_next_up_finds_the_data",
        &["postgres", "rabbitmq"],
    ) {
        return;
    }
    let place = Place::new();
    let wrote = place.file("wrote");
    let write = format!(
        r#"psql -q "$DATABASE_URL" -c 'SET synchronous_commit = on' -c 'CREATE TABLE kept AS SELECT 42 AS answer' && touch {} && exec sleep 600"#,
        wrote.display()
    );
    let killed = place.up("postgres,rabbitmq", Some(&write));
    place.until("the table", || wrote.exists());
    killed.signal(Signal::KILL);
    killed.wait();
    let orphans = place.records();
    assert_eq!(orphans.len(), 3, "postgresql, epmd and rabbitmq");
    assert!(orphans.iter().all(|record| record.identity.is_alive()));
    // Of the tree's other processes one dies as hard: its sessions and lock file stay behind.
    let database = orphans
        .iter()
        .find(|record| record.name == "postgresql")
        .unwrap();
    database.identity.signal(Signal::KILL).unwrap();

    let read = r#"test "$(psql -qtA "$DATABASE_URL" -c 'SELECT answer FROM kept')" = 42 || exit 9
        exit 5"#;
    let status = place.up("postgres,rabbitmq", Some(read)).wait();
    assert_eq!(
        status.code(),
        Some(5),
        "the status is the command's\n{}",
        place.said()
    );
    assert!(orphans.iter().all(|record| !record.identity.is_alive()));
    assert_eq!(place.processes(), [""; 0]);
    assert_eq!(place.records().len(), 0);
}

#[test]
fn killed_servers_come_back_with_their_users() {
    if lacks(
        "killed_servers_come_back_with_their_users",
        &["postgres", "rabbitmq"],
    ) {
        return;
    }
    let place = Place::new();
    let up = place.up("postgres,rabbitmq", None);
    place.until("the first start", || {
        place.said().contains("everything is ready")
    });
    for name in ["postgresql", "rabbitmq"] {
        let record = place.record(name).unwrap();
        if name == "rabbitmq" {
            // With all it knew: queues, users, permissions.
            let state = place.state().unwrap();
            let servers = state["servers"]
                .as_str()
                .map_or_else(|| place.file("data"), PathBuf::from);
            fs::remove_dir_all(servers.join("rabbitmq/mnesia")).unwrap();
        }
        record.identity.signal(Signal::KILL).unwrap();
    }
    for name in ["postgresql", "rabbitmq"] {
        place.until(name, || {
            place
                .said()
                .lines()
                .any(|line| line.contains(name) && line.contains("is back"))
        });
        assert_eq!(place.record(name).unwrap().restarts, 1);
    }
    let secrets = fs::read_to_string(place.file("data/secrets.json")).unwrap();
    let secrets: serde_json::Value = serde_json::from_str(&secrets).unwrap();
    let ports = &place.state().unwrap()["ports"];
    let check = Command::new("psql")
        .arg(format!(
            "postgres://molar_tracks:{}@127.0.0.1:{}/molar",
            secrets["postgres"]["tracks"].as_str().unwrap(),
            ports["postgres"]
        ))
        .args(["-qtAc", "SELECT 1"])
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");

    up.signal(Signal::TERM);
    assert!(up.wait().success());
    assert_eq!(place.processes(), [""; 0]);
}

#[test]
fn a_wrong_password_is_refused() {
    if lacks("a_wrong_password_is_refused", &["postgres"]) {
        return;
    }
    let place = Place::new();
    let wrong = r#"psql "$(echo "$DATABASE_URL" | sed 's/:[^:@]*@/:wrong@/')" -c 'SELECT 1'"#;
    let status = place.up("postgres", Some(wrong)).wait();
    assert_eq!(status.code(), Some(2), "psql could not connect");
    assert!(
        place.said().contains("password authentication failed"),
        "{}",
        place.said()
    );
    assert_eq!(place.processes(), [""; 0]);
}

#[test]
fn a_second_signal_does_not_wait_for_anybody() {
    if lacks("a_second_signal_does_not_wait_for_anybody", &["postgres"]) {
        return;
    }
    let place = Place::new();
    let stubborn = format!(
        "trap 'touch {}' TERM INT; touch {}; while :; do sleep 0.2; done",
        place.file("asked").display(),
        place.file("started").display()
    );
    let up = place.up("postgres", Some(&stubborn));
    place.until("the command", || place.file("started").exists());
    up.signal(Signal::TERM);
    place.until("the first signal", || place.file("asked").exists());
    let asked_again = Instant::now();
    up.signal(Signal::TERM);
    assert!(!up.wait().success());
    assert!(asked_again.elapsed() < Duration::from_secs(10));
    assert_eq!(place.processes(), [""; 0]);
}

#[test]
fn containers_of_a_killed_engine_do_not_run_on() {
    let needs = ["dockerd", "docker", "busybox", "tar"];
    if lacks("containers_of_a_killed_engine_do_not_run_on", &needs)
        || !rustix::process::geteuid().is_root()
    {
        return;
    }
    let place = Place::new();
    let started = place.file("started");
    // A sleep as long as no other, to be found by.
    let seconds = 1_000_000_000 + u64::from(std::process::id());
    let start = format!(
        "tar -C $(dirname $(command -v busybox)) -c busybox | docker import - it && \
         docker run -d --network none it /busybox sleep {seconds} && touch {} && exec sleep 600",
        started.display()
    );
    let killed = place.up("docker", Some(&start));
    place.until("the container", || started.exists());
    let container = format!("sleep\0{seconds}\0");
    assert_eq!(running(&container), 1);
    killed.signal(Signal::KILL);
    killed.wait();
    place
        .record("docker")
        .unwrap()
        .identity
        .signal(Signal::KILL)
        .unwrap();
    let instance = place.state().unwrap()["instance"]
        .as_str()
        .unwrap()
        .to_owned();
    let sockets = Path::new("/run/molar").join(&instance).join("docker");
    let containerd = fs::read_to_string(sockets.join("exec/containerd/containerd.pid")).unwrap();
    // It may have gone with its engine already.
    if let Some(containerd) = Identity::of(containerd.trim().parse().unwrap()) {
        containerd.signal(Signal::KILL).unwrap();
    }
    assert_eq!(running(&container), 1, "a container outlives its engine");

    let status = place
        .up("docker", Some("docker info --format {{.Driver}}"))
        .wait();
    assert!(status.success(), "{}", place.said());
    assert_eq!(running(&container), 0);
    assert_eq!(
        running(&instance),
        0,
        "dockerd, containerd or a shim is still there"
    );
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(place.path().to_str().unwrap()), "{mounts}");
}

/// How many processes have this in their command line.
fn running(part: &str) -> usize {
    let lines = fs::read_dir("/proc").unwrap().flatten();
    let lines = lines.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(part))
        .count()
}
