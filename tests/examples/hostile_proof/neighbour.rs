//! Another container, whose network or processes one without its own would share.

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{RemoveContainerOptions, StartContainerOptions};

/// Stands for the cloud's address for credentials, and has a process to lose.
const SCRIPT: &str = "ip addr add 169.254.169.254/32 dev lo\n\
    (while true; do echo credentials | nc -l -p 80; done) &\n\
    sleep 1000\n\
    echo lost > /lost\n\
    sleep 1000\n";

pub struct Neighbour<'a> {
    docker: &'a Docker,
    pub id: String,
}

impl<'a> Neighbour<'a> {
    pub async fn move_in(docker: &'a Docker, image: &str) -> anyhow::Result<Self> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(["/bin/sh", "-c", SCRIPT].map(str::to_owned).to_vec()),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                cap_add: Some(vec!["NET_ADMIN".to_owned()]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = docker.create_container(None, body).await?.id;
        docker
            .start_container(&id, None::<StartContainerOptions>)
            .await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        Ok(Self { docker, id })
    }

    pub async fn has_lost_a_process(&self) -> anyhow::Result<bool> {
        let changes = self.docker.container_changes(&self.id).await?;
        Ok(changes
            .unwrap_or_default()
            .iter()
            .any(|change| change.path == "/lost"))
    }

    pub async fn move_out(self) -> anyhow::Result<()> {
        let options = RemoveContainerOptions {
            force: true,
            ..RemoveContainerOptions::default()
        };
        self.docker
            .remove_container(&self.id, Some(options))
            .await?;
        Ok(())
    }
}
