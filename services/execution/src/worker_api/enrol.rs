//! `POST /worker/v1/enrol`

use actix_web::web;
use molar_domain::WorkerId;
use molar_domain::worker_api::{Enrol, Enrolled};
use molar_web_kit::caller::{TokenHash, new_token};
use molar_web_kit::{ApiError, Complaints, Kit};
use uuid::Uuid;

use super::check_slots;
use crate::enrolment;
use crate::rows::workers;
use crate::state::State;

/// Makes a worker known for a token that is good once; tells it its key, once.
#[tracing::instrument(name = "workers.enrol", skip_all, fields(worker.id))]
pub async fn enrol(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    body: web::Json<Enrol>,
) -> Result<web::Json<Enrolled>, ApiError> {
    check(&body)?;
    let now = kit.clock.now();
    let (id, token) = (WorkerId::at(now), TokenHash::of(&body.token));
    let (key, key_hash) = new_token();

    let mut tx = kit.db.begin().await?;
    if !enrolment::is_good(&mut *tx, &token, now).await? {
        return Err(ApiError::forbidden(
            "this enrolment token is unknown, used or expired; ask an administrator for another",
        ));
    }
    workers::insert(&mut *tx, id, &key_hash, &body, now).await?;
    workers::use_token(&mut *tx, &token, id, now).await?;
    tx.commit().await?;

    tracing::info!(worker.id = %id, device_class = body.device_class, "worker enrolled");
    state.queues.notify_one();
    Ok(web::Json(Enrolled {
        worker_id: id.0,
        key,
    }))
}

fn check(body: &Enrol) -> Result<(), ApiError> {
    let mut wrong = Complaints::new();
    wrong.text("/name", &body.name, 1..=100);
    check_slots(&mut wrong, (body.slots, body.gpus), body.slot_memory_bytes);
    let class = &body.device_class;
    let is_plain = (1..=64).contains(&class.len())
        && class
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    // `worker.<class>` and `worker.<id>` are queues side by side.
    wrong.check(
        is_plain && Uuid::try_parse(class).is_err(),
        "/device_class",
        "must be 1 to 64 lower-case letters, digits and hyphens",
    );
    wrong.finish()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_domain::worker_api::{Beat, Device};
    use sqlx::PgPool;

    use super::*;
    use crate::create_enrolment_token;
    use crate::testing::World;

    fn body(token: &str) -> Enrol {
        Enrol {
            token: token.to_owned(),
            name: "node-7".to_owned(),
            slots: 2,
            gpus: 0,
            slot_memory_bytes: 1 << 30,
            device_class: "cpu".to_owned(),
            device: Device::default(),
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_token_enrols_one_worker_whose_key_then_opens_the_api(pool: PgPool) {
        let world = World::new(pool).await;
        let token = create_enrolment_token(&world.pool, world.now())
            .await
            .unwrap();
        let (status, answer) = world.call_with("", "enrol", body(&token)).await;
        assert_eq!(status, 200);
        let enrolled: Enrolled = serde_json::from_value(answer).unwrap();

        let beat = Beat {
            device: Device::default(),
            slots: 3,
            gpus: 1,
            slot_memory_bytes: 1 << 30,
            runtimes: Vec::new(),
            keeps_root_out: true,
            remaps_users: true,
        };
        let (status, answer) = world.call_with(&enrolled.key, "beat", &beat).await;
        assert_eq!(
            (status.as_u16(), &answer["device_class"]),
            (200, &"cpu".into())
        );
        assert_eq!(answer["worker_id"], enrolled.worker_id.to_string());

        assert_eq!(world.call_with("", "enrol", body(&token)).await.0, 403);
        let late = create_enrolment_token(&world.pool, world.now())
            .await
            .unwrap();
        world.clock.advance(TimeDelta::hours(1));
        assert_eq!(world.call_with("", "enrol", body(&late)).await.0, 403);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_worker_that_cannot_be_is_told_why_and_uses_no_token_up(pool: PgPool) {
        let world = World::new(pool).await;
        let token = create_enrolment_token(&world.pool, world.now())
            .await
            .unwrap();
        let odd = Enrol {
            name: " ".to_owned(),
            slots: 0,
            gpus: 1,
            slot_memory_bytes: 0,
            device_class: Uuid::nil().to_string(),
            ..body(&token)
        };
        let (status, answer) = world.call_with("", "enrol", odd).await;
        assert_eq!(status, 422);
        insta::assert_json_snapshot!(answer["errors"], @r#"
        [
          {
            "detail": "must have 1 to 100 characters, has 0",
            "pointer": "/name"
          },
          {
            "detail": "must be 1 to 64",
            "pointer": "/slots"
          },
          {
            "detail": "must be at most one a slot",
            "pointer": "/gpus"
          },
          {
            "detail": "must be the memory of a slot",
            "pointer": "/slot_memory_bytes"
          },
          {
            "detail": "must be 1 to 64 lower-case letters, digits and hyphens",
            "pointer": "/device_class"
          }
        ]
        "#);
        assert_eq!(world.call_with("", "enrol", body(&token)).await.0, 200);
    }
}
