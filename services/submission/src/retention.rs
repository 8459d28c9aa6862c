//! Removes what was handed in to a phase, once its retention is over and its organizers know of it.
//!
//! In steps that each can be the last before a crash: the removal is a row; uploads are marked with it, and from then on
//! said to be gone; their objects go; that is noted and counted. Images go as those that nobody needs do. When nothing is
//! left to do the removal ends, with one entry in the audit log.

use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_objects::{Bucket, Store};
use molar_service::{audit, db};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::rows::removals::{self, Removal};
use crate::spare_layers;

const BATCH: i64 = 100;

/// Begins what is due and goes on with what is not finished.
pub async fn sweep(db: &PgPool, store: &Store, now: DateTime<Utc>) -> sqlx::Result<()> {
    for phase in removals::due(db, now).await? {
        let mut tx = db.begin().await?;
        db::lock_phase(&mut tx, phase).await?;
        removals::begin(&mut *tx, uuid_at(now), phase, now).await?;
        tx.commit().await?;
    }
    // What nobody needs already is none of theirs.
    spare_layers::doom(db, None, now).await?;
    for removal in removals::open(db).await? {
        removals::mark(db, &removal, now).await?;
        remove_uploads(db, store, &removal, now).await?;
        spare_layers::doom(db, Some(removal.id), now).await?;
        spare_layers::drop_doomed(db, store).await?;
        finish(db, &removal, now).await?;
    }
    Ok(())
}

/// What the store does not let go of is passed over, and comes again in the next round.
async fn remove_uploads(
    db: &PgPool,
    store: &Store,
    removal: &Removal,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut after = Uuid::nil();
    loop {
        let marked = removals::marked(db, removal.id, after, BATCH).await?;
        let Some(last) = marked.last() else {
            return Ok(());
        };
        after = last.submission_id;
        let mut gone = Vec::new();
        for upload in &marked {
            match store.delete(Bucket::Uploads, &upload.object_key).await {
                Ok(()) => gone.push(upload.submission_id),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    submission.id = %upload.submission_id,
                    "a file whose retention is over could not be removed"
                ),
            }
        }
        let mut tx = db.begin().await?;
        removals::note_removed(&mut tx, removal.id, &gone, now).await?;
        tx.commit().await?;
    }
}

async fn finish(db: &PgPool, removal: &Removal, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    if let Some(counted) = removals::finish(&mut *tx, removal.id, now).await? {
        tracing::info!(phase.id = %removal.phase_id, files = counted.files, size_bytes = counted.size_bytes,
            "uploads and images were removed under their phase's retention");
        let details = json!({"phase_id": removal.phase_id, "removal_id": removal.id, "of": "uploads and images",
            "retention_days": removal.retention_days, "begun_at": removal.begun_at, "files": counted.files,
            "size_bytes": counted.size_bytes});
        let (action, subject) = ("phase.files_removed", removal.phase_id);
        audit::append(&mut tx, now, None, action, subject, details, None).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::Clock as _;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{ChallengeBuilder, EvaluationBuilder, MockClock, SubmissionBuilder};

    use super::*;
    use crate::testing::{World, image_archive, open_phase};

    const BASE: &[(&str, &[u8])] = &[("bin/sh", b"#!"), ("data", &[7; 5000])];

    struct Stage {
        pool: PgPool,
        world: World,
        clock: MockClock,
    }

    impl Stage {
        /// A phase of containers.
        async fn set(pool: PgPool) -> Self {
            let phase = open_phase().kind(SubmissionKind::Container);
            let challenge = ChallengeBuilder::new("sts").canary().phase(phase);
            let world = World::with(&pool, challenge).await;
            let clock = MockClock::at(molar_service::db::now(&pool).await.unwrap());
            Self { pool, world, clock }
        }

        async fn run(&self, sql: &str) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
                .execute(&self.pool)
                .await
                .unwrap();
        }

        /// An image on the base, whose run has failed by our fault: nothing is in flight.
        async fn submit(&self, script: &[u8]) -> Uuid {
            let top: &[(&str, &[u8])] = &[("opt/algorithm/predict.sh", script)];
            let id = self
                .world
                .submit(&image_archive(&[BASE, top], "amd64"))
                .await;
            assert_eq!(self.world.run_checks().await, 1);
            sqlx::query!(
                "INSERT INTO execution.attempts (id, submission_id, number, phase_id, team_id, state, image_digest,
                     archive_key, archive_size_bytes, limits, device_class, format, created_at, finished_at, failure)
                 SELECT gen_random_uuid(), s.id, 1, s.phase_id, s.team_id, 'failed', u.image_digest, 'k', 1, '{}', 'cpu',
                        'labelme', now(), now(), 'worker-lost'
                 FROM submission.submissions s JOIN submission.uploads u ON u.submission_id = s.id WHERE s.id = $1",
                id,
            )
            .execute(&self.pool)
            .await
            .unwrap();
            id
        }

        /// The phase closes now and keeps its files for 30 days, of which was told.
        async fn close(&self) {
            sqlx::query!(
                "UPDATE tracks.phases SET closes_at = $1, retention_days = 30 WHERE slug = 'validation'",
                self.clock.now()
            )
            .execute(&self.pool)
            .await
            .unwrap();
            self.run(
                "INSERT INTO registration.retention_notices
                 SELECT phase_id, due_at, due_at, due_at - interval '10 days', 3, 100 FROM tracks.phase_retention",
            )
            .await;
        }

        /// Another phase of the track, which keeps its files for ever.
        async fn other_phase(&self, finalists: bool) {
            self.run(&format!(
                "INSERT INTO tracks.phases (id, track_id, slug, title, kind, split_id, position, opens_at, closes_at,
                     metrics, keep, quota, limits, device_class, is_final, upload_grace_s,
                     requires_code_url, locks_teams, finalists_of, finalists_top)
                 SELECT gen_random_uuid(), track_id, 'final', 'Final', kind, split_id, 9, opens_at,
                        now() + interval '60 days', metrics, keep, quota, limits, device_class, is_final,
                        upload_grace_s, requires_code_url, locks_teams, {}
                 FROM tracks.phases",
                if finalists { "id, 1" } else { "NULL, NULL" }
            ))
            .await;
        }

        async fn sweep(&self, store: &Store) {
            sweep(&self.world.db, store, self.clock.now())
                .await
                .unwrap();
        }

        /// Layers and configs in the store.
        async fn parts(&self) -> usize {
            let keys = sqlx::query_scalar!(
                r#"SELECT object_key AS "key!" FROM submission.layers
                   UNION ALL SELECT config_key FROM submission.images
                   UNION ALL SELECT object_key FROM submission.doomed_layers"#
            );
            let mut found = 0;
            for key in keys.fetch_all(&self.pool).await.unwrap() {
                found += usize::from(self.world.store.head(Bucket::Layers, &key).await.is_ok());
            }
            found
        }

        async fn has_upload(&self, id: Uuid) -> bool {
            let key = sqlx::query_scalar!(
                "SELECT object_key FROM submission.uploads WHERE submission_id = $1",
                id
            );
            let key = key.fetch_one(&self.pool).await.unwrap();
            self.world.store.head(Bucket::Uploads, &key).await.is_ok()
        }

        async fn entries(&self) -> Vec<(i64, i64)> {
            let details = sqlx::query_scalar!(
                "SELECT details FROM audit.entries WHERE action = 'phase.files_removed'"
            );
            let details = details.fetch_all(&self.pool).await.unwrap();
            let number = |value: &serde_json::Value| value.as_i64().unwrap();
            details
                .iter()
                .map(|d| (number(&d["files"]), number(&d["size_bytes"])))
                .collect()
        }

        /// What may still be needed elsewhere is counted before anything goes.
        async fn announced(&self) -> Option<(i64, i64)> {
            let row = sqlx::query!(
                r#"SELECT f.files AS "files!", f.size_bytes AS "bytes!" FROM submission.phase_files f
                   JOIN tracks.phases p ON p.id = f.phase_id WHERE p.slug = 'validation'"#
            );
            let row = row.fetch_optional(&self.pool).await.unwrap();
            row.map(|row| (row.files, row.bytes))
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_goes_when_its_days_are_over_but_not_what_another_phase_needs_of_it(
        pool: PgPool,
    ) {
        let stage = Stage::set(pool).await;
        let (first, second) = (stage.submit(b"true").await, stage.submit(b"false").await);
        stage.other_phase(false).await;
        stage
            .run(&format!(
                "UPDATE submission.submissions SET phase_id = (SELECT id FROM tracks.phases WHERE slug = 'final')
                 WHERE id = '{second}'"
            ))
            .await;
        stage.close().await;
        let announced = stage.announced().await.unwrap();
        // Both archives are there still, and five parts: two configs, two layers on top, one base.
        assert_eq!(stage.parts().await, 5);
        stage
            .clock
            .advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        stage.sweep(&stage.world.store).await;
        assert!(stage.has_upload(first).await);
        stage.clock.advance(TimeDelta::seconds(1));
        stage.sweep(&stage.world.store).await;
        assert!(!stage.has_upload(first).await);
        assert!(stage.has_upload(second).await);
        assert_eq!(stage.parts().await, 3);
        // What was announced, which is the archive, a config and a layer.
        assert_eq!((announced.0, stage.entries().await), (3, vec![announced]));
        stage.sweep(&stage.world.store).await;
        assert_eq!(stage.entries().await.len(), 1);

        let view = stage.world.find(first).await;
        let told = view["files_removed"]["text"].as_str().unwrap();
        assert!(
            told.starts_with("removed on ") && told.ends_with("retention of 30 days"),
            "{told}"
        );
        let (_, html) = stage.world.page(&format!("/submissions/{first}")).await;
        let since = told.split('\'').next().unwrap();
        assert!(
            html.contains(since) && html.contains("retention of 30 days"),
            "{html}"
        );
        assert!(stage.world.find(second).await["files_removed"].is_null());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn files_of_a_finalist_stay_until_the_final_has_closed(pool: PgPool) {
        let stage = Stage::set(pool).await;
        let id = stage.submit(b"true").await;
        // An evaluation is needed to be on a board; by which run, nobody asks here.
        let submission = SubmissionBuilder::new(&stage.world.challenge, &stage.world.team)
            .cancelled()
            .insert(&stage.pool)
            .await;
        let values = json!({"image_DSC": 0.5});
        EvaluationBuilder::new(&stage.world.challenge, &submission, values)
            .insert(&stage.pool)
            .await;
        stage.other_phase(true).await;
        stage.close().await;
        stage
            .run(
                "WITH made AS (INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at)
                     SELECT gen_random_uuid(), id, 1, 'h', '{}', now() FROM tracks.phases WHERE slug = 'validation' RETURNING id)
                 INSERT INTO leaderboard.entries (ranking_id, team_id, submission_id, evaluation_id, values, ranks, mean_rank,
                     final_rank, is_eligible, cases, failed_cases, submitted_at)
                 SELECT made.id, s.team_id, s.id, e.id, '{}', '{}', 1, 1, true, 1, 0, now()
                 FROM made, scoring.evaluations e JOIN submission.submissions s ON s.id = e.submission_id",
            )
            .await;
        stage.clock.advance(TimeDelta::days(40));
        stage.sweep(&stage.world.store).await;
        assert!(stage.has_upload(id).await);
        assert_eq!(stage.entries().await, []);
        stage.clock.advance(TimeDelta::days(21));
        stage.sweep(&stage.world.store).await;
        assert!(!stage.has_upload(id).await);
        assert_eq!(stage.entries().await.len(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn while_the_store_is_away_nothing_is_said_to_be_done_and_the_next_round_goes_on(
        pool: PgPool,
    ) {
        let stage = Stage::set(pool).await;
        let id = stage.submit(b"true").await;
        stage.close().await;
        stage.clock.advance(TimeDelta::days(31));
        stage.sweep(&stage.world.nowhere()).await;
        assert!(stage.has_upload(id).await);
        assert_eq!(stage.parts().await, 3);
        assert_eq!(stage.entries().await, []);
        // From the mark on it is said to be gone.
        assert!(!stage.world.find(id).await["files_removed"].is_null());
        stage.sweep(&stage.world.store).await;
        assert!(!stage.has_upload(id).await);
        assert_eq!(stage.parts().await, 0);
        let all = stage.entries().await;
        assert_eq!(
            (all.len(), all[0].0),
            (1, 4),
            "the archive, a config and two layers"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_re_scoring_that_computes_keeps_files_and_what_was_not_told_stays(pool: PgPool) {
        let stage = Stage::set(pool).await;
        let id = stage.submit(b"true").await;
        stage.close().await;
        stage.clock.advance(TimeDelta::days(31));
        stage
            .run(
                "INSERT INTO scoring.rescorings (id, phase_id, state, scope, reason, scorer_version, reference_set_id,
                     parameters_hash, parameters, from_scorer_version, from_reference_set_id, from_parameters_hash,
                     created_by, created_at, started_at)
                 SELECT gen_random_uuid(), p.id, 'computing', 'touched', 'why', '1', r.id, 'h', '{}', '0', r.id, 'g',
                        (SELECT id FROM registration.users LIMIT 1), now(), now()
                 FROM tracks.phases p JOIN tracks.reference_sets r ON r.split_id = p.split_id",
            )
            .await;
        stage.sweep(&stage.world.store).await;
        assert!(stage.has_upload(id).await);
        stage.run("DELETE FROM scoring.rescorings").await;
        stage
            .run("UPDATE tracks.phases SET retention_days = 20")
            .await;
        stage.sweep(&stage.world.store).await;
        assert!(stage.has_upload(id).await);
        stage
            .run("UPDATE tracks.phases SET retention_days = 30")
            .await;
        stage.sweep(&stage.world.store).await;
        assert!(!stage.has_upload(id).await);
    }
}
