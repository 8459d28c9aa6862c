//! A split as the handlers of cases need it, and who may see its images.

use chrono::{DateTime, Utc};
use molar_domain::{ChallengeId, SplitId, TeamId};
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::Error;

#[derive(Debug, Clone)]
pub struct Split {
    pub id: Uuid,
    pub track_id: Uuid,
    pub challenge_id: Uuid,
    pub is_public: bool,
    pub has_references: bool,
    /// Labels to train with.
    pub are_references_public: bool,
    pub format: String,
}

impl Split {
    pub fn challenge_id(&self) -> ChallengeId {
        ChallengeId(self.challenge_id)
    }

    pub fn bucket(&self) -> Bucket {
        if self.is_public {
            Bucket::Public
        } else {
            Bucket::Hidden
        }
    }

    pub fn reference_bucket(&self) -> Bucket {
        if self.are_references_public {
            Bucket::Public
        } else {
            Bucket::References
        }
    }

    /// The file name of a case's reference.
    pub fn reference_name(&self, case: &str) -> String {
        match self.format.as_str() {
            "nifti" => format!("{case}_Mask.nii.gz"),
            _ => format!("{case}_Mask.json"),
        }
    }
}

pub async fn find(db: impl PgExecutor<'_>, id: SplitId) -> Result<Split, Error> {
    let found = sqlx::query_as!(
        Split,
        "SELECT s.id, s.track_id, t.challenge_id, s.is_public, s.has_references, s.are_references_public, t.format
         FROM tracks.splits s JOIN tracks.tracks t ON t.id = s.track_id WHERE s.id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    found.ok_or(Error::NotFound("split"))
}

/// Until the transaction ends, nobody else changes the split's cases and references.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("SELECT id FROM tracks.splits WHERE id = $1 FOR UPDATE", id)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// What was handed in is measured on the cases that there are; one more, and a board would compare means over
/// different cases.
pub async fn require_unsubmitted(conn: &mut PgConnection, split: &Split) -> Result<(), Error> {
    let submitted = sqlx::query_scalar!(
        "SELECT p.slug FROM tracks.phases p
         WHERE p.split_id = $1 AND EXISTS (
             SELECT FROM submission.life l WHERE l.phase_id = p.id AND l.cancelled_at IS NULL
               AND l.upload_state NOT IN ('refused', 'cancelled', 'expired'))
         ORDER BY p.position LIMIT 1",
        split.id,
    )
    .fetch_optional(conn)
    .await?;
    match submitted {
        None => Ok(()),
        Some(phase) => Err(ApiError::conflict(format!(
            "teams have submitted to the phase {phase}, which is measured on the cases of this split; a new case \
             needs a split and a phase of its own"
        ))
        .with_code("phase-submitted")
        .into()),
    }
}

/// Cases change only as long as nobody can have worked on them: as soon as a phase that uses them has
/// opened, or was submitted to, they are what they are.
pub async fn require_unopened(
    conn: &mut PgConnection,
    split: &Split,
    cases: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let opened = sqlx::query_scalar!(
        "SELECT p.slug FROM tracks.phases p
         JOIN tracks.phase_readiness r ON r.phase_id = p.id
         JOIN tracks.openings o ON o.phase_id = p.id
         WHERE (p.split_id = $1 OR p.canary_case_id = ANY($2))
           AND (EXISTS (SELECT FROM submission.life l WHERE l.phase_id = p.id)
                OR (o.opens_at <= $3 AND NOT o.is_held AND p.paused_at IS NULL AND r.is_ready))
         ORDER BY p.position LIMIT 1",
        split.id,
        cases,
        now,
    )
    .fetch_optional(conn)
    .await?;
    match opened {
        None => Ok(()),
        Some(phase) => Err(ApiError::conflict(format!(
            "the phase {phase} has opened on these cases; pause it first, if nobody has submitted yet"
        ))
        .with_code("phase-opened")
        .into()),
    }
}

/// Public images are for approved teams whose member signed the newest terms; organizers and
/// reviewers see all. To everybody else a hidden split has nothing.
pub async fn require_reader(db: &PgPool, caller: &Caller, split: &Split) -> Result<(), ApiError> {
    if caller.may_review(split.challenge_id()) {
        return Ok(());
    }
    if !split.is_public {
        return Err(ApiError::NotFound("split"));
    }
    require_signed(db, caller, split.challenge_id, split.track_id).await
}

/// What is public of a track's data is for those who see all of it, and for members of an approved team who
/// signed the newest terms.
pub async fn require_signed(
    db: &PgPool,
    caller: &Caller,
    challenge: Uuid,
    track: Uuid,
) -> Result<(), ApiError> {
    match closed_to(db, caller, challenge, track).await? {
        None => Ok(()),
        Some((code, why)) => Err(ApiError::forbidden(why).with_code(code)),
    }
}

/// Why public data of a track is not for this caller yet: a code, and words.
pub async fn closed_to(
    db: &PgPool,
    caller: &Caller,
    challenge: Uuid,
    track: Uuid,
) -> sqlx::Result<Option<(&'static str, String)>> {
    if caller.may_review(ChallengeId(challenge)) {
        return Ok(None);
    }
    let teams: Vec<Uuid> = caller.teams.iter().map(|TeamId(id)| *id).collect();
    let facts = sqlx::query!(
        r#"
        SELECT EXISTS (SELECT FROM registration.participants p
                       WHERE p.track_id = $1 AND p.state = 'approved'
                         AND p.team_id = ANY($2)) AS "is_approved!",
               EXISTS (SELECT FROM registration.signatures s
                       WHERE s.user_id = $3 AND s.challenge_id = $4 AND s.version = a.version
               ) AS "has_signed!",
               c.slug, a.version AS "version?"
        FROM tracks.challenges c
        LEFT JOIN LATERAL (SELECT t.version FROM tracks.agreement_texts t
                           WHERE t.challenge_id = c.id
                           ORDER BY t.created_at DESC, t.version DESC LIMIT 1) a ON true
        WHERE c.id = $4
        "#,
        track,
        &teams,
        caller.user_id.0,
        challenge,
    )
    .fetch_one(db)
    .await?;
    if let Some(version) = facts.version.filter(|_| !facts.has_signed) {
        let why = format!(
            "the data is for those who signed the agreement: read and sign version {version} at /join/{}",
            facts.slug
        );
        return Ok(Some(("agreement-not-signed", why)));
    }
    if !facts.is_approved {
        let why = "the data is for teams that were approved for this track".to_owned();
        return Ok(Some(("not-approved", why)));
    }
    Ok(None)
}
