//! Lines over time: HP, the age of the truth, and players, on one axis.

use crate::chaos::report::ChaosReport;
use crate::chaos::timeline::Sample;
use loadgen::machine::grouped;

/// Widths and heights are pixels of a page that is not scaled.
pub(super) const WIDTH: f64 = 1_080.0;
/// Room for names on the left.
pub(super) const GUTTER: f64 = 84.0;

const HEIGHT: f64 = 150.0;
const LOW: f64 = 70.0;
/// Room above, so that the topmost line and its name are whole.
const HEAD: f64 = 8.0;
/// Lines of the grid on the axis of time, at most.
const TICKS_MAX: f64 = 12.0;
/// Seconds from one of them to the next: the first that is not too short.
const STEPS: [f64; 12] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3_600.0, 7_200.0];

/// Time, from left to right.
#[derive(Debug)]
pub(super) struct Axis {
    last: f64,
    step: f64,
}

impl Axis {
    /// Up to the last second that there is.
    pub(super) fn new(last: f64) -> Self {
        let step = STEPS.into_iter().find(|step| last / step <= TICKS_MAX).unwrap_or(7_200.0);
        Self { last, step }
    }

    pub(super) fn x(&self, at_s: f64) -> f64 {
        GUTTER + at_s / self.last * (WIDTH - GUTTER)
    }

    /// Lines for seconds, with their names below.
    pub(super) fn grid(&self, height: f64) -> String {
        let mut out = String::new();
        let mut at = 0.0;
        while at <= self.last {
            let (x, below) = (self.x(at), height + 15.0);
            let name = if self.step < 60.0 && self.last < 120.0 {
                format!("{at:.0} s")
            } else {
                format!("{:.0}:{:02.0}", (at / 60.0).floor(), at % 60.0)
            };
            out += &format!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{height}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{below}\">{name}</text>"
            );
            at += self.step;
        }
        out
    }
}

/// A line's colour.
pub(super) fn shard_colour(index: usize) -> &'static str {
    const COLOURS: [&str; 8] =
        ["#1565c0", "#d84315", "#2e7d32", "#8e24aa", "#00838f", "#6d4c41", "#ad1457", "#455a64"];
    COLOURS[index % COLOURS.len()]
}

/// HP, filled, of the newest truth that a shard shows.
pub(super) fn hp(report: &ChaosReport, axis: &Axis) -> String {
    let max = report.hp_max.max(1) as f64;
    let y = |hp: f64| HEAD + (1.0 - (hp / max).clamp(0.0, 1.0)) * HEIGHT;
    let mut out = frame(HEIGHT, axis);
    for part in [0.0, 0.5, 1.0] {
        out += &level(y(part * max), &format!("{:.0} %", part * 100.0));
    }
    let value = |sample: &Sample| sample.newest().map(|shard| shard.hp as f64);
    for run in runs(report, value) {
        let points = points(&run, axis, y);
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let (left, right, floor) = (axis.x(first.0), axis.x(last.0), y(0.0));
        out += &format!(
            "<polygon class=\"hp\" points=\"{left:.1},{floor:.1} {points}{right:.1},{floor:.1}\"/>\
             <polyline class=\"hp\" points=\"{points}\"/>"
        );
    }
    out + "</svg>"
}

/// How old each shard's truth is; the scale grows tenfold a step, since a pause is long and a tick
/// is short.
pub(super) fn age(report: &ChaosReport, axis: &Axis) -> String {
    let ages = report.timeline.samples.iter().filter_map(Sample::age_ms);
    let top = (ages.max().unwrap_or(0) as f64).max(1_000.0);
    let (low, high) = (10.0_f64.log10(), top.log10());
    let y = |ms: f64| {
        let part = (ms.max(10.0).log10() - low) / (high - low);
        HEAD + (1.0 - part.clamp(0.0, 1.0)) * HEIGHT
    };
    let mut out = frame(HEIGHT, axis);
    for (ms, name) in [
        (10.0, "10 ms"),
        (100.0, "100 ms"),
        (1_000.0, "1 s"),
        (10_000.0, "10 s"),
        (100_000.0, "100 s"),
    ] {
        if ms <= top {
            out += &level(y(ms), name);
        }
    }
    for index in 0..report.shards {
        let value = |sample: &Sample| Some(sample.shards.get(index)?.as_ref()?.age_ms as f64);
        let colour = shard_colour(index);
        for run in runs(report, value) {
            let points = points(&run, axis, y);
            out += &format!("<polyline class=\"age\" stroke=\"{colour}\" points=\"{points}\"/>");
        }
    }
    out + "</svg>"
}

/// How many players see the boss.
pub(super) fn live(report: &ChaosReport, axis: &Axis) -> String {
    let max = f64::from(report.players.max(1));
    let y = |players: f64| HEAD + (1.0 - (players / max).clamp(0.0, 1.0)) * LOW;
    let mut out = frame(LOW, axis);
    out += &level(y(0.0), "0");
    out += &level(y(max), &grouped(report.players.into()));
    for run in runs(report, |sample| Some(f64::from(sample.live))) {
        out += &format!("<polyline class=\"live\" points=\"{}\"/>", points(&run, axis, y));
    }
    out + "</svg>"
}

fn frame(height: f64, axis: &Axis) -> String {
    let (inner, outer) = (HEAD + height, HEAD + height + 22.0);
    format!("<svg viewBox=\"0 0 {WIDTH} {outer}\" role=\"img\">{}", axis.grid(inner))
}

fn level(y: f64, name: &str) -> String {
    let (text, middle) = (GUTTER - 8.0, y + 4.0);
    format!(
        "<line class=\"level\" x1=\"{GUTTER}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text class=\"name\" x=\"{text}\" y=\"{middle:.1}\">{name}</text>"
    )
}

/// The samples that have a value, as runs without a gap between.
fn runs(report: &ChaosReport, value: impl Fn(&Sample) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for sample in &report.timeline.samples {
        match (value(sample), runs.last_mut()) {
            (Some(value), Some(run)) => run.push((sample.at_s, value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn points(run: &[(f64, f64)], axis: &Axis, y: impl Fn(f64) -> f64) -> String {
    run.iter().fold(String::new(), |mut out, (at_s, value)| {
        out += &format!("{:.1},{:.1} ", axis.x(*at_s), y(*value));
        out
    })
}
