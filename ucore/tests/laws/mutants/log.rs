//! Mutants of the laws of the log: a sequencer with one answer that is wrong.

use crate::check::{Case, holds, is_caught};
use crate::history::it_is_linearizable;
use crate::log::{
    Catchup, Log, Proposed, a_copy_follows_its_log_alone, a_stale_proposal_is_inert,
    each_proposal_counts_once, exact_means_exact, pending_updates_rebase, rebase,
    snapshot_and_suffix_make_the_value,
};
use crate::sample::Sample;
use crate::structs::Boss;
use std::fmt::Debug;
use std::marker::PhantomData;
use ucore::{
    Chain, Counter, Entry, Expect, Outcome, Sequencer, Snapshot, UVec, Updatable, Verdict, Version,
    WriterId,
};

/// What a mutant does in its own way.
pub(in crate::mutants) trait Fault: Clone + Debug + 'static {
    type Of: Sample;

    fn submit(log: &mut Sequencer<Self::Of>, proposal: Proposed<Broken<Self>>) -> Verdict {
        log.submit(proposal)
    }

    fn keep(log: &mut Sequencer<Self::Of>, entries: usize) {
        log.keep(entries);
    }

    fn resume(log: &Sequencer<Self::Of>, version: Version, chain: Chain) -> Catchup<Self::Of> {
        Log::resume(log, version, chain)
    }
}

#[derive(Clone)]
pub(in crate::mutants) struct Broken<F: Fault>(Sequencer<F::Of>, PhantomData<F>);

impl<F: Fault> Log for Broken<F> {
    type Of = F::Of;

    fn new(value: F::Of) -> Self {
        Self(Sequencer::new(value), PhantomData)
    }

    fn submit(&mut self, proposal: Proposed<Self>) -> Verdict {
        F::submit(&mut self.0, proposal)
    }

    fn keep(&mut self, entries: usize) {
        F::keep(&mut self.0, entries);
    }

    fn resume(&self, version: Version, chain: Chain) -> Catchup<F::Of> {
        F::resume(&self.0, version, chain)
    }

    fn head(&self) -> Snapshot<F::Of> {
        self.0.head().clone()
    }
}

/// Commits, as if the writer had never been seen before.
fn anew<S: Sample>(
    log: &mut Sequencer<S>,
    mut proposal: ucore::Proposal<S::Update>,
) -> (WriterId, Verdict) {
    let writer = crate::log::writer(255);
    log.forget(writer);
    (proposal.writer, proposal.seq) = (writer, 1);
    (writer, log.submit(proposal))
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident($of:ty) { $($method:item)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(in crate::mutants) struct $name;

        impl Fault for $name {
            type Of = $of;
            $($method)+
        }
    )+};
}

/// Nothing is wrong.
#[derive(Debug, Clone)]
struct Faultless;

impl Fault for Faultless {
    type Of = UVec<u8>;
}

faults! {
    /// A resent proposal counts again.
    CountsTwice(Counter) {
        fn submit(log: &mut Sequencer<Counter>, proposal: Proposed<Broken<Self>>) -> Verdict {
            match log.submit(proposal.clone()) {
                Verdict::Duplicate(_) => anew(log, proposal).1,
                verdict => verdict,
            }
        }
    }

    /// A resent proposal gets an answer of now.
    ForgetsTheOutcome(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            match log.submit(proposal) {
                Verdict::Duplicate(_) => {
                    Verdict::Duplicate(Outcome::Committed(log.head().version))
                }
                verdict => verdict,
            }
        }
    }

    /// A gap is filled with nothing.
    SkipsGaps(Counter) {
        fn submit(log: &mut Sequencer<Counter>, proposal: Proposed<Broken<Self>>) -> Verdict {
            match log.submit(proposal.clone()) {
                Verdict::SeqGap { .. } => anew(log, proposal).1,
                verdict => verdict,
            }
        }
    }

    /// The first entry that a reader lacks is left out.
    ResumesOneLate(UVec<u8>) {
        fn resume(
            log: &Sequencer<UVec<u8>>,
            version: Version,
            chain: Chain,
        ) -> Catchup<UVec<u8>> {
            match Log::resume(log, version, chain) {
                Catchup::Suffix(entries) => {
                    Catchup::Suffix(entries.into_iter().skip(1).collect())
                }
                snapshot => snapshot,
            }
        }
    }

    /// A reader of another log goes on with this one.
    IgnoresTheChain(UVec<u8>) {
        fn resume(
            log: &Sequencer<UVec<u8>>,
            version: Version,
            chain: Chain,
        ) -> Catchup<UVec<u8>> {
            let chain = if version == log.head().version { log.head().chain } else { chain };
            Log::resume(log, version, chain)
        }
    }

    /// Old entries stay.
    KeepsAll(UVec<u8>) {
        fn keep(_: &mut Sequencer<UVec<u8>>, _: usize) {}
    }

    /// A reader gets all that is there, although it is short of some.
    ServesAShortSuffix(UVec<u8>) {
        fn resume(
            log: &Sequencer<UVec<u8>>,
            version: Version,
            chain: Chain,
        ) -> Catchup<UVec<u8>> {
            match Log::resume(log, version, chain) {
                Catchup::Snapshot(_) => Catchup::Suffix(Vec::new()),
                suffix => suffix,
            }
        }
    }

    ExactIsAny(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            log.submit(ucore::Proposal { expect: Expect::Any, ..proposal })
        }
    }

    /// Only the head is exact, also if deltas alone came after.
    DeltasDisturb(Boss) {
        fn submit(log: &mut Sequencer<Boss>, proposal: Proposed<Broken<Self>>) -> Verdict {
            let actual = log.head().version;
            match proposal.expect {
                Expect::Exact(seen) if seen < actual => Verdict::Conflict { seen, actual },
                _ => log.submit(proposal),
            }
        }
    }

    /// A conflict is an answer, and the number is gone.
    ConflictsUseUp(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            let verdict = log.submit(proposal.clone());
            if matches!(verdict, Verdict::Conflict { .. }) {
                let update = ucore::UVecUpdate::Remove(u32::MAX);
                log.submit(ucore::Proposal { expect: Expect::Any, update, ..proposal });
            }
            verdict
        }
    }

    /// A conflict is answered, and the update is in the log.
    ConflictsApply(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            let verdict = log.submit(proposal.clone());
            if matches!(verdict, Verdict::Conflict { .. }) {
                anew(log, ucore::Proposal { expect: Expect::Any, ..proposal });
            }
            verdict
        }
    }

    /// An update is checked against the first value of the log.
    ChecksTheFirstValue(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            if let Err(reject) = UVec::default().check(&proposal.update) {
                return Verdict::New(Outcome::Rejected(reject));
            }
            log.submit(proposal)
        }
    }

    /// The answer comes before the update is in the log, where it never comes.
    AnswersBeforeItCommits(UVec<u8>) {
        fn submit(log: &mut Sequencer<UVec<u8>>, proposal: Proposed<Broken<Self>>) -> Verdict {
            let next = log.head().version.next();
            if proposal.seq > 1 && log.value().check(&proposal.update).is_ok() {
                return Verdict::New(Outcome::Committed(next));
            }
            log.submit(proposal)
        }
    }
}

/// The wrapper itself is no mutant, so what the others show is their own fault.
#[test]
fn a_log_without_a_fault_passes() {
    holds::<Case<_>>(each_proposal_counts_once::<Broken<Faultless>>);
    holds::<Case<_>>(snapshot_and_suffix_make_the_value::<Broken<Faultless>>);
    holds::<Case<_>>(exact_means_exact::<Broken<Faultless>>);
    holds::<Case<_>>(a_stale_proposal_is_inert::<Broken<Faultless>>);
    holds::<Case<_>>(|case| pending_updates_rebase::<Broken<Faultless>>(case, rebase));
    holds::<Case<_>>(it_is_linearizable::<Broken<Faultless>>);
}

#[test]
fn the_law_of_once_catches_a_log_that_counts_twice() {
    is_caught::<Case<_>>(each_proposal_counts_once::<Broken<CountsTwice>>);
}

#[test]
fn the_law_of_once_catches_a_log_that_forgets_the_outcome() {
    is_caught::<Case<_>>(each_proposal_counts_once::<Broken<ForgetsTheOutcome>>);
}

#[test]
fn the_law_of_once_catches_a_log_that_skips_gaps() {
    is_caught::<Case<_>>(each_proposal_counts_once::<Broken<SkipsGaps>>);
}

#[test]
fn the_law_of_resuming_catches_a_log_that_resumes_one_late() {
    is_caught::<Case<_>>(snapshot_and_suffix_make_the_value::<Broken<ResumesOneLate>>);
}

#[test]
fn the_law_of_resuming_catches_a_log_that_ignores_the_chain() {
    is_caught::<Case<_>>(snapshot_and_suffix_make_the_value::<Broken<IgnoresTheChain>>);
}

#[test]
fn the_law_of_resuming_catches_a_log_that_keeps_all() {
    is_caught::<Case<_>>(snapshot_and_suffix_make_the_value::<Broken<KeepsAll>>);
}

#[test]
fn the_law_of_resuming_catches_a_log_that_serves_a_short_suffix() {
    is_caught::<Case<_>>(snapshot_and_suffix_make_the_value::<Broken<ServesAShortSuffix>>);
}

#[test]
fn the_law_of_expectations_catches_a_log_in_which_exact_is_any() {
    is_caught::<Case<_>>(exact_means_exact::<Broken<ExactIsAny>>);
}

#[test]
fn the_law_of_expectations_catches_a_log_that_deltas_disturb() {
    is_caught::<Case<_>>(exact_means_exact::<Broken<DeltasDisturb>>);
}

#[test]
fn the_law_of_stale_proposals_catches_a_conflict_that_uses_up_its_number() {
    is_caught::<Case<_>>(a_stale_proposal_is_inert::<Broken<ConflictsUseUp>>);
}

#[test]
fn the_law_of_stale_proposals_catches_a_conflict_that_applies() {
    is_caught::<Case<_>>(a_stale_proposal_is_inert::<Broken<ConflictsApply>>);
}

#[test]
fn the_law_of_following_catches_a_copy_that_ignores_the_chain() {
    is_caught::<Case<UVec<u8>>>(|case| {
        a_copy_follows_its_log_alone(case, |copy, entry| {
            let real = Entry::after(copy.version, copy.chain, entry.update.clone());
            copy.follow(&Entry { chain: real.chain, ..entry.clone() })
        })
    });
}

#[test]
fn the_law_of_following_catches_a_copy_that_ignores_the_version() {
    is_caught::<Case<UVec<u8>>>(|case| {
        a_copy_follows_its_log_alone(case, |copy, entry| {
            copy.follow(&Entry::after(copy.version, copy.chain, entry.update.clone()))
        })
    });
}

#[test]
fn the_law_of_rebasing_catches_a_log_that_checks_the_first_value() {
    is_caught::<Case<_>>(|case| {
        pending_updates_rebase::<Broken<ChecksTheFirstValue>>(case, rebase)
    });
}

#[test]
fn the_law_of_rebasing_catches_a_writer_that_replays_on_what_it_knew_first() {
    is_caught::<Case<UVec<u8>>>(|case| {
        pending_updates_rebase::<Sequencer<_>>(case, |first, _, pending| {
            rebase(first, first, pending)
        })
    });
}

#[test]
fn the_law_of_linearizability_catches_a_log_that_checks_the_first_value() {
    is_caught::<Case<_>>(it_is_linearizable::<Broken<ChecksTheFirstValue>>);
}

#[test]
fn the_law_of_linearizability_catches_a_log_that_answers_before_it_commits() {
    is_caught::<Case<_>>(it_is_linearizable::<Broken<AnswersBeforeItCommits>>);
}
