//! What is measured of files and outputs, and written down.

use std::path::Path;

use chrono::TimeDelta;
use molar_domain::case_run::CaseRunState;
use molar_domain::challenge::Format;
use molar_testkit::{ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder};
use serde_json::Value;
use sqlx::PgPool;

use super::world::{CASES, World, half, reference, value};
use crate::testing::{polygons, zip_of, zip_of_bytes};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_zip_is_scored_to_its_stated_values_and_its_evaluation_ends_once(owner: PgPool) {
    let world = World::new(owner).await;
    let (exact, half) = (reference(), half());
    let zip = zip_of(&[
        ("Case_01_Mask.json", &exact),
        ("./Case_02_Mask.json", &half),
    ]);
    world.predictions(&zip).await;
    // Nothing is scored before the references were read.
    assert_eq!(world.step().await, 0);
    world.read_references().await;
    assert_eq!(world.step().await, 2);

    let cases = world.cases().await;
    let all = cases[0].values.as_ref().unwrap().as_object().unwrap();
    assert_eq!(all.len(), 7);
    assert!(all.values().all(|value| value == 1.0), "{all:?}");
    let expected = [
        ("image_DSC", 2.0 * 24.0 / (32.0 + 28.0)),
        ("image_IoU", 24.0 / 36.0),
        ("instance_DSC", (1.0 + 2.0 / 3.0) / 2.0),
        ("instance_IoU", 0.75),
        // 12 has IoU 0.5, which is no match; 99 counts in the union.
        ("IA", 1.0 / 3.0),
    ];
    for (metric, expected) in expected {
        let found = value(&cases[1], metric);
        assert!((found - expected).abs() < 1e-12, "{metric}: {found}");
    }
    assert!(cases.iter().all(|case| case.reason.is_none()));
    assert!(
        cases[1].notes[0].as_str().unwrap().contains("99"),
        "{cases:?}"
    );

    assert_eq!(world.evaluation_state().await, "finished");
    assert_eq!(world.announced().await, ["evaluation.finished"]);
    assert_eq!(world.job.zips.held(), 0);
    assert_eq!(world.step().await, 0);
    assert_eq!(world.announced().await.len(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_cannot_be_read_in_a_zip_scores_the_worst_and_the_rest_is_scored(owner: PgPool) {
    let world = World::new(owner).await;
    let exact = reference();
    let zip = zip_of(&[("Case_01_Mask.json", "{"), ("Case_02_Mask.json", &exact)]);
    world.predictions(&zip).await;
    world.read_references().await;
    assert_eq!(world.step().await, 2);
    let cases = world.cases().await;
    assert_eq!(cases[0].reason.as_deref(), Some("bad-prediction"));
    let worst = cases[0].values.as_ref().unwrap().as_object().unwrap();
    assert_eq!(worst.len(), 7);
    assert!(worst.values().all(|value| value == 0.0), "{worst:?}");
    assert_eq!(value(&cases[1], "image_DSC"), 1.0);
    assert_eq!(world.evaluation_state().await, "finished");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_container_is_scored_with_its_time_and_a_failed_case_gets_the_worst(owner: PgPool) {
    let world = World::new(owner).await;
    let attempt = world.container(CaseRunState::Finished).await;
    let run = &attempt.case_runs[0];
    world
        .objects
        .put_output(&world.owner, run, reference().as_bytes())
        .await;
    sqlx::query!(
        "UPDATE execution.case_runs SET gpu_area_mib_s = 12.5, gpu_total_mib = 1000 WHERE id = $1",
        run.id.0
    )
    .execute(&world.owner)
    .await
    .unwrap();
    sqlx::query!(
        "UPDATE execution.case_runs
         SET state = 'failed', failure = 'timed-out', output_key = NULL, output_sha256 = NULL WHERE id = $1",
        attempt.case_runs[1].id.0
    )
    .execute(&world.owner)
    .await
    .unwrap();
    world.read_references().await;
    assert_eq!(world.step().await, 2);

    let cases = world.cases().await;
    assert_eq!(value(&cases[0], "running_time_s"), 1.5);
    assert_eq!(value(&cases[0], "gpu_memory_area_mib_s"), 12.5);
    assert_eq!(value(&cases[0], "image_DSC"), 1.0);
    assert_eq!(cases[1].reason.as_deref(), Some("timed-out"));
    assert_eq!(value(&cases[1], "running_time_s"), 300.0);
    assert_eq!(value(&cases[1], "gpu_memory_area_mib_s"), 300_000.0);
    assert_eq!(value(&cases[1], "image_DSC"), 0.0);
    assert_eq!(world.evaluation_state().await, "finished");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_output_that_cannot_be_read_gets_the_worst_of_everything(owner: PgPool) {
    let world = World::new(owner).await;
    let attempt = world.container(CaseRunState::Finished).await;
    for run in &attempt.case_runs {
        world
            .objects
            .put_output(&world.owner, run, b"no labels")
            .await;
    }
    world.read_references().await;
    world.step().await;
    for case in world.cases().await {
        assert_eq!(case.reason.as_deref(), Some("bad-prediction"));
        assert_eq!(value(&case, "running_time_s"), 300.0);
        assert_eq!(value(&case, "image_NSD"), 0.0);
        assert!(case.values.unwrap().get("gpu_memory_area_mib_s").is_none());
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn another_object_than_the_run_left_is_our_failure_and_never_scored(owner: PgPool) {
    let world = World::new(owner).await;
    let attempt = world.container(CaseRunState::Finished).await;
    for run in &attempt.case_runs {
        world
            .objects
            .put_output(&world.owner, run, reference().as_bytes())
            .await;
    }
    sqlx::query!("UPDATE execution.case_runs SET output_sha256 = repeat('0', 64)")
        .execute(&world.owner)
        .await
        .unwrap();
    world.read_references().await;
    // As often as it likes: it stays ours.
    for tries in 0..8 {
        assert_eq!(world.step().await, 2, "try {tries}");
        assert_eq!(world.step().await, 0, "the back-off holds");
        world.objects.clock.advance(TimeDelta::minutes(16));
    }
    for case in world.cases().await {
        assert_eq!(
            (case.state.as_str(), case.values, case.reason),
            ("waiting", None, None)
        );
    }
    assert_eq!(world.evaluation_state().await, "running");
}

/// The challenge's own demo case of a track, from upload to values, beside what its evaluation gives.
async fn the_demo_case(owner: PgPool, test: &str, track: &str, format: Format, expected: &str) {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/reference"
    ));
    if !root.is_dir() {
        eprintln!("SKIPPED reference: {test}");
        return;
    }
    let name = format.prediction_name("Validation_0001");
    let read = |side: &str| std::fs::read(root.join(track).join(side).join(&name)).unwrap();
    let world = World::new(owner).await;
    let challenge = ChallengeBuilder::new("teeth")
        .format(format)
        .cases(&["Validation_0001"])
        .insert(&world.owner)
        .await;
    let reference = read("reference");
    world
        .objects
        .put_reference(&world.owner, &challenge, 0, &reference)
        .await;
    let team = TeamBuilder::new(&challenge, "Molars")
        .insert(&world.owner)
        .await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&world.owner)
        .await;
    let zip = zip_of_bytes(&[(&name, &read("prediction"))]);
    world
        .objects
        .put_upload(&world.owner, &submission, &zip)
        .await;
    world.read_references().await;
    assert_eq!(world.step().await, 1);

    let cases = world.cases().await;
    assert_eq!(cases[0].reason, None);
    let file = std::fs::read(root.join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&file).unwrap();
    for (metric, wanted) in all.pointer(expected).unwrap().as_object().unwrap() {
        let (found, wanted) = (value(&cases[0], metric), wanted.as_f64().unwrap());
        assert!(
            (found - wanted).abs() <= 1e-12,
            "{metric}: {found}, not {wanted}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_demo_case_of_opg_has_the_values_of_the_challenge(owner: PgPool) {
    let test = "the_demo_case_of_opg_has_the_values_of_the_challenge";
    let expected = "/opg~1Validation_0001_Mask.json/fillpoly_4.11_and_4.5-4.7";
    the_demo_case(owner, test, "opg", Format::Labelme, expected).await;
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_demo_case_of_cbct_has_the_values_of_the_challenge(owner: PgPool) {
    let test = "the_demo_case_of_cbct_has_the_values_of_the_challenge";
    let expected = "/cbct~1Validation_0001_Mask.nii.gz";
    the_demo_case(owner, test, "cbct", Format::Nifti, expected).await;
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_case_whose_reference_was_refused_waits_for_a_better_one(owner: PgPool) {
    let world = World::new(owner).await;
    let exact = reference();
    let zip = zip_of(&[("Case_01_Mask.json", &exact), ("Case_02_Mask.json", &exact)]);
    let (challenge, _) = world.predictions(&zip).await;
    let empty = polygons((8, 16), &[]);
    let (owner, objects) = (&world.owner, &world.objects);
    objects
        .put_reference(owner, &challenge, 1, empty.as_bytes())
        .await;
    world.read_references().await;
    assert_eq!(world.step().await, 1);
    assert_eq!(world.step().await, 0);
    assert_eq!(world.evaluation_state().await, "running");

    objects
        .put_reference(owner, &challenge, 1, exact.as_bytes())
        .await;
    world.read_references().await;
    assert_eq!(world.step().await, 1);
    assert_eq!(world.evaluation_state().await, "finished");
}

/// A tooth of 4 × 4 rows that reaches to the end of a row; `after` is its first voxel there.
fn block(after: usize, spacing: [f32; 3]) -> Vec<u8> {
    let label = |(_, _, x)| if x < after { 0 } else { 11_u8 };
    let labels = ndarray::Array3::from_shape_fn((4, 4, 16), label);
    let mut file = Vec::new();
    molar_volumes::nifti::write_labels(&mut file, labels.view(), spacing).unwrap();
    file
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_is_measured_by_what_its_organizer_chose(owner: PgPool) {
    let world = World::new(owner).await;
    let phase = PhaseBuilder::new("validation").metrics(&[
        "instance_DSC",
        "instance_HD/upper",
        "instance_NSD@1mm/lower",
        "PQ@optimal",
    ]);
    let challenge = ChallengeBuilder::new("teeth")
        .cases(&CASES)
        .format(Format::Nifti)
        .phase(phase)
        .insert(&world.owner)
        .await;
    let groups = serde_json::json!({"upper": [11, 12], "lower": [31], "other": [12]});
    sqlx::query!("UPDATE tracks.tracks SET groups = $1", groups)
        .execute(&world.owner)
        .await
        .unwrap();
    for place in 0..CASES.len() {
        let reference = block(4, [0.5, 0.25, 2.0]);
        let objects = &world.objects;
        objects
            .put_reference(&world.owner, &challenge, place, &reference)
            .await;
    }
    let team = TeamBuilder::new(&challenge, "Molars")
        .insert(&world.owner)
        .await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&world.owner)
        .await;
    // Two voxels off; the prediction's own spacing says nothing.
    let zip = zip_of_bytes(&[
        ("Case_01_Mask.nii.gz", &block(6, [9.0; 3])),
        ("Case_02_Mask.nii.gz", b"no volume"),
    ]);
    world
        .objects
        .put_upload(&world.owner, &submission, &zip)
        .await;
    world.read_references().await;
    assert_eq!(world.step().await, 2);

    let cases = world.cases().await;
    assert_eq!(value(&cases[0], "instance_HD/upper"), 1.0);
    assert_eq!(value(&cases[0], "PQ@optimal"), 10.0 / 12.0);
    assert_eq!(value(&cases[0], "instance_DSC"), 2.0 * 10.0 / 22.0);
    let diagonal = (8.0_f64 * 8.0 + 1.0 + 8.0 * 8.0).sqrt();
    assert_eq!(value(&cases[1], "instance_HD/upper"), diagonal);
    assert_eq!(value(&cases[1], "PQ@optimal"), 0.0);
    for case in &cases {
        let values = case.values.as_ref().unwrap();
        assert_eq!(values.get("instance_NSD@1mm/lower"), Some(&Value::Null));
    }
    let parameters = sqlx::query_scalar!("SELECT parameters FROM scoring.evaluations")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    assert_eq!(
        parameters.unwrap()["groups"],
        serde_json::json!({"upper": [11, 12], "lower": [31]})
    );
    let measured = sqlx::query_scalar!(
        r#"SELECT labels AS "labels!" FROM scoring.case_scores WHERE labels IS NOT NULL"#
    );
    let labels = measured.fetch_one(&world.owner).await.unwrap();
    assert_eq!(labels[0]["HD"], 1.0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_reference_is_read_once_for_all_submissions(owner: PgPool) {
    let world = World::new(owner).await;
    let exact = reference();
    let zip = zip_of(&[("Case_01_Mask.json", &exact), ("Case_02_Mask.json", &exact)]);
    let (challenge, _) = world.predictions(&zip).await;
    world.read_references().await;
    assert_eq!(world.step().await, 2);
    assert_eq!(world.job.references.held(), 2);

    // Whoever comes now is scored by what was read.
    for place in 0..CASES.len() {
        world.objects.spoil_reference(&challenge, place).await;
    }
    let team = TeamBuilder::new(&challenge, "Canines")
        .insert(&world.owner)
        .await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&world.owner)
        .await;
    world
        .objects
        .put_upload(&world.owner, &submission, &zip)
        .await;
    assert_eq!(world.step().await, 2);
    let cases = world.cases().await;
    assert!(cases.iter().all(|case| case.state == "scored"), "{cases:?}");
}
