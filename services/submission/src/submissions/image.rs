//! What the check saw of an image, as its team sees it.

use molar_sandbox::image::Uid;
use serde::Serialize;
use serde_json::Value;

use crate::checks::ImageReport;
use crate::pages::size;

/// Of a container, once its archive was looked into; of a refused one as far as the look went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImageView {
    /// `docker-archive` or `oci-layout`
    pub format: Option<&'static str>,
    /// SHA-256 of the image's config
    pub digest: Option<String>,
    /// Such as `linux/amd64`
    pub platform: Option<String>,
    /// As the image names it; empty is root.
    pub user: Option<String>,
    /// By the image's own `/etc/passwd`
    pub uid: Option<u32>,
    pub entrypoint: Option<Vec<String>>,
    pub working_dir: Option<String>,
    /// Whether `/opt/algorithm/predict.sh` is a file.
    pub has_predict_script: Option<bool>,
    /// Of all layers, unpacked.
    pub size_bytes: u64,
    /// What the phase allows.
    pub limit_bytes: u64,
    /// Lowest first
    pub layers: Vec<LayerView>,
    #[serde(skip)]
    who: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LayerView {
    /// SHA-256 of the layer, unpacked
    pub digest: String,
    /// Unpacked
    pub size_bytes: u64,
    /// Whether an accepted submission of the team had it before, so that it is not stored again.
    pub is_known: bool,
}

impl ImageView {
    /// None for a report that no version of this program wrote.
    pub fn of(report: Value) -> Option<Self> {
        let report: ImageReport = serde_json::from_value(report).ok()?;
        let known = &report.known;
        let seen = report.seen;
        Some(Self {
            size_bytes: seen.uncompressed_bytes(),
            limit_bytes: report.limit_bytes,
            format: seen.format.map(|format| format.as_str()),
            who: who(seen.user.as_deref(), seen.uid),
            uid: match seen.uid {
                Some(Uid::Known(uid)) => Some(uid),
                _ => None,
            },
            layers: (seen.layers.into_iter())
                .map(|layer| LayerView {
                    is_known: known.contains(&layer.diff_id),
                    digest: layer.diff_id,
                    size_bytes: layer.size_bytes,
                })
                .collect(),
            digest: seen.digest,
            platform: seen.platform,
            user: seen.user,
            entrypoint: seen.entrypoint,
            working_dir: seen.working_dir,
            has_predict_script: seen.has_predict_script,
        })
    }

    pub fn who(&self) -> &str {
        &self.who
    }

    pub fn starts_with(&self) -> Option<String> {
        let entrypoint = self.entrypoint.as_ref()?;
        Some(entrypoint.join(" ")).filter(|text| !text.is_empty())
    }

    pub fn size(&self) -> String {
        format!("{} of {}", size(self.size_bytes), size(self.limit_bytes))
    }
}

impl LayerView {
    pub fn size(&self) -> String {
        size(self.size_bytes)
    }
}

fn who(user: Option<&str>, uid: Option<Uid>) -> String {
    let name = match user {
        None | Some("") => "root, as the image names none",
        Some(name) => name,
    };
    match uid {
        None => name.to_owned(),
        Some(Uid::Known(uid)) => format!("{name} (uid {uid})"),
        Some(Uid::NoSuchName) => {
            format!("{name}, whom the image's /etc/passwd does not know: it will not start")
        }
        Some(Uid::Unclear) => format!(
            "{name}, whose uid cannot be told: make /etc/passwd a plain file, or give the user as a number"
        ),
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{ChallengeBuilder, TeamBuilder};
    use serde_json::json;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{World, image_archive, open_phase};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_is_not_told_which_layers_others_have_brought(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let mut ids = Vec::new();
        for script in [b"true".as_slice(), b"false"] {
            let base: &[(&str, &[u8])] = &[("bin/sh", b"#!")];
            let top: &[(&str, &[u8])] = &[("opt/algorithm/predict.sh", script)];
            ids.push(world.submit(&image_archive(&[base, top], "amd64")).await);
            assert_eq!(world.run_checks().await, 1);
        }
        let known = async || {
            let found = world.find(ids[1]).await;
            let layers = found["image"]["layers"].as_array().unwrap();
            let known = layers.iter().map(|layer| layer["is_known"] == true);
            known.collect::<Vec<_>>()
        };
        assert_eq!(known().await, [true, false]);

        let others = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        sqlx::query!(
            "UPDATE submission.submissions SET team_id = $1 WHERE id = $2",
            others.id.0,
            ids[0]
        )
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(known().await, [false, false]);
    }

    #[test]
    fn the_user_is_told_with_the_number_that_counts() {
        assert_eq!(who(Some("algo"), Some(Uid::Known(1000))), "algo (uid 1000)");
        assert_eq!(
            who(Some(""), Some(Uid::Known(0))),
            "root, as the image names none (uid 0)"
        );
        assert!(who(Some("x"), Some(Uid::NoSuchName)).contains("will not start"));
    }

    #[test]
    fn what_was_not_seen_is_not_told() {
        let view = ImageView::of(json!({"limit_bytes": 5, "known": []})).unwrap();
        assert_eq!((view.format, view.uid, view.size_bytes), (None, None, 0));
        assert_eq!(ImageView::of(json!("nonsense")), None);
    }
}
