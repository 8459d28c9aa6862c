//! Reads the references that arrived.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use molar_domain::Clock;
use molar_objects::Bucket;
use molar_volumes::{Geometry, Reference};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::image::Image;
use super::rows::{self, Before, Facts, Unread};
use crate::cases::format_of;
use crate::error::{Error, Result};
use crate::fetch::{Fetched, Fetcher};
use crate::slots::Slots;

/// How many are looked up at once.
const BATCH: i64 = 256;

const NOT_STORED: &str =
    "the store holds no such file as was announced: upload the reference again";

/// What reading references needs.
#[derive(Clone)]
pub struct Reading {
    pub db: PgPool,
    pub clock: Arc<dyn Clock>,
    pub fetcher: Fetcher,
    pub slots: Slots,
    /// No further file is begun once this is cancelled.
    pub stop: CancellationToken,
}

/// Reads all that are unread and returns how many that were. One that cannot be read now does not keep
/// the others from their turn.
pub async fn round(reading: &Reading) -> Result<usize> {
    let mut done = 0;
    rows::share_facts(&reading.db, reading.clock.now()).await?;
    loop {
        let now = reading.clock.now();
        let unread = rows::list_unread(&reading.db, now, BATCH).await?;
        let is_last = unread.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        done += unread.len();
        let results: Vec<_> = stream::iter(unread)
            .map(|one| async move { one_of_many(reading, one, now).await })
            .buffer_unordered(reading.slots.number())
            .collect()
            .await;
        results.into_iter().collect::<Result<()>>()?;
        if is_last || reading.stop.is_cancelled() {
            return Ok(done);
        }
    }
}

async fn one_of_many(reading: &Reading, of: Unread, now: DateTime<Utc>) -> Result<()> {
    if reading.stop.is_cancelled() {
        return Ok(());
    }
    let facts = facts(reading, &of).await?;
    let facts = match rows::before(&reading.db, of.reference_id).await? {
        Some(before) => corrected(facts, &before),
        None => facts,
    };
    if let Some(complaint) = &facts.complaint {
        tracing::warn!(reference.id = %of.reference_id, case = of.case_name, complaint, "reference refused");
    }
    rows::upsert(&reading.db, &of, &facts, now).await?;
    Ok(())
}

/// Predictions were checked against the shape that is known.
fn corrected(facts: Facts, before: &Before) -> Facts {
    if facts.complaint.is_some() {
        return facts;
    }
    if facts.shape == before.shape {
        return facts;
    }
    let complaint = format!(
        "its shape is {:?}, that of the reference before {:?}: a correction keeps the shape of the image",
        facts.shape, before.shape
    );
    Facts {
        complaint: Some(complaint),
        ..facts
    }
}

async fn facts(reading: &Reading, of: &Unread) -> Result<Facts> {
    let fetched = reading
        .fetcher
        .fetch(
            bucket(&of.bucket),
            &of.object_key,
            of.size_bytes,
            &of.sha256,
        )
        .await;
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(Error::Changed(_) | Error::Objects(molar_objects::Error::NotFound)) => {
            return Ok(Facts {
                complaint: Some(NOT_STORED.to_owned()),
                ..Facts::default()
            });
        }
        Err(error) => return Err(error),
    };
    let format = format_of(&of.format)?;
    let needs_spacing = of.needs_spacing;
    let image = Image::of(of);
    let read = move || {
        let mut facts = read(format, &fetched, needs_spacing)?;
        if facts.complaint.is_none() {
            image.compare(&mut facts, &fetched, needs_spacing);
        }
        Ok(facts)
    };
    let mut facts = reading.slots.run(read).await?;
    if facts.complaint.is_none() {
        facts.complaint = complaint_of_labels(&facts.labels, &of.labels);
    }
    Ok(facts)
}

fn bucket(name: &str) -> Bucket {
    match name {
        "public" => Bucket::Public,
        _ => Bucket::References,
    }
}

/// A label that nobody was told of would cost every team.
fn complaint_of_labels(found: &[i32], of_track: &[i32]) -> Option<String> {
    let outside = found.iter().filter(|label| !of_track.contains(label));
    let outside: Vec<_> = outside.map(i32::to_string).collect();
    (!outside.is_empty()).then(|| {
        format!(
            "the labels of the track have no {}: correct the reference, or the labels in the challenge file before the first case is stored",
            outside.join(", ")
        )
    })
}

fn read(format: molar_volumes::Format, file: &Fetched, needs_spacing: bool) -> Result<Facts> {
    let sha256 = file.sha256.clone();
    let read = Reference::read(format, file.reader(), None);
    let read = read.and_then(|reference| match reference.spacing() {
        Err(unfit) if needs_spacing => Err(unfit.into()),
        spacing => Ok((spacing, reference)),
    });
    match read {
        Ok((spacing, reference)) => Ok(Facts {
            complaint: None,
            warning: None,
            spacing_mm: match spacing {
                Ok(None) => None,
                Ok(Some(spacing)) => {
                    let [z, y, x] = spacing.mm();
                    Some(vec![x, y, z])
                }
                Err(_) => Some(Vec::new()),
            },
            shape: shape(reference.geometry()),
            labels: reference
                .labels()
                .iter()
                .filter_map(molar_volumes::Label::number)
                .collect(),
            sha256,
        }),
        Err(molar_volumes::Error::Source(error)) => Err(error.into()),
        Err(error) => Ok(Facts {
            complaint: Some(error.to_string()),
            sha256,
            ..Facts::default()
        }),
    }
}

/// As the check of predictions builds its geometry of it.
fn shape(geometry: Geometry) -> Vec<i32> {
    let extents = match geometry {
        Geometry::Image { height, width } => vec![height, width],
        Geometry::Volume { x, y, z } => vec![x, y, z],
    };
    extents
        .into_iter()
        .map(|extent| i32::try_from(extent).unwrap_or(i32::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;

    use super::*;
    use crate::testing::{Objects, polygons, volume};

    async fn facts_of(objects: &Objects, owner: &PgPool, format: &str, content: &[u8]) -> Facts {
        let format_kind = format.parse().unwrap();
        let challenge = ChallengeBuilder::new("teeth")
            .format(format_kind)
            .cases(&["Case_01"])
            .insert(owner)
            .await;
        objects.put_reference(owner, &challenge, 0, content).await;
        let reading = objects.reading(owner).await;
        assert_eq!(round(&reading).await.unwrap(), 1);
        let row = sqlx::query!(
            "SELECT is_good, complaint, warning, shape, labels, spacing_mm, sha256 FROM scoring.reference_facts"
        )
        .fetch_one(owner)
        .await
        .unwrap();
        assert_eq!(row.is_good, row.complaint.is_none());
        Facts {
            complaint: row.complaint,
            warning: row.warning,
            shape: row.shape,
            labels: row.labels,
            spacing_mm: row.spacing_mm,
            sha256: row.sha256,
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_good_reference_is_read_once(owner: PgPool) {
        let objects = Objects::start().await;
        let content = polygons((8, 16), &[("11", [2, 2, 5, 5]), ("12", [8, 2, 9, 5])]);
        let facts = facts_of(&objects, &owner, "labelme", content.as_bytes()).await;
        assert_eq!(facts.complaint, None);
        assert_eq!((facts.shape, facts.labels), (vec![8, 16], vec![11, 12]));
        assert_eq!(facts.sha256, crate::testing::sha256(content.as_bytes()));
        let reading = objects.reading(&owner).await;
        assert_eq!(round(&reading).await.unwrap(), 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_shape_of_a_volume_is_x_y_z(owner: PgPool) {
        let objects = Objects::start().await;
        let content = volume([4, 2, 3], |[z, y, _]| i16::from(z == 0 && y == 0) * 11);
        let facts = facts_of(&objects, &owner, "nifti", &content).await;
        assert_eq!(facts.complaint, None);
        assert_eq!((facts.shape, facts.labels), (vec![3, 2, 4], vec![11]));
        let spacing_mm = facts.spacing_mm.unwrap();
        assert_eq!(spacing_mm, [f64::from(0.3_f32); 3]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_volume_read_before_its_spacing_was_asked_for_is_read_again(owner: PgPool) {
        let objects = Objects::start().await;
        let content = volume([4, 2, 3], |_| 11);
        facts_of(&objects, &owner, "nifti", &content).await;
        let reading = objects.reading(&owner).await;
        assert_eq!(round(&reading).await.unwrap(), 0);
        sqlx::query!("UPDATE scoring.reference_facts SET spacing_mm = NULL")
            .execute(&owner)
            .await
            .unwrap();
        assert_eq!(round(&reading).await.unwrap(), 1);
        assert_eq!(round(&reading).await.unwrap(), 0);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_volume_that_says_no_size_of_its_voxels_is_refused_where_that_is_needed(
        owner: PgPool,
    ) {
        let objects = Objects::start().await;
        let labels = ndarray::Array3::<u8>::from_elem((1, 1, 2), 11);
        let mut content = Vec::new();
        molar_volumes::nifti::write_labels(&mut content, labels.view(), [0.0, 1.0, 1.0]).unwrap();
        let facts = facts_of(&objects, &owner, "nifti", &content).await;
        assert_eq!(
            (facts.complaint, facts.spacing_mm),
            (None, Some(Vec::new()))
        );
        let reading = objects.reading(&owner).await;
        assert_eq!(round(&reading).await.unwrap(), 0);

        let metrics = vec!["IA".to_owned(), "instance_HD95".to_owned()];
        sqlx::query!("UPDATE tracks.phases SET metrics = $1", &metrics)
            .execute(&owner)
            .await
            .unwrap();
        assert_eq!(round(&reading).await.unwrap(), 1);
        assert_eq!(round(&reading).await.unwrap(), 0);
        let complaint = sqlx::query_scalar!("SELECT complaint FROM scoring.reference_facts");
        insta::assert_snapshot!(
            complaint.fetch_one(&owner).await.unwrap().unwrap(),
            @"the header's voxels are [0.0, 1.0, 1.0] mm along x, y and z: save the volume with the size of its voxels"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_reference_without_a_tooth_is_refused_with_the_reason(owner: PgPool) {
        let objects = Objects::start().await;
        let facts = facts_of(
            &objects,
            &owner,
            "labelme",
            polygons((8, 16), &[]).as_bytes(),
        )
        .await;
        insta::assert_snapshot!(
            facts.complaint.unwrap(),
            @"the reference has no label: there is nothing to score against"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_reference_that_was_never_uploaded_is_told_and_looked_for_again(owner: PgPool) {
        let objects = Objects::start().await;
        ChallengeBuilder::new("teeth")
            .cases(&["Case_01"])
            .insert(&owner)
            .await;
        sqlx::query!("DELETE FROM scoring.reference_facts")
            .execute(&owner)
            .await
            .unwrap();
        let reading = objects.reading(&owner).await;
        assert_eq!(round(&reading).await.unwrap(), 1);
        let complaint =
            sqlx::query_scalar!("SELECT complaint FROM scoring.reference_facts WHERE NOT is_good")
                .fetch_one(&owner)
                .await
                .unwrap();
        assert_eq!(complaint.as_deref(), Some(NOT_STORED));

        assert_eq!(round(&reading).await.unwrap(), 0);
        objects.clock.advance(chrono::TimeDelta::minutes(1));
        assert_eq!(round(&reading).await.unwrap(), 1);
    }

    /// A correction of the only case, as `tracks` would have made it; returns what was read of it.
    async fn correction_of(
        before: &[u8],
        after: &[u8],
        owner: &PgPool,
    ) -> (Option<String>, i64, usize) {
        let objects = Objects::start().await;
        facts_of(&objects, owner, "labelme", before).await;
        let set = uuid::Uuid::new_v4();
        sqlx::query!(
            "INSERT INTO tracks.reference_sets (id, split_id, version, created_at, based_on, reason, created_by)
             SELECT $1, split_id, -1, created_at, id, 'wrong', gen_random_uuid() FROM tracks.reference_sets",
            set
        )
        .execute(owner)
        .await
        .unwrap();
        sqlx::query!(
            "INSERT INTO tracks.case_references (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             SELECT gen_random_uuid(), $1, case_id, 'corrected', $2, $3, 'stored', stored_at FROM tracks.case_references",
            set,
            after.len() as i64,
            crate::testing::sha256(after),
        )
        .execute(owner)
        .await
        .unwrap();
        let (role, bucket) = (molar_objects::Role::Tracks, Bucket::References);
        objects.put(role, bucket, "corrected", after).await;
        let read = round(&objects.reading(owner).await).await.unwrap();
        let row = sqlx::query!(
            r#"SELECT complaint, (SELECT count(*) FROM scoring.reference_facts) AS "facts!"
               FROM scoring.reference_facts WHERE reference_set_id = $1"#,
            set
        );
        let row = row.fetch_one(owner).await.unwrap();
        (row.complaint, row.facts, read)
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_correction_keeps_the_shape_of_its_image(owner: PgPool) {
        let before = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let after = polygons((16, 16), &[("11", [2, 2, 5, 5])]);
        let (complaint, ..) = correction_of(before.as_bytes(), after.as_bytes(), &owner).await;
        assert!(complaint.unwrap().contains("keeps the shape"));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_correction_has_no_label_that_the_track_does_not_know(owner: PgPool) {
        let before = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let after = polygons((8, 16), &[("11", [2, 2, 5, 5]), ("99", [7, 2, 9, 5])]);
        let (complaint, ..) = correction_of(before.as_bytes(), after.as_bytes(), &owner).await;
        assert!(complaint.unwrap().contains("have no 99:"));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_shared_reference_is_not_read_again(owner: PgPool) {
        let same = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let known = correction_of(same.as_bytes(), same.as_bytes(), &owner).await;
        assert_eq!(known, (None, 2, 0));
    }

    /// The facts of a reference beside an image of which this was seen.
    async fn beside(owner: &PgPool, content: &[u8], format: &str, seen: &str) -> Facts {
        let objects = Objects::start().await;
        facts_of(&objects, owner, format, content).await;
        let update = format!("UPDATE tracks.cases SET {seen}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(update))
            .execute(owner)
            .await
            .unwrap();
        let reading = objects.reading(owner).await;
        // It is read again because its image is another one, and then not any more.
        assert_eq!(round(&reading).await.unwrap(), 1);
        assert_eq!(round(&reading).await.unwrap(), 0);
        let row = sqlx::query!(
            "SELECT complaint, warning, shape, labels, spacing_mm, sha256 FROM scoring.reference_facts"
        )
        .fetch_one(owner)
        .await
        .unwrap();
        Facts {
            complaint: row.complaint,
            warning: row.warning,
            shape: row.shape,
            labels: row.labels,
            spacing_mm: row.spacing_mm,
            sha256: row.sha256,
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_reference_has_the_size_of_its_image(owner: PgPool) {
        let content = polygons((8, 16), &[("11", [2, 2, 5, 5])]);
        let facts = beside(&owner, content.as_bytes(), "labelme", "shape = '{16, 8}'").await;
        insta::assert_snapshot!(facts.complaint.unwrap(),
            @"the reference is 8 × 16 (height × width), its image 16 × 8 (height × width): label the image that is stored, or replace the image");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_volume_that_lies_elsewhere_than_its_image_is_told_and_not_refused(owner: PgPool) {
        let content = volume([4, 2, 3], |_| 11);
        let facts = beside(
            &owner,
            &content,
            "nifti",
            "shape = '{3, 2, 4}', spacing_mm = '{0.3, 0.3, 0.3}', affine = '{-0.3,0,0,0, 0,0.3,0,0, 0,0,0.3,0}'",
        )
        .await;
        assert_eq!(facts.complaint, None);
        insta::assert_snapshot!(facts.warning.unwrap(),
            @"the header puts the reference elsewhere than its image (row x of the affine: 0.3, 0, 0, 0 against -0.3, 0, 0, 0): it may be mirrored");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_volume_with_the_geometry_of_its_image_is_good(owner: PgPool) {
        let content = volume([4, 2, 3], |_| 11);
        let facts = beside(
            &owner,
            &content,
            "nifti",
            "shape = '{3, 2, 4}', spacing_mm = '{0.3, 0.3, 0.3}', affine = '{0.3,0,0,0, 0,0.3,0,0, 0,0,0.3,0}'",
        )
        .await;
        assert_eq!((facts.complaint, facts.warning), (None, None));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_label_that_the_track_does_not_have_is_refused(owner: PgPool) {
        let objects = Objects::start().await;
        let content = polygons((8, 16), &[("11", [2, 2, 5, 5]), ("91", [8, 2, 9, 5])]);
        let facts = facts_of(&objects, &owner, "labelme", content.as_bytes()).await;
        let complaint = facts.complaint.unwrap();
        assert!(
            complaint.starts_with("the labels of the track have no 91:"),
            "{complaint}"
        );
    }
}
