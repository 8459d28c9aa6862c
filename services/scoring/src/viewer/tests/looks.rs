//! What is drawn, for whom, and what is said where it cannot be.

use actix_web::http::header;
use image::Rgb;
use molar_domain::FailureCode;
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::phase::SubmissionKind;
use molar_pictures::{Class, of_class};
use molar_testkit::{AttemptBuilder, ChallengeBuilder, PhaseBuilder, noon};
use molar_web_kit::testing::{TURNING, organizer, person, turned};
use sqlx::{AssertSqlSafe, PgPool};

use super::world::{World, count};
use crate::testing::volume;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_errors_of_an_image_are_drawn_pixel_by_pixel(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    let answer = world
        .get(Some(&world.olga), &world.picture("show=errors"))
        .await;
    let cache = answer.headers.get(header::CACHE_CONTROL).unwrap();
    assert_eq!(cache, "no-store");
    assert_eq!(
        answer.headers.get(header::CONTENT_TYPE).unwrap(),
        "image/png"
    );
    let errors = answer.picture();
    // Each pixel of the image is ten by ten in the picture.
    assert_eq!(errors.dimensions(), (640, 320));
    let pixels = Class::ALL.map(|class| count(&errors, class) / 100);
    assert_eq!(
        pixels[1..],
        [2 * 10 + 100, 0, 100],
        "missed, invented, wrong"
    );
    let at = |x: u32, y: u32| *errors.get_pixel(10 * x + 5, 10 * y + 5);
    assert_eq!(at(2, 11), of_class(Class::Missed));
    assert_eq!(at(45, 5), of_class(Class::Missed));
    assert_eq!(at(20, 2), of_class(Class::Wrong));
    assert_eq!(at(0, 0), Rgb([50; 3]), "the image, dimmed");

    let image = world.picture_of("show=image").await;
    assert!(image.pixels().all(|pixel| *pixel == Rgb([100; 3])));
    let prediction = world.picture_of("show=prediction").await;
    assert_eq!(
        *prediction.get_pixel(455, 55),
        Rgb([100; 3]),
        "31 is not predicted"
    );
    let reference = world.picture_of("show=reference").await;
    assert_ne!(*reference.get_pixel(455, 55), Rgb([100; 3]));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_volume_is_cut_three_times_where_it_is_worst_or_where_it_is_asked_for(owner: PgPool) {
    let world = World::of_volume(owner, None).await;
    // 20 pixels a voxel. z = 2, 3, 10, 11 are all wrong, and z = 9 has another label.
    let first = world.picture_of("show=errors").await;
    assert_eq!(first.dimensions(), (640, 480));
    assert_eq!(count(&first, Class::Invented), 4 * 8 * 400);
    let asked = world.picture_of("show=errors&plane=axial&z=9").await;
    assert_eq!(count(&asked, Class::Wrong), 4 * 8 * 400);
    // Mirrored: x grows to the left.
    let right = *asked.get_pixel(640 - 20 * 6 - 10, 20 * 4 + 10);
    assert_eq!(right, of_class(Class::Wrong));
    let coronal = world.picture_of("show=errors&plane=coronal").await;
    assert_eq!(coronal.dimensions(), (640, 400));
    let classes = Class::ALL.map(|class| count(&coronal, class) / 400);
    assert_eq!(classes[1..], [2 * 4, 2 * 4, 4]);
    // The top is above: what was missed lies over what was invented.
    assert_eq!(
        *coronal.get_pixel(640 - 130, 400 - 20 * 11 - 10),
        of_class(Class::Missed)
    );
    let sagittal = world.picture_of("show=errors&plane=sagittal&x=9").await;
    let classes = Class::ALL.map(|class| count(&sagittal, class));
    // 24 by 20 voxels as 640 by 533 pixels.
    assert_eq!(sagittal.dimensions(), (640, 533));
    assert!(
        classes[1] > 0 && classes[2] > 0 && classes[3] > 0,
        "{classes:?}"
    );
    let outside = world.picture_of("show=errors&plane=sagittal&x=20").await;
    assert!(
        Class::ALL[1..]
            .iter()
            .all(|class| count(&outside, *class) == 0)
    );
    let image = world.picture_of("show=image&plane=coronal").await;
    let (top, bottom) = (image.get_pixel(320, 5).0[0], image.get_pixel(320, 395).0[0]);
    assert!(top > 230 && bottom < 60, "{top} and {bottom}");

    let html = world.html("").await;
    assert!(html.contains(">Axial, z = 2<"), "{html}");
    assert!(
        html.contains("plane=sagittal&#38;x=6&#38;y=4&#38;z=2"),
        "{html}"
    );
    let html = world.html("?z=7&x=6&y=4").await;
    assert!(
        html.contains(r##"href="?z=8&#38;x=6&#38;y=4#axial""##),
        "{html}"
    );
    assert!(html.contains("most errors: 2"), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_cannot_be_shown_is_said_before_anything_is_read(owner: PgPool) {
    let world = World::of_volume(owner, None).await;
    let beyond = world
        .get(Some(&world.olga), &world.picture("show=errors&z=20"))
        .await;
    assert_eq!(beyond.status, 422);
    assert!(
        beyond.text().contains("z runs from 0 to 19"),
        "{}",
        beyond.text()
    );
    for (query, status) in [
        ("", 200),
        ("show=all", 400),
        ("show=errors&z=-1", 400),
        ("show=errors&z=1&w=1", 400),
        ("show=errors&plane=front", 400),
    ] {
        let answer = world.get(Some(&world.olga), &world.picture(query)).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    let page = format!("{}?y=24", world.page());
    assert_eq!(world.get(Some(&world.olga), &page).await.status, 422);
    let page = format!("{}?slice=1", world.page());
    assert_eq!(world.get(Some(&world.olga), &page).await.status, 400);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_image_has_no_slices(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    for query in ["show=errors&z=0", "show=errors&plane=axial"] {
        let answer = world.get(Some(&world.olga), &world.picture(query)).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text());
    }
    let page = format!("{}?z=0", world.page());
    assert_eq!(world.get(Some(&world.olga), &page).await.status, 422);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_organizers_and_reviewers_of_the_challenge_look(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    let elsewhere = ChallengeBuilder::new("jaws")
        .phase(PhaseBuilder::new("validation"))
        .insert(&world.owner)
        .await;
    let stranger = person(&world.owner, "Eve").await;
    let fritz = organizer(&world.owner, "Fritz", elsewhere.id).await;
    let rita = person(&world.owner, "Rita").await;
    sqlx::query!(
        "INSERT INTO registration.challenge_roles (challenge_id, user_id, role, granted_at)
         VALUES ($1, $2, 'reviewer', $3)",
        world.challenge.id.0,
        rita.id.0,
        noon(),
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let picture = world.picture("show=reference");
    for path in [world.page(), picture] {
        let status = async |person| world.get(person, &path).await.status;
        assert_eq!(status(Some(&world.member)).await, 403, "{path}");
        assert_eq!(status(Some(&stranger)).await, 404, "{path}");
        assert_eq!(status(Some(&fritz)).await, 404, "{path}");
        assert_eq!(status(Some(&rita)).await, 200, "{path}");
        assert!(matches!(status(None).await, 303 | 401), "{path}");
    }
    // A case of another challenge is none of this submission's.
    let other = format!(
        "/organize/submissions/{}/cases/{}",
        world.submission.id, elsewhere.cases[0].id
    );
    assert_eq!(world.get(Some(&world.olga), &other).await.status, 404);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_turns_what_stands_beside_it(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    world.evaluate().await;
    let named = format!(
        "UPDATE tracks.tracks SET title = '{TURNING}'; UPDATE tracks.phases SET title = '{TURNING}';
         UPDATE registration.teams SET name = '{TURNING}'"
    );
    let named = sqlx::raw_sql(AssertSqlSafe(named));
    named.execute(&world.owner).await.unwrap();
    let html = world.html("").await;
    assert!(turned(&html).is_empty(), "{:?}", turned(&html));
    let shown = html.matches(&format!("<bdi>{TURNING}</bdi>")).count();
    assert_eq!(shown, 2, "track and phase: {html}");
    assert!(html.contains("<title>Case_01 of שיניים"), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_page_shows_the_pictures_and_the_worst_label_first(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    world.evaluate().await;
    let html = world.html("").await;
    assert!(html.contains("Case_01 of Molars &#38; sons"), "{html}");
    for show in ["image", "reference", "prediction", "errors"] {
        let picture = world.picture(&format!("show={show}"));
        assert!(
            html.contains(&format!("src=\"{picture}\"")),
            "{show}: {html}"
        );
    }
    assert!(html.contains("0.2500") && html.contains("0.5000"), "{html}");
    let invented = html.find("&#60;b&#62;").expect("escaped");
    assert!(!html.contains("<b>"), "{html}");
    assert!(
        invented < html.find(" <bdi>12</bdi></th>").unwrap(),
        "{html}"
    );
    let next = world.challenge.cases[1].id;
    let next = format!("/organize/submissions/{}/cases/{next}", world.submission.id);
    assert!(html.contains(&next), "{html}");
    assert!(!html.contains("notice-bad"), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn without_its_image_a_case_is_drawn_on_black_and_the_page_says_so(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    sqlx::query!("UPDATE tracks.cases SET image_key = 'elsewhere'")
        .execute(&world.owner)
        .await
        .unwrap();
    let errors = world.picture_of("show=errors").await;
    assert_eq!(count(&errors, Class::Missed), 120 * 100);
    assert_eq!(*errors.get_pixel(0, 0), Rgb([0; 3]));
    let html = world.html("").await;
    assert!(html.contains("The image is not in the pictures."), "{html}");
    assert!(html.contains("not in the store any more"), "{html}");
    sqlx::query!("UPDATE submission.uploads SET size_bytes = 900 * 1024 * 1024 + 1")
        .execute(&world.owner)
        .await
        .unwrap();
    let html = world.html("").await;
    assert!(html.contains("too large to be looked at"), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_prediction_that_cannot_be_read_leaves_image_and_reference(owner: PgPool) {
    let small = volume([20, 24, 31], |_| 11);
    let world = World::of_volume(owner, Some(small)).await;
    let html = world.html("").await;
    assert!(
        html.contains("The prediction is not in the pictures."),
        "{html}"
    );
    assert!(html.contains("it is 31 × 24 × 20"), "{html}");
    let errors = world.picture_of("show=errors&z=5").await;
    assert_eq!(count(&errors, Class::Missed), 4 * 8 * 400);
    assert_eq!(count(&errors, Class::Invented), 0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_run_that_left_nothing_is_told_in_words(owner: PgPool) {
    let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
    let builder = ChallengeBuilder::new("teeth").shape(&[32, 64]).phase(phase);
    let world = World::new(owner, builder, None).await;
    AttemptBuilder::new(&world.challenge, &world.submission)
        .state(AttemptState::Finished)
        .case_runs(CaseRunState::Finished)
        .insert(&world.owner)
        .await;
    sqlx::query!(
        "UPDATE execution.case_runs SET state = 'failed', failure = 'timed-out', failure_detail = 'after <300> s',
             output_key = NULL, output_size_bytes = NULL, output_sha256 = NULL"
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let html = world.html("").await;
    assert!(html.contains("<strong>timed-out</strong>"), "{html}");
    assert!(html.contains("after &#60;300&#62; s"), "{html}");
    let advice: String = FailureCode::TimedOut.advice().chars().take(20).collect();
    assert!(html.contains(&advice), "{html}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn whoever_finds_no_place_is_told_when_to_come_again(owner: PgPool) {
    let world = World::of_polygons(owner).await;
    let mut places: Vec<_> = std::iter::from_fn(|| world.viewer.enter().ok()).collect();
    for path in [world.page(), world.picture("show=errors")] {
        let full = world.get(Some(&world.olga), &path).await;
        assert_eq!(full.status, 503, "{path}");
        assert_eq!(full.headers.get(header::RETRY_AFTER).unwrap(), "5");
    }
    places.pop();
    let after = world
        .get(Some(&world.olga), &world.picture("show=errors"))
        .await;
    assert_eq!(after.status, 200);
}
