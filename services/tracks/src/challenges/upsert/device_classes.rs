//! What the machines are.

use std::collections::BTreeMap;

use molar_domain::device_class::DeviceClass;
use sqlx::types::Json;
use uuid::Uuid;

use super::Upsert;
use crate::Error;
use crate::challenges::plan::Change;
use crate::challenges::rows;

impl Upsert<'_> {
    /// As the file says; a description that it leaves out goes.
    pub(super) async fn device_classes(&mut self, challenge: Uuid) -> Result<(), Error> {
        let old = rows::device_classes(&mut *self.conn, challenge).await?;
        let mut old: BTreeMap<_, _> = old
            .into_iter()
            .map(|class| (class.slug.clone(), class))
            .collect();
        let file = self.file;
        for class in &file.device_classes {
            let known = old.remove(&class.slug);
            let what = format!("device class {}", class.slug);
            if self.note(&what, known.as_ref(), class)?.is_some() {
                self.write_device_class(challenge, class).await?;
            }
        }
        for slug in old.keys() {
            sqlx::query!(
                "DELETE FROM tracks.device_classes WHERE challenge_id = $1 AND slug = $2",
                challenge,
                slug,
            )
            .execute(&mut *self.conn)
            .await?;
            let what = format!("device class {slug}");
            self.plan.add(Change::Remove, &what, "is not in the file");
        }
        Ok(())
    }

    async fn write_device_class(
        &mut self,
        challenge: Uuid,
        class: &DeviceClass,
    ) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO tracks.device_classes (challenge_id, slug, description) VALUES ($1, $2, $3)
             ON CONFLICT (challenge_id, slug) DO UPDATE SET description = excluded.description",
            challenge,
            class.slug,
            Json(class) as _,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
