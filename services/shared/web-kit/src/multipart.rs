//! Forms with a file in them (`multipart/form-data`), for who has no script.

use std::convert::Infallible;
use std::future::ready;
use std::io;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::mpsc;

use crate::ApiError;

/// A field before the file lies within them.
const START_BYTES: usize = 4096;

/// As much of a body as is read to its end, so that who sends too much still reads the answer.
const DRAINED_BYTES: usize = 64 << 20;

/// What came in the field of a form.
#[derive(Debug)]
pub struct File {
    /// As the sender's machine calls it, without folders.
    pub name: Option<String>,
    pub content: Vec<u8>,
}

/// The file in this field of a form. No more of it than `most` bytes is in memory, and of a body that is no form as much as
/// is read of one.
pub async fn file(
    request: &HttpRequest,
    payload: web::Payload,
    field: &str,
    most: usize,
) -> Result<File, ApiError> {
    let boundary = boundary(request.headers());
    let boundary = boundary.ok_or_else(|| {
        ApiError::invalid(format!("/{field}"), "send the form as multipart/form-data")
    })?;
    // The parser may go to another thread, and what actix hands out may not.
    let (to, from) = mpsc::channel(4);
    let pieces = stream::unfold(
        from,
        |mut from: mpsc::Receiver<io::Result<Bytes>>| async move {
            let piece = from.recv().await?;
            Some((piece, from))
        },
    );
    let whole = SizeLimit::new().whole_stream(DRAINED_BYTES as u64);
    let limits = Constraints::new().size_limit(whole);
    let form = Multipart::with_constraints(pieces, boundary, limits);
    let (_, found) = tokio::join!(pump(payload, to), find(form, field, most));
    found
}

/// Ends when the body does, or nobody reads it any more.
async fn pump(mut payload: web::Payload, to: mpsc::Sender<io::Result<Bytes>>) {
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(io::Error::other);
        if to.send(piece).await.is_err() {
            return;
        }
    }
}

async fn find(mut form: Multipart<'_>, field: &str, most: usize) -> Result<File, ApiError> {
    let pointer = format!("/{field}");
    let broken = |error: multer::Error| ApiError::BadRequest(format!("the form: {error}"));
    let mut found = None;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if part.name() != Some(field) {
            continue;
        }
        if found.is_some() {
            return Err(ApiError::invalid(
                pointer,
                "is there twice; choose one file",
            ));
        }
        let name = part.file_name().and_then(plain);
        let Some(content) = read(part, most).await.map_err(broken)? else {
            let why = format!("has more than {} MiB", most >> 20);
            return Err(ApiError::invalid(pointer, why));
        };
        found = Some(File { name, content });
    }
    found
        .filter(|file| !file.content.is_empty())
        .ok_or_else(|| ApiError::invalid(pointer, "choose a file that is not empty"))
}

/// None of more than `most` bytes.
async fn read(mut part: Field<'_>, most: usize) -> multer::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    let mut size = 0;
    while let Some(piece) = part.chunk().await? {
        size += piece.len();
        match size {
            size if size <= most => content.extend_from_slice(&piece),
            size if size <= DRAINED_BYTES => content = Vec::new(),
            _ => break,
        }
    }
    Ok((size <= most).then_some(content))
}

/// The name alone, of which nothing steers a terminal or a page.
fn plain(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control()).take(200);
    let name: String = name.collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The text of the first field, if it is this one. The body is put back for the handler.
pub(crate) async fn first_field(
    request: &mut ServiceRequest,
    name: &str,
) -> Result<Option<String>, ApiError> {
    let Some(boundary) = boundary(request.headers()) else {
        return Ok(None);
    };
    let mut payload = request.take_payload();
    let mut start = BytesMut::new();
    while start.len() < START_BYTES
        && let Some(piece) = payload.next().await
    {
        let piece = piece.map_err(|error| ApiError::BadRequest(error.to_string()))?;
        start.extend_from_slice(&piece);
    }
    let start = start.freeze();
    let again = stream::once(ready(Ok(start.clone()))).chain(payload);
    request.set_payload(Payload::from(again.boxed_local()));
    let start = stream::once(ready(Ok::<_, Infallible>(start)));
    let mut form = Multipart::new(start, boundary);
    match form.next_field().await {
        Ok(Some(first)) if first.name() == Some(name) => Ok(first.text().await.ok()),
        _ => Ok(None),
    }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_without_folders_and_controls() {
        assert_eq!(plain("report.pdf").as_deref(), Some("report.pdf"));
        assert_eq!(plain("C:\\me\\r.pdf").as_deref(), Some("r.pdf"));
        assert_eq!(
            plain("../../etc/r\u{1b}[2J.pdf").as_deref(),
            Some("r[2J.pdf")
        );
        assert_eq!(plain(" "), None);
        assert_eq!(plain(&"x".repeat(900)).unwrap().len(), 200);
    }
}
