//! The tables, as text.

use super::Options;
use super::contender::Contender;
use super::figures::{Figures, Measured, Run, Spread};
use std::fmt::Write;

/// A promise: `of`'s figure is at most `most` times that of `than`, or at least `least` times.
#[derive(Debug)]
struct Limit {
    what: &'static str,
    of: Contender,
    than: Contender,
    figure: fn(&Run, &Measured) -> f64,
    bound: Bound,
}

/// Where a median has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// By how much a bar may be wrong, in pixels of 1,000.
const BAR_PX_MAX: f64 = 0.5;

const LIMITS: [Limit; 5] = [
    Limit {
        what: "CPU per frame, worldboss / epoll",
        of: Contender::Worldboss,
        than: Contender::Epoll,
        figure: us_per_frame,
        bound: Bound::AtMost(1.15),
    },
    Limit {
        what: "CPU per frame, colyseus / worldboss",
        of: Contender::Colyseus,
        than: Contender::Worldboss,
        figure: us_per_frame,
        bound: Bound::AtLeast(1.8),
    },
    Limit {
        what: "CPU per frame, socketio / worldboss",
        of: Contender::SocketIo,
        than: Contender::Worldboss,
        figure: us_per_frame,
        bound: Bound::AtLeast(2.0),
    },
    Limit {
        what: "p99 of the frame interval, worldboss / epoll",
        of: Contender::Worldboss,
        than: Contender::Epoll,
        figure: p99,
        bound: Bound::AtMost(1.15),
    },
    Limit {
        what: "CPU per player-second, seen / worldboss",
        of: Contender::Seen,
        than: Contender::Worldboss,
        figure: Run::us_per_player_s,
        bound: Bound::AtMost(0.5),
    },
];

fn us_per_frame(_: &Run, measured: &Measured) -> f64 {
    measured.us_per_frame()
}

fn p99(_: &Run, measured: &Measured) -> f64 {
    measured.report.interval_p99_ms
}

/// Everything that a person is told at the end.
pub(crate) fn all(figures: &Figures, options: &Options) -> String {
    let mut text = String::new();
    for &players in &options.players {
        let (seconds, rounds) = (options.seconds, options.rounds);
        let _ = writeln!(text, "\n{players} players, {seconds} s, {rounds} rounds\n");
        summary(&mut text, figures, players);
        // They are for servers that have something to do.
        if !options.quick {
            limits(&mut text, figures, players);
        }
        bars(&mut text, figures, players);
    }
    raw(&mut text, figures);
    beside(&mut text, figures);
    text
}

fn contenders(figures: &Figures) -> impl Iterator<Item = Contender> {
    let ran = |contender: &Contender| figures.runs.iter().any(|run| run.contender == *contender);
    Contender::all().into_iter().filter(ran)
}

fn summary(text: &mut String, figures: &Figures, players: usize) {
    let _ = writeln!(
        text,
        "| server | CPU us per player-second | CPU us per delivered frame: min / median / max \
         | to epoll | us per hit | KiB per client | interval p50 ms | p99 ms | p99 to epoll \
         | frames/s | bytes/frame |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    );
    for contender in contenders(figures) {
        let _ = writeln!(text, "{}", row(figures, contender, players));
    }
}

fn row(figures: &Figures, contender: Contender, players: usize) -> String {
    let of = |figure: fn(&Run, &Measured) -> f64| figures.of(contender, players, figure);
    let ratio = |figure: fn(&Run, &Measured) -> f64| {
        figures.ratio(contender, Contender::Epoll, players, figure).median
    };
    let frame = of(us_per_frame);
    if frame.median.is_nan() {
        return format!("| {} | failed | | | | | | | | | |", contender.name());
    }
    let is_saturated = of(|run, measured| f64::from(u8::from(run.is_saturated(measured))));
    let mark = if is_saturated.median > 0.0 { ", saturated" } else { "" };
    format!(
        "| {} | {:.1} | {} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2}{mark} | {:.0} |",
        contender.name(),
        of(Run::us_per_player_s).median,
        spread(frame),
        ratio(us_per_frame),
        of(|_, measured| measured.us_per_hit()).median,
        of(Run::kib_per_player).median,
        of(|_, measured| measured.report.interval_p50_ms).median,
        of(p99).median,
        ratio(p99),
        of(Run::frames_per_s).median,
        of(|_, measured| measured.bytes_per_frame()).median,
    )
}

pub(crate) fn spread(spread: Spread) -> String {
    format!("{:.1} / {:.1} / {:.1}", spread.min, spread.median, spread.max)
}

fn limits(text: &mut String, figures: &Figures, players: usize) {
    let _ = writeln!(text);
    for Limit { what, of, than, figure, bound } in LIMITS {
        let ratio = figures.ratio(of, than, players, figure);
        if ratio.median.is_nan() {
            continue;
        }
        text.push_str(&verdict(what, ratio, bound));
    }
}

/// One line: whether a ratio is where it has to be.
pub(crate) fn verdict(what: &str, ratio: Spread, bound: Bound) -> String {
    let Spread { min, median, max } = ratio;
    let (is_kept, words) = match bound {
        Bound::AtMost(most) => (median <= most, format!("at most {most}")),
        Bound::AtLeast(least) => (median >= least, format!("at least {least}")),
    };
    let mark = mark(is_kept);
    format!("{mark} {what}: {min:.2} / {median:.2} / {max:.2}, {words} (median)\n")
}

fn bars(text: &mut String, figures: &Figures, players: usize) {
    let Some(bars) = figures.bars(Contender::Seen, players) else { return };
    let _ = writeln!(
        text,
        "{} the worst bar of seen: wrong by {:.3} px of 1,000, at most {BAR_PX_MAX} px; of {} \
         compared, 99 % within {:.3} px",
        mark(bars.max <= BAR_PX_MAX),
        bars.max,
        bars.count,
        bars.p99,
    );
}

fn mark(is_kept: bool) -> char {
    if is_kept { '\u{2713}' } else { '\u{2717}' }
}

fn raw(text: &mut String, figures: &Figures) {
    let _ = writeln!(
        text,
        "\nAll runs, in their order\n\n\
         | players | round | server | CPU s | frames | us per frame | hits | quiet CPU s \
         | quiet frames | KiB before | KiB playing | p50 ms | p99 ms | server core % \
         | others on it % | client core % |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for run in &figures.runs {
        let (players, round, name) = (run.players, run.round, run.contender.name());
        let _ = match &run.measured {
            Ok(m) => writeln!(
                text,
                "| {players} | {round} | {name} | {:.2} | {} | {:.1} | {} | {:.2} | {} | {} | {} | \
                 {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
                m.cpu_hits_s,
                m.report.hits.frames,
                m.us_per_frame(),
                m.report.hits.hits,
                m.cpu_quiet_s,
                m.report.quiet.frames,
                m.kib_before,
                m.kib_playing,
                m.report.interval_p50_ms,
                m.report.interval_p99_ms,
                m.server_percent(),
                m.others_percent(),
                m.client_percent(),
            ),
            Err(sentence) => {
                let sentence = sentence.replace('\n', " ");
                writeln!(text, "| {players} | {round} | {name} | failed: {sentence} |")
            }
        };
    }
}

fn beside(text: &mut String, figures: &Figures) {
    let _ = writeln!(text, "\nWhat each is here, has beside the tick, and does not do\n");
    for contender in contenders(figures) {
        let _ = writeln!(text, "- {}: {}", contender.name(), contender.beside());
    }
    let _ = writeln!(
        text,
        "\nCPU is user and system time of all threads of the server, and of its Redis. On \
         loopback a send also pays the receiver's TCP work. Threads of the kernel that write to \
         disk are not in it. A hit's CPU is what hits add to that of as many frames without hits, \
         which are measured at the end of each run. Memory is resident memory, without the \
         kernel's socket buffers. A server is saturated below 9.5 frames a second for each player."
    );
}
