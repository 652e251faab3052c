//! What was measured, and what follows from it.

use super::clients::ClientRun;
use super::contender::Contender;
use super::soak::Soak;
use crate::client::Report;
use loadgen::machine::BarError;
use serde::Serialize;

/// Fewer frames a second than this for each player: the server can't keep up.
const FRAMES_MIN: f64 = 9.5;

/// All runs, soaks and clients, in the order in which they ran.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) runs: Vec<Run>,
    pub(crate) soaks: Vec<Soak>,
    pub(crate) clients: Vec<ClientRun>,
}

/// One server in one round.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) contender: Contender,
    pub(crate) players: usize,
    /// From 1.
    pub(crate) round: usize,
    /// Or the sentence why not.
    pub(crate) measured: Result<Measured, String>,
}

/// The raw figures of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// The server's CPU while hits were counted, in seconds.
    pub(crate) cpu_hits_s: f64,
    /// What everybody on its core has spent in that time.
    pub(crate) core_hits_s: f64,
    /// The server's CPU while frames alone were counted.
    pub(crate) cpu_quiet_s: f64,
    /// Resident memory before the first player.
    pub(crate) kib_before: u64,
    /// Resident memory at the end of the counted hits.
    pub(crate) kib_playing: u64,
    /// What the client has counted.
    pub(crate) report: Report,
}

#[expect(clippy::cast_precision_loss, reason = "counts of some minutes")]
impl Measured {
    /// Microseconds of server CPU per delivered frame, hits and all.
    pub(crate) fn us_per_frame(&self) -> f64 {
        self.cpu_hits_s * 1e6 / self.report.hits.frames as f64
    }

    /// Microseconds per frame when nobody hits.
    pub(crate) fn us_per_quiet_frame(&self) -> f64 {
        self.cpu_quiet_s * 1e6 / self.report.quiet.frames as f64
    }

    /// Microseconds per hit: what is left when as many frames cost what they cost without hits.
    pub(crate) fn us_per_hit(&self) -> f64 {
        let frames_us = self.report.hits.frames as f64 * self.us_per_quiet_frame();
        (self.cpu_hits_s * 1e6 - frames_us) / self.report.hits.hits as f64
    }

    /// Bytes that arrived per frame, those of everything else with them.
    pub(crate) fn bytes_per_frame(&self) -> f64 {
        self.report.hits.bytes as f64 / self.report.hits.frames as f64
    }

    /// The client's share of its core.
    pub(crate) fn client_percent(&self) -> f64 {
        self.report.hits.client_cpu * 100.0 / self.report.hits.seconds
    }

    /// What others took of the server's core while hits were counted.
    pub(crate) fn others_percent(&self) -> f64 {
        (self.core_hits_s - self.cpu_hits_s).max(0.0) * 100.0 / self.report.hits.seconds
    }

    /// The server's share of its core.
    pub(crate) fn server_percent(&self) -> f64 {
        self.cpu_hits_s * 100.0 / self.report.hits.seconds
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of some minutes")]
impl Run {
    /// Frames a second for each player.
    pub(crate) fn frames_per_s(&self, measured: &Measured) -> f64 {
        measured.report.hits.frames as f64 / measured.report.hits.seconds / self.players as f64
    }

    /// Whether players miss frames.
    pub(crate) fn is_saturated(&self, measured: &Measured) -> bool {
        self.contender.is_steady() && self.frames_per_s(measured) < FRAMES_MIN
    }

    /// Microseconds of server CPU for a second of one player, hits and all.
    pub(crate) fn us_per_player_s(&self, measured: &Measured) -> f64 {
        measured.cpu_hits_s * 1e6 / measured.report.hits.seconds / self.players as f64
    }

    /// Resident memory that each player has brought.
    pub(crate) fn kib_per_player(&self, measured: &Measured) -> f64 {
        measured.kib_playing.saturating_sub(measured.kib_before) as f64 / self.players as f64
    }

    /// For whoever waits.
    pub(crate) fn line(&self) -> String {
        let (name, players, round) = (self.contender.name(), self.players, self.round);
        match &self.measured {
            Ok(measured) => format!(
                "{players} players, round {round}, {name}: {:.1} us per frame, p99 {:.0} ms, {:.1} \
                 frames/s",
                measured.us_per_frame(),
                measured.report.interval_p99_ms,
                self.frames_per_s(measured),
            ),
            Err(sentence) => format!("{players} players, round {round}: {sentence}"),
        }
    }
}

impl Figures {
    /// How many runs did not work.
    pub(crate) fn failures(&self) -> usize {
        let runs = self.runs.iter().filter(|run| run.measured.is_err()).count();
        let soaks = self.soaks.iter().filter(|soak| soak.is_failed()).count();
        runs + soaks + self.clients.iter().filter(|run| run.is_failed()).count()
    }

    /// The bars of a contender's runs of this size: how many were compared, in pixels the worst of
    /// the runs' 99th percentiles, and the worst of all. None where none was.
    pub(crate) fn bars(&self, contender: Contender, players: usize) -> Option<BarError> {
        let runs =
            self.runs.iter().filter(|run| (run.contender, run.players) == (contender, players));
        let bars = runs.filter_map(|run| run.measured.as_ref().ok()?.report.bar);
        bars.reduce(|a, b| BarError {
            count: a.count + b.count,
            p99: a.p99.max(b.p99),
            max: a.max.max(b.max),
        })
    }

    /// What `figure` says of a contender's runs of this size, by round.
    pub(crate) fn of(
        &self,
        contender: Contender,
        players: usize,
        figure: impl Fn(&Run, &Measured) -> f64,
    ) -> Spread {
        let runs =
            self.runs.iter().filter(|run| (run.contender, run.players) == (contender, players));
        Spread::of(runs.filter_map(|run| Some(figure(run, run.measured.as_ref().ok()?))))
    }

    /// What `figure` says of a contender, in parts of what it says of another in the same round.
    pub(crate) fn ratio(
        &self,
        contender: Contender,
        other: Contender,
        players: usize,
        figure: impl Fn(&Run, &Measured) -> f64,
    ) -> Spread {
        self.of(contender, players, |run, measured| {
            let beside = self.runs.iter().find(|beside| {
                (beside.contender, beside.players, beside.round) == (other, players, run.round)
            });
            let beside = beside.and_then(|run| Some((run, run.measured.as_ref().ok()?)));
            let other = beside.map_or(f64::NAN, |(run, measured)| figure(run, measured));
            figure(run, measured) / other
        })
    }
}

/// The least, the middle and the most of some figures; not a number where there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Those that are numbers.
    pub(crate) fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut all: Vec<f64> = figures.filter(|figure| !figure.is_nan()).collect();
        all.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (all.first(), all.last()) else {
            return Self { min: f64::NAN, median: f64::NAN, max: f64::NAN };
        };
        let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
        Self { min, median: low.midpoint(high), max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let spread = Spread::of([4.0, 1.0, f64::NAN, 2.0, 3.0].into_iter());
        assert_eq!(spread, Spread { min: 1.0, median: 2.5, max: 4.0 });
        assert!(Spread::of([].into_iter()).median.is_nan());
    }
}
