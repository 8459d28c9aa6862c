//! What stands before each handler.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use subtle::ConstantTimeEq;

use super::{Access, Answer, WorkerGate};
use crate::caller::{self, Caller, Credential, TokenHash, Via};
use crate::idempotency::{self, RequestHash};
use crate::rate::Key;
use crate::{ApiError, Kit, Scope, multipart};

pub(super) async fn enforce(
    access: Access,
    gate: Option<Arc<dyn WorkerGate>>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Answer {
    match admit(access, gate, &mut request).await {
        Ok(()) => next.call(request).await,
        Err(refusal) => Ok(request.error_response(refusal)),
    }
}

async fn admit(
    access: Access,
    gate: Option<Arc<dyn WorkerGate>>,
    request: &mut ServiceRequest,
) -> Result<(), ApiError> {
    if access == Access::Worker {
        return admit_worker(gate, request).await;
    }
    let kit = Kit::of(request.request())?.clone();
    let credential = Credential::of(&kit, request.request());
    // A caller that turns out to be known is counted as that person instead, below.
    let address = Key::address(kit.address_of(request.request()));
    if access == Access::Public || credential.is_none() {
        admit_rate(&kit, address, request)?;
    }
    let is_browser = credential
        .as_ref()
        .is_none_or(|shown| shown.via == Via::Session);
    if !request.method().is_safe() && is_browser {
        require_own_page(&kit, request)?;
    }
    if access == Access::Public {
        return hash_if_keyed(&kit, request).await;
    }

    let caller = match &credential {
        Some(shown) => caller::find(&kit.db, &kit, shown, kit.clock.now()).await?,
        None => None,
    };
    let Some(caller) = caller else {
        if credential.is_some() {
            admit_rate(&kit, address, request)?;
        }
        // A browser whose session ran out reads on as the public; a program that shows a token
        // wants to know that it is not good.
        let is_stale_token = credential.is_some_and(|shown| shown.via == Via::Token);
        let is_open = access == Access::SignedInOrPublic && !is_stale_token;
        return if is_open {
            Ok(())
        } else {
            Err(ApiError::Unauthorized)
        };
    };
    let now = kit.clock.now();
    if let Err(error) = caller::note_use(&kit.db, &caller, now).await {
        // The request itself does not depend on it.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "last use not noted"
        );
    }
    let admitted = match admit_rate(&kit, Key::User(caller.user_id), request) {
        Ok(()) => admit_caller(&kit, access, &caller, request).await,
        Err(refusal) => Err(refusal),
    };
    // Also where the answer is no: its page says who is signed in.
    request.extensions_mut().insert(caller);
    admitted
}

fn admit_rate(kit: &Kit, key: Key, request: &ServiceRequest) -> Result<(), ApiError> {
    let is_read = request.method().is_safe();
    kit.rates
        .admit(key, is_read, kit.clock.now())
        .map_err(|retry_after_s| ApiError::TooManyRequests { retry_after_s })
}

async fn admit_caller(
    kit: &Kit,
    access: Access,
    caller: &Caller,
    request: &mut ServiceRequest,
) -> Result<(), ApiError> {
    if let Some(scope) = Scope::of(access, request.method()) {
        caller.require_scope(scope)?;
    }
    if !request.method().is_safe() {
        require_confirmed(access, caller)?;
    }
    require_right(access, caller)?;
    if !request.method().is_safe() {
        if caller.via == Via::Session {
            require_csrf(caller, request).await?;
        }
        hash_if_keyed(kit, request).await?;
    }
    Ok(())
}

async fn admit_worker(
    gate: Option<Arc<dyn WorkerGate>>,
    request: &mut ServiceRequest,
) -> Result<(), ApiError> {
    let key = caller::bearer(request.request()).map(TokenHash::of);
    let (Some(gate), Some(key)) = (gate, key) else {
        return Err(ApiError::Unauthorized);
    };
    let worker = gate.find(&key).await?.ok_or(ApiError::Unauthorized)?;
    request.extensions_mut().insert(worker);
    Ok(())
}

/// Until the address is confirmed a person reads, and changes nothing but the account.
fn require_confirmed(access: Access, caller: &Caller) -> Result<(), ApiError> {
    match access {
        Access::SignedIn | Access::Organizer | Access::Admin => caller.require_confirmed(),
        Access::Public | Access::SignedInOrPublic | Access::Account | Access::Worker => Ok(()),
    }
}

fn require_right(access: Access, caller: &Caller) -> Result<(), ApiError> {
    match access {
        Access::Organizer if !caller.organizes_anything() => {
            Err(caller.organizer_refusal("this is for organizers of a challenge"))
        }
        Access::Admin if !caller.is_admin => {
            Err(caller.organizer_refusal("this is for administrators"))
        }
        Access::Public
        | Access::SignedInOrPublic
        | Access::SignedIn
        | Access::Account
        | Access::Organizer
        | Access::Admin
        | Access::Worker => Ok(()),
    }
}

/// Browsers name the page that a request comes from, and no other site can change that. This
/// covers what a CSRF token cannot: signing in, when there is no session yet.
fn require_own_page(kit: &Kit, request: &ServiceRequest) -> Result<(), ApiError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    // The operator may reach us by another name than the public one.
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let is_host = host.is_some() && origin.split_once("://").map(|(_, rest)| rest) == host;
    if is_host || origin == kit.public_url.origin().ascii_serialization() {
        return Ok(());
    }
    Err(ApiError::forbidden("the request comes from another site"))
}

async fn require_csrf(caller: &Caller, request: &mut ServiceRequest) -> Result<(), ApiError> {
    let shown = match request.headers().get("x-csrf-token") {
        Some(header) => header.to_str().unwrap_or_default().to_owned(),
        None => form_field(request).await?.unwrap_or_default(),
    };
    let is_ours = shown.as_bytes().ct_eq(caller.csrf_token().as_bytes());
    if bool::from(is_ours) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "the form is out of date; load the page again and repeat",
    ))
}

async fn form_field(request: &mut ServiceRequest) -> Result<Option<String>, ApiError> {
    match request.content_type() {
        "application/x-www-form-urlencoded" => {}
        // Before the file, of which nothing is read here.
        "multipart/form-data" => return multipart::first_field(request, "_csrf").await,
        _ => return Ok(None),
    }
    let body = read_body(request).await?;
    let field = url::form_urlencoded::parse(&body).find(|(name, _)| name == "_csrf");
    Ok(field.map(|(_, value)| value.into_owned()))
}

/// With a key of ours: what is hashed may hold a password, and the hash is kept in a row.
async fn hash_if_keyed(kit: &Kit, request: &mut ServiceRequest) -> Result<(), ApiError> {
    if !request.headers().contains_key(idempotency::HEADER) {
        return Ok(());
    }
    let body = read_body(request).await?;
    let parts = [
        request.method().as_str(),
        request.path(),
        request.query_string(),
    ];
    let hash = RequestHash::of(kit, &parts, &body);
    request.extensions_mut().insert(hash);
    Ok(())
}

/// Reads the body and puts it back for the handler's extractor.
async fn read_body(request: &mut ServiceRequest) -> Result<web::Bytes, ApiError> {
    let body = request.extract::<web::Bytes>().await.map_err(|error| {
        if error.as_response_error().status_code() == 413 {
            ApiError::TooLarge("a body has at most 2 MiB".into())
        } else {
            ApiError::BadRequest(error.to_string())
        }
    })?;
    // What was packed is unpacked by now.
    request.headers_mut().remove(header::CONTENT_ENCODING);
    request.set_payload(Payload::from(body.clone()));
    Ok(body)
}
