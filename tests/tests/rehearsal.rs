//! `molar try` as a process: an honest image, broken ones, and a machine without Docker.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use molar_tests::challenge::Track;
use molar_tests::image::Image;
use molar_tests::predictions::{Case, draw_one, predict};
use molar_tests::skip::skipped;
use molar_tests::system::binary;
use serde_json::Value;
use tempfile::TempDir;

/// Two cases with their references, and images beside them.
struct Place {
    folder: TempDir,
    cases: Vec<Case>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cases = [("One", 1), ("Two", 2)].map(|(name, seed)| {
            let case = draw_one(Track::Opg, name, seed).unwrap();
            std::fs::write(folder.path().join(&case.image_name), &case.image).unwrap();
            let reference = folder.path().join(format!("{name}_Mask.json"));
            std::fs::write(reference, &case.reference).unwrap();
            case
        });
        Self {
            folder,
            cases: cases.into(),
        }
    }

    fn image(&self, image: &Image) -> PathBuf {
        let path = self.folder.path().join("image.tar.gz");
        std::fs::write(&path, image.archive().unwrap()).unwrap();
        path
    }

    fn run(&self, docker_host: &str, image: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(binary().unwrap());
        command.arg("try").arg(image).args(more);
        command.current_dir(self.folder.path());
        command.env("DOCKER_HOST", docker_host).output().unwrap()
    }
}

const BOTH: &[&str] = &["--json", "--case", "One.png", "Two.png"];

fn docker(test: &str) -> Option<String> {
    if binary().is_none() {
        skipped("binary", test);
        return None;
    }
    match std::env::var("MOLAR_TEST_DOCKER") {
        Ok(socket) => Some(format!("unix://{socket}")),
        Err(_) => {
            skipped("docker", test);
            None
        }
    }
}

fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

async fn has_image(host: &str, digest: &str) -> bool {
    let socket = host.strip_prefix("unix://").unwrap();
    let docker =
        bollard::Docker::connect_with_unix(socket, 20, bollard::API_DEFAULT_VERSION).unwrap();
    let docker = docker.negotiate_version().await.unwrap();
    docker.inspect_image(digest).await.is_ok()
}

#[tokio::test]
async fn an_honest_image_is_run_scored_and_removed_again() {
    let Some(host) = docker("an_honest_image_is_run_scored_and_removed_again") else {
        return;
    };
    let place = Place::new();
    // The truth of one case and nothing true of the other.
    let mut predictions: BTreeMap<_, _> = predict(Track::Opg, &place.cases, 1).unwrap();
    predictions.insert("One_Mask.json".to_owned(), place.cases[0].reference.clone());
    let image = place.image(&Image::predicting(&predictions, 1));
    let more = [
        BOTH,
        &[
            "--reference",
            "One_Mask.json",
            "Two_Mask.json",
            "--output",
            "kept",
        ],
    ];
    let output = place.run(&host, &image, &more.concat());
    let answer = answer(&output);
    assert_eq!(code(&output), 0, "{answer:#}");
    for (case, name) in answer["cases"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["One", "Two"])
    {
        let file = format!("{name}_Mask.json");
        assert_eq!(
            (&case["case"], &case["failure"]),
            (&name.into(), &Value::Null)
        );
        assert_eq!(case["output"]["name"], file.as_str());
        assert_eq!(case["output"]["size_bytes"], predictions[&file].len());
        assert!(
            (900..20_000).contains(&case["used"]["wall_ms"].as_u64().unwrap()),
            "{case:#}"
        );
        assert!(
            case["used"]["memory_area_mib_s"].as_f64().unwrap() > 0.0,
            "{case:#}"
        );
        let kept = std::fs::read(place.folder.path().join("kept").join(&file)).unwrap();
        assert_eq!(kept, predictions[&file]);
    }
    let scored = &answer["scores"]["cases"];
    assert_eq!(scored[0]["values"]["IA"], 1.0);
    assert!(
        scored[1]["values"]["IA"].as_f64().unwrap() < 1.0,
        "{scored:#}"
    );
    assert!(!has_image(&host, answer["image"]["digest"].as_str().unwrap()).await);
}

#[tokio::test]
async fn an_image_that_was_there_stays() {
    let Some(host) = docker("an_image_that_was_there_stays") else {
        return;
    };
    let place = Place::new();
    let image = Image::running("echo mine > /outputs/One_Mask.json");
    let archive = image.archive().unwrap();
    let socket = host.strip_prefix("unix://").unwrap();
    let docker =
        bollard::Docker::connect_with_unix(socket, 20, bollard::API_DEFAULT_VERSION).unwrap();
    let options = bollard::query_parameters::ImportImageOptions::default();
    let body = bollard::body_full(archive.into());
    let steps = docker.import_image(options, body, None);
    let _: Vec<_> = futures_util::TryStreamExt::try_collect(steps)
        .await
        .unwrap();
    let output = place.run(
        &host,
        &place.image(&image),
        &["--json", "--case", "One.png"],
    );
    // What it wrote is no prediction, and the platform's trial would say so.
    assert_eq!(code(&output), 3);
    let answer = answer(&output);
    let digest = answer["image"]["digest"].as_str().unwrap();
    assert!(has_image(&host, digest).await);
    let plainly = None::<bollard::query_parameters::RemoveImageOptions>;
    docker.remove_image(digest, plainly, None).await.unwrap();
}

#[test]
fn what_is_wrong_with_a_run_is_told_with_its_code_and_advice() {
    let Some(host) = docker("what_is_wrong_with_a_run_is_told_with_its_code_and_advice") else {
        return;
    };
    let place = Place::new();
    let fails = Image::running("echo no model here >&2; exit 7");
    let output = place.run(&host, &place.image(&fails), BOTH);
    let failed = answer(&output);
    assert_eq!(code(&output), 3);
    assert_eq!(failed["cases"][1]["failure"]["code"], "no-prediction");
    assert_eq!(failed["cases"][1]["exit_code"], 7);
    assert_eq!(failed["cases"][1]["log_tail"][0], "no model here");

    let sleeps = Image::running("sleep 60");
    let once = ["--json", "--wall", "1", "--case", "One.png"];
    let output = place.run(&host, &place.image(&sleeps), &once);
    assert_eq!(code(&output), 3);
    assert_eq!(answer(&output)["cases"][0]["failure"]["code"], "timed-out");

    let spoilt = Image::running("echo nonsense > /outputs/One_Mask.json");
    let scored = ["--case", "One.png", "--reference", "One_Mask.json"];
    let output = place.run(&host, &place.image(&spoilt), &scored);
    assert_eq!(code(&output), 3);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("would be accepted") && said.contains("wall time"),
        "{said}"
    );
    assert!(said.contains("instance"), "{said}");
}

#[test]
fn what_the_check_refuses_needs_no_docker() {
    if binary().is_none() {
        return skipped("binary", "what_the_check_refuses_needs_no_docker");
    }
    let place = Place::new();
    let bare = Image {
        script: None,
        ..Image::running("")
    };
    let nowhere = "unix:///nowhere/docker.sock";
    let output = place.run(nowhere, &place.image(&bare), BOTH);
    assert_eq!(code(&output), 3);
    let failure = &answer(&output)["image"]["failure"];
    assert_eq!(failure["code"], "no-predict-script");
    assert!(failure["advice"].as_str().unwrap().contains("Dockerfile"));
}

#[test]
fn without_docker_a_person_is_told_what_to_do() {
    if binary().is_none() {
        return skipped("binary", "without_docker_a_person_is_told_what_to_do");
    }
    let place = Place::new();
    let image = place.image(&Image::running("true"));
    for (host, told) in [
        (
            "unix:///nowhere/docker.sock",
            "install Docker Engine and start it",
        ),
        ("tcp://127.0.0.1:2375", "unset it"),
    ] {
        let output = place.run(host, &image, BOTH);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 1, "{said}");
        assert!(said.contains(told), "{said}");
    }
}

/// Built by `deploy/example-algorithm/build-image.sh`.
#[test]
fn the_example_algorithm_passes_its_own_rehearsal() {
    let test = "the_example_algorithm_passes_its_own_rehearsal";
    let Some(host) = docker(test) else { return };
    let built = binary().unwrap();
    let image = built.ancestors().nth(2).unwrap();
    let image = image.join("example-image/careful.tar.gz");
    if !image.is_file() {
        return skipped("example image", test);
    }
    let place = Place::new();
    let more = [BOTH, &["--reference", "One_Mask.json", "Two_Mask.json"]].concat();
    let output = place.run(&host, &image, &more);
    let answer = answer(&output);
    assert_eq!(code(&output), 0, "{answer:#}");
    assert!(
        answer["scores"]["mean"]["image_DSC"].as_f64().unwrap() > 0.2,
        "{answer:#}"
    );
}
