//! What a team is told of the queue while its container waits or runs.

use chrono::{DateTime, Utc};
use molar_domain::submission::SubmissionState;
use serde::Serialize;
use sqlx::PgConnection;

use crate::rows::life::Life;
use crate::rows::queue::{self, Place};

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QueueView {
    /// The machines that its phase asks for.
    pub device_class: String,
    /// Whether such a machine is there now.
    pub is_served: bool,
    /// Of its next case, of all teams' cases: 1 begins next. Absent when all of its cases run or have ended.
    pub place: Option<i32>,
    /// When that case is expected to begin; others may still come before it.
    pub expected_start_at: Option<DateTime<Utc>>,
    /// Cases that have not ended.
    pub remaining_cases: i32,
    /// The same in words, but for the time.
    pub summary: String,
}

/// `None` where nothing of it waits or runs.
pub async fn find(
    conn: &mut PgConnection,
    life: &Life,
    state: SubmissionState,
) -> sqlx::Result<Option<QueueView>> {
    let is_in_line = matches!(state, SubmissionState::Queued | SubmissionState::Running);
    let Some(attempt) = life.attempt_id.filter(|_| is_in_line) else {
        return Ok(None);
    };
    let place = queue::find(conn, attempt).await?;
    Ok(place.map(QueueView::of))
}

impl QueueView {
    fn of(place: Place) -> Self {
        Self {
            summary: summary(&place),
            device_class: place.device_class,
            is_served: place.is_served,
            place: place.place,
            expected_start_at: place.expected_start_at,
            remaining_cases: place.remaining,
        }
    }
}

fn summary(place: &Place) -> String {
    let remain = match place.remaining {
        1 => "1 case remains".to_owned(),
        remaining => format!("{remaining} cases remain"),
    };
    let line = match place.place {
        _ if !place.is_served => {
            return format!(
                "no machine of class {} is there; {remain}",
                place.device_class
            );
        }
        None => "all that remains is running".to_owned(),
        Some(1) => "its next case is the next to begin".to_owned(),
        Some(2) => "1 case goes before its next".to_owned(),
        Some(place) => format!("{} cases go before its next", place - 1),
    };
    format!("{line}; {remain}")
}

#[cfg(test)]
mod tests {
    use molar_domain::attempt::AttemptState;
    use molar_domain::case_run::CaseRunState;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{AttemptBuilder, ChallengeBuilder, SubmissionBuilder, noon};
    use serde_json::Value;
    use sqlx::PgPool;
    use uuid::Uuid;

    use crate::testing::{World, open_phase};

    async fn world(pool: &PgPool) -> (World, String, Uuid) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(pool)
            .await;
        let attempt = AttemptBuilder::new(&world.challenge, &submission)
            .state(AttemptState::Queued)
            .case_runs(CaseRunState::Waiting)
            .insert(pool)
            .await;
        (world, submission.id.to_string(), attempt.id.0)
    }

    async fn put(pool: &PgPool, attempt: Uuid, is_served: bool, place: Option<i32>) {
        sqlx::query!("DELETE FROM execution.places")
            .execute(pool)
            .await
            .unwrap();
        sqlx::query!(
            "INSERT INTO execution.places (attempt_id, device_class, is_served, place, expected_start_at, remaining, seen_at)
             VALUES ($1, 'a100', $2, $3, CASE WHEN $3::int IS NULL THEN NULL ELSE $4::timestamptz END, 41, $4)",
            attempt,
            is_served,
            place,
            noon(),
        )
        .execute(pool)
        .await
        .unwrap();
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_sees_its_place_the_expected_start_and_what_remains(pool: PgPool) {
        let (world, id, attempt) = world(&pool).await;
        let path = format!("/api/v1/submissions/{id}");
        assert_eq!(world.get(&path).await.1["queue"], Value::Null);

        put(&pool, attempt, true, Some(3)).await;
        insta::assert_json_snapshot!(world.get(&path).await.1["queue"], @r#"
        {
          "device_class": "a100",
          "expected_start_at": "2026-09-01T12:00:00Z",
          "is_served": true,
          "place": 3,
          "remaining_cases": 41,
          "summary": "2 cases go before its next; 41 cases remain"
        }
        "#);
        let (_, page) = world.page(&format!("/submissions/{id}")).await;
        assert!(
            page.contains("2 cases go before its next; 41 cases remain"),
            "{page}"
        );
        assert!(page.contains("2026-09-01T12:00:00"), "{page}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn without_a_machine_a_team_is_told_so_and_no_time(pool: PgPool) {
        let (world, id, attempt) = world(&pool).await;
        put(&pool, attempt, false, None).await;
        let (_, page) = world.page(&format!("/submissions/{id}")).await;
        assert!(page.contains("no machine of class a100 is there"), "{page}");
        assert!(!page.contains("expected to begin"), "{page}");
    }
}
