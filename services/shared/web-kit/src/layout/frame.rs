//! The frame as a template, and what fills it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{assets, paths};
use crate::caller::Caller;
use crate::names;
use crate::problem::{KINDS, Kind, Problem};
use crate::trace::RequestId;

#[derive(Debug, Clone)]
pub struct Crumb {
    pub title: String,
    pub path: String,
}

/// A page: what stands inside the frame, and what the frame says around it.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    body: String,
    crumbs: Vec<Crumb>,
    user: Option<(String, String)>,
    status: StatusCode,
    refresh_s: Option<u32>,
    is_live: bool,
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Frame<'a> {
    page: &'a Page,
    stylesheet: &'a str,
    icon: &'a str,
    live: &'a str,
    version: &'a str,
}

impl Page {
    /// `body` is HTML that a template rendered, and so escaped, already. The title is text; of names in it, controls of
    /// direction are left out, since the title of a window has no tags.
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        let title: String = title.into();
        Self {
            title: names::plain(&title),
            body: body.into(),
            crumbs: Vec::new(),
            user: None,
            status: StatusCode::OK,
            refresh_s: None,
            is_live: false,
        }
    }

    /// Shows who is signed in, and the way out.
    pub fn caller(mut self, caller: Option<&Caller>) -> Self {
        self.user = caller.map(|c| (c.user_name.clone(), c.csrf_token().to_owned()));
        self
    }

    /// One step on the way here, from the outermost; the page itself is added at the end.
    pub fn crumb(mut self, title: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push(Crumb {
            title: title.into(),
            path: path.into(),
        });
        self
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Loads itself again, for pages that show work in progress.
    pub fn refresh_s(mut self, seconds: u32) -> Self {
        self.refresh_s = Some(seconds);
        self
    }

    /// Follows what it shows, by an element with `data-live`, the address of its events, `data-seen`, the number of what
    /// it shows, and `data-say`, which is said when that has changed; each `data-part` is kept up. Without scripts it
    /// loads itself again, where it does that.
    pub fn live(mut self) -> Self {
        self.is_live = true;
        self
    }

    pub fn respond(&self) -> HttpResponse {
        let frame = Frame {
            page: self,
            stylesheet: assets::stylesheet_url(),
            icon: assets::ICON_PATH,
            live: assets::live_url(),
            version: env!("CARGO_PKG_VERSION"),
        };
        match frame.render() {
            Ok(html) => HttpResponse::build(self.status)
                .content_type("text/html; charset=utf-8")
                .insert_header((header::VARY, "cookie"))
                .body(html),
            Err(error) => HttpResponse::from_error(crate::ApiError::from(error)),
        }
    }
}

/// The usual page in one call.
pub fn page(
    caller: Option<&Caller>,
    title: impl Into<String>,
    body: impl Into<String>,
) -> HttpResponse {
    Page::new(title, body).caller(caller).respond()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemBody<'a> {
    problem: &'a Problem,
    /// A problem of ours has no page of its own.
    is_explained: bool,
    request_id: &'a str,
}

/// What a browser sees instead of a problem document. Whoever only has to sign in is led there.
pub(crate) fn problem_page(
    request: &HttpRequest,
    caller: Option<&Caller>,
    id: Option<&RequestId>,
    problem: &Problem,
) -> HttpResponse {
    if problem.status == 401 && request.method().is_safe() {
        let wanted = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        return HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("{}?next={next}", paths::LOGIN)))
            .finish();
    }
    let body = ProblemBody {
        problem,
        is_explained: problem.kind.starts_with(paths::PROBLEMS),
        request_id: id.map_or("", |id| &id.0),
    };
    match body.render() {
        Ok(body) => Page::new(problem.title, body)
            .caller(caller)
            .status(problem.status_code())
            .respond(),
        Err(error) => HttpResponse::from_error(crate::ApiError::from(error)),
    }
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Problems<'a> {
    kinds: &'a [Kind],
}

/// All kinds of problems, at `/problems`.
pub fn problem_index(caller: Option<&Caller>) -> HttpResponse {
    match (Problems { kinds: KINDS }).render() {
        Ok(body) => page(caller, "Problems of the API", body),
        Err(error) => HttpResponse::from_error(crate::ApiError::from(error)),
    }
}

/// One kind, at `/problems/{name}`; none if there is no such.
pub fn problem_kind_page(caller: Option<&Caller>, name: &str) -> Option<HttpResponse> {
    let kind = KINDS.iter().position(|kind| kind.name == name)?;
    let kinds = &KINDS[kind..=kind];
    let response = match (Problems { kinds }).render() {
        Ok(body) => Page::new(kinds[0].title, body)
            .crumb("Problems", paths::PROBLEMS)
            .caller(caller)
            .respond(),
        Err(error) => HttpResponse::from_error(crate::ApiError::from(error)),
    };
    Some(response)
}
