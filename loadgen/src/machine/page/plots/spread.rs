//! How the answers of a run spread, on a scale of time that grows tenfold a step.

use super::HEIGHT;
use crate::machine::Report;
use crate::machine::chart::{Frame, Line, Plot, Scale};
use crate::machine::units::{round, round_ms};
use std::collections::BTreeMap;

/// Bins from a value to ten times as much.
const BINS: f64 = 24.0;

/// None without samples.
pub(super) fn plot(report: &Report) -> Option<Plot> {
    let buckets = report.histograms.get("ack_ms").filter(|buckets| !buckets.is_empty())?;
    let shares = shares(buckets);
    let outline = outline(&shares);
    let (low, high) = (outline.first()?.0, outline.last()?.0);
    let frame = Frame::half(HEIGHT);
    let x = Scale::tenfold(low, high, frame.across(), round_ms);
    let top = shares.values().copied().fold(0.0, f64::max);
    let y = Scale::linear(top, frame.upwards(), |percent| format!("{} %", round(percent)));
    let latency = &report.ack_ms;
    // More would stand too near for their names.
    let percentiles = [(latency.p50, "p50"), (latency.p99, "p99")];
    let outline = outline.into_iter().map(|(ms, percent)| (ms, Some(percent)));
    Some(Plot {
        title: "How answers spread".to_owned(),
        frame,
        x,
        y,
        lines: vec![Line { is_filled: true, ..Line::new("", 0, outline) }],
        marks: percentiles.map(|(ms, name)| (ms, name.to_owned())).to_vec(),
    })
}

/// How many percent of the samples are in each bin that has any.
fn shares(buckets: &[(u64, u64)]) -> BTreeMap<i32, f64> {
    let all: f64 = buckets.iter().map(|(_, count)| *count as f64).sum();
    let mut shares: BTreeMap<i32, f64> = BTreeMap::new();
    for (micros, count) in buckets {
        let bin = ((*micros).max(1) as f64 / 1_000.0).log10() * BINS;
        #[expect(clippy::cast_possible_truncation, reason = "a logarithm is small")]
        let bin = bin.floor() as i32;
        *shares.entry(bin).or_default() += *count as f64 / all * 100.0;
    }
    shares
}

/// The tops of the bins as one line, from the floor to the floor.
fn outline(shares: &BTreeMap<i32, f64>) -> Vec<(f64, f64)> {
    let edge = |bin: i32| 10_f64.powf(f64::from(bin) / BINS);
    let (Some((first, _)), Some((last, _))) = (shares.first_key_value(), shares.last_key_value())
    else {
        return Vec::new();
    };
    let mut outline = vec![(edge(*first), 0.0)];
    for bin in *first..=*last {
        let share = shares.get(&bin).copied().unwrap_or(0.0);
        outline.extend([(edge(bin), share), (edge(bin + 1), share)]);
    }
    outline.push((edge(last + 1), 0.0));
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_all_samples_and_those_between_are_empty() {
        let shares = shares(&[(0, 1), (1_000, 2), (1_001, 1), (1_000_000, 4)]);
        assert_eq!(shares.values().sum::<f64>(), 100.0);
        assert_eq!(shares[&0], 37.5);
        let outline = outline(&shares);
        assert_eq!((outline[0].1, outline[outline.len() - 1].1), (0.0, 0.0));
        assert!(outline.is_sorted_by_key(|(ms, _)| *ms));
        assert!(outline.iter().any(|(ms, share)| (10.0..900.0).contains(ms) && *share == 0.0));
    }
}
