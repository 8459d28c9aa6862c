//! What a supervisor and a scraper ask of every process: `/healthz`, `/readyz`, `/metrics`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// A database that needs longer than this for nothing at all is away.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Health {
    db: Option<PgPool>,
    stop: CancellationToken,
    metrics: PrometheusHandle,
}

impl Health {
    /// `db` is `None` for the worker, which has none.
    pub fn new(db: Option<PgPool>, stop: CancellationToken) -> Self {
        Self {
            db,
            stop,
            metrics: telemetry::metrics(),
        }
    }

    async fn complaint(&self) -> Option<&'static str> {
        if self.stop.is_cancelled() {
            return Some("stopping");
        }
        let db = self.db.as_ref()?;
        let asked = timeout(
            PATIENCE,
            sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(db),
        );
        match asked.await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => Some("the database does not answer"),
        }
    }
}

pub fn configure(health: web::Data<Health>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(health)
            .service(healthz)
            .service(readyz)
            .service(scrape);
    }
}

/// The process runs.
#[get("/healthz")]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can be given work.
#[get("/readyz")]
async fn readyz(health: web::Data<Health>) -> HttpResponse {
    match health.complaint().await {
        None => HttpResponse::Ok().body("ready\n"),
        Some(complaint) => {
            HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body(format!("{complaint}\n"))
        }
    }
}

#[get("/metrics")]
async fn scrape(health: web::Data<Health>) -> HttpResponse {
    note_memory();
    health.metrics.run_upkeep();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(health.metrics.render())
}

/// Resident memory now and at its peak, as the kernel counts it.
fn note_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let metric = match name {
            "VmRSS" => "process_resident_memory_bytes",
            "VmHWM" => "process_peak_memory_bytes",
            _ => continue,
        };
        let kib = value.trim().trim_end_matches(" kB").parse::<f64>();
        metrics::gauge!(metric).set(kib.unwrap_or_default() * 1024.0);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test};

    use super::*;

    async fn get(health: &web::Data<Health>, path: &str) -> (StatusCode, String) {
        let app = test::init_service(App::new().configure(configure(health.clone()))).await;
        let response =
            test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
        let status = response.status();
        (
            status,
            String::from_utf8(test::read_body(response).await.to_vec()).unwrap(),
        )
    }

    #[sqlx::test(migrations = false)]
    async fn a_process_is_ready_until_it_stops(pool: PgPool) {
        let stop = CancellationToken::new();
        let health = web::Data::new(Health::new(Some(pool), stop.clone()));
        assert_eq!(
            get(&health, "/readyz").await,
            (StatusCode::OK, "ready\n".to_owned())
        );

        stop.cancel();
        let (status, body) = get(&health, "/readyz").await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        );
        assert_eq!(get(&health, "/healthz").await.0, StatusCode::OK);
    }

    #[sqlx::test(migrations = false)]
    async fn a_process_without_its_database_is_not_ready(pool: PgPool) {
        let health = web::Data::new(Health::new(Some(pool.clone()), CancellationToken::new()));
        pool.close().await;
        assert_eq!(
            get(&health, "/readyz").await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }

    #[actix_web::test]
    async fn metrics_show_the_memory_of_the_process() {
        let health = web::Data::new(Health::new(None, CancellationToken::new()));
        let (_, text) = get(&health, "/metrics").await;
        assert!(text.contains("process_peak_memory_bytes "), "{text}");
    }
}
