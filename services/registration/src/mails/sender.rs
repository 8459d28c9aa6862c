//! Hands mails to a server, again and again until it takes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use molar_service::lease::backoff;
use molar_web_kit::Kit;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use super::compose::compose;
use super::rows::{self, Claimed};

/// Between two tries of the same mail there is a back-off; between two looks only this.
pub const POLL: Duration = Duration::from_secs(2);

/// What one round sends at most: a process that stops waits for a round.
const ROUND: usize = 20;

/// What a server may take for one step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, clap::Args)]
pub struct MailArgs {
    /// The server that takes our mails: smtps://USER:PASSWORD@HOST, or smtp://HOST:587?tls=required.
    /// Without it mails wait in the database.
    #[arg(
        long,
        env = "MOLAR_SMTP_URL",
        hide_env_values = true,
        value_name = "URL",
        conflicts_with = "mail_dir"
    )]
    pub smtp_url: Option<SecretString>,

    /// From whom our mails are.
    #[arg(
        long,
        env = "MOLAR_MAIL_FROM",
        default_value = "Molar <molar@localhost>"
    )]
    pub mail_from: Mailbox,

    /// For development: mails are written here, a file each, instead of being sent.
    #[arg(long, env = "MOLAR_MAIL_DIR", value_name = "FOLDER")]
    pub mail_dir: Option<PathBuf>,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

/// Why a mail did not go out, in words without an address.
struct Failed {
    said: String,
    /// Final: this mail, by nobody else's fault.
    is_refused: bool,
    /// The next mail would fare no better.
    is_down: bool,
}

/// One per process.
pub struct Sender {
    kit: Kit,
    from: Mailbox,
    transport: Option<Transport>,
    bell: Arc<Notify>,
}

impl Sender {
    pub fn new(kit: Kit, args: &MailArgs) -> molar_service::Result<Self> {
        let transport = match (&args.smtp_url, &args.mail_dir) {
            (Some(url), _) => {
                let url = url.expose_secret();
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                // The cause may quote the URL, and with it the password.
                let builder = builder
                    .map_err(|_| std::io::Error::other("--smtp-url is no URL of a mail server"))?;
                Some(Transport::Smtp(builder.timeout(Some(TIMEOUT)).build()))
            }
            (None, Some(folder)) => {
                std::fs::create_dir_all(folder)?;
                tracing::info!(folder = %folder.display(), "mails are written to a folder");
                Some(Transport::Folder(folder.clone()))
            }
            (None, None) => {
                tracing::warn!(
                    "no mail server is configured (--smtp-url): mails wait in the database"
                );
                None
            }
        };
        Ok(Self {
            kit,
            from: args.mail_from.clone(),
            transport,
            bell: Arc::default(),
        })
    }

    /// Rings when there is more to send at once.
    pub fn bell(&self) -> Arc<Notify> {
        self.bell.clone()
    }

    /// Sends what is due, up to a round's measure, and returns how many a server took.
    pub async fn round(&self) -> sqlx::Result<usize> {
        self.measure().await?;
        let Some(transport) = &self.transport else {
            return Ok(0);
        };
        let mut sent = 0;
        for _ in 0..ROUND {
            let Some(mail) = rows::claim(&self.kit.db, self.kit.clock.now()).await? else {
                return Ok(sent);
            };
            match self.send(transport, &mail).await {
                Ok(()) => {
                    rows::finish(&self.kit.db, &mail, self.kit.clock.now()).await?;
                    sent += 1;
                }
                Err(failed) => {
                    self.put_off(&mail, &failed).await?;
                    if failed.is_down {
                        return Ok(sent);
                    }
                }
            }
        }
        self.bell.notify_one();
        Ok(sent)
    }

    async fn send(&self, transport: &Transport, mail: &Claimed) -> Result<(), Failed> {
        if mail.deadline <= self.kit.clock.now() {
            return Err(Failed::for_good("no mail server took it in time".into()));
        }
        let message = compose(&self.kit, &self.from, mail);
        let message = message.map_err(|error| Failed::for_good(error.to_string()))?;
        match transport {
            Transport::Smtp(server) => {
                let answer = server.send(message).await;
                answer.map(drop).map_err(|error| Failed::of_server(&error))
            }
            Transport::Folder(folder) => {
                let written = write(folder, mail, &message).await;
                written.map_err(|error| Failed::for_now(format!("the folder of mails: {error}")))
            }
        }
    }

    async fn put_off(&self, mail: &Claimed, failed: &Failed) -> sqlx::Result<()> {
        let now = self.kit.clock.now();
        let attempts = u32::try_from(mail.attempts).unwrap_or(1);
        let until = (!failed.is_refused).then(|| now + backoff(attempts));
        tracing::warn!(mail.id = %mail.id, attempt = attempts, again = ?until, said = failed.said, "mail not sent");
        rows::fail(&self.kit.db, mail, &failed.said, until, now).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    async fn measure(&self) -> sqlx::Result<()> {
        let counts = rows::counts(&self.kit.db).await?;
        metrics::gauge!("molar_mails_waiting").set(counts.waiting as f64);
        metrics::gauge!("molar_mails_given_up").set(counts.given_up as f64);
        Ok(())
    }
}

impl Failed {
    fn for_good(said: String) -> Self {
        Self {
            said,
            is_refused: true,
            is_down: false,
        }
    }

    fn for_now(said: String) -> Self {
        Self {
            said,
            is_refused: false,
            is_down: true,
        }
    }

    /// A refusal (5xx) is about the mail, unless the server does not let us in at all (53x).
    fn of_server(error: &smtp::Error) -> Self {
        let Some(code) = error.status() else {
            return Self::for_now(
                if error.is_timeout() {
                    "the mail server did not answer in time"
                } else {
                    "no mail server can be reached"
                }
                .into(),
            );
        };
        let said = format!("the mail server answered {code}");
        let is_about_us = code.to_string().starts_with("53");
        if error.is_permanent() && !is_about_us {
            return Self::for_good(said);
        }
        Self {
            said,
            is_refused: false,
            is_down: is_about_us,
        }
    }
}

/// Appears whole or not at all; a second time it is the same file.
async fn write(folder: &Path, mail: &Claimed, message: &Message) -> std::io::Result<()> {
    let name = format!("{}-{}", mail.created_at.format("%Y%m%dT%H%M%S"), mail.id);
    let partial = folder.join(format!("{name}.partial"));
    tokio::fs::write(&partial, message.formatted()).await?;
    tokio::fs::rename(partial, folder.join(format!("{name}.eml"))).await
}
