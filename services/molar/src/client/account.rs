//! `molar confirm`, `molar password …`, `molar token …`

use anyhow::Context as _;
use serde_json::{Value, json};

use super::credentials::Credentials;
use super::lookup::items;
use super::session::ask_secret;
use super::{Connection, moment, print, table, text};

#[derive(Debug, clap::Args)]
pub struct Confirm {
    #[command(flatten)]
    connection: Connection,
    /// The link of the mail, or what stands behind `token=` in it.
    link: String,
}

pub async fn confirm(args: Confirm) -> anyhow::Result<()> {
    let body = json!({"token": token_of(&args.link)});
    let api = args.connection.api()?;
    let _: Value = api.post("/api/v1/accounts/confirm", &body).await?;
    say!("The address is confirmed.");
    Ok(())
}

/// People paste the whole link.
fn token_of(link: &str) -> &str {
    link.rsplit_once("token=").map_or(link, |(_, token)| token)
}

#[derive(Debug, clap::Args)]
pub struct Password {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: PasswordCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PasswordCommand {
    /// Have a link mailed with which a forgotten password can be replaced.
    Reset {
        #[arg(long)]
        email: String,
    },
    /// Choose a new password by that link. It is read from MOLAR_PASSWORD or asked for.
    Finish {
        /// The link of the mail, or what stands behind `token=` in it.
        link: String,
    },
    /// Change the password. Both are asked for, or read from MOLAR_PASSWORD and MOLAR_NEW_PASSWORD.
    Change,
}

pub async fn password(args: Password) -> anyhow::Result<()> {
    let connection = args.connection;
    match args.command {
        PasswordCommand::Reset { email } => {
            let body = json!({"email": email});
            let api = connection.api()?;
            let _: Value = api.post("/api/v1/accounts/reset", &body).await?;
            say!("If {email} has an account, a link is on its way: molar password finish LINK");
            Ok(())
        }
        PasswordCommand::Finish { link } => {
            let password = ask_secret("MOLAR_PASSWORD", "New password: ")?;
            let body = json!({"token": token_of(&link), "password": password});
            let api = connection.api()?;
            let _: Value = api.post("/api/v1/accounts/reset/finish", &body).await?;
            say!("The password is changed; all sessions and tokens ended. Now: molar login");
            Ok(())
        }
        PasswordCommand::Change => change_password(&connection).await,
    }
}

async fn change_password(connection: &Connection) -> anyhow::Result<()> {
    let api = connection.signed_in()?;
    let body = json!({
        "password": ask_secret("MOLAR_PASSWORD", "Password until now: ")?,
        "new_password": ask_secret("MOLAR_NEW_PASSWORD", "New password: ")?,
    });
    let renewed: Value = api.post("/api/v1/me/password", &body).await?;
    if let (Some(token), None) = (renewed["session"]["token"].as_str(), &connection.token) {
        let kept = Credentials {
            url: api.base().to_string(),
            token: token.to_owned(),
        };
        kept.save()?;
    }
    say!("The password is changed; all other sessions ended.");
    Ok(())
}

#[derive(Debug, clap::Args)]
pub struct Token {
    #[command(flatten)]
    connection: Connection,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Make a token for a program. It is shown this once.
    Create {
        /// What it is for, so that you know it again.
        name: String,
        #[arg(long, default_value_t = 90)]
        days: u16,
        /// What it may do: read, submit, organize, account.
        #[arg(long, value_delimiter = ',', default_value = "read,submit")]
        scopes: Vec<String>,
    },
    /// Your tokens, and when they were last used.
    List,
    /// Make a token useless at once.
    Revoke {
        /// Its id, as `molar token list` shows it.
        id: String,
    },
}

pub async fn token(args: Token) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    match args.command {
        TokenCommand::Create { name, days, scopes } => {
            let body = json!({"name": name, "expires_in_days": days, "scopes": scopes});
            let made: Value = api.post("/api/v1/tokens", &body).await?;
            made["token"].as_str().context("the server gave no token")?;
            print(args.json, &made, |made| say!("{}", text(made, "token")))
        }
        TokenCommand::List => {
            let list: Value = api.find("/api/v1/tokens").await?;
            print(args.json, &list, show_tokens)
        }
        TokenCommand::Revoke { id } => {
            api.delete(&format!("/api/v1/tokens/{id}")).await?;
            say!("Revoked.");
            Ok(())
        }
    }
}

fn show_tokens(list: &Value) {
    let mut rows = table();
    rows.set_header(["id", "name", "may", "last used", "good until"]);
    for token in items(list) {
        let scopes = token["scopes"].as_array().into_iter().flatten();
        let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
        let last_used = match text(token, "last_used_at") {
            "" => "never".to_owned(),
            at => moment(at),
        };
        rows.add_row([
            text(token, "id").to_owned(),
            text(token, "name").to_owned(),
            scopes.join(", "),
            last_used,
            moment(text(token, "expires_at")),
        ]);
    }
    say!("{rows}");
}

#[cfg(test)]
mod tests {
    use super::token_of;

    #[test]
    fn a_whole_link_is_as_good_as_its_token() {
        let link = "https://molar.test/account/confirm?token=ab12";
        assert_eq!(token_of(link), "ab12");
        assert_eq!(token_of("ab12"), "ab12");
    }
}
