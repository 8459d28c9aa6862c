//! `molar upload-cases`: the images and references of a split. What lies in the store is not sent again, so
//! that a client that was killed goes on when it is started anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::upload::{Fingerprint, bytes_bar, fingerprint, put_file};
use super::{Api, Connection, Refusal, lookup, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/split
    split: String,
    /// A folder with `images/` and, for labelled splits, `references/`.
    folder: PathBuf,
    /// Files that are sent at the same time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
    /// Replace images that are stored and differ; only until a phase on them opens.
    #[arg(long)]
    replace: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let split = find_split(&api, &args.split).await?;
    let upload = Upload::new(&api, lookup::id(&split)?, args.parallel, args.replace);
    let (cases, ignored) = case_files(&args.folder)?;
    for file in &ignored {
        eprintln!("{file} belongs to no case and is left out");
    }
    let bar = bytes_bar(size(&cases)?, "uploading", args.json);
    let done = upload.all(&cases, &bar).await?;
    bar.finish_and_clear();
    let told = json!({
        "cases": cases.len(), "uploaded_files": done.files, "uploaded_bytes": done.bytes,
        "skipped_files": done.skipped, "ignored": ignored,
    });
    print(args.json, &told, |_| {
        say!(
            "{} cases are stored: {} files sent, {} were there already.",
            cases.len(),
            done.files,
            done.skipped
        )
    })
}

async fn find_split(api: &Api, path: &str) -> anyhow::Result<Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let [challenge, track, split] = parts[..] else {
        bail!("a split is written challenge/track/split; `{path}` is not")
    };
    let challenge: Value = api.find(&format!("/api/v1/challenges/{challenge}")).await?;
    let named = |list: &Value, slug: &str| {
        let all = list.as_array().into_iter().flatten();
        let known: Vec<_> = all.clone().map(|one| text(one, "slug")).collect();
        let found = all.clone().find(|one| text(one, "slug") == slug).cloned();
        found.with_context(|| format!("there is no `{slug}`; there are {}", known.join(", ")))
    };
    named(&named(&challenge["tracks"], track)?["splits"], split)
}

/// Cases announced in one request.
const BATCH: usize = 50;

/// Of a batch, before the whole is given up: it can be begun again.
const TRIES: u32 = 6;

struct CaseFiles {
    name: String,
    image: PathBuf,
    reference: Option<PathBuf>,
}

/// How much went up.
#[derive(Debug, Default, Clone, Copy)]
pub struct Done {
    pub files: u64,
    pub bytes: u64,
    pub skipped: u64,
}

struct Upload<'a> {
    api: &'a Api,
    split_id: &'a str,
    /// Files that are sent at the same time, over all batches.
    parallel: usize,
    slots: Semaphore,
    replace: bool,
}

/// Uploads every case of `images/` and `references/`; returns how many.
pub async fn upload_folder(
    api: &Api,
    split_id: &str,
    folder: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<usize> {
    let (cases, _) = case_files(folder)?;
    Upload::new(api, split_id, 4, false)
        .all(&cases, bar)
        .await?;
    Ok(cases.len())
}

impl<'a> Upload<'a> {
    fn new(api: &'a Api, split_id: &'a str, parallel: u16, replace: bool) -> Self {
        Self {
            api,
            split_id,
            parallel: parallel.into(),
            slots: Semaphore::new(parallel.into()),
            replace,
        }
    }

    /// Two batches at a time: while one is announced, the other is sent.
    async fn all(&self, cases: &[CaseFiles], bar: &ProgressBar) -> anyhow::Result<Done> {
        let done: Vec<Done> = futures_util::stream::iter(cases.chunks(BATCH))
            .map(|batch| self.batch(batch, bar))
            .buffer_unordered(2)
            .try_collect()
            .await?;
        Ok(done.iter().fold(Done::default(), |sum, one| Done {
            files: sum.files + one.files,
            bytes: sum.bytes + one.bytes,
            skipped: sum.skipped + one.skipped,
        }))
    }

    async fn batch(&self, batch: &[CaseFiles], bar: &ProgressBar) -> anyhow::Result<Done> {
        let mut prints = Vec::with_capacity(batch.len());
        for case in batch {
            prints.push(self.print(case).await?);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_batch(batch, &prints, bar).await {
                Ok(done) => return Ok(done),
                Err(error) if tries == TRIES || is_final(&error) => return Err(error),
                Err(error) => {
                    bar.suspend(|| eprintln!("{error:#}; trying again"));
                    tokio::time::sleep(Duration::from_secs(1 << tries.min(5))).await;
                }
            }
        }
    }

    /// Sizes and hashes of image and reference.
    async fn print(&self, case: &CaseFiles) -> anyhow::Result<[Option<Fingerprint>; 2]> {
        let hidden = ProgressBar::hidden();
        let image = fingerprint(&case.image, &hidden).await?;
        let reference = match &case.reference {
            Some(path) => Some(fingerprint(path, &hidden).await?),
            None => None,
        };
        Ok([Some(image), reference])
    }

    async fn try_batch(
        &self,
        batch: &[CaseFiles],
        prints: &[[Option<Fingerprint>; 2]],
        bar: &ProgressBar,
    ) -> anyhow::Result<Done> {
        let announced: Vec<_> = batch.iter().zip(prints).map(announcement).collect();
        let path = format!("/api/v1/splits/{}/cases", self.split_id);
        let body = json!({"cases": announced, "replace": self.replace});
        let answer: Value = self.api.post(&path, &body).await?;
        let urls: BTreeMap<&str, &Value> = lookup::items(&answer)
            .iter()
            .map(|urls| (text(urls, "name"), urls))
            .collect();
        let mut files = Vec::new();
        for (case, [image, reference]) in batch.iter().zip(prints) {
            let urls = urls.get(case.name.as_str());
            let urls =
                urls.with_context(|| format!("the server gave no URLs for {}", case.name))?;
            files.extend(
                image
                    .as_ref()
                    .map(|print| (&case.image, print, &urls["image"])),
            );
            let reference = case.reference.as_ref().zip(reference.as_ref());
            files.extend(reference.map(|(path, print)| (path, print, &urls["reference"])));
        }
        let sent: Vec<Done> = futures_util::stream::iter(files)
            .map(|(path, print, url)| self.file(path, print, url, bar))
            .buffer_unordered(self.parallel)
            .try_collect()
            .await?;
        let names: Vec<&str> = batch.iter().map(|case| case.name.as_str()).collect();
        let _: Value = self
            .api
            .post(&format!("{path}/stored"), &json!({ "names": names }))
            .await?;
        Ok(sent.iter().fold(Done::default(), |sum, one| Done {
            files: sum.files + one.files,
            bytes: sum.bytes + one.bytes,
            skipped: sum.skipped + one.skipped,
        }))
    }

    async fn file(
        &self,
        path: &Path,
        print: &Fingerprint,
        url: &Value,
        bar: &ProgressBar,
    ) -> anyhow::Result<Done> {
        // Null says that this content lies in the store.
        if url.is_null() {
            bar.inc(print.size_bytes);
            return Ok(Done {
                skipped: 1,
                ..Done::default()
            });
        }
        let _slot = self.slots.acquire().await?;
        put_file(self.api, url, path, print.size_bytes, bar)
            .await
            .with_context(|| format!("{} was not sent", path.display()))?;
        Ok(Done {
            files: 1,
            bytes: print.size_bytes,
            skipped: 0,
        })
    }
}

/// The server said no, and would say it again.
fn is_final(error: &anyhow::Error) -> bool {
    let refusal = error.downcast_ref::<Refusal>();
    refusal.is_some_and(|refusal| refusal.status < 500 && refusal.status != 429)
}

fn announcement((case, [image, reference]): (&CaseFiles, &[Option<Fingerprint>; 2])) -> Value {
    let print =
        |print: &Fingerprint| json!({"size_bytes": print.size_bytes, "sha256": print.sha256});
    let mut one = image.as_ref().map(print).unwrap_or_default();
    one["name"] = json!(case.name);
    one["image_name"] = json!(case.image.file_name().and_then(|n| n.to_str()));
    one["reference"] = json!(reference.as_ref().map(print));
    one
}

fn size(cases: &[CaseFiles]) -> anyhow::Result<u64> {
    let mut sum = 0;
    for case in cases {
        for path in std::iter::once(&case.image).chain(&case.reference) {
            sum += std::fs::metadata(path)?.len();
        }
    }
    Ok(sum)
}

/// The cases in the order of their names, and what belongs to none.
fn case_files(folder: &Path) -> anyhow::Result<(Vec<CaseFiles>, Vec<String>)> {
    let images = folder.join("images");
    let mut references = names(&folder.join("references")).unwrap_or_default();
    let (mut found, mut ignored) = (Vec::new(), Vec::new());
    for file in names(&images)? {
        let endings = [".nii.gz", ".png", ".jpg", ".jpeg"];
        let Some(name) = endings.iter().find_map(|end| file.strip_suffix(end)) else {
            ignored.push(format!("images/{file}"));
            continue;
        };
        let reference = [".json", ".nii.gz"]
            .iter()
            .map(|end| format!("{name}_Mask{end}"))
            .find_map(|wanted| {
                let at = references.iter().position(|known| *known == wanted)?;
                Some(references.remove(at))
            });
        found.push(CaseFiles {
            name: name.to_owned(),
            image: images.join(&file),
            reference: reference.map(|file| folder.join("references").join(file)),
        });
    }
    ignored.extend(
        references
            .into_iter()
            .map(|file| format!("references/{file}")),
    );
    ensure!(
        !found.is_empty(),
        "{} holds no .nii.gz, .png or .jpg",
        images.display()
    );
    Ok((found, ignored))
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("there is no folder {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_references_are_paired_by_their_names_and_the_rest_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["images", "references"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        for file in [
            "images/B.png",
            "images/A.nii.gz",
            "images/notes.txt",
            "references/A_Mask.nii.gz",
            "references/C_Mask.json",
        ] {
            std::fs::write(folder.path().join(file), file).unwrap();
        }
        let (cases, ignored) = case_files(folder.path()).unwrap();
        let told: Vec<_> = cases
            .iter()
            .map(|c| (c.name.as_str(), c.reference.is_some()))
            .collect();
        assert_eq!(told, [("A", true), ("B", false)]);
        assert_eq!(ignored, ["images/notes.txt", "references/C_Mask.json"]);
        assert_eq!(size(&cases).unwrap(), 15 + 12 + 24);
    }
}
