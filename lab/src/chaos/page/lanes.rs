//! Faults as bars: a lane for each part of the game, a colour for each kind.

use super::plots;
use crate::chaos::fault::{Kind, Part, Who};
use crate::chaos::report::ChaosReport;
use crate::chaos::timeline::Passed;
use loadgen::machine::chart::{self, Frame, Scale, escaped};

const LANE: f64 = 18.0;
const BAR: f64 = 12.0;
/// Of a fault that was over at once.
const BAR_WIDTH_MIN: f64 = 4.0;

/// The colour of a kind: links that are slow are blue, those that break are warm, processes are
/// dark and violet.
pub(super) fn colour(kind: &str) -> &'static str {
    let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
    known.map_or("#999999", |known| match known {
        Kind::Latency => "#7db7e8",
        Kind::Jitter => "#3f8fd2",
        Kind::Throttle => "#1f5f99",
        Kind::BlackHole => "#2b2b33",
        Kind::HalfClose => "#f2b134",
        Kind::Reset => "#ee7733",
        Kind::CutAnswer => "#cc4125",
        Kind::Refuse => "#b8860b",
        Kind::Kill => "#c2185b",
        Kind::Pause => "#9575cd",
        Kind::Restart => "#5e35b1",
        Kind::FailOver => "#00897b",
    })
}

pub(super) fn svg(report: &ChaosReport, time: &Scale) -> String {
    let lanes = lanes(report.shards);
    let frame = plots::frame(lanes.len() as f64 * LANE);
    let Frame { left, right, top: head, floor, .. } = frame;
    let mut out = frame.open("Faults");
    for (index, lane) in lanes.iter().enumerate() {
        let top = head + index as f64 * LANE;
        let class = if index % 2 == 0 { "lane" } else { "lane even" };
        let (text, middle) = (left - 8.0, top + LANE / 2.0 + 4.0);
        let width = right - left;
        out += &format!(
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" \
             height=\"{LANE}\"/><text class=\"name\" x=\"{text}\" y=\"{middle}\">{lane}</text>"
        );
    }
    out += &chart::grid(time, head, floor);
    for fault in &report.timeline.faults {
        for (index, lane) in lanes.iter().enumerate() {
            if touches(&fault.who, *lane) {
                out += &bar(fault, head + index as f64 * LANE + (LANE - BAR) / 2.0, time);
            }
        }
    }
    out + "</svg>"
}

/// Who has a lane, the truth first.
fn lanes(shards: usize) -> Vec<Who> {
    let mut lanes = vec![Who { part: Part::Truth, shard: None }];
    for part in [Part::Uplink, Part::Shard, Part::Players] {
        lanes.extend((0..shards).map(|shard| Who { part, shard: Some(shard) }));
    }
    lanes
}

/// Whether what happened to somebody, or to all of that part, belongs into a lane.
fn touches(who: &str, lane: Who) -> bool {
    let all = Who { shard: None, ..lane };
    [lane, all].iter().any(|known| known.to_string() == who)
}

fn bar(fault: &Passed, top: f64, time: &Scale) -> String {
    let Passed { what, who, at_s, until_s, met, failed, kind } = fault;
    let (left, right) = (time.at(*at_s), time.at(until_s.unwrap_or(*at_s)));
    let width = (right - left).max(BAR_WIDTH_MIN);
    let met = failed.as_ref().or(met.as_ref()).map_or("met nothing", |met| met.as_str());
    let told = escaped(&format!("{at_s:.1} s: {what} on {who}: {met}"));
    let colour = colour(kind);
    format!(
        "<rect class=\"fault\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"{BAR}\" rx=\"2\" fill=\"{colour}\"><title>{told}</title></rect>"
    )
}
