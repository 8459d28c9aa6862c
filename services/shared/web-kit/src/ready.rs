//! Answers that are ready before a request has found its route.

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::Kit;
use crate::rate::Key;

/// What a role gives again as it was a moment ago. To find a route, who asks and what costs more than to send it.
///
/// A role that has any puts a `web::Data<dyn Ready>` beside its routes.
pub trait Ready: Send + Sync {
    /// For whoever is not signed in. None leaves the request to its route.
    fn find(&self, request: &HttpRequest) -> Option<ReadyAnswer>;
}

pub struct ReadyAnswer {
    pub answer: HttpResponse,
    /// By which it was made, see [`crate::pattern::route`].
    pub route: &'static str,
}

/// It is counted like any other. Who asks too often is not answered here, and refused on the way to the route.
pub(crate) fn find(request: &ServiceRequest) -> Option<ReadyAnswer> {
    let ready = request.app_data::<web::Data<dyn Ready>>()?;
    let shows = |name| request.headers().contains_key(name);
    if request.method() != Method::GET || shows(header::AUTHORIZATION) || shows(header::COOKIE) {
        return None;
    }
    let again = ready.find(request.request())?;
    let kit = Kit::of(request.request()).ok()?;
    let address = Key::address(kit.address_of(request.request()));
    let admitted = kit.rates.admit(address, true, kit.clock.now());
    admitted.ok().map(|()| again)
}
