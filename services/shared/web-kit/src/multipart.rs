//! Forms with a file in them (`multipart/form-data`), for who has no script.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::time::Duration;

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

/// A proxy in front has it whole before it comes here.
const TIME: Duration = Duration::from_secs(60);

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

/// A form with its file in this field, which has a minute to arrive. No more of the file than `most` bytes is in memory, and
/// of a body that is no form as much as is read of one.
pub async fn form(
    request: &HttpRequest,
    payload: web::Payload,
    field: &str,
    most: usize,
) -> Result<Form, ApiError> {
    form_within(TIME, request, payload, field, most).await
}

async fn form_within(
    time: Duration,
    request: &HttpRequest,
    payload: web::Payload,
    field: &str,
    most: usize,
) -> Result<Form, ApiError> {
    let form = tokio::time::timeout(time, receive(request, payload, field, most)).await;
    form.unwrap_or_else(|_| {
        let why = "the form took more than a minute to arrive; send the file with the command line, or over a better line";
        Err(ApiError::conflict(why))
    })
}

async fn receive(
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
    let mut has_too_much = false;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != field {
            match read(part, FIELD_BYTES).await.map_err(broken)? {
                Some(text) if fields.len() < MOST_FIELDS => {
                    fields.push((name, String::from_utf8_lossy(&text).into_owned()));
                }
                // Said when all has come, so that the sender reads it.
                _ => has_too_much = true,
            }
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
    if has_too_much {
        let why = "a form has at most 32 fields of 16 KiB beside its file";
        return Err(ApiError::TooLarge(why.into()));
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
    use std::cell::Cell;
    use std::rc::Rc;

    use actix_web::FromRequest as _;
    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures_util::Stream;

    use super::*;

    fn part(name: &str, content: &[u8]) -> Vec<u8> {
        let head = format!("--of-tests\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    }

    /// The form whose body these pieces are.
    async fn taken(
        time: Duration,
        pieces: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    ) -> Result<Form, ApiError> {
        let request = TestRequest::post()
            .insert_header((CONTENT_TYPE, "multipart/form-data; boundary=of-tests"))
            .to_http_request();
        let mut payload = Payload::from(pieces.boxed_local());
        let payload = web::Payload::from_request(&request, &mut payload).await;
        form_within(time, &request, payload.unwrap(), "file", 1 << 20).await
    }

    #[actix_web::test]
    async fn a_form_with_too_much_in_a_field_is_read_to_its_end_all_the_same() {
        let note = part("note", &vec![b'x'; FIELD_BYTES + 1]);
        let file = part("file", &vec![b'y'; 4 << 20]);
        let body = [&note[..], &file, b"--of-tests--\r\n"].concat();
        let pieces: Vec<_> = body.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
        let read = Rc::new(Cell::new(0));
        let so_far = Rc::clone(&read);
        let pieces = stream::iter(pieces).map(Ok);
        let pieces = pieces.inspect(move |piece: &Result<Bytes, PayloadError>| {
            so_far.set(so_far.get() + piece.as_ref().unwrap().len());
        });
        let told = taken(TIME, pieces).await;
        assert!(matches!(told, Err(ApiError::TooLarge(_))), "{told:?}");
        assert_eq!(read.get(), body.len());
    }

    #[actix_web::test]
    async fn a_form_that_does_not_end_is_not_waited_for() {
        let start = Bytes::from(part("note", b"x"));
        let pieces = stream::iter([Ok(start)]).chain(stream::pending());
        let told = taken(Duration::from_millis(20), pieces).await;
        assert!(matches!(told, Err(ApiError::Conflict(_))), "{told:?}");
    }

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
