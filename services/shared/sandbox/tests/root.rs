//! Root in a container is never the host's root.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[macro_use]
#[path = "common/bench.rs"]
mod bench;
#[path = "common/plain.rs"]
mod plain;

use bench::Bench;
use common::{Image, Tar, base_layer, script_layer};
use molar_sandbox::{Error, Finished, Outcome};
use plain::PlainEngine;
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn run_by(user: &str) -> Image {
    Image::with_script("id -u; cat /proc/self/uid_map").process("User", json!(user))
}

async fn run(bench: &Bench) -> Result<Finished, Error> {
    let run = (bench.engine).run(&bench.spec, CancellationToken::new(), |_| {});
    let finished = run.await;
    assert_eq!(bench.containers().await, 0, "the container stayed");
    finished
}

async fn is_refused(socket: &str, image: &Image) -> bool {
    matches!(
        run(&Bench::new(socket, image).await).await,
        Err(Error::RootImage)
    )
}

against_docker! {
    async fn the_engine_of_the_tests_makes_root_somebody_else_outside(bench => run_by("root")) {
        assert!(bench.engine.keeps_root_out(None));
        let finished = run(&bench).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        let log = finished.log.to_text();
        let mut words = log.split_whitespace();
        assert_eq!((words.next(), words.next()), (Some("0"), Some("0")), "{log}");
        assert_ne!(words.next(), Some("0"), "{log}");
    }

    async fn a_root_file_system_can_be_read_only(
        mut bench => Image::with_script(
            "touch /x /tmp/x /opt/x && exit 1; touch /dev/shm/x && echo {} > /outputs/out.json"
        )
    ) {
        bench.spec.is_root_read_only = true;
        let finished = run(&bench).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 }, "{}", finished.log.to_text());
        assert!(bench.outputs().join("out.json").exists());
    }
}

#[tokio::test]
async fn an_engine_that_would_give_root_the_host_runs_no_image_as_root() {
    if bench::socket("an_engine_that_would_give_root_the_host_runs_no_image_as_root").is_none() {
        return;
    }
    let engine = PlainEngine::start().await;
    let socket = engine.socket().display().to_string();
    for user in ["", "0", "root", "00:1000", "+0"] {
        assert!(is_refused(&socket, &run_by(user)).await, "{user}");
    }
    let passwd = |text: &str| {
        let layer = Tar::new().file("etc/passwd", 0o644, text.as_bytes());
        let layers = vec![base_layer(), script_layer("id -u"), layer.finish()];
        Image::of(layers).process("User", json!("algo"))
    };
    let toor = passwd("algo:x:0:1000::/:/bin/sh\nalgo:x:1000:1000::/:/bin/sh\n");
    assert!(is_refused(&socket, &toor).await);
    assert!(is_refused(&socket, &passwd("algo:x:one:1000::/:/bin/sh\n")).await);
    assert!(is_refused(&socket, &passwd(&"#".repeat(2 << 20))).await);

    for (user, uid) in [("algo", "1000"), ("1000:0", "1000"), ("7", "7")] {
        let bench = Bench::new(&socket, &run_by(user)).await;
        assert!(!bench.engine.keeps_root_out(None));
        let finished = run(&bench).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        let log = finished.log.to_text();
        assert!(log.starts_with(&format!("{uid}\n")), "{log}");
    }
    // Who built it may run it on their own machine.
    let mut own = Bench::new(&socket, &run_by("root")).await;
    own.engine = own.engine.clone().trusting_root();
    let finished = run(&own).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });

    let nobody = run(&Bench::new(&socket, &passwd("root:x:0:0::/:\n")).await).await;
    assert!(matches!(nobody.unwrap().outcome, Outcome::StartFailed(_)));
}
