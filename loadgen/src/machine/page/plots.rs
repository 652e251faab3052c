//! The run second by second, and how the answers spread.

mod spread;

use crate::machine::chart::{Frame, Line, Plot, Scale, escaped};
use crate::machine::units::{round, round_ms};
use crate::machine::{BossSecond, Latency, Report, Second, ServerSecond, ShardSecond};

const HEIGHT: f64 = 150.0;
/// More lines than that can't be told apart.
const LINES_MAX: usize = 8;

/// A latency of a second.
type Of = fn(&Second) -> Latency;

pub(super) fn section(report: &Report) -> String {
    let plots: String = series(report)
        .into_iter()
        .chain(spread::plot(report))
        .map(|plot| {
            let title = escaped(&plot.title);
            format!("<figure><figcaption>{title}</figcaption>{}</figure>", plot.svg())
        })
        .collect();
    if plots.is_empty() {
        return String::new();
    }
    format!("<section class=\"plots\">{plots}</section>")
}

/// What has anything to show.
fn series(report: &Report) -> Vec<Plot> {
    let answers: [(&str, Of); 3] = [
        ("From a hit to its answer", |second| second.ack_ms),
        ("From a hit to the truth that shows it", |second| second.truth_ms),
        ("From a hit to the truth on another shard", |second| second.cross_shard_ms),
    ];
    let frames: [(&str, Of); 1] = [("From one frame to the next", |it| it.frame_interval_ms)];
    let lag: [(&str, Of); 1] = [("How late this process was", |it| it.generator_lag_ms)];
    let plots = latencies(report, &answers).into_iter().chain([
        shards(report, "Hits answered a second, by shard", round, |it| {
            Some(it.hits_answered as f64)
        }),
        shards(report, "Frames a second, by shard", round, |it| Some(it.frames as f64)),
        shards(report, "Slowest answers by shard, p99", round_ms, |it| {
            (it.hits_answered > 0).then_some(it.ack_p99_ms)
        }),
        players(report),
        hp(report),
    ]);
    let plots = plots.chain(latencies(report, &frames)).chain(latencies(report, &lag)).chain([
        servers(report, "Cores in use, by server", round, |it| it.cores),
        servers(report, "Work of a tick, by server", round_ms, |it| it.tick_ms),
        servers(report, "Memory, by server, in bytes", round, |it| it.resident_bytes as f64),
    ]);
    plots.filter(|plot| plot.lines.iter().any(|line| !line.runs.is_empty())).collect()
}

/// A plot for each of these latencies, all on one scale: they can be compared.
fn latencies(report: &Report, latencies: &[(&str, Of)]) -> Vec<Plot> {
    let of = |of: &Of| {
        let p50 = values(report, |second| known(of(second)).map(|it| it.p50));
        let p99 = values(report, |second| known(of(second)).map(|it| it.p99));
        vec![Line::new("p50", 0, p50), Line::new("p99", 1, p99)]
    };
    let lines: Vec<_> = latencies.iter().map(|(title, latency)| (*title, of(latency))).collect();
    let points = || lines.iter().flat_map(|(_, lines)| lines).flat_map(|line| &line.runs).flatten();
    let low = points().map(|(_, ms)| *ms).fold(f64::INFINITY, f64::min);
    let high = points().map(|(_, ms)| *ms).fold(0.0, f64::max);
    let frame = Frame::half(HEIGHT);
    let y = Scale::tenfold(low.clamp(0.01, 1e6), high.max(0.1), frame.upwards(), round_ms);
    lines.into_iter().map(|(title, lines)| plot(report, title, y.clone(), lines)).collect()
}

/// What was measured.
fn known(latency: Latency) -> Option<Latency> {
    (latency.count > 0).then_some(latency)
}

fn shards(
    report: &Report,
    title: &str,
    name: fn(f64) -> String,
    value: fn(&ShardSecond) -> Option<f64>,
) -> Plot {
    let count = report.series.iter().map(|second| second.shards.len()).max().unwrap_or(0);
    let lines = (0..count.min(LINES_MAX)).map(|index| {
        let values = values(report, |second| second.shards.get(index).and_then(value));
        Line::new(format!("shard {}", index + 1), index, values)
    });
    from_zero(report, &first_of(title, count), name, lines.collect())
}

fn servers(
    report: &Report,
    title: &str,
    name: fn(f64) -> String,
    value: fn(&ServerSecond) -> f64,
) -> Plot {
    let count = report.series.iter().map(|second| second.servers.len()).max().unwrap_or(0);
    let lines = (0..count.min(LINES_MAX)).map(|index| {
        let server = |second: &Second| second.servers.get(index)?.as_ref().map(value);
        Line::new(format!("server {}", index + 1), index, values(report, server))
    });
    from_zero(report, &first_of(title, count), name, lines.collect())
}

fn first_of(title: &str, count: usize) -> String {
    if count > LINES_MAX {
        format!("{title}: the first {LINES_MAX} of {count}")
    } else {
        title.to_owned()
    }
}

fn players(report: &Report) -> Plot {
    let meant = values(report, |second| Some(f64::from(second.players)));
    let live = values(report, |second| Some(f64::from(second.live)));
    let lines = vec![Line::new("meant", 1, meant), Line::new("live", 0, live)];
    from_zero(report, "Players who see the boss", round, lines)
}

/// A fallen boss and the next one are not one line.
fn hp(report: &Report) -> Plot {
    let lives = |value: fn(&BossSecond) -> u64| {
        let (mut values, mut generation) = (Vec::new(), None);
        for second in &report.series {
            let boss = second.boss.as_ref();
            if generation != boss.map(|boss| boss.generation) {
                values.push((second.at_s, None));
            }
            generation = boss.map(|boss| boss.generation);
            values.push((second.at_s, boss.map(|boss| value(boss) as f64)));
        }
        values
    };
    let truth = Line { is_filled: true, ..Line::new("truth", 0, lives(|boss| boss.hp)) };
    let predicted = Line::new("predicted", 1, lives(|boss| boss.predicted));
    from_zero(report, "HP of the boss", round, vec![truth, predicted])
}

fn values(
    report: &Report,
    value: impl Fn(&Second) -> Option<f64>,
) -> impl Iterator<Item = (f64, Option<f64>)> {
    report.series.iter().map(move |second| (second.at_s, value(second)))
}

fn from_zero(report: &Report, title: &str, name: fn(f64) -> String, lines: Vec<Line>) -> Plot {
    let high = lines.iter().map(Line::max).fold(0.0, f64::max);
    let y = Scale::linear(high, Frame::half(HEIGHT).upwards(), name);
    plot(report, title, y, lines)
}

fn plot(report: &Report, title: &str, y: Scale, lines: Vec<Line>) -> Plot {
    let frame = Frame::half(HEIGHT);
    let last = report.series.iter().map(|second| second.at_s).fold(0.0, f64::max);
    let x = Scale::time(last, frame.across());
    Plot { title: title.to_owned(), frame, x, y, lines, marks: phases(report) }
}

/// Where a phase ends and the next one begins.
fn phases(report: &Report) -> Vec<(f64, String)> {
    let pairs = report.series.windows(2);
    let changes = pairs.filter(|pair| pair[0].phase != pair[1].phase);
    changes.map(|pair| (pair[0].at_s, pair[1].phase.clone())).collect()
}
