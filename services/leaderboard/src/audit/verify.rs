//! `GET /api/v1/audit/verify`

use actix_web::web;
use molar_service::audit;
use molar_web_kit::{ApiError, Kit};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyAudit {
    /// Of an exported head, with its hash.
    seq: Option<i64>,
    /// Hex.
    hash: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verified {
    pub is_whole: bool,
    /// Everything that is wrong, by entry.
    pub breaks: Vec<BreakView>,
}

#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakView {
    pub seq: i64,
    pub what: String,
}

/// Whether the audit log is whole: nothing was changed, taken out or, against an exported head, cut off.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit", params(VerifyAudit),
    responses((status = 200, body = Verified)))]
#[tracing::instrument(name = "audit.verify", skip_all)]
pub async fn verify(
    kit: web::Data<Kit>,
    query: web::Query<VerifyAudit>,
) -> Result<web::Json<Verified>, ApiError> {
    let head = match (query.seq, &query.hash) {
        (None, None) => None,
        (Some(seq), Some(hash)) => {
            let hash = hex::decode(hash);
            let hash = hash.map_err(|_| ApiError::BadRequest("query: hash is not hex".into()))?;
            Some((seq, hash))
        }
        _ => {
            let why = "query: a head is both, seq and hash";
            return Err(ApiError::BadRequest(why.into()));
        }
    };
    let breaks = audit::breaks(&kit.db, head).await?;
    let breaks = breaks.into_iter().map(|found| BreakView {
        seq: found.seq,
        what: found.what,
    });
    let breaks: Vec<_> = breaks.collect();
    Ok(web::Json(Verified {
        is_whole: breaks.is_empty(),
        breaks,
    }))
}
