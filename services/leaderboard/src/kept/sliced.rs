//! A body that goes out in slices.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// The server copies what it sends into a buffer of the connection. One that grew beyond 128 KiB is thrown away after each
/// answer, and to make it anew takes longer than to fill it.
const SLICE: usize = 64 << 10;

/// Bytes that are shared by many answers.
pub struct Sliced(pub Bytes);

impl MessageBody for Sliced {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let rest = &mut self.get_mut().0;
        let length = rest.len().min(SLICE);
        let slice = rest.split_to(length);
        Poll::Ready((length > 0).then_some(Ok(slice)))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[actix_web::test]
    async fn slices_are_small_and_together_the_whole() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE + 7] {
            let whole: Bytes = (0..length).map(|at| (at % 251) as u8).collect();
            let mut body = Sliced(whole.clone());
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let mut came = Vec::new();
            while let Some(Ok(slice)) =
                poll_fn(|context| Pin::new(&mut body).poll_next(context)).await
            {
                assert!(!slice.is_empty() && slice.len() <= SLICE);
                came.extend_from_slice(&slice);
            }
            assert!(came == whole, "{length}");
        }
    }
}
