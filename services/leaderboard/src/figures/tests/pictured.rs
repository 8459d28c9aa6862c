//! Figures as pictures.

use super::*;

const HIGH: [f64; 5] = [0.9, 0.8, 0.9, 0.85, 0.95];

/// Width and height, as the head of a PNG tells them.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

async fn drawn(db: &PgPool, names: &[&str]) -> PhaseId {
    let challenge = challenge(db, &["IA"]).await;
    for name in names {
        team(db, &challenge, name, &ia(HIGH)).await;
    }
    fold(db, challenge.phase_id, noon()).await;
    draw(db, noon()).await;
    challenge.phase_id
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_figure_is_a_picture_too_whatever_the_teams_are_called(db: PgPool) {
    let phase = drawn(&db, &["<b>&\"'", "فريق الأسنان", "牙齿分割队 🦷"]).await;
    let list = list(&db, phase).await;
    let figures = list["figures"].as_array().unwrap();
    assert!(figures.len() >= 6, "{list}");
    let (_, page) = get(&db, PAGE, None).await;
    for figure in figures {
        let path = figure["picture"].as_str().unwrap();
        assert!(
            page.contains(&format!("href=\"{path}\" download")),
            "{path}"
        );
        let picture = ask(&db, path, None, None).await;
        assert_eq!(
            (picture.status, picture.header("content-type")),
            (StatusCode::OK, "image/png")
        );
        assert_eq!(size(&picture.bytes).0, 1440, "{path}");
    }
    assert_eq!(page.matches("as PNG").count(), figures.len());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_picture_is_as_large_as_was_asked_for_within_bounds(db: PgPool) {
    let path = picture_path(drawn(&db, &["Ants"]).await, "podium");
    let usual = ask(&db, &path, None, None).await;
    let (_, height) = size(&usual.bytes);
    for scale in 1..=4 {
        let asked = ask(&db, &format!("{path}?scale={scale}"), None, None).await;
        let (wide, high) = size(&asked.bytes);
        assert_eq!(wide, 720 * scale);
        // What is begun of a row of pixels is a row.
        assert!(high.abs_diff(height * scale / 2) <= 1, "{scale}: {high}");
    }
    for wrong in ["0", "5", "255"] {
        let (status, told) = get(&db, &format!("{path}?scale={wrong}"), None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told.contains("is 1, 2, 3 or 4"), "{told}");
    }
    for wrong in ["scale=256", "scale=two", "width=9"] {
        let (status, told) = get(&db, &format!("{path}?{wrong}"), None).await;
        assert!(status.is_client_error(), "{wrong}: {status} {told}");
    }
    let none = path.replace("podium", "nothing");
    assert_eq!(get(&db, &none, None).await.0, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_picture_is_allowed_nothing_and_is_not_sent_twice(db: PgPool) {
    let phase = drawn(&db, &["Ants"]).await;
    let path = picture_path(phase, "podium");
    let picture = ask(&db, &path, None, None).await;
    for (name, value) in [
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "inline; filename=\"sts-teeth-validation-podium.png\"",
        ),
    ] {
        assert_eq!(picture.header(name), value);
    }
    assert!(
        picture
            .header("content-security-policy")
            .starts_with("default-src 'none';")
    );
    let tag = picture.header("etag");
    let again = ask(&db, &path, None, Some(tag)).await;
    assert_eq!(
        (again.status, again.bytes.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    // Another size, or the SVG, is another file.
    for other in [format!("{path}?scale=3"), file_path(phase, "podium")] {
        let other = ask(&db, &other, None, Some(tag)).await;
        assert_eq!(other.status, StatusCode::OK);
        assert!(other.bytes != picture.bytes);
    }
}
