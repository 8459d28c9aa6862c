//! What is done on the database's host, as its owner: the first administrator, and who organizes.

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, UserId};
use molar_service::audit;
use molar_web_kit::ApiError;
use secrecy::SecretString;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::accounts::create::CreateAccount;
use crate::passwords::Passwords;
use crate::{Error, accounts, challenges, links, tokens};

/// Makes an administrator, or makes one of the account that the address has; the password becomes
/// the given one either way. `owner` logs in as the owner of the database.
pub async fn create_admin(
    owner: &PgPool,
    now: DateTime<Utc>,
    email: &str,
    name: &str,
    password: SecretString,
) -> Result<UserId, Error> {
    let request = CreateAccount {
        email: email.into(),
        name: name.into(),
        affiliation: String::new(),
        password,
    };
    let new = request.validate()?;
    let hash = Passwords::default().hash(new.password.clone()).await?;
    let mut tx = owner.begin().await?;
    let known = accounts::rows::by_email(&mut *tx, &new.email).await?;
    let was_admin = known.as_ref().is_some_and(|user| user.is_admin);
    let id = match known {
        Some(user) => user.id,
        None => accounts::rows::insert(&mut *tx, &new, &hash, now).await?,
    };
    sqlx::query!(
        "UPDATE registration.users SET is_admin = true, password_hash = $2, must_confirm = false,
                confirmed_at = COALESCE(confirmed_at, $3) WHERE id = $1",
        id.0,
        hash,
        now,
    )
    .execute(&mut *tx)
    .await?;
    // Somebody else may have taken the address before.
    tokens::rows::revoke_all(&mut *tx, id, now).await?;
    links::end_all(&mut tx, id, now).await?;
    let details = json!({ "from": { "is_admin": was_admin }, "to": { "is_admin": true } });
    audit::append(&mut tx, now, None, "admin.created", id.0, details, None).await?;
    tx.commit().await?;
    Ok(id)
}

/// Makes the account of an address an organizer of a challenge.
pub async fn grant_organizer(
    owner: &PgPool,
    now: DateTime<Utc>,
    challenge: &str,
    email: &str,
) -> Result<(), Error> {
    let mut tx = owner.begin().await?;
    let challenge = challenges::find_by_slug(&mut *tx, challenge).await?;
    let email = email.trim().to_ascii_lowercase();
    let user = accounts::rows::by_email(&mut *tx, &email)
        .await?
        .ok_or(Error::NotFound("user"))?;
    if user.must_confirm && user.confirmed_at.is_none() {
        let why = "the address of this account is not confirmed: its owner opens the link that was mailed first";
        return Err(ApiError::conflict(why).into());
    }
    insert_organizer(&mut tx, challenge.id, user.id, now).await?;
    let details = json!({ "user_id": user.id, "to": "organizer" });
    audit::append(
        &mut tx,
        now,
        None,
        "organizer.granted",
        challenge.id.0,
        details,
        None,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn insert_organizer(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO registration.challenge_roles (challenge_id, user_id, role, granted_at)
         VALUES ($1, $2, 'organizer', $3)
         ON CONFLICT (challenge_id, user_id) DO UPDATE SET role = 'organizer'",
        challenge.0,
        user.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::noon;

    use super::*;
    use crate::testing::{Api, challenge, registered};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_took_an_address_that_is_not_theirs_gets_no_rights_with_it(pool: PgPool) {
        let api = Api::strict(&pool).await;
        challenge(&pool).await;
        let root = "root@example.org";
        let eve = registered(&api, root).await;
        let refused = grant_organizer(&pool, noon(), "demo", root).await;
        assert!(refused.unwrap_err().to_string().contains("not confirmed"));
        let roles =
            sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM registration.challenge_roles"#);
        assert_eq!(roles.fetch_one(&pool).await.unwrap(), 0);
        assert_eq!(eve.get("/api/v1/me").await.0, 200);
        create_admin(&pool, noon(), root, "Root", "a long word".into())
            .await
            .unwrap();
        assert_eq!(eve.get("/api/v1/me").await.0, 401);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_first_admin_and_organizer_are_made_on_the_host(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let root = "Root@Example.org";
        let first = create_admin(&pool, noon(), root, "Root", "a long word".into())
            .await
            .unwrap();
        let second = create_admin(&pool, noon(), root, "Root", "another word".into())
            .await
            .unwrap();
        assert_eq!(first, second);
        grant_organizer(&pool, noon(), "demo", root).await.unwrap();
        grant_organizer(&pool, noon(), "demo", root).await.unwrap();

        let body = json!({"email": root, "password": "another word"});
        let (_, session) = api.nobody().post("/api/v1/sessions", body).await;
        let (_, me) = api
            .with_token(session["token"].as_str().unwrap())
            .get("/api/v1/me")
            .await;
        assert_eq!(me["is_admin"], true);
        assert_eq!(me["organizer_of"], json!([demo.id]));
        let actions = sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq");
        let actions = actions.fetch_all(&pool).await.unwrap();
        assert_eq!(
            actions.join(" "),
            "admin.created admin.created organizer.granted organizer.granted"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn strangers_are_not_made_organizers(pool: PgPool) {
        challenge(&pool).await;
        let nobody = grant_organizer(&pool, noon(), "demo", "x@example.org").await;
        assert!(matches!(nobody, Err(Error::NotFound("user"))));
        let nowhere = grant_organizer(&pool, noon(), "none", "x@example.org").await;
        assert!(matches!(nowhere, Err(Error::NotFound("challenge"))));
        let short = create_admin(&pool, noon(), "x@example.org", "X", "short".into()).await;
        assert!(matches!(short, Err(Error::Request(_))));
    }
}
