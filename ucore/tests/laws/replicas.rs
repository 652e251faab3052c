//! Replicas converge: entries are lost, repeated and reordered, connections end and come back, and
//! the log keeps little.

use crate::check::{Case, Dice};
use crate::log::{Catchup, Log, propose};
use crate::sample::Sample;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::{Entry, Expect, FollowError, Snapshot};

const READERS: usize = 3;

/// Who follows a log.
pub(crate) trait Reader<S: Sample> {
    fn new(start: Snapshot<S>) -> Self;

    /// Takes an entry, in whatever order they come. True if it has to ask where to go on.
    fn take(&mut self, entry: &Entry<S::Update>) -> bool;

    fn catch_up(&mut self, with: Catchup<S>);

    fn copy(&self) -> &Snapshot<S>;
}

/// Follows entry by entry. What is old it leaves out; at a gap it asks.
#[derive(Debug)]
pub(crate) struct Follower<S>(Snapshot<S>);

impl<S: Sample> Reader<S> for Follower<S> {
    fn new(start: Snapshot<S>) -> Self {
        Self(start)
    }

    fn take(&mut self, entry: &Entry<S::Update>) -> bool {
        match self.0.follow(entry) {
            Ok(()) => false,
            Err(FollowError::Version { expected }) => expected < entry.version,
            Err(_) => true,
        }
    }

    fn catch_up(&mut self, with: Catchup<S>) {
        match with {
            Catchup::Snapshot(snapshot) => self.0 = snapshot,
            Catchup::Suffix(entries) => {
                for entry in &entries {
                    self.take(entry);
                }
            }
        }
    }

    fn copy(&self) -> &Snapshot<S> {
        &self.0
    }
}

/// A reader and the entries on their way to it; none while it is away.
struct Peer<S: Sample, R> {
    reader: R,
    inbox: Option<Vec<Entry<S::Update>>>,
}

impl<S: Sample, R: Reader<S>> Peer<S, R> {
    fn send(&mut self, entry: &Entry<S::Update>, dice: &mut Dice<'_>) {
        let Some(inbox) = &mut self.inbox else { return };
        for _ in 0..[1, 1, 1, 2, 0][dice.below(5)] {
            inbox.insert(dice.below(inbox.len() + 1), entry.clone());
        }
    }

    fn step<L: Log<Of = S>>(&mut self, log: &L, dice: &mut Dice<'_>) {
        let asks = match &mut self.inbox {
            Some(_) if dice.one_in(8) => {
                self.inbox = None;
                false
            }
            Some(inbox) if inbox.is_empty() => false,
            Some(inbox) => self.reader.take(&inbox.remove(0)),
            None => {
                self.inbox = Some(Vec::new());
                true
            }
        };
        if asks {
            self.resume(log);
        }
    }

    fn resume<L: Log<Of = S>>(&mut self, log: &L) {
        let copy = self.reader.copy();
        let catchup = log.resume(copy.version, copy.chain);
        self.reader.catch_up(catchup);
    }
}

/// In the end all have the value, the version, the chain and the hash of the log.
pub(crate) fn replicas_converge<L: Log, R: Reader<L::Of>>(case: &Case<L::Of>) -> TestCaseResult {
    let mut dice = Dice::new(&case.dice);
    let mut log = L::new(case.state.clone());
    log.keep(dice.below(4));
    let mut peers: [Peer<L::Of, R>; READERS] =
        std::array::from_fn(|_| Peer { reader: R::new(log.head()), inbox: Some(Vec::new()) });
    for (update, seq) in case.updates.iter().zip(1..) {
        let before = log.head();
        log.submit(propose(1, seq, Expect::Any, update.clone()));
        if log.head().version > before.version {
            let entry = Entry::after(before.version, before.chain, update.clone());
            peers.iter_mut().for_each(|peer| peer.send(&entry, &mut dice));
        }
        for _ in 0..2 {
            peers[dice.below(READERS)].step(&log, &mut dice);
        }
        for peer in &peers {
            is_consistent(peer.reader.copy(), &case.state, &case.updates)?;
        }
    }
    let head = log.head();
    for peer in &mut peers {
        for entry in peer.inbox.take().unwrap_or_default() {
            peer.reader.take(&entry);
        }
        peer.resume(&log);
        prop_assert_eq!(peer.reader.copy(), &head);
        prop_assert_eq!(peer.reader.copy().state_hash(), head.state_hash());
    }
    Ok(())
}

/// A copy that lags is the value of some version, not of none.
fn is_consistent<S: Sample>(
    copy: &Snapshot<S>,
    start: &S,
    updates: &[S::Update],
) -> TestCaseResult {
    let mut snapshot = Snapshot::new(start.clone());
    for update in updates {
        if copy.version <= snapshot.version {
            break;
        }
        if snapshot.value.check(update).is_ok() {
            let entry = Entry::after(snapshot.version, snapshot.chain, update.clone());
            prop_assert_eq!(snapshot.follow(&entry), Ok(()));
        }
    }
    prop_assert_eq!(copy, &snapshot);
    Ok(())
}
