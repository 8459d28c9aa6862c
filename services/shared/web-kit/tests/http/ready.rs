//! What is ready is answered before its route is found: to whoever shows nothing of himself, counted like all else.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{self, TestRequest};
use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::MockClock;
use molar_service::Role;
use molar_web_kit::ready::{Ready, ReadyAnswer};
use molar_web_kit::testing::{app, kit, noon, person};
use sqlx::PgPool;

use crate::counted::counted;
use crate::{no_database, routes, text};

/// Knows one page, which it says to be of this route: what is counted is of the whole process.
struct Hello(&'static str);

impl Ready for Hello {
    fn find(&self, request: &HttpRequest) -> Option<ReadyAnswer> {
        (request.path() == "/hello").then(|| ReadyAnswer {
            answer: HttpResponse::Ok().body("again"),
            route: self.0,
        })
    }
}

async fn served(
    db: PgPool,
    route: &'static str,
) -> impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>
{
    let ready: Arc<dyn Ready> = Arc::new(Hello(route));
    let kit = kit(Role::Registration, db, MockClock::at(noon()));
    app(kit, routes(), |service| {
        service.app_data(web::Data::from(ready));
    })
    .await
}

fn hello() -> TestRequest {
    TestRequest::get().uri("/hello")
}

#[actix_web::test]
async fn what_is_ready_has_what_every_answer_has_and_is_counted_by_its_route() {
    let app = served(no_database(), "/counted").await;
    let labels = [r#"method="GET""#, r#"route="/counted""#, r#"status="200""#];
    let before = counted(&labels);
    let request = hello().insert_header(("x-request-id", "of-the-proxy"));
    let answer = test::call_service(&app, request.to_request()).await;
    for (name, value) in [
        ("x-request-id", "of-the-proxy"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers().get(name).unwrap(), value);
    }
    assert!(answer.headers().contains_key("traceparent"));
    assert!(answer.headers().contains_key("content-security-policy"));
    assert_eq!(text(answer).await, "again");
    assert_eq!(counted(&labels), before + 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_shows_anything_of_himself_comes_to_the_route(db: PgPool) {
    let ada = person(&db, "Ada").await;
    let app = served(db, "/shown").await;
    let bearer = hello().insert_header(ada.bearer());
    let stranger = hello().insert_header(("cookie", "of=another"));
    let there = hello().method(Method::HEAD);
    for (request, expected) in [
        (hello(), "again"),
        (bearer, "Ada"),
        (stranger, "nobody"),
        (there, "nobody"),
    ] {
        let answer = test::call_service(&app, request.to_request()).await;
        assert!(answer.status().is_success());
        assert_eq!(text(answer).await, expected);
    }
}

#[actix_web::test]
async fn who_asks_too_often_is_refused_there_as_well() {
    let app = served(no_database(), "/often").await;
    let mut answered = 0;
    let refused = loop {
        let answer = test::call_service(&app, hello().to_request()).await;
        if answer.status() != 200 {
            break answer;
        }
        answered += 1;
        assert!(answered < 4000, "nobody is refused");
    };
    assert_eq!(answered, 3000, "thirty seconds' worth");
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}
