//! What a client has counted, by phase.

use super::player::Got;
use hdrhistogram::Histogram;
use loadgen::machine::BarError;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::io::{Write, stdout};
use std::time::Instant;

/// What goes on. A line with its name is printed when one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// All are in and hit; not counted.
    WarmUp,
    /// Hits and frames are counted.
    Hits,
    /// Nobody hits any more; not counted.
    CalmDown,
    /// Frames alone are counted.
    Quiet,
    /// The end.
    Over,
}

/// The sums of one phase.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// How long it was, in seconds.
    pub(crate) seconds: f64,
    /// State frames that arrived.
    pub(crate) frames: u64,
    /// Bytes that arrived, with their headers, of state frames and everything else.
    pub(crate) bytes: u64,
    /// Hits that were sent.
    pub(crate) hits: u64,
    /// What the client itself spent, in seconds.
    pub(crate) client_cpu: f64,
}

/// What a client tells at its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// With hits.
    pub(crate) hits: Counted,
    /// Without.
    pub(crate) quiet: Counted,
    /// All hits, of whatever phase.
    pub(crate) sent: u64,
    /// The HP that the boss has lost at the end: one for each hit.
    pub(crate) damage: u64,
    /// The time between two state frames of one player, with hits, in milliseconds: half of all
    /// are shorter.
    pub(crate) interval_p50_ms: f64,
    /// 99 of 100 are shorter.
    pub(crate) interval_p99_ms: f64,
    /// How wrong bars were, where they are reckoned.
    pub(crate) bar: Option<BarError>,
}

/// Counts while a client plays.
#[derive(Debug)]
pub(super) struct Counter {
    phase: Phase,
    began: Instant,
    cpu: f64,
    now: Counted,
    hits: Counted,
    quiet: Counted,
    /// In microseconds.
    intervals: Histogram<u32>,
}

impl Phase {
    /// Whether players hit.
    pub(super) fn has_hits(self) -> bool {
        matches!(self, Self::WarmUp | Self::Hits)
    }

    /// Prints its name.
    pub(super) fn announce(self) -> Result<(), String> {
        print(&self)
    }
}

impl Counter {
    pub(super) fn new() -> Self {
        let intervals = Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds that hold");
        let (hits, quiet) = (Counted::default(), Counted::default());
        let (began, cpu, now) = (Instant::now(), cpu(), Counted::default());
        Self { phase: Phase::WarmUp, began, cpu, now, hits, quiet, intervals }
    }

    /// Ends a phase.
    pub(super) fn turn(&mut self, from: Phase, to: Phase) {
        self.now.seconds = self.began.elapsed().as_secs_f64();
        self.now.client_cpu = cpu() - self.cpu;
        let sums = std::mem::take(&mut self.now);
        match from {
            Phase::Hits => self.hits = sums,
            Phase::Quiet => self.quiet = sums,
            Phase::WarmUp | Phase::CalmDown | Phase::Over => {}
        }
        (self.phase, self.began, self.cpu) = (to, Instant::now(), cpu());
    }

    /// Counts what one read has brought to a player whose last state frame came at `last`.
    pub(super) fn got(&mut self, last: Option<Instant>, now: Instant, got: &Got) {
        self.now.bytes += got.bytes;
        self.now.frames += got.frames;
        let (Phase::Hits, Some(last), 1..) = (self.phase, last, got.frames) else { return };
        let micros = u64::try_from((now - last).as_micros()).unwrap_or(u64::MAX);
        self.intervals.saturating_record(micros);
        // Frames that arrive together have no time between them.
        (1..got.frames).for_each(|_| self.intervals.saturating_record(0));
    }

    /// Counts hits, and returns them.
    pub(super) fn hits(&mut self, sent: u64) -> u64 {
        self.now.hits += sent;
        sent
    }

    /// Ends, with the hits of all phases and what they did.
    pub(super) fn report(self, sent: u64, damage: u64, bar: Option<BarError>) -> Report {
        #[expect(clippy::cast_precision_loss, reason = "a time of minutes in microseconds")]
        let at = |quantile| self.intervals.value_at_quantile(quantile) as f64 / 1_000.0;
        let (interval_p50_ms, interval_p99_ms) = (at(0.5), at(0.99));
        let (hits, quiet) = (self.hits, self.quiet);
        Report { hits, quiet, sent, damage, interval_p50_ms, interval_p99_ms, bar }
    }
}

impl Report {
    /// Prints itself as one line.
    pub(super) fn print(&self) -> Result<(), String> {
        print(self)
    }
}

fn print(value: &impl Serialize) -> Result<(), String> {
    let line = serde_json::to_string(value).map_err(|error| error.to_string())?;
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}

/// What this process has spent, in seconds.
fn cpu() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a time of minutes in nanoseconds")]
    let seconds = spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9;
    seconds
}
