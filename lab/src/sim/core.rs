//! What every part of a world shares: time, chance, the events to come, and what was noticed.

use super::fault::{Fault, Met};
use super::trace::{Note, Trace};
use super::world::Event;
use protocol::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// How many of a hundred messages a fault of messages hits where it is possible.
const PERCENT: std::ops::RangeInclusive<u8> = 1..=8;

/// What every part of a world shares.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) now: Micros,
    pub(super) random: fastrand::Rng,
    pub(super) trace: Trace,
    pub(super) met: Met,
    /// From here on nothing goes wrong any more.
    pub(super) is_calm: bool,
    /// The faults of this world.
    enabled: BTreeSet<Fault>,
    /// How many of a hundred messages each of them hits.
    percent: u8,
    /// The first broken promise.
    pub(super) finding: Option<String>,
    /// Events by time, and of one time in the order in which they were planned.
    queue: BTreeMap<(Micros, u64), Event>,
    planned: u64,
}

impl Core {
    /// A world without events, whose faults are drawn from the seed: about half of all kinds.
    pub(super) fn new(seed: u64, trace: Trace) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let enabled = Fault::ALL.iter().copied().filter(|_| random.bool()).collect();
        let percent = random.u8(PERCENT);
        Self {
            now: Micros(0),
            random,
            trace,
            met: Met::default(),
            is_calm: false,
            enabled,
            percent,
            finding: None,
            queue: BTreeMap::new(),
            planned: 0,
        }
    }

    /// Plans an event.
    pub(super) fn at(&mut self, at: Micros, event: Event) {
        self.planned += 1;
        self.queue.insert((at.max(self.now), self.planned), event);
    }

    /// Plans an event some milliseconds from now.
    pub(super) fn after_ms(&mut self, ms: std::ops::RangeInclusive<u64>, event: Event) {
        let at = self.now + self.millis(ms);
        self.at(at, event);
    }

    /// The next event; time goes on to it.
    pub(super) fn next(&mut self) -> Option<Event> {
        let ((at, _), event) = self.queue.pop_first()?;
        self.now = at;
        Some(event)
    }

    /// Whether a fault of messages hits this one.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.is_on(fault) && self.random.u8(0..100) < self.percent;
        if strikes {
            self.meet(fault);
        }
        strikes
    }

    /// Whether a fault may happen now.
    pub(super) fn is_on(&self, fault: Fault) -> bool {
        !self.is_calm && self.enabled.contains(&fault)
    }

    /// Notes that a fault was met.
    pub(super) fn meet(&mut self, fault: Fault) {
        self.met.note(fault);
        self.note(&Note::Fault(fault));
    }

    /// A duration of so many milliseconds.
    pub(super) fn millis(&mut self, ms: std::ops::RangeInclusive<u64>) -> Micros {
        // Not a whole number of them: events of different parts should seldom share a time.
        Micros(self.random.u64(ms.start() * 1_000..=ms.end() * 1_000))
    }

    pub(super) fn note(&mut self, note: &Note) {
        self.trace.note(self.now, note);
    }

    /// Notes a broken promise. The first one ends the world.
    pub(super) fn fail(&mut self, what: impl Into<String>) {
        if self.finding.is_none() {
            self.finding = Some(what.into());
        }
    }
}
