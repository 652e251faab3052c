//! One picture of a run: progress, boss, rates, latencies, shards, servers, errors.

use super::REACH;
use crate::driver::LoadConfig;
use crate::driver::crowd::Phase;
use crate::machine::{ErrorCount, Latency, Pulse, Recorder, Second, grouped};
use protocol::Micros;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table};

/// Lines of errors, shards and servers that are shown.
const ERRORS_MAX: usize = 3;
const SHARDS_MAX: usize = 8;
const SERVERS_MAX: usize = 4;

const DIM: Style = Style::new().fg(Color::DarkGray);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// What there is to see.
#[derive(Debug)]
pub(super) struct Sight {
    seed: u64,
    players: u32,
    lasts: Micros,
    lag_max_ms: f64,
    targets: Vec<String>,
    pages: Vec<String>,
    now: Micros,
    phase: Phase,
    /// When the load began.
    start: Option<Micros>,
    pulse: Pulse,
    seconds: Vec<Second>,
    errors: Vec<ErrorCount>,
}

impl Sight {
    pub(super) fn new(config: &LoadConfig) -> Self {
        Self {
            seed: config.plan.seed,
            players: config.plan.stages.as_ref().map_or(config.plan.players, |_| 0),
            lasts: config.plan.lasts(),
            lag_max_ms: config.lag_max.as_secs_f64() * 1e3,
            targets: config.targets.clone(),
            pages: config.scrape.clone(),
            now: Micros(0),
            phase: Phase::Ramp,
            start: None,
            pulse: Pulse::default(),
            seconds: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, now: Micros, phase: Phase, recorder: &Recorder) {
        (self.now, self.phase) = (now, phase);
        if let Phase::Load { start } = phase {
            self.start = Some(start);
        }
        self.pulse = recorder.pulse();
        let series = recorder.series();
        self.seconds = series[series.len().saturating_sub(REACH)..].to_vec();
        self.errors = recorder.errors();
    }

    fn last(&self) -> Option<&Second> {
        self.seconds.last()
    }

    /// Seconds of the load that are over, and their part of all.
    fn progress(&self) -> (f64, f64) {
        let over = self.start.map_or(0.0, |start| self.now.since(start).0 as f64);
        let over = over.min(self.lasts.0 as f64);
        (over / 1e6, (over / self.lasts.0.max(1) as f64).clamp(0.0, 1.0))
    }
}

/// Draws the picture, from what matters most to what there is room for.
pub(super) fn draw(frame: &mut Frame<'_>, sight: &Sight) {
    let rows = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let shards = rows(sight.targets.len().min(SHARDS_MAX)) + 3;
    let servers = sight.pages.len().min(SERVERS_MAX);
    let servers = if servers == 0 { 0 } else { rows(servers) + 3 };
    let errors = sight.errors.len().min(ERRORS_MAX);
    let errors = if errors == 0 { 0 } else { rows(errors) + 2 };
    let [head, boss, rates, latencies, shard, server, error] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(2),
        Constraint::Min(4),
        Constraint::Length(8),
        Constraint::Length(shards),
        Constraint::Length(servers),
        Constraint::Length(errors),
    ])
    .areas(frame.area());
    draw_head(frame, head, sight);
    draw_boss(frame, boss, sight);
    draw_rates(frame, rates, sight);
    draw_latencies(frame, latencies, sight);
    draw_shards(frame, shard, sight);
    draw_servers(frame, server, sight);
    draw_errors(frame, error, sight);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    let [title, bar] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let pulse = &sight.pulse;
    let of_second = |second: &Second| (second.live, second.players);
    let (live, meant) = sight.last().map_or((pulse.live, sight.players), of_second);
    let failures = format!("  {} failures", grouped(pulse.connect_failures));
    let line = Line::from(vec![
        Span::styled(" worldboss loadgen ", BOLD),
        Span::styled(format!(" {} ", sight.phase.name()), BOLD.add_modifier(Modifier::REVERSED)),
        Span::raw(format!("  {} of {} players", grouped(live.into()), grouped(meant.into()))),
        Span::styled(failures, if pulse.connect_failures > 0 { BAD } else { DIM }),
        Span::raw(format!("  {} hits", grouped(pulse.sent))),
        Span::raw(format!("  {} unanswered", grouped(pulse.sent.saturating_sub(pulse.answered)))),
        Span::raw(format!("  {} reconnects", grouped(pulse.reconnects))),
    ]);
    frame.render_widget(Paragraph::new(line), title);
    let (over, part) = sight.progress();
    let label = format!("{over:.0} s of {:.0} s, seed {}", sight.lasts.0 as f64 / 1e6, sight.seed);
    let style = Style::new().fg(Color::Blue).bg(Color::Black);
    frame.render_widget(Gauge::default().gauge_style(style).ratio(part).label(label), bar);
}

fn draw_boss(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    let [bar, _] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let Some(boss) = sight.last().and_then(|second| second.boss) else {
        frame.render_widget(Paragraph::new(" nobody has seen the boss yet").style(DIM), bar);
        return;
    };
    let part = (boss.hp as f64 / boss.hp_max.max(1) as f64).clamp(0.0, 1.0);
    let label = format!(
        "boss, generation {}: {} of {} HP, {:.1} %",
        boss.generation,
        grouped(boss.hp),
        grouped(boss.hp_max),
        part * 100.0
    );
    let style = Style::new().fg(Color::Red).bg(Color::Black);
    frame.render_widget(Gauge::default().gauge_style(style).ratio(part).label(label), bar);
}

fn draw_rates(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
    let answers = |second: &Second| second.hits_answered;
    draw_spark(frame, left, sight, ("answers a second", Color::Cyan), answers);
    let slow = |second: &Second| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a latency is no more than an hour, and not negative"
        )]
        let ms = second.ack_ms.p99.round() as u64;
        ms
    };
    draw_spark(frame, right, sight, ("acknowledged, p99 in ms", Color::Yellow), slow);
}

/// A number over the last seconds, the newest one at the right.
fn draw_spark(
    frame: &mut Frame<'_>,
    area: Rect,
    sight: &Sight,
    (name, colour): (&str, Color),
    value: impl Fn(&Second) -> u64,
) {
    let room = usize::from(area.width.saturating_sub(2));
    let seconds = &sight.seconds[sight.seconds.len().saturating_sub(room)..];
    let values: Vec<_> = seconds.iter().map(value).collect();
    let now = grouped(values.last().copied().unwrap_or(0));
    let top = grouped(values.iter().copied().max().unwrap_or(0));
    let block = Block::bordered().title(format!(" {name}: {now} (top {top}) ")).border_style(DIM);
    let spark = Sparkline::default().block(block).data(&values).style(Style::new().fg(colour));
    frame.render_widget(spark, area);
}

fn draw_latencies(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    let Some(last) = sight.last() else { return };
    let rows = [
        ("acknowledged", last.ack_ms),
        ("in the truth", last.truth_ms),
        ("on other shards", last.cross_shard_ms),
        ("frame interval", last.frame_interval_ms),
        ("generator lag", last.generator_lag_ms),
    ];
    let rows = rows.map(|(name, latency)| {
        let Latency { count, p50, p90, p99, max, .. } = latency;
        let is_late = name == "generator lag" && p99 > sight.lag_max_ms;
        let ms = |it: f64| if count == 0 { "-".to_owned() } else { format!("{it:.1}") };
        let cells = [name.to_owned(), grouped(count), ms(p50), ms(p90), ms(p99), ms(max)];
        Row::new(right(cells)).style(if is_late { BAD } else { Style::new() })
    });
    let heads = ["this second, ms", "count", "p50", "p90", "p99", "max"].map(str::to_owned);
    let widths = [16, 11, 9, 9, 9, 9].map(Constraint::Length);
    frame.render_widget(table("latency", rows, heads, widths), area);
}

fn draw_shards(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    let Some(last) = sight.last() else { return };
    let shards = sight.targets.iter().zip(&last.shards).take(SHARDS_MAX);
    let rows = shards.map(|(target, shard)| {
        let (live, answers) = (grouped(shard.live.into()), grouped(shard.hits_answered));
        let ack = format!("{:.1}", shard.ack_p99_ms);
        Row::new(right([target.clone(), live, answers, grouped(shard.frames), ack]))
    });
    let heads = ["target", "players", "answers/s", "frames/s", "ack p99 ms"].map(str::to_owned);
    let widths = [30, 9, 11, 11, 12].map(Constraint::Length);
    frame.render_widget(table("shards", rows, heads, widths), area);
}

fn draw_servers(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    if area.height == 0 {
        return;
    }
    // A second is there before its pages are read.
    let read = sight.seconds.iter().rev().find(|second| second.servers.iter().any(Option::is_some));
    let Some(last) = read.or(sight.last()) else { return };
    let servers = sight.pages.iter().zip(&last.servers).take(SERVERS_MAX);
    let rows = servers.map(|(page, server)| {
        let told = server.map_or(["-", "-", "-"].map(str::to_owned), |server| {
            let mib = server.resident_bytes as f64 / f64::from(1 << 20);
            [format!("{:.2}", server.cores), format!("{mib:.0}"), format!("{:.2}", server.tick_ms)]
        });
        let [cores, memory, tick] = told;
        Row::new(right([page.clone(), cores, memory, tick]))
    });
    let heads = ["page", "cores", "MiB", "tick ms"].map(str::to_owned);
    let widths = [38, 9, 9, 9].map(Constraint::Length);
    frame.render_widget(table("servers", rows, heads, widths), area);
}

fn draw_errors(frame: &mut Frame<'_>, area: Rect, sight: &Sight) {
    if area.height == 0 {
        return;
    }
    let lines = sight.errors.iter().take(ERRORS_MAX).map(|line| {
        let style = if line.fault { BAD } else { Style::new().fg(Color::Yellow) };
        Line::styled(format!("{:>8} x {}", grouped(line.count), line.error), style)
    });
    let block = Block::bordered().title(" errors ").border_style(DIM);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn table<'a, const N: usize>(
    name: &'a str,
    rows: impl IntoIterator<Item = Row<'a>>,
    heads: [String; N],
    widths: [Constraint; N],
) -> Table<'a> {
    let block = Block::bordered().title(format!(" {name} ")).border_style(DIM);
    let head = Row::new(right(heads)).style(GOOD);
    Table::new(rows, widths).header(head).block(block)
}

/// The first cell is a name, the others are numbers.
fn right<const N: usize>(cells: [String; N]) -> Vec<Line<'static>> {
    let cells = cells.into_iter().enumerate();
    let placed = cells.map(|(place, text)| match place {
        0 => Line::from(text),
        _ => Line::from(text).right_aligned(),
    });
    placed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{BossSecond, PlanConfig, ServerSecond, ShardSecond};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn sight() -> Sight {
        let targets = vec!["ws://127.0.0.1:7801/ws".to_owned()];
        let scrape = vec!["http://127.0.0.1:7801/metrics".to_owned()];
        let plan = PlanConfig { seed: 4_711, ..PlanConfig::default() };
        let mut sight = Sight::new(&LoadConfig { targets, scrape, plan, ..LoadConfig::default() });
        sight.start = Some(Micros(2_000_000));
        sight.now = Micros(17_000_000);
        sight.phase = Phase::Load { start: Micros(2_000_000) };
        let latency = Latency { count: 900, p50: 61.0, p99: 117.5, ..Latency::default() };
        sight.seconds = vec![Second {
            players: 1_000,
            hits_answered: 1_987,
            ack_ms: latency,
            boss: Some(BossSecond { generation: 3, hp: 250, predicted: 200, hp_max: 1_000 }),
            shards: vec![ShardSecond { live: 987, ..ShardSecond::default() }],
            servers: vec![Some(ServerSecond { cores: 0.41, ..ServerSecond::default() })],
            ..Second::default()
        }];
        sight
    }

    fn drawn(sight: &Sight, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("it is drawn");
        terminal.draw(|frame| draw(frame, sight)).expect("it is drawn");
        terminal.backend().to_string()
    }

    #[test]
    fn a_picture_shows_progress_boss_rates_latencies_shards_and_servers() {
        let picture = drawn(&sight(), 120, 40);
        for needle in [
            "15 s of 30 s",
            "generation 3: 250 of 1,000 HP, 25.0 %",
            "answers a second: 1,987",
            "117.5",
            "ws://127.0.0.1:7801/ws",
            "987",
            "0.41",
            "seed 4711",
        ] {
            assert!(picture.contains(needle), "{needle} in\n{picture}");
        }
        assert!(!picture.contains("errors"));
    }

    #[test]
    fn errors_have_their_place_and_a_small_terminal_shows_what_it_can() {
        let mut sight = sight();
        let error = |fault| ErrorCount { error: "it broke".to_owned(), count: 7, fault };
        sight.errors = vec![error(true), error(false)];
        assert!(drawn(&sight, 120, 40).contains("7 x it broke"));
        for (width, height) in [(80, 24), (40, 12), (10, 3), (1, 1)] {
            drawn(&sight, width, height);
        }
        sight.seconds.clear();
        assert!(drawn(&sight, 100, 30).contains("nobody has seen the boss yet"));
    }
}
