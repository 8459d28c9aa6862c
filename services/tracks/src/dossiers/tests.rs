use std::sync::Arc;

use molar_objects::Bucket;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::archive::tests::archive_of;
use crate::finals::stage::{COMMIT, CodeHost, Stage, dossier};
use crate::testing::{World, put_at};

const TWO: &[(&str, Option<i32>)] = &[("Ada", Some(1)), ("Bob", Some(2))];

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_dossier_is_filled_in_steps_and_says_what_is_missing(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let path = format!("/api/v1/finalists/{}/dossier", stage.finalist("Ada").await);
    let (_, empty) = stage.member("Ada").get(&path).await;
    assert_eq!(empty["missing"].as_array().unwrap().len(), 7, "{empty}");
    let (status, begun) = stage
        .member("Ada")
        .put(&path, json!({"external_data": "none"}))
        .await;
    assert_eq!(
        (status, begun["missing"].as_array().unwrap().len()),
        (200, 6)
    );
    stage.fill("Ada").await;
    let (_, filled) = stage.member("Ada").get(&path).await;
    assert_eq!(
        filled["missing"],
        json!(["the snapshot of that commit, which the organizers fetch"])
    );
    let lock = path.replace("dossier", "lock");
    let (status, refused) = stage.olga().post(&lock, json!({})).await;
    assert_eq!(status, 409);
    assert!(
        refused["detail"].as_str().unwrap().contains("snapshot"),
        "{refused}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_wrong_is_said_at_its_place_and_changes_nothing(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let id = stage.fill("Ada").await;
    let path = format!("/api/v1/finalists/{id}/dossier");
    let (_, before) = stage.member("Ada").get(&path).await;
    let with = |change: fn(&mut Value)| {
        let mut body = dossier(Some(false));
        change(&mut body);
        body
    };
    for (wrong, at) in [
        (
            with(|b| b["authors"][0]["orcid"] = json!("0000-0002-1825-0098")),
            "/authors/0/orcid",
        ),
        (
            with(|b| b["authors"][0]["name"] = json!(" ")),
            "/authors/0/name",
        ),
        (with(|b| b["commit"] = json!("main")), "/commit"),
        (
            with(|b| b["code_url"] = json!("http://github.com/a/b")),
            "/code_url",
        ),
        (
            with(|b| b["code_url"] = json!("https://127.0.0.1/a/b")),
            "/code_url",
        ),
        (
            with(|b| b["code_url"] = json!("https://github.com/a")),
            "/code_url",
        ),
        (
            with(|b| b["external_data"] = json!("x".repeat(4001))),
            "/external_data",
        ),
        (
            with(|b| b["external_weights"] = json!("a\u{0}b")),
            "/external_weights",
        ),
    ] {
        let (status, refused) = stage.member("Ada").put(&path, wrong).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (422, &json!(at)),
            "{refused}"
        );
    }
    assert_eq!(stage.member("Ada").get(&path).await.1, before);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_its_team_writes_it_and_nobody_once_it_is_locked_or_due(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(2).await;
    let id = stage.finalist("Ada").await;
    let path = format!("/api/v1/finalists/{id}/dossier");
    assert_eq!(stage.member("Bob").get(&path).await.0, 404);
    assert_eq!(stage.member("Bob").put(&path, dossier(None)).await.0, 404);
    assert_eq!(stage.olga().get(&path).await.0, 200);
    assert_eq!(stage.olga().put(&path, dossier(None)).await.0, 403);
    assert_eq!(stage.world.api.nobody().get(&path).await.0, 404);

    stage.lock(&pool, "Ada").await;
    let (status, refused) = stage.member("Ada").put(&path, dossier(None)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("dossier-closed")));
    let report = format!("/api/v1/finalists/{id}/report");
    let new = json!({"size_bytes": 5, "sha256": "0".repeat(64)});
    assert_eq!(stage.member("Ada").post(&report, new).await.0, 409);
    let unlock = format!("/api/v1/finalists/{id}/unlock");
    assert_eq!(stage.olga().post(&unlock, json!({})).await.0, 422);
    assert_eq!(
        stage
            .olga()
            .post(&unlock, json!({"reason": "a typo"}))
            .await
            .0,
        200
    );
    assert_eq!(stage.member("Ada").put(&path, dossier(None)).await.0, 200);
    let due = "UPDATE tracks.finals SET dossiers_due_at = '2026-09-01 12:00Z'; UPDATE tracks.dossiers SET reopened_at = NULL;
               UPDATE tracks.finalists SET named_at = '2026-08-31 12:00Z' WHERE named_at IS NOT NULL";
    sqlx::raw_sql(due).execute(&pool).await.unwrap();
    let (status, refused) = stage.member("Ada").put(&path, dossier(None)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("dossier-closed")));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_report_is_a_whole_pdf_or_none(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    for bad in [&b"PK\x03\x04"[..], b"%PDF-1.7 cut off"] {
        let (put, status, refused) = stage.put_report("Ada", bad).await;
        assert_eq!((put, status), (200, 422), "{refused}");
        assert!(refused.to_string().contains("no whole PDF"), "{refused}");
    }
    let (_, status, stored) = stage.put_report("Ada", b"%PDF-1.7 one %%EOF").await;
    assert_eq!(
        (status, &stored["report"]["size_bytes"]),
        (200, &json!(18)),
        "{stored}"
    );
    let (_, status, stored) = stage.put_report("Ada", b"%PDF-1.7 second %%EOF").await;
    assert_eq!(
        (status, &stored["report"]["size_bytes"]),
        (200, &json!(21)),
        "{stored}"
    );
    let path = format!("/api/v1/finalists/{}/report", stage.finalist("Ada").await);
    let (status, link) = stage.member("Ada").page(&path).await;
    assert_eq!(status, 303);
    let pdf = reqwest::get(&link).await.unwrap().bytes().await.unwrap();
    assert_eq!(&pdf[..], b"%PDF-1.7 second %%EOF");
    let large = json!({"size_bytes": (20 << 20) + 1, "sha256": "0".repeat(64)});
    assert_eq!(stage.member("Ada").post(&path, large).await.0, 422);
    let unknown = json!({"sha256": "0".repeat(64)});
    assert_eq!(
        stage
            .member("Ada")
            .post(&format!("{path}/stored"), unknown)
            .await
            .0,
        422
    );
}

const PDF: &[u8] = b"%PDF-1.7 by a form %%EOF\n";

/// All that is kept of a finalist.
async fn kept(stage: &Stage) -> Vec<String> {
    let all = stage.world.store.list(Bucket::Hidden, "finals/").await;
    all.unwrap().into_iter().map(|entry| entry.key).collect()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_report_comes_by_a_form_without_a_script(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let page = format!("/finalists/{}", stage.finalist("Ada").await);
    let path = format!("{page}/report");
    let browser = stage.world.api.browser(&stage.people["Ada"]);
    let token = browser.csrf(&page).await;
    let csrf = ("_csrf", "", token.as_bytes());
    let file = ("report", "C:\\me\\Our <report>.pdf", PDF);
    assert_eq!(
        browser.send_form(&path, &[csrf, file]).await,
        (303, page.clone())
    );
    let (_, html) = browser.page(&page).await;
    let sha256 = hex::encode(Sha256::digest(PDF));
    for told in [
        "<bdi>Our &#60;report&#62;.pdf</bdi>",
        "25 bytes",
        "2026-09-01 12:00 UTC",
        sha256.as_str(),
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    let (_, link) = browser.page(&format!("/api/v1{page}/report")).await;
    let read = reqwest::get(&link).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read[..], PDF);

    // The one before goes.
    let second = ("report", "second.pdf", &b"%PDF-1.7 second %%EOF"[..]);
    assert_eq!(browser.send_form(&path, &[csrf, second]).await.0, 303);
    assert_eq!(kept(&stage).await.len(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_a_form_brings_wrongly_is_said_there_and_leaves_nothing_behind(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let id = stage.finalist("Ada").await;
    let (page, path) = (
        format!("/finalists/{id}"),
        format!("/finalists/{id}/report"),
    );
    let browser = stage.world.api.browser(&stage.people["Ada"]);
    let token = browser.csrf(&page).await;
    let csrf = ("_csrf", "", token.as_bytes());
    let mut large = b"%PDF-1.7 ".to_vec();
    large.resize(20 << 20, b' ');
    large.extend(b"%%EOF");
    for (name, content, why) in [
        ("report", &b"PK\x03\x04 a zip"[..], "no whole PDF"),
        ("report", &b""[..], "choose a file"),
        ("other", PDF, "choose a file"),
        ("report", &large[..], "more than 20 MiB"),
    ] {
        let (status, html) = browser
            .send_form(&path, &[csrf, (name, "a.pdf", content)])
            .await;
        assert_eq!(status, 422, "{why}");
        assert!(html.contains(why), "{why}: {html}");
    }
    let file = ("report", "a.pdf", PDF);
    let (status, html) = browser.send_form(&path, &[csrf, file, file]).await;
    assert!(status == 422 && html.contains("is there twice"), "{html}");
    assert_eq!(kept(&stage).await.len(), 0);
    // As large as may be.
    let most = [&large[..large.len() - 10], b"%%EOF"].concat();
    assert_eq!(most.len(), 20 << 20);
    let file = ("report", "a.pdf", &most[..]);
    assert_eq!(browser.send_form(&path, &[csrf, file]).await.0, 303);
    let before = kept(&stage).await;

    stage.lock(&pool, "Ada").await;
    let kept_then = kept(&stage).await;
    assert_ne!(before, kept_then);
    let (status, html) = browser
        .send_form(&path, &[csrf, ("report", "a.pdf", PDF)])
        .await;
    assert_eq!(status, 422);
    assert!(html.contains("the dossier is locked"), "{html}");
    assert_eq!(kept(&stage).await, kept_then);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_form_with_a_file_is_refused_without_the_token_of_its_page(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let page = format!("/finalists/{}", stage.finalist("Ada").await);
    let path = format!("{page}/report");
    let browser = stage.world.api.browser(&stage.people["Ada"]);
    let token = browser.csrf(&page).await;
    let file = ("report", "a.pdf", PDF);
    let csrf = ("_csrf", "", token.as_bytes());
    let late = ("note", "", &[b' '; 9000][..]);
    for parts in [
        &[file][..],
        &[("_csrf", "", &b"0"[..]), file],
        &[file, csrf],
        &[late, csrf, file],
    ] {
        assert_eq!(browser.send_form(&path, parts).await.0, 403);
    }
    assert_eq!(kept(&stage).await, [""; 0]);
    // Another team's is not there for this one.
    let bob = stage.world.api.browser(&stage.people["Bob"]);
    let token = bob.csrf("/challenges/demo").await;
    let csrf = ("_csrf", "", token.as_bytes());
    assert_eq!(bob.send_form(&path, &[csrf, file]).await.0, 404);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_report_that_was_announced_and_came_too_late_takes_no_place(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let path = format!("/api/v1/finalists/{}/report", stage.finalist("Ada").await);
    let ada = stage.member("Ada");
    let announce = async |pdf: &[u8], name: &str| {
        let sha256 = hex::encode(Sha256::digest(pdf));
        let new = json!({"size_bytes": pdf.len(), "sha256": sha256, "name": name});
        let (status, told) = ada.post(&path, new).await;
        assert_eq!(status, 200, "{told}");
        (told["upload"].clone(), json!({"sha256": sha256}))
    };
    let (first, said_first) = announce(PDF, "first.pdf").await;
    assert_eq!(put_at(&first, PDF).await, 200);
    let two = b"%PDF-1.7 two %%EOF";
    let (second, said) = announce(two, "two.pdf").await;
    assert_eq!(
        kept(&stage).await,
        [""; 0],
        "the one that was announced before"
    );
    let stored = format!("{path}/stored");
    assert_eq!(ada.post(&stored, said_first).await.0, 422);
    assert_eq!(put_at(&second, two).await, 200);
    for _ in 0..2 {
        let (status, dossier) = ada.post(&stored, said.clone()).await;
        assert_eq!(
            (status, &dossier["report"]["name"]),
            (200, &json!("two.pdf"))
        );
    }
    // The same content again has a place of its own, and the one before goes.
    let before = kept(&stage).await;
    let (third, said) = announce(two, "two.pdf").await;
    assert_eq!(put_at(&third, two).await, 200);
    assert_eq!(ada.post(&stored, said).await.0, 200);
    let after = kept(&stage).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn consent_decides_what_the_public_reads(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(2).await;
    let (ada, bob) = (stage.fill("Ada").await, stage.fill("Bob").await);
    let path = |id: &str| format!("/api/v1/finalists/{id}/dossier");
    let (_, no) = stage
        .member("Bob")
        .put(&path(&bob), dossier(Some(false)))
        .await;
    assert_eq!(no["consents"], false);
    for team in ["Ada", "Bob"] {
        // Filling it again would consent again.
        let id = stage.finalist(team).await.parse::<uuid::Uuid>().unwrap();
        sqlx::query!(
            "UPDATE tracks.dossiers SET code_key = 'k', code_bytes = 1, code_sha256 = 's', code_from = code_url,
                    code_commit = commit, code_at = now() WHERE finalist_id = $1",
            id,
        )
        .execute(&pool)
        .await
        .unwrap();
        let lock = format!("/api/v1/finalists/{id}/lock");
        assert_eq!(stage.olga().post(&lock, json!({})).await.0, 200);
    }
    let nobody = stage.world.api.nobody();
    assert_eq!(nobody.get(&path(&ada)).await.0, 404);
    stage.olga().post(&stage.path("publish"), json!({})).await;
    assert_eq!(nobody.get(&path(&ada)).await.0, 200);
    assert_eq!(
        nobody
            .page(&format!("/api/v1/finalists/{ada}/report"))
            .await
            .0,
        303
    );
    assert_eq!(
        nobody.get(&format!("/api/v1/finalists/{ada}/code")).await.0,
        401
    );
    for path in [path(&bob), format!("/api/v1/finalists/{bob}/report")] {
        assert_eq!(nobody.get(&path).await.0, 404, "{path}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_code_is_fetched_by_its_commit_and_kept_with_its_hash(pool: PgPool) {
    let archive = archive_of(COMMIT);
    let host = CodeHost::start(archive.clone()).await;
    let link = host.link(&format!("ada/{COMMIT}.tar.gz"));
    let stage = Stage::with(&pool, TWO, World::with_network(&pool, Arc::new(host)).await).await;
    stage.name(1).await;
    let id = stage.fill("Ada").await;
    sqlx::query!("UPDATE tracks.dossiers SET code_url = $1", link)
        .execute(&pool)
        .await
        .unwrap();
    let path = format!("/api/v1/finalists/{id}/code");
    assert_eq!(stage.member("Ada").post(&path, json!({})).await.0, 403);
    let (status, fetched) = stage.olga().post(&path, json!({})).await;
    assert_eq!(status, 200, "{fetched}");
    let sha256 = hex::encode(Sha256::digest(&archive));
    assert_eq!(fetched["code"]["sha256"], sha256);
    assert_eq!(fetched["code"]["commit"], COMMIT);
    assert_eq!(fetched["missing"], json!([]));
    let (_, kept) = stage.olga().page(&path).await;
    assert_eq!(
        reqwest::get(&kept).await.unwrap().bytes().await.unwrap(),
        archive
    );

    // Another commit: the snapshot is of the one before, and the archive does not say the new one.
    sqlx::query!("UPDATE tracks.dossiers SET commit = reverse(commit), code_url = replace(code_url, commit, reverse(commit))")
        .execute(&pool)
        .await
        .unwrap();
    let (_, now) = stage
        .olga()
        .get(&format!("/api/v1/finalists/{id}/dossier"))
        .await;
    assert_eq!(now["missing"].as_array().unwrap().len(), 1, "{now}");
    let (status, refused) = stage.olga().post(&path, json!({})).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("code-not-fetched"))
    );
    assert!(
        refused["detail"].as_str().unwrap().contains(COMMIT),
        "{refused}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_network_of_production_fetches_nothing_from_inside(pool: PgPool) {
    let host = CodeHost::start(archive_of(COMMIT)).await;
    let link = host.link(&format!("ada/{COMMIT}.tar.gz"));
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let id = stage.fill("Ada").await;
    let path = format!("/api/v1/finalists/{id}/code");
    let inside = format!("https://localhost/ada/{COMMIT}.tar.gz");
    for (link, why) in [(link, "https"), (inside, "not public")] {
        sqlx::query!("UPDATE tracks.dossiers SET code_url = $1", link)
            .execute(&pool)
            .await
            .unwrap();
        let (status, refused) = stage.olga().post(&path, json!({})).await;
        assert_eq!(
            (status, &refused["code"]),
            (409, &json!("code-not-fetched")),
            "{refused}"
        );
        assert!(
            refused["detail"].as_str().unwrap().contains(why),
            "{refused}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_team_fills_it_on_a_page_that_keeps_what_was_typed(pool: PgPool) {
    let stage = Stage::of(&pool, TWO).await;
    stage.name(1).await;
    let page = format!("/finalists/{}", stage.finalist("Ada").await);
    let browser = stage.world.api.browser(&stage.people["Ada"]);
    let bad = [
        ("authors", "Ada <b>; Lab; 0000-0002-1825-0098"),
        ("commit", COMMIT),
    ];
    let (status, html) = browser.submit(&page, &page, &bad).await;
    assert_eq!(status, 422);
    assert!(
        html.contains("is no ORCID") && html.contains("Ada &#60;b&#62;; Lab"),
        "{html}"
    );
    let good = [
        ("authors", "Ada; Lab; 0000-0002-1825-0097\nBob; Lab"),
        ("consents", "yes"),
    ];
    assert_eq!(
        browser.submit(&page, &page, &good).await,
        (303, page.clone())
    );
    let (_, html) = browser.page(&page).await;
    assert!(
        html.contains("https://orcid.org/0000-0002-1825-0097"),
        "{html}"
    );
    assert_eq!(
        stage
            .world
            .api
            .browser(&stage.people["Bob"])
            .page(&page)
            .await
            .0,
        404
    );
}
