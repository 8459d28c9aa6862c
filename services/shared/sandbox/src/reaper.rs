//! Containers whose lease is gone, and the one whose run was given up in the middle.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};

use crate::engine::{ACT, is_not_found, is_status, within};
use crate::in_hand::InHand;
use crate::spec::LABEL_SUBMISSION;
use crate::{Engine, Error, Labels};

impl Engine {
    /// Removes every container of ours that `is_live` does not know, and says how many those were.
    ///
    /// Never one that [`run`](Self::run) is in the middle of, so that it may be called at any time; of
    /// other workers' on this engine `is_live` has to know.
    pub async fn reap(&self, is_live: impl Fn(&Labels) -> bool) -> Result<usize, Error> {
        let ours = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([(
                "label".into(),
                vec![LABEL_SUBMISSION.into()],
            )])),
            ..Default::default()
        };
        let containers = self.docker.list_containers(Some(ours));
        let mut reaped = 0;
        for container in within("list containers", ACT, containers).await? {
            let labels = Labels::from_map(&container.labels.unwrap_or_default());
            // Asked after the list was made: a run that began since then is not on it.
            let is_in_hand = self.in_hand.has(&container.names.unwrap_or_default());
            let Some(id) = container.id.filter(|_| !is_in_hand && !is_live(&labels)) else {
                continue;
            };
            if remove(&self.docker, &id).await? {
                let case_run = labels.case_run;
                tracing::warn!(container = id, case_run.id = case_run, "reaped a container");
                reaped += 1;
            }
        }
        Ok(reaped)
    }
}

/// Kills and removes, with the volumes; false if there is no such container.
async fn remove(docker: &Docker, id: &str) -> Result<bool, Error> {
    let options = RemoveContainerOptions {
        force: true,
        v: true,
        link: false,
    };
    match within(
        "remove container",
        ACT,
        docker.remove_container(id, Some(options)),
    )
    .await
    {
        Ok(()) => Ok(true),
        Err(error) if is_not_found(&error) => Ok(false),
        // Somebody else is removing it.
        Err(error) if is_status(&error, 409) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes one container, whichever way its run ends.
pub(crate) struct Remover {
    docker: Option<Docker>,
    name: String,
    in_hand: InHand,
}

impl Remover {
    /// Before the container is created: the name is ours, so it can be found even if the answer to
    /// the create never came.
    pub fn new(engine: &Engine, name: &str) -> Self {
        engine.in_hand.names().insert(name.to_owned());
        Self {
            docker: Some(engine.docker.clone()),
            name: name.to_owned(),
            in_hand: engine.in_hand.clone(),
        }
    }

    pub async fn remove(mut self) {
        let Some(docker) = &self.docker else { return };
        match remove(docker, &self.name).await {
            Ok(true) => self.docker = None,
            // A create that was given up may still be under way: tried again on drop.
            Ok(false) => {}
            // The same, and by the reaper after that.
            Err(error) => tracing::warn!(%error, container = self.name, "could not remove it yet"),
        }
    }
}

impl Drop for Remover {
    /// On a panic, or when the run's future is dropped. The runtime may be going down, so this has
    /// one of its own.
    fn drop(&mut self) {
        // From here on the reaper may help.
        self.in_hand.names().remove(&self.name);
        let Some(docker) = self.docker.take() else {
            return;
        };
        let name = std::mem::take(&mut self.name);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(remove_late(&docker, &name)),
                Err(error) => tracing::error!(%error, container = name, "left to the reaper"),
            }
        });
    }
}

/// A create that was given up may still be under way: then the first try finds nothing.
async fn remove_late(docker: &Docker, name: &str) {
    for pause_ms in [0, 500, 2000] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        if let Err(error) = remove(docker, name).await {
            tracing::warn!(%error, container = name, "could not remove it yet");
        }
    }
}
