//! Answers that are given again while the look that they stand on counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use actix_web::HttpRequest;
use molar_web_kit::ready::{Ready, ReadyAnswer};

use super::body::Body;
use super::recent::{Look, is_to_be_new};
use super::respond::respond;

/// More are of boards that nobody reads now.
const MOST: usize = 1024;

/// By path and query as they were asked; looks find `T`.
pub struct Again<T>(Mutex<HashMap<String, Given<T>>>);

struct Given<T> {
    look: Arc<Look<T>>,
    /// Held by the shelf, for whose budget it counts.
    body: Weak<Body>,
    route: &'static str,
}

impl<T> Default for Again<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Again<T> {
    /// What `route` answered to this request.
    pub fn put(
        &self,
        request: &HttpRequest,
        route: &'static str,
        look: &Arc<Look<T>>,
        body: &Arc<Body>,
    ) {
        let Some(asked) = asked(request) else {
            return;
        };
        let mut answers = self.lock();
        if answers.len() >= MOST {
            answers.clear();
        }
        let given = Given {
            look: look.clone(),
            body: Arc::downgrade(body),
            route,
        };
        answers.insert(asked.to_owned(), given);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Given<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync> Ready for Again<T> {
    fn find(&self, request: &HttpRequest) -> Option<ReadyAnswer> {
        let (body, route) = {
            let answers = self.lock();
            let given = answers.get(asked(request)?)?;
            let body = given.body.upgrade().filter(|_| given.look.counts())?;
            (body, given.route)
        };
        if is_to_be_new(request) {
            return None;
        }
        let answer = respond(request, &body, false);
        Some(ReadyAnswer { answer, route })
    }
}

fn asked(request: &HttpRequest) -> Option<&str> {
    Some(request.uri().path_and_query()?.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use actix_web::HttpResponse;
    use actix_web::test::TestRequest;

    use super::super::recent::Recent;
    use super::*;

    fn request(path: &str) -> HttpRequest {
        TestRequest::get().uri(path).to_http_request()
    }

    fn body() -> Arc<Body> {
        Arc::new(Body::of(HttpResponse::Ok().body("a board")).unwrap())
    }

    #[test]
    fn the_same_request_is_answered_again_while_its_look_counts_and_the_shelf_has_it() {
        let (again, recent) = (Again::default(), Recent::new(Duration::from_secs(3600)));
        let (look, body) = (recent.put(&1, Instant::now(), Some(())), body());
        let has = |path: &str| again.find(&request(path)).map(|again| again.route);
        again.put(&request("/boards/a?sort=IA"), "/boards/{x}", &look, &body);
        assert_eq!(has("/boards/a?sort=IA"), Some("/boards/{x}"));
        assert_eq!(has("/boards/a"), None);
        assert_eq!(has("/boards/a?sort=image_DSC"), None);
        let anew = TestRequest::get().uri("/boards/a?sort=IA");
        let anew = anew.insert_header(("cache-control", "no-cache"));
        assert!(again.find(&anew.to_http_request()).is_none());

        recent.put(&1, Instant::now(), None);
        assert_eq!(has("/boards/a?sort=IA"), None, "another look came");
        let look = recent.put(&2, Instant::now(), Some(()));
        again.put(&request("/boards/b"), "/boards/{x}", &look, &body);
        assert!(has("/boards/b").is_some());
        drop(body);
        assert_eq!(has("/boards/b"), None, "nothing is held for it");
    }

    #[test]
    fn a_look_of_before_answers_nothing() {
        let (again, recent) = (Again::default(), Recent::new(Duration::ZERO));
        let (look, body) = (recent.put(&1, Instant::now(), Some(())), body());
        again.put(&request("/boards/a"), "/boards/{x}", &look, &body);
        assert!(again.find(&request("/boards/a")).is_none());
    }

    #[test]
    fn however_many_are_asked_for_it_stays_small() {
        let (again, recent) = (Again::default(), Recent::new(Duration::from_secs(3600)));
        let (look, body) = (recent.put(&1, Instant::now(), Some(())), body());
        for n in 0..3 * MOST {
            again.put(
                &request(&format!("/boards/a?n={n}")),
                "/boards/{x}",
                &look,
                &body,
            );
        }
        assert!(again.lock().len() <= MOST);
    }
}
