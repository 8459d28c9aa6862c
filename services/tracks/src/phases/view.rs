use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_domain::limits::Limits;
use molar_domain::quota::Quota;
use serde::Serialize;
use uuid::Uuid;

use super::rows::Phase;

/// A phase: what is asked, when, and whether it can take submissions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PhaseView {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub challenge_id: Uuid,
    /// Slug of the challenge.
    pub challenge: String,
    pub track_id: Uuid,
    /// Slug of the track.
    pub track: String,
    /// `labelme` or `nifti`.
    pub format: String,
    /// `predictions` or `container`.
    pub kind: String,
    /// `planned`, `open`, `paused`, `closing`, `closed` or `published`.
    pub state: String,
    pub split_id: Uuid,
    /// Slug of the split that is predicted.
    pub split: String,
    /// Inclusive. Of a phase that opens after another, once that is published: no earlier than that was.
    pub opens_at: DateTime<Utc>,
    /// The phase that has to be published before this one opens.
    pub opens_after: Option<AfterView>,
    /// Exclusive.
    pub closes_at: DateTime<Utc>,
    /// Until when an upload that was created in time may complete.
    pub uploads_until: DateTime<Utc>,
    /// Teams see no scores until it is published.
    pub is_final: bool,
    pub published_at: Option<DateTime<Utc>>,
    pub metrics: Vec<String>,
    /// Which of a team's submissions is its entry: `latest`, `best` or `chosen`.
    pub keep: String,
    pub keep_metric: Option<String>,
    #[schema(value_type = Object)]
    pub quota: Quota,
    #[schema(value_type = Object)]
    pub limits: Limits,
    pub device_class: String,
    pub requires_code_url: bool,
    /// SPDX identifiers, one of which the public code must be under; empty: any.
    pub allowed_licences: Vec<String>,
    /// From then on the board stands still, until it is published.
    pub freezes_at: Option<DateTime<Utc>>,
    /// Who sees the board: `public`, `participants` or `organizers`.
    pub visibility: String,
    /// What those see of it: names, values, in which steps, and whether only once it is published.
    #[schema(value_type = Object)]
    pub board: BoardRules,
    /// Who may submit: teams up to this rank of the phase before.
    pub finalists: Option<FinalistsView>,
    /// For how many days after the close files are kept; absent: for ever. Scores and ranks stay.
    pub retention_days: Option<i32>,
    pub readiness: Readiness,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FinalistsView {
    /// Title of the phase before.
    pub phase: String,
    pub top: i32,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AfterView {
    pub phase_id: Uuid,
    /// Title of the phase.
    pub phase: String,
    /// Until then this phase is planned, whatever `opens_at` says.
    pub is_published: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Until then the phase takes no submissions, whatever its window says.
    pub is_ready: bool,
    pub announced_cases: i64,
    pub stored_cases: i64,
    /// References that were read and found good.
    pub good_references: i64,
    /// What is missing; organizers also learn what is wrong with which reference.
    pub complaints: Vec<String>,
}

impl PhaseView {
    pub fn of(phase: Phase, now: DateTime<Utc>) -> Self {
        Self {
            state: phase.state(now).to_string(),
            uploads_until: phase.window().uploads_until(),
            readiness: Readiness::of(&phase),
            id: phase.id,
            slug: phase.slug,
            title: phase.title,
            challenge_id: phase.challenge_id,
            challenge: phase.challenge,
            track_id: phase.track_id,
            track: phase.track,
            format: phase.format,
            kind: phase.kind,
            split_id: phase.split_id,
            split: phase.split,
            opens_at: phase.opens_at,
            opens_after: phase
                .opens_after
                .zip(phase.opens_after_title)
                .map(|(phase_id, title)| AfterView {
                    phase_id,
                    phase: title,
                    is_published: !phase.is_held,
                }),
            closes_at: phase.closes_at,
            is_final: phase.is_final,
            published_at: phase.published_at,
            metrics: phase.metrics,
            keep: phase.keep,
            keep_metric: phase.keep_metric,
            quota: phase.quota.0,
            limits: phase.limits.0,
            device_class: phase.device_class,
            requires_code_url: phase.requires_code_url,
            allowed_licences: phase.allowed_licences,
            freezes_at: phase.freezes_at,
            visibility: phase.visibility,
            board: phase.board.0,
            retention_days: phase.retention_days,
            finalists: phase
                .finalists_title
                .zip(phase.finalists_top)
                .map(|(phase, top)| FinalistsView { phase, top }),
        }
    }
}

impl Readiness {
    fn of(phase: &Phase) -> Self {
        Self {
            is_ready: phase.is_ready,
            announced_cases: phase.announced_cases,
            stored_cases: phase.stored_cases,
            good_references: phase.good_references,
            complaints: complaints(phase),
        }
    }
}

fn complaints(phase: &Phase) -> Vec<String> {
    let mut found = Vec::new();
    if phase.stored_cases == 0 {
        found.push(format!(
            "no case of the split {} is stored yet",
            phase.split
        ));
    } else if phase.good_references < phase.stored_cases {
        found.push(format!(
            "{} of {} references were read and found good",
            phase.good_references, phase.stored_cases
        ));
    }
    if !phase.has_canary {
        let name = phase.canary_case.as_deref().unwrap_or("of this phase");
        found.push(format!("the canary case {name} is not stored yet"));
    }
    found
}
