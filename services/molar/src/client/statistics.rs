//! `molar board statistics challenge/track/phase`

use molar_domain::printable::printable;
use serde_json::Value;

use super::{Connection, lookup, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/phase, such as sts2024/opg/final.
    phase: String,
    /// Answer in JSON, with every figure.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.api()?;
    let phase = lookup::phase(&api, &args.phase).await?;
    let id = lookup::id(&phase)?;
    let found: Value = api.find(&format!("/api/v1/boards/{id}/statistics")).await?;
    print(args.json, &found, show)
}

/// One line a team, then what holds for all.
fn show(found: &Value) {
    let made = &found["statistics"];
    if !text(found, "hidden").is_empty() {
        say!("{}", text(found, "hidden"));
        return;
    }
    if made.is_null() {
        say!("There are no statistics yet: they are made within a minute of the first ranks.");
        return;
    }
    let mut table = super::table();
    table.set_header(["rank", "team", "95 %", "stability"]);
    for team in items(&made["teams"]) {
        table.add_row(line(team));
    }
    say!("{table}");
    for sentence in sentences(made) {
        say!("{sentence}");
    }
}

/// Rank, team, interval, and how often it kept its rank.
fn line(team: &Value) -> [String; 4] {
    let bound = |name: &str| team["interval"][name].as_f64();
    let interval = match (bound("from"), bound("to")) {
        (Some(from), Some(to)) if from == to => from.to_string(),
        (Some(from), Some(to)) => format!("{from}–{to}"),
        _ => "–".to_owned(),
    };
    let stability = team["stability"].as_f64();
    [
        team["rank"].to_string(),
        printable(text(team, "team")),
        interval,
        stability.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
    ]
}

fn sentences(made: &Value) -> Vec<String> {
    let (cases, draws) = (&made["cases"], &made["draws"]);
    let mut told = vec![match text(made, "undrawn") {
        "" => format!("{draws} draws of {cases} cases, seed {}.", made["seed"]),
        why => format!("Nothing was drawn: {why}."),
    }];
    if let Some(tau) = made["mean_tau"].as_f64() {
        told.push(format!(
            "Kendall's tau of the draws against these ranks: {tau:.3}."
        ));
    }
    for left_out in items(&made["left_out"]) {
        let (metric, reason) = (text(left_out, "metric"), text(left_out, "reason"));
        told.push(format!(
            "{} does not count here: {reason}.",
            printable(metric)
        ));
    }
    let newer = match made["is_current"].as_bool() {
        Some(true) => "",
        _ => "; the board is newer",
    };
    let as_of = moment(text(made, "as_of"));
    told.push(format!(
        "As of {as_of}, version {}{newer}.",
        made["version"]
    ));
    told
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{line, sentences};

    #[test]
    fn a_team_has_its_interval_and_how_often_it_kept_its_rank() {
        let team = json!({"team": "Ants\u{1b}[2J", "rank": 2, "stability": 0.934,
                          "interval": {"from": 1.0, "to": 2.5}});
        assert_eq!(line(&team), ["2", "Ants␛[2J", "1–2.5", "93 %"]);
        let sure = json!({"team": "Bees", "rank": 1, "interval": {"from": 1.0, "to": 1.0}});
        assert_eq!(line(&sure), ["1", "Bees", "1", "–"]);
        assert_eq!(line(&json!({"team": "Cats", "rank": 3}))[2], "–");
    }

    #[test]
    fn what_was_not_drawn_or_left_out_is_said() {
        let made = json!({"cases": 0, "draws": 1000, "undrawn": "no case is scored", "version": 3, "seed": 5,
                          "is_current": false, "as_of": "2026-09-01T12:00:00Z",
                          "left_out": [{"metric": "IA", "reason": "no ranked team has it"}]});
        assert_eq!(
            sentences(&made),
            [
                "Nothing was drawn: no case is scored.",
                "IA does not count here: no ranked team has it.",
                "As of 2026-09-01 12:00 UTC, version 3; the board is newer.",
            ]
        );
    }
}
