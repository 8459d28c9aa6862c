//! `POST /api/v1/accounts`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::UserId;
use molar_web_kit::{ApiError, Begun, Complaints, Kit, Once};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::confirm;
use super::rows::{self, NewAccount};
use crate::Error;
use crate::limiter::{self, Door, address_of};
use crate::sightings::{self, Occasion, Origin};
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// Signs you in, and is shown to organizers only.
    pub email: String,
    /// Shown to team mates and organizers.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub affiliation: String,
    #[schema(value_type = String, min_length = 10, max_length = 200)]
    pub password: SecretString,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
}

impl CreateAccount {
    pub fn validate(self) -> Result<NewAccount, ApiError> {
        let mut wrong = Complaints::new();
        let new = NewAccount {
            email: email_address(&mut wrong, &self.email),
            name: wrong.text("/name", &self.name, 1..=200),
            affiliation: wrong.text("/affiliation", &self.affiliation, 0..=200),
            password: self.password,
        };
        check_password(&mut wrong, "/password", &new.password);
        wrong.finish()?;
        Ok(new)
    }
}

pub fn check_password(wrong: &mut Complaints, pointer: &str, password: &SecretString) {
    // Longer ones than a person can type would only be work for the hash.
    let length = password.expose_secret().chars().count();
    let detail = format!("must have 10 to 200 characters, has {length}");
    wrong.check((10..=200).contains(&length), pointer, detail);
}

/// Lower-cased. ASCII, so that two addresses that look alike are alike; whether somebody reads it
/// the link that is mailed will tell.
pub fn email_address(wrong: &mut Complaints, given: &str) -> String {
    let email = wrong.text("/email", given, 3..=254).to_ascii_lowercase();
    let is_plain = email.bytes().all(|byte| byte.is_ascii_graphic());
    let is_address = is_plain
        && email.rsplit_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !user.contains('@') && host.split('.').all(|part| !part.is_empty())
        });
    wrong.check(
        is_address && email.parse::<lettre::Address>().is_ok(),
        "/email",
        "must be an address such as ada@example.org",
    );
    email
}

/// Makes an account, and mails a link to confirm its address. Until that was opened the account may
/// log in and read, if the operator asks for it.
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    tag = "account",
    responses((status = CREATED, body = AccountView))
)]
#[tracing::instrument(name = "accounts.create", skip_all)]
pub async fn create(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    once: Once,
    body: web::Json<CreateAccount>,
) -> Result<HttpResponse, ApiError> {
    let new = body.into_inner().validate()?;
    // A repeated request is no new try.
    let mut conn = kit.db.acquire().await?;
    if let Some(answer) = once.kept(&mut conn).await? {
        return Ok(answer);
    }
    drop(conn);
    limiter::attempt(
        &kit,
        Door::Register,
        &new.email,
        &address_of(&kit, &request),
    )
    .await?;
    // Takes long, so before there is a transaction.
    let hash = state.passwords.hash(new.password.clone()).await?;
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let id = insert(&mut tx, &kit, &state, (&new, &hash), Origin::of(&request)).await?;
    let response = once
        .finish(&mut tx, StatusCode::CREATED, None, &AccountView { id })
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn register(
    from: &HttpRequest,
    kit: &Kit,
    state: &AppState,
    request: CreateAccount,
) -> Result<UserId, Error> {
    let new = request.validate()?;
    limiter::attempt(kit, Door::Register, &new.email, &address_of(kit, from)).await?;
    let hash = state.passwords.hash(new.password.clone()).await?;
    let mut tx = kit.db.begin().await?;
    let id = insert(&mut tx, kit, state, (&new, &hash), Origin::of(from)).await?;
    tx.commit().await?;
    Ok(id)
}

/// With the mail that asks to confirm the address.
async fn insert(
    conn: &mut PgConnection,
    kit: &Kit,
    state: &AppState,
    (new, hash): (&NewAccount, &str),
    origin: Origin,
) -> Result<UserId, Error> {
    let now = kit.clock.now();
    let id = rows::insert(&mut *conn, new, hash, now).await?;
    sightings::note(&mut *conn, origin, id, Occasion::Registered, id.0, now).await?;
    if state.must_confirm {
        rows::set_must_confirm(&mut *conn, id).await?;
    }
    confirm::queue(conn, kit, id, &new.email).await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, id_of};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_account_is_made_once_per_address(pool: PgPool) {
        let api = Api::new(&pool).await;
        let body = json!({
            "email": " Ada@Example.org ", "name": "Ada Lovelace", "affiliation": "Analytical Society",
            "password": "correct horse",
        });
        let (status, made) = api.nobody().post("/api/v1/accounts", body.clone()).await;
        assert_eq!(status, 201);
        id_of(&made);

        let (status, again) = api.nobody().post("/api/v1/accounts", body).await;
        assert_eq!(status, 409);
        insta::assert_json_snapshot!(again, @r#"
        {
          "code": "email-taken",
          "detail": "the address has an account already; sign in instead",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn every_slip_of_a_form_is_named(pool: PgPool) {
        let api = Api::new(&pool).await;
        let body = json!({"email": "ada@@x", "name": " ", "password": "short"});
        let (_, problem) = api.nobody().post("/api/v1/accounts", body).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "errors": [
            {
              "detail": "must be an address such as ada@example.org",
              "pointer": "/email"
            },
            {
              "detail": "must have 1 to 200 characters, has 0",
              "pointer": "/name"
            },
            {
              "detail": "must have 10 to 200 characters, has 5",
              "pointer": "/password"
            }
          ],
          "status": 422,
          "title": "The request is not valid",
          "type": "/problems/invalid-request"
        }
        "#);
        let (status, _) = api
            .nobody()
            .post("/api/v1/accounts", json!({"email": "x", "is_admin": true}))
            .await;
        assert_eq!(status, 422);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn database_trouble_is_logged_not_shown(pool: PgPool) {
        let api = Api::new(&pool).await;
        #[expect(clippy::disallowed_methods, reason = "breaks the database on purpose")]
        sqlx::query("ALTER TABLE registration.users RENAME TO people")
            .execute(&pool)
            .await
            .unwrap();
        let body = json!({"email": "ada@x.org", "name": "Ada", "password": "correct horse"});
        let (_, problem) = api.nobody().post("/api/v1/accounts", body).await;
        insta::assert_json_snapshot!(problem, @r#"
        {
          "status": 500,
          "title": "Internal Server Error",
          "type": "about:blank"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_request_that_is_repeated_is_answered_as_before_and_is_no_new_try(pool: PgPool) {
        let api = Api::new(&pool).await;
        let body = json!({"email": "p@example.org", "name": "P", "password": "correct horse"});
        let send = || api.nobody().key("a long secret of theirs");
        let first = send().post("/api/v1/accounts", body.clone()).await;
        assert_eq!(first.0, 201);
        let tries = async || {
            sqlx::query_scalar!(r#"SELECT sum(count) AS "n!" FROM registration.tries"#)
                .fetch_one(&pool)
                .await
                .unwrap()
        };
        let counted = tries().await;
        for _ in 0..5 {
            assert_eq!(send().post("/api/v1/accounts", body.clone()).await, first);
        }
        assert_eq!(tries().await, counted);
        let other = json!({"email": "p@example.org", "name": "Q", "password": "correct horse"});
        assert_eq!(send().post("/api/v1/accounts", other).await.0, 409);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn accounts_without_end_from_one_place_are_slowed_before_anything_is_hashed(
        pool: PgPool,
    ) {
        let api = Api::new(&pool).await;
        let from = |address: &str| api.nobody().from(address);
        let body = |number: u32| json!({"email": format!("p{number}@example.org"), "name": "P", "password": "correct horse"});
        // As sixty accounts would have left it.
        assert_eq!(
            from("10.0.0.1").post("/api/v1/accounts", body(0)).await.0,
            201
        );
        sqlx::query!("UPDATE registration.tries SET count = 60 WHERE count = 1")
            .execute(&pool)
            .await
            .unwrap();
        let (status, problem) = from("10.0.0.1").post("/api/v1/accounts", body(1)).await;
        assert_eq!(
            (status, &problem["code"]),
            (429, &json!("too-many-attempts"))
        );
        assert_eq!(
            from("10.0.0.2").post("/api/v1/accounts", body(1)).await.0,
            201
        );
        let seen = sqlx::query_scalar!(
            "SELECT host(address) FROM registration.sightings WHERE occasion = 'registered'"
        );
        let seen = seen.fetch_all(&pool).await.unwrap();
        assert_eq!(
            seen,
            [Some("10.0.0.1".to_owned()), Some("10.0.0.2".to_owned())]
        );
    }
}
