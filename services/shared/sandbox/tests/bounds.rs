//! What a container writes, wherever it writes it, costs its own run and no disk of the host.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[macro_use]
#[path = "common/bench.rs"]
mod bench;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bench::Bench;
use bollard::query_parameters::ListVolumesOptions;
use common::{Image, Tar, base_layer, script_layer};
use molar_sandbox::collect::collect_output;
use molar_sandbox::{Engine, Event, Finished, Outcome, Room, Spec, clear};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Far beyond the budget of 20 MiB.
const BOMB: &str = "4294967296";
/// Far below the bomb, and more than whatever else this machine does meanwhile.
const NOISE: u64 = 1 << 30;

fn script(text: &str) -> Image {
    Image::with_script(text)
}

fn fallocate(path: &str) -> Image {
    script(&format!("fallocate -l {BOMB} {path}; sleep 60"))
}

fn with_volume(image: Image) -> Image {
    image.process("Volumes", json!({"/data": {}}))
}

/// Of a path's disk, the least that was free while somebody looked.
struct FreeSpace {
    at_first: u64,
    stop: Arc<AtomicBool>,
    least: JoinHandle<u64>,
}

fn free(place: &Path) -> u64 {
    let stat = rustix::fs::statvfs(place).unwrap();
    stat.f_bavail * stat.f_frsize
}

impl FreeSpace {
    fn watch(place: PathBuf) -> Self {
        let at_first = free(&place);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let least = std::thread::spawn(move || {
            let mut least = u64::MAX;
            while !stopped.load(Ordering::Relaxed) {
                least = least.min(free(&place));
                std::thread::sleep(Duration::from_millis(10));
            }
            least
        });
        Self {
            at_first,
            stop,
            least,
        }
    }

    fn fallen_by(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.at_first.saturating_sub(self.least.join().unwrap())
    }
}

async fn root(engine: &Engine) -> PathBuf {
    engine.info().await.unwrap().root_dir.into()
}

/// Runs, watching the disk of the engine and of the room.
async fn explode(bench: &Bench) -> Finished {
    assert!(bench.spec.room.is_bounded(), "no file system of its own");
    let disks = [root(&bench.engine).await, bench.folder.path().to_owned()];
    let disks = disks.map(FreeSpace::watch);
    let before = Instant::now();
    let finished = bench.run().await;
    assert!(before.elapsed() < Duration::from_secs(15), "not noticed");
    for disk in disks {
        let fallen = disk.fallen_by();
        assert!(fallen < NOISE, "the host's disk lost {fallen} bytes");
    }
    finished
}

/// Mounts, loop devices, volumes and links of this bench.
async fn traces(bench: &Bench) -> Vec<String> {
    let folder = bench.folder.path().to_string_lossy().into_owned();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut traces: Vec<_> = mounts.lines().map(str::to_owned).collect();
    for device in std::fs::read_dir("/sys/block").unwrap() {
        let file = device.unwrap().path().join("loop/backing_file");
        traces.extend(std::fs::read_to_string(file));
    }
    let volumes = bench.docker.list_volumes(None::<ListVolumesOptions>).await;
    for volume in volumes.unwrap().volumes.unwrap_or_default() {
        traces.extend(volume.options.into_values());
    }
    for layer in std::fs::read_dir(root(&bench.engine).await.join("overlay2")).unwrap() {
        let link = std::fs::read_link(layer.unwrap().path().join("diff"));
        traces.extend(link.map(|link| link.to_string_lossy().into_owned()));
    }
    traces.retain(|trace| trace.contains(&folder));
    traces
}

async fn await_no_trace(bench: &Bench) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let traces = traces(bench).await;
        if traces.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{traces:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

against_docker! {
    async fn one_call_for_four_gigabytes_takes_nothing_from_the_host(bench => fallocate("/bomb")) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn the_same_in_the_folder_for_temporary_files(bench => fallocate("/tmp/bomb")) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn the_same_in_a_declared_volume(bench => with_volume(fallocate("/data/bomb"))) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn the_same_in_the_output(bench => fallocate("/outputs/bomb")) {
        assert_eq!(explode(&bench).await.outcome, Outcome::OutputTooLarge);
    }

    async fn the_same_in_each_file_that_the_engine_mounts_into_etc(
        bench => script(&format!("for name in hosts hostname resolv.conf; do fallocate -l {BOMB} /etc/$name; done; sleep 60"))
    ) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn the_names_of_hosts_written_without_end(bench => script("cat /dev/zero > /etc/hosts; sleep 60")) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn a_file_that_has_no_name_any_more(
        bench => script("exec 3> /tmp/bomb; rm /tmp/bomb; cat /dev/zero >&3; sleep 60")
    ) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn files_without_number(
        bench => script("mkdir /many; i=0; while : > /many/$i; do i=$((i+1)); done; sleep 60")
    ) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn a_bomb_and_a_quick_end(bench => script(&format!("sleep 0.2; fallocate -l {BOMB} /bomb; exit 0"))) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn an_image_whose_volume_does_not_fit(
        bench => with_volume(Image::of(vec![
            base_layer(),
            script_layer("true"),
            Tar::new().file("data/large", 0o644, &vec![7; 64 << 20]).finish(),
        ]))
    ) {
        assert_eq!(explode(&bench).await.outcome, Outcome::DiskFull);
    }

    async fn a_volume_at_a_path_that_is_none_is_the_images_fault(
        bench => script("true").process("Volumes", json!({"data": {}}))
    ) {
        let outcome = bench.run().await.outcome;
        assert!(matches!(outcome, Outcome::StartFailed(_)), "{outcome:?}");
    }

    async fn who_stays_just_below_the_budget_passes(
        bench => with_volume(script(
            "set -e; for place in /tmp /data /new/folder /; do head -c 5000000 /dev/zero > $place/part; done; \
             head -c 20000000 /dev/zero > /outputs/out; touch -c /dev/shm/none; fallocate -l 16000000 /dev/shm/part"
        )).process("WorkingDir", json!("/new/folder"))
    ) {
        let finished = explode(&bench).await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 }, "{}", finished.log.to_text());
        assert_eq!(collect_output(&bench.outputs(), "out", 20_000_000).unwrap().size, 20_000_000);
    }

    async fn what_the_image_has_is_there_and_can_be_changed(
        bench => with_volume(Image::of(vec![
            base_layer(),
            Tar::new()
                .file("data/model", 0o600, b"weights")
                .file("home/algo/cache/old", 0o644, b"old")
                .file("home/algo/moved", 0o644, b"moved")
                .finish(),
            script_layer(
                "set -e; pwd; cat /data/model; ls -n /data; \
                 rm -r /home/algo/cache; mkdir /home/algo/cache; ls /home/algo/cache; mv /home/algo/moved /tmp; cat /tmp/moved; \
                 cat /etc/hostname; echo 10.0.0.1 other >> /etc/hosts; cat /etc/hosts"
            ),
        ])).process("WorkingDir", json!("/home/algo/made"))
    ) {
        let finished = bench.run().await;
        let text = finished.log.to_text();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 }, "{text}");
        assert!(text.starts_with("/home/algo/made\nweights"), "{text}");
        assert!(text.contains("-rw-------    1 0        0                7"), "{text}");
        assert!(!text.contains("old") && text.contains("movedcase\n127.0.0.1\tlocalhost"), "{text}");
        assert!(text.ends_with("10.0.0.1 other\n"), "{text}");
    }

    async fn a_sparse_file_larger_than_the_budget_is_no_offence(
        bench => script("dd if=/dev/zero of=/tmp/sparse bs=1 count=1 seek=100000000000 2>&1")
    ) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 }, "{}", finished.log.to_text());
    }

    async fn nothing_stays_of_a_room_that_was_cleared(bench => with_volume(fallocate("/data/bomb"))) {
        assert!(!traces(&bench).await.is_empty());
        bench.run().await;
        clear(bench.folder.path()).unwrap();
        assert!(!bench.folder.path().exists());
        await_no_trace(&bench).await;
    }

    async fn nothing_stays_of_a_run_that_was_dropped(bench => with_volume(script("sleep 60"))) {
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
        clear(bench.folder.path()).unwrap();
        bench.await_no_container().await;
        await_no_trace(&bench).await;
    }

    async fn in_a_plain_folder_each_place_is_looked_at(
        mut bench => with_volume(script(
            "case $(cat /inputs/case.txt) in 1) cat /dev/zero > /outputs/x;; 2) cat /dev/zero > /x;; \
             3) cat /dev/zero > /data/x;; 4) cat /dev/zero > /etc/hosts;; esac; sleep 60"
        ))
    ) {
        let expected = [Outcome::OutputTooLarge, Outcome::DiskFull, Outcome::DiskFull, Outcome::DiskFull];
        for (place, expected) in (1..).zip(expected) {
            let folder = bench.folder.path().join(format!("plain-{place}"));
            let room = Room::plain(&folder).unwrap();
            std::fs::write(bench.spec.inputs.join("case.txt"), place.to_string()).unwrap();
            bench.spec = Spec { room, ..bench.spec.clone() };
            assert_eq!(bench.run().await.outcome, expected, "place {place}");
        }
    }
}
