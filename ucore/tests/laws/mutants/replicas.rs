//! Mutants of the law of replicas: readers that follow wrongly, and a log that misleads them.

use super::log::{Broken, ResumesOneLate};
use crate::check::{Case, is_caught};
use crate::log::Catchup;
use crate::replicas::{Follower, Reader, replicas_converge};
use crate::sample::Sample;
use ucore::{Counter, Entry, Sequencer, Snapshot};

/// Applies whatever comes, and takes its version.
#[derive(Debug)]
struct Credulous<S>(Snapshot<S>);

impl<S: Sample> Reader<S> for Credulous<S> {
    fn new(start: Snapshot<S>) -> Self {
        Self(start)
    }

    fn take(&mut self, entry: &Entry<S::Update>) -> bool {
        let _unfit = self.0.value.apply(entry.update.clone());
        (self.0.version, self.0.chain) = (entry.version, entry.chain);
        false
    }

    fn catch_up(&mut self, with: Catchup<S>) {
        match with {
            Catchup::Snapshot(snapshot) => self.0 = snapshot,
            Catchup::Suffix(entries) => entries.iter().for_each(|entry| {
                self.take(entry);
            }),
        }
    }

    fn copy(&self) -> &Snapshot<S> {
        &self.0
    }
}

/// Applies whatever is newer, also behind a gap.
#[derive(Debug)]
struct SkipsGaps<S>(Snapshot<S>);

impl<S: Sample> Reader<S> for SkipsGaps<S> {
    fn new(start: Snapshot<S>) -> Self {
        Self(start)
    }

    fn take(&mut self, entry: &Entry<S::Update>) -> bool {
        if self.0.version < entry.version && self.0.value.apply(entry.update.clone()).is_ok() {
            (self.0.version, self.0.chain) = (entry.version, entry.chain);
        }
        false
    }

    fn catch_up(&mut self, with: Catchup<S>) {
        if let Catchup::Snapshot(snapshot) = with {
            self.0 = snapshot;
        }
    }

    fn copy(&self) -> &Snapshot<S> {
        &self.0
    }
}

#[test]
fn the_law_of_replicas_catches_a_reader_that_applies_whatever_comes() {
    is_caught::<Case<_>>(replicas_converge::<Sequencer<Counter>, Credulous<_>>);
}

#[test]
fn the_law_of_replicas_catches_a_reader_that_skips_gaps() {
    is_caught::<Case<_>>(replicas_converge::<Sequencer<Counter>, SkipsGaps<_>>);
}

#[test]
fn the_law_of_replicas_catches_a_log_that_resumes_one_late() {
    is_caught::<Case<_>>(replicas_converge::<Broken<ResumesOneLate>, Follower<_>>);
}
