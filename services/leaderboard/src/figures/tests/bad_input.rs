//! Rows that a phase can have and nobody wishes for.

use super::*;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn one_team_and_one_case_have_a_podium_and_no_statistics(db: PgPool) {
    let phase = PhaseBuilder::new("validation").metrics(&["IA"]);
    let challenge = ChallengeBuilder::new("sts").cases(&["One"]).phase(phase);
    let challenge = challenge.insert(&db).await;
    team(&db, &challenge, "Ants", &[json!({"IA": 0.5})]).await;
    let phase = challenge.phase_id;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    assert_eq!(
        names(&list(&db, phase).await),
        ["podium", "history", "cases-IA"]
    );
    team(&db, &challenge, "Bees", &[json!({"IA": 0.25})]).await;
    fold(&db, phase, later(1)).await;
    draw(&db, later(60)).await;
    let two = list(&db, phase).await;
    assert_eq!(
        names(&two),
        ["podium", "history", "cases-IA"],
        "one case cannot be drawn anew"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn without_a_case_and_with_nobody_left_there_is_less_to_draw(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &[]).await;
    sqlx::query!("DELETE FROM scoring.case_scores")
        .execute(&db)
        .await
        .unwrap();
    fold(&db, phase, later(-120)).await;
    draw(&db, later(-120)).await;
    assert_eq!(names(&list(&db, phase).await), ["podium", "history"]);

    sqlx::query!(
        "UPDATE registration.participations SET state = 'disqualified', reason = 'copied'"
    )
    .execute(&db)
    .await
    .unwrap();
    fold(&db, phase, later(-60)).await;
    draw(&db, later(-30)).await;
    let nobody = list(&db, phase).await;
    assert_eq!((names(&nobody).len(), &nobody["version"]), (0, &json!(2)));
    let (status, page) = get(&db, PAGE, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nobody is ranked on this board"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn all_tied_and_nobody_sure(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    for name in ["Ants", "Bees", "Cats"] {
        team(&db, &challenge, name, &ia([0.5; 5])).await;
    }
    let phase = challenge.phase_id;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let seen = list(&db, phase).await;
    let expected = [
        "podium",
        "stability",
        "significance",
        "schemes",
        "history",
        "cases-IA",
    ];
    assert_eq!(names(&seen), expected);
    let (_, podium) = get(&db, &file_path(phase, "podium"), None).await;
    for name in ["Ants", "Bees", "Cats"] {
        assert!(podium.contains(name), "{podium}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_metric_that_some_lack_is_drawn_and_it_is_said_that_they_are_last_in_it(db: PgPool) {
    let challenge = challenge(&db, &["IA", "image_DSC", "PQ"]).await;
    let phase = challenge.phase_id;
    let both = json!({"IA": 0.5, "image_DSC": 0.9, "PQ": null});
    let some = json!({"IA": 0.6, "image_DSC": f64::NAN, "PQ": null});
    team(&db, &challenge, "Ants", &[(); 5].map(|()| both.clone())).await;
    let mixed = [&both, &some, &both, &some, &both].map(Clone::clone);
    team(&db, &challenge, "Bees", &mixed).await;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let seen = list(&db, phase).await;
    assert!(names(&seen).contains(&"cases-image_DSC"), "{seen}");
    assert!(!names(&seen).contains(&"cases-PQ"), "nobody has it: {seen}");
    let note = seen["figures"][1]["note"].as_str().unwrap();
    let says = "Who lacks one of them in some case is last in it, as on the board.";
    assert!(note.contains("By IA, ") && note.ends_with(says), "{note}");
    let says = "Who lacks it in some case is tested against nobody.";
    let of = |name: &str| {
        let mut figures = seen["figures"].as_array().unwrap().iter();
        let figure = figures.find(|figure| figure["name"] == name).unwrap();
        figure["note"].as_str().unwrap().ends_with(says)
    };
    assert!(!of("significance") && of("significance-image_DSC"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_name_with_markup_is_text_in_every_figure(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let name = "<script>alert(1)</script>]]>&\"'";
    team(&db, &challenge, name, &ia([0.5, 0.6, 0.7, 0.8, 0.9])).await;
    team(&db, &challenge, "مولار 🦷", &ia([0.4, 0.6, 0.7, 0.8, 0.9])).await;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let (_, page) = get(&db, PAGE, None).await;
    let before = "<script>alert";
    assert!(
        !page.contains(before) && page.contains("&lt;script&gt;"),
        "{page}"
    );
    for figure in names(&list(&db, phase).await) {
        let (status, file) = get(&db, &file_path(phase, figure), None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!file.contains(before), "{figure}: {file}");
    }
}
