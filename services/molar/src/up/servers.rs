//! What the roles stand on, started together.

use std::sync::Arc;

use secrecy::SecretString;

use super::args::{Part, UpArgs};
use super::data_folder::DataFolder;
use super::supervisor::Supervisor;
use super::{docker, postgres, rabbitmq};
use crate::migrate;

/// Running servers; `None` for those that were not asked for.
#[derive(Clone, Debug)]
pub struct Servers {
    pub folder: Arc<DataFolder>,
    pub postgres: Option<postgres::Access>,
    pub rabbitmq: Option<rabbitmq::Access>,
    pub docker: Option<docker::Access>,
}

/// Starts what `args` ask for, all at once, and makes the login roles of PostgreSQL.
pub async fn servers(up: &Supervisor, args: &UpArgs) -> anyhow::Result<Servers> {
    let (postgres, rabbitmq, docker) =
        tokio::try_join!(postgres(up, args), rabbitmq(up, args), docker(up, args))?;
    Ok(Servers {
        folder: Arc::clone(up.folder()),
        postgres,
        rabbitmq,
        docker,
    })
}

async fn postgres(up: &Supervisor, args: &UpArgs) -> anyhow::Result<Option<postgres::Access>> {
    if !args.wants(Part::Postgres) {
        return Ok(None);
    }
    let access = match &args.database_url {
        Some(url) => postgres::Access::new(url.clone()),
        None => postgres::start(up, args.fast).await?,
    };
    let passwords = &up.folder().secrets().postgres;
    let logins = passwords
        .iter()
        .map(|(role, password)| (role.clone(), password.into()))
        .collect();
    migrate::ensure_login_roles(access.owner_url(), &logins).await?;
    Ok(Some(access))
}

async fn rabbitmq(up: &Supervisor, args: &UpArgs) -> anyhow::Result<Option<rabbitmq::Access>> {
    if !args.wants(Part::Rabbitmq) {
        return Ok(None);
    }
    let Some(url) = &args.amqp_url else {
        return rabbitmq::start(up).await.map(Some);
    };
    let access = rabbitmq::Access::new(url.clone(), args.amqp_management_url.clone());
    if let Some(management) = access.management_url() {
        rabbitmq::provision(management, up.folder().secrets()).await?;
    }
    rabbitmq::declare_exchanges(url).await?;
    Ok(Some(access))
}

async fn docker(up: &Supervisor, args: &UpArgs) -> anyhow::Result<Option<docker::Access>> {
    if !args.wants(Part::Docker) {
        return Ok(None);
    }
    docker::start(up, args.docker_host.as_deref())
        .await
        .map(Some)
}

impl Servers {
    /// The database as `role` enters it.
    pub fn database_url(&self, role: &str) -> anyhow::Result<Option<SecretString>> {
        let password = &self.folder.secrets().postgres.get(role);
        match (&self.postgres, password) {
            (Some(postgres), Some(password)) => {
                postgres.role_url(role, password.expose()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The broker as `role`, or `worker`, enters it.
    pub fn amqp_url(&self, role: &str) -> anyhow::Result<Option<SecretString>> {
        let password = self.folder.secrets().rabbitmq.get(role);
        match (&self.rabbitmq, password) {
            (Some(rabbitmq), Some(password)) => {
                rabbitmq.role_url(role, password.expose()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// For commands run beside the servers: who and where everything is.
    pub fn environment(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        if let Some(postgres) = &self.postgres {
            all.extend(postgres::environment(postgres, &self.folder)?);
        }
        if let Some(rabbitmq) = &self.rabbitmq {
            all.extend(rabbitmq::environment(rabbitmq, self.folder.secrets())?);
        }
        if let Some(docker) = &self.docker {
            all.extend(docker::environment(docker));
        }
        Ok(all)
    }
}
