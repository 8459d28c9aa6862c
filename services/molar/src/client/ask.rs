//! `molar ask` and `molar questions`: write to the organizers, and read what they answered.

use serde_json::{Value, json};

use super::lookup::{items, only_challenge};
use super::{Connection, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Ask {
    #[command(flatten)]
    connection: Connection,
    /// What you want to know.
    text: String,
    /// Needed only where there are several.
    #[arg(long, conflicts_with = "submission")]
    challenge: Option<String>,
    /// The id of the submission that it is about.
    #[arg(long)]
    submission: Option<uuid::Uuid>,
}

#[derive(Debug, clap::Args)]
pub struct Questions {
    #[command(flatten)]
    connection: Connection,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn ask(args: Ask) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let body = match (args.submission, args.challenge) {
        (Some(id), _) => json!({"submission_id": id, "text": args.text}),
        (None, Some(challenge)) => json!({"challenge": challenge, "text": args.text}),
        (None, None) => json!({"challenge": only_challenge(&api).await?, "text": args.text}),
    };
    let key = uuid::Uuid::new_v4().to_string();
    let _: Value = api.create("/api/v1/questions", &body, &key).await?;
    say!("Asked. `molar questions` shows the answer once there is one.");
    Ok(())
}

pub async fn questions(args: Questions) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let list: Value = api.find("/api/v1/questions?limit=100").await?;
    print(args.json, &list, |list| {
        if items(list).is_empty() {
            say!("You have asked nothing yet: `molar ask TEXT` does.");
        }
        for question in items(list) {
            say!(
                "{}  {}",
                moment(text(question, "asked_at")),
                text(question, "text")
            );
            match text(question, "answer") {
                "" => say!("    not answered yet"),
                answer => say!("    {answer}"),
            }
        }
    })
}
