//! Whether a team may hand in a file now. Every reason has its words, and a code for programs.

use chrono::{DateTime, Utc};
use molar_domain::phase::{
    PhaseState, SubmissionKind, day, is_finalist, licence, seconds_to_midnight,
};
use molar_domain::quota::Exhausted;
use molar_domain::{ChallengeId, TeamId};
use molar_web_kit::{ApiError, Caller};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::quota;
use crate::rows::phases::{self, Finalists, Phase, Rules};
use crate::rows::submissions;

pub struct New {
    pub phase_id: Uuid,
    pub team_id: Uuid,
    pub size_bytes: u64,
    pub sha256: Option<String>,
    pub resume_key: Option<String>,
    pub note: String,
    pub code_url: Option<String>,
    pub licence: Option<String>,
    pub is_trial: bool,
}

/// The phase, if the caller may submit to it, and the licence of the code as it is spelled. Holds the team's lock to the end of the transaction.
pub async fn admit(
    conn: &mut PgConnection,
    caller: &Caller,
    new: &New,
    now: DateTime<Utc>,
) -> Result<(Phase, Option<String>), ApiError> {
    let phase = phases::find(&mut *conn, new.phase_id).await?;
    let rules = phases::rules(&mut *conn, phase.id).await?;
    let may_review = caller.may_review(ChallengeId(phase.challenge_id));
    if !rules.visibility.shows_phase(may_review) {
        return Err(ApiError::NotFound("phase"));
    }
    caller.require_member(TeamId(new.team_id))?;
    require_approved(conn, new.team_id, &phase).await?;
    require_signed(conn, caller, &phase).await?;
    require_open(&phase, now)?;
    require_triable(new, &phase)?;
    require_ready(conn, &phase).await?;
    require_fit(new, &phase)?;
    let licence = licence(&rules.allowed_licences, new.licence.as_deref());
    let licence = licence.map_err(|why| ApiError::invalid("/licence", why.to_string()))?;
    let licence = licence.map(str::to_owned);
    require_finalist(conn, new.team_id, &rules, now).await?;
    submissions::lock_team(&mut *conn, phase.id, new.team_id).await?;
    match new.is_trial {
        true => require_trial(conn, new.team_id, &phase, now).await?,
        false => require_quota(conn, new.team_id, &phase, now).await?,
    }
    Ok((phase, licence))
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
    Err(ApiError::forbidden(detail).with_code("agreement-not-signed"))
}

fn require_open(phase: &Phase, now: DateTime<Utc>) -> Result<(), ApiError> {
    let moment = |at: DateTime<Utc>| {
        let local = at.with_timezone(&phase.zone);
        local.format("%-d %B %Y, %H:%M %Z").to_string()
    };
    let (detail, code) = match phase.window.state(now, false) {
        PhaseState::Open => return Ok(()),
        PhaseState::Planned => (
            format!("the phase opens {}", phase.opening(now)),
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

fn require_triable(new: &New, phase: &Phase) -> Result<(), ApiError> {
    if !new.is_trial {
        return Ok(());
    }
    if phase.kind == SubmissionKind::Predictions {
        let detail = "only a container is tried: predictions are checked before they cost anything";
        return Err(ApiError::invalid("/is_trial", detail));
    }
    if !phase.has_canary {
        let detail = "this phase has no public case to try an image on; ask its organizers for one";
        return Err(ApiError::conflict(detail).with_code("no-canary"));
    }
    Ok(())
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

async fn require_finalist(
    conn: &mut PgConnection,
    team: Uuid,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let Some(finalists) = &rules.finalists else {
        return Ok(());
    };
    let Finalists { title, top, .. } = finalists;
    let is_named = phases::is_named(&mut *conn, finalists.phase_id, team).await?;
    // Who is named is known, whatever is run again in that phase.
    if is_named.is_none()
        && (now < finalists.known_at
            || phases::has_work_in_flight(&mut *conn, finalists.phase_id).await?)
    {
        let why = format!(
            "only the {top} best teams of {title} may submit, and the last ranks of that phase are not known yet"
        );
        return Err(ApiError::conflict(why).with_code("finalists-unknown"));
    }
    let goes_on = match is_named {
        Some(is_named) => is_named,
        None => is_finalist(
            phases::rank(&mut *conn, finalists.phase_id, team).await?,
            *top,
        ),
    };
    if goes_on {
        return Ok(());
    }
    // Not which place it has: the board may not be public yet.
    let why =
        format!("only the {top} best teams of {title} may submit, and yours is not among them");
    Err(ApiError::forbidden(why).with_code("not-a-finalist"))
}

async fn require_quota(
    conn: &mut PgConnection,
    team: Uuid,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let used = quota::used(conn, (phase.id, team), day(now, phase.zone)).await?;
    insist(phase.quota.check(used), phase, now)
}

async fn require_trial(
    conn: &mut PgConnection,
    team: Uuid,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (place, day) = ((phase.id, team), day(now, phase.zone));
    let today = submissions::count_trials(conn, place, day, phase.zone).await?;
    insist(phase.quota.check_trial(today), phase, now)
}

fn insist(
    checked: Result<(), Exhausted>,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let Err(exhausted) = checked else {
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

#[cfg(test)]
mod tests;
