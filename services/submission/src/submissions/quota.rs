//! `GET /api/v1/submissions/quota`

use actix_web::web;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use molar_domain::phase::{SubmissionKind, day, seconds_to_midnight};
use molar_domain::quota::Used;
use molar_domain::{ChallengeId, TeamId};
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::quota;
use crate::rows::ledger::{self, Line};
use crate::rows::phases::{self, Phase};
use crate::rows::submissions;

/// Lines of the ledger that are shown.
const LINES: i64 = 100;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub phase_id: Uuid,
    pub team_id: Uuid,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct QuotaView {
    pub phase_id: Uuid,
    /// challenge/track/phase
    pub phase: String,
    pub team_id: Uuid,
    /// The day of the phase's zone.
    pub today: NaiveDate,
    pub zone: String,
    /// When that day ends.
    pub resets_at: DateTime<Utc>,
    /// Absent where the phase sets no such limit.
    pub day: Option<Share>,
    pub total: Option<Share>,
    pub concurrent: Share,
    /// Refused, cancelled or not completed today, and given back.
    pub free_failures: Share,
    /// Of containers.
    pub trials: Option<Share>,
    /// All of it in plain words.
    pub said: Vec<String>,
    /// Newest first, at most 100.
    pub lines: Vec<LedgerLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Share {
    pub used: u32,
    pub of: u32,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerLine {
    pub submission_id: Uuid,
    pub at: DateTime<Utc>,
    pub day: NaiveDate,
    /// `reserved`, `spent` or `returned`
    pub entry: String,
    /// Why it was given back: a failure code, `cancelled` or `expired`.
    pub reason: Option<String>,
    pub said: String,
}

/// What a team has used of its quota in a phase, and why.
#[utoipa::path(get, path = "/api/v1/submissions/quota", tag = "submission", params(Query),
    responses((status = 200, body = QuotaView)))]
#[tracing::instrument(name = "submissions.quota", skip_all)]
pub async fn quota(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<QuotaView>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let phase = phases::find(&mut *conn, query.phase_id).await?;
    let may_look = caller.is_member(TeamId(query.team_id))
        || caller.may_review(ChallengeId(phase.challenge_id));
    if !may_look {
        return Err(ApiError::forbidden("you are not a member of this team"));
    }
    require_visible(&mut conn, &caller, &phase).await?;
    let now = db::now(&mut *conn).await?;
    Ok(web::Json(
        view(&mut conn, &phase, query.team_id, now).await?,
    ))
}

/// One that only organizers see does not exist for teams, whatever they did in it before it was hidden.
async fn require_visible(
    conn: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
) -> Result<(), ApiError> {
    match is_visible(conn, caller, phase).await? {
        true => Ok(()),
        false => Err(ApiError::NotFound("phase")),
    }
}

pub async fn is_visible(
    conn: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
) -> Result<bool, ApiError> {
    let rules = phases::rules(&mut *conn, phase.id).await?;
    let may_review = caller.may_review(ChallengeId(phase.challenge_id));
    Ok(rules.visibility.shows_phase(may_review))
}

pub async fn view(
    conn: &mut PgConnection,
    phase: &Phase,
    team: Uuid,
    now: DateTime<Utc>,
) -> Result<QuotaView, ApiError> {
    let (place, today) = ((phase.id, team), day(now, phase.zone));
    let used = quota::used(conn, place, today).await?;
    let trials = match phase.kind {
        SubmissionKind::Predictions => None,
        SubmissionKind::Container => Some(Share {
            used: submissions::count_trials(&mut *conn, place, today, phase.zone).await?,
            of: phase.quota.trials_per_day,
        }),
    };
    let lines = ledger::lines(&mut *conn, place, LINES).await?;
    Ok(QuotaView::of(phase, team, (used, trials), lines, now))
}

impl QuotaView {
    fn of(
        phase: &Phase,
        team_id: Uuid,
        (used, trials): (Used, Option<Share>),
        lines: Vec<Line>,
        now: DateTime<Utc>,
    ) -> Self {
        let share = |used, of: Option<u32>| of.map(|of| Share { used, of });
        let seconds = seconds_to_midnight(now, phase.zone);
        let mut view = Self {
            phase_id: phase.id,
            phase: phase.path.clone(),
            team_id,
            today: day(now, phase.zone),
            zone: now.with_timezone(&phase.zone).format("%Z").to_string(),
            resets_at: now + TimeDelta::seconds(seconds),
            day: share(used.today, phase.quota.per_day),
            total: share(used.total, phase.quota.total),
            concurrent: Share {
                used: used.concurrent,
                of: phase.quota.concurrent,
            },
            free_failures: Share {
                used: used.returned_today,
                of: phase.quota.free_failures_per_day,
            },
            trials,
            said: Vec::new(),
            lines: Vec::new(),
        };
        view.said = view.sentences(&lines, seconds);
        view.lines = lines.into_iter().map(LedgerLine::of).collect();
        view
    }

    fn sentences(&self, lines: &[Line], seconds: i64) -> Vec<String> {
        let (date, zone, left) = (self.today.format("%-d %B"), &self.zone, hours(seconds));
        let mut said = Vec::new();
        if let Some(Share { used, of }) = self.day {
            said.push(format!(
                "Today, {date} ({zone}): {used} of {of} used; resets in {left}."
            ));
        }
        if let Some(Share { used, of }) = self.total {
            said.push(format!("Over the whole phase: {used} of {of} used."));
        }
        let Share { used, of } = self.concurrent;
        said.push(format!(
            "In work at the moment: {used} of {of} allowed at a time."
        ));
        let is_back = |line: &&Line| line.settled.as_deref() == Some("returned");
        for line in lines
            .iter()
            .filter(|line| line.day == self.today)
            .filter(is_back)
        {
            let why = because(line.reason.as_deref());
            said.push(format!("One of today was given back because {why}."));
        }
        let Share { used, of } = self.free_failures;
        if used > 0 {
            said.push(format!(
                "Free failures today: {used} of {of}; resets in {left}."
            ));
        }
        if let Some(Share { used, of }) = self.trials {
            said.push(format!(
                "Trials today: {used} of {of}; they cost none of the above."
            ));
        }
        said
    }
}

impl LedgerLine {
    fn of(line: Line) -> Self {
        let said = match line.settled.as_deref() {
            None => "counts, and is not decided yet".to_owned(),
            Some("spent") => "counts".to_owned(),
            Some(_) => format!("given back because {}", because(line.reason.as_deref())),
        };
        Self {
            submission_id: line.submission_id,
            at: line.created_at,
            day: line.day,
            entry: line.settled.unwrap_or_else(|| "reserved".to_owned()),
            reason: line.reason,
            said,
        }
    }
}

fn because(reason: Option<&str>) -> String {
    match reason {
        Some("cancelled") | None => "it was cancelled".to_owned(),
        Some("expired") => "its upload was not completed in time".to_owned(),
        Some(code) => format!("it failed ({code})"),
    }
}

/// To the minute; a day of 25 hours has 25.
fn hours(seconds: i64) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use chrono::TimeDelta;
    use molar_domain::phase::day;
    use molar_domain::quota::Quota;
    use molar_domain::upload::UploadState;
    use molar_service::Pending;
    use molar_testkit::{ChallengeBuilder, SubmissionBuilder, TeamBuilder, noon};
    use serde_json::json;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{World, open_phase, predictions_zip};

    fn three() -> Quota {
        Quota {
            per_day: Some(3),
            total: Some(7),
            concurrent: 50,
            ..Quota::default()
        }
    }

    async fn world(pool: &PgPool) -> World {
        World::with(
            pool,
            ChallengeBuilder::new("sts").phase(open_phase().quota(three())),
        )
        .await
    }

    fn path(world: &World) -> String {
        let (phase, team) = (world.challenge.phase_id, world.team.id);
        format!("/api/v1/submissions/quota?phase_id={phase}&team_id={team}")
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn of_a_hundred_creates_at_once_exactly_the_quota_succeeds(pool: PgPool) {
        let world = world(&pool).await;
        let body = world.body(5);
        let all = (0..100).map(|_| world.post("/api/v1/submissions", &body));
        let answers = futures_util::future::join_all(all).await;
        let count = |wanted| {
            answers
                .iter()
                .filter(|(status, _)| *status == wanted)
                .count()
        };
        assert_eq!(count(StatusCode::CREATED), 3);
        assert_eq!(count(StatusCode::TOO_MANY_REQUESTS), 97);
        let reserved = sqlx::query_scalar!("SELECT count(*) FROM submission.quota_ledger");
        assert_eq!(reserved.fetch_one(&pool).await.unwrap(), Some(3));
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_reads_its_ledger_in_plain_words(pool: PgPool) {
        let world = world(&pool).await;
        let kept = world.create("a").await;
        let (refused, _) = world.put(b"no zip", b"no zip").await;
        world.complete(refused).await;
        world.run_checks().await;
        let (_, quota) = world.get(&path(&world)).await;
        assert_eq!(quota["day"], json!({"used": 1, "of": 3}), "{quota:#}");
        assert_eq!(quota["free_failures"]["used"], 1);
        let said: Vec<_> = quota["said"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        assert!(
            said[0].starts_with("Today, ") && said[0].contains("): 1 of 3 used; resets in "),
            "{said:?}"
        );
        assert_eq!(said[1], "Over the whole phase: 1 of 7 used.");
        assert_eq!(
            said[3],
            "One of today was given back because it failed (bad-archive)."
        );
        assert_eq!(quota["lines"][0]["entry"], "returned");
        assert_eq!(quota["lines"][1]["submission_id"], kept.to_string());

        for page in [
            format!("/submissions/new?phase={}", world.challenge.phase_id),
            "/submissions".to_owned(),
        ] {
            let (_, page) = world.page(&page).await;
            assert!(
                page.contains("1 of 3 used") && page.contains("given back because"),
                "{page}"
            );
        }
        let stranger = molar_web_kit::testing::person(&pool, "Stranger").await;
        assert_eq!(
            world.get_as(&stranger, &path(&world)).await.0,
            StatusCode::FORBIDDEN
        );
        let other = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        let theirs = format!(
            "/api/v1/submissions/quota?phase_id={}&team_id={}",
            world.challenge.phase_id, other.id
        );
        assert_eq!(world.get(&theirs).await.0, StatusCode::FORBIDDEN);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn withdrawing_or_cancelling_what_was_spent_gives_nothing_back(pool: PgPool) {
        let world = world(&pool).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let (withdrawn, cancelled) = (world.submit(&zip).await, world.submit(&zip).await);
        while world.run_checks().await > 0 {}
        for (id, verb) in [(withdrawn, "withdraw"), (cancelled, "cancel")] {
            world
                .post(&format!("/api/v1/submissions/{id}/{verb}"), &json!({}))
                .await;
        }
        quota::settle_all(&world.db, &Pending::default(), noon())
            .await
            .unwrap();
        let (_, quota) = world.get(&path(&world)).await;
        assert_eq!(quota["day"], json!({"used": 2, "of": 3}), "{quota:#}");
        assert_eq!(quota["lines"][0]["entry"], "spent");
    }

    /// The ledger's day is Rust's, that of trials SQL's: both are the zone's, of 23 or 25 hours.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_day_across_a_change_of_the_clock_counts_what_was_created_in_it(pool: PgPool) {
        let zone: chrono_tz::Tz = "America/Los_Angeles".parse().unwrap();
        let challenge = ChallengeBuilder::new("sts")
            .canary()
            .zone(zone.name())
            .insert(&pool)
            .await;
        for (begin, hours) in [("2026-03-08T08:00:00Z", 23), ("2026-11-01T07:00:00Z", 25)] {
            let begin: DateTime<Utc> = begin.parse().unwrap();
            let team = TeamBuilder::new(&challenge, begin.to_rfc3339().as_str())
                .insert(&pool)
                .await;
            let place = (challenge.phase_id.0, team.id.0);
            for minutes in (-30..hours * 60 + 60).step_by(60) {
                let at = begin + TimeDelta::minutes(minutes);
                let builder = || SubmissionBuilder::new(&challenge, &team).created_at(at);
                builder().trial().insert(&pool).await;
                let one = builder()
                    .unreserved()
                    .state(UploadState::Open)
                    .insert(&pool)
                    .await;
                ledger::reserve(&pool, one.id.0, place, day(at, zone), at)
                    .await
                    .unwrap();
            }
            let today = day(begin, zone);
            let trials = submissions::count_trials(&pool, place, today, zone)
                .await
                .unwrap();
            let used = ledger::used(&pool, place, today).await.unwrap();
            assert_eq!(
                (i64::from(trials), i64::from(used.today)),
                (hours, hours),
                "{begin}"
            );
        }
    }

    #[test]
    fn time_is_told_to_the_minute() {
        assert_eq!(hours(59), "0 min");
        assert_eq!(hours(3 * 3600 + 12 * 60), "3 h 12 min");
        assert_eq!(hours(25 * 3600), "25 h");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_that_was_hidden_is_on_no_page_of_a_team_and_on_those_of_organizers(
        pool: PgPool,
    ) {
        let world = World::new(&pool).await;
        world.create("{}").await;
        let path = format!(
            "/api/v1/submissions/quota?phase_id={}&team_id={}",
            world.challenge.phase_id, world.team.id
        );
        let title = world.get(&path).await.1["phase"]
            .as_str()
            .unwrap()
            .to_owned();
        let quotas = |html: &str| html.matches(title.as_str()).count();
        let before = quotas(&world.page("/submissions").await.1);
        sqlx::query!("UPDATE tracks.phases SET visibility = 'organizers'")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(world.get(&path).await.0, 404);
        let after = quotas(&world.page("/submissions").await.1);
        assert_eq!(
            before - after,
            1,
            "the quota is gone, the team's submission is not"
        );
        let boss = molar_web_kit::testing::organizer(&pool, "Boss", world.challenge.id).await;
        assert_eq!(world.get_as(&boss, &path).await.0, 200);
    }
}
