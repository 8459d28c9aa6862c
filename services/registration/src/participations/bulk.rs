//! `POST /api/v1/participations/decide`

use actix_web::web;
use molar_domain::ParticipationId;
use molar_web_kit::problem::Problem;
use molar_web_kit::{ApiError, Caller, Complaints, Kit, Waiting};
use serde::{Deserialize, Serialize};

use super::decide::{Decision, Disqualification, Disqualified, decide, take_away};
use super::{ParticipationView, Step};

const MOST: usize = 500;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideMany {
    #[schema(value_type = Vec<uuid::Uuid>, min_items = 1, max_items = 500)]
    pub ids: Vec<ParticipationId>,
    /// `approve`, `refuse`, `disqualify` or `reinstate`.
    #[schema(value_type = String)]
    pub step: Step,
    /// As for one.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    #[schema(max_length = 200)]
    pub out_reason: Option<String>,
    #[serde(default)]
    pub is_public: bool,
}

/// What became of one of many: the place as it is now, or why it is unchanged.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Outcome {
    #[schema(value_type = uuid::Uuid)]
    pub id: ParticipationId,
    pub is_done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participation: Option<ParticipationView>,
    /// Of a disqualification that needs a second organizer: the request, until then nothing is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Problem>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Outcomes {
    /// In the order of the request.
    pub items: Vec<Outcome>,
}

/// Decides on many places, each for itself: one that cannot be decided keeps none of the others.
#[utoipa::path(
    post,
    path = "/api/v1/participations/decide",
    tag = "participations",
    responses((status = OK, body = Outcomes))
)]
#[tracing::instrument(name = "participations.decide_many", skip_all)]
pub async fn decide_many(
    kit: web::Data<Kit>,
    caller: Caller,
    body: web::Json<DecideMany>,
) -> Result<web::Json<Outcomes>, ApiError> {
    let items = each(&kit, &caller, &body).await?;
    Ok(web::Json(Outcomes { items }))
}

pub async fn each(
    kit: &Kit,
    caller: &Caller,
    request: &DecideMany,
) -> Result<Vec<Outcome>, ApiError> {
    let mut wrong = Complaints::new();
    let count = request.ids.len();
    wrong.check(
        (1..=MOST).contains(&count),
        "/ids",
        format!("must be 1 to {MOST}, are {count}"),
    );
    wrong.check(request.step.is_decision(), "/step", "is not an organizer's");
    wrong.finish()?;
    let decision = Decision {
        reason: request.reason.clone(),
        out_reason: request.out_reason.clone(),
        is_public: request.is_public,
    };
    let mut outcomes = Vec::with_capacity(count);
    for &id in &request.ids {
        let decided = one(kit, caller, id, request.step, &decision).await;
        outcomes.push(outcome(id, decided)?);
    }
    Ok(outcomes)
}

async fn one(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
    step: Step,
    decision: &Decision,
) -> Result<Disqualified, ApiError> {
    if step != Step::Disqualify {
        let view = decide(kit, caller, id, step, decision).await?;
        return Ok(Disqualified::Now(Box::new(view)));
    }
    let body = Disqualification {
        reason: decision.reason.clone(),
        is_public: decision.is_public,
        confirms: None,
    };
    Ok(take_away(kit, caller, id, &body).await?)
}

/// What is our fault ends the whole: the organizer tries again.
fn outcome(
    id: ParticipationId,
    decided: Result<Disqualified, ApiError>,
) -> Result<Outcome, ApiError> {
    let (participation, waiting, problem) = match decided {
        Ok(Disqualified::Now(view)) => (Some(*view), None, None),
        Ok(Disqualified::Waits(waiting)) => (None, Some(waiting), None),
        Err(error) if error.problem().status >= 500 => return Err(error),
        Err(error) => (None, None, Some(error.problem())),
    };
    Ok(Outcome {
        id,
        is_done: participation.is_some(),
        participation,
        waiting,
        problem,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, participation, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn each_of_many_has_an_outcome_of_its_own(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let mut places = Vec::new();
        for name in ["Molars", "Canines", "Incisors"] {
            let captain = person(&pool, name).await;
            sign(&api, &captain).await;
            let team = team(&api, &captain, name).await;
            places.push(participation(&api, &captain, &team, demo.track).await);
        }
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let first = format!("/api/v1/participations/{}/approve", places[0]);
        assert_eq!(olga.post(&first, json!({})).await.0, 200);
        let nowhere = uuid::Uuid::nil();
        let ids = json!([places[0], places[1], nowhere, places[2]]);
        let path = "/api/v1/participations/decide";
        let (status, told) = olga
            .post(path, json!({"ids": ids, "step": "approve"}))
            .await;
        assert_eq!(status, 200, "{told}");
        let seen: Vec<_> = (0..4)
            .map(|n| {
                let item = &told["items"][n];
                let state = item["participation"]["state"].as_str();
                (state, item["problem"]["status"].as_u64())
            })
            .collect();
        assert_eq!(
            seen,
            [
                (None, Some(409)),
                (Some("approved"), None),
                (None, Some(404)),
                (Some("approved"), None)
            ]
        );
        for bad in [
            json!({"ids": [], "step": "approve"}),
            json!({"ids": ids, "step": "withdraw"}),
            json!({"ids": vec![nowhere; 501], "step": "approve"}),
        ] {
            assert_eq!(olga.post(path, bad).await.0, 422);
        }
        let ada = api.of(&person(&pool, "Ada").await);
        let refuse = json!({"ids": ids, "step": "refuse", "reason": "no"});
        assert_eq!(ada.post(path, refuse.clone()).await.0, 403);
        let elsewhere = crate::testing::challenge_named(&pool, "elsewhere").await;
        let fritz = api.of(&organizer(&pool, "Fritz", elsewhere.id).await);
        let (_, told) = fritz.post(path, refuse).await;
        assert_eq!(told["items"][0]["problem"]["status"], 404);
    }
}
