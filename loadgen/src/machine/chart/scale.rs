//! From a value to its place, and the values that are named.

/// Steps of a scale that are named, at most.
const STEPS_MAX: f64 = 5.0;
/// Seconds from one named time to the next: the first that is not too short.
const SECONDS: [f64; 14] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0,
];
/// Pixels from one named time to the next, at least.
const TIME_STEP: f64 = 60.0;

/// Values on a line of the page, some of them with a name.
#[derive(Debug, Clone)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_tenfold: bool,
    steps: Vec<(f64, String)>,
}

impl Scale {
    /// From zero to this value, with names of the given steps alone.
    #[must_use]
    pub fn new(high: f64, (from, to): (f64, f64), steps: Vec<(f64, String)>) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        Self { low: 0.0, high, from, to, is_tenfold: false, steps }
    }

    /// Seconds from zero to the last one.
    #[must_use]
    pub fn time(last: f64, span: (f64, f64)) -> Self {
        let last = if last > 0.0 && last.is_finite() { last } else { 1.0 };
        let steps_max = ((span.1 - span.0) / TIME_STEP).max(1.0);
        let step = SECONDS.into_iter().find(|step| last / step <= steps_max);
        // A run of weeks is named at its end.
        let step = step.unwrap_or(last);
        let name = |at: f64| {
            if step < 60.0 && last < 120.0 {
                format!("{at:.0} s")
            } else {
                let (hours, minutes) = ((at / 3_600.0).floor(), at % 3_600.0 / 60.0);
                let (minutes, seconds) = (minutes.floor(), at % 60.0);
                if last < 3_600.0 {
                    format!("{minutes:.0}:{seconds:02.0}")
                } else {
                    format!("{hours:.0}:{minutes:02.0} h")
                }
            }
        };
        Self::new(last, span, named(step, last, name))
    }

    /// From zero to a round value above this one.
    #[must_use]
    pub fn linear(high: f64, span: (f64, f64), name: impl Fn(f64) -> String) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = rounds().find(|step| high / step <= STEPS_MAX).unwrap_or(high);
        let high = (high / step).ceil() * step;
        Self::new(high, span, named(step, high, name))
    }

    /// From a round value below to a round value above; ten times as much is always as far away.
    #[must_use]
    pub fn tenfold(
        low: f64,
        high: f64,
        (from, to): (f64, f64),
        name: impl Fn(f64) -> String,
    ) -> Self {
        // Values of decimal steps come from division, so a little more is still the same.
        let below = rounds().rev().find(|round| *round <= low * 1.000_001).unwrap_or(1e-9);
        let above = rounds().find(|round| *round >= high / 1.000_001 && *round > below);
        let above = above.unwrap_or(below * 10.0);
        let inside: Vec<_> = rounds().filter(|step| (below..=above).contains(step)).collect();
        let is_power = |step: &f64| (step.log10() - step.log10().round()).abs() < 1e-6;
        let is_few = inside.len() as f64 <= STEPS_MAX;
        let steps = inside.into_iter().filter(|step| is_few || is_power(step));
        let steps = steps.map(|step| (step, name(step))).collect();
        Self { low: below, high: above, from, to, is_tenfold: true, steps }
    }

    /// The place of a value; what is off the scale is at its end.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let part = if self.is_tenfold {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// The values that are named, with their names.
    #[must_use]
    pub fn steps(&self) -> &[(f64, String)] {
        &self.steps
    }
}

/// Zero and every step up to the last value.
fn named(step: f64, last: f64, name: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    let steps = std::iter::successors(Some(0.0), |at| Some(at + step));
    let steps = steps.take_while(|at| *at <= last * 1.000_001);
    steps.map(|at| (at, name(at))).collect()
}

/// 1, 2 and 5 of each power of ten that a plot may need.
fn rounds() -> impl DoubleEndedIterator<Item = f64> {
    (-9..=18).flat_map(|power| [1.0, 2.0, 5.0].map(|part| part * 10_f64.powi(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: &Scale) -> String {
        let names: Vec<_> = scale.steps().iter().map(|(_, name)| name.as_str()).collect();
        names.join(", ")
    }

    fn plain(value: f64) -> String {
        value.to_string()
    }

    #[test]
    fn a_linear_scale_reaches_from_zero_over_all_values() {
        let scale = Scale::linear(43.0, (100.0, 0.0), plain);
        assert_eq!(names(&scale), "0, 10, 20, 30, 40, 50");
        assert_eq!([0.0, 25.0, 50.0, 99.0].map(|it| scale.at(it)), [100.0, 50.0, 0.0, 0.0]);
        let flat = Scale::linear(0.0, (100.0, 0.0), plain);
        assert_eq!((flat.at(0.0), flat.at(1.0)), (100.0, 0.0));
    }

    #[test]
    fn a_tenfold_scale_names_all_round_values_or_the_powers_of_ten() {
        let scale = Scale::tenfold(3.0, 700.0, (0.0, 100.0), plain);
        assert_eq!((scale.at(2.0), scale.at(1_000.0)), (0.0, 100.0));
        assert_eq!((scale.at(0.0), scale.at(9_999.0)), (0.0, 100.0));
        assert_eq!(names(&scale), "10, 100, 1000");
        assert_eq!(names(&Scale::tenfold(10.0, 10.0, (0.0, 1.0), plain)), "10, 20");
        assert_eq!(names(&Scale::tenfold(0.0, 0.0, (0.0, 1.0), plain)).split(", ").count(), 2);
    }

    #[test]
    fn times_have_room_for_their_names() {
        let names = |last| names(&Scale::time(last, (0.0, 400.0)));
        assert_eq!(names(60.0), "0 s, 10 s, 20 s, 30 s, 40 s, 50 s, 60 s");
        assert_eq!(names(600.0), "0:00, 2:00, 4:00, 6:00, 8:00, 10:00");
        assert_eq!(names(7_200.0), "0:00 h, 0:30 h, 1:00 h, 1:30 h, 2:00 h");
        assert_eq!(names(0.0), "0 s, 1 s");
        for endless in [1e300, f64::INFINITY, f64::NAN] {
            assert!(names(endless).split(", ").count() <= 3, "{endless}");
        }
    }
}
