//! One image and what a run of it needs, on a real engine.

#![allow(dead_code, unused_macros, reason = "tests, of which each uses a part")]

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptions;
use molar_sandbox::image::{Limits, inspect_archive};
use molar_sandbox::{Engine, Finished, Labels, Spec, clear};
use tokio_util::sync::CancellationToken;

use crate::common::Image;

/// Of `/outputs`, and of everything else.
pub const BUDGET: u64 = 20 << 20;

pub fn socket(test: &str) -> Option<String> {
    let socket = std::env::var("MOLAR_TEST_DOCKER").ok();
    if socket.is_none() {
        // Not `eprintln`, which the test harness would keep to itself.
        let line = format!("SKIPPED docker: {test}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    socket
}

/// One loaded image with its input and output folders.
pub struct Bench {
    pub engine: Engine,
    pub docker: Docker,
    pub spec: Spec,
    /// Removed with the bench.
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new(socket: &str, image: &Image) -> Self {
        let engine = Engine::connect(socket).await.unwrap();
        let built = image.build();
        let facts = inspect_archive(&built.archive[..], &Limits::default()).unwrap();
        assert_eq!(facts.image_digest, built.digest);
        engine
            .load(Cursor::new(built.archive), &built.digest)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let inputs = folder.path().join("in");
        std::fs::create_dir(&inputs).unwrap();
        let room = engine
            .open_room(&folder.path().join("room"), 2 * BUDGET)
            .await
            .unwrap();
        std::fs::write(inputs.join("case.txt"), "the case").unwrap();
        let labels = Labels {
            submission: "s".into(),
            attempt: "a".into(),
            case_run: uuid::Uuid::new_v4().to_string(),
            worker: "test".into(),
        };
        let spec = Spec {
            memory_bytes: 64 << 20,
            shm_bytes: 16 << 20,
            pids: 64,
            wall_limit: Duration::from_secs(20),
            output_bytes: BUDGET,
            layer_bytes: BUDGET,
            free_bytes: 100 << 20,
            ..Spec::sts2024_defaults(&built.digest, labels, inputs, room)
        };
        let docker = Docker::connect_with_unix(socket, 20, bollard::API_DEFAULT_VERSION).unwrap();
        let docker = docker.negotiate_version().await.unwrap();
        Self {
            engine,
            docker,
            spec,
            folder,
        }
    }

    pub async fn run(&self) -> Finished {
        let finished = self
            .engine
            .run(&self.spec, CancellationToken::new(), |_| {})
            .await
            .unwrap();
        assert_eq!(self.containers().await, 0, "the container stayed");
        finished
    }

    pub fn outputs(&self) -> PathBuf {
        self.spec.room.outputs()
    }

    /// Those of this bench's case run.
    pub async fn containers(&self) -> usize {
        let label = format!("molar.case_run={}", self.spec.labels.case_run);
        let options = ListContainersOptions {
            all: true,
            filters: Some([("label".to_owned(), vec![label])].into()),
            ..Default::default()
        };
        self.docker
            .list_containers(Some(options))
            .await
            .unwrap()
            .len()
    }

    pub async fn await_no_container(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.containers().await > 0 {
            assert!(Instant::now() < deadline, "the container stayed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let cleared = clear(self.folder.path());
        assert!(std::thread::panicking() || cleared.is_ok(), "{cleared:?}");
    }
}

/// Declares a test that runs one script, or prints that it was skipped.
macro_rules! against_docker {
    ($(async fn $name:ident($bench:pat_param => $image:expr) $body:block)*) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(socket) = bench::socket(stringify!($name)) else { return };
            let $bench = bench::Bench::new(&socket, &$image).await;
            $body
        }
    )*};
}
