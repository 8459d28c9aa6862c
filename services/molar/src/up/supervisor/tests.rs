use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::*;
use crate::up::process::{self, MARK};
use crate::up::{Ready, Record};

async fn supervisor(place: &Path) -> Supervisor {
    let folder = Arc::new(DataFolder::open(place).unwrap());
    Supervisor::new(folder, Terminal::new(), Shutdown::default())
        .await
        .unwrap()
}

fn shell(name: &str, script: &str) -> Child {
    Child::new(name, Tier::Role, "/bin/sh").args(["-c", script])
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_killed_child_comes_back_and_is_counted() {
    let place = tempfile::tempdir().unwrap();
    let up = supervisor(place.path()).await;
    up.start(shell("one", "sleep 60; true")).await.unwrap();
    let first = up.identity("one").unwrap();
    first.signal(Signal::KILL).unwrap();
    until(|| up.identity("one").is_some_and(|now| now != first)).await;
    assert_eq!(up.restarts()["one"], 1);

    up.stop().await;
    let mark = format!("{}/", up.folder().instance());
    assert_eq!(
        process::find_marked(&mark, None),
        [],
        "the first shell's sleep went as well"
    );
}

#[tokio::test]
async fn tiers_stop_from_the_front_down() {
    let place = tempfile::tempdir().unwrap();
    let up = supervisor(place.path()).await;
    let ended = place.path().join("ended");
    for (name, tier) in [
        ("server", Tier::Server),
        ("front", Tier::Front),
        ("role", Tier::Role),
    ] {
        let script = format!(
            "trap 'echo {name} >> {}; exit' TERM; while :; do sleep 0.05; done",
            ended.display()
        );
        let set = place.path().join(name);
        let script = format!("touch {}; {script}", set.display());
        up.start(Child {
            tier,
            ..shell(name, &script)
        })
        .await
        .unwrap();
        until(|| set.exists()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    up.stop().await;
    assert_eq!(fs::read_to_string(ended).unwrap(), "front\nrole\nserver\n");
    assert_eq!(fs::read_dir(place.path().join("run")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_child_that_ends_before_it_is_ready_is_an_error_with_its_log() {
    let place = tempfile::tempdir().unwrap();
    let up = supervisor(place.path()).await;
    let never = Ready::Tcp(([127, 0, 0, 1], 1).into());
    let child = shell("one", "echo no such luck; exit 3").ready(never, Duration::from_secs(9));
    let error = format!("{:#}", up.start(child).await.unwrap_err());
    assert!(
        error.contains("no such luck") && error.contains("status 3"),
        "{error}"
    );
    assert!(up.restarts().is_empty());
}

#[tokio::test]
async fn a_stubborn_child_is_killed_after_its_grace() {
    let place = tempfile::tempdir().unwrap();
    let up = supervisor(place.path()).await;
    let child = shell("one", "trap '' TERM; while :; do sleep 1; done")
        .stop(Signal::TERM, Duration::from_millis(300));
    up.start(child).await.unwrap();
    let identity = up.identity("one").unwrap();
    up.stop().await;
    assert!(!identity.is_alive());
}

#[tokio::test]
async fn the_successor_of_a_killed_supervisor_ends_what_it_left_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(place.path()).unwrap();
    let mark = format!("{}/one;", folder.instance());
    let mut left = std::process::Command::new("sleep")
        .arg("60")
        .env(MARK, mark)
        .spawn()
        .unwrap();
    let mut stranger = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let identity = Identity::of(left.id() as i32).unwrap();
    let reused = Identity {
        started: 1,
        ..Identity::of(stranger.id() as i32).unwrap()
    };
    for (name, identity) in [("one", &identity), ("two", &reused)] {
        let record = Record {
            name: name.to_owned(),
            identity: identity.clone(),
            tier: Tier::Role,
            restarts: 0,
            stop_signal: Signal::TERM.as_raw(),
            grace_s: 1,
            trace: None,
        };
        let text = serde_json::to_string(&record).unwrap();
        fs::write(folder.run_file(name), text).unwrap();
    }
    drop(folder);

    supervisor(place.path()).await;
    left.wait().unwrap();
    assert!(
        stranger.try_wait().unwrap().is_none(),
        "a reused pid must be left alone"
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_child_sees_nothing_of_our_environment_but_the_list() {
    let place = tempfile::tempdir().unwrap();
    let up = supervisor(place.path()).await;
    let out = place.path().join("env");
    let script = format!("env > {0}.new; mv {0}.new {0}; sleep 60", out.display());
    up.start(shell("one", &script).env("GIVEN", "yes"))
        .await
        .unwrap();
    until(|| out.exists()).await;
    up.stop().await;
    let seen = fs::read_to_string(out).unwrap();
    assert!(seen.contains("GIVEN=yes"));
    assert!(
        !seen.contains("CARGO_MANIFEST_DIR"),
        "set by cargo for this test: {seen}"
    );
}
