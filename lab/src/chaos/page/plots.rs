//! Lines over time: HP, the age of the truth, and players.

use crate::chaos::report::ChaosReport;
use crate::chaos::timeline::Sample;
use loadgen::machine::chart::{Frame, Line, Plot, Scale};
use loadgen::machine::grouped;

const HEIGHT: f64 = 150.0;
const LOW: f64 = 70.0;

/// The frame of all pictures of the page, whatever is in it, as high as that.
pub(super) fn frame(height: f64) -> Frame {
    Frame::wide(height)
}

/// HP, filled, of the newest truth that a shard shows.
pub(super) fn hp(report: &ChaosReport, time: &Scale) -> String {
    let frame = frame(HEIGHT);
    let max = report.hp_max.max(1) as f64;
    let parts = [0.0, 0.5, 1.0].map(|part| (part * max, format!("{:.0} %", part * 100.0)));
    let y = Scale::new(max, frame.upwards(), parts.to_vec());
    let line = line(report, "HP", 0, |sample| sample.newest().map(|shard| shard.hp as f64));
    plot("HP of the boss", frame, time, y, vec![Line { is_filled: true, ..line }])
}

/// How old each shard's truth is; the scale grows tenfold a step, since a pause is long and a tick
/// is short.
pub(super) fn age(report: &ChaosReport, time: &Scale) -> String {
    let frame = frame(HEIGHT);
    let ages = report.timeline.samples.iter().filter_map(Sample::age_ms);
    let top = (ages.max().unwrap_or(0) as f64).max(1_000.0);
    let y = Scale::tenfold(10.0, top, frame.upwards(), |ms| match ms {
        1_000.0.. => format!("{} s", ms / 1_000.0),
        _ => format!("{ms} ms"),
    });
    let lines = (0..report.shards).map(|index| {
        let age = |sample: &Sample| Some(sample.shards.get(index)?.as_ref()?.age_ms as f64);
        line(report, &format!("shard-{}", index + 1), index, age)
    });
    plot("Age of the truth on each shard", frame, time, y, lines.collect())
}

/// How many players see the boss.
pub(super) fn live(report: &ChaosReport, time: &Scale) -> String {
    let frame = frame(LOW);
    let max = f64::from(report.players.max(1));
    let steps = vec![(0.0, "0".to_owned()), (max, grouped(report.players.into()))];
    let y = Scale::new(max, frame.upwards(), steps);
    let line = line(report, "players", 4, |sample| Some(f64::from(sample.live)));
    plot("Players who see the boss", frame, time, y, vec![line])
}

fn line(
    report: &ChaosReport,
    name: &str,
    look: usize,
    value: impl Fn(&Sample) -> Option<f64>,
) -> Line {
    let samples = report.timeline.samples.iter();
    Line::new(name, look, samples.map(|sample| (sample.at_s, value(sample))))
}

fn plot(title: &str, frame: Frame, time: &Scale, y: Scale, lines: Vec<Line>) -> String {
    let (title, x) = (title.to_owned(), time.clone());
    Plot { title, frame, x, y, lines, marks: Vec::new() }.svg()
}
