//! Pictures of figures, drawn when they are asked for: one at a time, so that they never take more than one processor from
//! what else the process does, and the last ones kept.

use std::sync::{Arc, LazyLock};

use actix_web::web::Bytes;
use molar_figures::{Undrawn, png};
use molar_web_kit::ApiError;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

/// In line or drawn. A page of figures asks for about as many.
const ADMITTED: usize = 32;
/// Who finds no place comes again.
const RETRY_S: u64 = 5;

const KEPT_BYTES: u64 = 32 << 20;
const KEPT_ABOUT: usize = 128;

/// Of the process.
pub static STUDIO: LazyLock<Studio> = LazyLock::new(Studio::new);

pub struct Studio {
    places: Semaphore,
    turn: Arc<Semaphore>,
    kept: Cache<String, Bytes, Size>,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Bytes> for Size {
    fn weight(&self, _: &String, png: &Bytes) -> u64 {
        png.len() as u64
    }
}

impl Studio {
    fn new() -> Self {
        Self {
            places: Semaphore::new(ADMITTED),
            turn: Arc::new(Semaphore::new(1)),
            kept: Cache::with_weighter(KEPT_ABOUT, KEPT_BYTES, Size),
        }
    }

    /// A PNG; `tag` is of this figure at this scale and of no other.
    pub async fn draw(&self, tag: &str, svg: String, scale: u8) -> Result<Bytes, ApiError> {
        if let Some(drawn) = self.kept.get(tag) {
            return Ok(drawn);
        }
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| ApiError::Unavailable {
            retry_after_s: RETRY_S,
            source: None,
        })?;
        let turn = self.turn.clone().acquire_owned().await;
        let turn = turn.map_err(ApiError::internal)?;
        // Somebody before may have wanted the same.
        if let Some(drawn) = self.kept.get(tag) {
            return Ok(drawn);
        }
        // Whoever asked may be gone: the turn is not over before the drawing is, nor before it is kept.
        let drawn = tokio::task::spawn_blocking(move || (png(&svg, scale), turn));
        let (drawn, _turn) = drawn.await.map_err(ApiError::internal)?;
        let drawn = Bytes::from(drawn.map_err(refused)?);
        self.kept.insert(tag.to_owned(), drawn.clone());
        Ok(drawn)
    }
}

fn refused(why: Undrawn) -> ApiError {
    match why {
        Undrawn::TooLarge { .. } => {
            let detail = format!("is too large for this figure: {why}; ask for a smaller one");
            ApiError::invalid("/scale", detail)
        }
        Undrawn::Unreadable(_) | Undrawn::Unwritten(_) => ApiError::internal(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\" height=\"3\"><rect width=\"2\" height=\"2\"/></svg>";

    #[tokio::test]
    async fn what_was_drawn_is_kept_and_who_finds_no_place_is_sent_away() {
        let studio = Studio::new();
        let drawn = studio.draw("one", SVG.to_owned(), 1).await.unwrap();
        let all = u32::try_from(ADMITTED).unwrap();
        let taken = studio.places.acquire_many(all).await.unwrap();
        let kept = studio.draw("one", "is not looked at".to_owned(), 1).await;
        assert_eq!(kept.unwrap(), drawn);
        let refused = studio.draw("two", SVG.to_owned(), 2).await.unwrap_err();
        let problem = refused.problem();
        assert_eq!(problem.status, 503);
        assert_eq!(problem.members["retry_after_s"], RETRY_S);
        drop(taken);
        let large = studio.draw("two", SVG.to_owned(), 2).await.unwrap();
        assert!(large != drawn);
    }

    #[tokio::test]
    async fn one_is_drawn_at_a_time_and_who_waited_for_the_same_gets_it() {
        let studio = Studio::new();
        let turn = studio.turn.acquire().await.unwrap();
        let first = studio.draw("one", SVG.to_owned(), 1);
        let same = studio.draw("one", "is not looked at".to_owned(), 1);
        let (first, same, ()) = tokio::join!(first, same, async {
            assert_eq!(studio.places.available_permits(), ADMITTED - 2);
            drop(turn);
        });
        assert_eq!(first.unwrap(), same.unwrap());
    }

    #[tokio::test]
    async fn what_is_too_large_says_so_and_gives_its_turn_back() {
        let studio = Studio::new();
        let large = SVG.replace("width=\"3\"", "width=\"9000000\"");
        let refused = studio.draw("large", large, 1).await.unwrap_err();
        let detail = &refused.problem().errors[0].detail;
        assert!(
            detail.contains("9000000 × 3 pixels") && detail.ends_with("ask for a smaller one"),
            "{detail}"
        );
        assert_eq!(studio.turn.available_permits(), 1);
        assert_eq!(studio.places.available_permits(), ADMITTED);
    }
}
