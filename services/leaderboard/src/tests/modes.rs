//! What a board hides, as one who wants to know it would look: each mode on each route.
//!
//! Two questions of each mode. Does anything that is hidden stand in any answer, byte by byte, headers included? And does any
//! answer change where only what is hidden has changed?

use chrono::{DateTime, TimeDelta, Utc};
use molar_testkit::{
    Challenge, EvaluationBuilder, PhaseBuilder, SubmissionBuilder, Team, TeamBuilder, noon,
};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{answer, board, fold_at, set};

/// Three teams that compete, two of them equal, and one that does not. Their names are in no order of their making.
struct World {
    challenge: Challenge,
    first: Team,
    /// A member of a team that stands on the board.
    member: Person,
    olga: Person,
    stranger: Person,
    /// All that tells a team: names, code, reasons, ids.
    names: Vec<String>,
    /// All digits of values, and what is made of them.
    values: Vec<String>,
    times: Vec<String>,
}

const ALL_SAID: &str = "names, values and times";

fn days_before(days: i64) -> DateTime<Utc> {
    noon() - TimeDelta::days(days)
}

impl World {
    async fn new(db: &PgPool) -> Self {
        let phase = PhaseBuilder::new("validation")
            .metrics(&["IA", "image_DSC"])
            .keep_best("IA");
        let challenge = molar_testkit::ChallengeBuilder::new("sts")
            .phase(phase)
            .insert(db)
            .await;
        let member = testing::person(db, "Mia").await;
        let first = TeamBuilder::new(&challenge, "Walruses").insert(db).await;
        let tied = TeamBuilder::new(&challenge, "Otters").insert(db).await;
        let equal = TeamBuilder::new(&challenge, "Badgers").member(member.id);
        let equal = equal.insert(db).await;
        let guests = TeamBuilder::new(&challenge, "Ibexes")
            .out_of_competition("of the organizers' institute")
            .insert(db)
            .await;
        let mut world = Self {
            olga: testing::organizer(db, "Olga", challenge.id).await,
            stranger: testing::person(db, "Stranger").await,
            names: [
                "Walruses",
                "Otters",
                "Badgers",
                "Ibexes",
                "institute",
                "code.test",
            ]
            .map(str::to_owned)
            .to_vec(),
            values: [
                "83517",
                "71934",
                "60251",
                "55778",
                "44412",
                "33391",
                "1.33",
                "failed_cases",
            ]
            .map(str::to_owned)
            .to_vec(),
            times: [
                "2026-08-29",
                "29 Aug",
                "11:58",
                "version",
                "made_at",
                "Version",
            ]
            .map(str::to_owned)
            .to_vec(),
            challenge,
            first,
            member,
        };
        let first = world.first.clone();
        world.hand_in(db, &first, 3, 0.83517, 0.55778).await;
        world.hand_in(db, &tied, 3, 0.71934, 0.44412).await;
        world.hand_in(db, &equal, 3, 0.71934, 0.44412).await;
        world.hand_in(db, &guests, 3, 0.60251, 0.33391).await;
        sqlx::query!("INSERT INTO tracks.baselines (phase_id, name, position, values) VALUES ($1, 'Plain', 1, $2)",
            world.challenge.phase_id.0, json!({"IA": 0.5}))
            .execute(db)
            .await
            .unwrap();
        world.fold(db, 2).await;
        world
    }

    async fn hand_in(&mut self, db: &PgPool, team: &Team, days: i64, ia: f64, dsc: f64) {
        let at = days_before(days);
        let submission = SubmissionBuilder::new(&self.challenge, team).created_at(at);
        let submission = submission.insert(db).await;
        let values = json!({"IA": ia, "image_DSC": dsc});
        let evaluation = EvaluationBuilder::new(&self.challenge, &submission, values);
        let evaluation = evaluation.at(at).insert(db).await;
        sqlx::query!(
            "UPDATE submission.submissions SET code_url = 'https://code.test/' || team_id"
        )
        .execute(db)
        .await
        .unwrap();
        for id in [team.id.0, submission.id.0, evaluation.id.0] {
            self.names.push(id.to_string());
        }
    }

    async fn fold(&self, db: &PgPool, days: i64) -> bool {
        fold_at(db, self.challenge.phase_id, days_before(days)).await
    }

    /// Whatever may be asked of a board, and of the list of all.
    fn routes(&self) -> Vec<String> {
        let api = format!("/api/v1/boards/{}", self.challenge.phase_id);
        let page = "/boards/sts/teeth/validation";
        vec![
            "/boards".into(),
            "/api/v1/boards".into(),
            api.clone(),
            format!("{api}?baseline=Plain"),
            format!("{api}?at=2026-09-01T11:59:59Z"),
            format!("{api}?at=2026-08-31T09:00:00Z&baseline=Plain"),
            format!("{api}.csv"),
            format!("{api}.csv?details=true&baseline=Plain"),
            format!("{api}.csv?details=true&at=2026-09-01T11:59:59Z"),
            page.into(),
            format!("{page}?sort=submitted&dir=desc"),
            format!(
                "{page}?sort=image_DSC&column=image_DSC&column=spread&column=submissions&column=submitted"
            ),
            format!("{page}?baseline=Plain&who=out"),
            format!("{page}?at=2026-09-01T13:59"),
        ]
    }

    /// Each route with all that comes back.
    async fn answers(&self, db: &PgPool, person: Option<&Person>) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for route in self.routes() {
            let (status, headers, body) = answer(db, &route, person).await;
            all.push((route, format!("{status}\n{headers}\n\n{body}")));
        }
        all
    }

    fn all(&self) -> Vec<String> {
        [self.names.clone(), self.values.clone(), self.times.clone()].concat()
    }
}

fn rules(board: Value) -> String {
    format!("board = '{board}'")
}

/// Without the ids and the digits that any page has.
fn is_in(answer: &str, secret: &str) -> bool {
    let answer = answer.replace("api/v1", "");
    match secret {
        // A header and the words of the API are not a ranking's.
        "version" => answer.contains("\"version\""),
        secret => answer.contains(secret),
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nothing_that_a_mode_hides_stands_in_any_answer(db: PgPool) {
    let world = World::new(&db).await;
    let details = [world.times.clone(), vec!["1.33".into()]].concat();
    let [anonymous, order, rounded] = [
        json!({"names": "anonymous"}),
        json!({"values": "order"}),
        json!({"values": "rounded", "decimals": 1}),
    ]
    .map(rules);
    let modes = [
        (anonymous, [world.names.clone(), details].concat()),
        (order, [world.values.clone(), world.times.clone()].concat()),
        (
            rounded,
            [world.values.clone(), world.times.clone()].concat(),
        ),
        (
            rules(json!({"names": "anonymous", "values": "order"})),
            world.all(),
        ),
        (rules(json!({"is_hidden": true})), world.all()),
        ("is_final = true".into(), world.all()),
        ("visibility = 'participants'".into(), world.all()),
        ("freezes_at = '2026-08-30 11:00:00Z'".into(), world.all()),
    ];
    for (mode, secrets) in modes {
        set(
            &db,
            "board = '{}', is_final = false, visibility = 'public', freezes_at = NULL",
        )
        .await;
        set(&db, &mode).await;
        for person in [None, Some(&world.stranger)] {
            for (route, answer) in world.answers(&db, person).await {
                let told: Vec<_> = secrets.iter().filter(|one| is_in(&answer, one)).collect();
                assert!(told.is_empty(), "{mode}: {route} tells {told:?}:\n{answer}");
            }
        }
        let olga = world.answers(&db, Some(&world.olga)).await;
        let seen = olga
            .iter()
            .map(|(_, answer)| answer.as_str())
            .collect::<String>();
        for secret in ["Walruses", "83517", "\"version\"", "2026-08-29"] {
            assert!(
                seen.contains(secret),
                "{mode}: organizers see {ALL_SAID}: {secret}"
            );
        }
    }
}

/// A change that only what is hidden goes with.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The first team gets a little better and stays the first.
    Better,
    /// Everything by which a team is known becomes another.
    Known,
    /// A team comes that is the best of all.
    Comes,
}

impl Change {
    async fn happen(self, db: &PgPool, world: &mut World) {
        match self {
            Self::Better => {
                let first = world.first.clone();
                world.hand_in(db, &first, 1, 0.83617, 0.55678).await;
            }
            Self::Known => {
                let rename = "UPDATE registration.teams SET name = 'New ' || substr(md5(name), 1, 9);
                     UPDATE registration.participations SET out_reason = 'of another' WHERE is_out_of_competition;
                     UPDATE submission.submissions SET code_url = 'https://other.test'";
                sqlx::raw_sql(rename).execute(db).await.unwrap();
                let first = world.first.clone();
                world.hand_in(db, &first, 1, 0.83517, 0.55778).await;
                world.fold(db, 0).await;
            }
            Self::Comes => {
                let name = format!("Auks {}", uuid::Uuid::new_v4().simple());
                let new = TeamBuilder::new(&world.challenge, &name).insert(db).await;
                world.hand_in(db, &new, 1, 0.9, 0.9).await;
            }
        }
        world.fold(db, 0).await;
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_answer_changes_where_only_what_is_hidden_does(db: PgPool) {
    let modes = [
        (rules(json!({"values": "order"})), Change::Better),
        (
            rules(json!({"values": "rounded", "decimals": 1})),
            Change::Better,
        ),
        (rules(json!({"ladder_step": 0.05})), Change::Better),
        (rules(json!({"names": "anonymous"})), Change::Known),
        (
            rules(json!({"names": "anonymous", "values": "rounded", "decimals": 1})),
            Change::Better,
        ),
        (rules(json!({"is_hidden": true})), Change::Comes),
        ("is_final = true".into(), Change::Comes),
        ("visibility = 'participants'".into(), Change::Comes),
        ("freezes_at = '2026-09-01 11:00:00Z'".into(), Change::Comes),
    ];
    let mut world = World::new(&db).await;
    for (mode, change) in modes {
        clear(&db, &mut world).await;
        set(&db, &mode).await;
        let is_for_members = mode.starts_with("visibility");
        let member = Some(&world.member).filter(|_| !is_for_members).cloned();
        let people = [None, Some(world.stranger.clone()), member];
        let people: Vec<_> = people.iter().map(Option::as_ref).collect();
        let mut before = Vec::new();
        for person in &people {
            before.push(world.answers(&db, *person).await);
        }
        let known = board(&db, world.challenge.phase_id, Some(&world.olga)).await;
        change.happen(&db, &mut world).await;
        for (person, before) in people.iter().zip(before) {
            for (old, new) in before.into_iter().zip(world.answers(&db, *person).await) {
                assert_eq!(old.1, new.1, "{mode}, {change:?}: {}", old.0);
            }
        }
        let known_after = board(&db, world.challenge.phase_id, Some(&world.olga)).await;
        let is_ladder = mode.contains("ladder");
        assert_eq!(
            known == known_after,
            is_ladder,
            "{mode}: the change is there"
        );
    }
}

/// As [`World::new`] leaves it.
async fn clear(db: &PgPool, world: &mut World) {
    let newer = "DELETE FROM leaderboard.entries e USING leaderboard.rankings r
                     WHERE r.id = e.ranking_id AND r.version > 1;
                 DELETE FROM leaderboard.rankings WHERE version > 1;
                 UPDATE submission.submissions SET withdrawn_at = created_at
                     WHERE created_at > '2026-08-30';
                 DELETE FROM scoring.case_scores c USING scoring.evaluations e
                     WHERE e.id = c.evaluation_id AND e.created_at > '2026-08-30';
                 DELETE FROM scoring.evaluations WHERE created_at > '2026-08-30';
                 UPDATE tracks.phases SET board = '{}', is_final = false, visibility = 'public', freezes_at = NULL";
    sqlx::raw_sql(newer).execute(db).await.unwrap();
    world.names.clear();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_anonymous_board_orders_equals_by_pseudonym_and_marks_ones_own(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, &rules(json!({"names": "anonymous"}))).await;
    let phase = world.challenge.phase_id;
    let seen = board(&db, phase, None).await;
    let names = |board: &Value| {
        let rows = board["rows"].as_array().unwrap().iter();
        rows.map(|row| row["team"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let found = names(&seen);
    assert!(found[1] < found[2], "{found:?}");
    let is_pseudonym = |name: &String| name.starts_with("Team ") && name.len() == 16;
    assert!(found.iter().all(is_pseudonym), "{found:?}");
    assert_eq!(seen["rows"][0]["values"]["IA"], 0.83517);
    assert_eq!(seen["rows"][3]["out_reason"], "out of competition");
    let own = board(&db, phase, Some(&world.member)).await;
    assert_eq!(names(&own), found);
    let rows = own["rows"].as_array().unwrap().iter();
    let ids = rows
        .filter(|row| row.get("submission_id").is_some())
        .count();
    assert_eq!(ids, 1, "its own row and no other: {own}");
    // Who is looked for by name is not found.
    let path = "/boards/sts/teeth/validation?team=";
    let (_, _, nobody) = answer(&db, &format!("{path}Nobody"), None).await;
    let (_, _, walrus) = answer(&db, &format!("{path}Walruses"), None).await;
    assert_eq!(walrus.replace("Walruses", "Nobody"), nobody);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn rounded_values_are_ranked_by_what_is_shown_and_the_board_by_all_digits(db: PgPool) {
    let mut world = World::new(&db).await;
    let close = TeamBuilder::new(&world.challenge, "Close")
        .insert(&db)
        .await;
    world.hand_in(&db, &close, 1, 0.79, 0.6).await;
    world.fold(&db, 0).await;
    set(&db, &rules(json!({"values": "rounded", "decimals": 1}))).await;
    let seen = board(&db, world.challenge.phase_id, None).await;
    let of = |row: usize| {
        let row = &seen["rows"][row];
        json!([
            row["team"],
            row["rank"],
            row["values"]["IA"],
            row["ranks"]["IA"]
        ])
    };
    // Equal mean ranks: one is better by IA, the other by DSC.
    assert_eq!(of(0), json!(["Close", 1, 0.8, 1]));
    assert_eq!(of(1), json!(["Walruses", 1, 0.8, 1]));
    assert_eq!(of(2)[3], 3);
    assert!(seen["rows"][0].get("mean_rank").is_none());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn past_boards_without_names_or_values_are_shown_day_by_day(db: PgPool) {
    let mut world = World::new(&db).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    // At noon of 31 August; that day began in Berlin at 22:00 of the day before.
    world.fold(&db, 1).await;
    let path = format!("/api/v1/boards/{}?at=", world.challenge.phase_id);
    let at = async |moment: &str| {
        let (_, _, body) = answer(&db, &format!("{path}{moment}"), None).await;
        let board: Value = serde_json::from_str(&body).unwrap();
        json!([board["as_of"], board["rows"][0]["values"]["IA"]])
    };
    let evening = "2026-08-31T20:00:00Z";
    assert_eq!(at(evening).await, json!([evening, 0.9]));
    set(&db, &rules(json!({"names": "anonymous"}))).await;
    let midnight = "2026-08-30T22:00:00Z";
    assert_eq!(at(evening).await, json!([midnight, 0.83517]));
    assert_eq!(at("2026-09-01T01:00:00Z").await[1], 0.9);
}
