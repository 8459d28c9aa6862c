//! `molar board figures` as a process, before a server that answers what it is told to.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const PHASE: &str = "00000000-0000-7000-8000-000000000001";

type Answers = Vec<(String, Vec<u8>)>;

/// Its address. What is not among the answers is not found.
fn serve(answers: Answers) -> String {
    serve_by(move |path| {
        let found = answers.iter().find(|(known, _)| known == path);
        found.map(|(_, body)| body.clone())
    })
}

fn serve_by(mut body: impl FnMut(&str) -> Option<Vec<u8>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &mut body);
        }
    });
    url
}

fn answer(mut stream: TcpStream, body: &mut impl FnMut(&str) -> Option<Vec<u8>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let asked = lines.next().unwrap().unwrap();
    // The rest of the head, which would otherwise be thrown back.
    while !lines.next().unwrap().unwrap().is_empty() {}
    let path = asked.split(' ').nth(1).unwrap();
    let (status, body) = match body(path) {
        Some(body) => ("200 OK", body),
        None => (
            "404 Not Found",
            b"{\"detail\": \"no such figure\"}".to_vec(),
        ),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
}

/// A board that has this list of figures.
fn board(figures: &Value) -> Answers {
    let of = |path: &str, body: &Value| (path.to_owned(), body.to_string().into_bytes());
    vec![
        of(&format!("/api/v1/phases/{PHASE}"), &json!({"id": PHASE})),
        of(&format!("/api/v1/boards/{PHASE}/figures"), figures),
    ]
}

fn one(name: &str) -> Value {
    drawing(7, &[name])
}

fn drawing(version: u8, names: &[&str]) -> Value {
    let figures = names
        .iter()
        .map(|name| json!({"name": name, "title": "Podium"}));
    json!({"version": version, "as_of": "2026-09-01T12:00:00Z", "is_current": false,
           "figures": figures.collect::<Vec<_>>()})
}

fn figures(url: &str, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    command
        .args(["board", "figures", PHASE, "--to"])
        .arg(folder);
    command.args(arguments).env("MOLAR_URL", url);
    // Nobody is logged in.
    command.env_remove("MOLAR_TOKEN").env("HOME", "/nowhere");
    command.env_remove("MOLAR_CREDENTIALS").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn each_figure_is_saved_as_it_is_asked_for() {
    let file = |rest: &str| format!("/api/v1/boards/{PHASE}/figures/podium.{rest}");
    let mut answers = board(&one("podium"));
    answers.push((file("svg"), b"<svg/>".to_vec()));
    answers.push((file("png?scale=3"), b"\x89PNG".to_vec()));
    let url = serve(answers);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("new/figures");

    let drawn = figures(&url, &folder, &[]);
    assert!(drawn.status.success(), "{}", text(&drawn.stderr));
    let told = text(&drawn.stdout);
    assert!(
        told.contains("podium.svg") && told.contains("version 7; the board is newer"),
        "{told}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    // The second time over the first.
    fs::write(folder.join("podium.svg"), "of another board").unwrap();
    let both = ["--format", "svg,png", "--scale", "3", "--json"];
    let both = figures(&url, &folder, &both);
    assert!(both.status.success(), "{}", text(&both.stderr));
    let told: Value = serde_json::from_slice(&both.stdout).unwrap();
    assert_eq!(told["version"], 7);
    assert_eq!(told["files"][1]["format"], "png");
    assert_eq!(told["files"][1]["bytes"], 4);
    assert_eq!(fs::read(folder.join("podium.svg")).unwrap(), b"<svg/>");
    assert_eq!(fs::read(folder.join("podium.png")).unwrap(), b"\x89PNG");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn where_there_is_nothing_to_save_the_reason_is_told_and_no_folder_made() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("figures");
    let hidden = json!({"hidden": "shown when the phase is over", "figures": []});
    for (list, why) in [
        (hidden, "shown when the phase is over"),
        (json!({"figures": []}), "there are no figures"),
    ] {
        let output = figures(&serve(board(&list)), &folder, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains(why), "{said}");
        assert!(!folder.exists());
    }
}

#[test]
fn a_figure_that_cannot_be_had_or_has_no_place_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("figures");
    let missing = figures(&serve(board(&one("podium"))), &folder, &[]);
    assert_eq!(missing.status.code(), Some(1));
    let said = text(&missing.stderr);
    assert!(
        said.contains("podium.svg was not saved") && said.contains("no such figure"),
        "{said}"
    );

    let name = "../outside";
    let mut answers = board(&one(name));
    answers.push((
        format!("/api/v1/boards/{PHASE}/outside.svg"),
        b"<svg/>".to_vec(),
    ));
    let outside = figures(&serve(answers), &folder, &[]);
    assert_eq!(outside.status.code(), Some(1));
    let said = text(&outside.stderr);
    assert!(
        said.contains("`../outside.svg`, which is no place"),
        "{said}"
    );
    assert!(!place.path().join("outside.svg").exists());
}

#[test]
fn a_name_that_hides_something_or_speaks_to_a_terminal_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let long = "a".repeat(200);
    for name in [
        "\u{1b}]0;x\u{7}",
        "",
        ".hidden",
        "-rf",
        "two words",
        "a\u{202e}b",
        &long,
    ] {
        let mut answers = board(&one(name));
        let file = format!("/api/v1/boards/{PHASE}/figures/{name}.svg");
        answers.push((file, b"<svg/>".to_vec()));
        let output = figures(&serve(answers), place.path(), &[]);
        assert_eq!(output.status.code(), Some(1), "{name:?}");
        let said = text(&output.stderr);
        assert!(said.contains("which is no place"), "{said:?}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "{name:?}");
    }

    let name = "significance-instance_NSD@1.5mm.upper-jaw";
    let mut answers = board(&one(name));
    let of = &mut answers[1].1;
    let mut list: Value = serde_json::from_slice(of).unwrap();
    list["as_of"] = json!("\u{1b}]0;x\u{7}");
    *of = list.to_string().into_bytes();
    let file = format!("/api/v1/boards/{PHASE}/figures/{name}.svg");
    answers.push((file, b"<svg/>".to_vec()));
    let output = figures(&serve(answers), place.path(), &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(place.path().join(format!("{name}.svg")).exists());
    assert!(!text(&output.stdout).contains('\u{1b}'));
}

/// Draws anew whenever a file was fetched, up to this version. Of a later one there is `podium` alone.
fn drawn_up_to(last: u8) -> String {
    let (list, files) = (
        format!("/api/v1/boards/{PHASE}/figures"),
        format!("/api/v1/boards/{PHASE}/figures/"),
    );
    let mut version = 7;
    serve_by(move |path| {
        let names: &[&str] = match version {
            7 => &["podium", "tasks"],
            _ => &["podium"],
        };
        if path == list {
            return Some(drawing(version, names).to_string().into_bytes());
        }
        let Some(file) = path.strip_prefix(&files) else {
            return Some(json!({"id": PHASE}).to_string().into_bytes());
        };
        let is_there = names.iter().any(|name| file == format!("{name}.svg"));
        let body = format!("<svg>{version}</svg>").into_bytes();
        version = last.min(version + 1);
        is_there.then_some(body)
    })
}

#[test]
fn figures_of_two_drawings_are_not_mixed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let saved = || fs::read_to_string(folder.join("podium.svg")).unwrap();

    let output = figures(&drawn_up_to(8), folder, &["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["version"], 8);
    assert_eq!(told["files"].as_array().unwrap().len(), 1);
    assert_eq!(saved(), "<svg>8</svg>");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);

    // Where that never ends, what was there stays.
    let output = figures(&drawn_up_to(u8::MAX), folder, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("drawn anew while they were read"), "{said}");
    assert_eq!(saved(), "<svg>8</svg>");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn nothing_is_left_behind_and_no_link_followed() {
    let place = tempfile::tempdir().unwrap();
    let (folder, other) = (place.path().join("figures"), place.path().join("other"));
    fs::create_dir(&folder).unwrap();
    fs::write(&other, "of somebody").unwrap();
    for link in ["podium.svg", "podium.svg.part"] {
        std::os::unix::fs::symlink(&other, folder.join(link)).unwrap();
    }
    let served = || {
        let mut answers = board(&one("podium"));
        let file = format!("/api/v1/boards/{PHASE}/figures/podium.svg");
        answers.push((file, b"<svg/>".to_vec()));
        serve(answers)
    };
    let output = figures(&served(), &folder, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody");
    let saved = folder.join("podium.svg");
    assert!(!saved.is_symlink());
    assert_eq!(fs::read(&saved).unwrap(), b"<svg/>");

    // A folder in its place is as good as a full disk.
    let taken = place.path().join("taken");
    fs::create_dir_all(taken.join("podium.svg")).unwrap();
    let output = figures(&served(), &taken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("podium.svg cannot be written"), "{said}");
    assert_eq!(fs::read_dir(&taken).unwrap().count(), 1);
}
