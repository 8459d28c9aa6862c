//! `molar board import --dry-run` as a process, without a server.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PUBLISHED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/reference/ranking/opg-final.csv"
);

fn import(table: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    command.args(["board", "import"]).arg(table).args(arguments);
    // Nowhere to log in, and nobody to ask.
    command
        .env_remove("MOLAR_URL")
        .env("HOME", table.parent().unwrap());
    command.output().unwrap()
}

fn made(content: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.csv");
    fs::write(&table, content).unwrap();
    import(&table, arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_published_opg_table_comes_out_with_every_rank() {
    let table = Path::new(PUBLISHED);
    if !table.exists() {
        eprintln!("SKIPPED reference: the_published_opg_table_comes_out_with_every_rank");
        return;
    }
    let output = import(table, &["--dry-run", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(board["differences"], serde_json::json!([]));
    assert_eq!(board["left_out"], serde_json::json!([]));
    assert_eq!(board["metrics"].as_array().unwrap().len(), 9);

    let mut reader = csv::Reader::from_path(table).unwrap();
    let header = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
    let rows = board["rows"].as_array().unwrap();
    assert_eq!((rows.len(), records.len()), (10, 10));
    // The file stands in the order of the final ranks.
    for (row, record) in rows.iter().zip(&records) {
        for (column, cell) in header.iter().zip(record) {
            let found = match column {
                "team" => {
                    assert_eq!(row["team"], cell);
                    continue;
                }
                "final_rank" => &row["rank"],
                "mean_rank" => &row["mean_rank"],
                _ => match column.strip_suffix("_rank") {
                    Some(metric) => &row["ranks"][metric],
                    None => &row["values"][column],
                },
            };
            let published: f64 = cell.parse().unwrap();
            assert_eq!(
                found.as_f64(),
                Some(published),
                "{column} of {}",
                row["team"]
            );
        }
    }

    let shown = import(table, &["--dry-run"]);
    assert!(shown.status.success());
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("ChohoTech") && shown.contains("0.845 (1)"),
        "{shown}"
    );
}

#[test]
fn ranks_that_were_published_otherwise_are_told_by_row_and_column_and_fail() {
    let table = "team,IA,IA_rank,mean_rank,final_rank\nA,0.9,1,1.0,1\nB,0.8,2,2,1\nC,,3,3,\n";
    let output = made(table, &["--dry-run", "--json"]);
    assert!(!output.status.success());
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(board["rows"][1]["rank"], 2);
    let said = text(&output.stderr);
    assert!(
        said.contains("team B, column `final_rank`: 1 was published, 2 comes out"),
        "{said}"
    );
    assert_eq!(board["differences"].as_array().unwrap().len(), 1);
}

#[test]
fn a_bad_table_is_refused_with_row_and_column_and_without_a_board() {
    let output = made("team,IA\nA,0.9\nB,good\n", &["--dry-run", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(
        said.contains("row 2 (line 3), column `IA`: `good` is no number"),
        "{said}"
    );

    let bell = made("team,\u{1b}]0;x\u{7}\nA,1\n", &["--dry-run"]);
    assert_eq!(bell.status.code(), Some(1));
    let said = text(&bell.stderr);
    assert!(
        said.contains("␛]0;x␇") && !said.contains('\u{1b}'),
        "{said:?}"
    );

    let nowhere = import(Path::new("/nowhere/table.csv"), &["--dry-run"]);
    assert!(text(&nowhere.stderr).contains("cannot open /nowhere/table.csv"));
}

#[test]
fn a_metric_of_others_and_one_that_nobody_has_are_ranked_as_told_and_left_out() {
    let table = "team,seconds,IA\nslow,9.5,\nfast,1.5,\n";
    let unknown = made(table, &["--dry-run"]);
    assert!(text(&unknown.stderr).contains("--lower 'seconds'"));
    let output = made(table, &["--dry-run", "--lower", "seconds"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        shown.find("fast").unwrap() < shown.find("slow").unwrap(),
        "{shown}"
    );
    assert!(shown.contains("left out of the mean rank: IA"), "{shown}");
    assert!(
        shown.contains("ranked anew from a published table; not measured here"),
        "{shown}"
    );
}

#[test]
fn an_import_that_is_no_dry_run_says_where_it_is_to_stand() {
    let table = "team,IA\nA,0.9\n";
    let output = made(table, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("--as <CHALLENGE/BOARD>") && said.contains("--title"),
        "{said}"
    );
    let output = made(table, &["--as", "sts2024", "--title", "Final"]);
    assert!(
        text(&output.stderr).contains("written challenge/board"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_board_of_a_phase_still_wants_its_name() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molar"));
    let output = command.arg("board").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("<PHASE>"),
        "{}",
        text(&output.stderr)
    );
}
