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

/// What a form brings beside its file: more than any of ours has.
const MOST_FIELDS: usize = 32;
const FIELD_BYTES: usize = 16 << 10;

/// What came in the field of a form.
#[derive(Debug)]
pub struct File {
    /// As the sender's machine calls it, without folders.
    pub name: Option<String>,
    pub content: Vec<u8>,
}

/// All that a form with a file brings.
#[derive(Debug)]
pub struct Form {
    /// The other fields with their texts, in the order of the form.
    pub fields: Vec<(String, String)>,
    /// Or why there is none, so that the form can be shown again with the rest.
    pub file: Result<File, ApiError>,
}

/// The file in this field of a form, as [`form`] takes it.
pub async fn file(
    request: &HttpRequest,
    payload: web::Payload,
    field: &str,
    most: usize,
) -> Result<File, ApiError> {
    form(request, payload, field, most).await?.file
}

/// A form with its file in this field. No more of that than `most` bytes is in memory, and of a body that is no form as
/// much as is read of one.
pub async fn form(
    request: &HttpRequest,
    payload: web::Payload,
    field: &str,
    most: usize,
) -> Result<Form, ApiError> {
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

async fn find(mut form: Multipart<'_>, field: &str, most: usize) -> Result<Form, ApiError> {
    let pointer = format!("/{field}");
    let broken = |error: multer::Error| ApiError::BadRequest(format!("the form: {error}"));
    let (mut fields, mut file) = (Vec::new(), None);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != field {
            let text = read(part, FIELD_BYTES).await.map_err(broken)?;
            let text = text.filter(|_| fields.len() < MOST_FIELDS);
            let text = text.ok_or(ApiError::TooLarge(
                "a form has at most 32 fields of 16 KiB beside its file".into(),
            ))?;
            fields.push((name, String::from_utf8_lossy(&text).into_owned()));
            continue;
        }
        let is_first = file.is_none();
        let taken = take(part, &pointer, most).await.map_err(broken)?;
        file = Some(match is_first {
            true => taken,
            false => Err(ApiError::invalid(
                &pointer,
                "is there twice; choose one file",
            )),
        });
    }
    Ok(Form {
        fields,
        file: file.unwrap_or_else(|| Err(none(&pointer))),
    })
}

fn none(pointer: &str) -> ApiError {
    ApiError::invalid(pointer, "choose a file that is not empty")
}

async fn take(
    part: Field<'_>,
    pointer: &str,
    most: usize,
) -> multer::Result<Result<File, ApiError>> {
    let name = part.file_name().and_then(plain);
    Ok(match read(part, most).await? {
        None => {
            let why = format!("has more than {} MiB", most >> 20);
            Err(ApiError::invalid(pointer, why))
        }
        Some(content) if content.is_empty() => Err(none(pointer)),
        Some(content) => Ok(File { name, content }),
    })
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
