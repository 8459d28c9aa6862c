//! What is in an archive, and that it is the same whenever it is asked for, unless its rows were changed.

use molar_service::{Role, audit};
use molar_testkit::{TeamBuilder, as_role, noon};
use serde_json::json;
use sqlx::PgPool;

use super::{CASES, PUBLISHED, World, get, json_of, set, text, unzip, verified, wrong};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn all_of_a_phase_follows_from_its_scores(db: PgPool) {
    let world = World::new(&db).await;
    let archive = world.archive(&db).await;
    let report = verified(&archive);
    assert!(report.is_equal, "{:?}: {report:?}", wrong(&report));
    assert_eq!(report.checks.len(), 10);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    if let Some(path) = std::env::var_os("MOLAR_KEEP_ARCHIVE") {
        std::fs::write(path, &archive).unwrap();
    }

    let files = unzip(&archive);
    let ranking = json_of(&files, "ranking.json");
    let teams: Vec<_> = (0..5).map(|at| &ranking["entries"][at]["team"]).collect();
    assert_eq!(
        json!(teams),
        json!(["=Walruses", "Badgers", "Otters", "Ibexes", "Guests"])
    );
    let ranks: Vec<_> = (0..5).map(|at| &ranking["entries"][at]["rank"]).collect();
    assert_eq!(json!(ranks), json!([1, 2, 2, 4, null]));
    assert_eq!(ranking["left_out"], json!(["gpu_memory_area_mib_s"]));
    let statistics = json_of(&files, "statistics.json");
    assert_eq!(statistics["draws"], 100);
    assert!(statistics["mean_tau"].is_number(), "{statistics}");
    let phase = json_of(&files, "phase.json");
    assert_eq!(phase["scorers"][0]["entries"], 5);
    assert_eq!(phase["summary"], "A challenge of a test.");
    let wide = text(&files, "scores/cases-wide.csv");
    assert_eq!(wide.lines().count(), 1 + 5 * 4);
    assert!(
        wide.contains("\n1,'=Walruses,2,false,0.5294117647058824,"),
        "{wide}"
    );
    assert!(wide.contains("\n4,Ibexes,1,true,0,0.5,0,\n"), "{wide}");
    assert_eq!(
        text(&files, "scores/cases-long.csv").lines().count(),
        1 + 5 * 4 * 4
    );
    assert!(text(&files, "participants.csv").contains("3,Otters,https://code.test/it,MIT\n"));
    assert_eq!(json_of(&files, "agreements.json")[0]["version"], "1");
    assert!(text(&files, "figures/podium.svg").starts_with("<svg"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nothing_tells_a_person_a_case_or_an_id(db: PgPool) {
    let world = World::new(&db).await;
    let files = unzip(&world.archive(&db).await);
    let teams = world.teams.iter().map(|team| team.id.to_string());
    let secrets = teams
        .chain(CASES.map(str::to_owned))
        .chain(["Olga".to_owned()]);
    let secrets: Vec<String> = secrets.collect();
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_same_version_gives_the_same_bytes_whatever_others_do_later(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, PUBLISHED).await;
    write_audit(&db, 0).await;
    let first = world.archive(&db).await;
    assert!(json_of(&unzip(&first), "audit-head.json")["seq"].is_number());

    let later = noon() + chrono::TimeDelta::hours(1);
    write_audit(&db, 1).await;
    let late = TeamBuilder::new(&world.challenge, "Late").insert(&db).await;
    sqlx::query!(
        "UPDATE registration.agreements SET signed_at = $1 WHERE user_id IN
             (SELECT user_id FROM registration.memberships WHERE team_id = $2)",
        later,
        late.id.0,
    )
    .execute(&db)
    .await
    .unwrap();
    let (_, second) = get(&db, world.challenge.phase_id, None, 3).await;
    assert!(first == second, "the bytes differ");
}

async fn write_audit(db: &PgPool, hours: i64) {
    let role = as_role(db, Role::Leaderboard).await;
    let mut tx = role.begin().await.unwrap();
    let at = noon() + chrono::TimeDelta::hours(hours);
    let details = serde_json::json!({});
    let subject = uuid::Uuid::from_u128(1);
    audit::append(&mut tx, at, None, "phase.published", subject, details, None)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}
