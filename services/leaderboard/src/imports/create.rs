//! `POST /api/v1/boards/imported`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_service::audit;
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor};
use url::Url;
use uuid::Uuid;

use super::complaint::lines;
use super::ranked::Ranked;
use super::read::read;
use super::rows::{self, Asked, Challenge, New};
use super::table::{Directions, MOST_METRICS, Table};
use super::view::Item;

/// They are listed on one page.
const MOST_BOARDS: i64 = 100;

const REASON_MAX: usize = 1000;

pub(super) const NOTHING_TO_REPLACE: &str =
    "imported board to be replaced; without a reason to replace one it is shown as a new one";

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBoard {
    /// Slug of the challenge.
    pub(super) challenge: String,
    /// The board's name in its address: 1 to 64 of a-z, 0-9 and -.
    pub(super) slug: String,
    #[schema(min_length = 1, max_length = 200)]
    pub(super) title: String,
    /// Where the table was published, http or https.
    pub(super) source: Option<String>,
    /// Shown above the board.
    #[schema(max_length = 1000)]
    pub(super) note: Option<String>,
    /// CSV with a heading: `team`, the metrics by name, and, to be compared with what comes out, `METRIC_rank`,
    /// `mean_rank` and `final_rank`. What was not measured is an empty cell. 1 MiB, 1000 rows, 32 metrics,
    /// 10,000 values at most.
    pub(super) table: String,
    /// Columns that are none of our metrics, and where more is better. With `lower` 32 at most.
    #[serde(default)]
    pub(super) higher: Vec<String>,
    /// The same where less is better.
    #[serde(default)]
    pub(super) lower: Vec<String>,
    /// Puts it in the place of the board of this name, for this reason, which the audit log keeps. All of that board
    /// goes, its source and note too.
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) replace: Option<String>,
}

/// Where it is shown, and how much of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Imported {
    #[serde(flatten)]
    item: Item,
    teams: usize,
    /// Ranks that were published otherwise than they come out; the board tells them.
    differences: usize,
}

/// Shows a board that was published as a table, ranked anew; by an organizer of its challenge.
///
/// 200 where it takes the place of another, 409 where its name is taken.
#[utoipa::path(post, path = "/api/v1/boards/imported", tag = "leaderboard", request_body = ImportBoard,
    responses((status = CREATED, body = Imported), (status = OK, body = Imported)))]
#[tracing::instrument(name = "imports.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<ImportBoard>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let made = keep(&mut tx, &caller, body.into_inner(), now).await?;
    let item = Item::from(rows::find(&mut *tx, Asked::by(made.id)).await?);
    let location = Some(format!("/api/v1/boards/imported/{}", made.id));
    let told = Imported {
        item,
        teams: made.ranked.rows.len(),
        differences: made.ranked.differences().len(),
    };
    let response = once.finish(&mut tx, made.status, location, &told).await?;
    tx.commit().await?;
    Ok(response)
}

/// A board that stands now.
struct Made {
    status: StatusCode,
    id: Uuid,
    ranked: Ranked,
}

/// Checks, ranks and keeps it, and says so in the audit log.
async fn keep(
    conn: &mut PgConnection,
    caller: &Caller,
    body: ImportBoard,
    now: DateTime<Utc>,
) -> Result<Made, ApiError> {
    let challenge = rows::challenge(&mut *conn, &body.challenge).await?;
    caller.require_organizer(challenge.id)?;
    let (new, reason) = body.validate()?;
    let (status, id) = match &reason {
        Some(reason) => {
            let there = rows::lock(&mut *conn, challenge.id, &new.slug).await?;
            let there = there.ok_or(ApiError::NotFound(NOTHING_TO_REPLACE))?;
            let id = replace(conn, &challenge, there, &new, caller, reason, now).await?;
            (StatusCode::OK, id)
        }
        None => {
            let id = insert(conn, &challenge, &new, caller, now).await?;
            let id = id.ok_or_else(|| taken(&challenge, &new.slug))?;
            (StatusCode::CREATED, id)
        }
    };
    Ok(Made {
        status,
        id,
        ranked: new.ranked,
    })
}

/// None where its name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    challenge: &Challenge,
    new: &New,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, ApiError> {
    require_room(&mut *conn, challenge).await?;
    let id = uuid_at(now);
    if !rows::insert(&mut *conn, id, challenge.id, new, caller.user_id, now).await? {
        return Ok(None);
    }
    let details = json!({
        "challenge_id": challenge.id, "slug": new.slug, "table_sha256": new.table_sha256,
    });
    let actor = Some(caller.user_id);
    audit::append(conn, now, actor, "board.imported", id, details, None).await?;
    Ok(Some(id))
}

pub(super) async fn require_room(
    db: impl PgExecutor<'_>,
    challenge: &Challenge,
) -> Result<(), ApiError> {
    if rows::count(db, challenge.id).await? < MOST_BOARDS {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "a challenge has at most {MOST_BOARDS} imported boards; remove one that nobody needs"
    )))
}

pub(super) fn taken(challenge: &Challenge, slug: &str) -> ApiError {
    ApiError::conflict(format!(
        "there is an imported board {}/{slug} already; give this one another name, or say why it replaces \
         that one (`replace`)",
        challenge.slug
    ))
}

/// What is there is locked: its id, and the hash of its table.
pub(super) async fn replace(
    conn: &mut PgConnection,
    challenge: &Challenge,
    (id, from): (Uuid, String),
    new: &New,
    caller: &Caller,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Uuid, ApiError> {
    rows::replace(&mut *conn, id, new, caller.user_id, now).await?;
    let details = json!({
        "challenge_id": challenge.id, "slug": new.slug, "from": from, "to": new.table_sha256,
    });
    let actor = Some(caller.user_id);
    audit::append(
        conn,
        now,
        actor,
        "board.replaced",
        id,
        details,
        Some(reason),
    )
    .await?;
    Ok(id)
}

impl ImportBoard {
    /// With the reason to replace another.
    pub(super) fn validate(self) -> Result<(New, Option<String>), ApiError> {
        let mut wrong = Complaints::new();
        wrong.check(
            is_slug(&self.slug),
            "/slug",
            "must be 1 to 64 of a-z, 0-9 and -, not starting with -",
        );
        let title = wrong.text("/title", &self.title, 1..=200);
        let source = self.source.map(|source| check_source(&mut wrong, &source));
        let note = self.note.map(|note| wrong.text("/note", &note, 1..=1000));
        let replace = self.replace;
        let reason = replace.map(|reason| wrong.text("/replace", &reason, 1..=REASON_MAX));
        let directions = Directions {
            higher: self.higher,
            lower: self.lower,
        };
        let table = match directions.count() {
            ..=MOST_METRICS => check_table(&mut wrong, &self.table, &directions),
            count => {
                let what =
                    format!("names {count} metrics with `lower`; {MOST_METRICS} is the most");
                wrong.add("/higher", what);
                None
            }
        };
        wrong.finish()?;
        let table = table.ok_or_else(|| ApiError::internal("complaints that were not told"))?;
        let new = New {
            slug: self.slug,
            title,
            source,
            note,
            table_sha256: hex::encode(Sha256::digest(&self.table)),
            ranked: Ranked::of(table).map_err(ApiError::internal)?,
        };
        Ok((new, reason))
    }
}

fn check_table(wrong: &mut Complaints, table: &str, directions: &Directions) -> Option<Table> {
    let complaints = match read(table.as_bytes(), directions) {
        Ok(table) => return Some(table),
        Err(complaints) => complaints,
    };
    for line in lines(&complaints) {
        wrong.add("/table", line);
    }
    None
}

fn is_slug(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=64).contains(&text.len())
        && text.starts_with(is_letter)
        && text.chars().all(|c| is_letter(c) || c == '-')
}

/// It becomes a link: of the web, and nothing that a browser would run.
fn check_source(wrong: &mut Complaints, source: &str) -> String {
    let is_link = |url: &Url| {
        let names_nobody = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && names_nobody
    };
    match source.trim().parse::<Url>().ok().filter(is_link) {
        // As browsers write it, so that it begins as it was checked.
        Some(url) => wrong.text("/source", url.as_str(), 1..=500),
        None => {
            let what = "must be a link that begins with https:// or http://, without a name or password in it";
            wrong.add("/source", what);
            String::new()
        }
    }
}
