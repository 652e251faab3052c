//! The event feed of a boss: asks an authority for what a [`Feed`] wants, also one that fails.

use crate::client::Authority;
use protocol::{BossId, FeedEvent, Micros, ReadLog, Unavailable};
use score::{Backoff, Feed, FeedError, FeedRequest, FeedStart};
use std::sync::Arc;
use std::time::Duration;

/// A reader of a boss's event feed.
#[derive(Debug)]
pub struct Tail {
    boss: BossId,
    authority: Arc<dyn Authority>,
    feed: Feed,
    backoff: Backoff,
    /// The authority did not answer the last time.
    is_away: bool,
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// The authority gave no answer. Asking again loses and repeats nothing.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The feed can't go on.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// How long one request may wait for the next entry. Then the truth is asked for, which shows a
/// roll-back that has left the log shorter.
const WAIT_MS: u32 = 10_000;

/// How long an answer is waited for beyond that. Longer than authorities themselves wait, which can
/// say why there is none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

impl Tail {
    /// A reader. The seed spreads its attempts to reach an authority that is away.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, boss: BossId, start: FeedStart, seed: u64) -> Self {
        let backoff = Backoff::new(seed, Micros::from_millis(100), Micros::from_millis(5_000));
        Self { boss, authority, feed: Feed::new(boss, start), backoff, is_away: false }
    }

    /// What comes next of what is in the log. Empty at its end.
    ///
    /// # Errors
    /// [`TailError`].
    pub async fn next(&mut self) -> Result<Vec<FeedEvent>, TailError> {
        loop {
            let events = self.drain();
            if !events.is_empty() || self.feed.has_caught_up() {
                return Ok(events);
            }
            if let Err(error) = self.step(0).await {
                return self.last_words(error);
            }
        }
    }

    /// What comes next, whenever it comes. An authority that is away is asked again and again.
    ///
    /// # Errors
    /// [`TailError::Feed`], and [`Unavailable::NoBoss`] before the feed has begun.
    pub async fn follow(&mut self) -> Result<Vec<FeedEvent>, TailError> {
        loop {
            let events = self.drain();
            if !events.is_empty() {
                return Ok(events);
            }
            match self.step(WAIT_MS).await {
                Ok(()) => {}
                Err(TailError::Unavailable(why)) if self.may_come_back(&why) => {
                    self.wait_for(&why).await;
                }
                Err(error) => return self.last_words(error),
            }
        }
    }

    /// What was heard before an error is told before it. The next call meets the error again.
    fn last_words(&mut self, error: TailError) -> Result<Vec<FeedEvent>, TailError> {
        let events = self.drain();
        if events.is_empty() { Err(error) } else { Ok(events) }
    }

    fn drain(&mut self) -> Vec<FeedEvent> {
        std::iter::from_fn(|| self.feed.poll_event()).collect()
    }

    /// Asks once. At the end of the log the answer may take `wait_ms`.
    async fn step(&mut self, wait_ms: u32) -> Result<(), TailError> {
        let (after, wait_ms) = match self.feed.poll_request() {
            FeedRequest::Truth => {
                let truth = in_time(0, self.authority.truth(self.boss)).await;
                return self.heard(truth, |feed, truth| feed.handle_truth(&truth));
            }
            FeedRequest::Page(after) => (after, 0),
            FeedRequest::NextPage(after) => (after, wait_ms),
        };
        let page = ReadLog { boss: self.boss, after, wait_ms };
        let page = in_time(wait_ms, self.authority.read_log(page)).await;
        let is_heard = page.is_ok();
        self.heard(page, Feed::handle_page)?;
        if is_heard {
            self.is_back();
        }
        Ok(())
    }

    fn heard<T>(
        &mut self,
        answer: Result<T, Unavailable>,
        handle: impl FnOnce(&mut Feed, T) -> Result<(), FeedError>,
    ) -> Result<(), TailError> {
        match answer {
            Ok(answer) => Ok(handle(&mut self.feed, answer)?),
            Err(why) => {
                self.feed.handle_no_answer();
                Err(why.into())
            }
        }
    }

    /// A boss that was there may be spawned anew after everything was lost; one that never was is
    /// a mistake in the question.
    fn may_come_back(&self, why: &Unavailable) -> bool {
        self.feed.has_begun() || !matches!(why, Unavailable::NoBoss(_))
    }

    async fn wait_for(&mut self, why: &Unavailable) {
        let delay = self.backoff.next_delay();
        self.is_away = true;
        tracing::warn!(
            target: "worldboss::authority",
            "{why}; asking again in {} ms", delay.as_millis(),
        );
        tokio::time::sleep(Duration::from_micros(delay.0)).await;
    }

    fn is_back(&mut self) {
        self.backoff.reset();
        if std::mem::take(&mut self.is_away) {
            tracing::info!(target: "worldboss::authority", "the authority answers again");
        }
    }
}

/// An answer that does not come in time is as unknown as one that is lost.
async fn in_time<T>(
    wait_ms: u32,
    answer: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let time = ANSWER_TIMEOUT + Duration::from_millis(wait_ms.into());
    match tokio::time::timeout(time, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Unavailable::Unknown(format!("no answer within {time:?}"))),
    }
}
