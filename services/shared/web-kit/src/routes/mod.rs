//! The only way to give a path to a handler. Each names who may call it; without that it does not
//! compile.

mod guard;

use std::sync::Arc;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    FromRequest, Handler, HttpMessage as _, HttpRequest, HttpResponse, Resource, Responder, Route,
    Scope, guard as on, web,
};
use futures_util::future::BoxFuture;
use molar_domain::WorkerId;
use molar_service::Role;

use crate::caller::TokenHash;
use crate::pattern::Pattern;
use crate::{ApiError, Kit, extract, layout, trace};

/// Who may call a route. Checked before the handler and its extractors run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, and nobody asks who; forms must still come from our own pages.
    Public,
    /// Anybody; the handler learns who, if signed in (`Option<Caller>`).
    SignedInOrPublic,
    /// Whose address is confirmed, where it is not `GET`.
    SignedIn,
    /// The same, about the caller's own account: also before its address is confirmed, and with a
    /// token of the API only if that was made for it.
    Account,
    /// Organizer of at least one challenge, or admin. Whether of *this* challenge is for the
    /// handler: [`crate::Caller::require_organizer`].
    Organizer,
    Admin,
    /// A worker, by the [`WorkerGate`]; only on the listener of the worker API.
    Worker,
}

/// How the listener of the worker API knows its workers.
pub trait WorkerGate: Send + Sync {
    /// The worker whose key has this hash, unless it was revoked.
    fn find<'a>(&'a self, key: &'a TokenHash) -> BoxFuture<'a, Result<Option<WorkerId>, ApiError>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// All routes of a role. Built once in every thread that serves.
pub struct Routes {
    role: Role,
    gate: Option<Arc<dyn WorkerGate>>,
    routes: Vec<(RouteInfo, Route)>,
}

impl Routes {
    /// Every role serves what pages need, so that its own stand alone.
    pub fn new(role: Role) -> Self {
        let routes = Self {
            role,
            gate: None,
            routes: Vec::new(),
        };
        routes
            .get(layout::STYLESHEET_PATH, Access::Public, layout::stylesheet)
            .get(layout::ICON_PATH, Access::Public, layout::icon)
            .get(layout::LIVE_PATH, Access::Public, layout::live)
            .get(layout::LIVE_LOG_PATH, Access::Public, layout::live_log)
            .get(layout::PRINT_PATH, Access::Public, layout::print)
            .get(layout::UPLOAD_PATH, Access::Public, layout::upload)
    }

    /// Needed by [`Access::Worker`]; without it such routes let nobody in.
    pub fn worker_gate(mut self, gate: Arc<dyn WorkerGate>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Answers `HEAD` as well.
    pub fn get<H, Args>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::GET, path, access, handler)
    }

    pub fn post<H, Args>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::POST, path, access, handler)
    }

    pub fn put<H, Args>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::PUT, path, access, handler)
    }

    pub fn patch<H, Args>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::PATCH, path, access, handler)
    }

    pub fn delete<H, Args>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::DELETE, path, access, handler)
    }

    fn add<H, Args>(
        mut self,
        method: Method,
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        assert!(
            !self
                .routes
                .iter()
                .any(|(known, _)| known.method == method && known.path == path),
            "{method} {path} is there twice"
        );
        let route = web::route().to(handler);
        self.routes.push((
            RouteInfo {
                method,
                path,
                access,
            },
            route,
        ));
        self
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn list(&self) -> Vec<RouteInfo> {
        self.routes.iter().map(|(info, _)| info.clone()).collect()
    }

    /// Everything of this crate around these routes: access, problem documents, headers, traces.
    /// State of the role goes in beside, with `app_data`.
    pub fn configure(self, kit: web::Data<Kit>) -> impl FnOnce(&mut web::ServiceConfig) {
        move |config| {
            let role = self.role;
            let mut scope = web::scope("").default_service(web::to(extract::no_such_path));
            for (beginning, resources) in self.by_beginning() {
                scope = match beginning {
                    None => resources.into_iter().fold(scope, Scope::service),
                    Some(beginning) => scope.service(resources.into_iter().fold(
                        web::scope(beginning).default_service(web::to(extract::no_such_path)),
                        Scope::service,
                    )),
                };
            }
            config.app_data(kit).configure(extract::configure).service(
                scope
                    .wrap(from_fn(move |request, next| {
                        trace::observe(role, request, next)
                    }))
                    .wrap(from_fn(layout::headers)),
            );
        }
    }

    /// One resource a path, under what several begin with: a request is compared with those alone. Each path that is
    /// compared is a regular expression, and there are a hundred.
    fn by_beginning(self) -> Vec<(Option<&'static str>, Vec<Resource>)> {
        let mut groups: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
        for path in self.paths() {
            let beginning = beginning(path);
            match groups.iter_mut().find(|(known, _)| *known == beginning) {
                Some((_, paths)) => paths.push(path),
                None => groups.push((beginning, vec![path])),
            }
        }
        let mut routes = self.routes;
        let mut of_path = |path: &'static str, rest: &str| {
            let (here, others) = routes.drain(..).partition(|(info, _)| info.path == path);
            routes = others;
            resource(path, rest, here, self.gate.clone())
        };
        groups
            .into_iter()
            .map(|(beginning, paths)| {
                let shared = Some(beginning).filter(|_| paths.len() > 1);
                let cut = shared.map_or(0, str::len);
                let resources = paths.iter().map(|path| of_path(path, &path[cut..]));
                (shared, resources.collect())
            })
            .collect()
    }

    /// Literal segments go before parameters, so that `/teams/new` is not taken for a team.
    fn paths(&self) -> Vec<&'static str> {
        let mut paths: Vec<&'static str> = Vec::new();
        for (info, _) in &self.routes {
            if !paths.contains(&info.path) {
                paths.push(info.path);
            }
        }
        paths.sort_by_key(|path| path.split('/').map(|s| s.contains('{')).collect::<Vec<_>>());
        paths
    }
}

/// The first segment, of the API the one after its version: no beginning is one of another.
fn beginning(path: &'static str) -> &'static str {
    let segments = match path {
        _ if path.starts_with("/api/v1/") => 3,
        _ if path.starts_with("/api/") => 2,
        _ => 1,
    };
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.nth(segments).map_or(path, |end| &path[..end])
}

/// `rest` is what is left of the path where it is looked for.
fn resource(
    path: &'static str,
    rest: &str,
    routes: Vec<(RouteInfo, Route)>,
    gate: Option<Arc<dyn WorkerGate>>,
) -> Resource {
    let mut allowed: Vec<&str> = routes
        .iter()
        .map(|(info, _)| info.method.as_str())
        .collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.sort_unstable();
    let allowed = allowed.join(", ");
    let mut resource = web::resource(rest).default_service(web::to(move |request: HttpRequest| {
        request.extensions_mut().insert(Pattern(path));
        let response: HttpResponse = extract::method_not_allowed(&request, &allowed);
        async move { response }
    }));
    for (info, route) in routes {
        let gate = gate.clone();
        let access = info.access;
        let enforce = move |request: ServiceRequest, next: Next<_>| {
            request.extensions_mut().insert(Pattern(path));
            guard::enforce(access, gate.clone(), request, next)
        };
        let route = if info.method == Method::GET {
            route.guard(on::Any(on::Get()).or(on::Head()))
        } else {
            route.method(info.method)
        };
        resource = resource.route(route.wrap(from_fn(enforce)));
    }
    resource
}

type Answer = Result<ServiceResponse, actix_web::Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_looked_for_among_those_that_begin_alike() {
        let of = [
            ("/", "/"),
            ("/boards", "/boards"),
            ("/boards/{challenge}/{track}", "/boards"),
            ("/api/docs", "/api/docs"),
            ("/api/openapi.json", "/api/openapi.json"),
            ("/api/v1/boards", "/api/v1/boards"),
            ("/api/v1/boards/{phase}.csv", "/api/v1/boards"),
            ("/api/v1/boards/imported/{id}", "/api/v1/boards"),
        ];
        for (path, expected) in of {
            assert_eq!(beginning(path), expected, "{path}");
        }
    }
}
