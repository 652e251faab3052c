//! What is to be done next, and when.

use protocol::Micros;
use std::collections::BTreeMap;

/// A part of a fault, by its position in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begin(usize),
    End(usize),
}

/// Steps in the order of their times; those of the same time in the order in which they came.
/// Bounded by the plan: each of its faults has at most one step here.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    steps: BTreeMap<(Micros, u64), Step>,
    entered: u64,
}

impl Agenda {
    pub(super) fn put(&mut self, at: Micros, step: Step) {
        self.entered += 1;
        self.steps.insert((at, self.entered), step);
    }

    /// The next step whose time has come.
    pub(super) fn poll_step(&mut self, now: Micros) -> Option<Step> {
        let first = self.steps.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next step is due; none if nothing is left to do.
    pub(super) fn poll_timeout(&self) -> Option<Micros> {
        self.steps.first_key_value().map(|((at, _), _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_when_they_are_due_and_in_their_order() {
        let mut agenda = Agenda::default();
        for (at, step) in [(5, Step::End(0)), (3, Step::Begin(1)), (5, Step::Begin(2))] {
            agenda.put(Micros(at), step);
        }
        assert_eq!((agenda.poll_timeout(), agenda.poll_step(Micros(2))), (Some(Micros(3)), None));
        let due: Vec<_> = std::iter::from_fn(|| agenda.poll_step(Micros(5))).collect();
        assert_eq!(due, [Step::Begin(1), Step::End(0), Step::Begin(2)]);
        assert_eq!(agenda.poll_timeout(), None);
    }
}
