use futures_util::StreamExt;
use molar_objects::{Bucket, Entry, Error, Role};
use sha2::Digest as _;

use crate::Fixture;

#[tokio::test]
async fn an_object_is_read_back_in_every_way() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    let content: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let put = store.put_bytes(Bucket::Hidden, "opg/001.png", "image/png", content.clone());
    let put = put.await.unwrap();
    assert_eq!(put.sha256, <[u8; 32]>::from(sha2::Sha256::digest(&content)));

    assert_eq!(
        store
            .get_bytes(Bucket::Hidden, "opg/001.png", 1_000_000)
            .await
            .unwrap(),
        content
    );
    assert_eq!(
        store.digest(Bucket::Hidden, "opg/001.png").await.unwrap(),
        put
    );
    let range = store
        .get_range(Bucket::Hidden, "opg/001.png", 5..9)
        .await
        .unwrap();
    assert_eq!(range, content[5..9]);

    let mut stream = store
        .get_stream(Bucket::Hidden, "opg/001.png")
        .await
        .unwrap();
    let mut read = 0;
    while let Some(chunk) = stream.next().await {
        read += chunk.unwrap().len();
    }
    assert_eq!(read, content.len());

    let path = fixture.path("fetched");
    assert_eq!(
        store
            .fetch(Bucket::Hidden, "opg/001.png", &path)
            .await
            .unwrap(),
        put
    );
    assert_eq!(std::fs::read(path).unwrap(), content);
}

#[tokio::test]
async fn an_object_over_the_limit_is_not_read() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    store
        .put_bytes(Bucket::Public, "ten", "text/plain", "0123456789")
        .await
        .unwrap();
    let read = store.get_bytes(Bucket::Public, "ten", 9).await;
    assert!(matches!(read, Err(Error::TooLarge { limit: 9 })));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    store
        .put_bytes(Bucket::Public, "folder/object", "text/plain", "")
        .await
        .unwrap();
    for key in ["nothing", "folder", "folder/object/below", "no/thing"] {
        let read = store.get_bytes(Bucket::Public, key, 9).await;
        assert!(matches!(read, Err(Error::NotFound)), "{key}");
        assert!(
            matches!(store.head(Bucket::Public, key).await, Err(Error::NotFound)),
            "{key}"
        );
        // A folder of keys is not an object that could be deleted.
        let deleted = store.delete(Bucket::Public, key).await;
        assert_eq!(deleted.is_err(), key == "folder", "{key}");
    }
    assert_eq!(
        store
            .get_bytes(Bucket::Public, "folder/object", 9)
            .await
            .unwrap(),
        ""
    );
}

#[tokio::test]
async fn a_list_has_every_key_with_the_prefix_in_order() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    for key in ["b/2", "b/1", "a/1", "b-0", "c"] {
        store
            .put_bytes(Bucket::Public, key, "text/plain", key)
            .await
            .unwrap();
    }
    let entry = |key: &str| Entry {
        key: key.to_owned(),
        size: key.len() as u64,
    };
    let listed = store.list(Bucket::Public, "b/").await.unwrap();
    assert_eq!(listed, [entry("b/1"), entry("b/2")]);
    assert_eq!(store.list(Bucket::Public, "").await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    store
        .put_bytes(Bucket::Public, "0", "text/plain", "")
        .await
        .unwrap();
    let one = fixture.path("buckets/molar-public/0");
    for number in 1..=1001 {
        std::fs::copy(&one, one.with_file_name(number.to_string())).unwrap();
    }
    assert_eq!(store.list(Bucket::Public, "").await.unwrap().len(), 1002);
}

#[tokio::test]
async fn objects_outlive_the_server() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    store
        .put_bytes(Bucket::Public, "kept", "text/plain", "x")
        .await
        .unwrap();
    store
        .put_bytes(Bucket::Public, "gone", "text/plain", "x")
        .await
        .unwrap();
    store.delete(Bucket::Public, "gone").await.unwrap();
    let before = store.head(Bucket::Public, "kept").await.unwrap();

    let fixture = fixture.restart().await;
    let store = fixture.store(Role::Tracks);
    assert_eq!(store.head(Bucket::Public, "kept").await.unwrap(), before);
    assert!(matches!(
        store.head(Bucket::Public, "gone").await,
        Err(Error::NotFound)
    ));
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Tracks);
    fixture.server.stop().await;
    let error = store.head(Bucket::Public, "x").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_large_file_is_put_in_parts() {
    let fixture = Fixture::start().await;
    let path = fixture.path("large");
    let content: Vec<u8> = (0..65 << 20).map(|i: u32| (i >> 8) as u8).collect();
    std::fs::write(&path, &content).unwrap();

    let store = fixture.store(Role::Submission);
    let put = store
        .put_file(Bucket::Layers, "image", "application/gzip", &path)
        .await
        .unwrap();
    assert_eq!(put.sha256, <[u8; 32]>::from(sha2::Sha256::digest(&content)));
    let execution = fixture.store(Role::Execution);
    assert_eq!(
        execution.digest(Bucket::Layers, "image").await.unwrap(),
        put
    );
}
