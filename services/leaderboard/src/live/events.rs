//! `GET /api/v1/boards/{phase_id}/events`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_domain::PhaseId;
use molar_web_kit::live::{self, Follower};
use molar_web_kit::{ApiError, Caller, Kit, caller};
use uuid::Uuid;

use super::{Boards, Seen, number};
use crate::boards::{Asked, see};
use crate::rows::phases::{self, Phase};

/// Tells when what the caller sees of a board has changed: server-sent events `changed`, each with an opaque number that
/// stands for what is to be seen. The first comes at once, and 0 says that the board is hidden.
///
/// After some minutes, and when the caller may not see it any more, it ends. 503 with `Retry-After` while as many
/// follow as this process can serve.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/events", tag = "leaderboard",
    params(("phase_id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
#[tracing::instrument(name = "boards.events", skip_all, fields(phase.id = %phase_id))]
pub async fn events(
    kit: web::Data<Kit>,
    boards: web::Data<Boards>,
    phase_id: web::Path<Uuid>,
    caller: Option<Caller>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let phase = phases::find(&kit.db, PhaseId(*phase_id)).await?;
    let board = see(&kit, &phase, caller.as_ref(), &Asked::default()).await?;
    let place = boards.place(&kit, &request, caller.as_ref())?;
    let seen = Seen::of(&phase, caller.as_ref());
    let told = boards
        .followed
        .follow(seen.clone(), caller.as_ref(), number(&kit, &board));
    let follower = Follower {
        told,
        may_see: async move || is_still(&kit, &phase, caller.as_ref(), &seen).await,
        place,
        stop: boards.stop.clone(),
    };
    Ok(live::response(follower.events()))
}

/// Whether a caller is still signed in and of the kind that sees it so. What that kind may see was asked when its number
/// was made.
async fn is_still(kit: &Kit, phase: &Phase, before: Option<&Caller>, seen: &Seen) -> bool {
    let Some(before) = before else {
        return true;
    };
    match caller::find_again(kit, before).await {
        Ok(Some(now)) => Seen::of(phase, Some(&now)) == *seen,
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a board is not followed any more"
            );
            false
        }
    }
}
