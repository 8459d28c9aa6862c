use molar_objects::{Bucket, Digest, Presigned, Role};
use reqwest::header::HeaderMap;
use sha2::Digest as _;

use crate::{Fixture, MINUTE, build};

pub const PAGE: &str = "https://molar.example";

/// The headers that a browser gets to see of the answer to a preflight.
async fn preflight(fixture: &Fixture, origin: &str) -> HeaderMap {
    let request = Presigned {
        method: "OPTIONS".to_owned(),
        url: format!("{}/molar-uploads/k", fixture.server.endpoint()),
        headers: Vec::new(),
    };
    let asked = build(&request)
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "x-amz-checksum-sha256");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 204);
    answer.headers().clone()
}

#[tokio::test]
async fn our_pages_may_put_from_a_browser_and_no_others() {
    let fixture = Fixture::start().await;
    let store = fixture.store(Role::Submission);
    let upload = store.create_multipart(Bucket::Uploads, "k", "application/zip");
    let content = Digest {
        size: 4,
        sha256: sha2::Sha256::digest(b"mask").into(),
    };
    let upload = upload.await.unwrap();
    let url = store
        .presign_part(Bucket::Uploads, "k", &upload, 1, &content, MINUTE)
        .await
        .unwrap();

    let ours = preflight(&fixture, PAGE).await;
    assert_eq!(ours["access-control-allow-origin"], PAGE);
    assert!(
        ours["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("x-amz-checksum-sha256")
    );
    let put = build(&url)
        .header("origin", PAGE)
        .body("mask")
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 200);
    assert_eq!(put.headers()["access-control-allow-origin"], PAGE);

    for other in ["https://evil.example", "null", "https://molar.example.evil"] {
        let theirs = preflight(&fixture, other).await;
        assert!(
            !theirs.contains_key("access-control-allow-origin"),
            "{other}"
        );
    }
}
