use molar_objects::{Bucket, Error, Key, Role};

use crate::{Fixture, MINUTE, key, send, store};

/// What each key may do on each bucket: Get, Head, Put, Delete, List. Written out once more, so that
/// the policy cannot be changed by accident.
const EXPECTED: [(Role, [&str; 8]); 8] = [
    // public   hidden   references uploads  layers   outputs  logs     exports
    (
        Role::Registration,
        [
            "GH..L", ".....", ".....", ".....", ".....", ".....", ".....", ".....",
        ],
    ),
    (
        Role::Tracks,
        [
            "GHPDL", "GHPDL", "..PD.", ".....", ".....", ".....", ".....", ".....",
        ],
    ),
    (
        Role::Submission,
        [
            ".....", ".....", ".....", "GHPDL", ".HPD.", ".....", "GH...", ".....",
        ],
    ),
    (
        Role::Execution,
        [
            "GH...", "GH...", ".....", "GH...", "GH...", ".HPDL", "GHPDL", ".....",
        ],
    ),
    (
        Role::Scoring,
        [
            "GH..L", "GH..L", "GH..L", "GH..L", ".....", "GH..L", ".....", "GHP.L",
        ],
    ),
    (
        Role::Leaderboard,
        [
            ".....", ".....", ".....", ".....", ".....", ".....", ".....", "GHP.L",
        ],
    ),
    (
        Role::Owner,
        [
            ".....", ".....", ".....", ".....", ".....", ".....", ".....", ".....",
        ],
    ),
    (
        Role::Backup,
        [
            "GHP.L", "GHP.L", "GHP.L", "GHP.L", "GHP.L", "GHP.L", "GHP.L", "GHP.L",
        ],
    ),
];

fn writer(bucket: Bucket) -> Role {
    match bucket {
        Bucket::Public | Bucket::Hidden | Bucket::References => Role::Tracks,
        Bucket::Uploads | Bucket::Layers => Role::Submission,
        Bucket::Outputs | Bucket::Logs => Role::Execution,
        Bucket::Exports => Role::Scoring,
    }
}

fn letter<T>(letter: char, outcome: Result<T, Error>) -> char {
    match outcome {
        Ok(_) => letter,
        Err(Error::Denied) => '.',
        Err(error) => panic!("neither done nor denied: {error:?}"),
    }
}

#[tokio::test]
async fn each_key_may_do_on_each_bucket_what_the_policy_says() {
    let fixture = Fixture::start().await;
    for bucket in Bucket::ALL {
        let writer = fixture.store(writer(bucket));
        writer
            .put_bytes(bucket, "there", "text/plain", "x")
            .await
            .unwrap();
    }

    for (role, expected) in EXPECTED {
        let store = fixture.store(role);
        for (bucket, expected) in Bucket::ALL.into_iter().zip(expected) {
            let put = store.put_bytes(bucket, "new", "text/plain", "x").await;
            let found: String = [
                letter('G', store.get_bytes(bucket, "there", 10).await),
                letter('H', store.head(bucket, "there").await),
                letter('P', put),
                letter('D', store.delete(bucket, "new").await),
                letter('L', store.list(bucket, "").await),
            ]
            .into_iter()
            .collect();
            assert_eq!(found, expected, "{role} on {bucket}");

            let upload = store.create_multipart(bucket, "parts", "text/plain").await;
            assert_eq!(upload.is_ok(), expected.contains('P'), "{role} on {bucket}");
        }
    }
}

#[tokio::test]
async fn a_presigned_request_has_the_rights_of_the_key_that_signed_it() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::References, "r", "text/plain", "secret")
        .await
        .unwrap();

    for role in Role::ALL {
        let store = fixture.store(role);
        let url = store
            .presign_get(Bucket::References, "r", MINUTE, None)
            .await
            .unwrap();
        let status = send(&url, "").await.status().as_u16();
        let may = matches!(role, Role::Scoring | Role::Backup);
        assert_eq!(status, if may { 200 } else { 403 }, "{role}");
    }
}

#[tokio::test]
async fn only_the_owner_makes_buckets() {
    let fixture = Fixture::start().await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let made = fixture.store(role).ensure_buckets().await;
        assert!(matches!(made, Err(Error::Denied)), "{role}");
    }
}

#[tokio::test]
async fn every_key_can_ask_whether_the_server_is_there_and_no_other_can() {
    let fixture = Fixture::start().await;
    for role in Role::ALL {
        fixture.store(role).ping().await.unwrap();
    }
    let endpoint = fixture.server.endpoint();
    let wrong_secret = Key {
        secret_key: "guess".into(),
        ..key(Role::Scoring)
    };
    let unknown = Key {
        access_key: "nobody".to_owned(),
        ..key(Role::Scoring)
    };
    for stranger in [wrong_secret, unknown] {
        assert!(matches!(
            store(&endpoint, stranger).ping().await,
            Err(Error::Denied)
        ));
    }
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::Public, "p", "text/plain", "x")
        .await
        .unwrap();
    let mut request = tracks
        .presign_get(Bucket::Public, "p", MINUTE, None)
        .await
        .unwrap();
    request.url.truncate(request.url.find('?').unwrap());
    assert_eq!(send(&request, "").await.status(), 403);
}

#[tokio::test]
async fn a_key_with_dots_does_not_lead_to_another_bucket() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::References, "r", "text/plain", "secret")
        .await
        .unwrap();

    let around = "../molar-references/r";
    assert!(tracks.get_bytes(Bucket::Public, around, 100).await.is_err());
    assert!(tracks.head(Bucket::Public, around).await.is_err());
    let copied = tracks
        .copy((Bucket::Public, around), (Bucket::Public, "mine"))
        .await;
    assert!(copied.is_err());
}

#[tokio::test]
async fn a_copy_needs_the_right_to_read_its_source() {
    let fixture = Fixture::start().await;
    let tracks = fixture.store(Role::Tracks);
    tracks
        .put_bytes(Bucket::Hidden, "h", "text/plain", "image")
        .await
        .unwrap();
    tracks
        .put_bytes(Bucket::References, "r", "text/plain", "secret")
        .await
        .unwrap();

    tracks
        .copy((Bucket::Hidden, "h"), (Bucket::Public, "copy"))
        .await
        .unwrap();
    let copy = tracks.get_bytes(Bucket::Public, "copy", 100).await.unwrap();
    assert_eq!(copy, "image");

    let stolen = tracks
        .copy((Bucket::References, "r"), (Bucket::Public, "stolen"))
        .await;
    assert!(matches!(stolen, Err(Error::Denied)));
}
