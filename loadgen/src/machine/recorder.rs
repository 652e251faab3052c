//! Collects what all bots of a run tell, in bounded memory.

use super::bar::Bars;
use super::measures::{Counts, Measures, Rolled, Shard};
use super::{
    BossSecond, Cheat, CheatCount, Crossing, ErrorCount, Event, Oracle, Outcome, Second,
    ServerSecond,
};
use protocol::{Gen, Ledger, Micros, RefusalReason, State};
use std::collections::BTreeMap;

/// Distinct errors that are kept apart. Later ones share a line.
const ERRORS_MAX: usize = 64;
/// Seconds of a run that are told one by one: the first six hours.
const SECONDS_MAX: usize = 6 * 3_600;

/// What a run measured so far.
#[derive(Debug)]
pub struct Recorder {
    pub(super) measures: Measures,
    pub(super) counts: Counts,
    pub(super) shards: Vec<Shard>,
    pub(super) bars: Bars,
    pub(super) refused: BTreeMap<RefusalReason, u64>,
    /// What bots tried that must not be let through.
    pub(super) cheats: BTreeMap<Cheat, CheatCount>,
    /// The claims of sessions that are over.
    pub(super) oracle: Oracle,
    pub(super) undrained: u32,
    pub(super) missing: u32,
    pub(super) series: Vec<Second>,
    /// The counts when this second began.
    before: Counts,
    /// The newest state that a player has seen.
    boss: Option<State>,
    generation: Gen,
    crossing: Crossing,
    errors: BTreeMap<(String, Severity), u64>,
    standings: [u32; 3],
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
    /// Players who were welcomed at least once.
    pub joins: u64,
    /// Hits that left.
    pub sent: u64,
    /// Hits that were answered.
    pub answered: u64,
    /// Connections after the first of each player.
    pub reconnects: u64,
    /// State frames that came.
    pub frames: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// Connections that did not come up.
    pub connect_failures: u64,
}

impl Recorder {
    /// Nothing yet, for a run against this many targets.
    #[must_use]
    pub fn new(targets: usize) -> Self {
        Self {
            measures: Measures::default(),
            counts: Counts::default(),
            shards: std::iter::repeat_with(Shard::default).take(targets).collect(),
            bars: Bars::new(targets),
            refused: BTreeMap::new(),
            cheats: BTreeMap::new(),
            oracle: Oracle::default(),
            undrained: 0,
            missing: 0,
            series: Vec::new(),
            before: Counts::default(),
            boss: None,
            generation: Gen(0),
            crossing: Crossing::new(targets),
            errors: BTreeMap::new(),
            standings: [0; 3],
        }
    }

    /// A bot on a target told something.
    pub fn handle_event(&mut self, target: usize, event: Event) {
        match event {
            Event::Connected { first: true } => {
                self.counts.joins += 1;
                self.shards.get_mut(target).into_iter().for_each(|shard| shard.players += 1);
            }
            Event::Connected { first: false } => self.counts.reconnects += 1,
            Event::ConnectFailed(error) => {
                self.counts.connect_failures += 1;
                self.count_error(error, Severity::Trouble);
            }
            Event::Sent { lag } => {
                self.counts.sent += 1;
                lag.into_iter().for_each(|lag| self.measures.generator_lag.record(lag));
            }
            Event::Skipped { hits } => self.counts.skipped += hits,
            Event::Answered { planned, at } => {
                self.counts.answered += 1;
                self.measures.ack.record(at.since(planned));
                if let Some(shard) = self.shards.get_mut(target) {
                    shard.answered += 1;
                    shard.ack.record(at.since(planned));
                }
            }
            Event::Refused(reason) => {
                self.counts.refused += 1;
                *self.refused.entry(reason).or_default() += 1;
            }
            Event::AnsweredUnread => {
                self.counts.answered += 1;
                self.shards.get_mut(target).into_iter().for_each(|shard| shard.answered += 1);
            }
            Event::Joined { planned, at, resumed } => {
                let Measures { join, resume, .. } = &mut self.measures;
                if resumed { resume } else { join }.record(at.since(planned));
            }
            Event::Cheated { cheat, outcome, times } => self.count_cheat(cheat, outcome, times),
            Event::Counted { planned, at, version } => {
                self.measures.truth.record(at.since(planned));
                let sample = |latency| self.measures.cross_shard.record(latency);
                self.crossing.handle_counted(target, planned, version, sample);
            }
            Event::Frame { at, state, interval } => self.frame(target, at, &state, interval),
            Event::Shown(span) => self.bars.handle_span(target, span),
            Event::Books(books) => self.oracle.add(&books),
            Event::Trouble(error) => self.count_error(error, Severity::Trouble),
            Event::Fault(error) => self.count_error(error, Severity::Fault),
        }
    }

    fn frame(&mut self, target: usize, at: Micros, state: &State, interval: Option<Micros>) {
        self.counts.frames += 1;
        if let Some(shard) = self.shards.get_mut(target) {
            shard.frames += 1;
        }
        interval.into_iter().for_each(|it| self.measures.frame_interval.record(it));
        self.bars.handle_state(target, state);
        let sample = |latency| self.measures.cross_shard.record(latency);
        self.crossing.handle_frame(target, at, state.version.0, sample);
        self.generation = self.generation.max(state.generation);
        if self.boss.is_none_or(|boss| boss.version <= state.version) {
            self.boss = Some(*state);
        }
    }

    /// A second of the run is over, which ended `at_s` seconds after the run began, while `players`
    /// were meant to be there.
    pub fn handle_second(&mut self, at_s: f64, phase: &str, players: u32) {
        let Rolled { ack, truth, cross_shard, frame_interval, generator_lag } =
            self.measures.roll();
        let before = std::mem::replace(&mut self.before, self.counts);
        let shards = self.shards.iter_mut().map(Shard::roll).collect();
        let [live, ..] = self.standings;
        let now = &self.counts;
        let second = Second {
            at_s,
            phase: phase.to_owned(),
            players,
            live,
            hits_sent: now.sent - before.sent,
            hits_answered: now.answered - before.answered,
            hits_refused: now.refused - before.refused,
            frames: now.frames - before.frames,
            bytes_received: now.bytes_received - before.bytes_received,
            reconnects: now.reconnects - before.reconnects,
            connect_failures: now.connect_failures - before.connect_failures,
            ack_ms: ack,
            truth_ms: truth,
            cross_shard_ms: cross_shard,
            frame_interval_ms: frame_interval,
            generator_lag_ms: generator_lag,
            boss: self.boss.map(|state| BossSecond {
                generation: state.generation.0.into(),
                hp: state.hp,
                predicted: state.predicted,
                hp_max: state.hp_max,
            }),
            shards,
            servers: Vec::new(),
        };
        if self.series.len() == SECONDS_MAX {
            self.series.pop();
        } else if self.series.len() + 1 == SECONDS_MAX {
            self.note_trouble("a run is told second by second for six hours alone".to_owned());
        }
        self.series.push(second);
    }

    /// What servers said of themselves for the last second.
    pub fn handle_servers(&mut self, servers: Vec<Option<ServerSecond>>) {
        if let Some(second) = self.series.last_mut() {
            second.servers = servers;
        }
    }

    /// The seconds so far; of a longer run than can be told, the last one is the newest.
    #[must_use]
    pub fn series(&self) -> &[Second] {
        &self.series
    }

    /// So many players were not welcomed who should have been.
    pub fn note_missing(&mut self, missing: u32, players: u32) {
        self.missing = missing;
        if missing > 0 {
            self.note_trouble(format!("{missing} of {players} players were never let in"));
        }
    }

    /// Bytes went through a player's connection.
    pub fn handle_bytes(&mut self, received: u64, sent: u64) {
        self.counts.bytes_received += received;
        self.counts.bytes_sent += sent;
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

    fn count_cheat(&mut self, cheat: Cheat, outcome: Outcome, times: u64) {
        let count = self.cheats.entry(cheat).or_default();
        match outcome {
            Outcome::Tried => count.tried += times,
            Outcome::Refused => count.refused += times,
            Outcome::LetThrough => count.let_through += times,
        }
    }

    fn count_error(&mut self, error: String, severity: Severity) {
        let mut key = (error, severity);
        if self.errors.len() >= ERRORS_MAX && !self.errors.contains_key(&key) {
            key.0 = "other errors".to_owned();
        }
        *self.errors.entry(key).or_default() += 1;
    }

    /// The standing of a player of this target changed.
    pub fn handle_standing(&mut self, target: usize, old: Standing, new: Standing) {
        if let Some(shard) = self.shards.get_mut(target) {
            shard.live = shard.live + u32::from(new.is_live) - u32::from(old.is_live);
        }
        let changes = old.bits().into_iter().zip(new.bits());
        for (count, (old, new)) in self.standings.iter_mut().zip(changes) {
            *count = *count + u32::from(new) - u32::from(old);
        }
    }

    /// How the run does at the moment.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        let [live, drained, over] = self.standings;
        let counts = &self.counts;
        Pulse {
            live,
            drained,
            over,
            joins: counts.joins,
            sent: counts.sent,
            answered: counts.answered,
            reconnects: counts.reconnects,
            frames: counts.frames,
            bytes_received: counts.bytes_received,
            connect_failures: counts.connect_failures,
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
