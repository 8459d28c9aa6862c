//! Of a phase that measures what containers use: what organizers get, and what everybody else does.

use actix_web::http::StatusCode;
use molar_web_kit::testing::Person;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::broken::{FIGURES, differs, edited, replaced};
use super::{
    Files, PUBLISHED, World, answer, get, json_of, sealed, set, text, unzip, verified, wrong,
};
use crate::archive::names::{CRATE, LONG, PHASE, RANKING, README, STATISTICS, WIDE};
use crate::tests::world::{self, board};

const AREA: &str = "gpu_memory_area_mib_s";
const BY_CASE: &str = "figures/cases-gpu_memory_area_mib_s.svg";
const REST: &str = "statistics of single metrics";

/// Digits that nothing else has, in each case others; teams in the order of their names, the first entry before all.
pub const MEASURED: &str = "
    UPDATE scoring.case_scores s
    SET values = s.values || jsonb_build_object('gpu_memory_area_mib_s', 712345678.0625 + 1111111.0625 * n.place)
    FROM (SELECT c.evaluation_id, c.case_id, row_number() OVER (ORDER BY t.name COLLATE \"C\", c.case_id) AS place
          FROM scoring.case_scores c
          JOIN scoring.evaluations e ON e.id = c.evaluation_id
          JOIN registration.teams t ON t.id = e.team_id) n
    WHERE n.evaluation_id = s.evaluation_id AND n.case_id = s.case_id;";

/// What [`MEASURED`] gives: five entries in four cases.
fn planted() -> Vec<f64> {
    (1..=20)
        .map(|place| 712_345_678.062_5 + 1_111_111.062_5 * f64::from(place))
        .collect()
}

/// Published, with what was measured as the statement has it.
pub async fn timed(db: &PgPool, measured: &str) -> World {
    let world = World::new(db).await;
    let anew = "DELETE FROM leaderboard.drawings; DELETE FROM leaderboard.statistics; DELETE FROM leaderboard.entries;
                DELETE FROM leaderboard.rankings; DELETE FROM leaderboard.means";
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{measured} {anew}")))
        .execute(db)
        .await
        .unwrap();
    world.make(db, 0).await;
    set(db, PUBLISHED).await;
    world
}

async fn public(db: &PgPool, world: &World) -> Vec<u8> {
    let (status, bytes) = get(db, world.challenge.phase_id, None, 0).await;
    let told = String::from_utf8_lossy(&bytes);
    assert_eq!(status, StatusCode::OK, "{told}");
    bytes
}

fn has_no_planted_digits(files: &Files) {
    for (name, bytes) in files {
        let text = String::from_utf8_lossy(bytes);
        for value in planted() {
            let digits = value.trunc().to_string();
            assert!(!text.contains(&digits), "{digits} in {name}");
        }
    }
}

/// The report calls the archive what it is for this reader.
async fn is_linked_as(db: &PgPool, person: Option<&Person>, title: &str) {
    let (_, page) = world::get(db, "/boards/sts/teeth/final/report", person).await;
    let link = format!("/archive\">{title}</a>");
    assert!(page.contains(&link), "{link}: {page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn all_get_what_the_board_tells_and_organizers_what_was_used_in_each_case(db: PgPool) {
    let world = timed(&db, MEASURED).await;
    let phase = world.challenge.phase_id;
    let (_, name, inside) = answer(&db, phase, Some(&world.olga), 0).await;
    assert!(name.ends_with("-organizers.zip\""), "{name}");
    let inside = unzip(&inside);
    for value in planted() {
        for table in [LONG, WIDE] {
            assert!(text(&inside, table).contains(&value.to_string()), "{value}");
        }
    }
    assert!(inside.contains_key(BY_CASE));
    assert!(text(&inside, README).contains("**Organizers' edition**"));
    assert_eq!(json_of(&inside, PHASE)["edition"], "organizers");

    let (status, name, outside) = answer(&db, phase, None, 0).await;
    assert_eq!(status, StatusCode::OK);
    assert!(name.ends_with("-public.zip\""), "{name}");
    let outside = unzip(&outside);
    has_no_planted_digits(&outside);
    assert!(!outside.contains_key(BY_CASE));
    for table in [LONG, WIDE] {
        assert!(!text(&outside, table).contains(AREA), "{table}");
    }
    assert!(text(&outside, README).contains("**Public edition.**"));
    assert_eq!(json_of(&outside, PHASE)["edition"], "public");
    assert!(
        text(&outside, CRATE).contains("Public edition: of gpu_memory_area_mib_s it has means")
    );
    assert!(
        text(&outside, CRATE).contains("Without gpu_memory_area_mib_s, which organizers have.")
    );

    let ranking = json_of(&outside, RANKING);
    let told = |rows: &Value| -> Vec<Value> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| json!([row["team"], row["rank"], row["ranks"], row["values"]]))
            .collect()
    };
    let shown = board(&db, phase, None).await;
    assert_eq!(told(&ranking["entries"]), told(&shown["rows"]));
    // The mean of one, two, three and four steps.
    assert_eq!(
        ranking["entries"][0]["values"][AREA],
        712_345_678.062_5 + 2.5 * 1_111_111.062_5
    );
    let spreads = &ranking["entries"][0]["spreads"];
    assert!(
        spreads[AREA].is_null() && spreads["IA"].is_object(),
        "{spreads}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_no_run_was_measured_there_is_one_edition(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, PUBLISHED).await;
    for person in [None, Some(&world.olga)] {
        let (_, name, bytes) = answer(&db, world.challenge.phase_id, person, 0).await;
        assert!(name.ends_with("final-v1.zip\""), "{name}");
        let files = unzip(&bytes);
        assert!(json_of(&files, PHASE).get("edition").is_none());
        assert!(!text(&files, README).contains("edition"));
        is_linked_as(&db, person, "Archive with all scores").await;
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_public_edition_is_equal_as_far_as_it_goes_and_says_how_far(db: PgPool) {
    let world = timed(&db, MEASURED).await;
    let report = verified(&world.archive(&db).await);
    assert!(report.is_equal, "{:?}", wrong(&report));
    assert_eq!((report.checks.len(), report.notes.len()), (10, 0));

    let public = public(&db, &world).await;
    let drawn = json_of(&unzip(&public), STATISTICS);
    let counted = drawn["metrics"].as_array().unwrap().iter();
    assert!(
        counted.clone().any(|metric| metric["name"] == AREA),
        "{drawn}"
    );
    let report = verified(&public);
    assert!(report.is_equal, "{:?}: {report:?}", wrong(&report));
    let checks: Vec<_> = report.checks.iter().map(|check| check.what).collect();
    let expected = [
        "files",
        "checksums",
        "scores",
        "means",
        "ranks by metric",
        "mean ranks",
        "final ranks",
        "draws",
        REST,
    ];
    assert_eq!(checks, expected, "no word of what was not recomputed");
    assert_eq!(
        report.notes,
        [
            "means of gpu_memory_area_mib_s taken as given: their values per case only organizers have",
            "intervals and stability, schemes and consensus not recomputed: needs per-case values of \
             gpu_memory_area_mib_s that only organizers have",
        ]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_public_edition_that_was_changed_is_not_equal(db: PgPool) {
    let world = timed(&db, MEASURED).await;
    let files = unzip(&public(&db, &world).await);
    assert_eq!(differs(&files), [""; 0]);

    let score = "0.5294117647058824";
    let worse = replaced(&replaced(&files, LONG, score, "0"), WIDE, score, "0");
    assert!(differs(&worse).contains(&"means".to_owned()));
    let rank = edited(&files, RANKING, |ranking| {
        ranking["entries"][0]["ranks"][AREA] = json!(2);
    });
    assert_eq!(differs(&rank), ["ranks by metric"]);
    // What is taken as given must still give the ranks.
    let mean = edited(&files, RANKING, |ranking| {
        ranking["entries"][0]["values"][AREA] = json!(9e9);
    });
    assert!(differs(&mean).contains(&"ranks by metric".to_owned()));
    let spread = edited(&files, RANKING, |ranking| {
        ranking["entries"][0]["spreads"][AREA] = json!({"sd": 1.0, "q1": 1.0, "q3": 1.0});
    });
    assert_eq!(differs(&spread), ["means"]);

    let made = |edit: fn(&mut Value)| differs(&edited(&files, STATISTICS, edit));
    assert_eq!(
        made(|made| made["metrics"][0]["ranks"][0] = json!(3)),
        [REST]
    );
    assert_eq!(
        made(|made| made["metrics"][0]["better_than"][0] = json!([3])),
        [REST]
    );
    assert_eq!(made(|made| made["adjusted_p"][0][1] = json!(0.001)), [REST]);
    assert_eq!(made(|made| made["teams"][0]["rank"] = json!(2)), [REST]);
    assert_eq!(made(|made| made["undrawn"] = json!("it was not")), [REST]);
    let without = |made: &mut Value| {
        let metrics = made["metrics"].as_array_mut().unwrap();
        metrics.retain(|metric| metric["name"] != AREA);
    };
    assert_eq!(made(without), [REST]);
    let reversed = |made: &mut Value| made["metrics"].as_array_mut().unwrap().reverse();
    assert_eq!(made(reversed), [REST]);
}

/// As if nobody could be trusted with it.
fn without_ia(files: &Files) -> Files {
    let long = text(files, LONG)
        .lines()
        .filter(|line| !line.contains(",IA,"));
    let long: String = long.map(|line| format!("{line}\n")).collect();
    let wide = text(files, WIDE).lines().map(|line| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells.remove(5);
        cells.join(",") + "\n"
    });
    let wide: String = wide.collect();
    assert!(wide.starts_with("entry,team,case,is_failed,image_DSC,instance_DSC/upper"));
    let files = edited(files, PHASE, |phase| {
        phase["metrics"][1]["is_withheld"] = json!(true);
    });
    let mut files = edited(&files, RANKING, |ranking| {
        for entry in ranking["entries"].as_array_mut().unwrap() {
            entry["spreads"].as_object_mut().unwrap().remove("IA");
        }
    });
    files.insert(LONG.to_owned(), long.into_bytes());
    files.insert(WIDE.to_owned(), wide.into_bytes());
    files
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_measured_on_the_output_cannot_be_withheld(db: PgPool) {
    let files = unzip(&World::new(&db).await.archive(&db).await);
    let report = verified(&sealed(&without_ia(&files)));
    assert_eq!(wrong(&report), ["scores"]);
    let told = format!("{:?}", report.checks);
    assert!(
        told.contains("IA is no metric whose values are withheld"),
        "{told}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_nobody_has_it_in_every_case_all_else_is_recomputed(db: PgPool) {
    let some = MEASURED.replace("WHERE", "WHERE n.place % 4 <> 0 AND");
    let world = timed(&db, &some).await;
    let files = unzip(&public(&db, &world).await);
    has_no_planted_digits(&files);
    assert_eq!(json_of(&files, PHASE)["edition"], "public");
    is_linked_as(&db, None, "Archive without what runs used in each case").await;
    let all = "Archive with all scores, for organizers and reviewers only";
    is_linked_as(&db, Some(&world.olga), all).await;
    assert_eq!(json_of(&files, RANKING)["left_out"], json!([AREA]));
    let report = verified(&sealed(&files));
    assert!(report.is_equal, "{:?}: {report:?}", wrong(&report));
    assert_eq!(report.checks.len(), 10);
    let note = "why statistics leave out gpu_memory_area_mib_s taken as given";
    assert_eq!(report.notes[1..], [note]);
    let counted = edited(&files, STATISTICS, |made| made["left_out"] = json!([]));
    assert_eq!(differs(&counted), [FIGURES]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_ranks_by_nothing_else_has_a_public_edition_as_well(db: PgPool) {
    let only = "UPDATE tracks.phases SET metrics = '{gpu_memory_area_mib_s}';";
    let world = timed(&db, &format!("{MEASURED} {only}")).await;
    let public = public(&db, &world).await;
    has_no_planted_digits(&unzip(&public));
    let report = verified(&public);
    assert!(report.is_equal, "{:?}: {report:?}", wrong(&report));
    assert!(
        report.notes[1].contains("consensus, tests not recomputed"),
        "{:?}",
        report.notes
    );
    let report = verified(&world.archive(&db).await);
    assert!(report.is_equal, "{:?}: {report:?}", wrong(&report));
}
