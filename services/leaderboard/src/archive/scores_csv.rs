//! Scores as tables: a line for each value, or a line for each case.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use csv::{ByteRecord, StringRecord};

use super::scores::{Case, Metric, Scores};
use crate::boards::csv_cells::unarmed;
use crate::statistics::scored::Cell;

/// In place of a value: the case has none of the labels that the metric is about.
const NOT_APPLICABLE: &str = "NA";
/// Values that are held at once, whatever a table claims.
const MOST: usize = 20_000_000;

const LONG: [&str; 6] = ["entry", "team", "case", "is_failed", "metric", "value"];
const WIDE: [&str; 4] = ["entry", "team", "case", "is_failed"];

/// A line for each value, named by entry, case and metric.
pub fn write_long(scores: &Scores, teams: &[String], to: impl Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(LONG)?;
    each(scores, |entry, number, case| {
        for (metric, cell) in scores.metrics.iter().zip(&case.cells) {
            let [at, team, number, failed] = head(teams, entry, number, case);
            writer.write_record([at, team, number, failed, metric.name.clone(), text(*cell)])?;
        }
        Ok(())
    })?;
    Ok(writer.flush()?)
}

/// A line for each entry in each case, the metrics beside each other.
pub fn write_wide(scores: &Scores, teams: &[String], to: impl Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    let metrics = scores.metrics.iter().map(|metric| metric.name.as_str());
    writer.write_record(WIDE.into_iter().chain(metrics))?;
    each(scores, |entry, number, case| {
        let cells = case.cells.iter().map(|cell| text(*cell));
        writer.write_record(head(teams, entry, number, case).into_iter().chain(cells))
    })?;
    Ok(writer.flush()?)
}

fn each(
    scores: &Scores,
    mut line: impl FnMut(usize, usize, &Case) -> csv::Result<()>,
) -> csv::Result<()> {
    for (entry, cases) in scores.entries.iter().enumerate() {
        for (number, case) in (1..).zip(cases) {
            if let Some(case) = case {
                line(entry, number, case)?;
            }
        }
    }
    Ok(())
}

fn head(teams: &[String], entry: usize, number: usize, case: &Case) -> [String; 4] {
    [
        (entry + 1).to_string(),
        unarmed(&teams[entry]),
        number.to_string(),
        case.is_failed.to_string(),
    ]
}

fn text(cell: Cell) -> String {
    match cell {
        Cell::Value(value) => value.to_string(),
        Cell::None => NOT_APPLICABLE.to_owned(),
        Cell::Missing => String::new(),
    }
}

/// What a line says: entry and case from 0, and some of the case's values.
struct Line {
    entry: usize,
    case: usize,
    is_failed: bool,
    cells: Vec<(usize, Cell)>,
}

/// The table of [`write_long`] with entries of these teams, read back.
pub fn read_long(from: impl Read, metrics: &[Metric], teams: &[String]) -> Result<Scores, String> {
    let places: BTreeMap<&str, usize> = metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .zip(0..)
        .collect();
    read(from, &LONG.map(str::to_owned), metrics, teams, |record| {
        let metric = places
            .get(&record[4])
            .ok_or_else(|| format!("there is no metric {:?}", &record[4]))?;
        Ok(vec![(*metric, cell(&record[5])?)])
    })
}

/// The table of [`write_wide`] with entries of these teams, read back.
pub fn read_wide(from: impl Read, metrics: &[Metric], teams: &[String]) -> Result<Scores, String> {
    let names = metrics.iter().map(|metric| metric.name.clone());
    let header: Vec<String> = WIDE.map(str::to_owned).into_iter().chain(names).collect();
    read(from, &header, metrics, teams, |record| {
        let cells = record.iter().skip(WIDE.len()).map(cell);
        cells.zip(0..).map(|(cell, at)| Ok((at, cell?))).collect()
    })
}

fn read(
    from: impl Read,
    header: &[String],
    metrics: &[Metric],
    teams: &[String],
    cells: impl Fn(&StringRecord) -> Result<Vec<(usize, Cell)>, String>,
) -> Result<Scores, String> {
    let mut reader = csv::Reader::from_reader(from);
    let found = reader.headers().map_err(|error| error.to_string())?;
    if found.iter().ne(header) {
        return Err(format!("its columns are not {}", header.join(", ")));
    }
    let mut lines = Vec::new();
    let mut held = 0;
    for record in reader.byte_records() {
        let at = lines.len() + 2;
        let line = record
            .map_err(|error| error.to_string())
            .and_then(|record| line(record, teams, &cells))
            .map_err(|why| format!("line {at}: {why}"))?;
        held += line.cells.len().max(1);
        if held > MOST {
            return Err(format!("it has more than {MOST} values"));
        }
        lines.push(line);
    }
    gathered(lines, metrics, teams.len())
}

fn line(
    record: ByteRecord,
    teams: &[String],
    cells: impl Fn(&StringRecord) -> Result<Vec<(usize, Cell)>, String>,
) -> Result<Line, String> {
    let record = StringRecord::from_byte_record(record).map_err(|error| error.to_string())?;
    let number = |at: usize| {
        let number: Option<usize> = record[at].parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("{:?} is no number", &record[at]))
    };
    let entry = number(0)?;
    let team = teams.get(entry - 1);
    let team = team.ok_or_else(|| format!("there is no entry {entry}"))?;
    if record[1] != *unarmed(team) {
        return Err(format!(
            "entry {entry} is of {team:?}, not of {:?}",
            &record[1]
        ));
    }
    Ok(Line {
        entry: entry - 1,
        case: number(2)? - 1,
        is_failed: record[3]
            .parse()
            .map_err(|_| format!("{:?} is neither true nor false", &record[3]))?,
        cells: cells(&record)?,
    })
}

/// Cases without a gap: each number is some line's.
fn gathered(lines: Vec<Line>, metrics: &[Metric], entries: usize) -> Result<Scores, String> {
    let last = lines.iter().map(|line| line.case + 1).max().unwrap_or(0);
    let cells = last
        .saturating_mul(entries)
        .saturating_mul(metrics.len().max(1));
    if last > lines.len() || cells > MOST {
        return Err(format!("it has no {last} cases"));
    }
    let mut scores = Scores {
        metrics: metrics.to_vec(),
        cases: last,
        entries: vec![vec![None; last]; entries],
    };
    let mut set = vec![false; cells];
    for line in lines {
        let case = scores.entries[line.entry][line.case].get_or_insert_with(|| Case {
            is_failed: line.is_failed,
            cells: vec![Cell::Missing; metrics.len()],
        });
        if case.is_failed != line.is_failed {
            return Err(named(&line, "has failed and has not"));
        }
        for (metric, cell) in &line.cells {
            case.cells[*metric] = *cell;
            let place = (line.entry * last + line.case) * metrics.len() + metric;
            if std::mem::replace(&mut set[place], true) {
                return Err(named(&line, "is there twice"));
            }
        }
    }
    Ok(scores)
}

fn named(line: &Line, what: &str) -> String {
    format!("case {} of entry {} {what}", line.case + 1, line.entry + 1)
}

fn cell(text: &str) -> Result<Cell, String> {
    match text {
        "" => Ok(Cell::Missing),
        NOT_APPLICABLE => Ok(Cell::None),
        number => {
            let value: Option<f64> = number.parse().ok();
            let value = value.filter(|value| value.is_finite());
            value
                .map(Cell::Value)
                .ok_or_else(|| format!("{number:?} is no value"))
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_ranking::Direction;

    use super::*;

    fn scores() -> Scores {
        let case = |cells: [Cell; 2], is_failed| {
            Some(Case {
                is_failed,
                cells: cells.to_vec(),
            })
        };
        let metric = |name: &str| Metric {
            name: name.to_owned(),
            direction: Direction::HigherIsBetter,
        };
        Scores {
            metrics: vec![metric("IA"), metric("instance_DSC/upper")],
            cases: 2,
            entries: vec![
                vec![case([Cell::Value(0.1 + 0.2), Cell::None], false), None],
                vec![
                    case([Cell::Missing, Cell::Value(1e-300)], false),
                    case([Cell::Value(0.0), Cell::Value(0.0)], true),
                ],
            ],
        }
    }

    #[test]
    fn both_tables_are_read_back_to_the_last_digit() {
        let (scores, teams) = (scores(), ["=Ants".to_owned(), "Bees, \"the\"\n".to_owned()]);
        let (mut long, mut wide) = (Vec::new(), Vec::new());
        write_long(&scores, &teams, &mut long).unwrap();
        write_wide(&scores, &teams, &mut wide).unwrap();
        assert_eq!(
            read_long(&*long, &scores.metrics, &teams),
            Ok(scores.clone())
        );
        assert_eq!(read_wide(&*wide, &scores.metrics, &teams), Ok(scores));
        let text = String::from_utf8(wide).unwrap();
        assert!(text.starts_with("entry,team,case,is_failed,IA,instance_DSC/upper\n"));
        assert!(
            text.contains("1,'=Ants,1,false,0.30000000000000004,NA\n"),
            "{text}"
        );
    }

    #[test]
    fn a_table_that_is_none_is_refused_with_its_line() {
        let teams = ["A".to_owned(), "B".to_owned()];
        let read = |lines: &str| {
            let table = format!("entry,team,case,is_failed,IA,instance_DSC/upper\n{lines}");
            read_wide(table.as_bytes(), &scores().metrics, &teams).unwrap_err()
        };
        for (lines, why) in [
            ("1,A,1,false,inf,NA\n", "line 2: \"inf\" is no value"),
            ("3,A,1,false,1,1\n", "line 2: there is no entry 3"),
            (
                "2,A,1,false,1,1\n",
                "line 2: entry 2 is of \"B\", not of \"A\"",
            ),
            ("1,A,0,false,1,1\n", "line 2: \"0\" is no number"),
            ("1,A,1,no,1,1\n", "line 2: \"no\" is neither true nor false"),
            ("1,A,9999999,false,1,1\n", "it has no 9999999 cases"),
            (
                "1,A,1,false,1,1\n1,A,1,false,1,1\n",
                "case 1 of entry 1 is there twice",
            ),
        ] {
            assert_eq!(read(lines), why);
        }
        let twice =
            "entry,team,case,is_failed,metric,value\n1,A,1,false,IA,0.5\n1,A,1,false,IA,0.9\n";
        assert_eq!(
            read_long(twice.as_bytes(), &scores().metrics, &teams).unwrap_err(),
            "case 1 of entry 1 is there twice"
        );
        assert!(
            read_long(&b"a,b\n"[..], &scores().metrics, &teams)
                .unwrap_err()
                .contains("columns")
        );
    }
}
