//! A private RabbitMQ node, from the system's packages, and its users.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use molar_queue::{AmqpArgs, Broker};
use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::account::{self, Account};
use super::child::{Child, Ready, Tier, find_program};
use super::http;
use super::secrets::Secrets;
use super::supervisor::Supervisor;

pub const VHOST: &str = "molar";
const OWNER: &str = "molar_owner";
/// Not the wrapper in `/usr/sbin`, which insists on the system's folders.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Where the broker is and how its owner logs in.
#[derive(Clone, Debug)]
pub struct Access {
    owner_url: SecretString,
    /// With user and password; `None` where a given broker's users are made by its operator.
    management_url: Option<SecretString>,
}

impl Access {
    pub fn new(owner_url: SecretString, management_url: Option<SecretString>) -> Self {
        Self {
            owner_url,
            management_url,
        }
    }

    pub fn owner_url(&self) -> &str {
        self.owner_url.expose_secret()
    }

    pub fn management_url(&self) -> Option<&str> {
        self.management_url
            .as_ref()
            .map(ExposeSecret::expose_secret)
    }

    /// The same broker, entered as this role (or `worker`). Without a management URL there are no
    /// users but the one that was given.
    pub fn role_url(&self, role: &str, password: &str) -> anyhow::Result<SecretString> {
        let mut url = Url::parse(self.owner_url()).context("the broker's URL")?;
        if self.management_url.is_none() {
            return Ok(self.owner_url.clone());
        }
        let set = url
            .set_username(&user(role))
            .and_then(|()| url.set_password(Some(password)));
        if set.is_err() {
            bail!("the broker's URL has no room for a user: it must name a host");
        }
        Ok(url.to_string().into())
    }
}

/// Starts the node and sees that its users are there, also after a restart with empty files.
pub async fn start(up: &Supervisor) -> anyhow::Result<Access> {
    let epmd = find_program("epmd").filter(|_| PathBuf::from(SERVER).is_file());
    let epmd = epmd.context("RabbitMQ is not installed: run deploy/local/install.sh")?;
    let folder = Arc::clone(up.folder());
    let home = folder.servers().join("rabbitmq");
    let account = Account::owner_or(&home, Account::when_root("rabbitmq")?);
    account::private_folder(&home, account)?;

    let ports = Ports {
        amqp: folder.port("rabbitmq")?,
        management: folder.port("rabbitmq-management")?,
        distribution: folder.port("rabbitmq-distribution")?,
        epmd: folder.port("epmd")?,
    };
    let secrets = folder.secrets();
    let cookie = home.join(".erlang.cookie");
    if !cookie.exists() {
        account::private_file(&cookie, secrets.erlang_cookie.expose(), account)?;
    }
    let password = secrets.rabbitmq_owner.expose();
    account::private_file(
        &home.join("rabbitmq.conf"),
        &ports.configuration(password),
        account,
    )?;
    account::private_file(&home.join("plugins"), "[rabbitmq_management].\n", account)?;

    let mapper = Child::new("epmd", Tier::Ground, epmd)
        .args(["-address", "127.0.0.1", "-port", &ports.epmd.to_string()])
        .account(account)
        .folder(&home)
        .ready(
            Ready::Tcp(([127, 0, 0, 1], ports.epmd).into()),
            Duration::from_secs(20),
        )
        .note(format!("127.0.0.1:{}", ports.epmd));
    up.start(mapper).await?;

    let owner_url = format!("amqp://{OWNER}:{password}@127.0.0.1:{}/{VHOST}", ports.amqp);
    let management = format!("http://{OWNER}:{password}@127.0.0.1:{}", ports.management);
    let asked: Arc<str> = format!("{management}/api/overview").into();
    let provisioned: Arc<str> = management.as_str().into();
    let users = Arc::new(secrets.clone());
    let declaring: SecretString = owner_url.clone().into();
    let node = format!("molar-{}@localhost", folder.instance());
    let child = Child::new("rabbitmq", Tier::Server, SERVER)
        .envs(ports.environment(&home, &node))
        .account(account)
        .folder(&home)
        .ready(
            Ready::Check(Arc::new(move || {
                let url = Arc::clone(&asked);
                Box::pin(async move {
                    http::client().get(&*url).send().await?.error_for_status()?;
                    Ok(())
                })
            })),
            Duration::from_secs(120),
        )
        .prepare(Arc::new(move || {
            let (url, users) = (Arc::clone(&provisioned), Arc::clone(&users));
            let owner_url = declaring.clone();
            Box::pin(async move {
                provision(&url, &users).await?;
                declare_exchanges(&owner_url).await
            })
        }))
        .stop(Signal::TERM, Duration::from_secs(60))
        .note(format!(
            "127.0.0.1:{}, management http://127.0.0.1:{}",
            ports.amqp, ports.management
        ));
    up.start(child).await?;
    Ok(Access::new(owner_url.into(), Some(management.into())))
}

struct Ports {
    amqp: u16,
    management: u16,
    distribution: u16,
    epmd: u16,
}

impl Ports {
    fn configuration(&self, password: &str) -> String {
        let Self {
            amqp, management, ..
        } = self;
        format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             default_vhost = {VHOST}\n\
             default_user = {OWNER}\n\
             default_pass = {password}\n\
             default_user_tags.administrator = true\n\
             log.file = false\n\
             log.console = true\n\
             log.console.level = info\n"
        )
    }

    fn environment(&self, home: &std::path::Path, node: &str) -> Vec<(String, String)> {
        let file = |name: &str| home.join(name).display().to_string();
        let loopback = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false";
        let settings = [
            // Makes the start script become the server instead of waiting for it, so that the
            // child is the node itself. It is the only thing that the variable does.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
            ("HOME", home.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("ERL_EPMD_PORT", self.epmd.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", node.to_owned()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", self.amqp.to_string()),
            ("RABBITMQ_DIST_PORT", self.distribution.to_string()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback.to_owned()),
            ("RABBITMQ_MNESIA_BASE", file("mnesia")),
            ("RABBITMQ_LOG_BASE", file("log")),
            ("RABBITMQ_PID_FILE", file("pid")),
            ("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", file("plugins")),
            ("RABBITMQ_CONF_ENV_FILE", file("no-environment-file")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", file("generated")),
            ("RABBITMQ_FEATURE_FLAGS_FILE", file("feature-flags")),
            ("RABBITMQ_SCHEMA_DIR", file("schema")),
        ];
        settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

fn user(role: &str) -> String {
    format!("molar_{role}")
}

/// What a user may configure, write and read: regular expressions over queues and exchanges.
fn permissions(role: &str) -> [String; 3] {
    match role {
        // A worker machine can only listen to what is meant for workers.
        "worker" => [String::new(), String::new(), r"^worker\..*$".to_owned()],
        "execution" => [
            r"^(execution|worker)\..*$".to_owned(),
            r"^(molar\.(events|dead|workers)|(execution|worker)\..*)$".to_owned(),
            // Binding a queue takes the right to read the exchange; giving it dead letters takes the
            // right to read the queue.
            r"^(molar\.(events|dead|workers)|(execution|worker)\..*)$".to_owned(),
        ],
        role => [
            format!(r"^{role}\..*$"),
            format!(r"^(molar\.(events|dead|workers)|{role}\..*)$"),
            format!(r"^(molar\.(events|dead)|{role}\..*)$"),
        ],
    }
}

/// Makes the virtual host, one user per role and their permissions, or sets them right.
///
/// `management` is the management API's URL with an administrator's user and password.
pub async fn provision(management: &str, secrets: &Secrets) -> anyhow::Result<()> {
    let base = Url::parse(management).context("the URL of RabbitMQ's management")?;
    let administrator = base.username().to_owned();
    put(&base, &["vhosts", VHOST], json!({})).await?;
    allow(&base, &administrator, [".*", ".*", ".*"].map(str::to_owned)).await?;
    for (role, password) in &secrets.rabbitmq {
        let user = user(role);
        let account = json!({ "password": password.expose(), "tags": "" });
        put(&base, &["users", &user], account).await?;
        allow(&base, &user, permissions(role)).await?;
    }
    Ok(())
}

/// The exchanges are the owner's: roles may use them, not make them.
pub async fn declare_exchanges(owner_url: &SecretString) -> anyhow::Result<()> {
    let args = AmqpArgs {
        amqp_url: owner_url.clone(),
    };
    let declared = async {
        let broker = Broker::connect(&args, "molar up")?;
        while !broker.is_connected() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        broker.declare_exchanges().await
    };
    let declared = tokio::time::timeout(Duration::from_secs(20), declared).await;
    Ok(declared.context("RabbitMQ does not let its owner in")??)
}

async fn allow(
    base: &Url,
    user: &str,
    [configure, write, read]: [String; 3],
) -> anyhow::Result<()> {
    let body = json!({ "configure": configure, "write": write, "read": read });
    put(base, &["permissions", VHOST, user], body).await
}

async fn put(base: &Url, path: &[&str], body: serde_json::Value) -> anyhow::Result<()> {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("api").extend(path);
    }
    let answer = http::client().put(url).json(&body).send().await?;
    let status = answer.status();
    if !status.is_success() {
        let text = answer.text().await.unwrap_or_default();
        bail!(
            "RabbitMQ's management refuses /{}: {status} {text}",
            path.join("/")
        );
    }
    Ok(())
}

/// For `--run` and the like: what a process needs to know about the broker.
pub fn environment(access: &Access, secrets: &Secrets) -> anyhow::Result<Vec<(String, String)>> {
    let mut all = vec![("MOLAR_TEST_AMQP".to_owned(), access.owner_url().to_owned())];
    if let Some(management) = access.management_url() {
        all.push((
            "MOLAR_TEST_AMQP_MANAGEMENT".to_owned(),
            management.to_owned(),
        ));
    }
    for (role, password) in &secrets.rabbitmq {
        let url = access.role_url(role, password.expose())?;
        let name = format!("MOLAR_TEST_AMQP_{}", role.to_uppercase());
        all.push((name, url.expose_secret().to_owned()));
    }
    Ok(all)
}

/// The process id that the node wrote, for tests that kill it.
pub fn pid(up: &Supervisor) -> Option<i32> {
    let file = up.folder().servers().join("rabbitmq/pid");
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_may_neither_configure_nor_write() {
        let [configure, write, read] = permissions("worker");
        assert!(configure.is_empty() && write.is_empty());
        assert_eq!(read, r"^worker\..*$");
    }

    #[test]
    fn a_given_broker_without_management_has_one_user_for_all() {
        let access = Access::new("amqp://u:p@mq.example/molar".into(), None);
        let url = access.role_url("tracks", "x").unwrap();
        assert_eq!(url.expose_secret(), "amqp://u:p@mq.example/molar");
    }
}
