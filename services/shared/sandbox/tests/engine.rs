//! Each limit against a real engine, with a container that tries it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[macro_use]
#[path = "common/bench.rs"]
mod bench;

use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bench::{Bench, socket};
use bollard::models::ContainerCreateBody;
use common::{Image, LAYOUTS, Tar, base_layer, script_layer};
use futures_util::TryStreamExt;
use molar_sandbox::collect::{CollectError, collect_output};
use molar_sandbox::image::{Limits, OpenLayer, StoredImage, StoredLayer, inspect_archive};
use molar_sandbox::{Engine, Error, Event, Finished, Labels, Outcome, Spec, host_config};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn script(text: &str) -> Image {
    Image::with_script(text)
}

fn log(finished: &Finished) -> String {
    finished.log.to_text()
}

against_docker! {
    async fn an_honest_run_writes_its_output(
        bench => script("cat /inputs/case.txt > /outputs/out.json; echo said; echo erred >&2")
    ) {
        let mut started = false;
        let mut heard = Vec::new();
        let events = |event: Event<'_>| match event {
            Event::Started => started = true,
            Event::Log(bytes) => heard.extend_from_slice(bytes),
        };
        let run = bench.engine.run(&bench.spec, CancellationToken::new(), events);
        let finished = run.await.unwrap();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert!(started);
        assert!(log(&finished).contains("said\n") && log(&finished).contains("erred\n"));
        assert_eq!(heard, log(&finished).as_bytes());
        let span = finished.finished_at.unwrap() - finished.started_at.unwrap();
        // Of what ends at once the engine may write down the end before the start; that took no time.
        let span = u64::try_from(span.num_milliseconds()).unwrap_or(0);
        assert_eq!(finished.wall_ms, span);
        let taken = collect_output(&bench.outputs(), "out.json", 100).unwrap();
        assert_eq!(taken.size, 8);
        assert_eq!(bench.containers().await, 0);
    }

    async fn an_exit_code_is_told(bench => script("echo x > /outputs/out; exit 3")) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 3 });
        assert!(collect_output(&bench.outputs(), "out", 100).is_ok());
    }

    async fn memory_beyond_the_limit_is_an_oom_kill(
        bench => script("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::OutOfMemory);
        assert!(finished.oom_killed);
    }

    async fn shared_memory_counts_as_memory_and_is_bounded(
        bench => script("cat /dev/zero > /dev/shm/bomb; ls -l /dev/shm; exit 4")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 4 });
        assert!(log(&finished).contains(" 16777216 "), "{}", log(&finished));
    }

    async fn who_ignores_sigterm_is_stopped_at_the_wall_limit(
        mut bench => script("trap '' TERM INT HUP; while true; do sleep 1; done")
    ) {
        bench.spec.wall_limit = Duration::from_secs(1);
        let before = Instant::now();
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::TimedOut);
        assert!((900..3000).contains(&finished.wall_ms), "{}", finished.wall_ms);
        assert!(before.elapsed() < Duration::from_secs(6));
    }

    async fn silence_ends_a_run_only_where_it_is_limited(
        mut bench => script("for i in 1 2 3 4; do echo $i; sleep 0.5; done; sleep 60")
    ) {
        bench.spec.silence_limit = Some(Duration::from_millis(1200));
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Silent);
        assert_eq!(log(&finished), "1\n2\n3\n4\n");
        assert!(finished.wall_ms > 2500, "{}", finished.wall_ms);
    }

    async fn a_flood_of_log_is_dropped_and_the_run_goes_on(
        mut bench => script("echo first; yes | head -c 60000000; echo last; echo x > /outputs/out")
    ) {
        bench.spec.log_bytes = 10_000;
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert_eq!(finished.log.head.len() + finished.log.tail.len(), 10_000);
        let text = log(&finished);
        assert!(text.starts_with("first\n") && text.ends_with("last\n"));
        assert_eq!(finished.log.dropped_bytes, 60_000_000 + 11 - 10_000);
        assert!(bench.outputs().join("out").exists());
    }

    async fn a_log_without_end_does_not_hold_up_the_end_of_a_run(mut bench => script("cat /dev/zero")) {
        bench.spec.wall_limit = Duration::from_secs(1);
        let before = Instant::now();
        assert_eq!(bench.run().await.outcome, Outcome::TimedOut);
        assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
    }

    async fn an_output_without_end_is_stopped(
        bench => script("cat /dev/zero > /outputs/bomb; sleep 60")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::OutputTooLarge);
    }

    async fn an_output_too_large_is_noticed_also_after_a_quick_end(
        bench => script("sleep 0.2; head -c 30000000 /dev/zero > /outputs/bomb")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::OutputTooLarge);
    }

    async fn a_file_system_without_end_is_stopped(
        bench => script("cat /dev/zero > /tmp/bomb; sleep 60")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::DiskFull);
    }

    async fn a_declared_volume_is_bounded_too(
        bench => script("cat /dev/zero > /data/bomb; sleep 60").process("Volumes", json!({"/data": {}}))
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::DiskFull);
    }

    async fn a_fork_bomb_meets_the_limit_of_processes(
        bench => script("i=0; while [ $i -lt 300 ]; do sleep 3 & i=$((i+1)); done; echo survived")
    ) {
        let finished = bench.run().await;
        assert_ne!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert!(log(&finished).contains("fork"), "{}", log(&finished));
    }

    async fn there_is_no_network(
        bench => script("ls /sys/class/net; cat /proc/net/route; nc -w 2 169.254.169.254 80 < /dev/null && echo reached; true")
    ) {
        let finished = bench.run().await;
        let text = log(&finished);
        assert!(text.contains("lo\n"), "{text}");
        assert!(!text.contains("reached") && !text.contains("eth0"), "{text}");
        assert!(text.contains("unreachable"), "{text}");
    }

    async fn there_are_no_capabilities_and_no_new_privileges(
        bench => script("grep -E 'Cap(Eff|Bnd|Prm)|NoNewPrivs|Seccomp:' /proc/self/status; id; mount -t tmpfs x /tmp || echo refused")
    ) {
        let text = log(&bench.run().await);
        assert_eq!(text.matches("0000000000000000").count(), 3, "{text}");
        assert!(text.contains("NoNewPrivs:\t1") && text.contains("Seccomp:\t2"), "{text}");
        assert!(text.contains("uid=0"), "{text}");
        assert!(text.contains("refused"), "{text}");
    }

    async fn the_input_cannot_be_written(
        bench => script("echo x > /inputs/new; echo x > /inputs/case.txt; mount -o remount,rw /inputs; echo x >> /inputs/case.txt; cat /inputs/case.txt >&2")
    ) {
        let text = log(&bench.run().await);
        assert!(text.contains("Read-only file system") && text.ends_with("the case"), "{text}");
        let inputs: Vec<_> = std::fs::read_dir(&bench.spec.inputs).unwrap().collect();
        assert_eq!(inputs.len(), 1);
    }

    async fn entrypoint_user_and_directory_are_the_images(
        bench => script("id -u; pwd; echo $MARK; echo x > /outputs/out && ls -n /outputs")
            .process("User", json!("algo"))
            .process("WorkingDir", json!("/opt/algorithm"))
            .process("Cmd", json!(["/bin/sh", "-c", "echo wrong"]))
            .process("Entrypoint", json!(["/bin/env", "MARK=kept"]))
    ) {
        let finished = bench.run().await;
        let text = log(&finished);
        assert!(text.starts_with("1000\n/opt/algorithm\nkept\n"), "{text}");
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
    }

    async fn an_entrypoint_that_is_not_there_is_the_images_fault(
        bench => script("true").process("Entrypoint", json!(["/nothing"]))
    ) {
        let outcome = bench.run().await.outcome;
        let Outcome::StartFailed(message) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("/nothing"), "{message}");
    }

    async fn a_user_that_is_not_there_is_the_images_fault(
        bench => script("true").process("User", json!("nobody-here"))
    ) {
        let outcome = bench.run().await.outcome;
        assert!(matches!(outcome, Outcome::StartFailed(_)), "{outcome:?}");
    }

    async fn a_gpu_that_the_engine_cannot_give_is_our_fault(mut bench => script("true")) {
        bench.spec.gpu = Some("0".into());
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::Start(_))), "{error:?}");
        bench.await_no_container().await;
    }

    async fn an_output_that_is_a_link_or_a_pipe_is_refused(
        bench => script("ln -s /etc/passwd /outputs/link; mkfifo /outputs/pipe; ln -s /inputs/case.txt /outputs/input")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::Finished { exit_code: 0 });
        for name in ["link", "pipe", "input"] {
            let error = collect_output(&bench.outputs(), name, 1000).unwrap_err();
            assert!(matches!(error, CollectError::NotAFile { .. }), "{name}: {error}");
        }
    }

    async fn a_cancel_stops_the_container_at_once(bench => script("sleep 60")) {
        let cancel = CancellationToken::new();
        let trigger = cancel.clone();
        let mut cancelled_at = None;
        let events = |event: Event<'_>| if let Event::Started = event {
            cancelled_at = Some(Instant::now());
            trigger.cancel();
        };
        let finished = bench.engine.run(&bench.spec, cancel, events).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Cancelled);
        assert!(cancelled_at.unwrap().elapsed() < Duration::from_secs(2));
        assert_eq!(bench.containers().await, 0);
    }

    async fn a_cancel_before_the_start_starts_nothing(bench => script("sleep 60")) {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let finished = bench.engine.run(&bench.spec, cancel, |_| {}).await.unwrap();
        assert_eq!((finished.outcome, finished.started_at), (Outcome::Cancelled, None));
        bench.await_no_container().await;
    }

    async fn a_run_that_is_dropped_leaves_no_container(bench => script("sleep 60")) {
        let (sender, started) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let events = move |_: Event<'_>| if let Some(sender) = sender.take() {
            sender.send(()).unwrap();
        };
        let run = Box::pin(bench.engine.run(&bench.spec, CancellationToken::new(), events));
        tokio::select! {
            _ = run => panic!("ended by itself"),
            _ = started => {}
        }
        bench.await_no_container().await;
    }

    async fn a_panic_in_the_middle_leaves_no_container(bench => script("sleep 60")) {
        let engine = bench.engine.clone();
        let spec = bench.spec.clone();
        let run = tokio::spawn(async move {
            let panics = |_: Event<'_>| panic!("on purpose");
            drop(Box::pin(engine.run(&spec, CancellationToken::new(), panics)).await);
        });
        assert!(run.await.unwrap_err().is_panic());
        bench.await_no_container().await;
    }

    async fn the_reaper_removes_only_what_is_not_live(bench => script("sleep 60")) {
        let create = |case_run: String| {
            let labels = [
                ("molar.submission", "s".to_owned()),
                ("molar.case_run", bench.spec.labels.case_run.clone()),
                ("molar.attempt", case_run),
            ];
            let body = ContainerCreateBody {
                image: Some(bench.spec.image.clone()),
                cmd: Some(vec!["/bin/sleep".into(), "60".into()]),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
                ..Default::default()
            };
            bench.docker.create_container(None, body)
        };
        let live = create("live".into()).await.unwrap().id;
        let dead = create("dead".into()).await.unwrap().id;
        bench.docker.start_container(&dead, None).await.unwrap();
        let mine = bench.spec.labels.case_run.clone();
        let is_live = |labels: &Labels| labels.case_run != mine || labels.attempt == "live";
        assert_eq!(bench.engine.reap(is_live).await.unwrap(), 1);
        assert_eq!(bench.containers().await, 1);
        assert_eq!(bench.engine.reap(|labels| labels.case_run != mine).await.unwrap(), 1);
        assert!(bench.docker.inspect_container(&live, None).await.is_err());
    }

    async fn the_reaper_leaves_a_run_in_hand_alone(bench => script("sleep 1")) {
        let (sender, started) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let events = move |event: Event<'_>| if let (Event::Started, Some(sender)) = (event, sender.take()) {
            sender.send(()).unwrap();
        };
        let run = Box::pin(bench.engine.run(&bench.spec, CancellationToken::new(), events));
        let reap = async {
            started.await.unwrap();
            let mine = bench.spec.labels.case_run.clone();
            bench.engine.reap(|labels| labels.case_run != mine).await
        };
        let (finished, reaped) = tokio::join!(run, reap);
        assert_eq!(reaped.unwrap(), 0);
        assert_eq!(finished.unwrap().outcome, Outcome::Finished { exit_code: 0 });
    }

    async fn a_created_container_asks_for_the_one_gpu_by_its_uuid(bench => script("true")) {
        let uuid = "GPU-00000000-0000-0000-0000-000000000000";
        let spec = Spec { gpu: Some(uuid.into()), ..bench.spec.clone() };
        let body = ContainerCreateBody {
            image: Some(spec.image.clone()),
            cmd: Some(vec!["/bin/true".into()]),
            host_config: Some(host_config(&spec, &[])),
            ..Default::default()
        };
        let id = bench.docker.create_container(None, body).await.unwrap().id;
        let created = bench.docker.inspect_container(&id, None).await.unwrap();
        bench.docker.remove_container(&id, None).await.unwrap();
        let requests = created.host_config.unwrap().device_requests.unwrap();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].device_ids, Some(vec![uuid.to_owned()]));
        assert_eq!(requests[0].count, Some(0), "by its id and not by number");
    }

    async fn cpu_and_memory_are_sampled_ten_times_a_second(
        bench => script("x=$(head -c 20000000 /dev/zero | yes | head -c 20000000); end=$(($(cat /proc/uptime | head -c 5 | grep -oE '^[0-9]+') + 0)); i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done")
    ) {
        let finished = bench.run().await;
        let usage = finished.usage;
        let expected = finished.wall_ms / 100;
        let count = usage.samples.len() as u64;
        assert!(count + 3 >= expected && count <= expected + 1, "{count} of {expected}");
        assert!(usage.samples.iter().any(|sample| sample.cpu_percent > 30.0));
        assert!(usage.peak_memory_bytes > 15_000_000, "{}", usage.peak_memory_bytes);
        assert_eq!(usage.gpu_area_mib_s, None);
    }

    async fn less_disk_than_the_floor_starts_nothing(mut bench => script("true")) {
        bench.spec.free_bytes = u64::MAX;
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::NoSpace(_))), "{error:?}");
        bench.await_no_container().await;
    }

    async fn tags_in_an_archive_are_not_honoured(bench => Image {
        tags: vec!["molar-tests/somebody-elses:latest".into()],
        ..script("echo tagged")
    }) {
        assert!(bench.engine.has_image(&bench.spec.image).await.unwrap());
        assert!(bench.engine.list_images().await.unwrap().contains(&bench.spec.image));
        let by_tag = bench.docker.inspect_image("molar-tests/somebody-elses:latest").await;
        assert!(by_tag.is_err());
        let image = bench.docker.inspect_image(&bench.spec.image).await.unwrap();
        assert_eq!(image.repo_tags.unwrap_or_default(), Vec::<String>::new());
    }

    async fn an_image_is_removed_by_digest_and_missed_by_a_run(bench => script("echo removed")) {
        assert!(bench.engine.remove_image(&bench.spec.image).await.unwrap());
        assert!(!bench.engine.has_image(&bench.spec.image).await.unwrap());
        assert!(bench.engine.remove_image(&bench.spec.image).await.unwrap());
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::NoImage(_))), "{error:?}");
    }
}

#[tokio::test]
async fn an_image_is_loaded_from_whatever_layout_it_is_saved_in() {
    let Some(socket) = socket("an_image_is_loaded_from_whatever_layout_it_is_saved_in") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let image = script(&format!("echo from layout {number}"));
        let archive = Cursor::new(layout(&image));
        engine.load(archive, &image.digest()).await.unwrap();
        assert!(engine.has_image(&image.digest()).await.unwrap(), "{number}");
        engine.remove_image(&image.digest()).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_engine_itself_saves_has_the_same_digest() {
    let Some(socket) = socket("what_the_engine_itself_saves_has_the_same_digest") else {
        return;
    };
    let bench = Bench::new(&socket, &script("echo saved again")).await;
    let saved: Vec<_> = bench
        .docker
        .export_image(&bench.spec.image)
        .try_collect()
        .await
        .unwrap();
    let facts = inspect_archive(&saved.concat()[..], &Limits::default()).unwrap();
    assert_eq!(facts.image_digest, bench.spec.image);
    assert_eq!(facts.layers.len(), 2);
}

#[tokio::test]
async fn a_layer_saved_as_a_link_is_loaded() {
    let Some(socket) = socket("a_layer_saved_as_a_link_is_loaded") else {
        return;
    };
    let twin = Tar::new().file("twin", 0o644, b"x").finish();
    let image = Image::of(vec![twin.clone(), base_layer(), script_layer("true"), twin]);
    let engine = Engine::connect(&socket).await.unwrap();
    engine
        .load(Cursor::new(image.build().archive), &image.digest())
        .await
        .unwrap();
}

fn stored_image(image: &Image) -> StoredImage {
    let layer = |layer: &Vec<u8>| StoredLayer {
        diff_id: format!("sha256:{}", common::sha256(layer)),
        size_bytes: common::gzip(layer).len() as u64,
        sha256: common::sha256(&common::gzip(layer)),
    };
    StoredImage {
        digest: image.digest(),
        config: serde_json::to_vec(&image.config).unwrap(),
        layers: image.layers.iter().map(layer).collect(),
    }
}

/// Opens the layers, and says which were.
fn opener(image: &Image) -> (OpenLayer, Arc<Mutex<Vec<usize>>>) {
    let layers: Vec<_> = image
        .layers
        .iter()
        .map(|layer| common::gzip(layer))
        .collect();
    let opened = Arc::new(Mutex::new(Vec::new()));
    let noted = opened.clone();
    let open: OpenLayer = Arc::new(move |index| {
        noted.lock().unwrap().push(index);
        Ok(Box::new(Cursor::new(layers[index].clone())))
    });
    (open, opened)
}

#[tokio::test]
async fn only_the_layers_that_the_engine_lacks_are_asked_for() {
    let Some(socket) = socket("only_the_layers_that_the_engine_lacks_are_asked_for") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let base = Tar::new().file("base-of-two", 0o644, b"x").finish();
    let of = |top: &str| Image::of(vec![base.clone(), base_layer(), script_layer(top)]);
    let (first, second) = (of("echo one"), of("echo two"));
    let (open, opened) = opener(&first);
    assert_eq!(
        engine
            .load_layers(stored_image(&first), open)
            .await
            .unwrap(),
        0
    );
    assert_eq!(*opened.lock().unwrap(), [0, 1, 2]);

    let (open, opened) = opener(&second);
    assert_eq!(
        engine
            .load_layers(stored_image(&second), open)
            .await
            .unwrap(),
        2
    );
    assert_eq!(*opened.lock().unwrap(), [2]);
    assert!(engine.has_image(&second.digest()).await.unwrap());

    // The layers stay for as long as an image needs them.
    engine.remove_image(&first.digest()).await.unwrap();
    let bench = Bench::new(&socket, &second).await;
    assert_eq!(
        bench.run().await.outcome,
        Outcome::Finished { exit_code: 0 }
    );
    engine.remove_image(&second.digest()).await.unwrap();
    let (open, _) = opener(&second);
    assert_eq!(
        engine
            .load_layers(stored_image(&second), open)
            .await
            .unwrap(),
        0
    );
    engine.remove_image(&second.digest()).await.unwrap();
}

#[tokio::test]
async fn an_image_with_the_same_layer_twice_is_loaded_from_one_file() {
    let Some(socket) = socket("an_image_with_the_same_layer_twice_is_loaded_from_one_file") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let twin = Tar::new().file("twin-of-stored", 0o644, b"x").finish();
    let image = Image::of(vec![twin.clone(), script_layer("true"), twin]);
    let (open, opened) = opener(&image);
    engine
        .load_layers(stored_image(&image), open)
        .await
        .unwrap();
    assert_eq!(*opened.lock().unwrap(), [0, 1]);
    engine.remove_image(&image.digest()).await.unwrap();
}

#[tokio::test]
async fn a_stored_layer_that_is_not_what_it_should_be_is_not_loaded() {
    let Some(socket) = socket("a_stored_layer_that_is_not_what_it_should_be_is_not_loaded") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let (image, other) = (script("echo stored"), script("echo swapped"));
    let (open, _) = opener(&other);
    let error = engine.load_layers(stored_image(&image), open).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    let cut: OpenLayer = Arc::new(|_| Ok(Box::new(Cursor::new(vec![1, 2, 3]))));
    let error = engine.load_layers(stored_image(&image), cut).await;
    assert!(error.is_err());
    assert!(!engine.has_image(&image.digest()).await.unwrap());
}

#[tokio::test]
async fn an_archive_of_another_image_is_noticed() {
    let Some(socket) = socket("an_archive_of_another_image_is_noticed") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let built = script("echo other").build();
    let expected = format!("sha256:{}", common::sha256(b"expected"));
    let error = engine.load(Cursor::new(built.archive), &expected).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    assert!(!engine.has_image(&built.digest).await.unwrap());
}

#[tokio::test]
async fn a_torn_archive_is_not_loaded() {
    let Some(socket) = socket("a_torn_archive_is_not_loaded") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let built = script("echo torn").build();
    let torn = built.archive[..built.archive.len() / 2].to_vec();
    let error = engine.load(Cursor::new(torn), &built.digest).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    assert!(!engine.has_image(&built.digest).await.unwrap());
}

#[tokio::test]
async fn the_engine_tells_what_it_is() {
    let Some(socket) = socket("the_engine_tells_what_it_is") else {
        return;
    };
    let info = Engine::connect(&socket)
        .await
        .unwrap()
        .info()
        .await
        .unwrap();
    assert!(info.runtimes.iter().any(|name| name == "runc"), "{info:?}");
    assert!(info.ncpu > 0 && info.memory_bytes > 0 && !info.version.is_empty());
}

#[tokio::test]
async fn no_engine_is_an_error_at_once() {
    let before = Instant::now();
    assert!(Engine::connect("/nowhere/docker.sock").await.is_err());
    assert!(before.elapsed() < Duration::from_secs(1));
}
