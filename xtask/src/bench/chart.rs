//! Plots as SVG: bars of one scale, and lines whose scales grow tenfold a step.

use super::measured::{Line, Plot, Row};
use super::page::escaped;
use super::{grouped, time};

/// Widths and heights are pixels of a page that is not scaled.
const WIDTH: f64 = 1_040.0;
/// Room for names on the left of bars, and for their figures on the right.
const NAMES: f64 = 390.0;
const FIGURES: f64 = 150.0;
const BAR: f64 = 16.0;
const BAR_STEP: f64 = 25.0;

const PLOT_WIDTH: f64 = 500.0;
const PLOT_HEIGHT: f64 = 230.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 42.0;
/// Between the names of two lines.
const NAME_STEP: f64 = 15.0;

/// Colour, dashes and shape of a line: any of the three is enough to tell lines apart.
const LOOKS: [(&str, &str, Shape); 5] = [
    ("#0072b2", "none", Shape::Disc),
    ("#d55e00", "8 4", Shape::Square),
    ("#00796b", "2 4", Shape::Triangle),
    ("#8e3b7f", "10 3 2 3", Shape::Disc),
    ("#4d4d4d", "5 5", Shape::Square),
];

#[derive(Debug, Clone, Copy)]
enum Shape {
    Disc,
    Square,
    Triangle,
}

/// One bar for each row, all on one scale from zero, and a thin line for its spread.
pub(super) fn bars(rows: &[&Row]) -> String {
    let far =
        rows.iter().map(|row| row.median_ns + row.spread_ns).fold(f64::MIN_POSITIVE, f64::max);
    let x = |ns: f64| NAMES + ns.max(0.0) / far * (WIDTH - NAMES - FIGURES);
    let height = rows.len() as f64 * BAR_STEP;
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for (index, row) in rows.iter().enumerate() {
        let top = index as f64 * BAR_STEP + (BAR_STEP - BAR) / 2.0;
        let (middle, text) = (top + BAR / 2.0, top + BAR - 3.5);
        let (low, high) = (x(row.median_ns - row.spread_ns), x(row.median_ns + row.spread_ns));
        let (name, right) = (escaped(&row.name), NAMES - 10.0);
        let width = x(row.median_ns) - NAMES;
        out += &format!(
            "<text class=\"name\" x=\"{right}\" y=\"{text:.1}\">{name}</text>\
             <rect class=\"bar\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{BAR}\"/><line class=\"spread\" x1=\"{low:.1}\" x2=\"{high:.1}\" \
             y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>\
             <text class=\"figure\" x=\"{:.1}\" y=\"{text:.1}\">{}</text>",
            high + 8.0,
            time(row.median_ns),
        );
    }
    out + "</svg>"
}

/// The lines of a plot, each with its name at its end. Points at zero or below have no place.
pub(super) fn lines(plot: &Plot) -> String {
    let points = || plot.lines.iter().flat_map(|line| &line.points).filter(|it| is_drawn(it));
    let Some(x) = Scale::over(points().map(|(x, _)| *x), (LEFT, PLOT_WIDTH - RIGHT)) else {
        return "<p>Nothing of this can be drawn.</p>".to_owned();
    };
    let Some(y) = Scale::over(points().map(|(_, y)| *y), (PLOT_HEIGHT - BOTTOM, TOP)) else {
        return String::new();
    };
    let mut out = format!("<svg viewBox=\"0 0 {PLOT_WIDTH} {PLOT_HEIGHT}\" role=\"img\">");
    out += &grid(&x, &y, &plot.x);
    for (line, look) in plot.lines.iter().zip(LOOKS.iter().cycle()) {
        out += &drawn(line, look, &x, &y);
    }
    out + &names(&plot.lines, &y) + "</svg>"
}

/// A line and a number for each step of both scales, and what is along the lower one.
fn grid(x: &Scale, y: &Scale, axis: &str) -> String {
    let mut out = String::new();
    let (right, floor) = (PLOT_WIDTH - RIGHT, PLOT_HEIGHT - BOTTOM);
    for step in y.steps() {
        let at = y.at(step);
        out += &format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            number(step),
        );
    }
    for step in x.steps() {
        let (at, below) = (x.at(step), floor + 18.0);
        out += &format!(
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{floor}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{below:.1}\">{}</text>",
            number(step),
        );
    }
    let (middle, below) = ((LEFT + right) / 2.0, floor + 35.0);
    let axis = escaped(axis);
    out + &format!("<text class=\"tick\" x=\"{middle:.1}\" y=\"{below:.1}\">{axis}</text>")
}

fn is_drawn(point: &(f64, f64)) -> bool {
    point.0 > 0.0 && point.1 > 0.0
}

fn drawn(
    line: &Line,
    (colour, dashes, shape): &(&str, &str, Shape),
    x: &Scale,
    y: &Scale,
) -> String {
    let places = line.points.iter().filter(|it| is_drawn(it));
    let places: Vec<_> = places.map(|point| (x.at(point.0), y.at(point.1))).collect();
    let path: String = places.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
    let shapes: String = places.iter().map(|place| shape.drawn(*place, colour)).collect();
    format!(
        "<polyline points=\"{path}\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>{shapes}"
    )
}

impl Shape {
    fn drawn(self, (x, y): (f64, f64), colour: &str) -> String {
        match self {
            Self::Disc => {
                format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>")
            }
            Self::Square => {
                let (left, top) = (x - 3.5, y - 3.5);
                format!(
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"7\" height=\"7\" \
                     fill=\"{colour}\"/>"
                )
            }
            Self::Triangle => {
                let (left, right, top, low) = (x - 4.5, x + 4.5, y - 5.0, y + 3.5);
                format!(
                    "<polygon points=\"{x:.1},{top:.1} {right:.1},{low:.1} {left:.1},{low:.1}\" \
                     fill=\"{colour}\"/>"
                )
            }
        }
    }
}

/// Each line's name beside its last point, moved down where two would meet.
fn names(lines: &[Line], y: &Scale) -> String {
    let last = |line: &Line| line.points.iter().rev().find(|it| is_drawn(it)).map(|it| y.at(it.1));
    let named = lines.iter().zip(LOOKS.iter().cycle());
    let named = named.filter_map(|(line, look)| Some((last(line)?, line, look)));
    let mut named: Vec<_> = named.collect();
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut out, mut free) = (String::new(), 0.0_f64);
    for (at, line, (colour, ..)) in named {
        let at = at.max(free);
        free = at + NAME_STEP;
        let (left, text, name) = (PLOT_WIDTH - RIGHT + 10.0, at + 4.0, escaped(&line.name));
        let style = format!("fill:{colour};font-weight:600");
        out += &format!("<text x=\"{left}\" y=\"{text:.1}\" style=\"{style}\">{name}</text>");
    }
    out
}

/// A scale on which ten times as much is always as far away.
#[derive(Debug)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the last step below all values to the first one above. None without a value.
    fn over(values: impl Iterator<Item = f64>, (from, to): (f64, f64)) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        if high <= 0.0 || !high.is_finite() {
            return None;
        }
        // Values of decimal steps come from division, so a little more is still the same.
        let below = steps().rev().find(|step| *step <= low * 1.000_001)?;
        let above = steps().find(|step| *step >= high / 1.000_001 && *step > below)?;
        Some(Self { low: below, high: above, from, to })
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value / self.low).log10() / (self.high / self.low).log10();
        self.from + part * (self.to - self.from)
    }

    /// The steps that are named: all of them, or where that would be many, the tenfold ones.
    fn steps(&self) -> Vec<f64> {
        let inside = steps().filter(|step| (self.low..=self.high).contains(step));
        let inside: Vec<_> = inside.collect();
        if inside.len() <= 5 {
            return inside;
        }
        let is_tenfold = |step: &f64| (step.log10() - step.log10().round()).abs() < 1e-6;
        inside.into_iter().filter(is_tenfold).collect()
    }
}

/// 1, 2 and 5 of each power of ten that a plot may need.
fn steps() -> impl DoubleEndedIterator<Item = f64> {
    (-6..=12).flat_map(|power| [1.0, 2.0, 5.0].map(|part| part * 10_f64.powi(power)))
}

fn number(value: f64) -> String {
    if value < 1.0 { format!("{value}") } else { grouped(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_reaches_over_all_values() {
        let scale = Scale::over([3.0, 700.0].into_iter(), (0.0, 100.0)).expect("it is drawn");
        assert_eq!((scale.low, scale.high), (2.0, 1_000.0));
        assert!((scale.at(2.0), scale.at(1_000.0)) == (0.0, 100.0) && scale.at(50.0) > 40.0);
        assert_eq!(scale.steps(), [10.0, 100.0, 1_000.0], "2, 5, 10 and so on are too many");
        let flat = Scale::over([10.0, 10.0].into_iter(), (0.0, 1.0)).expect("one value will do");
        assert_eq!(flat.steps(), [10.0, 20.0]);
        assert!(Scale::over(std::iter::empty(), (0.0, 1.0)).is_none());
    }

    #[test]
    fn names_of_lines_that_end_at_one_place_stand_below_each_other() {
        let line = |name: &str| Line { name: name.to_owned(), points: vec![(1.0, 5.0)] };
        let scale = Scale::over([1.0, 9.0].into_iter(), (100.0, 0.0)).expect("it is drawn");
        let drawn = names(&[line("a"), line("b")], &scale);
        let tops: Vec<&str> = drawn.split(" y=\"").skip(1).collect();
        assert_eq!(tops.len(), 2);
        assert_ne!(tops[0][..4], tops[1][..4]);
    }

    #[test]
    fn points_at_zero_are_left_out() {
        let points = vec![(1.0, 0.0), (10.0, 3.0)];
        let lines_of = vec![Line { name: "a".to_owned(), points }];
        let mut plot = Plot { title: String::new(), x: "players".to_owned(), lines: lines_of };
        let drawn = lines(&plot);
        assert!(drawn.matches("<circle").count() == 1 && !drawn.contains("NaN"), "{drawn}");
        plot.lines.clear();
        assert!(!lines(&plot).contains("svg"));
    }
}
