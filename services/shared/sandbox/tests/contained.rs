//! A worker that is itself in a container of the engine that it drives.
//!
//! It needs the engine's socket, its data folder and its own work folder at the same paths with their
//! mounts shared, the host's processes (to see who listens on the socket) and the right to mount.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "common/bench.rs"]
mod bench;
mod common;

use std::time::{Duration, Instant};

use bench::{Bench, socket};
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::LogsOptions;
use common::Image;
use futures_util::StreamExt;
use molar_sandbox::{Engine, Outcome};

/// Set inside: which of the two halves is to run.
const INSIDE: &str = "MOLAR_TEST_INSIDE";

/// What a program of this host needs to run, so that no image has to be built for it.
const SYSTEM: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"];

struct Outside {
    docker: Docker,
    socket: String,
    data: String,
    image: String,
    /// Seen inside at the same path.
    work: tempfile::TempDir,
}

impl Outside {
    async fn new(socket: &str) -> Self {
        let bench = Bench::new(socket, &Image::with_script("true")).await;
        let work = tempfile::tempdir().unwrap();
        share(work.path());
        Self {
            docker: bench.docker.clone(),
            socket: socket.to_owned(),
            data: bench.engine.info().await.unwrap().root_dir,
            image: bench.spec.image.clone(),
            work,
        }
    }

    fn mounts(&self, propagation: &str) -> Vec<String> {
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().display();
        let mut mounts = vec![
            format!("{program}:{program}:ro"),
            format!("{0}:{0}", self.socket),
            format!("{0}:{0}:{propagation}", self.data),
            format!("{0}:{0}:{propagation}", self.work.path().display()),
        ];
        mounts.extend(SYSTEM.map(|path| format!("{path}:{path}:ro")));
        mounts
    }

    /// Runs this program again, inside, and returns what it printed if it failed.
    async fn run(&self, test: &str, host: HostConfig) -> Result<(), String> {
        let work = self.work.path().display();
        let body = ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: Some(vec![std::env::current_exe().unwrap().display().to_string()]),
            cmd: Some(vec![test.into(), "--exact".into(), "--nocapture".into()]),
            env: Some(vec![
                format!("{INSIDE}=1"),
                format!("MOLAR_TEST_DOCKER={}", self.socket),
                format!("TMPDIR={work}"),
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin".into(),
            ]),
            host_config: Some(HostConfig {
                network_mode: Some("none".into()),
                userns_mode: Some("host".into()),
                ..host
            }),
            ..Default::default()
        };
        let id = self.docker.create_container(None, body).await.unwrap().id;
        self.docker.start_container(&id, None).await.unwrap();
        let code = self.exit_code(&id).await;
        let said = self.said(&id).await;
        self.docker.remove_container(&id, None).await.unwrap();
        match code {
            0 => Ok(()),
            code => Err(format!("exit code {code}\n{said}")),
        }
    }

    async fn exit_code(&self, id: &str) -> i64 {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let found = self.docker.inspect_container(id, None).await.unwrap();
            let state = found.state.unwrap();
            if state.running == Some(false) {
                return state.exit_code.unwrap();
            }
            assert!(Instant::now() < deadline, "{}", self.said(id).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn said(&self, id: &str) -> String {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            ..Default::default()
        };
        let lines = self.docker.logs(id, Some(options));
        let lines = lines.map(|line: Result<LogOutput, _>| line.unwrap().to_string());
        lines.collect().await
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        rustix::mount::unmount(self.work.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    }
}

/// What is mounted below it later is seen in every name space that has it.
fn share(folder: &std::path::Path) {
    rustix::mount::mount_bind(folder, folder).unwrap();
    let shared = rustix::mount::MountPropagationFlags::SHARED;
    rustix::mount::mount_change(folder, shared).unwrap();
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// What a worker in here does all day.
async fn run_cases(is_bounded: bool) {
    let socket = std::env::var("MOLAR_TEST_DOCKER").unwrap();
    let honest = Image::with_script("cat /inputs/case.txt > /outputs/out.json; sleep 0.3");
    let bench = Bench::new(&socket, &honest).await;
    assert!(bench.engine.is_here().await.unwrap());
    assert_eq!(bench.spec.room.is_bounded(), is_bounded);
    let finished = bench.run().await;
    assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
    assert_eq!(
        std::fs::read(bench.outputs().join("out.json")).unwrap(),
        b"the case"
    );
    let bomb = Image::with_script("cat /dev/zero > /outputs/x; cat /dev/zero > /x; sleep 60");
    let outcome = Bench::new(&socket, &bomb).await.run().await.outcome;
    let is_stopped = matches!(outcome, Outcome::OutputTooLarge | Outcome::DiskFull);
    assert!(is_stopped, "{outcome:?}");
}

#[tokio::test]
async fn a_worker_in_a_container_gives_its_cases_rooms() {
    let test = "a_worker_in_a_container_gives_its_cases_rooms";
    if is_inside() {
        return run_cases(true).await;
    }
    let Some(socket) = socket(test) else { return };
    let outside = Outside::new(&socket).await;
    let mut binds = outside.mounts("rshared");
    binds.push("/dev:/dev".into());
    let host = HostConfig {
        // To mount, and to see the mounts of the engine's process. `--privileged` would do as well.
        cap_add: Some(vec!["SYS_ADMIN".into(), "SYS_PTRACE".into()]),
        security_opt: Some(vec!["apparmor=unconfined".into()]),
        // Loop devices.
        device_cgroup_rules: Some(vec!["b 7:* rwm".into(), "c 10:237 rwm".into()]),
        pid_mode: Some("host".into()),
        binds: Some(binds),
        ..Default::default()
    };
    outside.run(test, host).await.unwrap();
}

#[tokio::test]
async fn a_worker_in_a_container_that_may_not_mount_looks_at_what_is_written() {
    let test = "a_worker_in_a_container_that_may_not_mount_looks_at_what_is_written";
    if is_inside() {
        return run_cases(false).await;
    }
    let Some(socket) = socket(test) else { return };
    let outside = Outside::new(&socket).await;
    let host = HostConfig {
        pid_mode: Some("host".into()),
        binds: Some(outside.mounts("rslave")),
        ..Default::default()
    };
    outside.run(test, host).await.unwrap();
}

#[tokio::test]
async fn an_engine_whose_folder_is_not_here_is_told_from_ours() {
    let test = "an_engine_whose_folder_is_not_here_is_told_from_ours";
    if is_inside() {
        let socket = std::env::var("MOLAR_TEST_DOCKER").unwrap();
        let engine = Engine::connect(socket).await.unwrap();
        assert!(!engine.is_here().await.unwrap());
        return;
    }
    let Some(socket) = socket(test) else { return };
    let outside = Outside::new(&socket).await;
    let mut binds = outside.mounts("rslave");
    binds.retain(|bind| !bind.starts_with(&outside.data));
    let host = HostConfig {
        binds: Some(binds),
        ..Default::default()
    };
    outside.run(test, host).await.unwrap();
}
