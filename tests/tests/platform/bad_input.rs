//! Nonsense, malice and bad luck: each is answered with what is wrong and how to mend it, and costs no quota.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use molar_tests::api::text;
use molar_tests::challenge::{self, TRACKS, Track};
use molar_tests::image::{Image, gzipped};
use molar_tests::people::{Team, sha256};
use molar_tests::predictions::{self, predict};
use molar_tests::submit::{Created, create, declaration, ended, hand_in};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{PATIENCE, Stage};

type Files = BTreeMap<String, Vec<u8>>;

/// A phase that takes zips, a good zip for it, and its files.
struct Good {
    phase_id: String,
    zip: Vec<u8>,
    files: Files,
}

fn good(stage: &Stage, track: Track) -> anyhow::Result<Good> {
    let files = predict(track, stage.cases(track, "validation"), 1)?;
    Ok(Good {
        phase_id: stage.organizer.phase_id(track, "validation")?,
        zip: predictions::zip_of(&files)?,
        files,
    })
}

async fn open(team: &Team, declared: &Value) -> anyhow::Result<Created> {
    Created::of(&create(team, declared).await?.ok()?)
}

pub async fn a_file_that_is_not_the_declared_one_costs_nothing(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let good = good(stage, Track::Opg)?;
    let declared = declaration(&stage.ridge, &good.phase_id, &good.zip);
    let mut longer = good.zip.clone();
    longer.push(0);
    for (what, file) in [
        ("smaller", &good.zip[..good.zip.len() - 1]),
        ("larger", &longer),
    ] {
        let created = open(&stage.ridge, &declared).await?;
        // The store may refuse the part at once; otherwise `complete` does, and the right file still counts.
        if let Ok(parts) = created.put(&stage.ridge, file).await {
            let problem = created
                .complete(&stage.ridge, &parts)
                .await?
                .problem(&[422])?;
            ensure!(
                problem["errors"].to_string().contains("put it again"),
                "{what}: {problem}"
            );
        }
        let parts = created
            .put(&stage.ridge, &good.zip)
            .await
            .with_context(|| what.to_owned())?;
        created.complete(&stage.ridge, &parts).await?.ok()?;
        let end = ended(&stage.ridge, &created.id, PATIENCE).await?;
        ensure!(
            text(&end, "state") == "scored",
            "{what}, then mended: {end}"
        );
    }

    let mut other = good.zip.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    let created = open(&stage.ridge, &declared).await?;
    let parts = created.put(&stage.ridge, &other).await?;
    created.complete(&stage.ridge, &parts).await?.ok()?;
    refused(
        stage,
        &stage.ridge,
        &created.id,
        "upload-mismatch",
        "sha-256",
    )
    .await
}

/// Waits for the refusal: its code, what it tells to mend, and that the quota was given back.
async fn refused(
    stage: &Stage,
    team: &Team,
    id: &str,
    code: &str,
    mentions: &str,
) -> anyhow::Result<()> {
    let end = ended(team, id, PATIENCE).await?;
    ensure!(
        text(&end, "state") == "refused" && text(&end, "failure") == code,
        "expected {code}: {end}"
    );
    ensure!(!text(&end, "advice").is_empty(), "no advice: {end}");
    let complaints = end["complaints"].as_array().context("no complaints")?;
    let is_told = complaints
        .iter()
        .all(|one| !text(one, "detail").is_empty() && !text(one, "mend").is_empty());
    ensure!(
        !complaints.is_empty() && is_told,
        "{code} is not told with its mend: {end}"
    );
    let told = (end["complaints"].to_string() + text(&end, "advice")).to_lowercase();
    ensure!(
        told.contains(&mentions.to_lowercase()),
        "{code}: `{mentions}` is not mentioned in {told}"
    );
    stage.rows.settled(id, "returned").await
}

pub async fn an_upload_that_is_over_or_foreign_is_refused(stage: &mut Stage) -> anyhow::Result<()> {
    let good = good(stage, Track::Opg)?;
    let declared = declaration(&stage.ridge, &good.phase_id, &good.zip);
    let created = open(&stage.ridge, &declared).await?;
    let parts = created.put(&stage.ridge, &good.zip).await?;

    created
        .complete(&stage.arch, &parts)
        .await?
        .problem(&[404])?;
    stage
        .arch
        .api
        .get(&format!("/api/v1/submissions/{}", created.id))
        .await?
        .problem(&[404])?;
    stage
        .arch
        .api
        .post(
            &format!("/api/v1/submissions/{}/cancel", created.id),
            &json!({}),
        )
        .await?
        .problem(&[404])?;
    let nobody = stage.public();
    nobody
        .post(
            &format!("/api/v1/submissions/{}/complete", created.id),
            &parts,
        )
        .await?
        .problem(&[401])?;

    stage.rows.expire_upload(&created.id).await?;
    created
        .complete(&stage.ridge, &parts)
        .await?
        .problem(&[410])?;
    let end = ended(&stage.ridge, &created.id, PATIENCE).await?;
    ensure!(text(&end, "state") == "expired", "{end}");
    stage.rows.settled(&created.id, "returned").await?;

    let cancelled = open(&stage.ridge, &declared).await?;
    stage
        .ridge
        .api
        .post(
            &format!("/api/v1/submissions/{}/cancel", cancelled.id),
            &json!({}),
        )
        .await?
        .ok()?;
    cancelled
        .complete(
            &stage.ridge,
            &json!({"parts": [{"number": 1, "etag": "x"}]}),
        )
        .await?
        .problem(&[409, 410])?;
    stage.rows.settled(&cancelled.id, "returned").await
}

pub async fn completing_twice_is_one_submission(stage: &mut Stage) -> anyhow::Result<()> {
    let good = good(stage, Track::Opg)?;
    let declared = declaration(&stage.ridge, &good.phase_id, &good.zip);
    let created = open(&stage.ridge, &declared).await?;
    let parts = created.put(&stage.ridge, &good.zip).await?;
    let first = created.complete(&stage.ridge, &parts).await?.ok()?;
    let second = created.complete(&stage.ridge, &parts).await?.ok()?;
    ensure!(
        first["id"] == second["id"] && second["state"] != "uploading",
        "{first} {second}"
    );
    ended(&stage.ridge, &created.id, PATIENCE).await?;
    let third = created.complete(&stage.ridge, &parts).await?.ok()?;
    ensure!(third["id"] == first["id"], "{third}");
    stage
        .rows
        .scored_once(
            &created.id,
            stage.cases(Track::Opg, "validation").len() as i64,
        )
        .await
}

pub async fn a_bad_zip_is_refused_with_its_mend_and_costs_nothing(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let good = good(stage, Track::Opg)?;
    let of = |change: &dyn Fn(&mut Files)| {
        let mut files = good.files.clone();
        change(&mut files);
        predictions::zip_of(&files)
    };
    let one = "Val_01_Mask.json";
    let whole = good.files[one].clone();
    let with = |bytes: &[u8]| {
        of(&|files| {
            files.insert(one.to_owned(), bytes.to_vec());
        })
    };
    let polygon: Value = serde_json::from_slice(&whole)?;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file = polygon.clone();
        change(&mut file);
        with(file.to_string().as_bytes())
    };
    let rename = |to: &'static str| {
        of(&move |files| {
            if let Some(file) = files.remove(one) {
                files.insert(to.to_owned(), file);
            }
        })
    };
    let nested: Files = good
        .files
        .iter()
        .map(|(name, file)| (format!("predictions/{name}"), file.clone()))
        .collect();
    // 200 MB of blanks in 200 kB.
    let bomb = [b"{\"shapes\": []".as_slice(), &vec![b' '; 200 << 20], b"}"].concat();
    let mut cut = good.zip.clone();
    cut.truncate(cut.len() / 2);
    let bad: Vec<(&str, Vec<u8>, &[&str], &str)> = vec![
        (
            "missing",
            of(&|files| drop(files.remove(one)))?,
            &["wrong-files"],
            one,
        ),
        (
            "extra",
            of(&|files| drop(files.insert("Val_09_Mask.json".to_owned(), whole.clone())))?,
            &["wrong-files"],
            "Val_09_Mask.json",
        ),
        (
            "nested",
            predictions::zip_of(&nested)?,
            &["wrong-files"],
            "predictions",
        ),
        (
            "misnamed",
            rename("val_01_mask.json")?,
            &["wrong-files"],
            one,
        ),
        (
            "traversal",
            rename("../Val_01_Mask.json")?,
            &["wrong-files", "bad-archive"],
            "Val_01_Mask.json",
        ),
        (
            "unreadable",
            with(b"{\"shapes\": [")?,
            &["bad-prediction"],
            one,
        ),
        (
            "wrong size",
            changed(&|file| file["imageWidth"] = json!(401))?,
            &["bad-prediction"],
            one,
        ),
        (
            "a label with a space",
            changed(&|file| file["shapes"][0]["label"] = json!("1 1"))?,
            &["bad-prediction"],
            "label",
        ),
        (
            "a number as label",
            changed(&|file| file["shapes"][0]["label"] = json!(11))?,
            &["bad-prediction"],
            "label",
        ),
        (
            "bomb",
            with(&bomb)?,
            &["archive-too-large", "bad-prediction"],
            one,
        ),
        ("cut short", cut, &["bad-archive"], "zip"),
        (
            "no zip at all",
            b"not a zip".to_vec(),
            &["bad-archive"],
            "zip",
        ),
    ];
    let mut handed = Vec::new();
    for (what, zip, codes, mentions) in &bad {
        let id = hand_in(&stage.ridge, &good.phase_id, zip)
            .await
            .with_context(|| (*what).to_owned())?;
        handed.push((*what, id, *codes, *mentions));
    }
    for (what, id, codes, mentions) in handed {
        let end = ended(&stage.ridge, &id, PATIENCE)
            .await
            .with_context(|| what.to_owned())?;
        let code = text(&end, "failure");
        ensure!(
            codes.contains(&code),
            "{what}: expected {codes:?}, got {end}"
        );
        refused(stage, &stage.ridge, &id, code, mentions)
            .await
            .with_context(|| what.to_owned())?;
    }
    told_what_was_ignored(stage, &good).await
}

/// What desktops leave in a zip does no harm, and is told.
async fn told_what_was_ignored(stage: &Stage, good: &Good) -> anyhow::Result<()> {
    let mut files = good.files.clone();
    for leaving in [
        "__MACOSX/._Val_01_Mask.json",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
    ] {
        files.insert(leaving.to_owned(), b"leavings".to_vec());
    }
    let id = hand_in(&stage.ridge, &good.phase_id, &predictions::zip_of(&files)?).await?;
    let end = ended(&stage.ridge, &id, PATIENCE).await?;
    ensure!(text(&end, "state") == "scored", "{end}");
    let notes = end["notes"].to_string();
    ensure!(
        notes.contains("__MACOSX") && notes.contains("Thumbs.db"),
        "not told what was ignored: {notes}"
    );
    Ok(())
}

pub async fn a_bad_image_is_refused_with_its_mend_and_costs_nothing(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let phase_id = stage.organizer.phase_id(Track::Opg, "final")?;
    let image = Image::running("#!/bin/sh\nexit 1\n");
    let mut cut = image.archive()?;
    cut.truncate(cut.len() / 2);
    let no_script = Image {
        script: None,
        ..image.clone()
    }
    .archive()?;
    let no_shell = Image {
        has_shell: false,
        ..image.clone()
    }
    .archive()?;
    let bad: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "no archive",
            b"not an image".to_vec(),
            "bad-archive",
            "docker save",
        ),
        (
            "gzipped text",
            gzipped(b"not an image")?,
            "bad-archive",
            "docker save",
        ),
        ("cut short", cut, "bad-archive", "archive"),
        (
            "a zip",
            predictions::zip([("a", b"b".as_slice())])?,
            "bad-archive",
            "docker save",
        ),
        ("no script", no_script, "no-predict-script", "predict.sh"),
        ("no shell", no_shell, "no-shell", "/bin/sh"),
    ];
    let mut handed = Vec::new();
    for (what, archive, code, mentions) in &bad {
        let id = hand_in(&stage.arch, &phase_id, archive)
            .await
            .with_context(|| (*what).to_owned())?;
        handed.push((*what, id, *code, *mentions));
    }
    for (what, id, code, mentions) in handed {
        refused(stage, &stage.arch, &id, code, mentions)
            .await
            .with_context(|| what.to_owned())?;
    }

    // It can be run, and fails on the public case: no hidden one is run, nothing is spent.
    let id = hand_in(&stage.arch, &phase_id, &image.archive()?).await?;
    let end = ended(&stage.arch, &id, PATIENCE).await?;
    ensure!(
        text(&end, "state") == "failed" && text(&end, "failure") == "canary-failed",
        "{end}"
    );
    let hidden = stage.rows.runs(&id).await?.split_off(1);
    ensure!(
        hidden
            .iter()
            .all(|(state, claims)| state == "cancelled" && *claims == 0),
        "hidden cases: {hidden:?}"
    );
    stage.rows.settled(&id, "returned").await
}

pub async fn nobody_submits_where_they_may_not(stage: &mut Stage) -> anyhow::Result<()> {
    let good = good(stage, Track::Opg)?;
    let phase = |slug| stage.organizer.phase_id(Track::Opg, slug);
    let entries = stage.rows.quota_entries().await?;
    let ridge = &stage.ridge;

    let to = |phase_id: &str| declaration(ridge, phase_id, &good.zip);
    let problem = create(ridge, &to(&phase("closed")?))
        .await?
        .problem(&[409])?;
    ensure!(text(&problem, "detail").contains("closed"), "{problem}");

    // Asked for a place, and nobody has approved it yet.
    let waiting =
        Team::register(&stage.system, &stage.organizer.challenge, "Still Waiting").await?;
    let declared = declaration(&waiting, &good.phase_id, &good.zip);
    let problem = create(&waiting, &declared).await?.problem(&[403])?;
    ensure!(text(&problem, "detail").contains("take part"), "{problem}");

    // For somebody else's team.
    let mut foreign = declared.clone();
    foreign["team_id"] = json!(ridge.id);
    create(&waiting, &foreign).await?.problem(&[403, 404])?;

    let changed = |field: &str, value: Value| {
        let mut declared = to(&good.phase_id);
        declared[field] = value;
        declared
    };
    for (field, value) in [
        ("sha256", json!("abc")),
        ("size_bytes", json!(0)),
        ("code_url", json!("ftp://example.org")),
        ("note", json!("x".repeat(501))),
    ] {
        let problem = create(ridge, &changed(field, value))
            .await?
            .problem(&[422])?;
        ensure!(
            problem["errors"][0]["pointer"] == format!("/{field}"),
            "{problem}"
        );
    }
    create(ridge, &changed("size_bytes", json!(1_u64 << 40)))
        .await?
        .problem(&[413, 422])?;
    create(ridge, &changed("surprise", json!(1)))
        .await?
        .problem(&[400, 422])?;
    let mut without_code = declaration(ridge, &phase("final")?, &good.zip);
    without_code["code_url"] = Value::Null;
    create(ridge, &without_code).await?.problem(&[422])?;
    let nobody = stage.public();
    nobody
        .post("/api/v1/submissions", &to(&good.phase_id))
        .await?
        .problem(&[401])?;
    ensure!(
        stage.rows.quota_entries().await? == entries,
        "a refused create touched the quota ledger"
    );

    over_quota(stage, &good).await
}

/// One a day, one at a time.
async fn over_quota(stage: &Stage, good: &Good) -> anyhow::Result<()> {
    let team = &stage.arch;
    let phase_id = stage.organizer.phase_id(Track::Opg, "tight")?;
    let declared = declaration(team, &phase_id, &good.zip);
    let first = open(team, &declared).await?;
    let entries = stage.rows.quota_entries().await?;
    let second = create(team, &declared).await?;
    ensure!(
        second
            .retry_after
            .as_deref()
            .is_some_and(|s| s.parse::<u64>().is_ok()),
        "no Retry-After: {second:?}"
    );
    let problem = second.problem(&[429])?;
    ensure!(
        text(&problem, "type").ends_with("/quota-exceeded"),
        "{problem}"
    );
    ensure!(
        stage.rows.quota_entries().await? == entries,
        "a refused create touched the quota ledger"
    );
    // Given back, it may be used again.
    team.api
        .post(
            &format!("/api/v1/submissions/{}/cancel", first.id),
            &json!({}),
        )
        .await?
        .ok()?;
    stage.rows.settled(&first.id, "returned").await?;
    let third = open(team, &declared).await?;
    let parts = third.put(team, &good.zip).await?;
    third.complete(team, &parts).await?.ok()?;
    ended(team, &third.id, PATIENCE).await?;
    stage.rows.settled(&third.id, "spent").await?;
    create(team, &declared).await?.problem(&[429])?;
    Ok(())
}

pub async fn a_bad_challenge_file_changes_nothing(stage: &mut Stage) -> anyhow::Result<()> {
    let good = challenge::file();
    let path = format!("/api/v1/challenges/{}", challenge::SLUG);
    let before = stage.public().get(&path).await?.ok()?;
    let apply =
        |file: String| json!({"file": file, "overlay": null, "dry_run": false, "reason": "a test"});
    for (what, from, to, pointer) in [
        ("unknown key", "is_final = true", "is_finale = true", ""),
        (
            "unknown metric",
            "metrics = [\"IA\"]",
            "metrics = [\"F2\"]",
            "/tracks/0/phases/2/metrics/0",
        ),
        (
            "ends before it starts",
            "closes_at = \"2021-01-01",
            "closes_at = \"2019-01-01",
            "/tracks/0/phases/2/closes_at",
        ),
        (
            "unknown zone",
            "Europe/Berlin",
            "Europe/Atlantis",
            "/challenge/zone",
        ),
        ("not TOML", "[challenge]", "[challenge", ""),
    ] {
        ensure!(good.contains(from), "{what}: the file has no `{from}`");
        let answer = stage
            .organizer
            .api
            .put("/api/v1/challenges", &apply(good.replace(from, to)))
            .await?;
        let problem = answer.problem(&[422]).with_context(|| what.to_owned())?;
        let errors = problem["errors"]
            .as_array()
            .with_context(|| format!("{what}: {problem}"))?;
        let is_told = errors
            .iter()
            .any(|one| text(one, "pointer") == pointer && !text(one, "detail").is_empty());
        ensure!(
            is_told || (pointer.is_empty() && !errors.is_empty()),
            "{what}: {problem}"
        );
    }
    // The same version of the agreement with another text would be signed by nobody.
    let other = good.replace("what you like.", "what we like.");
    stage
        .organizer
        .api
        .put("/api/v1/challenges", &apply(other))
        .await?
        .problem(&[409])?;
    stage
        .ridge
        .api
        .put("/api/v1/challenges", &apply(good))
        .await?
        .problem(&[403])?;
    stage
        .public()
        .put("/api/v1/challenges", &apply(challenge::file()))
        .await?
        .problem(&[401])?;
    let after = stage.public().get(&path).await?.ok()?;
    ensure!(
        after == before,
        "a refused file changed the challenge: {before} {after}"
    );
    Ok(())
}

pub async fn an_id_that_is_not_ours_is_not_found(stage: &mut Stage) -> anyhow::Result<()> {
    let id = Uuid::new_v4();
    let ridge = &stage.ridge.api;
    for path in [
        format!("/api/v1/submissions/{id}"),
        format!("/api/v1/submissions/{id}/cases"),
        format!("/api/v1/submissions/{id}/upload"),
        format!("/api/v1/phases/{id}"),
        format!("/api/v1/teams/{id}"),
        format!("/api/v1/boards/{id}"),
        format!("/api/v1/boards/{id}.csv"),
        "/api/v1/challenges/atlantis".to_owned(),
        "/api/v1/nothing".to_owned(),
        "/api/v1/submissions/not-an-id".to_owned(),
        "/api/v1/boards/not-an-id".to_owned(),
        "/api/v1/phases/..%2F..%2Fetc".to_owned(),
    ] {
        ridge.get(&path).await?.problem(&[404])?;
    }
    for path in [
        format!("/api/v1/submissions/{id}/complete"),
        format!("/api/v1/submissions/{id}/cancel"),
        format!("/api/v1/invitations/{id}/accept"),
    ] {
        ridge
            .post(&path, &json!({"parts": []}))
            .await?
            .problem(&[404, 400, 422])?;
    }
    let organizer = &stage.organizer.api;
    organizer
        .post(
            &format!("/api/v1/phases/{id}/publish"),
            &json!({"reason": "x"}),
        )
        .await?
        .problem(&[404])?;
    organizer
        .post(&format!("/api/v1/participations/{id}/approve"), &json!({}))
        .await?
        .problem(&[404])?;

    let entries = stage.rows.quota_entries().await?;
    let zip = b"x";
    for (phase_id, team_id) in [
        (id.to_string(), stage.ridge.id.clone()),
        (
            stage.organizer.phase_id(TRACKS[0], "validation")?,
            id.to_string(),
        ),
    ] {
        let body = json!({"phase_id": phase_id, "team_id": team_id, "size_bytes": 1, "sha256": sha256(zip)});
        ridge
            .post("/api/v1/submissions", &body)
            .await?
            .problem(&[403, 404, 422])?;
    }
    ensure!(
        stage.rows.quota_entries().await? == entries,
        "a refused create touched the quota ledger"
    );
    Ok(())
}
