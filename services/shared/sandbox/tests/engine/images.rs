//! Archives that become images of the engine, and images that go.

use std::io::Cursor;

use futures_util::TryStreamExt;
use molar_sandbox::image::{Limits, inspect_archive};
use molar_sandbox::{Engine, Error};
use tokio_util::sync::CancellationToken;

use crate::bench::{self, Bench, socket};
use crate::common::{Image, LAYOUTS, Tar, base_layer, script_layer, sha256};
use crate::scripts::script;

against_docker! {
    async fn tags_in_an_archive_are_not_honoured(bench => Image {
        tags: vec!["molar-tests/somebody-elses:latest".into()],
        ..script("echo tagged")
    }) {
        assert!(bench.engine.has_image(&bench.spec.image).await.unwrap());
        assert!(bench.engine.list_images().await.unwrap().contains(&bench.spec.image));
        let by_tag = bench.docker.inspect_image("molar-tests/somebody-elses:latest").await;
        assert!(by_tag.is_err());
        let image = bench.docker.inspect_image(&bench.spec.image).await.unwrap();
        assert_eq!(image.repo_tags.unwrap_or_default(), Vec::<String>::new());
    }

    async fn an_image_is_removed_by_digest_and_missed_by_a_run(bench => script("echo removed")) {
        assert!(bench.engine.remove_image(&bench.spec.image).await.unwrap());
        assert!(!bench.engine.has_image(&bench.spec.image).await.unwrap());
        assert!(bench.engine.remove_image(&bench.spec.image).await.unwrap());
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::NoImage(_))), "{error:?}");
    }
}

#[tokio::test]
async fn an_image_is_loaded_from_whatever_layout_it_is_saved_in() {
    let Some(socket) = socket("an_image_is_loaded_from_whatever_layout_it_is_saved_in") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let image = script(&format!("echo from layout {number}"));
        let archive = Cursor::new(layout(&image));
        engine.load(archive, &image.digest()).await.unwrap();
        assert!(engine.has_image(&image.digest()).await.unwrap(), "{number}");
        engine.remove_image(&image.digest()).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_engine_itself_saves_has_the_same_digest() {
    let Some(socket) = socket("what_the_engine_itself_saves_has_the_same_digest") else {
        return;
    };
    let bench = Bench::new(&socket, &script("echo saved again")).await;
    let saved: Vec<_> = bench
        .docker
        .export_image(&bench.spec.image)
        .try_collect()
        .await
        .unwrap();
    let facts = inspect_archive(&saved.concat()[..], &Limits::default()).unwrap();
    assert_eq!(facts.image_digest, bench.spec.image);
    assert_eq!(facts.layers.len(), 2);
}

#[tokio::test]
async fn a_layer_saved_as_a_link_is_loaded() {
    let Some(socket) = socket("a_layer_saved_as_a_link_is_loaded") else {
        return;
    };
    let twin = Tar::new().file("twin", 0o644, b"x").finish();
    let image = Image::of(vec![twin.clone(), base_layer(), script_layer("true"), twin]);
    let engine = Engine::connect(&socket).await.unwrap();
    engine
        .load(Cursor::new(image.build().archive), &image.digest())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_archive_of_another_image_is_noticed() {
    let Some(socket) = socket("an_archive_of_another_image_is_noticed") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let built = script("echo other").build();
    let expected = format!("sha256:{}", sha256(b"expected"));
    let error = engine.load(Cursor::new(built.archive), &expected).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    assert!(!engine.has_image(&built.digest).await.unwrap());
}

#[tokio::test]
async fn a_torn_archive_is_not_loaded() {
    let Some(socket) = socket("a_torn_archive_is_not_loaded") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let built = script("echo torn").build();
    let torn = built.archive[..built.archive.len() / 2].to_vec();
    let error = engine.load(Cursor::new(torn), &built.digest).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    assert!(!engine.has_image(&built.digest).await.unwrap());
}
