//! `molar ledger CHALLENGE`: who signed the agreement, and who was given which file.

use serde_json::{Value, json};

use super::lookup::items;
use super::{Api, Connection, moment, table, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Its short name, such as sts2024.
    challenge: String,
    /// Every link that was handed out, rather than every signature.
    #[arg(long)]
    downloads: bool,
    /// All rows as a table for other programs.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// All signatures and all links in one JSON document.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let ledger = format!("/api/v1/challenges/{}/ledger", args.challenge);
    let part = match args.downloads {
        true => "downloads",
        false => "signatures",
    };
    if args.csv {
        let table = api.text(&format!("{ledger}/{part}.csv")).await?;
        say!("{}", table.trim_end());
        return Ok(());
    }
    if args.json {
        let whole = json!({
            "challenge": args.challenge,
            "signatures": all(&api, &format!("{ledger}/signatures")).await?,
            "downloads": all(&api, &format!("{ledger}/downloads")).await?,
        });
        say!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if args.downloads {
        for link in all(&api, &format!("{ledger}/downloads")).await? {
            let at = moment(text(&link, "handed_at"));
            say!("{at}  {}  {}", text(&link, "user"), text(&link, "place"));
        }
        return Ok(());
    }
    people(&all(&api, &ledger).await?);
    Ok(())
}

/// Page after page.
async fn all(api: &Api, path: &str) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut next = format!("{path}?limit=100");
    loop {
        let page: Value = api.find(&next).await?;
        rows.extend(items(&page).iter().cloned());
        match page["next"].as_str() {
            Some(cursor) => next = format!("{path}?limit=100&cursor={cursor}"),
            None => return Ok(rows),
        }
    }
}

fn people(people: &[Value]) {
    if people.is_empty() {
        say!("Nobody has signed or was given a file.");
        return;
    }
    let mut rows = table();
    rows.set_header(["person", "affiliation", "signed", "files", "links"]);
    for person in people {
        let signed = match (text(person, "version"), &person["has_signed_newest"]) {
            ("", _) => "nothing".to_owned(),
            (version, Value::Bool(true)) => version.to_owned(),
            (version, _) => format!("{version}, not the newest"),
        };
        let name = match text(person, "signed_name") {
            "" => text(person, "name"),
            name => name,
        };
        rows.add_row([
            name.to_owned(),
            text(person, "affiliation").to_owned(),
            signed,
            person["files"].to_string(),
            person["links"].to_string(),
        ]);
    }
    say!("{rows}");
}
