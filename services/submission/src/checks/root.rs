//! Whether the machines of a phase can run an image that runs as root.

use molar_domain::FailureCode;
use molar_sandbox::image::Uid;
use molar_service::lease::AttemptError;
use uuid::Uuid;

use super::job::Check;
use super::verdict::Verdict;
use crate::rows::workers;

impl Check {
    /// Refuses an accepted image that may be root where no machine of the phase keeps root out: it would wait
    /// for one for ever. Before the first machine has enrolled nothing is refused.
    pub(super) async fn refuse_root(
        &self,
        verdict: Verdict,
        phase_id: Uuid,
    ) -> Result<Verdict, AttemptError> {
        let Verdict::Accepted {
            image: Some(image), ..
        } = &verdict
        else {
            return Ok(verdict);
        };
        if !image.report.seen.uid.is_some_and(Uid::may_be_root) {
            return Ok(verdict);
        }
        let kept_out = workers::keep_root_out(&self.db, phase_id).await;
        match kept_out.map_err(AttemptError::transient)? {
            None | Some(true) => Ok(verdict),
            Some(false) => {
                let code = FailureCode::RootImage;
                let user = image.report.seen.user.as_deref().unwrap_or_default();
                let detail = format!("its user is {user:?}, which is or may be root");
                let refused = Verdict::refused(code, detail, code.advice());
                Ok(refused.with_report(image.report.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::phase::SubmissionKind;
    use molar_domain::quota::Quota;
    use molar_testkit::{ChallengeBuilder, WorkerBuilder};
    use sqlx::PgPool;

    use crate::testing::{World, image_archive_of, open_phase};

    const FILES: &[(&str, &[u8])] = &[("bin/sh", b"#!"), ("opt/algorithm/predict.sh", b"true")];

    /// State, first code and user in the report of an image that was handed in.
    async fn checked(world: &World, user: &str) -> (String, String, String) {
        let id = world
            .submit(&image_archive_of(user, &[FILES], "amd64"))
            .await;
        assert_eq!(world.run_checks().await, 1);
        let found = world.find(id).await;
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (
            word(&found["state"]),
            word(&found["failure"]),
            word(&found["image"]["user"]),
        )
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_that_may_be_root_is_refused_where_nobody_keeps_root_out(pool: PgPool) {
        let quota = Quota {
            concurrent: 9,
            ..Quota::default()
        };
        let phase = open_phase().kind(SubmissionKind::Container).quota(quota);
        let challenge = ChallengeBuilder::new("sts").canary().phase(phase);
        let world = World::with(&pool, challenge).await;
        assert_eq!(checked(&world, "0").await.0, "queued");
        WorkerBuilder::new("one").insert(&pool).await;
        assert_eq!(checked(&world, "0:0").await.0, "queued");

        sqlx::query!("UPDATE execution.workers SET keeps_root_out = false")
            .execute(&pool)
            .await
            .unwrap();
        let refused = ("refused".into(), "root-image".into(), "00".into());
        assert_eq!(checked(&world, "00").await, refused);
        assert_eq!(checked(&world, "7").await.0, "queued");
    }
}
