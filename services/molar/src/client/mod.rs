//! What participants and organizers do from a terminal, all of it through the public HTTP API.

/// `println!`, but a reader that has had enough (`| head`) ends the program quietly.
macro_rules! say {
    ($($text:tt)*) => { $crate::client::write_line(format_args!($($text)*)) };
}

pub mod account;
pub mod api;
pub mod apply;
pub mod ask;
pub mod board;
pub mod board_table;
pub mod cases;
pub mod complaints;
pub mod correct;
pub mod credentials;
pub mod events;
pub mod export;
pub mod figures;
pub mod imports;
pub mod ledger;
pub mod logs;
pub mod lookup;
pub mod report;
pub mod rerun;
pub mod session;
pub mod statistics;
pub mod status;
pub mod submission;
pub mod submit;
pub mod team;
pub mod upload;

pub use api::{Api, Refusal};
pub use credentials::Connection;

/// See [`say!`].
pub(crate) fn write_line(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        let is_over = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(i32::from(!is_over));
    }
}

/// A moment for people: to the minute, in UTC as the API gives it.
pub fn moment(at: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(at) {
        Ok(at) => at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => at.to_owned(),
    }
}

/// An empty table in the style of every command: lines around it and below its heading only.
pub fn table() -> comfy_table::Table {
    use comfy_table::LineStyle;
    let line = || LineStyle::none().fill('─').junction('─');
    let style = comfy_table::TableStyle::new()
        .top_border(line())
        .header_separator(line())
        .bottom_border(line());
    let mut table = comfy_table::Table::new();
    table.load_style(style);
    table
}

/// Prints a value as JSON or hands it to a printer for people.
pub fn print(
    is_json: bool,
    value: &serde_json::Value,
    people: impl FnOnce(&serde_json::Value),
) -> anyhow::Result<()> {
    if is_json {
        say!("{}", serde_json::to_string_pretty(value)?);
    } else {
        people(value);
    }
    Ok(())
}

/// A text field of an answer, empty where it is missing.
pub fn text<'a>(value: &'a serde_json::Value, field: &str) -> &'a str {
    value
        .get(field)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}
