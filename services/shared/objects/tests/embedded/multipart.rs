use molar_objects::{Bucket, Digest, Error, Part, Role, Store};
use sha2::Digest as _;

use crate::{Fixture, MINUTE, send};

const KEY: &str = "0199/archive.zip";
const MIB: usize = 1 << 20;

async fn begin(fixture: &Fixture) -> (Store, String) {
    let store = fixture.store(Role::Submission);
    let upload = store
        .create_multipart(Bucket::Uploads, KEY, "application/zip")
        .await
        .unwrap();
    (store, upload)
}

fn digest(content: &[u8]) -> Digest {
    Digest {
        size: content.len() as u64,
        sha256: sha2::Sha256::digest(content).into(),
    }
}

async fn send_part(store: &Store, upload: &str, number: u32, content: Vec<u8>) -> u16 {
    let url = store
        .presign_part(
            Bucket::Uploads,
            KEY,
            upload,
            number,
            &digest(&content),
            MINUTE,
        )
        .await
        .unwrap();
    send(&url, content).await.status().as_u16()
}

#[tokio::test]
async fn parts_sent_in_any_order_make_the_object() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    let (first, second, third) = (vec![1; 5 * MIB], vec![2; 6 * MIB], vec![3; 7]);
    for (number, content) in [(3, &third), (1, &second), (2, &second), (1, &first)] {
        assert_eq!(
            send_part(&store, &upload, number, content.clone()).await,
            200
        );
    }

    let parts = store
        .list_parts(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();
    let sizes: Vec<_> = parts
        .iter()
        .map(|part| (part.number, part.size as usize))
        .collect();
    assert_eq!(sizes, [(1, 5 * MIB), (2, 6 * MIB), (3, 7)]);
    assert_eq!(parts[1].sha256, Some(digest(&second).sha256));
    let etag = store
        .complete_multipart(Bucket::Uploads, KEY, &upload, &parts)
        .await
        .unwrap();
    assert!(etag.contains("-3"), "{etag}");

    let whole = [first, second, third].concat();
    let digest = store.digest(Bucket::Uploads, KEY).await.unwrap();
    assert_eq!(digest.size as usize, whole.len());
    assert_eq!(
        digest.sha256,
        <[u8; 32]>::from(sha2::Sha256::digest(&whole))
    );
    let head = store.head(Bucket::Uploads, KEY).await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("application/zip"));
    assert_eq!(head.sha256, None);
}

#[tokio::test]
async fn no_parts_url_outlives_complete_and_completing_twice_is_fine() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    assert_eq!(send_part(&store, &upload, 1, vec![1; 10]).await, 200);
    let parts = store
        .list_parts(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();
    let once = store
        .complete_multipart(Bucket::Uploads, KEY, &upload, &parts)
        .await
        .unwrap();

    assert_eq!(send_part(&store, &upload, 1, vec![2; 10]).await, 404);
    let twice = store
        .complete_multipart(Bucket::Uploads, KEY, &upload, &parts)
        .await
        .unwrap();
    assert_eq!(once, twice);
    let content = store.get_bytes(Bucket::Uploads, KEY, 10).await.unwrap();
    assert_eq!(content, vec![1; 10]);
}

#[tokio::test]
async fn a_part_of_another_size_than_signed_is_refused() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    let url = store
        .presign_part(Bucket::Uploads, KEY, &upload, 1, &digest(&[1; 10]), MINUTE)
        .await
        .unwrap();
    let mut request = url.clone();
    request.headers.retain(|(name, _)| name != "content-length");
    assert_eq!(send(&request, vec![1; 11]).await.status(), 403);
    assert!(
        store
            .list_parts(Bucket::Uploads, KEY, &upload)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_part_with_other_bytes_than_signed_is_refused() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    let url = store
        .presign_part(Bucket::Uploads, KEY, &upload, 1, &digest(b"mask"), MINUTE)
        .await
        .unwrap();
    assert_eq!(send(&url, "mess").await.status(), 400);

    let mut without = url.clone();
    without
        .headers
        .retain(|(name, _)| name != "x-amz-checksum-sha256");
    assert_eq!(send(&without, "mess").await.status(), 403);
    assert_eq!(send(&without, "mask").await.status(), 403);
    let there = store.list_parts(Bucket::Uploads, KEY, &upload).await;
    assert!(there.unwrap().is_empty());
    assert_eq!(send(&url, "mask").await.status(), 200);
}

#[tokio::test]
async fn an_upload_survives_a_restart_and_a_wrong_list_of_parts() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    assert_eq!(send_part(&store, &upload, 1, vec![1; 10]).await, 200);
    assert_eq!(send_part(&store, &upload, 2, vec![2; 10]).await, 200);
    let parts = store
        .list_parts(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();

    let renamed = Part {
        etag: parts[1].etag.clone(),
        ..parts[0].clone()
    };
    let absent = Part {
        number: 9,
        ..parts[0].clone()
    };
    let wrong: [Vec<Part>; 5] = [
        // The first part is too small for one that is not the last.
        parts.clone(),
        parts.iter().rev().cloned().collect(),
        vec![renamed],
        vec![absent],
        vec![],
    ];
    for parts in wrong {
        let refused = store
            .complete_multipart(Bucket::Uploads, KEY, &upload, &parts)
            .await;
        // That there are none is noticed before they are looked at.
        let expected = matches!(refused, Err(Error::InvalidParts(_)))
            || (parts.is_empty() && matches!(refused, Err(Error::Other(_))));
        assert!(expected, "{refused:?} of {parts:?}");
    }

    let fixture = fixture.restart().await;
    let store = fixture.store(Role::Submission);
    store
        .complete_multipart(Bucket::Uploads, KEY, &upload, &parts[..1])
        .await
        .unwrap();
    assert_eq!(store.head(Bucket::Uploads, KEY).await.unwrap().size, 10);
}

#[tokio::test]
async fn an_aborted_upload_takes_no_parts_and_leaves_nothing() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    assert_eq!(send_part(&store, &upload, 1, vec![1; 10]).await, 200);
    store
        .abort_multipart(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();
    store
        .abort_multipart(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();

    assert_eq!(send_part(&store, &upload, 1, vec![1; 10]).await, 404);
    let parts = store.list_parts(Bucket::Uploads, KEY, &upload).await;
    assert!(matches!(parts, Err(Error::NotFound)));
    let completed = store
        .complete_multipart(Bucket::Uploads, KEY, &upload, &[])
        .await;
    assert!(completed.is_err());
    assert_eq!(
        std::fs::read_dir(fixture.path("multipart"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn an_upload_belongs_to_one_key() {
    let fixture = Fixture::start().await;
    let (store, upload) = begin(&fixture).await;
    assert_eq!(send_part(&store, &upload, 1, vec![1; 10]).await, 200);
    let parts = store
        .list_parts(Bucket::Uploads, KEY, &upload)
        .await
        .unwrap();
    let other = store
        .complete_multipart(Bucket::Uploads, "other", &upload, &parts)
        .await;
    assert!(matches!(other, Err(Error::NotFound)));
}
