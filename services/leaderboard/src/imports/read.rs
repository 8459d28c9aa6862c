//! From the bytes of a table to what it says, or everything that is wrong with it.

use std::collections::HashMap;

use csv::ReaderBuilder;

use super::cells::Cells;
use super::complaint::Complaint;
use super::heading;
use super::table::{Directions, MOST_BYTES, MOST_ROWS, Row, Table};

/// Reads a table, or says everything that is wrong with it.
pub fn read(table: &[u8], directions: &Directions) -> Result<Table, Vec<Complaint>> {
    if table.len() > MOST_BYTES {
        let what = format!("the table is larger than {} KiB", MOST_BYTES >> 10);
        return Err(vec![Complaint::of_table(what)]);
    }
    let broken = |error: csv::Error| vec![Complaint::of_csv(&error)];
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(table);
    let header = reader.headers().map_err(broken)?;
    let names: Vec<String> = header.iter().map(heading::name).collect();
    let mut complaints = Vec::new();
    let metrics = heading::metrics(&names, directions, &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints);
    }

    let mut rows: Vec<Row> = Vec::new();
    let mut teams = HashMap::new();
    for (at, record) in reader.records().enumerate() {
        if at == MOST_ROWS {
            let what = format!("there are more than {MOST_ROWS} rows");
            complaints.push(Complaint::of_table(what));
            break;
        }
        let record = record.map_err(broken)?;
        let place = (at + 1, record.position().map_or(0, csv::Position::line));
        let mut cells = Cells {
            row: place,
            names: &names,
            record: &record,
            complaints: &mut complaints,
        };
        let row = cells.row(&metrics);
        let first = *teams.entry(row.team.clone()).or_insert(place.0);
        if first != place.0 && !row.team.is_empty() {
            complaints.push(Complaint::twice(place, &row.team, first));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        let what = "there is no row below the heading";
        complaints.push(Complaint::of_table(what));
    }
    if complaints.is_empty() {
        Ok(Table { metrics, rows })
    } else {
        Err(complaints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::table::Published;

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
            "there are more than 1000 rows"
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
}
