//! `make bench`: what the platform adds to the work itself. Each figure stands beside its floor, measured
//! in the same run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    ImportImageOptions, RemoveContainerOptions, RemoveImageOptions, StartContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use comfy_table::{Table, presets};
use futures_util::StreamExt as _;
use molar_phantom::{ImageFormat, OpgOptions};
use molar_tests::api::text;
use molar_tests::challenge::{CANARY, Track};
use molar_tests::image::Image;
use molar_tests::people::{Organizer, Team, open_challenge};
use molar_tests::predictions::{Case, Splits, measure, predict, zip_of};
use molar_tests::rows::Rows;
use molar_tests::submit::{Created, create, declaration, hand_in, scored};
use molar_tests::system::{ROLES, System, missing};
use molar_tests::until;

const ZIP_CASES: usize = 20;
const RUN_CASES: usize = 8;
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Some(missing) = missing() {
        anyhow::bail!("{missing} is missing: `make build` and deploy/local/install.sh bring it");
    }
    let splits = draw()?;
    let mut system = System::start().await?;
    let outcome = measure_all(&system, &splits).await;
    system.stop().await?;
    println!("{}", outcome?);
    Ok(())
}

/// Of the size of the real images.
fn draw() -> anyhow::Result<Splits> {
    let options = OpgOptions {
        format: ImageFormat::Jpeg,
        ..OpgOptions::default()
    };
    let one = |name: String, seed| {
        let case = molar_phantom::opg(seed, &options)?.named(&name)?;
        anyhow::Ok(Case {
            image_name: format!("{name}.{}", case.extension),
            image: case.image_bytes,
            reference: case.labelme_json.into_bytes(),
            name,
        })
    };
    let many = |stem: &str, count: usize, seed: u64| {
        (1..=count)
            .zip(seed..)
            .map(|(n, seed)| one(format!("{stem}_{n:02}"), seed))
            .collect::<anyhow::Result<Vec<_>>>()
    };
    Ok(Splits::from([
        ("trial", vec![one(CANARY.to_owned(), 1)?]),
        ("validation", many("Val", ZIP_CASES, 100)?),
        ("test", many("Test", RUN_CASES, 200)?),
    ]))
}

async fn measure_all(system: &System, splits: &Splits) -> anyhow::Result<Table> {
    let drawn = BTreeMap::from([(Track::Opg, splits.clone())]);
    let organizer = open_challenge(system, &drawn).await?;
    let team = organizer.team(system, "Bench", &[Track::Opg]).await?;
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "measured", "floor", "what the floor is"]);

    let worker = system.child("worker")?;
    let idle = |field| worker.memory(field).unwrap_or_default() >> 20;
    table.add_row([
        "memory of an idle worker".to_owned(),
        format!("{} MiB", idle("VmRSS")),
        String::new(),
        format!(
            "the goal is 40 MiB; {} MiB without pages of the binary",
            idle("RssAnon")
        ),
    ]);

    let (board, floor) = to_the_board(&organizer, &team, &splits["validation"]).await?;
    let what = format!("zip of {ZIP_CASES} OPG cases: from `complete` to the board");
    table.add_row([
        what,
        seconds(board),
        seconds(floor),
        "scoring the same files in this process, one thread".to_owned(),
    ]);

    let Runs {
        platform,
        bare,
        absent,
        present,
        load,
    } = of_a_run(system, &organizer, &team, splits).await?;
    table.add_row([
        "from `complete` to the first case started, image present".to_owned(),
        seconds(present),
        String::new(),
        "the goal is 1 s".to_owned(),
    ]);
    table.add_row([
        "  the same, image absent".to_owned(),
        seconds(absent),
        seconds(load),
        "Docker's own load of the archive; the goal is 1 s more".to_owned(),
    ]);
    let what = format!("a case of a container, median of {RUN_CASES}");
    table.add_row([
        what,
        seconds(platform),
        seconds(bare),
        "create, start, wait and remove of the same image and case".to_owned(),
    ]);
    let over = platform.saturating_sub(bare);
    table.add_row([
        "  overhead of a case".to_owned(),
        seconds(over),
        seconds(Duration::ZERO),
        String::new(),
    ]);

    let [first, second] = shared_base(system, &organizer, splits).await?;
    let rows = [
        ("time to load it", first.load_ms, second.load_ms, "ms"),
        (
            "bytes fetched",
            first.fetched_bytes,
            second.fetched_bytes,
            "bytes",
        ),
    ];
    for (what, first, second, unit) in rows {
        table.add_row([
            format!("second image on a base of {} MiB: {what}", base_mib()),
            format!(
                "{second} {unit}, {:.1} %",
                100.0 * second as f64 / first as f64
            ),
            format!("{first} {unit}"),
            "the first image; goal 10 %".to_owned(),
        ]);
    }

    for name in ROLES.into_iter().chain(["worker", "s3"]) {
        let peak = system.child(name)?.memory("VmHWM").unwrap_or_default();
        table.add_row([
            format!("peak memory of {name}"),
            format!("{:.0} MiB", peak as f64 / f64::from(1 << 20)),
            String::new(),
            String::new(),
        ]);
    }
    Ok(table)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

async fn to_the_board(
    organizer: &Organizer,
    team: &Team,
    cases: &[Case],
) -> anyhow::Result<(Duration, Duration)> {
    let files = predict(Track::Opg, cases, 2)?;
    let begun = Instant::now();
    for (case, file) in cases.iter().zip(files.values()) {
        measure(Track::Opg, &case.reference, file)?;
    }
    let floor = begun.elapsed();

    let phase_id = organizer.phase_id(Track::Opg, "validation")?;
    let zip = zip_of(&files)?;
    let created = Created::of(
        &create(team, &declaration(team, &phase_id, &zip))
            .await?
            .ok()?,
    )?;
    let parts = created.put(team, &zip).await?;
    let begun = Instant::now();
    created.complete(team, &parts).await?.ok()?;
    let path = format!("/api/v1/boards/{phase_id}");
    loop {
        let board = team.api.get(&path).await?.ok()?;
        let rows = board["rows"].as_array().context("a board without rows")?;
        if rows
            .iter()
            .any(|row| text(row, "submission_id") == created.id)
        {
            return Ok((begun.elapsed(), floor));
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "not on the board after {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What `make example-image` built, or a tiny one that copies its predictions.
fn archive(cases: &[Case]) -> anyhow::Result<Vec<u8>> {
    // target/debug/examples/bench → target/example-image
    let folder = match std::env::var_os("MOLAR_EXAMPLE_IMAGES") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => std::env::current_exe()?
            .ancestors()
            .nth(3)
            .map(|target| target.join("example-image")),
    };
    match folder
        .map(|folder| folder.join("careful.tar.gz"))
        .filter(|file| file.is_file())
    {
        Some(file) => Ok(std::fs::read(file)?),
        None => Image::predicting(&predict(Track::Opg, cases, 1)?, 0).archive(),
    }
}

struct Runs {
    /// From the end of one case to the end of the next.
    platform: Duration,
    /// The same with Docker alone.
    bare: Duration,
    /// From `complete` to the first start.
    absent: Duration,
    present: Duration,
    load: Duration,
}

async fn of_a_run(
    system: &System,
    organizer: &Organizer,
    team: &Team,
    splits: &Splits,
) -> anyhow::Result<Runs> {
    let all: Vec<Case> = splits["trial"]
        .iter()
        .chain(&splits["test"])
        .cloned()
        .collect();
    let archive = archive(&all)?;
    let id = hand_in(team, &organizer.phase_id(Track::Opg, "final")?, &archive).await?;
    let ended = scored(team, &id, PATIENCE).await?;
    let rows = Rows::open(system).await?;
    let times = rows.between_ends(&id).await?;
    let absent = rows.to_the_first_start(&id).await?;
    let again = hand_in(team, &organizer.phase_id(Track::Opg, "final")?, &archive).await?;
    scored(team, &again, PATIENCE).await?;
    let present = rows.to_the_first_start(&again).await?;
    rows.release().await;
    ensure!(times.len() >= RUN_CASES, "{times:?}");
    let platform = median(times);

    let environment = system.child("worker")?.environment()?;
    let socket = environment
        .iter()
        .find(|(name, _)| name == "MOLAR_DOCKER_SOCKET")
        .context("no socket")?;
    let docker = Docker::connect_with_unix(&socket.1, 120, API_DEFAULT_VERSION)?
        .negotiate_version()
        .await?;
    let options = ImportImageOptions {
        quiet: true,
        platform: None,
    };
    docker
        .remove_image(
            text(&ended, "image_digest"),
            None::<RemoveImageOptions>,
            None,
        )
        .await?;
    let begun = Instant::now();
    let mut steps =
        Box::pin(docker.import_image(options, bollard::body_full(archive.into()), None));
    while let Some(step) = steps.next().await {
        step?;
    }
    drop(steps);
    let load = begun.elapsed();
    let mut times = Vec::new();
    for case in &splits["test"] {
        times.push(bare_run(&docker, text(&ended, "image_digest"), case).await?);
    }
    Ok(Runs {
        platform,
        bare: median(times),
        absent,
        present,
        load,
    })
}

async fn bare_run(docker: &Docker, image: &str, case: &Case) -> anyhow::Result<Duration> {
    let place = tempfile::tempdir()?;
    let folder = |name: &str| -> anyhow::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = place.path().join(name);
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777))?;
        Ok(folder)
    };
    let (inputs, outputs) = (folder("inputs")?, folder("outputs")?);
    std::fs::write(inputs.join(&case.image_name), &case.image)?;
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(vec![
            "/bin/sh".to_owned(),
            "/opt/algorithm/predict.sh".to_owned(),
        ]),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            binds: Some(vec![
                format!("{}:/inputs:ro", inputs.display()),
                format!("{}:/outputs", outputs.display()),
            ]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let begun = Instant::now();
    let created = docker.create_container(None, body).await?;
    docker
        .start_container(&created.id, None::<StartContainerOptions>)
        .await?;
    let exit = until("the end of a bare run", PATIENCE, async || {
        let mut wait = Box::pin(docker.wait_container(&created.id, None));
        Ok(wait.next().await)
    })
    .await?;
    docker
        .remove_container(&created.id, None::<RemoveContainerOptions>)
        .await?;
    let took = begun.elapsed();
    exit.context("the bare run failed")?;
    ensure!(
        std::fs::read_dir(&outputs)?.count() == 1,
        "the bare run wrote no prediction"
    );
    Ok(took)
}

/// What the worker says of a load.
#[derive(Debug, Clone, Copy)]
struct Load {
    load_ms: u64,
    fetched_bytes: u64,
}

fn base_mib() -> usize {
    let said = std::env::var("MOLAR_BENCH_BASE_MIB");
    said.ok().and_then(|text| text.parse().ok()).unwrap_or(1024)
}

/// Two images that differ in their upper layer only, of two teams.
async fn shared_base(
    system: &System,
    organizer: &Organizer,
    splits: &Splits,
) -> anyhow::Result<[Load; 2]> {
    let base = incompressible(base_mib() << 20)?;
    let all: Vec<Case> = (splits["trial"].iter().chain(&splits["test"]))
        .cloned()
        .collect();
    let phase_id = organizer.phase_id(Track::Opg, "final")?;
    let before = loads(system).len();
    for (name, fault) in [("First of two", 1), ("Second of two", 2)] {
        let team = organizer.team(system, name, &[Track::Opg]).await?;
        let image = Image::predicting(&predict(Track::Opg, &all, fault)?, 0);
        let id = hand_in(&team, &phase_id, &image.archive_on(&base)?).await?;
        scored(&team, &id, PATIENCE).await?;
    }
    match loads(system)[before..] {
        [first, second] => Ok([first, second]),
        ref other => anyhow::bail!("the worker loaded {other:?}"),
    }
}

/// A layer with one file, of numbers that look random.
fn incompressible(bytes: usize) -> anyhow::Result<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = Vec::with_capacity(bytes);
    while content.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend(state.to_le_bytes());
    }
    let mut tar = tar::Builder::new(Vec::with_capacity(bytes + (1 << 20)));
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, "opt/weights", content.as_slice())?;
    Ok(tar.into_inner()?)
}

fn loads(system: &System) -> Vec<Load> {
    let log = system.log_of("worker");
    let number = |line: &str, name: &str| {
        let rest = line.split(&format!("{name}=")).nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    let load = |line: &str| {
        Some(Load {
            load_ms: number(line, "load_ms")?,
            fetched_bytes: number(line, "fetched_bytes")?,
        })
    };
    log.lines().filter_map(load).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
