//! `GET /api/v1/challenges/{slug}/ledger/signatures.csv`, `/downloads.csv`

use actix_web::{HttpResponse, web};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::try_unfold;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::{self, DownloadView, SignatureView};
use crate::challenges;

/// Rows that are read at once: the whole is never in memory.
const CHUNK: i64 = 1000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A piece of a table and the id of its last row; none at the end.
type Piece = Option<(String, Uuid)>;

type Reading = BoxFuture<'static, Result<Piece, Failure>>;

/// Reads the piece after a row.
type Read = fn(PgPool, ChallengeId, Option<Uuid>) -> Reading;

/// All signatures under the agreement of a challenge, as a table; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/ledger/signatures.csv",
    tag = "ledger",
    params(("slug" = String, Path)),
    responses((status = OK, content_type = "text/csv", body = String))
)]
#[tracing::instrument(name = "ledger.signatures_csv", skip_all)]
pub async fn signatures(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let heading = "signed_at,user_id,name,affiliation,email,version,text_sha256,address\n";
    let name = format!("{}-signatures.csv", challenge.slug);
    Ok(table(&kit.db, challenge.id, &name, heading, signed))
}

/// All links to data of a challenge that were handed out, as a table; for organizers and reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/ledger/downloads.csv",
    tag = "ledger",
    params(("slug" = String, Path)),
    responses((status = OK, content_type = "text/csv", body = String))
)]
#[tracing::instrument(name = "ledger.downloads_csv", skip_all)]
pub async fn downloads(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_reviewed(&kit.db, &caller, &slug).await?;
    let heading = "handed_at,user_id,name,kind,place,file_id,size_bytes,expires_at\n";
    let name = format!("{}-downloads.csv", challenge.slug);
    Ok(table(&kit.db, challenge.id, &name, heading, handed))
}

fn table(
    db: &PgPool,
    challenge: ChallengeId,
    name: &str,
    heading: &'static str,
    read: Read,
) -> HttpResponse {
    let db = db.clone();
    let pieces = try_unfold((None, true), move |(after, is_first)| {
        let db = db.clone();
        async move {
            let begin = if is_first { heading } else { "" };
            Ok::<_, Failure>(match read(db, challenge, after).await? {
                Some((piece, last)) => Some((begin.to_owned() + &piece, (Some(last), false))),
                None if is_first => Some((begin.to_owned(), (after, false))),
                None => None,
            })
        }
    });
    let bytes = pieces
        .map_ok(web::Bytes::from)
        .map_err(|error| -> Box<dyn std::error::Error> { error });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(bytes)
}

fn signed(db: PgPool, challenge: ChallengeId, after: Option<Uuid>) -> Reading {
    Box::pin(async move {
        let rows = rows::signatures(&db, challenge, None, after, CHUNK).await?;
        let last = rows.last().map(|row| row.id);
        piece(rows.iter().map(signature), last)
    })
}

fn handed(db: PgPool, challenge: ChallengeId, after: Option<Uuid>) -> Reading {
    Box::pin(async move {
        let rows = rows::downloads(&db, challenge, None, after, CHUNK).await?;
        let last = rows.last().map(|row| row.id);
        piece(rows.iter().map(download), last)
    })
}

fn signature(row: &SignatureView) -> [String; 8] {
    [
        row.signed_at.to_rfc3339(),
        row.user_id.to_string(),
        unarmed(&row.name),
        unarmed(&row.affiliation),
        unarmed(row.email.as_deref().unwrap_or_default()),
        unarmed(&row.version),
        row.text_sha256.clone(),
        row.address.clone().unwrap_or_default(),
    ]
}

fn download(row: &DownloadView) -> [String; 8] {
    [
        row.handed_at.to_rfc3339(),
        row.user_id.to_string(),
        unarmed(&row.user),
        row.kind.clone(),
        unarmed(&row.place),
        row.file_id.to_string(),
        row.size_bytes.to_string(),
        row.expires_at.to_rfc3339(),
    ]
}

fn piece(records: impl Iterator<Item = [String; 8]>, last: Option<Uuid>) -> Result<Piece, Failure> {
    let Some(last) = last else { return Ok(None) };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(&record)?;
    }
    Ok(Some((String::from_utf8(writer.into_inner()?)?, last)))
}

/// Spreadsheets take what begins with one of these for a formula.
fn unarmed(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_web_kit::testing::{noon, organizer, person};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{Api, challenge, handed_out, signature};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_ledger_is_a_table_of_every_signature_and_every_link(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = "/api/v1/challenges/demo/ledger";
        let (_, empty) = olga.page(&format!("{path}/downloads.csv")).await;
        assert_eq!(
            empty,
            "handed_at,user_id,name,kind,place,file_id,size_bytes,expires_at\n"
        );

        let mut evil = signature("1");
        evil["name"] = "=cmd()|'x'".into();
        evil["affiliation"] = "Lab, of \"quotes\"".into();
        assert_eq!(api.of(&ada).post("/api/v1/agreements", evil).await.0, 201);
        let (_, table) = olga.page(&format!("{path}/signatures.csv")).await;
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2, "{table}");
        let rest = lines[1].split_once(&format!("{},", ada.id)).unwrap().1;
        assert!(
            rest.starts_with(r#"'=cmd()|'x',"Lab, of ""quotes""","#),
            "{rest}"
        );

        for second in 0..5 {
            let at = noon() + TimeDelta::seconds(second);
            handed_out(&pool, &demo, &ada, second, at).await;
        }
        let (_, table) = olga.page(&format!("{path}/downloads.csv")).await;
        assert_eq!(table.lines().count(), 6, "{table}");
        // Whatever the size of a piece, no row is left out or told twice.
        let mut after = None;
        let mut pieces = Vec::new();
        while let Some(row) = rows::downloads(&pool, demo.id, None, after, 1)
            .await
            .unwrap()
            .pop()
        {
            after = Some(row.id);
            pieces.push(row.place);
        }
        assert_eq!(pieces.len(), 5);
    }
}
