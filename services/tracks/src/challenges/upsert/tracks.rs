//! Tracks and splits.

use molar_domain::challenge::{Split, Track};
use serde::Serialize;
use uuid::Uuid;

use super::{Upsert, refuse};
use crate::Error;
use crate::challenges::plan::{FieldChange, Touches};

#[derive(Serialize)]
struct TrackFields {
    title: String,
    format: String,
    labels: Vec<i32>,
    groups: serde_json::Value,
    pixel_spacing_mm: Option<f64>,
    questions: serde_json::Value,
    position: i16,
}

#[derive(Serialize)]
struct SplitFields {
    is_public: bool,
    has_references: bool,
    are_references_public: bool,
    announced_cases: Option<i32>,
    announced_labelled: Option<i32>,
    announced_slices: Option<i32>,
}

fn count(announced: Option<u32>) -> Option<i32> {
    announced.and_then(|n| i32::try_from(n).ok())
}

impl Upsert<'_> {
    pub(super) async fn track(
        &mut self,
        challenge: Uuid,
        track: &Track,
        at: i16,
    ) -> Result<Uuid, Error> {
        let new = TrackFields {
            title: track.title.clone(),
            format: track.format.to_string(),
            labels: track.labels.clone(),
            groups: serde_json::to_value(&track.groups)?,
            pixel_spacing_mm: track.pixel_spacing_mm,
            questions: serde_json::to_value(&track.questions)?,
            position: at,
        };
        let known = sqlx::query_scalar!(
            "SELECT id FROM tracks.tracks WHERE challenge_id = $1 AND slug = $2",
            challenge,
            track.slug,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let id = known.unwrap_or_else(|| self.new_id());
        let old = sqlx::query_as!(
            TrackFields,
            "SELECT title, format, labels, groups, pixel_spacing_mm, questions, position FROM tracks.tracks WHERE id = $1",
            id
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let changes = self.note(&format!("track {}", track.slug), old.as_ref(), &new)?;
        let Some(changes) = changes else {
            return Ok(id);
        };
        if let Some(old) = &old {
            self.require_same_data(id, &track.slug, old, &new).await?;
            self.touch_track(id, old, &new, &changes).await?;
        }
        sqlx::query!(
            "INSERT INTO tracks.tracks (id, challenge_id, slug, title, format, labels, position, groups, pixel_spacing_mm, questions)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, format = excluded.format,
                 labels = excluded.labels, position = excluded.position, groups = excluded.groups,
                 pixel_spacing_mm = excluded.pixel_spacing_mm, questions = excluded.questions",
            id,
            challenge,
            track.slug,
            new.title,
            new.format,
            &new.labels,
            new.position,
            new.groups,
            new.pixel_spacing_mm,
            new.questions,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(id)
    }

    /// References were read by the old format and label set.
    async fn require_same_data(
        &mut self,
        track: Uuid,
        slug: &str,
        old: &TrackFields,
        new: &TrackFields,
    ) -> Result<(), Error> {
        if old.format == new.format && old.labels == new.labels {
            return Ok(());
        }
        let has_cases = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM tracks.cases c
                              JOIN tracks.splits s ON s.id = c.split_id
                              WHERE s.track_id = $1 AND c.state <> 'removed') AS "has!""#,
            track
        )
        .fetch_one(&mut *self.conn)
        .await?;
        if has_cases {
            return Err(refuse(format!(
                "the track {slug} has cases; its format and labels cannot change any more"
            )));
        }
        Ok(())
    }

    /// What teams have handed in is measured again by other groups, or another size of a pixel.
    async fn touch_track(
        &mut self,
        track: Uuid,
        old: &TrackFields,
        new: &TrackFields,
        changes: &[FieldChange],
    ) -> Result<(), Error> {
        let phases = self.counts(None, Some(track)).await?;
        let touches = Touches::sum(phases.into_iter().map(|counts| counts.by(changes)));
        self.plan.touch(touches);
        let is_same = old.groups == new.groups && old.pixel_spacing_mm == new.pixel_spacing_mm;
        if !is_same && touches.submissions > 0 {
            self.plan.explain();
        }
        Ok(())
    }

    pub(super) async fn split(
        &mut self,
        challenge: Uuid,
        track_id: Uuid,
        track: &Track,
        split: &Split,
    ) -> Result<(), Error> {
        let new = SplitFields {
            is_public: split.is_public,
            has_references: split.has_references,
            are_references_public: split.public_references,
            announced_cases: count(split.announced_cases),
            announced_labelled: count(split.announced_labelled),
            announced_slices: count(split.announced_slices),
        };
        let old = sqlx::query!(
            r#"SELECT id, is_public, has_references, are_references_public, announced_cases,
                      announced_labelled, announced_slices,
                      EXISTS (SELECT FROM tracks.cases c
                              WHERE c.split_id = s.id AND c.state <> 'removed') AS "has_cases!"
               FROM tracks.splits s WHERE track_id = $1 AND slug = $2"#,
            track_id,
            split.slug,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let id = old
            .as_ref()
            .map(|old| old.id)
            .unwrap_or_else(|| self.new_id());
        let has_cases = old.as_ref().is_some_and(|old| old.has_cases);
        let old = old.map(|old| SplitFields {
            is_public: old.is_public,
            has_references: old.has_references,
            are_references_public: old.are_references_public,
            announced_cases: old.announced_cases,
            announced_labelled: old.announced_labelled,
            announced_slices: old.announced_slices,
        });
        let name = format!("split {}/{}", track.slug, split.slug);
        if self.note(&name, old.as_ref(), &new)?.is_none() {
            return Ok(());
        }
        // A phase that is short of an announced case takes nothing more.
        if old.is_some() && self.is_anything_running(challenge, Some(id)).await? {
            self.plan.explain();
        }
        // Public and hidden images lie in buckets of their own.
        let moves = |old: &SplitFields| {
            old.is_public != new.is_public
                || old.has_references != new.has_references
                || old.are_references_public != new.are_references_public
        };
        if has_cases && old.as_ref().is_some_and(moves) {
            return Err(refuse(format!(
                "the {name} has cases; whether it is public and has references, and public ones, cannot change any more"
            )));
        }
        sqlx::query!(
            "INSERT INTO tracks.splits
                 (id, track_id, slug, is_public, has_references, announced_cases, are_references_public,
                  announced_labelled, announced_slices)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (id) DO UPDATE SET is_public = excluded.is_public,
                 has_references = excluded.has_references, announced_cases = excluded.announced_cases,
                 are_references_public = excluded.are_references_public,
                 announced_labelled = excluded.announced_labelled,
                 announced_slices = excluded.announced_slices",
            id,
            track_id,
            split.slug,
            new.is_public,
            new.has_references,
            new.announced_cases,
            new.are_references_public,
            new.announced_labelled,
            new.announced_slices,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
