//! From which network address a person registered, signed or joined: for the ledger, and for signs of one person
//! in several teams. Personal: erased with the account, purged after a while.

use std::net::IpAddr;

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use molar_domain::{UserId, ids};
use sqlx::PgExecutor;
use uuid::Uuid;

use molar_web_kit::Kit;

#[derive(Debug, Clone, Copy)]
pub enum Occasion {
    Registered,
    AgreementSigned,
    TeamJoined,
    PlaceRequested,
}

impl Occasion {
    fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::AgreementSigned => "agreement-signed",
            Self::TeamJoined => "team-joined",
            Self::PlaceRequested => "place-requested",
        }
    }
}

/// Where a request comes from, if that is known.
#[derive(Debug, Clone, Copy)]
pub struct Origin(Option<IpAddr>);

impl Origin {
    pub fn of(request: &HttpRequest) -> Self {
        Self(request.peer_addr().and_then(|_| {
            let kit = Kit::of(request).ok()?;
            Some(kit.address_of(request))
        }))
    }
}

impl actix_web::FromRequest for Origin {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self::of(request)))
    }
}

pub async fn note(
    db: impl PgExecutor<'_>,
    origin: Origin,
    user: UserId,
    occasion: Occasion,
    subject: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Some(address) = origin.0 else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO registration.sightings (id, user_id, occasion, subject_id, address, seen_at)
         VALUES ($1, $2, $3, $4, $5::text::inet, $6)",
        ids::uuid_at(now),
        user.0,
        occasion.as_str(),
        subject,
        address.to_string(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how many were too old to keep.
pub async fn purge(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM registration.sightings WHERE seen_at < $1",
        before
    );
    Ok(done.execute(db).await?.rows_affected())
}
