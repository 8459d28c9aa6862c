//! `POST /api/v1/announcements`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use molar_service::audit;
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::AnnouncementView;
use super::rows::{self, NewAnnouncement};
use crate::{Error, challenges, mails};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAnnouncement {
    /// Slug of the challenge.
    pub challenge: String,
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Plain text; addresses in it can be followed.
    #[schema(min_length = 1, max_length = 10000)]
    pub text: String,
    /// Also mail it to the members of teams that take part, but for those who want no such mail.
    #[serde(default)]
    pub by_mail: bool,
}

impl CreateAnnouncement {
    fn validate(&self) -> Result<NewAnnouncement, ApiError> {
        let mut wrong = Complaints::new();
        let new = NewAnnouncement {
            title: wrong.text("/title", &self.title, 1..=200),
            text: several_lines(&mut wrong, "/text", &self.text, 10_000),
            by_mail: self.by_mail,
        };
        wrong.finish()?;
        Ok(new)
    }
}

/// A text as a form sends it: line breaks and tabs are no fault.
fn several_lines(wrong: &mut Complaints, pointer: &str, text: &str, max: usize) -> String {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    let length = text.chars().count();
    let detail = format!("must have 1 to {max} characters, has {length}");
    wrong.check((1..=max).contains(&length), pointer, detail);
    let is_plain = !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    wrong.check(is_plain, pointer, "must have no control characters");
    text
}

/// Announces something to everybody in a challenge.
#[utoipa::path(
    post,
    path = "/api/v1/announcements",
    tag = "announcements",
    responses((status = CREATED, body = AnnouncementView))
)]
#[tracing::instrument(name = "announcements.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateAnnouncement>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let made = announce(&mut tx, &kit, &caller, &body).await?;
    let response = once
        .finish(&mut tx, StatusCode::CREATED, None, &made)
        .await?;
    tx.commit().await?;
    Ok(response)
}

/// With its mails, in the caller's transaction.
pub async fn announce(
    conn: &mut PgConnection,
    kit: &Kit,
    caller: &Caller,
    request: &CreateAnnouncement,
) -> Result<AnnouncementView, Error> {
    let new = request.validate()?;
    let challenge = challenges::find_by_slug(&mut *conn, &request.challenge).await;
    let challenge = challenge.map_err(|error| match error {
        Error::NotFound(_) => ApiError::invalid("/challenge", "no such challenge").into(),
        other => other,
    })?;
    caller.require_organizer(challenge.id)?;

    let now = kit.clock.now();
    let id = rows::insert(conn, challenge.id, &new, caller.user_id, now).await?;
    if new.by_mail {
        let to = rows::participants(&mut *conn, challenge.id).await?;
        let subject = format!("{}: {}", challenge.title, new.title);
        let text = format!(
            "{}\n\n{}announcements/{}",
            new.text, kit.public_url, challenge.slug
        );
        let cause = format!("announcement/{id}");
        mails::queue(conn, now, &cause, &to, &subject, &text).await?;
    }
    let details = json!({ "challenge_id": challenge.id, "by_mail": new.by_mail });
    let made = "announcement.made";
    audit::append(conn, now, Some(caller.user_id), made, id, details, None).await?;
    Ok(AnnouncementView {
        id,
        challenge_id: challenge.id,
        challenge: challenge.slug,
        title: new.title,
        text: new.text,
        is_mailed: new.by_mail,
        created_at: now,
        withdrawn_at: None,
        withdrawn_reason: None,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{
        Api, challenge, challenge_named, id_of, join, participation, set_state, sign, team,
    };

    const PATH: &str = "/api/v1/announcements";

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_announcement_is_mailed_to_members_of_teams_that_take_part(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let (eve, quiet) = (person(&pool, "Eve").await, person(&pool, "Quiet").await);
        for one in [&ada, &grace, &eve, &quiet] {
            sign(&api, one).await;
        }
        let molars = team(&api, &ada, "Molars").await;
        join(&api, &molars, &ada, &grace).await;
        join(&api, &molars, &ada, &quiet).await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        set_state(&pool, &place, "approved").await;
        let other = participation(&api, &ada, &molars, demo.other_track).await;
        set_state(&pool, &other, "approved").await;
        let incisors = team(&api, &eve, "Incisors").await;
        participation(&api, &eve, &incisors, demo.track).await;
        let no = json!({"wants_notices": false});
        assert_eq!(api.of(&quiet).patch("/api/v1/me", no).await.0, 204);

        let olga = organizer(&pool, "Olga", demo.id).await;
        let body =
            json!({"challenge": "demo", "title": "More data", "text": "Soon.", "by_mail": true});
        let olga = api.of(&olga).key("once");
        let (status, made) = olga.post(PATH, body.clone()).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(olga.post(PATH, body).await, (201, made));
        let mails = sqlx::query!(
            "SELECT u.name, m.subject FROM registration.mails m
             JOIN registration.users u ON u.id = m.user_id ORDER BY u.name"
        );
        let mails = mails.fetch_all(&pool).await.unwrap();
        let mails: Vec<_> = mails
            .iter()
            .map(|mail| (mail.name.as_str(), mail.subject.as_str()))
            .collect();
        let subject = "Teeth in images: More data";
        assert_eq!(mails, [("Ada", subject), ("Grace", subject)]);
        let actions =
            sqlx::query_scalar!("SELECT action FROM audit.entries WHERE action LIKE 'ann%'");
        assert_eq!(
            actions.fetch_all(&pool).await.unwrap(),
            ["announcement.made"]
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn everybody_reads_it_as_text_and_a_withdrawal_stays_in_sight(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let list = "/organize/announcements";
        let text = "<script>alert(1)</script>\r\nSee https://molar.test/a?b=1&c=2.";
        let form = [
            ("challenge", "demo"),
            ("title", "Erratum <b>"),
            ("text", text),
        ];
        assert_eq!(olga.submit(list, list, &form).await, (303, list.into()));
        let empty = [
            ("challenge", "demo"),
            ("title", ""),
            ("text", "kept as it was"),
        ];
        let (status, html) = olga.submit(list, list, &empty).await;
        assert_eq!(status, 422);
        assert!(html.contains("must have 1 to 200 characters"), "{html}");
        assert!(html.contains(">kept as it was</textarea>"), "{html}");

        let (_, html) = api.nobody().page("/announcements/demo").await;
        assert!(
            !html.contains("<script>") && !html.contains("<b>"),
            "{html}"
        );
        let link = r#"<a href="https://molar.test/a?b=1&#38;c=2" rel="nofollow noopener">"#;
        assert!(html.contains(link), "{html}");

        let (_, items) = api
            .nobody()
            .get("/api/v1/announcements?challenge=demo")
            .await;
        let id = id_of(&items["items"][0]);
        let path = format!("{list}/{id}/withdraw");
        assert_eq!(olga.submit(list, &path, &[("reason", " ")]).await.0, 422);
        let reason = [("reason", "it was wrong")];
        assert_eq!(olga.submit(list, &path, &reason).await.0, 303);
        assert_eq!(olga.submit(list, &path, &reason).await.0, 422, "once");
        let (_, html) = api.nobody().page("/announcements/demo").await;
        assert!(
            html.contains("it was wrong") && html.contains("<s><bdi>Erratum"),
            "{html}"
        );
        let personal = sqlx::query_scalar!("SELECT text FROM audit.personal");
        assert_eq!(personal.fetch_all(&pool).await.unwrap(), ["it was wrong"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn only_an_organizer_of_the_challenge_announces_and_withdraws(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let other = challenge_named(&pool, "other").await;
        let olga = organizer(&pool, "Olga", demo.id).await;
        let foreign = organizer(&pool, "Otto", other.id).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"challenge": "demo", "title": "Hello", "text": "World"});
        assert_eq!(api.of(&ada).post(PATH, body.clone()).await.0, 403);
        assert_eq!(api.of(&foreign).post(PATH, body.clone()).await.0, 403);
        let (_, made) = api.of(&olga).post(PATH, body).await;
        let path = format!("{PATH}/{}/withdraw", id_of(&made));
        let reason = json!({"reason": "I do not like it"});
        assert_eq!(api.of(&foreign).post(&path, reason.clone()).await.0, 403);
        assert_eq!(api.of(&olga).post(&path, reason).await.0, 204);
        let nowhere = json!({"challenge": "none", "title": "Hello", "text": "Wor\u{1}ld"});
        let (status, problem) = api.of(&olga).post(PATH, nowhere).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/text"))
        );
    }
}
