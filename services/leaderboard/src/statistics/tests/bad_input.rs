//! Rows that a phase can have and nobody wishes for.

use super::*;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn in_a_metric_that_came_later_old_entries_are_last_in_every_draw_as_on_the_board(
    db: PgPool,
) {
    let challenge = challenge(&db, &["IA", "image_DSC"]).await;
    let phase = challenge.phase_id;
    let both = json!({"IA": 0.5, "image_DSC": 0.9});
    team(
        &db,
        &challenge,
        "Old",
        &[(); 5].map(|()| json!({"IA": 0.9})),
    )
    .await;
    let new = team(&db, &challenge, "New", &[(); 5].map(|()| both.clone())).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, phase).await;
    assert_eq!(made["left_out"], json!([]));
    assert_eq!(by_team(&made, "rank")["New"], 1, "2 and 1 against 1 and 2");
    assert_eq!(made["is_board_ranking"], true);
    let first = json!({"from": 1.0, "to": 1.0});
    assert_eq!(by_team(&made, "interval")["New"], &first);

    // What a NaN is kept as, in one case.
    let nan = json!({"IA": f64::NAN, "image_DSC": 0.9});
    let mut values = [(); 5].map(|()| both.clone());
    values[3] = nan;
    entry_at(&db, &challenge, &new, 1, &values).await;
    fold(&db, phase, later(60)).await;
    make(&db, later(120)).await;
    let made = statistics(&db, phase).await;
    assert_eq!(made["left_out"], json!([]));
    assert_eq!(made["metrics"][0]["name"], "IA");
    let mut teams = made["teams"].as_array().unwrap().iter();
    let last = teams.position(|team| team["team"] == "New").unwrap();
    assert_eq!(made["metrics"][0]["ranks"][last], 2, "{made}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nobody_has_a_value_and_the_board_stands_all_the_same(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    for name in ["Ants", "Bees"] {
        team(
            &db,
            &challenge,
            name,
            &[(); 5].map(|()| json!({"IA": null})),
        )
        .await;
    }
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, challenge.phase_id).await;
    assert_eq!(made["left_out"][0]["reason"], "no ranked team has it");
    assert_eq!(by_team(&made, "rank")["Bees"], 1);
    assert!(by_team(&made, "interval")["Bees"].is_null());
    assert_eq!((&made["schemes"], &made["cases"]), (&json!([]), &json!(5)));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_without_a_case_has_no_draws(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    team(&db, &challenge, "Ants", &[]).await;
    sqlx::query!("DELETE FROM scoring.case_scores")
        .execute(&db)
        .await
        .unwrap();
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, challenge.phase_id).await;
    assert_eq!(made["undrawn"], "no case is scored");
    assert_eq!(by_team(&made, "rank")["Ants"], 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_competes_for_no_rank_or_has_withdrawn_moves_nobody(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia([0.5; 5])).await;
    let guests = TeamBuilder::new(&challenge, "Guests").out_of_competition("organizers' group");
    let guests = guests.insert(&db).await;
    entry(&db, &challenge, &guests, &ia([0.9; 5])).await;
    let gone = team(&db, &challenge, "Gone", &ia([0.7; 5])).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, phase).await;
    let ranks = by_team(&made, "rank");
    assert_eq!(
        ranks,
        BTreeMap::from([("Gone", &json!(1)), ("Ants", &json!(2))])
    );

    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
        gone.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    fold(&db, phase, later(5)).await;
    make(&db, later(60)).await;
    let made = statistics(&db, phase).await;
    assert_eq!(
        by_team(&made, "rank"),
        BTreeMap::from([("Ants", &json!(1))])
    );
    assert_eq!(made["metrics"][0]["ranks"], json!([1]));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_of_which_nobody_competes_says_so(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let guests = TeamBuilder::new(&challenge, "Guests").out_of_competition("organizers' group");
    let guests = guests.insert(&db).await;
    entry(&db, &challenge, &guests, &ia([0.9; 5])).await;
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, challenge.phase_id).await;
    assert_eq!(
        (&made["undrawn"], &made["teams"]),
        (&json!("no team is ranked"), &json!([]))
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_name_is_told_as_it_is_and_in_json(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let names = ["<script>alert(1)</script>", "\u{202e}نملة 🦷", "=1+1"];
    for name in names {
        team(&db, &challenge, name, &ia([0.5; 5])).await;
    }
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, noon()).await;
    let made = statistics(&db, challenge.phase_id).await;
    let ranks = by_team(&made, "rank");
    assert!(
        names.iter().all(|name| ranks.contains_key(name)),
        "{ranks:?}"
    );
    let kept =
        sqlx::query_scalar!(r#"SELECT document::text AS "text!" FROM leaderboard.statistics"#)
            .fetch_one(&db)
            .await
            .unwrap();
    assert!(!kept.contains("script"), "names are not kept: {kept}");
}
