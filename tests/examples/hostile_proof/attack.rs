//! One image without what holds it, and a sentence on what came of it.

use std::path::Path;
use std::time::{Duration, Instant};

use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use molar_tests::hostile::{Case, INPUT, PREDICTION, Without, all, build, tag};

use crate::container::{Container, Seen};
use crate::host::{BOMB, DISK, Host};
use crate::neighbour::Neighbour;
use crate::policy::body;

const PATIENCE: Duration = Duration::from_secs(5);

pub async fn attack(host: &Host, case: &Case, without: Without) -> anyhow::Result<String> {
    if without == Without::Check {
        return unchecked(host, case).await;
    }
    let built = build(case, "proof")?;
    host.engine
        .load(std::io::Cursor::new(built.archive), &built.digest)
        .await?;
    let happened = run(host, case, &built.digest, without).await;
    host.engine.remove_image(&built.digest).await?;
    happened
}

async fn run(host: &Host, case: &Case, image: &str, without: Without) -> anyhow::Result<String> {
    let spec = host.spec(case, image).await?;
    if without == Without::InputOfItsOwn {
        open_all_cases(host)?;
    }
    let neighbour = match without {
        Without::NobodyElsesNetwork | Without::NobodyElsesProcesses => {
            Some(Neighbour::move_in(&host.docker, image).await?)
        }
        _ => None,
    };
    let id = neighbour.as_ref().map(|neighbour| neighbour.id.as_str());
    let container =
        Container::create(&host.docker, body(host, case, &spec, Some(without), id)).await?;
    let disk = match without {
        Without::OutputsInTheRoom => host.disk.clone(),
        _ => host.root.clone(),
    };
    let seen = container.watch(PATIENCE, disk).await;
    let happened = match &seen {
        Ok(seen) => {
            tell(
                host,
                case,
                without,
                seen,
                &container,
                neighbour.as_ref(),
                &spec.room.outputs(),
            )
            .await
        }
        Err(error) => Ok(format!("the engine: {error:#}")),
    };
    container.remove().await?;
    if let Some(neighbour) = neighbour {
        neighbour.move_out().await?;
    }
    happened
}

/// As a worker would mount it that gives all cases at once.
fn open_all_cases(host: &Host) -> anyhow::Result<()> {
    let open = host.place().join("cases/open");
    std::fs::create_dir_all(&open)?;
    std::fs::copy(host.inputs().join(INPUT), open.join(INPUT))?;
    let others = std::fs::read_dir(host.place().join("cases/other"))?;
    for other in others.flatten() {
        std::fs::copy(other.path(), open.join(other.file_name()))?;
    }
    Ok(())
}

async fn tell(
    host: &Host,
    case: &Case,
    without: Without,
    seen: &Seen,
    container: &Container<'_>,
    neighbour: Option<&Neighbour<'_>>,
    outputs: &Path,
) -> anyhow::Result<String> {
    let mib = |bytes: u64| bytes >> 20;
    Ok(match without {
        Without::NoNetwork => format!(
            "the host's listeners were reached {} times",
            host.bait.visits()
        ),
        Without::NobodyElsesNetwork => match seen.log.contains("credentials") {
            true => "it was given the credentials".to_owned(),
            false => format!("not reached: {}", seen.end()),
        },
        Without::NobodyElsesProcesses => {
            let lost = neighbour.expect("a neighbour").has_lost_a_process().await?;
            format!(
                "the neighbour's processes were seen: {}; killed: {lost}",
                seen.log.contains("nc -l -p 80")
            )
        }
        Without::PidsLimit => format!("{} processes at once (outer cap 4000)", seen.processes),
        Without::MemoryLimit => format!(
            "{} MiB at its most (limit {} MiB, outer cap 1024 MiB); {}",
            mib(seen.memory_bytes),
            case.limits.memory_mib,
            seen.end()
        ),
        Without::ShmSize => format!(
            "{} MiB at its most (ShmSize {} MiB); {}",
            mib(seen.memory_bytes),
            case.limits.shm_mib,
            seen.end()
        ),
        Without::OutputsInTheRoom => format!(
            "{} of {} MiB of the disk were taken, {} files; {}",
            mib(seen.disk_bytes),
            mib(DISK),
            std::fs::read_dir(&host.disk)?.count(),
            seen.end()
        ),
        Without::LayerInTheRoom | Without::EtcInTheRoom | Without::VolumeInTheRoom => format!(
            "the host's disk lost {} MiB of a bomb of {} MiB or without end, where {} MiB are allowed",
            mib(seen.disk_bytes),
            mib(BOMB),
            case.limits.disk_mib
        ),
        Without::LogDriver => format!(
            "a log file of {} MiB on the engine's disk in {} s",
            mib(seen.log_file_bytes),
            PATIENCE.as_secs()
        ),
        Without::WallLimit | Without::SilenceLimit => format!(
            "still running after {} s: {}",
            PATIENCE.as_secs(),
            !seen.has_ended
        ),
        Without::Removal => left(container).await?,
        Without::ReadOnlyInput => {
            let input = std::fs::read_to_string(host.inputs().join(INPUT)).unwrap_or_default();
            let files = std::fs::read_dir(host.inputs())?.count();
            format!(
                "the input on the host now: {:?}, {files} files",
                input.trim()
            )
        }
        Without::InputOfItsOwn | Without::NoHostFolder => match host
            .bait
            .secrets
            .iter()
            .any(|secret| seen.log.contains(secret))
        {
            true => "the secret is in its log".to_owned(),
            false => format!("not found: {}", seen.end()),
        },
        Without::NoHealthCheck => format!(
            "the check ran and wrote {} file",
            usize::from(outputs.join("healthy").exists())
        ),
        Without::NoCapabilities
        | Without::NoNewPrivileges
        | Without::Seccomp
        | Without::MaskedPaths => said(seen),
        Without::CarefulCollection => opened(host, &outputs.join(PREDICTION)),
        Without::Check => unreachable!("told elsewhere"),
    })
}

/// What a script of the table prints when it has got what it wanted.
fn said(seen: &Seen) -> String {
    let words = [
        "mounted",
        "owned",
        "renamed",
        "became root",
        "made",
        "opened",
        "read the log",
    ];
    let lines = seen
        .log
        .lines()
        .filter(|line| words.iter().any(|word| line.contains(word)));
    let lines: Vec<_> = lines.map(str::trim).collect();
    match lines.is_empty() {
        true => seen.end(),
        false => lines.join(", "),
    }
}

async fn left(container: &Container<'_>) -> anyhow::Result<String> {
    let found = container.inspect().await?;
    let volumes = found
        .mounts
        .iter()
        .flatten()
        .filter(|mount| mount.typ.as_deref() == Some("volume"))
        .count();
    let files = container.changes().await?;
    Ok(format!(
        "a container, {volumes} volumes and {files} changed files stay for whoever comes next"
    ))
}

/// By a program that follows links and waits for what it opens.
fn opened(host: &Host, path: &Path) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let to_open = path.to_owned();
    std::thread::spawn(move || {
        let size = std::fs::metadata(&to_open).map_or(0, |found| found.len());
        let read = match size > 1 << 30 {
            true => Err(std::io::Error::other(format!("would read {size} bytes"))),
            false => std::fs::read(&to_open),
        };
        sender.send(read)
    });
    match receiver.recv_timeout(Duration::from_secs(1)) {
        Err(_) => {
            // Its other end, so that the thread goes on.
            drop(std::fs::OpenOptions::new().write(true).open(path));
            "the collector waits for ever".to_owned()
        }
        Ok(Err(error)) => format!("the collector: {error}"),
        Ok(Ok(bytes)) => match host
            .bait
            .secrets
            .iter()
            .any(|secret| bytes.starts_with(secret.as_bytes()))
        {
            true => "the host's secret is handed in as the prediction".to_owned(),
            false => format!(
                "handed in: {:?}",
                String::from_utf8_lossy(&bytes[..bytes.len().min(40)])
            ),
        },
    }
}

async fn unchecked(host: &Host, case: &Case) -> anyhow::Result<String> {
    let others = all()?;
    let honest = others
        .iter()
        .find(|case| case.name == "sees-nothing-of-others");
    let at_first = images(host).await?;
    tag::give(&host.docker, honest.expect("an honest image")).await?;
    let before = images(host).await?;
    let built = build(case, "proof")?;
    let begun = Instant::now();
    let loaded = tag::load_as_it_is(&host.docker, built.archive).await;
    let took = begun.elapsed();
    let is_anothers = tag::is_anothers(&host.docker).await?;
    let mut new = images(host).await?;
    new.retain(|image| !before.contains(image));
    let mut happened = match loaded {
        Err(error) => format!("the engine refuses it by itself: {error:#}"),
        Ok(()) if !is_anothers => "the other team's tag is its own now".to_owned(),
        Ok(()) => format!(
            "loaded in {:.1} s: {} images, {} MiB",
            took.as_secs_f64(),
            new.len(),
            size(&new) >> 20
        ),
    };
    if Path::new("/etc/molar-was-here").exists() {
        happened.push_str("; IT WROTE TO THE HOST");
    }
    if let [(image, _)] = &new[..] {
        let spec = host.spec(case, image).await?;
        let run = start(host, case, &spec).await;
        happened.push_str(&run.unwrap_or_else(|error| format!("; a run: {error:#}")));
    }
    let options = RemoveImageOptions {
        force: true,
        ..RemoveImageOptions::default()
    };
    for (image, _) in images(host).await? {
        if !at_first.iter().any(|(old, _)| *old == image) {
            let removal = host
                .docker
                .remove_image(&image, Some(options.clone()), None);
            removal.await?;
        }
    }
    Ok(happened)
}

async fn start(host: &Host, case: &Case, spec: &molar_sandbox::Spec) -> anyhow::Result<String> {
    let container = Container::create(&host.docker, body(host, case, spec, None, None)).await?;
    let seen = container.watch(PATIENCE, host.root.clone()).await;
    container.remove().await?;
    Ok(format!("; a run {}", seen?.end()))
}

async fn images(host: &Host) -> anyhow::Result<Vec<(String, u64)>> {
    let all = host.docker.list_images(None::<ListImagesOptions>).await?;
    Ok(all
        .into_iter()
        .map(|image| (image.id, u64::try_from(image.size).unwrap_or(0)))
        .collect())
}

fn size(images: &[(String, u64)]) -> u64 {
    images.iter().map(|(_, size)| size).sum()
}
