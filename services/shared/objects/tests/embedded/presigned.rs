use std::time::Duration;

use molar_objects::{Bucket, Error, Presigned, Role};
use tokio::io::AsyncWriteExt;

use crate::{Fixture, MINUTE, build, send};

fn sha256(content: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).into()
}

async fn put_url(fixture: &Fixture, key: &str, content: &[u8], ttl: Duration) -> Presigned {
    let execution = fixture.store(Role::Execution);
    let size = content.len() as u64;
    execution
        .presign_put(Bucket::Outputs, key, ttl, size, &sha256(content))
        .await
        .unwrap()
}

async fn is_there(fixture: &Fixture, key: &str) -> bool {
    match fixture
        .store(Role::Scoring)
        .head(Bucket::Outputs, key)
        .await
    {
        Ok(_) => true,
        Err(Error::NotFound) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn the_promised_content_is_taken_and_its_sha256_kept() {
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "run/token/out.png", b"mask", MINUTE).await;
    assert_eq!(send(&url, "mask").await.status(), 200);

    let head = fixture
        .store(Role::Scoring)
        .head(Bucket::Outputs, "run/token/out.png")
        .await
        .unwrap();
    assert_eq!((head.size, head.sha256), (4, Some(sha256(b"mask"))));
}

#[tokio::test]
async fn other_content_is_refused_and_leaves_nothing() {
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "out", b"mask", MINUTE).await;
    for other in ["mess", "mas", "masks", ""] {
        // A client that does not send the length that was signed is refused, one that does and then
        // sends another body is cut off.
        let mut request = url.clone();
        request.headers.retain(|(name, _)| name != "content-length");
        assert!(
            send(&request, other).await.status().is_client_error(),
            "{other:?}"
        );
    }
    assert!(!is_there(&fixture, "out").await);
}

#[tokio::test]
async fn refused_content_does_not_replace_what_was_there() {
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "out", b"mask", MINUTE).await;
    assert_eq!(send(&url, "mask").await.status(), 200);
    assert_eq!(send(&url, "mess").await.status(), 400);
    let left = fixture
        .store(Role::Scoring)
        .get_bytes(Bucket::Outputs, "out", 9)
        .await
        .unwrap();
    assert_eq!(left, "mask");
}

#[tokio::test]
async fn the_checksum_cannot_be_left_out_or_changed() {
    use base64::Engine as _;
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "out", b"mask", MINUTE).await;

    let mut without = url.clone();
    without
        .headers
        .retain(|(name, _)| name != "x-amz-checksum-sha256");
    assert_eq!(send(&without, "mess").await.status(), 403);

    let mut changed = without;
    let other = base64::engine::general_purpose::STANDARD.encode(sha256(b"mess"));
    changed
        .headers
        .push(("x-amz-checksum-sha256".to_owned(), other));
    assert_eq!(send(&changed, "mess").await.status(), 403);
    assert!(!is_there(&fixture, "out").await);
}

#[tokio::test]
async fn a_url_for_one_object_does_not_open_another() {
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "mine", b"mask", MINUTE).await;
    let mut other = url.clone();
    other.url = url.url.replace("/mine?", "/yours?");
    assert_ne!(other.url, url.url);
    assert_eq!(send(&other, "mask").await.status(), 403);

    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::Hidden, "h", "text/plain", "image")
        .await
        .unwrap();
    let mut get = tracks
        .presign_get(Bucket::Hidden, "h", MINUTE, None)
        .await
        .unwrap();
    get.url = get.url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000");
    assert_eq!(send(&get, "").await.status(), 403);
}

#[tokio::test]
async fn an_expired_url_is_refused() {
    let fixture = Fixture::start().await;
    let url = put_url(&fixture, "late", b"mask", Duration::from_secs(1)).await;
    // Neither the signer's clock nor the server's can be moved.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(send(&url, "mask").await.status(), 403);
    assert!(!is_there(&fixture, "late").await);
}

#[tokio::test]
async fn a_put_cannot_be_turned_into_a_copy() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::Hidden, "h", "text/plain", "image")
        .await
        .unwrap();

    let url = put_url(&fixture, "out", b"", MINUTE).await;
    let copy = build(&url).header("x-amz-copy-source", "/molar-hidden/h");
    assert_eq!(copy.send().await.unwrap().status(), 403);
    assert!(!is_there(&fixture, "out").await);
}

#[tokio::test]
async fn a_download_has_ranges_and_a_name() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(
            Bucket::Public,
            "a/data.zip",
            "application/zip",
            "0123456789",
        )
        .await
        .unwrap();
    let registration = fixture.store(Role::Registration);
    let url = registration.presign_get(Bucket::Public, "a/data.zip", MINUTE, Some("sts 2024.zip"));
    let url = url.await.unwrap();

    let whole = send(&url, "").await;
    assert_eq!(
        whole.headers()["content-disposition"],
        "attachment; filename=\"sts_2024.zip\""
    );
    assert_eq!(whole.headers()["content-type"], "application/zip");
    assert_eq!(whole.text().await.unwrap(), "0123456789");

    for (range, expected) in [
        ("bytes=2-4", "234"),
        ("bytes=7-", "789"),
        ("bytes=-2", "89"),
    ] {
        let piece = build(&url).header("range", range).send().await.unwrap();
        assert_eq!(piece.status(), 206, "{range}");
        assert_eq!(piece.text().await.unwrap(), expected, "{range}");
    }
    let beyond = build(&url)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), 416);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let fixture = Fixture::start().await;
    let content = vec![7; 1 << 20];
    let url = put_url(&fixture, "broken", &content, MINUTE).await;

    let target = url
        .url
        .split_once("127.0.0.1")
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .1;
    let mut head = format!(
        "PUT /{target} HTTP/1.1\r\nhost: {}\r\n",
        fixture.server.address()
    );
    for (name, value) in &url.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut connection = tokio::net::TcpStream::connect(fixture.server.address())
        .await
        .unwrap();
    connection
        .write_all(format!("{head}\r\n").as_bytes())
        .await
        .unwrap();
    connection
        .write_all(&content[..content.len() / 2])
        .await
        .unwrap();
    drop(connection);

    // Stopping waits for the request to end.
    let fixture = fixture.restart().await;
    assert!(!is_there(&fixture, "broken").await);
    assert_eq!(std::fs::read_dir(fixture.path("draft")).unwrap().count(), 0);
}
