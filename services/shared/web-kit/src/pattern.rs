//! By which route a request is answered.

use actix_web::{HttpMessage as _, HttpRequest};

/// In the extensions of every request that has a route: its path, with the names of its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern(pub &'static str);

/// The path of the route, with the names of its parameters. None before it is found.
pub fn route(request: &HttpRequest) -> Option<&'static str> {
    let pattern = request.extensions().get::<Pattern>().copied();
    pattern.map(|pattern| pattern.0)
}
