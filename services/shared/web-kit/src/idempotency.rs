//! Creates that are safe to repeat: the first answer is kept beside what it created, in the same
//! transaction, and sent again when the same key comes again.
//!
//! Of an answer that holds a secret, such as a new token, all but the secret is kept
//! ([`Once::finish_secret`]): the repeated request makes no second one, and is told `null` in its place.
//! Where nothing would be left the key is refused ([`NoKey`]).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use hmac::Mac as _;
use molar_domain::UserId;
use molar_service::Role;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{ApiError, Caller, Kit};

pub(crate) const HEADER: &str = "idempotency-key";

/// HMAC of method, path, query and body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestHash([u8; 32]);

impl RequestHash {
    pub(crate) fn of(kit: &Kit, parts: &[&str], body: &[u8]) -> Self {
        let mut mac = kit.mac(b"request");
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(body);
        Self(mac.finalize().into_bytes().into())
    }
}

/// Extractor of a creating handler, with or without a key in the request.
pub struct Once {
    schema: &'static str,
    now: DateTime<Utc>,
    /// Nil of those who are not signed in: of them, the key alone is the secret.
    caller: UserId,
    key: Option<(String, RequestHash)>,
}

pub enum Begun {
    /// Send this; nothing is to be done.
    Replay(HttpResponse),
    /// Go on, and [`Once::finish`].
    Fresh(Once),
}

#[derive(sqlx::FromRow)]
struct Kept {
    request_hash: Vec<u8>,
    status: i16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Once {
    /// Must come first in the transaction: of two requests with one key, the second waits here
    /// for the first.
    pub async fn begin(self, conn: &mut PgConnection) -> Result<Begun, ApiError> {
        let Some((key, _)) = &self.key else {
            return Ok(Begun::Fresh(self));
        };
        let lock = format!("{} {} {key}", self.schema, self.caller);
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            lock
        )
        .execute(&mut *conn)
        .await?;
        Ok(match self.kept(conn).await? {
            Some(answer) => Begun::Replay(answer),
            None => Begun::Fresh(self),
        })
    }

    /// The answer that was given before, for handlers whose work begins before their transaction. One that is being
    /// made is not seen: [`begin`](Self::begin) all the same.
    pub async fn kept(&self, conn: &mut PgConnection) -> Result<Option<HttpResponse>, ApiError> {
        let Some((key, hash)) = &self.key else {
            return Ok(None);
        };
        match find(conn, self.schema, self.caller, key).await? {
            Some(kept) if kept.request_hash != hash.0 => Err(ApiError::IdempotencyMismatch),
            kept => Ok(kept.map(replay)),
        }
    }

    /// Keeps the answer and returns it. The caller commits, then sends it.
    pub async fn finish(
        self,
        conn: &mut PgConnection,
        status: StatusCode,
        location: Option<String>,
        view: &impl Serialize,
    ) -> Result<HttpResponse, ApiError> {
        let body = serde_json::to_vec(view).map_err(ApiError::internal)?;
        self.keep(conn, status, location.as_deref(), &body).await?;
        Ok(answer(status, location, body))
    }

    /// Keeps the answer with `null` in place of these members, and returns it whole.
    pub async fn finish_secret(
        self,
        conn: &mut PgConnection,
        status: StatusCode,
        view: &impl Serialize,
        secrets: &[&str],
    ) -> Result<HttpResponse, ApiError> {
        let whole = serde_json::to_value(view).map_err(ApiError::internal)?;
        let mut kept = whole.clone();
        for secret in secrets {
            kept[*secret] = serde_json::Value::Null;
        }
        self.keep(conn, status, None, kept.to_string().as_bytes())
            .await?;
        Ok(answer(status, None, whole.to_string().into_bytes()))
    }

    async fn keep(
        &self,
        conn: &mut PgConnection,
        status: StatusCode,
        location: Option<&str>,
        body: &[u8],
    ) -> Result<(), ApiError> {
        if let Some((key, hash)) = &self.key {
            let statement = format!(
                "INSERT INTO {}.idempotency_keys
                     (caller_id, key, request_hash, status, location, body, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                self.schema
            );
            #[expect(clippy::disallowed_methods, reason = "one such table in each schema")]
            sqlx::query(AssertSqlSafe(statement))
                .bind(self.caller.0)
                .bind(key)
                .bind(&hash.0[..])
                .bind(i16::try_from(status.as_u16()).map_err(ApiError::internal)?)
                .bind(location)
                .bind(body)
                .bind(self.now)
                .execute(conn)
                .await?;
        }
        Ok(())
    }
}

async fn find(
    conn: &mut PgConnection,
    schema: &str,
    caller: UserId,
    key: &str,
) -> Result<Option<Kept>, ApiError> {
    let statement = format!(
        "SELECT request_hash, status, location, body FROM {schema}.idempotency_keys
         WHERE caller_id = $1 AND key = $2"
    );
    let kept = sqlx::query_as(AssertSqlSafe(statement))
        .bind(caller.0)
        .bind(key);
    Ok(kept.fetch_optional(conn).await?)
}

/// Deletes answers from before `before` and returns how many; for the role's sweeper.
pub async fn forget(
    conn: &mut PgConnection,
    role: Role,
    before: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let statement = format!(
        "DELETE FROM {}.idempotency_keys WHERE created_at < $1",
        role.as_str()
    );
    #[expect(clippy::disallowed_methods, reason = "one such table in each schema")]
    let done = sqlx::query(AssertSqlSafe(statement))
        .bind(before)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

fn answer(status: StatusCode, location: Option<String>, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(location) = location {
        response.insert_header((header::LOCATION, location));
    }
    response.content_type("application/json").body(body)
}

fn replay(kept: Kept) -> HttpResponse {
    let status = u16::try_from(kept.status)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    let mut response = answer(status.unwrap_or(StatusCode::OK), kept.location, kept.body);
    let name = header::HeaderName::from_static("idempotent-replayed");
    response
        .headers_mut()
        .insert(name, header::HeaderValue::from_static("true"));
    response
}

impl FromRequest for Once {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let caller = Caller::from_request(&request, payload);
        Box::pin(async move {
            let kit = Kit::of(&request)?;
            let caller = match caller.await {
                Ok(caller) => caller.user_id,
                Err(ApiError::Unauthorized) => UserId(uuid::Uuid::nil()),
                Err(error) => return Err(error),
            };
            Ok(Self {
                schema: kit.role.as_str(),
                now: kit.clock.now(),
                caller,
                key: key(&request)?,
            })
        })
    }
}

fn key(request: &HttpRequest) -> Result<Option<(String, RequestHash)>, ApiError> {
    let Some(header) = request.headers().get(HEADER) else {
        return Ok(None);
    };
    let key = header.to_str().unwrap_or_default();
    if !(1..=255).contains(&key.len()) {
        let detail = "Idempotency-Key must have 1 to 255 printable characters";
        return Err(ApiError::BadRequest(detail.into()));
    }
    let hash = request.extensions().get::<RequestHash>().copied();
    let hash = hash.ok_or_else(|| ApiError::internal("Once on a route that nobody guards"))?;
    Ok(Some((key.to_owned(), hash)))
}

/// Extractor of a handler whose answer is a secret and nothing else, such as a sign-in: a key could
/// only be kept with the secret.
pub struct NoKey;

impl FromRequest for NoKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(if request.headers().contains_key(HEADER) {
            Err(ApiError::BadRequest(
                "no Idempotency-Key is taken here: the answer is a secret, which is not kept; \
                 send the request again without a key"
                    .into(),
            ))
        } else {
            Ok(Self)
        })
    }
}
