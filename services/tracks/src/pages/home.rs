//! `GET /`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout, names};

use super::when;
use crate::challenges::rows::{self, Track};
use crate::phases::rows::{self as phases, Phase};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    organizes: bool,
    challenges: Vec<ChallengeCard>,
}

struct ChallengeCard {
    slug: String,
    title: String,
    summary: String,
    note: Option<String>,
    tracks: Vec<TrackCard>,
}

struct TrackCard {
    title: String,
    phases: Vec<PhaseLine>,
}

struct PhaseLine {
    title: String,
    kind: &'static str,
    state: String,
    /// "closes in 3 days"
    when: String,
    board: String,
}

#[tracing::instrument(name = "pages.home", skip_all)]
pub async fn home(kit: web::Data<Kit>, caller: Option<Caller>) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut all = phases::list(&kit.db, None, now).await?;
    all.retain(|phase| phase.is_shown(caller.as_ref()));
    let mut challenges = Vec::new();
    for row in rows::list(&kit.db).await? {
        let tracks = rows::tracks(&kit.db, row.id).await?;
        challenges.push(ChallengeCard {
            tracks: tracks
                .into_iter()
                .map(|track| track_card(track, &all, now))
                .collect(),
            slug: row.slug,
            title: row.title,
            summary: row.summary,
            note: row.note,
        });
    }
    let organizes = caller.as_ref().is_some_and(Caller::organizes_anything);
    let body = Home {
        organizes,
        challenges,
    }
    .render()?;
    Ok(layout::page(caller.as_ref(), "Challenges", body))
}

fn track_card(track: Track, phases: &[Phase], now: DateTime<Utc>) -> TrackCard {
    let own = phases.iter().filter(|phase| phase.track_id == track.id);
    TrackCard {
        phases: own.map(|phase| phase_line(phase, now)).collect(),
        title: track.title,
    }
}

fn phase_line(phase: &Phase, now: DateTime<Utc>) -> PhaseLine {
    let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).format("%-d %B %Y").to_string();
    let last_day = day(phase.closes_at - chrono::TimeDelta::seconds(1));
    PhaseLine {
        title: phase.title.clone(),
        kind: super::challenge::kind(&phase.kind),
        state: phase.state(now).to_string(),
        when: if now >= phase.closes_at {
            format!("closed {last_day}")
        } else if let Some(title) = phase.held_by().map(names::plain) {
            format!("opens when “{title}” is published")
        } else if now < phase.opens_at {
            format!(
                "opens {}, {}",
                when::distance(phase.opens_at, now),
                day(phase.opens_at)
            )
        } else {
            format!(
                "closes {}, {last_day}",
                when::distance(phase.closes_at, now)
            )
        },
        board: super::challenge::board(phase),
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use molar_web_kit::testing::person;
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn everybody_sees_challenges_phases_and_the_way_to_boards(pool: PgPool) {
        let api = Api::new(&pool).await;
        let (status, empty) = api.nobody().page("/").await;
        assert_eq!(status, 200);
        assert!(empty.contains("no challenge yet"), "{empty}");

        let demo = ChallengeBuilder::new("demo")
            .note("<b>demo</b> limits")
            .canary();
        demo.insert(&pool).await;
        let (_, home) = api.nobody().page("/").await;
        for part in [
            "/challenges/demo",
            "/boards/demo/teeth/validation",
            "badge-open",
            "closes in 15 days, 16 September 2026",
            "&#60;b&#62;demo",
        ] {
            assert!(home.contains(part), "{part} is not in {home}");
        }
        let ada = api.of(&person(&pool, "Ada").await);
        let (status, page) = ada.page("/challenges/demo").await;
        assert_eq!(status, 200);
        for part in [
            "Ada",
            "/join/demo",
            "16 September 2026, 14:00 CEST",
            "Use the data for this challenge only.",
            "5 a day",
            "/submissions/new?phase=",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        let (status, missing) = api.nobody().page("/challenges/none").await;
        assert_eq!(status, 404);
        assert!(missing.contains("no such challenge"), "{missing}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_api_and_its_problems_have_pages(pool: PgPool) {
        let api = Api::new(&pool).await;
        let (_, document) = api.nobody().get("/api/openapi.json").await;
        assert!(document["paths"]["/api/v1/challenges"]["put"].is_object());
        let (_, docs) = api.nobody().page("/api/docs").await;
        assert!(docs.contains("/api/v1/splits/{id}/cases/stored"), "{docs}");
        assert_eq!(api.nobody().page("/problems").await.0, 200);
        assert_eq!(api.nobody().page("/problems/conflict").await.0, 200);
        assert_eq!(api.nobody().page("/problems/none").await.0, 404);
        assert_eq!(api.nobody().page("/assets/molar.css").await.0, 200);
    }
}
