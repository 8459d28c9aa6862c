//! `molar complaints CHALLENGE`: what is wrong with the data of a challenge.

use std::process::ExitCode;

use serde_json::Value;

use super::{Connection, lookup, print, table, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The challenge; needed only where there are several.
    challenge: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Fails where something keeps a phase from taking submissions.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let api = args.connection.signed_in()?;
    let challenge = match args.challenge {
        Some(challenge) => challenge,
        None => lookup::only_challenge(&api).await?,
    };
    let path = format!("/api/v1/challenges/{challenge}/complaints");
    let list: Value = api.find(&path).await?;
    print(args.json, &list, show)?;
    let blocks = lookup::items(&list)
        .iter()
        .any(|item| item["blocks"] == true);
    Ok(ExitCode::from(u8::from(blocks)))
}

fn show(list: &Value) {
    let mut counts = table();
    counts.set_header(["split", "cases", "labelled", "read and good", "slices"]);
    for split in list["splits"].as_array().into_iter().flatten() {
        let of = |there: &str, announced: &str| match split[announced].as_i64() {
            Some(announced) => format!("{} of {announced}", split[there]),
            None => split[there].to_string(),
        };
        counts.add_row([
            text(split, "split").to_owned(),
            of("stored_cases", "announced_cases"),
            of("labelled", "announced_labelled"),
            split["good_references"].to_string(),
            of("slices", "announced_slices"),
        ]);
    }
    say!("{counts}");
    let items = lookup::items(list);
    if items.is_empty() {
        say!("Nothing is wrong.");
    }
    for item in items {
        let blocks = if item["blocks"] == true {
            " (keeps a phase closed)"
        } else {
            ""
        };
        say!("{} {}{blocks}", text(item, "split"), text(item, "file"));
        say!("  {}", text(item, "what"));
        say!("  → {}", text(item, "mend"));
    }
    if list["is_cut"] == true {
        say!("There are more. Mend these first.");
    }
}
