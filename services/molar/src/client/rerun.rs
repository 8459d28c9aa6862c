//! `molar rerun SUBMISSION --reason WHY`: a container run again.

use serde_json::{Value, json};

use super::{Connection, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The id of a submission that has ended.
    submission: uuid::Uuid,
    /// Why; its team reads it, and the audit log keeps it.
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let path = format!("/api/v1/submissions/{}/rerun", args.submission);
    let key = uuid::Uuid::new_v4().to_string();
    let body = json!({ "reason": args.reason });
    let made: Value = api.create(&path, &body, &key).await?;
    print(args.json, &made, |made| {
        say!(
            "Attempt {}, {} runs, behind what participants hand in. `molar status {}` shows how far it is; \
             an earlier score stays on the board until the new one is there.",
            made["number"],
            made["runs"],
            text(made, "submission_id")
        );
    })
}
