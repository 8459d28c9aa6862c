//! Who asks. Read from the view `registration.callers` on every request, so that a revocation
//! holds at once.

use std::future::{Ready, ready};

use actix_web::cookie::time::OffsetDateTime;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac;
use molar_domain::{ChallengeId, TeamId, UserId};
use sha2::{Digest, Sha256};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{ApiError, Kit, Scope};

pub const SESSION_COOKIE: &str = "molar_session";

/// Where we are reached by TLS: with this prefix a browser takes no cookie of that name that another
/// host of the domain, or a page without TLS, would set.
const SECURE_SESSION_COOKIE: &str = "__Host-molar_session";

fn is_secure(kit: &Kit) -> bool {
    kit.public_url.scheme() == "https"
}

fn cookie_name(kit: &Kit) -> &'static str {
    if is_secure(kit) {
        SECURE_SESSION_COOKIE
    } else {
        SESSION_COOKIE
    }
}

/// SHA-256 of a token: all that we keep of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A token to be told once, and the hash to keep. 244 random bits; the prefix lets scanners of
/// published code find lost ones.
pub fn new_token() -> (String, TokenHash) {
    let token = format!(
        "molar_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    );
    let hash = TokenHash::of(&token);
    (token, hash)
}

/// By what a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The cookie of the pages; unsafe requests need the CSRF token as well.
    Session,
    /// `Authorization: Bearer`.
    Token,
}

/// The signed-in user of this request, with the rights that the token was made for.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user_id: UserId,
    pub user_name: String,
    pub is_admin: bool,
    pub teams: Vec<TeamId>,
    pub organizer_of: Vec<ChallengeId>,
    pub reviewer_of: Vec<ChallengeId>,
    pub token_id: Uuid,
    pub via: Via,
    pub scopes: Vec<Scope>,
    /// Whether the address is confirmed, or need not be.
    pub may_take_part: bool,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    csrf: String,
}

impl Caller {
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Fails with the scope's name, so that its owner knows which token to make.
    pub fn require_scope(&self, scope: Scope) -> Result<(), ApiError> {
        self.has_scope(scope)
            .then_some(())
            .ok_or_else(|| lacks(scope))
    }

    /// Until the address is confirmed a person takes no part, and learns what is to be done.
    pub fn require_confirmed(&self) -> Result<(), ApiError> {
        let detail = "confirm your e-mail address first: open the link in the mail that we sent \
                      you, or ask for another at /account";
        let refusal = || ApiError::forbidden(detail).with_code("address-not-confirmed");
        self.may_take_part.then_some(()).ok_or_else(refusal)
    }

    /// A token without the scope, or an account without a confirmed address, is nobody's
    /// organizer, and learns what it lacks.
    pub(crate) fn organizer_refusal(&self, otherwise: &'static str) -> ApiError {
        self.require_scope(Scope::Organize)
            .and_then(|()| self.require_confirmed())
            .err()
            .unwrap_or_else(|| ApiError::forbidden(otherwise))
    }

    pub fn is_member(&self, team: TeamId) -> bool {
        self.teams.contains(&team)
    }

    pub fn is_organizer(&self, challenge: ChallengeId) -> bool {
        self.is_admin || self.organizer_of.contains(&challenge)
    }

    /// Reviewers read what organizers read, and change nothing.
    pub fn may_review(&self, challenge: ChallengeId) -> bool {
        self.is_organizer(challenge) || self.reviewer_of.contains(&challenge)
    }

    pub fn organizes_anything(&self) -> bool {
        self.is_admin || !self.organizer_of.is_empty()
    }

    pub fn require_member(&self, team: TeamId) -> Result<(), ApiError> {
        self.is_member(team)
            .then_some(())
            .ok_or_else(|| ApiError::forbidden("you are not a member of this team"))
    }

    pub fn require_organizer(&self, challenge: ChallengeId) -> Result<(), ApiError> {
        self.is_organizer(challenge)
            .then_some(())
            .ok_or_else(|| self.organizer_refusal("you are not an organizer of this challenge"))
    }

    pub fn require_reviewer(&self, challenge: ChallengeId) -> Result<(), ApiError> {
        self.may_review(challenge).then_some(()).ok_or_else(|| {
            self.organizer_refusal("you are neither organizer nor reviewer of this challenge")
        })
    }

    /// For the hidden field `_csrf` of every form, or the header `x-csrf-token`.
    pub fn csrf_token(&self) -> &str {
        &self.csrf
    }
}

/// What a request shows of itself before anybody looked it up.
pub(crate) struct Credential {
    hash: TokenHash,
    pub(crate) via: Via,
}

impl Credential {
    /// The bearer token, or else the cookie.
    pub(crate) fn of(kit: &Kit, request: &HttpRequest) -> Option<Self> {
        if let Some(token) = bearer(request) {
            return Some(Self {
                hash: TokenHash::of(token),
                via: Via::Token,
            });
        }
        let cookie = request.cookie(cookie_name(kit))?;
        Some(Self {
            hash: TokenHash::of(cookie.value()),
            via: Via::Session,
        })
    }
}

pub(crate) fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    kit: &Kit,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<Option<Caller>, ApiError> {
    // A cookie must be a session's: a token of the API that lands in one is not taken.
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT token_id AS "token_id!", user_id AS "user_id!", user_name AS "user_name!",
               is_admin AS "is_admin!", team_ids AS "team_ids!: Vec<Uuid>",
               organizer_of AS "organizer_of!: Vec<Uuid>", reviewer_of AS "reviewer_of!: Vec<Uuid>",
               scopes AS "scopes!", may_take_part AS "may_take_part!", last_used_at
        FROM registration.callers
        WHERE token_hash = $1 AND expires_at > $2 AND (token_kind = 'session' OR NOT $3)
        "#,
        credential.hash.as_bytes(),
        now,
        credential.via == Via::Session,
    )
    .fetch_optional(db)
    .await?;
    let csrf = csrf_token(kit, &credential.hash);
    row.map(|row| row.into_caller(credential.via, csrf))
        .transpose()
}

/// The same caller as the rows say now: none whose session has ended. For answers that take minutes.
pub async fn find_again(kit: &Kit, caller: &Caller) -> Result<Option<Caller>, ApiError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT token_id AS "token_id!", user_id AS "user_id!", user_name AS "user_name!",
               is_admin AS "is_admin!", team_ids AS "team_ids!: Vec<Uuid>",
               organizer_of AS "organizer_of!: Vec<Uuid>", reviewer_of AS "reviewer_of!: Vec<Uuid>",
               scopes AS "scopes!", may_take_part AS "may_take_part!", last_used_at
        FROM registration.callers
        WHERE token_id = $1 AND expires_at > $2
        "#,
        caller.token_id,
        kit.clock.now(),
    )
    .fetch_optional(&kit.db)
    .await?;
    row.map(|row| row.into_caller(caller.via, caller.csrf.clone()))
        .transpose()
}

struct Row {
    token_id: Uuid,
    user_id: Uuid,
    user_name: String,
    is_admin: bool,
    team_ids: Vec<Uuid>,
    organizer_of: Vec<Uuid>,
    reviewer_of: Vec<Uuid>,
    scopes: Vec<String>,
    may_take_part: bool,
    last_used_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_caller(self, via: Via, csrf: String) -> Result<Caller, ApiError> {
        let scopes = self.scopes.iter().map(|scope| scope.parse());
        let scopes: Vec<Scope> = scopes
            .collect::<Result<_, _>>()
            .map_err(ApiError::internal)?;
        // Whose address nobody confirmed is nobody's organizer yet.
        let organizes = scopes.contains(&Scope::Organize) && self.may_take_part;
        let challenges = |ids: Vec<Uuid>| {
            let ids = ids.into_iter().filter(|_| organizes);
            ids.map(ChallengeId).collect()
        };
        Ok(Caller {
            user_id: self.user_id.into(),
            user_name: self.user_name,
            is_admin: self.is_admin && organizes,
            teams: self.team_ids.into_iter().map(TeamId).collect(),
            organizer_of: challenges(self.organizer_of),
            reviewer_of: challenges(self.reviewer_of),
            token_id: self.token_id,
            via,
            scopes,
            may_take_part: self.may_take_part,
            last_used_at: self.last_used_at,
            csrf,
        })
    }
}

/// Once a minute is enough for an owner who looks for a token that nobody uses.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Notes that the token was used, at most once a minute.
pub(crate) async fn note_use(
    db: impl PgExecutor<'_>,
    caller: &Caller,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let is_noted = caller
        .last_used_at
        .is_some_and(|last| now - last < NOTED_EVERY);
    if !is_noted {
        sqlx::query!("SELECT registration.note_use($1, $2)", caller.token_id, now)
            .execute(db)
            .await?;
    }
    Ok(())
}

fn lacks(scope: Scope) -> ApiError {
    let detail = format!("the token lacks the scope `{scope}`; make one that has it at /account");
    ApiError::forbidden(detail).with_code("scope-missing")
}

/// Bound to the session: a token read off one page is of no use in another's session.
fn csrf_token(kit: &Kit, hash: &TokenHash) -> String {
    let mut mac = kit.mac(b"csrf");
    mac.update(hash.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// The session that a browser shows, whoever asks: signing in ends it, so that a token from before
/// is not the one after.
pub fn shown_session(kit: &Kit, request: &HttpRequest) -> Option<TokenHash> {
    let cookie = request.cookie(cookie_name(kit))?;
    Some(TokenHash::of(cookie.value()))
}

/// The cookie that signs a browser in.
pub fn session_cookie(kit: &Kit, token: String, expires_at: DateTime<Utc>) -> Cookie<'static> {
    let mut cookie = Cookie::build(cookie_name(kit), token)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure(kit))
        .finish();
    cookie.set_expires(OffsetDateTime::from_unix_timestamp(expires_at.timestamp()).ok());
    cookie
}

/// The cookie that signs it out.
pub fn ended_session_cookie(kit: &Kit) -> Cookie<'static> {
    let mut cookie = session_cookie(kit, String::new(), DateTime::UNIX_EPOCH);
    cookie.make_removal();
    cookie
}

/// Put there by the route's [`crate::Access`]; a handler behind `Public` finds nobody.
/// `Option<Caller>` is for `SignedInOrPublic`.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or(ApiError::Unauthorized),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_hash_to_what_is_kept() {
        let (token, hash) = new_token();
        assert_eq!(token.len(), "molar_".len() + 64);
        assert!(TokenHash::of(&token) == hash);
        assert_ne!(token, new_token().0);
    }

    #[test]
    fn rights_follow_the_rows() {
        let now = DateTime::UNIX_EPOCH;
        let (team, challenge, other) =
            (TeamId::at(now), ChallengeId::at(now), ChallengeId::at(now));
        let mut caller = Caller {
            user_id: UserId::at(now),
            user_name: "Ada".into(),
            is_admin: false,
            teams: vec![team],
            organizer_of: vec![],
            reviewer_of: vec![challenge],
            token_id: Uuid::nil(),
            via: Via::Token,
            scopes: Scope::ALL.to_vec(),
            may_take_part: true,
            last_used_at: None,
            csrf: String::new(),
        };
        assert!(caller.require_member(team).is_ok());
        assert!(caller.require_member(TeamId::at(now)).is_err());
        assert!(caller.require_organizer(challenge).is_err());
        assert!(caller.may_review(challenge) && !caller.may_review(other));
        assert!(!caller.organizes_anything());
        caller.organizer_of = vec![challenge];
        assert!(caller.require_organizer(challenge).is_ok());
        assert!(caller.require_organizer(other).is_err());
        caller.is_admin = true;
        assert!(caller.require_organizer(other).is_ok());
        assert!(caller.require_scope(Scope::Submit).is_ok());
        caller.scopes = vec![Scope::Read];
        let lacks = caller.require_scope(Scope::Submit).unwrap_err();
        let problem = serde_json::to_value(lacks.problem()).unwrap();
        assert_eq!(problem["code"], "scope-missing");
    }

    #[actix_web::test]
    async fn by_tls_the_cookie_is_bound_to_the_host() {
        let db = sqlx::postgres::PgPoolOptions::new();
        let db = db.connect_lazy("postgres://nobody@localhost/none").unwrap();
        let clock = molar_domain::MockClock::at(DateTime::UNIX_EPOCH);
        let kit = crate::testing::kit(molar_service::Role::Registration, db, clock);
        let mut kit = Kit::clone(&kit);
        kit.public_url = "https://molar.test/".parse().unwrap();
        let cookie = session_cookie(&kit, "t".into(), DateTime::UNIX_EPOCH).to_string();
        assert!(
            cookie.starts_with("__Host-molar_session=t; HttpOnly; SameSite=Lax; Secure; Path=/;"),
            "{cookie}"
        );
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}
