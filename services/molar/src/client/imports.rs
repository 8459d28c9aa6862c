//! `molar board import` and `molar board forget`: boards that were published as tables, ranked anew.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use molar_domain::printable::printable;
use molar_leaderboard::{
    Directions, MOST_TABLE_BYTES, Ranked, TableView, complaint_lines, read_table,
};
use serde_json::{Value, json};

use super::{Api, Connection, board_table, lookup, print, text};

#[derive(Debug, clap::Args)]
pub struct Import {
    #[command(flatten)]
    connection: Connection,
    /// The table, in CSV with a heading.
    #[arg(value_name = "CSV")]
    table: PathBuf,
    /// Only rank it and show what comes out. Needs no server.
    #[arg(long)]
    dry_run: bool,
    /// Where it is to stand: the challenge and a name for the board, such as sts2024/opg-final.
    #[arg(
        long = "as",
        value_name = "CHALLENGE/BOARD",
        required_unless_present = "dry_run"
    )]
    place: Option<Place>,
    /// What stands above it.
    #[arg(long, required_unless_present = "dry_run")]
    title: Option<String>,
    /// Where the table was published.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// A sentence for its readers.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Put it in the place of the board of that name, of which all goes: its title, source and note too. Why is kept
    /// in the audit log.
    #[arg(long, value_name = "WHY")]
    replace: Option<String>,
    /// Of a metric that Molar does not know: more is better.
    #[arg(long, value_name = "METRIC")]
    higher: Vec<String>,
    /// Of a metric that Molar does not know: less is better.
    #[arg(long, value_name = "METRIC")]
    lower: Vec<String>,
    /// Answer in JSON, with every digit.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Forget {
    #[command(flatten)]
    connection: Connection,
    /// The challenge and the board's name, such as sts2024/opg-final.
    #[arg(value_name = "CHALLENGE/BOARD")]
    board: Place,
    /// Why; the audit log keeps it.
    #[arg(long)]
    reason: String,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// The name of an imported board.
#[derive(Debug, Clone)]
struct Place {
    challenge: String,
    board: String,
}

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [challenge, board] if !challenge.is_empty() && !board.is_empty() => Ok(Self {
                challenge: challenge.to_owned(),
                board: board.to_owned(),
            }),
            _ => bail!("an imported board is written challenge/board, such as sts2024/opg-final"),
        }
    }
}

/// A table that is wrong is refused here with its complaints, before anything is sent.
pub async fn import(args: Import) -> anyhow::Result<()> {
    let table = load(&args.table)?;
    let ranked = rank(&args, &table)?;
    match (&args.place, &args.title) {
        (Some(place), Some(title)) if !args.dry_run => send(&args, place, title, table).await,
        _ => dry_run(&ranked, args.json),
    }
}

/// Never more than the server would take, and a byte.
fn load(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut table = Vec::new();
    file.take(MOST_TABLE_BYTES as u64 + 1)
        .read_to_end(&mut table)
        .with_context(|| format!("cannot read {name}"))?;
    Ok(table)
}

fn rank(args: &Import, table: &[u8]) -> anyhow::Result<Ranked> {
    let directions = Directions {
        higher: args.higher.clone(),
        lower: args.lower.clone(),
    };
    match read_table(table, &directions) {
        Ok(table) => Ok(Ranked::of(table)?),
        Err(complaints) => {
            let lines = complaint_lines(&complaints).join("\n  ");
            bail!("{} is no board:\n  {lines}", args.table.display())
        }
    }
}

/// Fails if ranks come out otherwise than they were published, after showing the board.
fn dry_run(ranked: &Ranked, is_json: bool) -> anyhow::Result<()> {
    let shown = serde_json::to_value(TableView::of(ranked))?;
    print(is_json, &shown, show)?;
    let differences = differences(&shown);
    anyhow::ensure!(
        differences.is_empty(),
        "what comes out differs from what was published:\n  {}",
        differences.join("\n  ")
    );
    Ok(())
}

async fn send(args: &Import, place: &Place, title: &str, table: Vec<u8>) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let table = String::from_utf8(table).context("the table is no text in UTF-8")?;
    let body = json!({
        "challenge": place.challenge, "slug": place.board, "title": title, "source": args.source,
        "note": args.note, "replace": args.replace, "higher": args.higher, "lower": args.lower,
        "table": table,
    });
    let key = uuid::Uuid::new_v4().to_string();
    let made: Value = api.create("/api/v1/boards/imported", &body, &key).await?;
    let id = lookup::id(&made)?;
    let shown: Value = api.find(&format!("/api/v1/boards/imported/{id}")).await?;
    print(args.json, &shown, |shown| {
        show(shown);
        for difference in differences(shown) {
            say!("Published otherwise: {difference}");
        }
        let path = text(shown, "path");
        let url = api.base().join(path).map_or(path.to_owned(), String::from);
        say!("It is shown at {url}");
    })
}

/// Nobody is to take it for a board of this platform.
fn show(board: &Value) {
    board_table::show(board);
    say!("Imported: ranked anew from a published table; not measured here.");
}

/// One line for each rank that was published otherwise.
fn differences(board: &Value) -> Vec<String> {
    let found = board["differences"].as_array().into_iter().flatten();
    found
        .map(|found| {
            format!(
                "team {}, column `{}`: {} was published, {} comes out",
                printable(text(found, "team")),
                printable(text(found, "column")),
                printable(text(found, "published")),
                found["computed"].as_f64().unwrap_or_default(),
            )
        })
        .collect()
}

pub async fn forget(args: Forget) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let id = find(&api, &args.board).await?;
    let body = json!({ "reason": args.reason });
    let path = format!("/api/v1/boards/imported/{id}/remove");
    let gone: Value = api.post(&path, &body).await?;
    print(args.json, &gone, |gone| {
        let (challenge, slug) = (text(gone, "challenge"), text(gone, "slug"));
        say!(
            "{challenge}/{slug} ({}) is not shown any more.",
            printable(text(gone, "title"))
        );
    })
}

/// Its id, by its name.
async fn find(api: &Api, place: &Place) -> anyhow::Result<String> {
    let Place { challenge, board } = place;
    let query: String = url::form_urlencoded::byte_serialize(challenge.as_bytes()).collect();
    let list: Value = api
        .find(&format!("/api/v1/boards/imported?challenge={query}"))
        .await?;
    let known = lookup::items(&list);
    match known.iter().find(|one| text(one, "slug") == board) {
        Some(found) => Ok(lookup::id(found)?.to_owned()),
        None if known.is_empty() => bail!("no board of {challenge} was imported"),
        None => {
            let names: Vec<_> = known.iter().map(|one| text(one, "slug")).collect();
            bail!(
                "there is no imported board {challenge}/{board}; there are {}",
                names.join(", ")
            )
        }
    }
}
