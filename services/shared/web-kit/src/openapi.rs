//! What all roles' documents of their API have in common: who may call, and what a problem is.

use actix_web::http::Method;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::caller::SESSION_COOKIE;
use crate::problem::Problem;
use crate::routes::{Access, RouteInfo};

/// Adds the schemes of signing in, the schema of problems, and to every operation who may call it
/// (as its route says) and that anything else is a problem document.
pub fn complete(mut openapi: OpenApi, routes: &[RouteInfo]) -> OpenApi {
    let components = openapi.components.get_or_insert_default();
    add_schemes(components);
    add_problem(components);
    for route in routes {
        let path = documented_path(route.path);
        let Some(item) = openapi.paths.paths.get_mut(&path) else {
            continue;
        };
        if let Some(operation) = operation_mut(item, &route.method) {
            operation.security = security(route.access);
            let responses = &mut operation.responses.responses;
            responses
                .entry("default".into())
                .or_insert_with(|| RefOr::T(problem_response()));
        }
    }
    openapi
}

/// One document of the documents of all roles, under the title of the first.
pub fn merge(documents: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    documents
        .into_iter()
        .reduce(OpenApi::merge_from)
        .unwrap_or_default()
}

/// `{name:pattern}` of a route is `{name}` in the document.
pub fn documented_path(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| match segment.split_once(':') {
            Some((name, _)) if segment.starts_with('{') => format!("{name}}}"),
            _ => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/")
}

pub(crate) fn operation<'a>(item: &'a PathItem, method: &Method) -> Option<&'a Operation> {
    match *method {
        Method::GET => item.get.as_ref(),
        Method::POST => item.post.as_ref(),
        Method::PUT => item.put.as_ref(),
        Method::PATCH => item.patch.as_ref(),
        Method::DELETE => item.delete.as_ref(),
        _ => None,
    }
}

fn operation_mut<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn add_schemes(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the API; `molar login` makes one."))
        .build();
    let session = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "The session of the pages. Unsafe requests need the header x-csrf-token as well.",
    );
    let schemes = &mut components.security_schemes;
    schemes.insert("token".into(), RefOr::T(SecurityScheme::Http(bearer)));
    schemes.insert(
        "session".into(),
        RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(session))),
    );
}

fn add_problem(components: &mut Components) {
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    components.schemas.extend(schemas);
}

fn problem_response() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name())));
    ResponseBuilder::new()
        .description("What went wrong (RFC 9457)")
        .content("application/problem+json", content.build())
        .build()
}

/// Either scheme will do; an empty requirement beside them makes signing in optional.
fn security(access: Access) -> Option<Vec<SecurityRequirement>> {
    let scheme = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let signed_in = vec![scheme("token"), scheme("session")];
    match access {
        Access::Public => None,
        Access::SignedInOrPublic => {
            Some([signed_in, vec![SecurityRequirement::default()]].concat())
        }
        Access::SignedIn | Access::Account | Access::Organizer | Access::Admin => Some(signed_in),
        Access::Worker => Some(vec![scheme("token")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_left_out_of_documented_paths() {
        assert_eq!(documented_path("/api/v1/a/{id}"), "/api/v1/a/{id}");
        assert_eq!(documented_path("/assets/{tail:.*}"), "/assets/{tail}");
    }
}
