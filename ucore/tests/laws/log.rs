//! Laws of the log: order, exactly once, and the way back in.

use crate::check::{Case, Dice};
use crate::sample::Sample;
use crate::updates;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::{
    Bin, Chain, Entry, Expect, FollowError, Lane, Outcome, Proposal, Resume, Sequencer, Snapshot,
    Updatable, Verdict, Version, WriterId,
};

/// A sequencer, or a mutant of it.
pub(crate) trait Log: Clone {
    type Of: Sample;

    fn new(value: Self::Of) -> Self;
    fn submit(&mut self, proposal: Proposed<Self>) -> Verdict;
    fn keep(&mut self, entries: usize);
    fn resume(&self, version: Version, chain: Chain) -> Catchup<Self::Of>;
    fn head(&self) -> Snapshot<Self::Of>;

    /// Goes on from a checkpoint.
    fn restart(&mut self) {}
}

pub(crate) type Update<L> = <<L as Log>::Of as Updatable>::Update;
pub(crate) type Proposed<L> = Proposal<Update<L>>;

/// [`Resume`], to keep.
#[derive(Debug)]
pub(crate) enum Catchup<S: Updatable> {
    Suffix(Vec<Entry<S::Update>>),
    Snapshot(Snapshot<S>),
}

impl<S: Sample> Log for Sequencer<S> {
    type Of = S;

    fn new(value: S) -> Self {
        Self::new(value)
    }

    fn submit(&mut self, proposal: Proposal<S::Update>) -> Verdict {
        self.submit(proposal)
    }

    fn keep(&mut self, entries: usize) {
        self.keep(entries);
    }

    fn resume(&self, version: Version, chain: Chain) -> Catchup<S> {
        match self.resume(version, chain) {
            Resume::Suffix(entries) => Catchup::Suffix(entries.into_iter().cloned().collect()),
            Resume::Snapshot(snapshot) => Catchup::Snapshot(snapshot.clone()),
        }
    }

    fn head(&self) -> Snapshot<S> {
        self.head().clone()
    }

    fn restart(&mut self) {
        *self = Self::restore(self.checkpoint());
    }
}

pub(crate) fn writer(number: u8) -> WriterId {
    WriterId(Bin([number; 16]))
}

pub(crate) fn propose<U>(by: u8, seq: u64, expect: Expect, update: U) -> Proposal<U> {
    Proposal { writer: writer(by), seq, expect, update }
}

/// A log of all updates of a case, by one writer, and its snapshots at every version.
fn filled<L: Log>(case: &Case<L::Of>) -> (L, Vec<Snapshot<L::Of>>) {
    let mut log = L::new(case.state.clone());
    let mut snapshots = vec![log.head()];
    for (update, seq) in case.updates.iter().zip(1..) {
        let proposal = propose(1, seq, Expect::Any, update.clone());
        if let Verdict::New(Outcome::Committed(_)) = log.submit(proposal) {
            snapshots.push(log.head());
        }
    }
    (log, snapshots)
}

/// Resent proposals get the first answer, and the value is that of a run of each once.
pub(crate) fn each_proposal_counts_once<L: Log>(case: &Case<L::Of>) -> TestCaseResult {
    let mut dice = Dice::new(&case.dice);
    let mut log = L::new(case.state.clone());
    // Of three writers: the proposals so far, with their outcomes.
    let mut sent: [Vec<(Proposed<L>, Outcome)>; 3] = [vec![], vec![], vec![]];
    for update in &case.updates {
        let by = dice.below(3);
        let seq = u64::try_from(sent[by].len()).expect("few") + 1;
        let proposal = propose(u8::try_from(by).expect("three"), seq, Expect::Any, update.clone());
        let fits = log.head().value.check(update);
        let verdict = log.submit(proposal.clone());
        let next = log.head().version;
        let outcome = fits.map_or_else(Outcome::Rejected, |()| Outcome::Committed(next));
        prop_assert_eq!(verdict, Verdict::New(outcome));
        sent[by].push((proposal, outcome));
        if dice.one_in(4) {
            log.restart();
        }
        for _ in 0..dice.below(3) {
            resend(&mut log, &sent[dice.below(3)], &mut dice)?;
        }
    }
    let (fit, value) = updates::run(case);
    prop_assert_eq!(log.head().version, Version(u64::try_from(fit.len()).expect("few")));
    prop_assert_eq!(log.head().value, value);
    Ok(())
}

/// One of a writer's proposals comes again, or one that comes too early.
fn resend<L: Log>(
    log: &mut L,
    sent: &[(Proposed<L>, Outcome)],
    dice: &mut Dice<'_>,
) -> TestCaseResult {
    let Some((last, outcome)) = sent.last() else { return Ok(()) };
    let before = log.head();
    prop_assert_eq!(log.submit(last.clone()), Verdict::Duplicate(*outcome));
    let older = &sent[dice.below(sent.len())].0;
    if older.seq < last.seq {
        prop_assert_eq!(log.submit(older.clone()), Verdict::Old);
    }
    let early = Proposal { seq: last.seq + 2, ..last.clone() };
    prop_assert_eq!(log.submit(early), Verdict::SeqGap { want: last.seq + 1 });
    prop_assert_eq!(log.head(), before);
    Ok(())
}

/// From any version, and whatever has been dropped: what a reader gets brings it to the head. It
/// gets a suffix as long as that is kept, and never one of a log that is not the reader's.
pub(crate) fn snapshot_and_suffix_make_the_value<L: Log>(case: &Case<L::Of>) -> TestCaseResult {
    let (mut log, snapshots) = filled::<L>(case);
    let mut dice = Dice::new(&case.dice);
    let keep = dice.below(snapshots.len() + 1);
    log.keep(keep);
    let head = log.head();
    for reader in &snapshots {
        let behind = usize::try_from(head.version.0 - reader.version.0).expect("few");
        let catchup = log.resume(reader.version, reader.chain);
        if behind <= keep {
            prop_assert!(matches!(catchup, Catchup::Suffix(_)), "{} of {}", behind, keep);
        }
        if keep < behind {
            prop_assert!(matches!(catchup, Catchup::Snapshot(_)), "{} of {}", behind, keep);
        }
        prop_assert_eq!(caught_up(reader.clone(), catchup)?, head.clone());
        let fork = reader.chain.link(reader.version, "update", b"another");
        let catchup = log.resume(reader.version, fork);
        prop_assert!(matches!(catchup, Catchup::Snapshot(_)), "the reader has seen another log");
    }
    let ahead = log.resume(head.version.next(), head.chain);
    prop_assert!(matches!(ahead, Catchup::Snapshot(_)), "the reader has seen another log");
    Ok(())
}

/// How a copy moves on: [`Snapshot::follow`], or a mutant of it.
pub(crate) type Follow<S> =
    fn(&mut Snapshot<S>, &Entry<<S as Updatable>::Update>) -> Result<(), FollowError>;

/// A copy moves on by the next entry of its log alone: not by an older or a later one, by a changed
/// one, or by the same update in another log.
pub(crate) fn a_copy_follows_its_log_alone<S: Sample>(
    case: &Case<S>,
    follow: Follow<S>,
) -> TestCaseResult {
    let (log, snapshots) = filled::<Sequencer<S>>(case);
    let Catchup::Suffix(entries) = Log::resume(&log, Version(0), snapshots[0].chain) else {
        return Err(TestCaseError::fail("all is kept"));
    };
    for reader in &snapshots {
        let expected = reader.version.next();
        let refused = |entry: &Entry<S::Update>, error| {
            let mut copy = reader.clone();
            prop_assert_eq!(follow(&mut copy, entry), Err(error));
            prop_assert_eq!(&copy, reader);
            Ok(())
        };
        for (entry, after) in entries.iter().zip(&snapshots[1..]) {
            if entry.version != expected {
                refused(entry, FollowError::Version { expected })?;
                let moved = Entry { version: expected, ..entry.clone() };
                refused(&moved, FollowError::Chain)?;
                continue;
            }
            let fork = entry.chain.link(entry.version, "update", b"another");
            refused(&Entry { chain: fork, ..entry.clone() }, FollowError::Chain)?;
            let mut copy = reader.clone();
            prop_assert_eq!(follow(&mut copy, entry), Ok(()));
            prop_assert_eq!(&copy, after);
        }
    }
    Ok(())
}

pub(crate) fn caught_up<S: Sample>(
    mut reader: Snapshot<S>,
    catchup: Catchup<S>,
) -> Result<Snapshot<S>, TestCaseError> {
    match catchup {
        Catchup::Snapshot(snapshot) => return Ok(snapshot),
        Catchup::Suffix(entries) => {
            for entry in &entries {
                prop_assert_eq!(entry.version, reader.version.next());
                prop_assert_eq!(reader.follow(entry), Ok(()));
            }
        }
    }
    Ok(reader)
}

/// `Exact(v)` commits if and only if no ordered update follows v, which is not ahead of the log.
pub(crate) fn exact_means_exact<L: Log>(case: &Case<L::Of>) -> TestCaseResult {
    let mut dice = Dice::new(&case.dice);
    let mut log = L::new(case.state.clone());
    let (mut ordered, mut seq) = (Version(0), 1);
    for update in &case.updates {
        let now = log.head();
        let seen = match dice.below(4) {
            0 => now.version,
            1 => now.version.next(),
            _ => Version(now.version.0.saturating_sub(u64::try_from(dice.below(3)).expect("few"))),
        };
        let verdict = log.submit(propose(1, seq, Expect::Exact(seen), update.clone()));
        let expected = if seen < ordered || now.version < seen {
            Verdict::Conflict { seen, actual: now.version }
        } else {
            seq += 1;
            let outcome = now.value.check(update);
            if outcome.is_ok() && L::Of::lane(update) == Lane::Ordered {
                ordered = now.version.next();
            }
            Verdict::New(
                outcome.map_or_else(Outcome::Rejected, |()| Outcome::Committed(now.version.next())),
            )
        };
        prop_assert_eq!(verdict, expected, "seen {}, ordered {}", seen, ordered);
    }
    Ok(())
}

/// A proposal that meets a conflict changes nothing and keeps its number.
pub(crate) fn a_stale_proposal_is_inert<L: Log>(case: &Case<L::Of>) -> TestCaseResult {
    let (mut log, _) = filled::<L>(case);
    let before = log.head();
    let ahead = Expect::Exact(before.version.next());
    let stale = propose(2, 1, ahead, case.updates[0].clone());
    let conflict = Verdict::Conflict { seen: before.version.next(), actual: before.version };
    prop_assert_eq!(log.submit(stale.clone()), conflict);
    prop_assert_eq!(log.submit(stale.clone()), conflict);
    prop_assert_eq!(&log.head(), &before);
    let anew = Proposal { expect: Expect::Exact(before.version), ..stale };
    let outcome = before.value.check(&anew.update);
    let next = before.version.next();
    let outcome = outcome.map_or_else(Outcome::Rejected, |()| Outcome::Committed(next));
    prop_assert_eq!(log.submit(anew), Verdict::New(outcome));
    Ok(())
}

/// How a writer shows its updates that have no answer yet, on top of what it knows: the value
/// that it began with, the newest one, and those updates.
pub(crate) type Rebase<S> = fn(&S, &S, &[<S as Updatable>::Update]) -> S;

/// Pending updates are replayed on the newest value.
pub(crate) fn rebase<S: Updatable>(_first: &S, newest: &S, pending: &[S::Update]) -> S {
    let mut view = newest.clone();
    for update in pending {
        let _unfit = view.apply(update.clone());
    }
    view
}

/// What a writer shows before the answer is what the log makes of it, if nothing comes between.
pub(crate) fn pending_updates_rebase<L: Log>(
    case: &Case<L::Of>,
    rebase: Rebase<L::Of>,
) -> TestCaseResult {
    let mut dice = Dice::new(&case.dice);
    let mut log = L::new(case.state.clone());
    let (others, pending) = case.updates.split_at(dice.below(case.updates.len()));
    for (update, seq) in others.iter().zip(1..) {
        log.submit(propose(1, seq, Expect::Any, update.clone()));
    }
    let shown = rebase(&case.state, &log.head().value, pending);
    for (update, seq) in pending.iter().zip(1..) {
        log.submit(propose(2, seq, Expect::Any, update.clone()));
    }
    prop_assert_eq!(shown, log.head().value);
    Ok(())
}
