//! Whether a team may hand in a file now. Every reason has its words, and a code for programs.

use chrono::{DateTime, Utc};
use molar_domain::TeamId;
use molar_domain::phase::{PhaseState, day, seconds_to_midnight};
use molar_web_kit::{ApiError, Caller};
use sqlx::PgConnection;
use uuid::Uuid;

use super::create::New;
use crate::quota;
use crate::rows::phases::{self, Phase};
use crate::rows::submissions;

/// The phase, if the caller may submit to it. Holds the team's lock to the end of the transaction.
pub async fn admit(
    conn: &mut PgConnection,
    caller: &Caller,
    new: &New,
    now: DateTime<Utc>,
) -> Result<Phase, ApiError> {
    let phase = phases::find(&mut *conn, new.phase_id).await?;
    caller.require_member(TeamId(new.team_id))?;
    require_approved(conn, new.team_id, &phase).await?;
    require_signed(conn, caller, &phase).await?;
    require_open(&phase, now)?;
    require_ready(conn, &phase).await?;
    require_fit(new, &phase)?;
    submissions::lock_team(&mut *conn, phase.id, new.team_id).await?;
    require_quota(conn, new.team_id, &phase, now).await?;
    Ok(phase)
}

async fn require_approved(
    conn: &mut PgConnection,
    team: Uuid,
    phase: &Phase,
) -> Result<(), ApiError> {
    let participation = phases::participation(conn, team, phase.track_id).await?;
    let detail = match participation {
        Some(p) if p.state == "approved" => return Ok(()),
        Some(p) if p.state == "requested" => {
            "your team's request to take part is not decided yet; an organizer has to approve it"
                .to_owned()
        }
        Some(p) => {
            let reason = p.reason.map(|reason| format!(": {reason}"));
            format!(
                "your team's participation is {}{}",
                p.state,
                reason.unwrap_or_default()
            )
        }
        None => format!(
            "your team does not take part in this track; ask for it at /join/{}",
            phase.challenge_slug
        ),
    };
    Err(ApiError::forbidden(detail).with_code("not-approved"))
}

async fn require_signed(
    conn: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
) -> Result<(), ApiError> {
    let Some(version) = &phase.agreement_version else {
        return Ok(());
    };
    if phases::has_signed(conn, caller.user_id.0, phase.challenge_id, version).await? {
        return Ok(());
    }
    let detail = format!(
        "sign version {version} of the data-use terms first, at /join/{}",
        phase.challenge_slug
    );
    Err(ApiError::forbidden(detail).with_code("agreement-unsigned"))
}

fn require_open(phase: &Phase, now: DateTime<Utc>) -> Result<(), ApiError> {
    let moment = |at: DateTime<Utc>| {
        let local = at.with_timezone(&phase.zone);
        local.format("%-d %B %Y, %H:%M %Z").to_string()
    };
    let (detail, code) = match phase.window.state(now, false) {
        PhaseState::Open => return Ok(()),
        PhaseState::Planned => (
            format!("the phase opens on {}", moment(phase.window.opens_at)),
            "phase-not-open",
        ),
        PhaseState::Paused => (
            "the organizers have paused the phase; try again later".to_owned(),
            "phase-paused",
        ),
        PhaseState::Closing | PhaseState::Closed | PhaseState::Published => (
            format!("the phase closed on {}", moment(phase.window.closes_at)),
            "phase-closed",
        ),
    };
    Err(ApiError::conflict(detail).with_code(code))
}

/// Nothing could be checked or scored against references that are not there, and without its public
/// case a container would be tried on a hidden one.
async fn require_ready(conn: &mut PgConnection, phase: &Phase) -> Result<(), ApiError> {
    if phases::is_ready(conn, phase.id).await? {
        return Ok(());
    }
    let detail = "the phase is not ready yet: the organizers have not stored all of its cases and references";
    Err(ApiError::conflict(detail).with_code("phase-not-ready"))
}

fn require_fit(new: &New, phase: &Phase) -> Result<(), ApiError> {
    let most = phase.limits.upload_bytes;
    if new.size_bytes > most {
        let detail = format!(
            "the file has {} bytes, the phase takes at most {most}; leave out what is not needed",
            new.size_bytes
        );
        return Err(ApiError::TooLarge(detail.into()));
    }
    if phase.requires_code_url && new.code_url.is_none() {
        return Err(ApiError::invalid(
            "/code_url",
            "this phase asks where your team's code is public: give an https:// address",
        ));
    }
    Ok(())
}

async fn require_quota(
    conn: &mut PgConnection,
    team: Uuid,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let used = quota::used(conn, (phase.id, team), day(now, phase.zone)).await?;
    let Err(exhausted) = phase.quota.check(used) else {
        return Ok(());
    };
    let wait = seconds_to_midnight(now, phase.zone);
    Err(ApiError::QuotaExceeded {
        detail: exhausted.to_string(),
        retry_after_s: exhausted
            .ends_with_the_day()
            .then(|| u64::try_from(wait).unwrap_or(1)),
    })
}
