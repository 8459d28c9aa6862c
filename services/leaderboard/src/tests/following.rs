//! Whoever follows boards, as the process serves them.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service};
use actix_web::web;
use molar_domain::{MockClock, PhaseId};
use molar_service::Role;
use molar_testkit::{as_role, noon};
use molar_web_kit::Kit;
use molar_web_kit::testing::{self, Person};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::live::{Boards, look};
use crate::routes;

pub struct Following {
    pub kit: web::Data<Kit>,
    pub boards: web::Data<Boards>,
}

impl Following {
    pub async fn new(db: &PgPool) -> Self {
        Self::of(as_role(db, Role::Leaderboard).await)
    }

    /// By the role's own connections.
    pub fn of(role: PgPool) -> Self {
        Self {
            kit: testing::kit(Role::Leaderboard, role, MockClock::at(noon())),
            boards: web::Data::new(Boards::new(CancellationToken::new())),
        }
    }

    pub async fn ask(&self, phase: PhaseId, person: Option<&Person>) -> ServiceResponse {
        let boards = self.boards.clone();
        let app = testing::app(self.kit.clone(), routes(), |config| {
            config.app_data(boards);
        });
        let mut request = TestRequest::get().uri(&format!("/api/v1/boards/{phase}/events"));
        if let Some(person) = person {
            request = request.insert_header(person.bearer());
        }
        call_service(&app.await, request.to_request()).await
    }

    pub async fn follow(&self, phase: PhaseId, person: Option<&Person>) -> BoxBody {
        let answer = self.ask(phase, person).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body()
    }

    pub async fn look(&self) {
        look::all(&self.kit, &self.boards).await.unwrap();
    }
}
