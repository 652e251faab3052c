//! Collects what all bots of a run tell, in bounded memory.

use super::bar::Bars;
use super::latency::Samples;
use super::{Crossing, ErrorCount, Event, Latency, Oracle};
use protocol::{Gen, Ledger, RefusalReason};
use std::collections::BTreeMap;

/// Distinct errors that are kept apart. Later ones share a line.
const ERRORS_MAX: usize = 64;

/// What a run measured so far.
#[derive(Debug)]
pub struct Recorder {
    pub(super) ack: Samples,
    pub(super) truth: Samples,
    pub(super) frame_interval: Samples,
    pub(super) cross_shard: Samples,
    pub(super) lag: Samples,
    pub(super) frames_received: u64,
    pub(super) bars: Bars,
    generation: Gen,
    pub(super) reconnects: u64,
    pub(super) connect_failures: u64,
    pub(super) skipped: u64,
    pub(super) refused: BTreeMap<RefusalReason, u64>,
    sent: u64,
    answered: u64,
    crossing: Crossing,
    /// The claims of sessions that are over.
    pub(super) oracle: Oracle,
    errors: BTreeMap<(String, Severity), u64>,
    standings: [u32; 3],
    pub(super) undrained: u32,
}

/// Whether an error is the outside world's or must not happen at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Fault,
    Trouble,
}

/// Where a player stands, for those who wait for all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Welcomed, and sees the boss.
    pub is_live: bool,
    /// Everything sent is answered and counted.
    pub is_drained: bool,
    /// The books are closed.
    pub is_over: bool,
}

impl Standing {
    fn bits(self) -> [bool; 3] {
        [self.is_live, self.is_drained, self.is_over]
    }
}

/// How a run does at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pulse {
    /// Players that see the boss.
    pub live: u32,
    /// Players with nothing unanswered and nothing uncounted.
    pub drained: u32,
    /// Players with closed books.
    pub over: u32,
    /// Hits that left.
    pub sent: u64,
    /// Hits that were answered.
    pub answered: u64,
    /// Connections after the first of each player.
    pub reconnects: u64,
    /// Connections that did not come up.
    pub connect_failures: u64,
    /// From the planned time to the answer.
    pub ack: Latency,
}

impl Recorder {
    /// Nothing yet, for a run against this many targets.
    #[must_use]
    pub fn new(targets: usize) -> Self {
        Self {
            ack: Samples::default(),
            truth: Samples::default(),
            frame_interval: Samples::default(),
            cross_shard: Samples::default(),
            lag: Samples::default(),
            frames_received: 0,
            bars: Bars::new(targets),
            generation: Gen(0),
            reconnects: 0,
            connect_failures: 0,
            skipped: 0,
            refused: BTreeMap::new(),
            sent: 0,
            answered: 0,
            crossing: Crossing::new(targets),
            oracle: Oracle::default(),
            errors: BTreeMap::new(),
            standings: [0; 3],
            undrained: 0,
        }
    }

    /// A bot on a target told something.
    pub fn handle_event(&mut self, target: usize, event: Event) {
        match event {
            Event::Connected { first } => self.reconnects += u64::from(!first),
            Event::ConnectFailed(error) => {
                self.connect_failures += 1;
                self.count_error(error, Severity::Trouble);
            }
            Event::Sent { lag } => {
                self.sent += 1;
                lag.into_iter().for_each(|lag| self.lag.record(lag));
            }
            Event::Skipped { hits } => self.skipped += hits,
            Event::Answered { planned, at } => {
                self.answered += 1;
                self.ack.record(at.since(planned));
            }
            Event::Refused(reason) => *self.refused.entry(reason).or_default() += 1,
            Event::Counted { planned, at, version } => {
                self.truth.record(at.since(planned));
                let sample = |latency| self.cross_shard.record(latency);
                self.crossing.handle_counted(target, planned, version, sample);
            }
            Event::Frame { at, state, interval } => {
                self.generation = self.generation.max(state.generation);
                self.bars.handle_state(target, &state);
                self.frames_received += 1;
                interval.into_iter().for_each(|interval| self.frame_interval.record(interval));
                let sample = |latency| self.cross_shard.record(latency);
                self.crossing.handle_frame(target, at, state.version.0, sample);
            }
            Event::Shown(span) => self.bars.handle_span(target, span),
            Event::Books(books) => self.oracle.add(&books),
            Event::Trouble(error) => self.count_error(error, Severity::Trouble),
            Event::Fault(error) => self.count_error(error, Severity::Fault),
        }
    }

    /// Counts an error that is no bot's.
    pub fn note_trouble(&mut self, error: String) {
        self.count_error(error, Severity::Trouble);
    }

    /// So many players waited in vain for an answer, or for the truth to show a hit.
    pub fn note_undrained(&mut self, undrained: u32, players: u32) {
        self.undrained = undrained;
        self.note_trouble(format!("{undrained} of {players} players were not drained at the end"));
    }

    /// Counts an error that must not happen.
    pub fn note_fault(&mut self, error: String) {
        self.count_error(error, Severity::Fault);
    }

    fn count_error(&mut self, error: String, severity: Severity) {
        let mut key = (error, severity);
        if self.errors.len() >= ERRORS_MAX && !self.errors.contains_key(&key) {
            key.0 = "other errors".to_owned();
        }
        *self.errors.entry(key).or_default() += 1;
    }

    /// A player's standing changed.
    pub fn handle_standing(&mut self, old: Standing, new: Standing) {
        let changes = old.bits().into_iter().zip(new.bits());
        for (count, (old, new)) in self.standings.iter_mut().zip(changes) {
            *count = *count + u32::from(new) - u32::from(old);
        }
    }

    /// How the run does at the moment.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        let [live, drained, over] = self.standings;
        Pulse {
            live,
            drained,
            over,
            sent: self.sent,
            answered: self.answered,
            reconnects: self.reconnects,
            connect_failures: self.connect_failures,
            ack: self.ack.latency(),
        }
    }

    /// The newest generation that a player has seen.
    #[must_use]
    pub fn generation(&self) -> Gen {
        self.generation
    }

    /// Takes what a ledger shows.
    pub fn handle_ledger(&mut self, ledger: Ledger) {
        self.oracle.learn(ledger);
    }

    /// The claims of the sessions that are over.
    #[must_use]
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// The distinct errors, the most frequent first.
    #[must_use]
    pub fn errors(&self) -> Vec<ErrorCount> {
        let errors = self.errors.iter().map(|((error, severity), count)| ErrorCount {
            error: error.clone(),
            count: *count,
            fault: *severity == Severity::Fault,
        });
        let mut errors: Vec<_> = errors.collect();
        errors.sort_by_key(|line| std::cmp::Reverse(line.count));
        errors
    }
}
