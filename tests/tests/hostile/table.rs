//! What is printed at the end.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::presets;
use molar_tests::hostile::{Case, Suite, Verdict};

pub struct Row {
    suite: Suite,
    name: String,
    runtime: String,
    about: String,
    word: String,
    took: Duration,
    complaints: Vec<String>,
}

impl Row {
    pub fn new(case: &Case, runtime: &str, judged: anyhow::Result<(Verdict, Vec<String>)>) -> Self {
        let (word, took, complaints) = match judged {
            Ok((verdict, complaints)) => (verdict.word(), verdict.took, complaints),
            Err(error) => (
                "broken".to_owned(),
                Duration::ZERO,
                vec![format!("{error:#}")],
            ),
        };
        Self {
            suite: case.suite,
            name: case.name.clone(),
            runtime: runtime.to_owned(),
            about: case.about.clone(),
            word,
            took,
            complaints,
        }
    }

    /// As cargo's own harness prints it.
    pub fn print(&self) {
        let end = if self.complaints.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        println!(
            "test {}::{} ... {end} ({:.1} s)",
            self.runtime,
            self.name,
            self.took.as_secs_f64()
        );
        for complaint in &self.complaints {
            println!("    {complaint}");
        }
    }
}

pub struct Table {
    rows: Vec<Row>,
    took: Duration,
}

impl Table {
    pub fn new(mut rows: Vec<Row>, took: Duration) -> Self {
        rows.sort_by(|a, b| {
            let key = |row: &Row| {
                (
                    row.suite == Suite::Honest,
                    row.name.clone(),
                    row.runtime.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        Self { rows, took }
    }

    fn failed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| !row.complaints.is_empty())
            .count()
    }

    pub fn print(&self) {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["image", "runtime", "what it is", "what came of it", "s", ""]);
        for row in &self.rows {
            let end = if row.complaints.is_empty() {
                ""
            } else {
                "WRONG"
            };
            let took = format!("{:.1}", row.took.as_secs_f64());
            table.add_row([&row.name, &row.runtime, &row.about, &row.word, &took, end]);
        }
        println!("\n{table}\n");
        let word = if self.failed() == 0 { "ok" } else { "FAILED" };
        println!(
            "test result: {word}. {} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
            self.rows.len() - self.failed(),
            self.failed(),
            self.took.as_secs_f64()
        );
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.failed() {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(101),
        }
    }
}
