//! Where no interval stands under a rank, the pages say why, and explain none.

use chrono::{DateTime, Utc};
use molar_service::Role;
use molar_testkit::{MockClock, as_role, noon};
use serde_json::json;
use sqlx::PgPool;

use crate::patience::Patience;
use crate::statistics;
use crate::testing::{challenge, entry_at, fold, get, later, set, team};

const PAGE: &str = "/boards/sts/teeth/validation";
const REPORT: &str = "/boards/sts/teeth/validation/report";
/// What each says of intervals that stand there.
const CAPTIONS: [(&str, &str); 2] = [
    (PAGE, "Two ranks under a rank"),
    (REPORT, "Under a rank the interval"),
];

async fn make(db: &PgPool, at: DateTime<Utc>) {
    let role = as_role(db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(at), 20, &Patience::default())
        .await
        .unwrap();
}

async fn assert_none(db: &PgPool, why: &str) {
    for (path, caption) in CAPTIONS {
        let (_, page) = get(db, path, None).await;
        assert!(page.contains(why), "{path} does not say {why}: {page}");
        assert!(!page.contains(caption), "{path}: {page}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_interval_is_explained_where_it_stands_and_its_absence_where_it_does_not(db: PgPool) {
    // Of a group, since what a team lacks in another metric makes it last in every draw.
    let challenge = challenge(&db, &["IA", "instance_DSC/upper"]).await;
    let phase = challenge.phase_id;
    let whole = |ia: f64| [(); 5].map(|()| json!({"IA": ia, "instance_DSC/upper": 0.5}));
    let mut lacking = whole(0.9);
    lacking[3] = json!({"IA": 0.9});
    let ants = team(&db, &challenge, "Ants", &lacking).await;
    team(&db, &challenge, "Bees", &whole(0.8)).await;
    fold(&db, phase, later(-7200)).await;
    assert_none(&db, "have not been computed for this version yet.").await;
    make(&db, later(-7100)).await;
    // Both are first on the board: 1 and 2 against 2 and 1.
    let reason = "without DSC (upper), since not every ranked team has it in every case.";
    assert_none(&db, reason).await;

    entry_at(&db, &challenge, &ants, 1, &whole(0.9)).await;
    fold(&db, phase, later(-3600)).await;
    make(&db, later(-3500)).await;
    for (path, caption) in CAPTIONS {
        let (_, page) = get(&db, path, None).await;
        assert!(page.contains(caption), "{path}: {page}");
        assert!(
            !page.contains("no intervals of") && !page.contains("Intervals of"),
            "{path}: {page}"
        );
    }
    let (_, past) = get(&db, &format!("{PAGE}?at=2026-09-01T10:30:00Z"), None).await;
    assert!(past.contains("of the newest version only."), "{past}");
    let (_, nobody) = get(&db, &format!("{PAGE}?who=out"), None).await;
    assert!(
        !nobody.contains("Two ranks under") && !nobody.contains("ntervals of the ranks"),
        "{nobody}"
    );
    set(&db, r#"board = '{"values": "rounded", "decimals": 1}'"#).await;
    let (_, rounded) = get(&db, PAGE, None).await;
    assert!(
        rounded.contains("they would tell more than this board does")
            && !rounded.contains("Two ranks under"),
        "{rounded}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_nothing_could_be_drawn_the_pages_say_so(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let nothing = [(); 5].map(|()| json!({"IA": null}));
    team(&db, &challenge, "Ants", &nothing).await;
    fold(&db, challenge.phase_id, later(-60)).await;
    make(&db, noon()).await;
    assert_none(
        &db,
        "There are no intervals of the ranks: there is no metric",
    )
    .await;
}
