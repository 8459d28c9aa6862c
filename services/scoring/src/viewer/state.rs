//! What looking costs, and how it is bounded: in memory, on the disk, and in people at once.

use std::sync::Arc;

use molar_pictures::Show;
use molar_volumes::Format;
use molar_web_kit::ApiError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::files::{Files, identity};
use super::polygons;
use super::rows::Subject;
use super::scene::{Part, Scene, Trouble};
use super::sources::{Prediction, Sources};
use super::volume::{self, Surveyed};
use crate::error::Result;
use crate::fetch::{Fetched, Fetcher};
use crate::slots::Slots;

/// Read or drawn at once; beside those that are scored.
const AT_ONCE: usize = 2;
/// In line or served: a page of a volume asks for twelve pictures.
const ADMITTED: usize = 48;
/// Who finds no place comes again.
const RETRY_S: u64 = 5;

/// Slices and images, until others are looked at.
const SCENES_BYTES: u64 = 96 << 20;
const SCENES_ABOUT: usize = 64;
/// Of volumes: some kilobytes each.
const SURVEYS: usize = 256;

#[derive(Clone)]
pub struct Viewer {
    files: Files,
    surveys: Arc<Cache<String, Arc<Option<Surveyed>>>>,
    scenes: Arc<Cache<String, Arc<Scene>, Size>>,
    slots: Slots,
    places: Arc<Semaphore>,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Arc<Scene>> for Size {
    fn weight(&self, _: &String, scene: &Arc<Scene>) -> u64 {
        // What weighs nothing is never thrown out.
        scene.size_bytes().max(1) as u64
    }
}

/// The files that could be had, and why the others could not.
struct Gathered {
    sources: Sources,
    troubles: Vec<Trouble>,
    /// Of what is in `sources`.
    key: String,
}

impl Viewer {
    pub fn new(fetcher: Fetcher) -> Self {
        Self {
            files: Files::new(fetcher),
            surveys: Arc::new(Cache::new(SURVEYS)),
            scenes: Arc::new(Cache::with_weighter(SCENES_ABOUT, SCENES_BYTES, Size)),
            slots: Slots::new(AT_ONCE),
            places: Arc::new(Semaphore::new(ADMITTED)),
        }
    }

    /// A place for one request, as long as it is held.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| ApiError::Unavailable {
            retry_after_s: RETRY_S,
            source: None,
        })
    }

    /// Of a volume: where its errors are. None where no file tells how large it is.
    pub async fn survey(&self, subject: &Subject) -> Result<Arc<Option<Surveyed>>> {
        let Gathered { sources, key, .. } = self.gather(subject).await?;
        let survey = self
            .slots
            .run(move || Ok(Arc::new(volume::survey(&sources)?)));
        self.surveys.get_or_insert_async(&key, survey).await
    }

    /// `at` is the voxel of a volume, x, y and z.
    pub async fn scene(
        &self,
        subject: &Subject,
        at: Option<[u32; 3]>,
    ) -> Result<(Arc<Scene>, Vec<Trouble>)> {
        let Gathered {
            sources,
            mut troubles,
            key,
        } = self.gather(subject).await?;
        let read = self.slots.run(move || {
            Ok(Arc::new(match (sources.format, at) {
                (Format::Labelme, _) => polygons::read(&sources)?,
                (Format::Nifti, Some(at)) => volume::read(&sources, at)?,
                (Format::Nifti, None) => Scene::nothing(Vec::new()),
            }))
        });
        let key = format!("{key} {at:?}");
        let scene = self.scenes.get_or_insert_async(&key, read).await?;
        troubles.extend(scene.troubles.iter().cloned());
        Ok((scene, troubles))
    }

    /// A PNG; none where there is no such view.
    pub async fn draw(
        &self,
        scene: Arc<Scene>,
        view: usize,
        show: Show,
    ) -> Result<Option<Vec<u8>>> {
        self.slots.run(move || scene.png(view, show)).await
    }

    async fn gather(&self, subject: &Subject) -> Result<Gathered> {
        let mut troubles = Vec::new();
        let mut key = format!("{:?} {:?}", subject.format, subject.geometry);
        let parts = [
            (Part::Image, Some(&subject.image)),
            (Part::Reference, subject.reference.as_ref()),
            (Part::Prediction, subject.prediction.as_ref()),
        ];
        let mut files: [Option<Fetched>; 3] = [None, None, None];
        for (at, (part, stored)) in parts.into_iter().enumerate() {
            let Some(stored) = stored else { continue };
            // What talks to the store is large.
            match Box::pin(self.files.of(stored)).await? {
                Ok(file) => {
                    key += &format!(" {part:?} {} {:?}", identity(stored), stored.member);
                    files[at] = Some(file);
                }
                Err(why) => troubles.push(Trouble {
                    part,
                    why: why.to_owned(),
                }),
            }
        }
        let [image, reference, prediction] = files;
        let sources = Sources {
            format: subject.format,
            geometry: subject.geometry,
            image,
            reference,
            prediction: prediction.map(|file| Prediction {
                file,
                member: subject
                    .prediction
                    .as_ref()
                    .and_then(|zip| zip.member.clone()),
            }),
        };
        Ok(Gathered {
            sources,
            troubles,
            key,
        })
    }
}
