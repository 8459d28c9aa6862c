//! A figure for whoever may have it as a file, and what every such answer says.

use actix_web::http::header::{self, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse};
use molar_domain::PhaseId;
use molar_web_kit::{ApiError, Caller, Kit};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::rows;
use super::view::see;
use crate::kept::is_known;
use crate::rows::phases::{self, Phase};

/// It has rules of its own for light and dark, and is allowed nothing else, whoever opens it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const WHAT: &str = "figure of this board that you may see";

pub struct SvgFile {
    pub svg: String,
    /// Of its file, without an ending.
    name: String,
}

impl SvgFile {
    /// Not there for who does not see the board with names and values of the version that is drawn.
    pub async fn find(
        kit: &Kit,
        (phase_id, name): (Uuid, String),
        caller: Option<&Caller>,
    ) -> Result<Self, ApiError> {
        let id = PhaseId(phase_id);
        let phase = phases::find(&kit.db, id).await?;
        let seen = see(kit, &phase, caller).await?;
        let drawing = seen.drawing.ok_or(ApiError::NotFound(WHAT))?;
        let svg = rows::file(&kit.db, id, drawing.version, &name)
            .await?
            .ok_or(ApiError::NotFound(WHAT))?;
        Ok(Self::of(&phase, &name, svg))
    }

    /// `name` is a part of the file's.
    pub fn of(phase: &Phase, name: &str, svg: String) -> Self {
        let (challenge, track) = (&phase.challenge_slug, &phase.track_slug);
        Self {
            svg,
            name: format!("{challenge}-{track}-{}-{name}", phase.slug),
        }
    }

    /// Of what is made of it in this way.
    pub fn tag(&self, way: &str) -> EntityTag {
        let hash = Sha256::new_with_prefix(&self.svg).chain_update(way);
        EntityTag::new_strong(hex::encode(&hash.finalize()[..16]))
    }

    /// An answer that is complete for who has the file already, and that the file is added to for others.
    pub fn answer(&self, request: &HttpRequest, tag: &EntityTag, ending: &str) -> Answer {
        let is_known = is_known(request, tag);
        let mut answer = match is_known {
            true => HttpResponse::NotModified(),
            false => HttpResponse::Ok(),
        };
        answer
            .insert_header(ETag(tag.clone()))
            // To be asked for each time: who may see it changes.
            .insert_header((header::CACHE_CONTROL, "private, no-cache"))
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if is_known {
            return Answer::Known(answer.finish());
        }
        let file = format!("inline; filename=\"{}.{ending}\"", self.name);
        answer.insert_header((header::CONTENT_DISPOSITION, file));
        Answer::Wanted(answer)
    }
}

pub enum Answer {
    Known(HttpResponse),
    Wanted(actix_web::HttpResponseBuilder),
}
