//! `GET /submissions`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rows::{ledger, phases};
use crate::submissions::list::{Query, page};
use crate::submissions::quota::{self, QuotaView};
use crate::submissions::view::SubmissionItem;

#[derive(Template)]
#[template(path = "submissions.html")]
struct Submissions {
    items: Vec<Item>,
    next: Option<String>,
    quotas: Vec<QuotaView>,
}

struct Item {
    submission: SubmissionItem,
    created: String,
}

#[tracing::instrument(name = "pages.submissions", skip_all)]
pub async fn index(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let page = page(&mut conn, &caller, &query).await?;
    let next = page.next.and_then(|cursor| {
        let cursor = serde_json::to_value(cursor).ok()?;
        Some(next_page(&query, cursor.as_str()?))
    });
    let item = |submission: SubmissionItem| Item {
        created: submission
            .created_at
            .format("%-d %b %Y, %H:%M UTC")
            .to_string(),
        submission,
    };
    let items = page.items.into_iter().map(item).collect();
    let quotas = match query.cursor {
        None => quotas(&mut conn, &caller).await?,
        Some(_) => Vec::new(),
    };
    let body = Submissions {
        items,
        next,
        quotas,
    }
    .render()?;
    Ok(layout::page(Some(&caller), "Submissions", body))
}

/// Of the phases that take submissions now and that the caller's teams used lately.
async fn quotas(conn: &mut PgConnection, caller: &Caller) -> Result<Vec<QuotaView>, ApiError> {
    let now = db::now(&mut *conn).await?;
    let teams: Vec<Uuid> = caller.teams.iter().map(|team| team.0).collect();
    let places = ledger::places(&mut *conn, &teams, now - TimeDelta::days(30)).await?;
    let mut quotas = Vec::new();
    for (phase, team) in places {
        let phase = phases::find(&mut *conn, phase).await?;
        if phase.window.takes_submissions(now)
            && quota::is_visible(&mut *conn, caller, &phase).await?
        {
            quotas.push(quota::view(&mut *conn, &phase, team, now).await?);
        }
    }
    Ok(quotas)
}

fn next_page(query: &Query, cursor: &str) -> String {
    let mut link = format!("/submissions?cursor={cursor}");
    for (name, id) in [("team_id", query.team_id), ("phase_id", query.phase_id)] {
        if let Some(id) = id {
            link.push_str(&format!("&{name}={id}"));
        }
    }
    if let Some(limit) = query.limit {
        link.push_str(&format!("&limit={limit}"));
    }
    link
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_list_leads_to_each_submission_and_to_the_next_page(pool: PgPool) {
        let world = World::new(&pool).await;
        let (status, empty) = world.page("/submissions").await;
        assert_eq!(status, StatusCode::OK);
        assert!(empty.contains("class=\"empty\""), "{empty}");
        world.create("a").await;
        let id = world.create("b").await;
        let (_, page) = world.page("/submissions?limit=1").await;
        assert!(
            page.contains(&format!("href=\"/submissions/{id}\"")),
            "{page}"
        );
        assert!(page.contains("/submissions?cursor="), "{page}");
    }
}
