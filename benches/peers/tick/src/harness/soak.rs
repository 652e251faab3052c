//! A long game: does the server's memory grow while the same players play on?

use super::Options;
use super::contender::Contender;
use super::cores::Cores;
use super::measure::on_server;
use super::process::Server;
use super::swarm::{Game, Swarm};
use super::usage::{Spent, resident_kib};
use crate::client::{Phase, Report};
use serde::Serialize;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// From one sample to the next, in seconds, at most: in short soaks they are closer.
const SAMPLE_S_MAX: u64 = 5;
/// Samples of a soak, at least, if it has as many seconds.
const SAMPLES_MIN: u64 = 120;
/// From one line for whoever waits to the next, in seconds.
const TELL_S: f64 = 60.0;
/// What memory does in this time, or in the first tenth if that is shorter, is no growth.
const SETTLE_S: f64 = 60.0;
const BUCKETS_MAX: usize = 60;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One soak.
#[derive(Debug, Serialize)]
pub(crate) struct Soak {
    contender: Contender,
    players: usize,
    seconds: u64,
    /// Or the sentence why not.
    measured: Result<Soaked, String>,
}

/// What it has shown.
#[derive(Debug, Serialize)]
struct Soaked {
    /// Resident memory before the first player.
    kib_before: u64,
    samples: Vec<Sample>,
    /// What the client has counted.
    report: Report,
}

/// One look at the server, while players hit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Sample {
    /// Since the client's warm-up.
    at_s: f64,
    /// Resident memory.
    kib: u64,
    /// The server's CPU since the sample before, in percent of its core.
    cpu_percent: f64,
}

impl Soak {
    /// Runs one.
    pub(crate) fn run(
        options: &Options,
        cores: &Cores,
        contender: Contender,
        players: usize,
        seconds: u64,
    ) -> Self {
        let game = Game { contender, players, seconds, quiet_seconds: 1 };
        let measured = on_server(options, cores, game, |server| drive(server, cores, game));
        Self { contender, players, seconds, measured }
    }

    /// Whether it did not work.
    pub(crate) fn is_failed(&self) -> bool {
        self.measured.is_err()
    }
}

fn drive(server: &Server, cores: &Cores, game: Game) -> Result<Soaked, String> {
    let ids = server.ids();
    let kib_before = resident_kib(&ids)?;
    let swarm = Swarm::start(server, game)?;
    swarm.wait_for(Phase::Hits)?;
    let start = Instant::now();
    let every = Duration::from_secs((game.seconds / SAMPLES_MIN).clamp(1, SAMPLE_S_MAX));
    let (mut next, mut told_s) = (start, 0.0);
    let (mut samples, mut spent) = (Vec::new(), (start, Spent::read(&ids, cores.server())?));
    loop {
        next += every;
        if swarm.begins(Phase::CalmDown, next)? {
            break;
        }
        let now = (Instant::now(), Spent::read(&ids, cores.server())?);
        let cpu_percent = now.1.since(&spent.1) * 100.0 / (now.0 - spent.0).as_secs_f64();
        spent = now;
        let at_s = (spent.0 - start).as_secs_f64();
        let sample = Sample { at_s, kib: resident_kib(&ids)?, cpu_percent };
        samples.push(sample);
        if at_s >= told_s + TELL_S {
            told_s += TELL_S;
            eprintln!("{}", line(game, kib_before, &sample));
        }
    }
    swarm.wait_for(Phase::Over)?;
    Ok(Soaked { kib_before, samples, report: swarm.report()? })
}

/// For whoever waits.
fn line(game: Game, kib_before: u64, sample: &Sample) -> String {
    format!(
        "{} players, {:.0} min, {}: {:.1} KiB per client, {:.0} % of a core",
        game.players,
        sample.at_s / 60.0,
        game.contender.name(),
        per_player(sample.kib.saturating_sub(kib_before), game.players),
        sample.cpu_percent,
    )
}

/// Everything that a person is told at the end.
pub(crate) fn table(soaks: &[Soak]) -> String {
    let mut text = String::from(
        "\n| server | players | seconds | KiB per client, settled | at the end | growth, KiB per \
         minute | bytes per player-hour | server core % | resident memory |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for Soak { contender, players, seconds, measured } in soaks {
        let name = contender.name();
        let _ = match measured {
            Ok(soaked) => writeln!(
                text,
                "| {name} | {players} | {seconds} | {} |",
                soaked.columns(*players, *seconds)
            ),
            Err(sentence) => {
                let sentence = sentence.replace('\n', " ");
                writeln!(text, "| {name} | {players} | {seconds} | failed: {sentence} |")
            }
        };
    }
    text.push_str(
        "\nAll from the first minute on, or the first tenth if that is shorter: until then, memory \
         settles. Growth is the slope of a line through all samples, least squares. The curve goes \
         from the least to the most.\n",
    );
    text
}

impl Soaked {
    fn columns(&self, players: usize, seconds: u64) -> String {
        let settled = settled(&self.samples, seconds);
        let kib = |sample: Option<&Sample>| {
            let kib = sample.map_or(0, |sample| sample.kib).saturating_sub(self.kib_before);
            per_player(kib, players)
        };
        let growth = growth(settled);
        let cpu: f64 = settled.iter().map(|sample| sample.cpu_percent).sum();
        format!(
            "{:.1} | {:.1} | {growth:.1} | {:.0} | {:.1} | {}",
            kib(settled.first()),
            kib(settled.last()),
            growth * 1_024.0 * 60.0 / float(players),
            cpu / float(settled.len()),
            curve(settled),
        )
    }
}

/// The samples that tell of growth.
fn settled(samples: &[Sample], seconds: u64) -> &[Sample] {
    let from = Duration::from_secs(seconds).as_secs_f64() / 10.0;
    let from = samples.partition_point(|sample| sample.at_s < from.min(SETTLE_S));
    &samples[from..]
}

/// KiB per minute: the slope of the line that fits best. Not a number for less than two samples.
fn growth(samples: &[Sample]) -> f64 {
    let of =
        |figure: fn(&Sample) -> f64| samples.iter().map(figure).sum::<f64>() / float(samples.len());
    let (at_s, kib) = (of(|sample| sample.at_s), of(Sample::kib));
    let (mut both, mut square) = (0.0, 0.0);
    for sample in samples {
        both += (sample.at_s - at_s) * (sample.kib() - kib);
        square += (sample.at_s - at_s).powi(2);
    }
    both / square * 60.0
}

/// Memory over time, from the least to the most of it, and these two.
fn curve(samples: &[Sample]) -> String {
    let (Some(least), Some(most)) =
        (samples.iter().map(|s| s.kib).min(), samples.iter().map(|s| s.kib).max())
    else {
        return String::new();
    };
    let buckets = samples.len().min(BUCKETS_MAX);
    let bars = (0..buckets).map(|bucket| {
        let place = |bucket: usize| bucket * samples.len() / buckets;
        let part = &samples[place(bucket)..place(bucket + 1)];
        let mean = part.iter().map(|sample| sample.kib - least).sum::<u64>() / part.len() as u64;
        let height = mean * (BARS.len() as u64 - 1) / (most - least).max(1);
        BARS[usize::try_from(height).unwrap_or(0)]
    });
    format!("{} ({least} to {most} KiB)", bars.collect::<String>())
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "memory of a process")]
    fn kib(&self) -> f64 {
        self.kib as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory of a process")]
fn per_player(kib: u64, players: usize) -> f64 {
    kib as f64 / float(players)
}

#[expect(clippy::cast_precision_loss, reason = "players and samples")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kib: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample =
            |at: u32| Sample { at_s: f64::from(at), kib: kib(at.into()), cpu_percent: 1.0 };
        (1..=200).map(sample).collect()
    }

    #[test]
    fn memory_that_grows_has_a_slope_and_memory_that_jitters_has_none() {
        assert!((growth(&samples(|at| 5_000 + 2 * at)) - 120.0).abs() < 1e-6);
        assert!(growth(&samples(|at| 5_000 + at % 2)).abs() < 0.1);
        assert!(growth(&[]).is_nan());
    }

    #[test]
    fn what_comes_before_the_first_tenth_or_minute_is_left_out() {
        let all = samples(|_| 1);
        assert_eq!(settled(&all, 200)[0].at_s, 20.0);
        assert_eq!(settled(&all, 3_600)[0].at_s, 60.0);
    }

    #[test]
    fn a_curve_has_sixty_bars_from_the_least_to_the_most() {
        let text = curve(&samples(|at| 1_000 + at));
        let bars: Vec<char> = text.chars().take_while(|c| *c != ' ').collect();
        assert_eq!((bars.len(), bars[0], bars.is_sorted()), (60, BARS[0], true));
        assert!(text.ends_with("(1001 to 1200 KiB)"), "{text}");
        assert_eq!(curve(&samples(|_| 7)[..1]), "▁ (7 to 7 KiB)");
        assert_eq!(curve(&[]), "");
    }
}
