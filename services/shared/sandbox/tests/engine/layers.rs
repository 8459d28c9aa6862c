//! Images of which the engine is given only the layers that it lacks.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use molar_sandbox::image::{OpenLayer, StoredImage, StoredLayer};
use molar_sandbox::{Engine, Error, Outcome};

use crate::bench::{Bench, socket};
use crate::common::{Image, Tar, base_layer, gzip, script_layer, sha256};
use crate::scripts::script;

fn stored_image(image: &Image) -> StoredImage {
    let layer = |layer: &Vec<u8>| StoredLayer {
        diff_id: format!("sha256:{}", sha256(layer)),
        size_bytes: gzip(layer).len() as u64,
        sha256: sha256(&gzip(layer)),
    };
    StoredImage {
        digest: image.digest(),
        config: serde_json::to_vec(&image.config).unwrap(),
        layers: image.layers.iter().map(layer).collect(),
    }
}

/// Opens the layers, and says which were.
fn opener(image: &Image) -> (OpenLayer, Arc<Mutex<Vec<usize>>>) {
    let layers: Vec<_> = image.layers.iter().map(|layer| gzip(layer)).collect();
    let opened = Arc::new(Mutex::new(Vec::new()));
    let noted = opened.clone();
    let open: OpenLayer = Arc::new(move |index| {
        noted.lock().unwrap().push(index);
        Ok(Box::new(Cursor::new(layers[index].clone())))
    });
    (open, opened)
}

#[tokio::test]
async fn only_the_layers_that_the_engine_lacks_are_asked_for() {
    let Some(socket) = socket("only_the_layers_that_the_engine_lacks_are_asked_for") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let base = Tar::new().file("base-of-two", 0o644, b"x").finish();
    let of = |top: &str| Image::of(vec![base.clone(), base_layer(), script_layer(top)]);
    let (first, second) = (of("echo one"), of("echo two"));
    let (open, opened) = opener(&first);
    assert_eq!(
        engine
            .load_layers(stored_image(&first), open)
            .await
            .unwrap(),
        0
    );
    assert_eq!(*opened.lock().unwrap(), [0, 1, 2]);

    let (open, opened) = opener(&second);
    assert_eq!(
        engine
            .load_layers(stored_image(&second), open)
            .await
            .unwrap(),
        2
    );
    assert_eq!(*opened.lock().unwrap(), [2]);
    assert!(engine.has_image(&second.digest()).await.unwrap());

    // The layers stay for as long as an image needs them.
    engine.remove_image(&first.digest()).await.unwrap();
    let bench = Bench::new(&socket, &second).await;
    assert_eq!(
        bench.run().await.outcome,
        Outcome::Finished { exit_code: 0 }
    );
    engine.remove_image(&second.digest()).await.unwrap();
    let (open, _) = opener(&second);
    assert_eq!(
        engine
            .load_layers(stored_image(&second), open)
            .await
            .unwrap(),
        0
    );
    engine.remove_image(&second.digest()).await.unwrap();
}

#[tokio::test]
async fn an_image_with_the_same_layer_twice_is_loaded_from_one_file() {
    let Some(socket) = socket("an_image_with_the_same_layer_twice_is_loaded_from_one_file") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let twin = Tar::new().file("twin-of-stored", 0o644, b"x").finish();
    let image = Image::of(vec![twin.clone(), script_layer("true"), twin]);
    let (open, opened) = opener(&image);
    engine
        .load_layers(stored_image(&image), open)
        .await
        .unwrap();
    assert_eq!(*opened.lock().unwrap(), [0, 1]);
    engine.remove_image(&image.digest()).await.unwrap();
}

#[tokio::test]
async fn a_stored_layer_that_is_not_what_it_should_be_is_not_loaded() {
    let Some(socket) = socket("a_stored_layer_that_is_not_what_it_should_be_is_not_loaded") else {
        return;
    };
    let engine = Engine::connect(&socket).await.unwrap();
    let (image, other) = (script("echo stored"), script("echo swapped"));
    let (open, _) = opener(&other);
    let error = engine.load_layers(stored_image(&image), open).await;
    assert!(matches!(error, Err(Error::Archive(_))), "{error:?}");
    let cut: OpenLayer = Arc::new(|_| Ok(Box::new(Cursor::new(vec![1, 2, 3]))));
    let error = engine.load_layers(stored_image(&image), cut).await;
    assert!(error.is_err());
    assert!(!engine.has_image(&image.digest()).await.unwrap());
}
