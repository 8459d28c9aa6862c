//! The form of organizers: a table, what comes out of it, the yes.

use actix_web::test::{TestRequest, read_body};
use molar_testkit::ChallengeBuilder;
use molar_web_kit::testing::{self, Person};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::{SMALL, World, fill};

const IMPORT: &str = "/organize/boards/sts/import";
const FIELDS: [&str; 9] = [
    "slug", "title", "source", "note", "higher", "lower", "replace", "replaces", "table",
];

/// Without scripts.
struct Browser<'a> {
    world: &'a World,
    person: &'a Person,
}

impl Browser<'_> {
    /// The page, or where it leads.
    async fn send(&self, request: TestRequest) -> (u16, String) {
        let request = request.cookie(self.person.cookie());
        let request = request.insert_header(("accept", "text/html"));
        let answer = self.world.answer(request, None).await;
        let status = answer.status().as_u16();
        if let Some(to) = answer.headers().get("location") {
            return (status, to.to_str().unwrap().to_owned());
        }
        let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        (status, text)
    }

    async fn csrf(&self, path: &str) -> String {
        let (status, html) = self.send(TestRequest::get().uri(path)).await;
        assert_eq!(status, 200, "{html}");
        held(&html, "_csrf")
    }

    /// The first step.
    async fn plan(&self, csrf: &str, fields: &[(&str, &str)], table: &[u8]) -> (u16, String) {
        let mut body = Vec::new();
        let mut part = |name: &str, content: &[u8]| {
            let head =
                format!("--of-tests\r\ncontent-disposition: form-data; name=\"{name}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("_csrf\"", csrf.as_bytes());
        part("table\"; filename=\"final.csv\"", table);
        for (name, value) in fields {
            part(&format!("{name}\""), value.as_bytes());
        }
        body.extend_from_slice(b"--of-tests--\r\n");
        let request = TestRequest::post()
            .uri(&format!("{IMPORT}/plan"))
            .insert_header(("content-type", "multipart/form-data; boundary=of-tests"))
            .set_payload(body);
        self.send(request).await
    }

    /// The second, with what the page of the first holds.
    async fn import(&self, planned: &str) -> (u16, String) {
        let mut fields: Vec<_> = FIELDS.map(|name| (name, held(planned, name))).to_vec();
        fields.push(("_csrf", held(planned, "_csrf")));
        self.send(TestRequest::post().uri(IMPORT).set_form(&fields))
            .await
    }
}

/// What a field of the page holds; the first is of the frame.
fn held(html: &str, name: &str) -> String {
    let found = html.split_once(&format!("name=\"{name}\" value=\""));
    let (_, rest) = found.unwrap_or_else(|| panic!("no {name} in {html}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn named(slug: &str) -> Vec<(&str, &str)> {
    vec![("slug", slug), ("title", "Final of 2024")]
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_table_is_looked_at_and_then_imported_to_its_last_byte(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    // Ends of lines of two kinds, and the mark with which a spreadsheet begins.
    let table = "\u{feff}team,IA,seconds,final_rank\r\n<b>שן</b>,0.9,3,1\nB,0.8,1,2\n";
    let mut fields = named("final");
    fields.extend([("note", "<u>of 2024</u>"), ("lower", "seconds\r\n")]);
    let csrf = olga.csrf(IMPORT).await;
    let (status, html) = olga.plan(&csrf, &fields, table.as_bytes()).await;
    assert_eq!(status, 200, "{html}");
    for told in [
        "Nothing is written yet",
        "/boards/sts/final",
        "<bdi>&#60;b&#62;שן&#60;/b&#62;</bdi>",
        "1 of 2 published ranks come out otherwise",
        ">published 2<",
        "less of <bdi>seconds</bdi>",
    ] {
        assert!(html.contains(told), "{told} in {html}");
    }
    assert_eq!(world.kept().await, (0, 0));

    assert_eq!(
        olga.import(&html).await,
        (303, "/boards/sts/final".to_owned())
    );
    assert_eq!(world.kept().await, (1, 1));
    let list = world.json("/api/v1/boards/imported?challenge=sts").await;
    let sha256 = hex::encode(Sha256::digest(table));
    assert_eq!(list[0]["table_sha256"], json!(sha256));
    assert_eq!(list[0]["title"], "Final of 2024");
    assert_eq!(list[0].get("source"), None);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_wrong_is_said_on_the_page_by_its_line(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    let csrf = olga.csrf(IMPORT).await;
    let mut large = SMALL.as_bytes().to_vec();
    large.resize((1 << 20) + 1, b'\n');
    for (table, why) in [
        (
            &b"team,IA\nA,0.9\nB,good\n"[..],
            "The table: row 2 (line 3), column `IA`: `good` is no number",
        ),
        (
            &b"team,IA\nA,0.9\n\xff,0.8\n"[..],
            "The table: line 3 is no text in UTF-8",
        ),
        (&b"team,points\nA,1\n"[..], "--higher &#39;points&#39;"),
        (&b""[..], "The table: choose a file"),
        (&large[..], "The table: has more than 1 MiB"),
    ] {
        let (status, html) = olga.plan(&csrf, &named("final"), table).await;
        assert_eq!(status, 422, "{why}: {html}");
        assert!(html.contains(why), "{why} in {html}");
        // What was filled in stays.
        assert!(html.contains(r#"maxlength="64" value="final""#), "{html}");
    }
    let (status, html) = olga.plan(&csrf, &named("A Name"), SMALL.as_bytes()).await;
    assert!(
        status == 422 && html.contains("Name in the address: must be"),
        "{html}"
    );
    let long = "x".repeat((16 << 10) + 1);
    let many = vec![("note", "x"); 40];
    for fields in [vec![("note", long.as_str())], many] {
        let told = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
        assert_eq!(told.0, 413, "{}", told.1);
    }
    let unseen = [("_csrf", csrf.as_str()), ("slug", "final"), ("title", "x")];
    let request = TestRequest::post().uri(IMPORT).set_form(&unseen[..]);
    let (status, html) = olga.send(request).await;
    assert!(
        status == 422 && html.contains("look at what comes out of it first"),
        "{html}"
    );
    assert_eq!(world.kept().await, (0, 0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_name_that_is_taken_needs_a_reason_also_when_it_was_free_before(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    let csrf = olga.csrf(IMPORT).await;
    let other = b"team,IA\nC,0.5\n";
    let mut fields = named("final");
    let (_, free) = olga.plan(&csrf, &fields, other).await;
    world.imported(&world.body(SMALL)).await;
    let late = olga.import(&free).await;
    let early = olga.plan(&csrf, &fields, other).await;
    for (status, html) in [late, early] {
        assert_eq!(status, 422);
        assert!(html.contains("imported board sts/final already"), "{html}");
    }
    assert_eq!(world.kept().await, (1, 1));

    fields.push(("replace", "a typing error"));
    let (status, html) = olga.plan(&csrf, &fields, other).await;
    assert!(
        status == 200 && html.contains("It takes the place of the board of that name"),
        "{html}"
    );
    assert_eq!(olga.import(&html).await.0, 303);
    assert_eq!(world.kept().await, (1, 2));
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(page.contains("<bdi>C</bdi>"), "{page}");

    fields[0] = ("slug", "none");
    let (status, html) = olga.plan(&csrf, &fields, other).await;
    assert!(
        status == 422 && html.contains("no such imported board to be replaced"),
        "{html}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_second_click_is_led_to_the_board_and_writes_nothing(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    let done = (303, "/boards/sts/final".to_owned());
    let csrf = olga.csrf(IMPORT).await;
    let mut fields = named("final");
    let (_, planned) = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
    let (first, second) = tokio::join!(olga.import(&planned), olga.import(&planned));
    for answer in [first, second, olga.import(&planned).await] {
        assert_eq!(answer, done);
    }
    assert_eq!(world.kept().await, (1, 1));

    // The same table, ranked the other way round, is another board.
    fields.extend([("lower", "IA"), ("replace", "less is better")]);
    let (_, planned) = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
    for _ in 0..2 {
        assert_eq!(olga.import(&planned).await, done);
    }
    assert_eq!(world.kept().await, (1, 2));
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(page.contains("less of <bdi>IA</bdi>"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_that_another_put_there_meanwhile_is_not_replaced_unseen(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    world.imported(&world.body(SMALL)).await;
    let csrf = olga.csrf(IMPORT).await;
    let mut fields = named("final");
    fields.push(("replace", "a typing error"));
    let ours = b"team,IA\nOurs,0.5\n";
    let (_, planned) = olga.plan(&csrf, &fields, ours).await;

    let mut theirs = world.body("team,IA\nTheirs,0.5\n");
    theirs["replace"] = json!("another typing error");
    assert_eq!(world.import(&theirs).await.0, 200);
    let (status, html) = olga.import(&planned).await;
    assert!(
        status == 422 && html.contains("has become another since"),
        "{html}"
    );
    assert_eq!(world.kept().await, (1, 2));
    let (_, page) = world.get("/boards/sts/final").await;
    assert!(page.contains("<bdi>Theirs</bdi>"), "{page}");

    let (_, planned) = olga.plan(&csrf, &fields, ours).await;
    assert_eq!(olga.import(&planned).await.0, 303);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_has_a_hundred_boards_learns_it_before_the_yes(owner: PgPool) {
    let world = World::new(owner).await;
    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    world.imported(&world.body(SMALL)).await;
    fill(&world.owner).await;
    let csrf = olga.csrf(IMPORT).await;
    let one_more = olga.plan(&csrf, &named("one-more"), SMALL.as_bytes()).await;
    assert!(
        one_more.0 == 422 && one_more.1.contains("at most 100 imported boards"),
        "{}",
        one_more.1
    );
    let mut fields = named("final");
    fields.push(("replace", "one may still be replaced"));
    let in_its_place = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
    assert_eq!(in_its_place.0, 200, "{}", in_its_place.1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_name_that_another_challenge_uses_is_neither_taken_nor_replaced(owner: PgPool) {
    let world = World::new(owner).await;
    let jaws = ChallengeBuilder::new("jaws").insert(&world.owner).await;
    let orla = testing::organizer(&world.owner, "Orla", jaws.id).await;
    let mut theirs = world.body(SMALL);
    theirs["challenge"] = json!("jaws");
    let path = "/api/v1/boards/imported";
    let (status, made) = world.post(path, Some(&orla), None, &theirs).await;
    assert_eq!(status, 201, "{made}");

    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    let csrf = olga.csrf(IMPORT).await;
    let mut fields = named("final");
    let (status, html) = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
    assert_eq!(status, 200, "{html}");
    fields.push(("replace", "to see whether it is ours"));
    let (status, html) = olga.plan(&csrf, &fields, SMALL.as_bytes()).await;
    assert!(
        status == 422 && html.contains("no such imported board to be replaced"),
        "{html}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_its_organizers_see_the_form_and_only_their_own_page_sends_it(owner: PgPool) {
    let world = World::new(owner).await;
    let jaws = ChallengeBuilder::new("jaws").insert(&world.owner).await;
    let orla = testing::organizer(&world.owner, "Orla", jaws.id).await;
    let orla = Browser {
        world: &world,
        person: &orla,
    };
    let csrf = orla.csrf("/organize/boards/jaws/import").await;
    let get = TestRequest::get().uri(IMPORT);
    assert_eq!(orla.send(get).await.0, 403);
    let told = orla.plan(&csrf, &named("final"), SMALL.as_bytes()).await;
    assert_eq!(told.0, 403);

    let olga = Browser {
        world: &world,
        person: &world.olga,
    };
    let forged = olga.plan(&csrf, &named("final"), SMALL.as_bytes()).await;
    assert_eq!(forged.0, 403);
    let csrf = olga.csrf(IMPORT).await;
    let (status, html) = olga.plan(&csrf, &named("final"), SMALL.as_bytes()).await;
    assert_eq!(status, 200, "{html}");
    let fields = FIELDS.map(|name| (name, held(&html, name)));
    let unsigned = TestRequest::post().uri(IMPORT).set_form(&fields[..]);
    assert_eq!(olga.send(unsigned).await.0, 403);
    let none = TestRequest::get().uri("/organize/boards/none/import");
    assert_eq!(olga.send(none).await.0, 404);
    assert_eq!(world.kept().await, (0, 0));
}
