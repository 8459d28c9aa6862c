//! What a run has left on the host.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptions, ListImagesOptions, ListVolumesOptions};

use super::flaw::ANOTHERS;

/// Of one run: its folder on the host, its container's labels and, if it was seen, its id.
pub struct Trail<'a> {
    pub docker: &'a Docker,
    pub root: &'a Path,
    pub folder: &'a Path,
    pub case_run: &'a str,
    pub container: Option<&'a str>,
    pub digest: &'a str,
}

impl Trail<'_> {
    /// Empty as soon as nothing is left. The engine and the kernel may take a moment.
    pub async fn left(&self) -> anyhow::Result<Vec<String>> {
        let begun = Instant::now();
        loop {
            let left = self.seen().await?;
            if left.is_empty() || begun.elapsed() > Duration::from_secs(10) {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn seen(&self) -> anyhow::Result<Vec<String>> {
        let mut left = self.of_the_engine().await?;
        let folder = self.folder.to_string_lossy().into_owned();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        left.extend(
            mounts
                .lines()
                .filter(|line| line.contains(&folder))
                .map(|line| format!("mount {line}")),
        );
        let loops = devices()?;
        left.extend(
            loops
                .into_iter()
                .filter(|file| file.contains(&folder))
                .map(|file| format!("loop device of {file}")),
        );
        for layer in std::fs::read_dir(self.root.join("overlay2"))?.flatten() {
            let link = std::fs::read_link(layer.path().join("diff"));
            left.extend(
                link.ok()
                    .filter(|link| link.starts_with(self.folder))
                    .map(|link| format!("link to {}", link.display())),
            );
        }
        if self.folder.exists() {
            left.push(format!("folder {folder}"));
        }
        if let Some(id) = self.container {
            left.extend(processes(id).map(|pid| format!("process {pid}")));
            left.extend(groups(id).map(|group| format!("cgroup {}", group.display())));
        }
        Ok(left)
    }

    async fn of_the_engine(&self) -> anyhow::Result<Vec<String>> {
        let mut left = Vec::new();
        let label = format!("molar.case_run={}", self.case_run);
        let containers = ListContainersOptions {
            all: true,
            filters: Some([("label".to_owned(), vec![label])].into()),
            ..ListContainersOptions::default()
        };
        for container in self.docker.list_containers(Some(containers)).await? {
            left.push(format!("container {:?}", container.id));
        }
        let volumes = self.docker.list_volumes(None::<ListVolumesOptions>).await?;
        let folder = self.folder.to_string_lossy();
        for volume in volumes.volumes.unwrap_or_default() {
            if volume
                .options
                .values()
                .any(|option| option.contains(&*folder))
            {
                left.push(format!("volume {}", volume.name));
            }
        }
        for image in self.docker.list_images(None::<ListImagesOptions>).await? {
            if image.id == self.digest {
                left.push(format!("image {}", image.id));
            }
            let tags = image
                .repo_tags
                .into_iter()
                .filter(|tag| tag.contains("molar-test") && tag != ANOTHERS);
            left.extend(tags.map(|tag| format!("tag {tag}")));
        }
        Ok(left)
    }
}

fn devices() -> std::io::Result<Vec<String>> {
    let devices = std::fs::read_dir("/sys/block")?.flatten();
    let files =
        devices.map(|device| std::fs::read_to_string(device.path().join("loop/backing_file")));
    Ok(files.filter_map(Result::ok).collect())
}

fn processes(container: &str) -> impl Iterator<Item = String> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let inside = all.filter(move |process| {
        let group = std::fs::read_to_string(process.path().join("cgroup"));
        group.is_ok_and(|group| group.contains(container))
    });
    inside.map(|process| process.file_name().to_string_lossy().into_owned())
}

fn groups(container: &str) -> impl Iterator<Item = PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let controllers = std::fs::read_dir(root).into_iter().flatten().flatten();
    let tops = controllers
        .map(|entry| entry.path())
        .chain([root.to_owned()]);
    let names = [
        format!("docker/{container}"),
        format!("system.slice/docker-{container}.scope"),
    ];
    tops.flat_map(move |top| names.clone().map(|name| top.join(name)))
        .filter(|group| group.exists())
}
