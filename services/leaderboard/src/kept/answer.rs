//! Answers with a board: kept ones where nobody is signed in, new ones else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::ready::Ready;
use molar_web_kit::{ApiError, Caller, Kit, pattern};
use url::form_urlencoded;

pub use super::standing::Which;

use super::again::Again;
use super::body::Body;
use super::line::Line;
use super::recent::{Look, Recent, is_to_be_new};
use super::respond::respond;
use super::shelf::{Key, Shelf};
use super::standing::{self, Standing, States};
use crate::rows::phases::Phase;

/// Nobody types longer ones.
const LONGEST_QUERY: usize = 512;

/// One per process. Without it every answer is made anew.
#[derive(Clone)]
pub struct Boards {
    line: Arc<Line<Which, Option<Arc<Standing>>>>,
    recent: Arc<Recent<Which, Arc<Standing>>>,
    states: Arc<States>,
    shelf: Arc<Shelf>,
    again: Arc<Again<Arc<Standing>>>,
}

impl Boards {
    /// A look counts for so long after it began; not at all for who asks for what is so now.
    pub fn looked_at_every(counts_for: Duration) -> Self {
        Self {
            line: Arc::default(),
            recent: Arc::new(Recent::new(counts_for)),
            states: Arc::default(),
            shelf: Arc::default(),
            again: Arc::default(),
        }
    }

    /// Beside the routes of a process.
    pub fn configure(&self, service: &mut web::ServiceConfig) {
        let ready: Arc<dyn Ready> = self.again.clone();
        service.app_data(web::Data::new(self.clone()));
        service.app_data(web::Data::from(ready));
    }
}

/// A request for a board.
pub struct Asking<'a> {
    pub kit: &'a web::Data<Kit>,
    pub request: &'a HttpRequest,
    pub caller: Option<&'a Caller>,
    pub which: Which,
    /// Page, JSON, CSV or statistics.
    pub form: &'static str,
}

impl Asking<'_> {
    /// What `make` makes of the phase, with an ETag where it may be kept by whoever asks.
    pub async fn answer(
        self,
        make: impl AsyncFnOnce(Phase) -> Result<HttpResponse, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        if let Some((boards, look)) = self.look().await
            && let Some(standing) = &look.found
        {
            let query = self.request.query_string().to_owned();
            let key = Key {
                phase: standing.phase.id.0,
                form: self.form,
                query,
            };
            let make = async || Body::of(make(standing.phase.clone()).await?);
            let body = boards.shelf.find_or_make(key, standing.stamp, make).await?;
            if let Some(route) = pattern::route(self.request) {
                boards.again.put(self.request, route, &look, &body);
            }
            return Ok(respond(self.request, &body, false));
        }
        let phase = self.which.find(&self.kit.db).await?;
        let answer = make(phase).await?;
        // The page of who is signed in has a token in it, which no cache keeps.
        if self.caller.is_some() && self.form == PAGE {
            return Ok(answer);
        }
        Ok(respond(
            self.request,
            &Body::of(answer)?,
            self.caller.is_some(),
        ))
    }

    /// None where the answer is made anew, be it because something is wrong: then that answer says what.
    async fn look(&self) -> Option<(&Boards, Arc<Look<Arc<Standing>>>)> {
        if self.caller.is_some() || !is_keepable(self.request.query_string()) {
            return None;
        }
        let boards: &Boards = self.request.app_data::<web::Data<Boards>>()?;
        let recent = boards.recent.find(&self.which);
        if let Some(look) = recent.filter(|_| !is_to_be_new(self.request)) {
            return Some((boards, look));
        }
        let begun = Instant::now();
        let (kit, which, states) = (self.kit.clone(), self.which.clone(), boards.states.clone());
        let look = move || {
            let (kit, which, states) = (kit.clone(), which.clone(), states.clone());
            async move { standing::look(&kit, &which, &states).await.ok().flatten() }
        };
        let found = boards.line.ask(self.which.clone(), look).await.flatten();
        Some((boards, boards.recent.put(&self.which, begun, found)))
    }
}

pub const PAGE: &str = "page";
pub const JSON: &str = "json";
pub const CSV: &str = "csv";
pub const STATISTICS: &str = "statistics";

/// A moment that is asked for may be still to come.
fn is_keepable(query: &str) -> bool {
    let names_a_moment = || {
        form_urlencoded::parse(query.as_bytes())
            .any(|(key, value)| key == "at" && !value.trim().is_empty())
    };
    query.len() <= LONGEST_QUERY && !names_a_moment()
}
