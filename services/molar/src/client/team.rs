//! `molar team …`: create, list, invite, join, leave, lead, sign the agreement, ask to take part.

use std::collections::BTreeMap;

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
    /// Make an invitation: a secret that one person may use. For the captain.
    Invite(Which),
    /// The team's invitations and what became of them.
    Invitations(Which),
    /// Take an invitation back that nobody has used. For the captain.
    Revoke {
        /// As `molar team invitations` shows it.
        invitation: String,
        #[command(flatten)]
        which: Which,
    },
    /// Who is in the team.
    Members(Which),
    /// Remove a member. For the captain.
    Remove {
        /// A member's id, as `molar team members` shows it.
        member: String,
        #[command(flatten)]
        which: Which,
    },
    /// Make another member the captain. For the captain.
    HandOver {
        /// A member's id, as `molar team members` shows it.
        member: String,
        #[command(flatten)]
        which: Which,
    },
    /// Give the team another name, until it has submitted something. For the captain.
    Rename {
        name: String,
        #[command(flatten)]
        which: Which,
    },
    /// Leave the team. The last member dissolves it.
    Leave(Which),
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
        #[command(flatten)]
        which: Which,
        /// What the organizers ask, as QUESTION=ANSWER; once for each.
        #[arg(long = "answer", value_parser = answer)]
        answers: Vec<(String, String)>,
    },
}

/// Which team; needed only where one has several.
#[derive(Debug, clap::Args)]
struct Which {
    /// Its name or id.
    #[arg(long)]
    team: Option<String>,
    #[arg(long)]
    challenge: Option<String>,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let pair = pair.map(|(id, answer)| (id.to_owned(), answer.to_owned()));
    pair.ok_or_else(|| "write it as QUESTION=ANSWER".to_owned())
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
        Command::Invite(which) => {
            let path = format!("{}/invitations", path_of(&api, which).await?);
            let made: Value = api.post(&path, &json!({})).await?;
            print(json, &made, |made| {
                say!(
                    "{}\nSend it to one person; it works once, until {}.",
                    text(made, "token"),
                    moment(text(made, "expires_at"))
                );
            })
        }
        Command::Invitations(which) => {
            let path = format!("{}/invitations", path_of(&api, which).await?);
            let list: Value = api.find(&path).await?;
            print(json, &list, |list| {
                for item in items(list) {
                    let (until, by) = (text(item, "expires_at"), text(item, "used_by"));
                    let what = match text(item, "state") {
                        "open" => format!("open until {}", moment(until)),
                        "used" => format!("used by {by}"),
                        other => other.to_owned(),
                    };
                    say!("{}  {what}", text(item, "id"));
                }
            })
        }
        Command::Revoke { invitation, which } => {
            let team = path_of(&api, which).await?;
            api.delete(&format!("{team}/invitations/{invitation}"))
                .await?;
            say!("The invitation is taken back.");
            Ok(())
        }
        Command::Members(which) => {
            let team: Value = api.find(&path_of(&api, which).await?).await?;
            print(json, &team, members)
        }
        Command::Remove { member, which } => {
            let team = path_of(&api, which).await?;
            api.delete(&format!("{team}/members/{member}")).await?;
            say!("Removed.");
            Ok(())
        }
        Command::HandOver { member, which } => {
            let path = format!("{}/hand-over", path_of(&api, which).await?);
            let team: Value = api.post(&path, &json!({"user_id": member})).await?;
            print(json, &team, |_| say!("The team has a new captain."))
        }
        Command::Rename { name, which } => {
            let path = format!("{}/rename", path_of(&api, which).await?);
            let team: Value = api.post(&path, &json!({ "name": name })).await?;
            print(json, &team, |team| {
                say!("The team is {} now.", text(team, "name"))
            })
        }
        Command::Leave(which) => {
            let team = path_of(&api, which).await?;
            api.delete(&format!("{team}/members/me")).await?;
            say!("You have left the team.");
            Ok(())
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
            which,
            answers,
        } => {
            let challenge = find_challenge(&api, which.challenge).await?;
            let tracks = challenge["tracks"].as_array().into_iter().flatten();
            let mut found = tracks.filter(|t| text(t, "slug") == track);
            let Some(track) = found.next() else {
                anyhow::bail!("{}", unknown_track(&challenge, &track))
            };
            let team = lookup::team(&api, id(&challenge)?, which.team.as_deref()).await?;
            let answers: BTreeMap<String, String> = answers.into_iter().collect();
            let body = json!({"team_id": id(&team)?, "track_id": id(track)?, "answers": answers});
            let made: Value = api.post("/api/v1/participations", &body).await?;
            print(json, &made, |_| {
                say!("Asked. The organizers decide; `molar team list` shows the state.")
            })
        }
    }
}

/// Of the API, for one team.
async fn path_of(api: &Api, which: Which) -> anyhow::Result<String> {
    let challenge = find_challenge(api, which.challenge).await?;
    let team = lookup::team(api, id(&challenge)?, which.team.as_deref()).await?;
    Ok(format!("/api/v1/teams/{}", id(&team)?))
}

fn members(team: &Value) {
    for member in team["members"].as_array().into_iter().flatten() {
        let mut marks = String::new();
        if member["is_captain"] == true {
            marks.push_str(", captain");
        }
        if member["has_signed"] == false {
            marks.push_str(", has not signed the newest agreement");
        }
        say!("{}  {}{marks}", text(member, "id"), text(member, "name"));
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
