//! How long a hit on one shard takes until another shard's players see it.

use protocol::Micros;
use std::collections::VecDeque;

/// First sights of versions that are remembered per target. Older ones are forgotten.
const SIGHTS_MAX: usize = 1_024;
/// Hits per target that wait for a version. More are not measured.
const WAITING_MAX: usize = 8_192;

/// When each target first showed which version.
#[derive(Debug)]
pub struct Crossing {
    targets: Vec<Target>,
}

#[derive(Debug, Default)]
struct Target {
    /// (version, when it was first seen), both increasing.
    sights: VecDeque<(u64, Micros)>,
    /// (version, planned time) of hits elsewhere that this target has not shown yet.
    waiting: Vec<(u64, Micros)>,
}

impl Crossing {
    /// For this many targets. With fewer than two there is nothing to measure.
    #[must_use]
    pub fn new(targets: usize) -> Self {
        let targets = if targets < 2 { 0 } else { targets };
        Self { targets: std::iter::repeat_with(Target::default).take(targets).collect() }
    }

    /// A target showed a version; `sample` gets the latency of every hit that this settles.
    pub fn handle_frame(
        &mut self,
        target: usize,
        at: Micros,
        version: u64,
        mut sample: impl FnMut(Micros),
    ) {
        let Some(target) = self.targets.get_mut(target) else {
            return;
        };
        if target.sights.back().is_some_and(|(newest, _)| version <= *newest) {
            return;
        }
        if target.sights.len() == SIGHTS_MAX {
            target.sights.pop_front();
        }
        target.sights.push_back((version, at));
        target.waiting.retain(|(wanted, planned)| {
            if *wanted <= version {
                sample(at.since(*planned));
            }
            *wanted > version
        });
    }

    /// The truth at `version` counts a hit that was planned for `planned` on a target.
    pub fn handle_counted(
        &mut self,
        target: usize,
        planned: Micros,
        version: u64,
        mut sample: impl FnMut(Micros),
    ) {
        for (other, elsewhere) in self.targets.iter_mut().enumerate() {
            if other == target {
                continue;
            }
            let idx = elsewhere.sights.partition_point(|(seen, _)| *seen < version);
            match elsewhere.sights.get(idx) {
                Some((_, at)) => sample(at.since(planned)),
                None if elsewhere.waiting.len() < WAITING_MAX => {
                    elsewhere.waiting.push((version, planned));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Step {
        Frame(usize, u64, u64),
        Counted(usize, u64, u64),
    }
    use Step::{Counted, Frame};

    fn check(targets: usize, steps: &[Step], expected: &[u64]) {
        let (mut crossing, mut samples) = (Crossing::new(targets), Vec::new());
        for step in steps {
            match *step {
                Frame(target, at, version) => {
                    crossing.handle_frame(target, Micros(at), version, |us| samples.push(us.0));
                }
                Counted(target, planned, version) => {
                    let sample = |us: Micros| samples.push(us.0);
                    crossing.handle_counted(target, Micros(planned), version, sample);
                }
            }
        }
        assert_eq!(samples, expected);
    }

    #[test]
    fn a_hit_crosses_when_the_other_target_shows_its_version() {
        check(2, &[Counted(0, 100, 7), Frame(1, 300, 6), Frame(1, 400, 8)], &[300]);
    }

    #[test]
    fn a_version_that_the_other_target_showed_earlier_counts_from_its_first_sight() {
        check(
            2,
            &[Frame(1, 150, 6), Frame(1, 250, 7), Frame(1, 350, 7), Counted(0, 100, 7)],
            &[150],
        );
    }

    #[test]
    fn every_other_target_is_a_crossing() {
        check(3, &[Counted(1, 0, 1), Frame(0, 5, 1), Frame(2, 9, 1), Frame(1, 20, 1)], &[5, 9]);
    }

    #[test]
    fn one_target_has_nothing_to_cross() {
        check(1, &[Counted(0, 100, 7), Frame(0, 300, 7)], &[]);
    }
}
