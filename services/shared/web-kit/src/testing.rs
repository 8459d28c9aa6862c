//! For the tests of roles: people with tokens, an app around routes, and the checks that hold for
//! every route.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use actix_web::{App, Error, test, web};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use molar_domain::{ChallengeId, MockClock, UserId, ids};
use molar_service::Role;
use secrecy::SecretString;
use sqlx::PgPool;
use utoipa::openapi::OpenApi;

use crate::caller::{SESSION_COOKIE, new_token};
use crate::rate::{RateArgs, Rates};
use crate::routes::{Access, RouteInfo, Routes};
use crate::{Kit, openapi};

/// A name that turns what stands behind it, unless a page keeps its direction to itself.
pub const TURNING: &str = "\u{202e}שיניים";

/// When tests take place, unless they say otherwise.
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0)
        .single()
        .unwrap_or_default()
}

pub fn kit(role: Role, db: PgPool, clock: MockClock) -> web::Data<Kit> {
    web::Data::new(Kit {
        db,
        clock: Arc::new(clock),
        csrf_key: SecretString::from("the key of the tests"),
        public_url: "http://molar.test/"
            .parse()
            .unwrap_or_else(|_| unreachable!("it is a URL")),
        role,
        rates: Arc::new(Rates::new(RateArgs::default())),
        trusted_proxies: Arc::default(),
    })
}

/// The routes as they are served. State of the role goes in by `state`.
pub async fn app(
    kit: web::Data<Kit>,
    routes: Routes,
    state: impl FnOnce(&mut web::ServiceConfig),
) -> impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = Error> {
    test::init_service(App::new().configure(state).configure(routes.configure(kit))).await
}

/// A user with a token of the API and a session.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub token: String,
    pub session: String,
}

impl Person {
    /// Signs in with the token.
    pub fn bearer(&self) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.token))
    }

    /// Signs in as a browser does.
    pub fn cookie(&self) -> Cookie<'static> {
        Cookie::new(SESSION_COOKIE, self.session.clone())
    }
}

/// Inserts a user whose token and session are good for a day from [`noon`].
pub async fn person(db: &PgPool, name: &str) -> Person {
    let id = UserId::at(noon());
    let (token, session) = (new_token(), new_token());
    let mut tx = db.begin().await.expect("a transaction");
    sqlx::query!(
        "INSERT INTO registration.users (id, email, name, password_hash, created_at)
         VALUES ($1, $2, $3, '', $4)",
        id.0,
        format!("{id}@molar.test"),
        name,
        noon(),
    )
    .execute(&mut *tx)
    .await
    .expect("a user");
    for (kind, hash) in [("api", token.1), ("session", session.1)] {
        sqlx::query!(
            "INSERT INTO registration.tokens
                 (id, user_id, kind, name, token_hash, created_at, expires_at)
             VALUES ($1, $2, $3, 'of a test', $4, $5, $6)",
            ids::uuid_at(noon()),
            id.0,
            kind,
            hash.as_bytes(),
            noon(),
            noon() + TimeDelta::days(1),
        )
        .execute(&mut *tx)
        .await
        .expect("a token");
    }
    tx.commit().await.expect("a commit");
    Person {
        id,
        token: token.0,
        session: session.0,
    }
}

pub async fn admin(db: &PgPool, name: &str) -> Person {
    let person = person(db, name).await;
    sqlx::query!(
        "UPDATE registration.users SET is_admin = true WHERE id = $1",
        person.id.0
    )
    .execute(db)
    .await
    .expect("an admin");
    person
}

/// An organizer of a challenge that is there already.
pub async fn organizer(db: &PgPool, name: &str, challenge: ChallengeId) -> Person {
    let person = person(db, name).await;
    sqlx::query!(
        "INSERT INTO registration.challenge_roles (challenge_id, user_id, role, granted_at)
         VALUES ($1, $2, 'organizer', $3)",
        challenge.0,
        person.id.0,
        noon(),
    )
    .execute(db)
    .await
    .expect("an organizer");
    person
}

/// Where [`TURNING`] turns what stands beside it on this page: each place from the tag before it to the tag behind it.
pub fn turned(page: &str) -> Vec<&str> {
    let controls = page.match_indices('\u{202e}').map(|(at, _)| at);
    let places = controls.map(|at| {
        let start = page[..at].rfind('<').unwrap_or(0);
        let end = page[at..].find('<').map_or(page.len(), |next| at + next);
        (&page[start..end], at - start)
    });
    let turned = places.filter(|(place, at)| !keeps_direction(place, *at));
    turned.map(|(place, _)| place).collect()
}

fn keeps_direction(place: &str, at: usize) -> bool {
    match place[..at].split_once('>') {
        // A text of somebody's own, whatever is in it.
        Some((tag, _)) if tag.starts_with("<textarea") => true,
        Some((tag, _)) => {
            let isolates = tag == "<bdi" || tag.ends_with(" dir=\"auto\"");
            isolates && is_alone(&place[tag.len() + 1..])
        }
        // What a form sends back is not shown, or in a field of its own.
        None => place[..at].ends_with(" value=\""),
    }
}

/// But that a phase is told behind its track.
fn is_alone(text: &str) -> bool {
    text.split(": ").all(|name| name == TURNING)
}

/// Calls every route of a role as nobody and as a user without rights, and insists on 401 and 403.
/// Guards come before handlers, so the role's state is not needed.
pub async fn every_route_denies(db: PgPool, routes: fn() -> Routes) {
    let kit = kit(routes().role(), db.clone(), MockClock::at(noon()));
    let app = app(kit, routes(), |_| {}).await;
    let nobody_special = person(&db, "Nobody Special").await;

    for route in routes().list() {
        if matches!(route.access, Access::Public | Access::SignedInOrPublic) {
            continue;
        }
        let answer = test::call_service(&app, request(&route).to_request()).await;
        assert_eq!(
            answer.status(),
            StatusCode::UNAUTHORIZED,
            "{route:?} as nobody"
        );

        let forged = request(&route).insert_header(("authorization", "Bearer molar_forged"));
        let answer = test::call_service(&app, forged.to_request()).await;
        assert_eq!(
            answer.status(),
            StatusCode::UNAUTHORIZED,
            "{route:?} with a forged token"
        );

        let expected = match route.access {
            Access::Organizer | Access::Admin => StatusCode::FORBIDDEN,
            Access::Worker => StatusCode::UNAUTHORIZED,
            Access::Public | Access::SignedInOrPublic | Access::SignedIn | Access::Account => {
                continue;
            }
        };
        let known = request(&route).insert_header(nobody_special.bearer());
        let answer = test::call_service(&app, known.to_request()).await;
        assert_eq!(
            answer.status(),
            expected,
            "{route:?} as a user without rights"
        );
    }
}

/// With something in the place of every parameter.
fn request(route: &RouteInfo) -> TestRequest {
    let segments = route
        .path
        .split('/')
        .map(|segment| match segment.starts_with('{') {
            true => "00000000-0000-7000-8000-000000000000",
            false => segment,
        });
    let path = segments.collect::<Vec<_>>().join("/");
    TestRequest::default()
        .method(route.method.clone())
        .uri(&path)
}

/// Every route below `/api/` is in the document, and the document speaks of no other.
pub fn every_api_route_is_documented(routes: &Routes, openapi: &OpenApi) {
    let list = routes.list();
    let of_api = list
        .iter()
        .filter(|r| r.path.starts_with("/api/") && r.path != crate::layout::paths::OPENAPI);
    let served: Vec<(String, Method)> = of_api
        .map(|r| (openapi::documented_path(r.path), r.method.clone()))
        .collect();
    for (path, method) in &served {
        let item = openapi.paths.paths.get(path);
        let operation = item.and_then(|item| openapi::operation(item, method));
        assert!(
            operation.is_some(),
            "{method} {path} is served, but not documented"
        );
    }
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    for (path, item) in &openapi.paths.paths {
        for method in methods
            .iter()
            .filter(|m| openapi::operation(item, m).is_some())
        {
            let is_served = served.contains(&(path.clone(), method.clone()));
            assert!(is_served, "{method} {path} is documented, but not served");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TURNING, turned};

    #[test]
    fn a_name_is_to_be_alone_in_what_isolates_it() {
        for harmless in [
            format!("by <bdi>{TURNING}</bdi> today"),
            format!("<bdi>{TURNING}: {TURNING}</bdi>"),
            format!("<p class=\"as-written\" dir=\"auto\">{TURNING}</p>"),
            format!("<textarea name=\"text\">Dear {TURNING}!</textarea>"),
            format!("<input name=\"team\" value=\"{TURNING}\">"),
        ] {
            assert!(turned(&harmless).is_empty(), "{harmless}");
        }
        for turning in [
            format!("<p>{TURNING}</p>"),
            format!("<bdi>{TURNING}: shared its account</bdi>"),
            format!("<bdi>less of {TURNING}</bdi>"),
            format!("<bdi>{TURNING}, {TURNING}</bdi>"),
            format!("<p dir=\"auto\">Dear {TURNING}</p>"),
            format!("<p title=\"{TURNING}\">"),
        ] {
            assert!(!turned(&turning).is_empty(), "{turning}");
        }
        let page = format!("<b>of</b> <i>{TURNING} wins</i>");
        assert_eq!(turned(&page), [format!("<i>{TURNING} wins")]);
    }
}
