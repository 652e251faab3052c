//! Runs as pictures: SVG plots whose lines differ in colour, in dashes, and in the names at their
//! ends.

mod scale;

pub use scale::Scale;

/// The style sheet of a page that has plots.
pub const STYLE: &str = include_str!("chart/style.css");

/// Colour and dashes of a line.
const LOOKS: [(&str, &str); 8] = [
    ("#0069a8", "none"),
    ("#c2410c", "7 3"),
    ("#00796b", "2 3"),
    ("#8e3b7f", "10 3 2 3"),
    ("#4d4d4d", "4 4"),
    ("#8a6100", "12 4"),
    ("#b3003c", "1 3"),
    ("#37479f", "6 2 1 2 1 2"),
];
/// Between the names of two lines.
const NAME_STEP: f64 = 14.0;
/// Of a letter, more or less: names above a plot must not meet.
const LETTER: f64 = 7.0;

/// Where on a plot its values are, in pixels of a page that is not scaled.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Of the whole plot.
    pub width: f64,
    /// Where values begin; names of the steps are left of it.
    pub left: f64,
    /// Where values end; names of the lines are right of it.
    pub right: f64,
    /// Where the highest value is; names of moments are above.
    pub top: f64,
    /// Where the lowest value is; times are below.
    pub floor: f64,
}

impl Frame {
    /// A plot as wide as the page.
    #[must_use]
    pub fn wide(height: f64) -> Self {
        Self { width: 1_080.0, left: 84.0, right: 1_010.0, top: 8.0, floor: 8.0 + height }
    }

    /// One of two plots side by side.
    #[must_use]
    pub fn half(height: f64) -> Self {
        Self { width: 540.0, left: 62.0, right: 456.0, top: 18.0, floor: 18.0 + height }
    }

    /// From left to right.
    #[must_use]
    pub fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// From the lowest value to the highest.
    #[must_use]
    pub fn upwards(&self) -> (f64, f64) {
        (self.floor, self.top)
    }

    /// The beginning of an SVG of this size, which a reader is told of by that title.
    #[must_use]
    pub fn open(&self, title: &str) -> String {
        let (width, height, title) = (self.width, self.floor + 22.0, escaped(title));
        format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">")
    }
}

/// Values along a scale.
#[derive(Debug, Clone)]
pub struct Line {
    /// What they are; empty if the plot says so.
    pub name: String,
    /// Which of the looks it has: lines of one plot differ.
    pub look: usize,
    /// Points without a gap between them, then a gap, then more.
    pub runs: Vec<Vec<(f64, f64)>>,
    /// Whether the area below is filled.
    pub is_filled: bool,
}

impl Line {
    /// A line through the values that there are.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        look: usize,
        values: impl IntoIterator<Item = (f64, Option<f64>)>,
    ) -> Self {
        let mut runs = vec![Vec::new()];
        for (at, value) in values {
            match (value, runs.last_mut()) {
                (Some(value), Some(run)) => run.push((at, value)),
                _ => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        Self { name: name.into(), look, runs, is_filled: false }
    }

    /// The greatest value.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.runs.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max)
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.runs.last()?.last().copied()
    }
}

/// Lines on two scales.
#[derive(Debug)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// Where.
    pub frame: Frame,
    /// From left to right.
    pub x: Scale,
    /// From the floor upwards.
    pub y: Scale,
    /// The later ones are drawn above.
    pub lines: Vec<Line>,
    /// Moments, from left to right.
    pub marks: Vec<(f64, String)>,
}

impl Plot {
    /// The plot, without its title.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut out = self.frame.open(&self.title);
        out += &levels(&self.y, &self.frame);
        out += &grid(&self.x, self.frame.top, self.frame.floor);
        out += &self.marked();
        out.extend(self.lines.iter().map(|line| self.drawn(line)));
        out + &self.names() + "</svg>"
    }

    fn drawn(&self, line: &Line) -> String {
        let (colour, dashes) = LOOKS[line.look % LOOKS.len()];
        let floor = self.frame.floor;
        let mut out = String::new();
        for run in &line.runs {
            let points = run.iter().map(|(x, y)| (self.x.at(*x), self.y.at(*y)));
            let points = thinned(&points.collect::<Vec<_>>());
            let path: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
            if let [(x, y)] = points[..] {
                out += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"{colour}\"/>");
                continue;
            }
            if let (true, [(left, _), .., (right, _)]) = (line.is_filled, &points[..]) {
                out += &format!(
                    "<polygon points=\"{left:.1},{floor:.1} {path}{right:.1},{floor:.1}\" \
                     fill=\"{colour}\"/>"
                );
            }
            out += &format!(
                "<polyline points=\"{path}\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>"
            );
        }
        out
    }

    /// Each line's name beside its last point, and where two would meet, one below the other.
    fn names(&self) -> String {
        let lines = self.lines.iter().filter(|line| !line.name.is_empty());
        let named = lines.filter_map(|line| Some((line.last()?, line)));
        let mut named: Vec<_> =
            named.map(|((x, y), line)| (self.y.at(y), self.x.at(x), line)).collect();
        named.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut places = Vec::new();
        for (y, ..) in &named {
            let free = places.last().map_or(0.0, |last| last + NAME_STEP);
            places.push(y.max(free));
        }
        // Those that got below the floor go up, and push others.
        let mut floor = self.frame.floor - 3.0;
        for place in places.iter_mut().rev() {
            *place = place.min(floor);
            floor = *place - NAME_STEP;
        }
        let right = self.frame.right;
        let mut out = String::new();
        for ((y, x, line), place) in named.iter().zip(places) {
            let (colour, _) = LOOKS[line.look % LOOKS.len()];
            let (from, to, text, base) =
                (x.max(right - 1.0), right + 8.0, right + 11.0, place + 4.0);
            let name = escaped(&line.name);
            out += &format!(
                "<line class=\"lead\" x1=\"{from:.1}\" x2=\"{to}\" y1=\"{y:.1}\" y2=\"{place:.1}\" \
                 stroke=\"{colour}\"/><text class=\"end\" x=\"{text}\" y=\"{base:.1}\" \
                 fill=\"{colour}\">{name}</text>"
            );
        }
        out
    }

    fn marked(&self) -> String {
        let Frame { top, floor, .. } = self.frame;
        let (mut out, mut free) = (String::new(), 0.0);
        for (at, name) in &self.marks {
            let (x, above) = (self.x.at(*at), top - 5.0);
            out += &format!(
                "<line class=\"moment\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{floor}\"/>"
            );
            if x >= free {
                let name = escaped(name);
                out += &format!("<text class=\"tick\" x=\"{x:.1}\" y=\"{above}\">{name}</text>");
                free = x + LETTER * name.chars().count() as f64;
            }
        }
        out
    }
}

/// Where there are many points on a pixel, the lowest and the highest of them draw the same line.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let columns = points.chunk_by(|a, b| a.0.floor() == b.0.floor());
    let ends = columns.flat_map(|column| {
        let by_y =
            |(_, a): &(usize, &(f64, f64)), (_, b): &(usize, &(f64, f64))| a.1.total_cmp(&b.1);
        let low = column.iter().enumerate().min_by(by_y);
        let high = column.iter().enumerate().max_by(by_y);
        let mut ends: Vec<_> = low.into_iter().chain(high).collect();
        ends.sort_by_key(|(index, _)| *index);
        ends.dedup_by_key(|(index, _)| *index);
        ends.into_iter().map(|(_, point)| *point)
    });
    ends.collect()
}

/// A line upright at each step of a scale, with the step's name below.
#[must_use]
pub fn grid(x: &Scale, top: f64, floor: f64) -> String {
    let mut out = String::new();
    for (step, name) in x.steps() {
        let (x, below) = (x.at(*step), floor + 15.0);
        out += &format!(
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{floor}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{below}\">{name}</text>"
        );
    }
    out
}

/// A line across at each step of a scale, with the step's name on the left.
fn levels(y: &Scale, frame: &Frame) -> String {
    let Frame { left, right, .. } = frame;
    let mut out = String::new();
    for (step, name) in y.steps() {
        let (y, text) = (y.at(*step), left - 8.0);
        let base = y + 4.0;
        out += &format!(
            "<line class=\"level\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"name\" x=\"{text}\" y=\"{base:.1}\">{name}</text>"
        );
    }
    out
}

/// Text as it may stand in a page.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
