//! What changes is on a kept board at the next request.

use molar_service::Role;
use molar_testkit::as_role;
use sqlx::{AssertSqlSafe, PgPool};

use super::kept::forms;
use super::spied::World;
use super::world::asked;

/// Asks for every form, changes something, and asks again: as if nothing had been kept.
async fn seen_at_once(db: &PgPool, world: &World, what: &str, change: impl AsyncFnOnce()) {
    let role = as_role(db, Role::Leaderboard).await;
    let mut before = Vec::new();
    for path in forms(world) {
        before.push(
            asked(&role, Some(&world.boards), &path, None, &[])
                .await
                .body,
        );
    }
    change().await;
    let mut is_other = false;
    for (path, before) in forms(world).iter().zip(before) {
        let kept = asked(&role, Some(&world.boards), path, None, &[]).await;
        let anew = asked(&role, None, path, None, &[]).await;
        assert_eq!(kept.body, anew.body, "{what}: {path}");
        assert_eq!(
            (kept.status, kept.headers),
            (anew.status, anew.headers),
            "{what}: {path}"
        );
        is_other |= kept.body != before;
    }
    assert!(is_other, "{what}: the change is there");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_change_is_seen_at_the_next_request(db: PgPool) {
    let world = World::new(&db).await;
    for change in [
        "UPDATE registration.teams SET name = 'Narwhals' WHERE name = 'Walruses'",
        "UPDATE registration.participations SET state = 'disqualified', reason = 'why'
         WHERE team_id = (SELECT id FROM registration.teams WHERE name = 'Otters')",
        "UPDATE registration.participations SET is_reason_public = true WHERE state = 'disqualified'",
        "UPDATE registration.participations SET reason = 'another' WHERE state = 'disqualified'",
        "UPDATE registration.participations SET state = 'approved', is_reason_public = false WHERE reason = 'another'",
        "UPDATE registration.participations SET state = 'withdrawn'
         WHERE team_id = (SELECT id FROM registration.teams WHERE name = 'Narwhals')",
        "UPDATE submission.submissions SET code_url = 'https://other.test'",
        "UPDATE tracks.baselines SET values = '{\"IA\": 0.25}'",
        "INSERT INTO tracks.baselines (phase_id, name, position, values)
         SELECT phase_id, 'Second', 2, '{\"IA\": 0.75}' FROM tracks.baselines",
        "DELETE FROM tracks.baselines WHERE name = 'Second'",
        "UPDATE tracks.phases SET title = 'Another title'",
        "UPDATE tracks.tracks SET title = 'Another track'",
        "UPDATE tracks.challenges SET note = 'a note'",
        "UPDATE tracks.phases SET metrics = '{image_DSC, IA}'",
        "UPDATE tracks.phases SET device_class = 'another'",
        "UPDATE tracks.phases SET closes_at = '2026-09-01 11:00:00Z'",
        "UPDATE tracks.phases SET published_at = '2026-09-01 11:30:00Z'",
        "UPDATE tracks.phases SET board = '{\"values\": \"order\"}'",
        "UPDATE tracks.phases SET board = '{\"names\": \"anonymous\"}'",
        "UPDATE tracks.phases SET board = '{}'",
        "UPDATE tracks.phases SET published_at = NULL, is_final = true",
        "UPDATE tracks.phases SET is_final = false, visibility = 'participants'",
        "UPDATE tracks.phases SET visibility = 'organizers'",
        "UPDATE tracks.phases SET visibility = 'public'",
        "UPDATE tracks.phases SET freezes_at = '2026-08-29 13:00:00Z'",
    ] {
        seen_at_once(&db, &world, change, async || {
            sqlx::raw_sql(AssertSqlSafe(change))
                .execute(&db)
                .await
                .unwrap();
        })
        .await;
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_version_is_seen_at_the_next_request(db: PgPool) {
    let mut world = World::new(&db).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    seen_at_once(&db, &world, "a better one", async || {
        assert!(world.fold(&db, 0).await);
    })
    .await;
    let withdraw = "UPDATE submission.submissions SET withdrawn_at = created_at
                    WHERE created_at > '2026-08-30'";
    seen_at_once(&db, &world, "a withdrawal", async || {
        sqlx::raw_sql(withdraw).execute(&db).await.unwrap();
        assert!(world.fold(&db, 0).await);
    })
    .await;
}

/// Neither the row of the phase nor a place in the track changes with it.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_disqualified_team_whose_file_is_accepted_since_is_told_at_once(db: PgPool) {
    let world = World::new(&db).await;
    let of_vultures = "UPDATE submission.uploads SET state = 'STATE'
         WHERE submission_id IN (SELECT s.id FROM submission.submissions s
                                 JOIN registration.teams t ON t.id = s.team_id WHERE t.name = 'Vultures')";
    let set = async |state| {
        let change = of_vultures.replace("STATE", state);
        sqlx::raw_sql(AssertSqlSafe(change))
            .execute(&db)
            .await
            .unwrap();
    };
    set("completed").await;
    seen_at_once(&db, &world, "accepted", async || set("accepted").await).await;
}
