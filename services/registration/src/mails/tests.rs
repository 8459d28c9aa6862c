use chrono::TimeDelta;
use molar_web_kit::testing::{admin, noon, person};
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::links::Purpose;
use crate::postbox::{Mood, Postbox};
use crate::testing::Api;

fn sender(api: &Api, postbox: Option<&Postbox>) -> Sender {
    let args = MailArgs {
        smtp_url: postbox.map(|postbox| postbox.url().into()),
        mail_from: "Molar <molar@molar.test>".parse().unwrap(),
        mail_dir: None,
    };
    Sender::new(api.kit.clone(), &args).unwrap()
}

async fn tell(pool: &PgPool, cause: &str, to: UserId, subject: &str) {
    let mut conn = pool.acquire().await.unwrap();
    queue(
        &mut conn,
        noon(),
        cause,
        &[to],
        subject,
        "The text.\nIts second line.",
    )
    .await
    .unwrap();
}

async fn register(api: &Api) -> crate::testing::As {
    crate::testing::registered(api, "ada@example.org").await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_account_only_reads_until_the_link_of_a_real_mail_was_followed(pool: PgPool) {
    let api = Api::strict(&pool).await;
    crate::testing::challenge(&pool).await;
    let ada = register(&api).await;
    let team = json!({"challenge": "demo", "name": "Molars"});
    let (status, problem) = ada.post("/api/v1/teams", team.clone()).await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("address-not-confirmed"))
    );
    assert_eq!(ada.get("/api/v1/teams").await.0, 200);
    assert_eq!(ada.get("/api/v1/me").await.1["is_confirmed"], false);

    let postbox = Postbox::open();
    assert_eq!(sender(&api, Some(&postbox)).round().await.unwrap(), 1);
    let [mail] = &postbox.received()[..] else {
        panic!("{:?}", postbox.received())
    };
    assert_eq!(mail.to, ["ada@example.org"]);
    assert_eq!(mail.header("To"), Some("ada@example.org"));
    assert_eq!(mail.header("From"), Some("Molar <molar@molar.test>"));
    assert_eq!(mail.header("Subject"), Some("Confirm your address"));
    assert_eq!(mail.header("List-Unsubscribe"), None);

    let link = mail.link("/account/confirm");
    let token = link.rsplit_once("token=").unwrap().1.to_owned();
    let (status, page) = api.nobody().page(&link).await;
    assert!(status == 200 && page.contains(&token), "{page}");
    assert_eq!(
        ada.get("/api/v1/me").await.1["is_confirmed"],
        false,
        "a look is none"
    );
    let confirm = json!({ "token": token });
    let path = "/api/v1/accounts/confirm";
    assert_eq!(api.nobody().post(path, confirm.clone()).await.0, 204);
    assert_eq!(ada.get("/api/v1/me").await.1["is_confirmed"], true);
    assert_eq!(ada.post("/api/v1/teams", team).await.0, 201);

    let (status, again) = api.nobody().post(path, confirm).await;
    assert_eq!((status, &again["code"]), (410, &json!("link-over")));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_link_ends_in_time_and_with_the_next_one(pool: PgPool) {
    let api = Api::strict(&pool).await;
    let ada = register(&api).await;
    let first = crate::testing::link_of(&api, &pool, Purpose::Confirm, "ada@example.org").await;
    assert_eq!(ada.post("/api/v1/me/confirmation", json!({})).await.0, 202);
    let second = crate::testing::link_of(&api, &pool, Purpose::Confirm, "ada@example.org").await;
    assert_ne!(first, second);
    let confirm = async |token: &str| {
        let body = json!({ "token": token });
        api.nobody().post("/api/v1/accounts/confirm", body).await.0
    };
    assert_eq!(confirm(&first).await, 410);
    api.clock.advance(TimeDelta::days(3));
    assert_eq!(confirm(&second).await, 410);
    assert_eq!(confirm("forged").await, 410);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_database_holds_no_secret_of_a_link(pool: PgPool) {
    let api = Api::strict(&pool).await;
    register(&api).await;
    let token = crate::testing::link_of(&api, &pool, Purpose::Confirm, "ada@example.org").await;
    let text = sqlx::query_scalar!(
        r#"SELECT string_agg(m::text || l::text, '') AS "all!"
        FROM registration.mails m JOIN registration.mail_links l ON l.id = m.link_id"#
    );
    let text = text.fetch_one(&pool).await.unwrap();
    assert!(
        text.contains("ada@example.org") && !text.contains(&token),
        "{text}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn without_a_server_mails_wait_and_nothing_is_lost(pool: PgPool) {
    let api = Api::new(&pool).await;
    let (ada, root) = (person(&pool, "Ada").await, admin(&pool, "Root").await);
    tell(&pool, "news/1", ada.id, "News").await;
    assert_eq!(sender(&api, None).round().await.unwrap(), 0);
    let (_, waiting) = api.of(&root).get("/api/v1/mails").await;
    assert_eq!(waiting["items"][0]["subject"], "News");
    assert!(!waiting.to_string().contains("molar.test"), "{waiting}");
    let (_, page) = api.browser(&root).page("/organize/mails").await;
    assert!(page.contains("<dt>Waiting</dt><dd>1, the oldest"), "{page}");

    let postbox = Postbox::open();
    assert_eq!(sender(&api, Some(&postbox)).round().await.unwrap(), 1);
    assert_eq!(postbox.received().len(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_mail_goes_out_once_whoever_asks_however_often(pool: PgPool) {
    let api = Api::new(&pool).await;
    let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
    for _ in 0..3 {
        tell(&pool, "news/1", ada.id, "News").await;
        tell(&pool, "news/1", grace.id, "News").await;
    }
    tell(&pool, "news/2", ada.id, "Other news").await;

    let postbox = Postbox::open();
    let (one, other) = (sender(&api, Some(&postbox)), sender(&api, Some(&postbox)));
    let (one, other) = tokio::join!(one.round(), other.round());
    assert_eq!(one.unwrap() + other.unwrap(), 3);
    let mut sent: Vec<_> = postbox
        .received()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    sent.sort();
    let address = |user: UserId| format!("{user}@molar.test");
    let mut expected = [address(ada.id), address(ada.id), address(grace.id)];
    expected.sort();
    assert_eq!(sent, expected, "one recipient a mail");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_stumbling_server_is_tried_again_after_a_while(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    let postbox = Postbox::open();
    let sender = sender(&api, Some(&postbox));
    postbox.set(Mood::Stumbles);
    assert_eq!(sender.round().await.unwrap(), 0);
    postbox.set(Mood::Takes);
    assert_eq!(sender.round().await.unwrap(), 0, "not before its time");
    api.clock.advance(TimeDelta::seconds(15));
    assert_eq!(sender.round().await.unwrap(), 1);
    api.clock.advance(TimeDelta::days(1));
    assert_eq!(sender.round().await.unwrap(), 0);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_mail_that_goes_out_twice_has_one_message_id(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    let postbox = Postbox::open();
    let sender = sender(&api, Some(&postbox));
    assert_eq!(sender.round().await.unwrap(), 1);
    // As if the process had died before it could note that.
    sqlx::query!("UPDATE registration.mails SET sent_at = NULL")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(sender.round().await.unwrap(), 1);
    let [first, second] = &postbox.received()[..] else {
        panic!("{:?}", postbox.received())
    };
    let id = first.header("Message-ID").unwrap();
    assert!(id.ends_with("@molar.test>"), "{id}");
    assert_eq!(second.header("Message-ID"), Some(id));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn whoever_dies_with_a_mail_leaves_it_to_the_next(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    let held = rows::claim(&pool, noon()).await.unwrap().unwrap();
    let postbox = Postbox::open();
    let sender = sender(&api, Some(&postbox));
    assert_eq!(sender.round().await.unwrap(), 0);
    api.clock.advance(TimeDelta::minutes(3));
    assert_eq!(sender.round().await.unwrap(), 1);

    rows::fail(&pool, &held, "too late", None, noon())
        .await
        .unwrap();
    assert_eq!(
        rows::counts(&pool).await.unwrap().given_up,
        0,
        "it is not theirs any more"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_refused_mail_is_given_up_in_sight_and_an_admin_may_try_again(pool: PgPool) {
    let api = Api::new(&pool).await;
    let (ada, root) = (person(&pool, "Ada").await, admin(&pool, "Root").await);
    tell(&pool, "news/1", ada.id, "News").await;
    tell(&pool, "news/2", ada.id, "Other news").await;
    let postbox = Postbox::open();
    postbox.set(Mood::Refuses);
    let sender = sender(&api, Some(&postbox));
    assert_eq!(sender.round().await.unwrap(), 0);
    let (_, list) = api.of(&root).get("/api/v1/mails").await;
    let mail = &list["items"][1];
    assert_eq!(mail["last_error"], "the mail server answered 550");
    assert!(mail["given_up_at"].is_string(), "{list}");

    postbox.set(Mood::Takes);
    let again = format!("/api/v1/mails/{}/retry", mail["id"].as_str().unwrap());
    assert_eq!(api.of(&ada).post(&again, json!({})).await.0, 403);
    assert_eq!(api.of(&root).post(&again, json!({})).await.0, 204);
    assert_eq!(sender.round().await.unwrap(), 1);
    assert_eq!(api.of(&root).post(&again, json!({})).await.0, 404);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn news_that_nobody_took_in_time_is_given_up(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    api.clock.advance(PATIENCE);
    let postbox = Postbox::open();
    assert_eq!(sender(&api, Some(&postbox)).round().await.unwrap(), 0);
    assert_eq!(rows::counts(&pool).await.unwrap().given_up, 1);
    assert_eq!(postbox.received(), []);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nothing_that_people_write_becomes_a_header(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(
        &pool,
        "news/1",
        ada.id,
        "News\r\nBcc: eve@example.org\r\n\r\nOther text",
    )
    .await;
    let postbox = Postbox::open();
    assert_eq!(sender(&api, Some(&postbox)).round().await.unwrap(), 1);
    let [mail] = &postbox.received()[..] else {
        panic!("{:?}", postbox.received())
    };
    assert_eq!(mail.header("Bcc"), None);
    assert_eq!(
        mail.header("Subject"),
        Some("News Bcc: eve@example.org Other text")
    );
    assert_eq!(mail.to.len(), 1);

    for recipient in ["ada@x.org\r\nBcc: eve@example.org", "ada@x.org,eve@x.org"] {
        let body = json!({"email": recipient, "name": "Ada", "password": "correct horse"});
        assert_eq!(
            api.nobody().post("/api/v1/accounts", body).await.0,
            422,
            "{recipient}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_link_in_a_notice_ends_notices_and_nothing_else(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    let postbox = Postbox::open();
    let sender = sender(&api, Some(&postbox));
    assert_eq!(sender.round().await.unwrap(), 1);
    let mail = postbox.received().remove(0);
    let link = mail.link("/unsubscribe/");
    assert_eq!(
        mail.header("List-Unsubscribe"),
        Some(format!("<http://molar.test{link}>").as_str())
    );
    assert_eq!(
        mail.header("List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );

    assert_eq!(api.nobody().page(&link).await.0, 200);
    assert_eq!(
        api.of(&ada).get("/api/v1/me").await.1["wants_notices"],
        true
    );
    let forged = link.replace('.', ".0");
    assert_eq!(api.nobody().form(&forged, &[]).await.0, 404);
    let one_click = [("List-Unsubscribe", "One-Click")];
    assert_eq!(api.nobody().form(&link, &one_click).await.0, 200);
    assert_eq!(
        api.of(&ada).get("/api/v1/me").await.1["wants_notices"],
        false
    );

    tell(&pool, "news/2", ada.id, "More news").await;
    assert_eq!(sender.round().await.unwrap(), 0);
    let body = json!({"email": format!("{}@molar.test", ada.id)});
    assert_eq!(
        api.nobody().post("/api/v1/accounts/reset", body).await.0,
        202
    );
    assert_eq!(sender.round().await.unwrap(), 1);

    let wants = json!({"wants_notices": true});
    assert_eq!(api.of(&ada).patch("/api/v1/me", wants).await.0, 204);
    tell(&pool, "news/3", ada.id, "More news").await;
    assert_eq!(sender.round().await.unwrap(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn in_development_mails_are_files(pool: PgPool) {
    let api = Api::new(&pool).await;
    let ada = person(&pool, "Ada").await;
    tell(&pool, "news/1", ada.id, "News").await;
    let folder = tempfile::tempdir().unwrap();
    let args = MailArgs {
        smtp_url: None,
        mail_from: "Molar <molar@molar.test>".parse().unwrap(),
        mail_dir: Some(folder.path().to_owned()),
    };
    let sender = Sender::new(api.kit.clone(), &args).unwrap();
    assert_eq!(sender.round().await.unwrap(), 1);
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    assert!(
        text.contains("Subject: News") && text.contains("Its second line."),
        "{text}"
    );
}

#[test]
fn a_password_in_the_url_of_the_server_is_not_printed() {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Process {
        #[command(flatten)]
        mail: MailArgs,
    }
    let args = Process::parse_from(["x", "--smtp-url", "smtps://u:hush@mail.test"]);
    assert!(!format!("{args:?}").contains("hush"));
}
