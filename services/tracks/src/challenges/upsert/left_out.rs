//! What is there and not in the file.

use molar_domain::phase::Opening;
use sqlx::Acquire;
use uuid::Uuid;

use super::Upsert;
use crate::Error;
use crate::challenges::plan::Change;

impl Upsert<'_> {
    /// A phase that nobody used goes, before the one that it waits for; everything else stays and is told of.
    pub(super) async fn remove_what_is_left_out(&mut self, challenge: Uuid) -> Result<(), Error> {
        let phases = sqlx::query!(
            r#"SELECT p.id, t.slug AS track, p.slug,
                      o.opens_at AS "opens_at!", o.is_held AS "is_held!"
               FROM tracks.phases p
               JOIN tracks.tracks t ON t.id = p.track_id
               JOIN tracks.openings o ON o.phase_id = p.id
               WHERE t.challenge_id = $1 ORDER BY t.id, p.position DESC, p.id"#,
            challenge
        )
        .fetch_all(&mut *self.conn)
        .await?;
        for phase in phases {
            let in_file = self.file.tracks.iter().any(|track| {
                track.slug == phase.track && track.phases.iter().any(|p| p.slug == phase.slug)
            });
            if !in_file {
                let name = format!("phase {}/{}", phase.track, phase.slug);
                self.remove_phase(phase.id, &name).await?;
                let last = self.plan.steps.last();
                let is_removed = last.is_some_and(|step| step.change == Change::Remove);
                let opening = Opening {
                    at: phase.opens_at,
                    is_held: phase.is_held,
                };
                if is_removed && opening.has_come(self.now) {
                    self.plan.explain();
                }
            }
        }
        let tracks = sqlx::query_scalar!(
            "SELECT slug FROM tracks.tracks WHERE challenge_id = $1 ORDER BY id",
            challenge
        )
        .fetch_all(&mut *self.conn)
        .await?;
        for slug in tracks {
            if !self.file.tracks.iter().any(|track| track.slug == slug) {
                let what = format!("track {slug}");
                self.plan.add(
                    Change::Keep,
                    &what,
                    "is not in the file; a track is never removed",
                );
            }
        }
        Ok(())
    }

    async fn remove_phase(&mut self, id: Uuid, name: &str) -> Result<(), Error> {
        if self.has_submissions(id).await? {
            self.plan.add(
                Change::Keep,
                name,
                "is not in the file, but has submissions",
            );
            return Ok(());
        }
        let mut inner = self.conn.begin().await?;
        sqlx::query!("DELETE FROM tracks.baselines WHERE phase_id = $1", id)
            .execute(&mut *inner)
            .await?;
        let removed = sqlx::query!("DELETE FROM tracks.phases WHERE id = $1", id)
            .execute(&mut *inner)
            .await;
        match removed {
            Ok(_) => {
                inner.commit().await?;
                self.plan.add(Change::Remove, name, "is not in the file");
            }
            // A board may have been made of it.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                inner.rollback().await?;
                self.plan
                    .add(Change::Keep, name, "is not in the file, but in use");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
