//! `molar register`, `molar login`, `molar logout`, `molar whoami`

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Connection, credentials::Credentials, moment, print, text};

#[derive(Debug, clap::Args)]
pub struct Register {
    #[command(flatten)]
    connection: Connection,
    /// Signs you in; only organizers see it.
    #[arg(long)]
    email: String,
    /// Your name, as your team and the organizers see it.
    #[arg(long)]
    name: String,
    /// Your university, hospital or company.
    #[arg(long, default_value = "")]
    affiliation: String,
}

#[derive(Debug, clap::Args)]
pub struct Login {
    #[command(flatten)]
    connection: Connection,
    /// As at registration; asked for where it is missing.
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Logout {
    #[command(flatten)]
    connection: Connection,
    /// End all your sessions, in browsers, too.
    #[arg(long)]
    everywhere: bool,
}

#[derive(Debug, clap::Args)]
pub struct Whoami {
    #[command(flatten)]
    connection: Connection,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn register(args: Register) -> anyhow::Result<()> {
    let password = ask_password()?;
    let body = json!({"email": args.email, "name": args.name, "affiliation": args.affiliation, "password": password});
    let _: Value = args
        .connection
        .api()?
        .post("/api/v1/accounts", &body)
        .await?;
    say!(
        "Registered {}. A link to confirm the address is mailed to it. Now: molar login --email {}",
        args.email,
        args.email
    );
    Ok(())
}

pub async fn login(args: Login) -> anyhow::Result<()> {
    let api = args.connection.api()?;
    let email = match args.email {
        Some(email) => email,
        None => ask("E-mail: ")?,
    };
    let body = json!({"email": email, "password": ask_password()?});
    let session: Value = api.post("/api/v1/sessions", &body).await?;
    let token = session["token"]
        .as_str()
        .context("the server gave no token")?
        .to_owned();
    let path = Credentials {
        url: api.base().to_string(),
        token,
    }
    .save()?;
    say!(
        "Logged in at {} until {}; the token is in {}.",
        api.base(),
        moment(text(&session, "expires_at")),
        path.display()
    );
    Ok(())
}

pub async fn logout(args: Logout) -> anyhow::Result<()> {
    if args.everywhere {
        let api = args.connection.signed_in()?;
        api.delete("/api/v1/sessions").await?;
    } else if let Ok(api) = args.connection.signed_in() {
        // A session that is already over on the server is as good as ended.
        let _ = api.delete("/api/v1/sessions/current").await;
    }
    Credentials::forget()?;
    say!("Logged out.");
    Ok(())
}

pub async fn whoami(args: Whoami) -> anyhow::Result<()> {
    let me: Value = args.connection.signed_in()?.find("/api/v1/me").await?;
    print(args.json, &me, |me| {
        say!("{} <{}>", text(me, "name"), text(me, "email"));
        if me["is_confirmed"] == Value::Bool(false) {
            say!("  the address is not confirmed: open the link in the mail that was sent to it");
        }
        for team in me["teams"].as_array().into_iter().flatten() {
            say!("  team {}  {}", text(team, "id"), text(team, "name"));
        }
    })
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    eprint!("{prompt}");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask_password() -> anyhow::Result<String> {
    ask_secret("MOLAR_PASSWORD", "Password: ")
}

/// From this variable, or typed without an echo, or a line of standard input.
pub fn ask_secret(variable: &str, prompt: &str) -> anyhow::Result<String> {
    if let Ok(password) = std::env::var(variable) {
        return Ok(password);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return ask("");
    }
    let before = rustix::termios::tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &silent)?;
    let password = ask(prompt);
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &before)?;
    eprintln!();
    password
}
