//! The events of one page.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Place;

struct Pace {
    /// Proxies end what is silent for long.
    word_every: Duration,
    /// Then the page comes again, and is asked anew who it is.
    follow_max: Duration,
}

const PACE: Pace = Pace {
    word_every: Duration::from_secs(15),
    follow_max: Duration::from_secs(300),
};

/// Who follows one thing.
pub struct Follower<F> {
    /// The newest number.
    pub told: watch::Receiver<Option<u64>>,
    /// Asked before each event but the first, which answers a request that was just asked: is this still the caller
    /// who may see it?
    pub may_see: F,
    pub place: Place,
    pub stop: CancellationToken,
}

impl<F: AsyncFn() -> bool> Follower<F> {
    /// At once the number as it is, by which a page knows whether it missed something, then each new one. A word in
    /// between goes by the clock alone.
    pub fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        self.paced(PACE)
    }

    fn paced(self, pace: Pace) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let now = Instant::now();
        let following = Following {
            follower: self,
            last: None,
            word_at: now + pace.word_every,
            until: now + pace.follow_max,
            pace,
        };
        stream::unfold(following, |mut following| async move {
            let event = following.next().await?;
            Some((Ok(event), following))
        })
    }
}

struct Following<F> {
    follower: Follower<F>,
    last: Option<u64>,
    word_at: Instant,
    until: Instant,
    pace: Pace,
}

impl<F: AsyncFn() -> bool> Following<F> {
    /// None at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let number = *self.follower.told.borrow_and_update();
            let number = number?;
            if self.last != Some(number) {
                let is_first = self.last.replace(number).is_none();
                if !is_first && !(self.follower.may_see)().await {
                    return None;
                }
                let event = format!("id: {number}\nevent: changed\ndata: {number}\n\n");
                return Some(event.into());
            }
            tokio::select! {
                changed = self.follower.told.changed() => changed.ok()?,
                () = sleep_until(self.word_at) => {
                    self.word_at += self.pace.word_every;
                    return Some(Bytes::from_static(b": nothing new\n\n"));
                }
                () = sleep_until(self.until) => return None,
                () = self.follower.stop.cancelled() => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::rc::Rc;

    use futures_util::StreamExt as _;

    use super::super::Places;
    use super::*;
    use crate::rate::Key;

    fn follower(
        told: watch::Receiver<Option<u64>>,
        may_see: Rc<Cell<bool>>,
        stop: CancellationToken,
    ) -> Follower<impl AsyncFn() -> bool> {
        let place = Places::default().take(Key::Address([10, 0, 0, 1].into()));
        Follower {
            told,
            may_see: async move || may_see.get(),
            place: place.unwrap(),
            stop,
        }
    }

    fn text(event: Option<Result<Bytes, Infallible>>) -> Option<String> {
        let Ok(event) = event?;
        Some(String::from_utf8(event.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_new_number_is_one_event_and_silence_is_broken_by_the_clock() {
        let (number, told) = watch::channel(Some(7));
        let events = follower(told, Rc::new(Cell::new(true)), CancellationToken::new());
        let pace = Pace {
            word_every: Duration::from_millis(30),
            follow_max: Duration::from_secs(1),
        };
        let mut events = pin!(events.paced(pace));
        let event = |number| Some(format!("id: {number}\nevent: changed\ndata: {number}\n\n"));
        assert_eq!(text(events.next().await), event(7));
        let word = Some(": nothing new\n\n".to_owned());
        assert_eq!(text(events.next().await), word);
        // The same again is nothing new.
        number.send(Some(7)).unwrap();
        assert_eq!(text(events.next().await), word);
        number.send(Some(8)).unwrap();
        assert_eq!(text(events.next().await), event(8));
        while let Some(more) = text(events.next().await) {
            assert_eq!(more, word.clone().unwrap());
        }
    }

    #[tokio::test]
    async fn who_may_see_it_no_more_hears_the_end_and_no_event() {
        let (number, told) = watch::channel(Some(7));
        let may_see = Rc::new(Cell::new(true));
        let events = follower(told, may_see.clone(), CancellationToken::new());
        let mut events = pin!(events.events());
        assert!(text(events.next().await).is_some());
        may_see.set(false);
        number.send(Some(8)).unwrap();
        assert_eq!(text(events.next().await), None);
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_thing_and_with_the_process() {
        let (number, told) = watch::channel(Some(7));
        let stop = CancellationToken::new();
        let may_see = Rc::new(Cell::new(true));
        let first = follower(told.clone(), may_see.clone(), stop.clone());
        let mut first = pin!(first.events());
        let second = follower(told, may_see, CancellationToken::new());
        let mut second = pin!(second.events());
        assert!(text(first.next().await).is_some() && text(second.next().await).is_some());
        stop.cancel();
        assert_eq!(text(first.next().await), None);
        drop(number);
        assert_eq!(text(second.next().await), None);
    }
}
