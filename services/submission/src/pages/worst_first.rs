//! The page of a scored submission: case by case, tooth by tooth, and what of it is hidden.

use actix_web::http::StatusCode;
use molar_testkit::{ChallengeBuilder, EvaluationBuilder, SubmissionBuilder};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::testing::{World, open_phase};

fn label(name: &str, dsc: f64, sides: [bool; 2]) -> Value {
    json!({"label": name, "present_in_reference": sides[0], "present_in_prediction": sides[1],
           "DSC": dsc, "IoU": dsc, "NSD": dsc, "is_match": true, "reference_voxels": 7, "prediction_voxels": 7})
}

/// Case_01 with three labels, Case_02 without a prediction.
async fn scored(pool: &PgPool, world: &World) -> String {
    let submission = SubmissionBuilder::new(&world.challenge, &world.team);
    let submission = submission.insert(pool).await;
    let values = json!({"IA": 0.625, "image_DSC": 0.5});
    let evaluation = EvaluationBuilder::new(&world.challenge, &submission, values);
    let evaluation = evaluation.insert(pool).await.id.0;
    let labels = json!([
        label("11", 0.75, [true, true]),
        label("21", 0.5, [true, true]),
        label("38", 0.0, [true, false]),
        label("48", 0.0, [false, true]),
    ]);
    write(pool, evaluation, world.challenge.cases[0].id.0, &labels).await;
    sqlx::query!(
        "UPDATE scoring.case_scores SET labels = NULL, reason = 'no-prediction', reason_detail = 'there is no <mask>',
             values = '{\"IA\": 0, \"image_DSC\": 0}'
         WHERE evaluation_id = $1 AND case_id = $2",
        evaluation,
        world.challenge.cases[1].id.0,
    )
    .execute(pool)
    .await
    .unwrap();
    format!("/submissions/{}", submission.id)
}

async fn write(pool: &PgPool, evaluation: Uuid, case: Uuid, labels: &Value) {
    sqlx::query!(
        "UPDATE scoring.case_scores SET labels = $3 WHERE evaluation_id = $1 AND case_id = $2",
        evaluation,
        case,
        labels,
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Where the row of a case begins.
fn row(page: &str, case: &str) -> usize {
    page.find(&format!("<th scope=\"row\"><bdi>{case}"))
        .unwrap_or_else(|| panic!("{case}: {page}"))
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_worst_case_stands_first_and_each_reason_and_tooth_is_told(pool: PgPool) {
    let world = World::new(&pool).await;
    let path = scored(&pool, &world).await;
    let (status, page) = world.page(&path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(row(&page, "Case_02") < row(&page, "Case_01"), "{page}");
    assert!(
        page.contains("<a class=\"sort asc\" href=\"?by=image_DSC#cases\">")
            && page.contains("aria-sort=\"ascending\""),
        "{page}"
    );
    assert_eq!(page.matches("/outputs holds no file").count(), 1, "{page}");
    assert!(page.contains("there is no &#60;mask&#62;"), "{page}");
    assert!(
        page.contains("1 missed; 1 invented; 21 lowest, 0.50"),
        "{page}"
    );
    assert!(
        page.contains("Dice by tooth") && page.contains("38: 0.000") && page.contains("11: 0.750"),
        "{page}"
    );
    assert!(row(&page, "38") < row(&page, "21") && row(&page, "21") < row(&page, "11"));
    assert!(page.contains("Without the 1 case that"), "{page}");
    assert!(
        !page.contains("<style") && !page.contains("style="),
        "the policy forbids it"
    );

    let (_, by_name) = world.page(&format!("{path}?by=case")).await;
    assert!(row(&by_name, "Case_01") < row(&by_name, "Case_02"));
    let (_, one) = world.page(&format!("{path}?labels=Case_01")).await;
    assert!(
        one.contains("Teeth of <bdi>Case_01</bdi>") && one.contains("href=\"?#labels\""),
        "{one}"
    );
    let (_, failed) = world.page(&format!("{path}?labels=Case_02")).await;
    assert!(
        failed.contains("no prediction that could be read"),
        "{failed}"
    );
    let (status, unknown) = world
        .page(&format!("{path}?by=%3Cb%3E&labels=%3Ci%3E"))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        unknown.contains("No case has a value by “&#60;b&#62;”")
            && unknown.contains("No case “&#60;i&#62;” of this submission"),
        "{unknown}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_scores_are_hidden_no_tooth_and_no_order_tells_them(pool: PgPool) {
    let challenge = ChallengeBuilder::new("sts").phase(open_phase().is_final());
    let world = World::with(&pool, challenge).await;
    let path = scored(&pool, &world).await;
    let olga = testing::organizer(&pool, "Olga", world.challenge.id).await;
    for board in ["{}", r#"{"values": "order"}"#, r#"{"ladder_step": 0.01}"#] {
        let rules: Value = serde_json::from_str(board).unwrap();
        sqlx::query!(
            "UPDATE tracks.phases SET board = $1, published_at = CASE WHEN $1 = '{}'::jsonb THEN NULL ELSE now() END",
            rules
        )
        .execute(&pool)
        .await
        .unwrap();
        for query in ["", "?by=IA", "?by=case&labels=Case_01"] {
            let (_, page) = world.page(&format!("{path}{query}")).await;
            for secret in [
                "0.6250",
                "0.7500",
                "lowest",
                "missed",
                "Dice",
                "Tooth",
                "Case_02",
                "Teeth of",
                "<mask>",
                "mask&#62;",
            ] {
                assert!(!page.contains(secret), "{board}{query}: {secret} in {page}");
            }
            assert!(
                page.contains("no-prediction") && page.contains("case 2"),
                "states and codes are told: {page}"
            );
            assert!(row(&page, "case 1") < row(&page, "case 2"), "{page}");
        }
        let (_, seen) = world.page_as(&olga, &path).await;
        assert!(
            seen.contains("0.6250") && seen.contains("Dice by tooth"),
            "{seen}"
        );
    }
    sqlx::query!("UPDATE tracks.phases SET board = '{}', published_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    let (_, shown) = world.page(&path).await;
    assert!(
        shown.contains("0.6250") && shown.contains("Dice by tooth"),
        "{shown}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn before_a_case_is_scored_the_page_says_so(pool: PgPool) {
    let world = World::new(&pool).await;
    let submission = SubmissionBuilder::new(&world.challenge, &world.team);
    let submission = submission.insert(&pool).await;
    let evaluation = EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.5}));
    evaluation.running().insert(&pool).await;
    let (_, page) = world.page(&format!("/submissions/{}", submission.id)).await;
    assert!(page.contains("No case is scored yet"), "{page}");
    assert!(
        !page.contains("id=\"labels\"") && !page.contains("class=\"sort"),
        "{page}"
    );
}
