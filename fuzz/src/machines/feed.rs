//! Pages and truths of any content for an event feed.

use super::STEPS_MAX;
use crate::anything::{self, BOSS};
use crate::check::answered;
use crate::draw::Draw;
use protocol::{BossUpdate, Entry, Happened, LogPage, Snapshot, Term, Truth};
use score::{Feed, FeedRequest, FeedStart};
use ucore::{Chain, Version};

/// It tells every version once and in order, but for what it has told to be void.
pub(crate) fn feed(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let start = if draw.flag() {
        FeedStart::Last(draw.number())
    } else {
        FeedStart::At(anything::version(&mut draw))
    };
    let mut feed = Feed::new(BOSS, start);
    let mut log = Past::default();
    let mut told = None;
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        log.go_on(&mut draw);
        let asked = feed.poll_request();
        let done = match asked {
            _ if draw.one_of(8) => {
                feed.handle_no_answer();
                Ok(())
            }
            FeedRequest::Truth => feed.handle_truth(&log.truth(&mut draw)),
            FeedRequest::Page(after) | FeedRequest::NextPage(after) => {
                feed.handle_page(log.page(&mut draw, after))
            }
        };
        answered(feed.has_caught_up());
        while let Some(event) = feed.poll_event() {
            let first =
                if let Happened::Gone { from } = event.happened { from } else { event.version };
            if let Happened::RolledBack { was } = event.happened {
                assert!(event.version < was, "it takes something back");
            } else if let Some(told) = told {
                assert_eq!(first, Version::next(told), "nothing is left out or told twice");
            }
            told = Some(event.version);
        }
        if done.is_err() {
            return;
        }
    }
}

/// A log that is written, rolled back and forgotten while it is read.
#[derive(Debug, Default)]
struct Past {
    base: Snapshot,
    entries: Vec<Entry>,
}

impl Past {
    fn go_on(&mut self, draw: &mut Draw<'_>) {
        match draw.below(8) {
            0..=3 => {
                for _ in 0..draw.below(40) {
                    let (version, chain) = self.end();
                    let update = BossUpdate::Term(Term { number: 1, ..anything::term(draw) });
                    self.entries.push(Entry::after(version, chain, &update));
                }
            }
            4 => self.entries.truncate(usize::from(draw.byte())),
            5 => {
                let gone = usize::from(draw.byte()).min(self.entries.len());
                if let Some(last) = self.entries.drain(..gone).next_back() {
                    (self.base.version, self.base.chain) = (last.version, last.chain);
                }
            }
            _ => {}
        }
    }

    fn end(&self) -> (Version, Chain) {
        let last = self.entries.last().map(|last| (last.version, last.chain));
        last.unwrap_or((self.base.version, self.base.chain))
    }

    fn truth(&self, draw: &mut Draw<'_>) -> Truth {
        let truth = anything::truth(draw);
        if draw.one_of(16) {
            return truth;
        }
        let (version, chain) = self.end();
        Truth { version, chain, ..truth }
    }

    /// The page after a version, or of any content.
    fn page(&self, draw: &mut Draw<'_>, after: Version) -> LogPage {
        let is_before = after < self.base.version;
        let base = (is_before || draw.one_of(32)).then(|| Box::new(self.base.clone()));
        let after = if is_before { self.base.version } else { after };
        let len = usize::from(draw.byte());
        let entries = self.entries.iter().filter(|entry| entry.version > after).take(len);
        let mut entries: Vec<_> = entries.cloned().collect();
        if draw.one_of(32) && entries.len() > 2 {
            entries.remove(usize::from(draw.below(2)));
        }
        LogPage { base, entries }
    }
}
