//! The page of a board and its JSON, in turns with nginx, so that a busy machine is busy for both.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use comfy_table::Table;

use crate::load::{self, Load, Pace, READERS, Request};
use crate::nginx::Nginx;
use crate::stage::Stage;
use crate::{setting, table};

const ROUNDS: usize = 3;

/// More than anybody will ask for; less than fills the machine, whose cores the readers share.
const RATE: u32 = 1000;

pub async fn measure(stage: &Stage) -> anyhow::Result<Table> {
    let mut nginx = Nginx::start().await?;
    let mut table = table(&[
        "read by 64 at once",
        "bytes",
        "molar /s",
        "median ms",
        "p99 ms",
        "nginx /s",
        "median ms",
        "p99 ms",
        "ratio",
        &format!("molar p99 ms at {RATE}/s"),
        "nginx",
    ]);
    let api = format!("/api/v1/boards/{}", stage.phase);
    let page = "/boards/scale/teeth/phase-1";
    let whole = format!("{page}?page=all");
    for (what, path, headers) in [
        ("page, gzip", page, "accept-encoding: gzip\r\n"),
        (
            "all teams on one page, gzip",
            &whole,
            "accept-encoding: gzip\r\n",
        ),
        ("JSON, gzip", &api, "accept-encoding: gzip\r\n"),
        ("page", page, ""),
        ("JSON", &api, ""),
    ] {
        let ours = request(stage, path, headers, 200);
        let answer = load::once(&ours).await?;
        ensure!(answer.status == 200, "{path} answers {}", answer.status);
        let theirs = Request {
            path: nginx.put(&answer.body)?,
            to: nginx.address,
            ..ours.clone()
        };
        let row = pair(what, answer.body.len(), &ours, &theirs).await?;
        table.add_row(row);
    }
    for (what, path) in [("page, 304", page), ("JSON, 304", &api)] {
        let answer = load::once(&request(stage, path, "", 200)).await?;
        let tag = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "));
        let known = format!("if-none-match: {}\r\n", tag.context("no ETag")?);
        let ours = request(stage, path, &known, 304);
        let file = Request {
            path: nginx.put(&answer.body)?,
            to: nginx.address,
            ..request(stage, path, "", 200)
        };
        let answer = load::once(&file).await?;
        let tag = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "));
        let theirs = Request {
            headers: format!("if-none-match: {}\r\n", tag.context("nginx has no ETag")?),
            status: 304,
            ..file
        };
        table.add_row(pair(what, 0, &ours, &theirs).await?);
    }
    Ok(table)
}

fn request(stage: &Stage, path: &str, headers: &str, status: u16) -> Request {
    Request {
        to: stage.role,
        path: path.to_owned(),
        headers: headers.to_owned(),
        status,
    }
}

/// In turns; the median of each figure over the rounds.
async fn pair(
    what: &str,
    bytes: usize,
    ours: &Request,
    theirs: &Request,
) -> anyhow::Result<Vec<String>> {
    let lasts = Duration::from_secs(setting("MOLAR_BENCH_BOARD_S", 3));
    let (mut molar, mut nginx) = (Vec::new(), Vec::new());
    let (mut molar_paced, mut nginx_paced) = (Vec::new(), Vec::new());
    let (full, paced) = (Pace::AsMuchAsCanBe, Pace::PerSecond(RATE));
    for _ in 0..ROUNDS {
        molar.push(load::measure(ours, lasts, full).await?);
        nginx.push(load::measure(theirs, lasts, full).await?);
        molar_paced.push(load::measure(ours, lasts, paced).await?);
        nginx_paced.push(load::measure(theirs, lasts, paced).await?);
    }
    let median = |loads: &[Load], of: fn(&Load) -> f64| {
        let mut all: Vec<_> = loads.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let ratio = median(&molar, |load| load.per_s) / median(&nginx, |load| load.per_s);
    let mut row = vec![format!("{what} ({READERS})"), bytes.to_string()];
    for loads in [&molar, &nginx] {
        row.push(format!("{:.0}", median(loads, |load| load.per_s)));
        row.push(format!("{:.2}", median(loads, |load| load.median_ms)));
        row.push(format!("{:.2}", median(loads, |load| load.p99_ms)));
    }
    row.push(format!("{ratio:.2}"));
    for loads in [&molar_paced, &nginx_paced] {
        row.push(format!("{:.2}", median(loads, |load| load.p99_ms)));
    }
    Ok(row)
}
