//! `molar team …`: create, list, invite, join, sign the agreement, ask to take part.

use serde_json::{Value, json};

use super::lookup::{id, items, only_challenge};
use super::{Api, Connection, lookup, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a team; you become its captain.
    Create {
        /// Shown on boards.
        name: String,
        /// Needed only where there are several.
        #[arg(long)]
        challenge: Option<String>,
    },
    /// Your teams and where they take part.
    List,
    /// Make an invitation: a secret that one person may use.
    Invite {
        #[arg(long)]
        team: Option<String>,
        #[arg(long)]
        challenge: Option<String>,
    },
    /// Use an invitation.
    Join {
        /// What `molar team invite` printed.
        invitation: String,
    },
    /// Read and sign the data-use agreement.
    Sign {
        #[arg(long)]
        challenge: Option<String>,
        /// Your full name, as under a paper.
        #[arg(long)]
        name: String,
        #[arg(long)]
        affiliation: String,
        /// Sign without being shown the text again.
        #[arg(long)]
        yes: bool,
    },
    /// Ask the organizers for a place in a track.
    Participate {
        /// Its short name, such as opg.
        track: String,
        #[arg(long)]
        team: Option<String>,
        #[arg(long)]
        challenge: Option<String>,
    },
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let json = args.json;
    match args.command {
        Command::Create { name, challenge } => {
            let challenge = challenge_or_only(&api, challenge).await?;
            let body = json!({"challenge": challenge, "name": name});
            let team: Value = api.post("/api/v1/teams", &body).await?;
            print(json, &team, |team| {
                say!("Team {} ({name}) is made.", text(team, "id"))
            })
        }
        Command::List => list(&api, json).await,
        Command::Invite { team, challenge } => {
            let challenge = find_challenge(&api, challenge).await?;
            let team = lookup::team(&api, id(&challenge)?, team.as_deref()).await?;
            let made: Value = api
                .post(
                    &format!("/api/v1/teams/{}/invitations", id(&team)?),
                    &json!({}),
                )
                .await?;
            print(json, &made, |made| {
                say!(
                    "{}\nSend it to one person; it works once, until {}.",
                    text(made, "token"),
                    moment(text(made, "expires_at"))
                );
            })
        }
        Command::Join { invitation } => {
            let joined: Value = api
                .post(
                    &format!("/api/v1/invitations/{invitation}/accept"),
                    &json!({}),
                )
                .await?;
            print(json, &joined, |_| say!("You are in the team."))
        }
        Command::Sign {
            challenge,
            name,
            affiliation,
            yes,
        } => sign(&api, challenge, name, affiliation, yes).await,
        Command::Participate {
            track,
            team,
            challenge,
        } => {
            let challenge = find_challenge(&api, challenge).await?;
            let tracks = challenge["tracks"].as_array().into_iter().flatten();
            let mut found = tracks.filter(|t| text(t, "slug") == track);
            let Some(track) = found.next() else {
                anyhow::bail!("{}", unknown_track(&challenge, &track))
            };
            let team = lookup::team(&api, id(&challenge)?, team.as_deref()).await?;
            let body = json!({"team_id": id(&team)?, "track_id": id(track)?});
            let made: Value = api.post("/api/v1/participations", &body).await?;
            print(json, &made, |_| {
                say!("Asked. The organizers decide; `molar team list` shows the state.")
            })
        }
    }
}

fn unknown_track(challenge: &Value, wanted: &str) -> String {
    let tracks = challenge["tracks"].as_array().into_iter().flatten();
    let slugs: Vec<_> = tracks.map(|track| text(track, "slug")).collect();
    format!(
        "the challenge has no track `{wanted}`; it has {}",
        slugs.join(", ")
    )
}

async fn challenge_or_only(api: &Api, challenge: Option<String>) -> anyhow::Result<String> {
    match challenge {
        Some(challenge) => Ok(challenge),
        None => only_challenge(api).await,
    }
}

async fn find_challenge(api: &Api, challenge: Option<String>) -> anyhow::Result<Value> {
    let slug = challenge_or_only(api, challenge).await?;
    api.find(&format!("/api/v1/challenges/{slug}")).await
}

async fn list(api: &Api, json: bool) -> anyhow::Result<()> {
    let teams: Value = api.find("/api/v1/teams").await?;
    print(json, &teams, |teams| {
        if items(teams).is_empty() {
            say!(
                "You are in no team yet: `molar team create NAME` makes one, `molar team join INVITATION` joins one."
            );
        }
        for team in items(teams) {
            say!("{}  {}", text(team, "id"), text(team, "name"));
            for place in team["participations"].as_array().into_iter().flatten() {
                say!(
                    "    {}: {} {}",
                    text(place, "track"),
                    text(place, "state"),
                    text(place, "reason")
                );
            }
        }
    })
}

async fn sign(
    api: &Api,
    challenge: Option<String>,
    name: String,
    affiliation: String,
    yes: bool,
) -> anyhow::Result<()> {
    let challenge = find_challenge(api, challenge).await?;
    let agreement = &challenge["agreement"];
    if !yes {
        say!(
            "{}\n\nSign as {name}, {affiliation}? Type yes:",
            text(agreement, "text")
        );
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        anyhow::ensure!(answer.trim() == "yes", "not signed");
    }
    let body = json!({
        "challenge": text(&challenge, "slug"),
        "version": text(agreement, "version"),
        "text_sha256": text(agreement, "sha256"),
        "name": name,
        "affiliation": affiliation,
    });
    let _: Value = api.post("/api/v1/agreements", &body).await?;
    say!(
        "Signed version {} of the agreement.",
        text(agreement, "version")
    );
    Ok(())
}
