//! Submissions that have come to their end.

use chrono::{DateTime, Utc};
use molar_domain::FailureCode;
use molar_domain::board::BoardRules;
use molar_domain::spelling::UnknownWord;
use molar_domain::submission::{Facts, SubmissionState};
use molar_service::Pending;
use molar_web_kit::Kit;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::{News, moment, note, tell};
use crate::Error;

const OCCASION: &str = "ended";

/// What is looked at together.
const BATCH: usize = 200;

/// Tells what was not told when it was last looked at. One that fails is told about in the log, and keeps no other
/// from its turn.
pub async fn round(kit: &Kit, untold: &Pending) -> Result<(), Error> {
    let find = async |since| find(&kit.db, since).await;
    let open = untold.look(kit.clock.now(), find).await?;
    let mut first_failure = None;
    for ids in open.chunks(BATCH) {
        for life in list(kit, ids).await? {
            match end(kit, &life).await {
                Ok(has_ended) if has_ended => untold.remove(life.id),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(submission.id = %life.id, error = &error as &dyn std::error::Error, "no news told");
                    first_failure.get_or_insert(error);
                }
            }
        }
    }
    first_failure.map_or(Ok(()), Err)
}

/// What came since and was not told. Of the two halves of what was handed in one is always empty, so that either has
/// a plan of its own: for the narrow one, an index.
async fn find(db: impl PgExecutor<'_>, since: Option<DateTime<Utc>>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        WITH handed_in AS (
            SELECT submission_id FROM submission.handed_in WHERE $2::timestamptz IS NULL
            UNION ALL
            SELECT submission_id FROM submission.handed_in WHERE created_at > $2)
        SELECT h.submission_id AS "id!" FROM handed_in h
        WHERE NOT EXISTS (
            SELECT FROM registration.noticed n
            WHERE n.subject_id = h.submission_id AND n.occasion = $1)
        UNION
        SELECT a.submission_id FROM execution.attempt_facts a
        WHERE a.is_rerun AND a.created_at > COALESCE($2, '-infinity') AND NOT EXISTS (
            SELECT FROM registration.noticed n WHERE n.subject_id = a.attempt_id AND n.occasion = $1)
        "#,
        OCCASION,
        since,
    )
    .fetch_all(db)
    .await
}

/// Whether it has ended, and is told now if it was not.
async fn end(kit: &Kit, life: &Life) -> Result<bool, Error> {
    let state = life.state()?;
    let is_stopped = life.attempt_state.as_deref() == Some("cancelled");
    match state {
        // The team did it and knows; a re-run is stopped when it is withdrawn.
        SubmissionState::Cancelled => note_only(kit, life.subject()).await?,
        state if state.is_final() && is_stopped => note_only(kit, life.subject()).await?,
        state if state.is_final() => tell(kit, &life.news(kit, state)).await?,
        _ => return Ok(false),
    }
    if life.rerun.is_some() {
        // Were it not told before it was run again, this is news enough.
        note_only(kit, life.id).await?;
        note_earlier(kit, life.id).await?;
    }
    Ok(true)
}

/// Re-runs before the last.
async fn note_earlier(kit: &Kit, submission: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO registration.noticed (subject_id, occasion, noticed_at)
         SELECT a.attempt_id, $2, $3 FROM execution.attempt_facts a
         WHERE a.submission_id = $1 AND a.is_rerun AND a.state IN ('finished', 'failed', 'cancelled')
           AND EXISTS (SELECT FROM execution.attempt_facts n WHERE n.submission_id = $1 AND n.number > a.number)
         ON CONFLICT DO NOTHING",
        submission,
        OCCASION,
        kit.clock.now(),
    )
    .execute(&kit.db)
    .await?;
    Ok(())
}

async fn note_only(kit: &Kit, submission: Uuid) -> sqlx::Result<()> {
    let mut conn = kit.db.acquire().await?;
    note(&mut conn, submission, OCCASION, kit.clock.now()).await?;
    Ok(())
}

/// What the roles' rows say, as far as a mail tells it.
struct Life {
    id: Uuid,
    team_id: Uuid,
    kind: String,
    is_trial: bool,
    created_at: DateTime<Utc>,
    is_cancelled: bool,
    upload_state: String,
    upload_failure: Option<String>,
    attempt_state: Option<String>,
    attempt_failure: Option<String>,
    evaluation_state: Option<String>,
    phase: String,
    track: String,
    challenge: String,
    zone: String,
    is_final: bool,
    is_published: bool,
    board: Json<BoardRules>,
    /// The attempt by which the organizers had it run again.
    rerun: Option<Uuid>,
    rerun_reason: Option<String>,
}

async fn list(kit: &Kit, ids: &[Uuid]) -> sqlx::Result<Vec<Life>> {
    sqlx::query_as!(
        Life,
        r#"
        SELECT l.submission_id AS "id!", l.team_id AS "team_id!", l.kind AS "kind!",
               h.is_trial AS "is_trial!", CASE WHEN l.is_rerun THEN l.attempt_id END AS rerun, l.rerun_reason, l.created_at AS "created_at!",
               l.cancelled_at IS NOT NULL AS "is_cancelled!", l.upload_state AS "upload_state!",
               l.upload_failure, l.attempt_state, l.attempt_failure, l.evaluation_state,
               f.phase_title AS "phase!", f.track_title AS "track!", f.challenge_title AS "challenge!",
               f.zone AS "zone!", f.is_final AS "is_final!", f.published_at IS NOT NULL AS "is_published!",
               f.board AS "board!: Json<BoardRules>"
        FROM submission.life l
        JOIN submission.handed_in h ON h.submission_id = l.submission_id
        JOIN tracks.phase_facts f ON f.phase_id = l.phase_id
        WHERE l.submission_id = ANY($1)
        "#,
        ids,
    )
    .fetch_all(&kit.db)
    .await
}

impl Life {
    fn state(&self) -> Result<SubmissionState, UnknownWord> {
        fn word<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
            text.map(|text| text.parse()).transpose()
        }
        Ok(SubmissionState::of(&Facts {
            kind: self.kind.parse()?,
            is_trial: self.is_trial,
            is_cancelled: self.is_cancelled,
            upload: self.upload_state.parse()?,
            attempt: word(self.attempt_state.as_ref())?,
            attempt_failure: word(self.attempt_failure.as_ref())?,
            evaluation: word(self.evaluation_state.as_ref())?,
        }))
    }

    /// Each end of it is told once: of a re-run, its own.
    fn subject(&self) -> Uuid {
        self.rerun.unwrap_or(self.id)
    }

    /// What the organizers did, and where nothing came of it.
    fn again(&self, state: SubmissionState) -> String {
        let Some(reason) = &self.rerun_reason else {
            return String::new();
        };
        let failed = match (state, &self.attempt_failure) {
            (SubmissionState::Scored, Some(code)) => {
                format!(" That run failed with {code}, so the earlier scores stand.")
            }
            _ => String::new(),
        };
        format!("\n\nThe organizers had it run again, at no cost to you: {reason}{failed}")
    }

    fn news(&self, kit: &Kit, state: SubmissionState) -> News {
        let created = moment(self.created_at, &self.zone);
        let (what, sentence) = self.in_words(state);
        let again = self.again(state);
        let Self {
            phase,
            track,
            challenge,
            ..
        } = self;
        News {
            subject_id: self.subject(),
            occasion: OCCASION.to_owned(),
            team: self.team_id.into(),
            title: format!("Submission {what}: {phase}, {track}, {challenge}"),
            text: format!(
                "Your team's submission to {phase} of {track}, made on {created}, {sentence}{again}\n\n\
                 {}submissions/{}",
                kit.public_url, self.id
            ),
        }
    }

    fn in_words(&self, state: SubmissionState) -> (&'static str, String) {
        let shows = |is_published| self.board.shows_own(self.is_final, is_published);
        match state {
            SubmissionState::Scored if shows(self.is_published) => {
                ("scored", "is scored. Its scores are on its page.".into())
            }
            SubmissionState::Scored if shows(true) => (
                "scored",
                "is scored. Its scores are shown when the organizers publish the phase.".into(),
            ),
            SubmissionState::Scored => (
                "scored",
                "is scored. The phase shows no scores of single submissions.".into(),
            ),
            SubmissionState::Tried => (
                "tried",
                "was a trial and passed: its image runs on the public case and writes a prediction \
                 that can be scored."
                    .into(),
            ),
            SubmissionState::Refused => (
                "refused",
                format!(
                    "was refused by the check and cost no quota.\n\n{}",
                    advice(self.upload_failure.as_deref())
                ),
            ),
            SubmissionState::Expired => (
                "expired",
                "has expired: its file was not uploaded in time. It cost no quota.".into(),
            ),
            SubmissionState::Failed
            | SubmissionState::Cancelled
            | SubmissionState::Uploading
            | SubmissionState::Checking
            | SubmissionState::Queued
            | SubmissionState::Running
            | SubmissionState::Scoring => (
                "failed",
                format!("has failed.\n\n{}", advice(self.attempt_failure.as_deref())),
            ),
        }
    }
}

/// The code, and what to do.
fn advice(code: Option<&str>) -> String {
    match code.map(|code| (code, code.parse::<FailureCode>())) {
        Some((code, Ok(known))) => format!("{code}: {}", known.advice()),
        Some((code, Err(_))) => code.to_owned(),
        None => "The page of the submission says why.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_service::Role;
    use molar_testkit::{
        ChallengeBuilder, SubmissionBuilder, TeamBuilder, as_role, insert_long_ago, noon, scans,
    };
    use sqlx::PgPool;

    use super::*;

    /// On a connection whose full looks have made a plan for whatever is asked of it.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_narrow_look_finds_what_is_new_by_an_index(pool: PgPool) {
        let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
        let team = TeamBuilder::new(&challenge, "Alpha").insert(&pool).await;
        let new = SubmissionBuilder::new(&challenge, &team).container();
        let new = new.insert(&pool).await;
        insert_long_ago(&pool).await;
        let db = as_role(&pool, Role::Registration).await;
        let mut tx = db.begin().await.unwrap();
        for _ in 0..10 {
            find(&mut *tx, None).await.unwrap();
        }
        let tables = [
            "submission.submissions",
            "submission.uploads",
            "execution.attempts",
        ];
        let index = ["submission.submissions_created"];
        let before = (scans(&mut tx, &tables).await, scans(&mut tx, &index).await);
        let since = Some(noon() - TimeDelta::hours(1));
        assert_eq!(find(&mut *tx, since).await.unwrap(), [new.id.0]);
        assert_eq!(scans(&mut tx, &tables).await, before.0, "read whole");
        assert!(scans(&mut tx, &index).await > before.1);
    }
}
