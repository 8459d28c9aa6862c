//! A published table goes in by the command line, is read by anybody, and is taken away.

use std::process::{Command, Output};

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::client;
use crate::system::System;
use crate::world::{Credential, Kind, World};

const TABLE: &str =
    "team,IA,IA_rank,seconds,final_rank\n\"<b>שן, 🦷</b>\",0.9,1,3,1\nB,0.8,2,1,2\n";

fn molar(system: &System, world: &World, kind: Kind, arguments: &[&str]) -> Output {
    let Credential::Person(person) = world.credential(kind) else {
        panic!("nobody's token")
    };
    Command::new(env!("CARGO_BIN_EXE_molar"))
        .arg("board")
        .args(arguments)
        .env("MOLAR_URL", system.url("leaderboard", "/"))
        .env("MOLAR_TOKEN", &person.token)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_published_table_is_shown_and_taken_away_by_the_command_line(owner: PgPool) {
    let (client, system) = (client(), System::start(&owner).await);
    let world = World::new(&owner, &system.store, 1).await;
    let slug = world.challenge.slug.clone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("final.csv");
    std::fs::write(&file, TABLE).unwrap();
    let (file, place) = (file.to_str().unwrap(), format!("{slug}/final"));
    let mut import = vec!["import", file, "--as", &place, "--title", "Final of 2024"];
    import.extend(["--source", "https://example.test/final"]);

    let unknown = molar(&system, &world, Kind::Organizer, &import);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        said(&unknown).contains("--lower 'seconds'"),
        "{}",
        said(&unknown)
    );
    import.extend(["--lower", "seconds"]);
    let refused = molar(&system, &world, Kind::Captain, &import);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("organizers of a challenge"),
        "{}",
        said(&refused)
    );

    let done = molar(&system, &world, Kind::Organizer, &import);
    assert!(done.status.success(), "{}", said(&done));
    let page = system.url("leaderboard", &format!("/boards/{slug}/final"));
    let told = said(&done);
    assert!(told.contains(&format!("It is shown at {page}")), "{told}");
    assert!(told.contains("not measured here"), "{told}");
    assert!(
        told.contains("final_rank`: 2 was published, 1 comes out"),
        "{told}"
    );
    let shown = client.get(&page).send().await.unwrap();
    let shown = shown.text().await.unwrap();
    assert!(
        shown.contains("ranked anew from a published table"),
        "{shown}"
    );

    let again = molar(&system, &world, Kind::Organizer, &import);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("already"), "{}", said(&again));
    import.extend(["--replace", "a typing error", "--json"]);
    let replaced = molar(&system, &world, Kind::Organizer, &import);
    assert!(replaced.status.success(), "{}", said(&replaced));
    let board: Value = serde_json::from_slice(&replaced.stdout).unwrap();
    assert_eq!(board["rows"][0]["values"]["IA"], 0.9);

    let forget = |name| vec!["forget", name, "--reason", "it was never published"];
    let other = format!("{slug}/other");
    let nothing = molar(&system, &world, Kind::Organizer, &forget(&other));
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        said(&nothing).contains("there are final, past"),
        "{}",
        said(&nothing)
    );
    let gone = molar(&system, &world, Kind::Organizer, &forget(&place));
    assert!(gone.status.success(), "{}", said(&gone));
    let shown = client.get(&page).send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::NOT_FOUND);
}
