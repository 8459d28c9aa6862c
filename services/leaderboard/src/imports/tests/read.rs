//! The reader alone.

use std::time::{Duration, Instant};

use crate::imports::read::read;
use crate::imports::table::{Directions, MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Published};

fn complaints(text: &str) -> Vec<String> {
    let found = read(text.as_bytes(), &Directions::default()).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_table_of_a_spreadsheet_is_read_with_names_in_any_script() {
    let long = "x".repeat(200);
    let text = format!("\u{feff}team, IA ,IA_rank\r\n\"<b>שן, 🦷</b>\",0.5,2\r\n{long},,3\r\n");
    let table = read(text.as_bytes(), &Directions::default()).unwrap();
    let teams: Vec<_> = table.rows.iter().map(|row| row.team.as_str()).collect();
    assert_eq!(teams, ["<b>שן, 🦷</b>", &long]);
    assert_eq!(table.rows[0].values, [Some(0.5)]);
    assert_eq!(table.rows[1].values, [None]);
    assert_eq!(table.rows[0].published["IA_rank"].text(), "2");
}

#[test]
fn every_bad_cell_is_named_by_row_and_column() {
    let text =
        "team,IA,IA_rank,final_rank\nA,\"0,88\",1,1\n,0.5,0,x\nA,NaN,inf,2\nB\u{7},0.5,1,1\n";
    assert_eq!(
        complaints(text),
        [
            "row 1 (line 2), column `IA`: `0,88` is no number; write it like 0.88, or leave the cell empty if it was not measured",
            "row 2 (line 3), column `team`: has no name",
            "row 2 (line 3), column `IA_rank`: `0` is no rank; the best is 1",
            "row 2 (line 3), column `final_rank`: `x` is no number; write it like 0.88, or leave the cell empty if it was not measured",
            "row 3 (line 4), column `IA`: `NaN` is no number; write it like 0.88, or leave the cell empty if it was not measured",
            "row 3 (line 4), column `IA_rank`: `inf` is no number; write it like 0.88, or leave the cell empty if it was not measured",
            "row 3 (line 4), column `team`: the team `A` is already in row 1",
            "row 4 (line 5), column `team`: has a control character in its name",
        ]
    );
}

#[test]
fn rows_that_are_longer_or_shorter_than_the_heading_are_named() {
    assert_eq!(
        complaints("team,IA\nA,0.5,7\nB\n"),
        [
            "row 1 (line 2): has 3 cells, the heading 2",
            "row 2 (line 3): has 1 cells, the heading 2",
        ]
    );
}

#[test]
fn a_heading_that_makes_no_board_is_refused() {
    assert_eq!(
        complaints("name;IA\nA;0.5\n"),
        [
            "there is no column `team`; columns are separated by commas",
            "column `name;IA`: is no metric that Molar knows; say what is better: --higher 'name;IA' or --lower 'name;IA'",
        ]
    );
    assert_eq!(
        complaints("team,IA,IA,,far_rank\n"),
        [
            "column `IA`: is there twice",
            "column 4 has no name",
            "column `far_rank`: ranks by `far`, but there is no such column",
        ]
    );
    assert_eq!(
        complaints("team,mean_rank\nA,1\n"),
        ["there is no column of values"]
    );
    assert_eq!(
        complaints("team,IA\n"),
        ["there is no row below the heading"]
    );
    assert_eq!(complaints("").len(), 2);
}

#[test]
fn bytes_that_are_no_text_are_told_by_their_line() {
    let found = read(b"team,IA\nA,0.5\n\xff,0.4\n", &Directions::default()).unwrap_err();
    assert!(
        found[0]
            .to_string()
            .starts_with("row 2 (line 3): cannot be read"),
        "{}",
        found[0]
    );
}

#[test]
fn who_knows_better_says_which_end_is_the_good_one() {
    let directions = Directions {
        higher: vec!["points".to_owned()],
        lower: vec!["IA".to_owned()],
    };
    let table = read("team,points,IA\nA,1,2\n".as_bytes(), &directions).unwrap();
    let found: Vec<_> = table
        .metrics
        .iter()
        .map(|metric| metric.is_higher_better)
        .collect();
    assert_eq!(found, [true, false]);
    let unused = read("team,IA\nA,1\n".as_bytes(), &directions).unwrap_err();
    assert!(
        unused[0]
            .to_string()
            .contains("`points`: is named by --higher"),
        "{}",
        unused[0]
    );
}

#[test]
fn a_table_is_bounded_in_bytes_rows_columns_names_and_digits() {
    let said = |text: &str| complaints(text).join("\n");
    let row = |team: usize| format!("t{team},0.5\n");
    let rows = |count| (0..count).map(row).collect::<String>();
    let most = format!("team,IA\n{}", rows(MOST_ROWS));
    assert!(read(most.as_bytes(), &Directions::default()).is_ok());
    assert_eq!(
        said(&(most + "more,0.5\n")),
        "there are more than 1000 rows, the most with 1 columns of values"
    );

    let large = format!("team,IA\n{}", "x".repeat(MOST_BYTES));
    assert_eq!(said(&large), "the table is larger than 1024 KiB");

    let names: Vec<_> = (0..33)
        .map(|number| format!("image_NSD@{number}.5mm"))
        .collect();
    assert_eq!(
        said(&format!("team,{}\n", names.join(","))),
        "there are 33 columns of values; 32 is the most"
    );
    let long = "x".repeat(101);
    assert!(said(&format!("team,{long}\n")).starts_with("column 2 must have a name of"));
    assert!(said("team,I\u{1}A\n").starts_with("column 2 must have a name of"));
    let long = "ü".repeat(51);
    assert!(said(&format!("team,{long}\n")).starts_with("column 2 must have a name of"));

    let (team, digits) = ("x".repeat(201), "0".repeat(41));
    let found = said(&format!("team,IA\n{team},0.{digits}\n"));
    assert!(found.contains("a name of 201 characters"), "{found}");
    assert!(
        found.contains("has 43 characters; 40 is the most"),
        "{found}"
    );
}

#[test]
fn a_rank_agrees_to_the_digits_that_were_published() {
    let third = 4.0 / 3.0;
    for (text, agrees) in [
        ("1.33", true),
        ("1.3", true),
        ("1", true),
        ("1.34", false),
        ("2", false),
    ] {
        assert_eq!(Published::new(text).agrees(third), agrees, "{text}");
    }
}

#[test]
fn a_heading_of_very_many_names_is_refused_at_once() {
    let name = |at: u32| {
        let letter = char::from_u32(0x4e00 + at % 20_000).unwrap();
        format!("{letter}{}", at / 20_000)
    };
    let names: Vec<_> = (0..200_000).map(name).collect();
    let text = format!("team,{}\n", names.join(","));
    assert!(text.len() <= MOST_BYTES);
    let began = Instant::now();
    assert_eq!(
        complaints(&text),
        ["there are 200001 columns; 67 is the most"]
    );
    assert!(began.elapsed() < Duration::from_secs(5));

    let metrics = |count| (0..count).map(|at| format!("image_NSD@{at}.5mm"));
    let pairs = metrics(32).map(|name| format!("{name},{name}_rank"));
    let pairs: Vec<_> = pairs.collect();
    let widest = format!("team,mean_rank,final_rank,{}\n", pairs.join(","));
    assert_eq!(widest.split(',').count(), MOST_COLUMNS);
    assert_eq!(complaints(&widest), ["there is no row below the heading"]);
}

#[test]
fn a_table_has_ten_thousand_values_at_most() {
    let table = |metrics: usize, rows: usize| {
        let names: Vec<_> = (0..metrics)
            .map(|at| format!("image_NSD@{at}.5mm"))
            .collect();
        let cells = ",1".repeat(metrics);
        let rows: String = (0..rows).map(|row| format!("t{row}{cells}\n")).collect();
        format!("team,{}\n{rows}", names.join(","))
    };
    for (metrics, most) in [(9, 1000), (10, 1000), (11, 909), (32, 312)] {
        let taken = read(table(metrics, most).as_bytes(), &Directions::default());
        assert!(taken.is_ok(), "{metrics} and {most}");
        let refused =
            format!("there are more than {most} rows, the most with {metrics} columns of values");
        assert_eq!(complaints(&table(metrics, most + 1)), [refused]);
    }
}

#[test]
fn a_number_that_no_column_could_show_is_refused() {
    for number in ["1e15", "-1e300", "1e-16", "-4e-320"] {
        let found = complaints(&format!("team,IA,IA_rank\nA,{number},1\nB,0.5,2\n"));
        let of_it = format!(
            "row 1 (line 2), column `IA`: `{number}` is too large or too small; a number is 0, or \
             from 1e-15 to below 1e15, or that below 0"
        );
        assert_eq!(found, [of_it]);
    }
    let rank = complaints("team,IA,IA_rank\nA,1,1e15\n").join("\n");
    assert!(
        rank.contains("column `IA_rank`: `1e15` is too large"),
        "{rank}"
    );
    for number in ["0", "-0.0", "1e-15", "999999999999999", "-1e14"] {
        let text = format!("team,IA\nA,{number}\n");
        let read = read(text.as_bytes(), &Directions::default());
        assert!(read.is_ok(), "{number}");
    }
}

#[test]
fn a_table_without_any_value_is_no_board() {
    let text = "team,IA,IA_rank,image_DSC\nA,,1,\nB, ,2,\n";
    assert_eq!(complaints(text), ["no row has a value"]);
}

#[test]
fn complaints_do_nothing_to_a_terminal_whatever_is_in_the_table() {
    let bell = "\u{1b}]0;owned\u{7}";
    let text =
        format!("team,{bell},IA\n\"A\u{202e}\",x,{bell}\n\"A\u{202e}\",,\"0\n1\"\n\"{bell}\",,0\n");
    let directions = Directions {
        higher: vec![bell.to_owned()],
        ..Directions::default()
    };
    let of_heading = read(text.as_bytes(), &directions).unwrap_err();
    let unknown = read(text.as_bytes(), &Directions::default()).unwrap_err();
    let of_rows = read(
        text.replacen(bell, "points", 1).as_bytes(),
        &Directions {
            higher: vec!["points".to_owned()],
            ..Directions::default()
        },
    );
    let of_rows = of_rows.unwrap_err();
    assert!(of_rows.len() > 3, "{of_rows:?}");
    for complaint in [of_heading, unknown, of_rows].concat() {
        let line = complaint.to_string();
        let is_harmful = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.contains(is_harmful), "{line:?}");
    }
    let long = "x".repeat(10_000);
    for line in complaints(&format!("team,{long},{long}_rank\n")) {
        assert!(line.chars().count() < 1100, "{line}");
    }
}

#[test]
fn advice_is_a_command_only_where_quotes_hold_the_name() {
    let found = complaints("team,a';reboot;'\nA,1\n");
    assert_eq!(
        found,
        [
            "column `a';reboot;'`: is no metric that Molar knows; say what is better, with --higher or --lower and its name"
        ]
    );
    let rank = complaints("team,IA,rank\nA,1,1\n");
    assert_eq!(
        rank,
        [
            "column `rank`: is no metric that Molar knows; if it is the final rank, call it `final_rank`"
        ]
    );
}
