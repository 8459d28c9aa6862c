//! `GET /api/v1/challenges/{slug}`

use actix_web::web;
use molar_domain::device_class::DeviceClass;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use uuid::Uuid;

use super::list::ChallengeItem;
use super::rows::{self, Split, Track};
use crate::packs::rows::{self as packs, Pack};
use crate::packs::stored::PackView;
use crate::phases;
use crate::phases::view::PhaseView;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChallengeView {
    #[serde(flatten)]
    pub challenge: ChallengeItem,
    pub team_size_max: i16,
    /// The version to sign.
    pub agreement: Option<AgreementView>,
    /// What the machines are that phases name by `device_class`, as far as the organizers say.
    #[schema(value_type = Vec<Object>)]
    pub device_classes: Vec<DeviceClass>,
    pub tracks: Vec<TrackView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AgreementView {
    pub version: String,
    pub text: String,
    pub sha256: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TrackView {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// `labelme` or `nifti`, of references and predictions.
    pub format: String,
    pub labels: Vec<i32>,
    /// Named sets of labels that a metric can be a mean over.
    #[schema(value_type = Object)]
    pub groups: serde_json::Value,
    /// Of images, for metrics in mm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_spacing_mm: Option<f64>,
    /// What the organizers ask of a team that wants a place: id, text, required, kind, choices.
    #[schema(value_type = Vec<Object>)]
    pub questions: serde_json::Value,
    pub splits: Vec<SplitView>,
    pub phases: Vec<PhaseView>,
    /// What participants begin with, once the organizers have made it.
    pub pack: Option<PackView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SplitView {
    pub id: Uuid,
    pub slug: String,
    /// Whether signed members may download the images.
    pub is_public: bool,
    pub has_references: bool,
    /// Whether they may download the references as well.
    pub are_references_public: bool,
    /// What the challenge file promises.
    pub announced_cases: Option<i32>,
    pub stored_cases: i64,
}

/// A challenge with its tracks, splits and phases, and the data-use terms to sign.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}",
    tag = "challenges",
    params(("slug" = String, Path)),
    responses((status = OK, body = ChallengeView))
)]
#[tracing::instrument(name = "challenges.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    slug: web::Path<String>,
    caller: Option<Caller>,
) -> Result<web::Json<ChallengeView>, ApiError> {
    let now = kit.clock.now();
    let row = rows::find(&kit.db, &slug).await?;
    let tracks = rows::tracks(&kit.db, row.id).await?;
    let splits = rows::splits(&kit.db, row.id).await?;
    let mut phases = phases::rows::list(&kit.db, Some(row.id), now).await?;
    phases.retain(|phase| phase.is_shown(caller.as_ref()));
    let packs = packs::current(&kit.db, row.id, None).await?;
    let device_classes = rows::device_classes(&kit.db, row.id).await?;
    let mut phases: Vec<_> = phases.into_iter().map(|p| PhaseView::of(p, now)).collect();

    let agreement = row.agreement_version.clone().map(|version| AgreementView {
        version,
        text: row.agreement_text.clone().unwrap_or_default(),
        sha256: row.agreement_sha256.clone().unwrap_or_default(),
    });
    let tracks = tracks.into_iter().map(|track| {
        let own = phases
            .extract_if(.., |phase| phase.track_id == track.id)
            .collect();
        track_view(track, &splits, own, &packs)
    });
    Ok(web::Json(ChallengeView {
        tracks: tracks.collect(),
        device_classes,
        agreement,
        team_size_max: row.team_size_max,
        challenge: row.into(),
    }))
}

fn track_view(track: Track, splits: &[Split], phases: Vec<PhaseView>, packs: &[Pack]) -> TrackView {
    let pack = packs.iter().find(|pack| pack.track_id == track.id);
    let splits = splits.iter().filter(|split| split.track_id == track.id);
    TrackView {
        splits: splits.map(split_view).collect(),
        phases,
        pack: pack.map(PackView::from),
        id: track.id,
        slug: track.slug,
        title: track.title,
        format: track.format,
        labels: track.labels,
        groups: track.groups,
        pixel_spacing_mm: track.pixel_spacing_mm,
        questions: track.questions,
    }
}

fn split_view(split: &Split) -> SplitView {
    SplitView {
        id: split.id,
        slug: split.slug.clone(),
        is_public: split.is_public,
        has_references: split.has_references,
        are_references_public: split.are_references_public,
        announced_cases: split.announced_cases,
        stored_cases: split.stored_cases,
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, PhaseBuilder};
    use molar_web_kit::testing::noon;
    use sqlx::PgPool;

    use crate::testing::{Api, blank};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_challenge_shows_all_that_a_team_must_know(pool: PgPool) {
        ChallengeBuilder::new("demo")
            .labels(&[11, 12])
            .insert(&pool)
            .await;
        let api = Api::new(&pool).await;
        let (status, seen) = api.nobody().get("/api/v1/challenges/demo").await;
        assert_eq!(status, 200, "{seen}");
        let mut seen = blank(seen);
        let phase = seen["tracks"][0]["phases"][0].take();
        insta::assert_json_snapshot!(seen, @r#"
        {
          "agreement": {
            "sha256": "[hash]",
            "text": "Use the data for this challenge only.",
            "version": "1"
          },
          "device_classes": [],
          "id": "[id]",
          "note": null,
          "slug": "demo",
          "summary": "A challenge of a test.",
          "team_size_max": 10,
          "title": "Challenge demo",
          "tracks": [
            {
              "format": "labelme",
              "groups": {},
              "id": "[id]",
              "labels": [
                11,
                12
              ],
              "pack": null,
              "phases": [
                null
              ],
              "questions": [],
              "slug": "teeth",
              "splits": [
                {
                  "announced_cases": null,
                  "are_references_public": false,
                  "has_references": true,
                  "id": "[id]",
                  "is_public": false,
                  "slug": "validation",
                  "stored_cases": 2
                }
              ],
              "title": "Teeth"
            }
          ],
          "zone": "Europe/Berlin"
        }
        "#);
        assert_eq!(phase["state"], "open");
        assert_eq!(phase["limits"]["wall_s"], 300);
        assert_eq!(phase["readiness"]["is_ready"], true);

        let (status, problem) = api.nobody().get("/api/v1/challenges/none").await;
        assert_eq!(status, 404);
        insta::assert_json_snapshot!(problem, @r#"
        {
          "detail": "no such challenge",
          "status": 404,
          "title": "There is nothing here",
          "type": "/problems/not-found"
        }
        "#);
        let (_, list) = api.nobody().get("/api/v1/challenges").await;
        assert_eq!(list["items"][0]["slug"], "demo");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_waits_for_its_references_and_for_its_day(pool: PgPool) {
        let week = chrono::TimeDelta::days(7);
        let phase = PhaseBuilder::new("final").window(noon() + week, noon() + week * 2);
        let demo = ChallengeBuilder::new("demo")
            .without_references()
            .phase(phase);
        let demo = demo.insert(&pool).await;
        let api = Api::new(&pool).await;
        let path = format!("/api/v1/phases/{}", demo.phase_id);
        let (_, seen) = api.nobody().get(&path).await;
        assert_eq!(seen["state"], "planned");
        insta::assert_json_snapshot!(seen["readiness"], @r#"
        {
          "announced_cases": 2,
          "complaints": [
            "0 of 2 references were read and found good"
          ],
          "good_references": 0,
          "is_ready": false,
          "stored_cases": 2
        }
        "#);

        let (status, named) = api
            .nobody()
            .get("/api/v1/phases?challenge=demo&track=teeth&phase=final")
            .await;
        assert_eq!((status, &named["id"]), (200, &seen["id"]));
        let other = "/api/v1/phases?challenge=demo&track=teeth&phase=other";
        assert_eq!(api.nobody().get(other).await.0, 404);
        assert_eq!(api.nobody().get("/api/v1/phases/7").await.0, 404);
    }
}
