//! The health bar of players who get what can be seen, beside what every tick's state says.

use hdrhistogram::Histogram;
use protocol::{State, Tick};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Ticks of a target whose states are remembered, whoever got them.
const TICKS_MAX: usize = 1_024;
/// Spans of a target that wait for the states of their ticks. Older ones are not compared.
const WAITING_MAX: usize = 16_384;
/// What differs in more than its HP is wrong by the whole bar.
const BAR_PX: f64 = 1_000.0;

/// What a player's bar showed from one state to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The state from which the bar was reckoned.
    pub base: State,
    /// The tick of the next state that came: it shows that one.
    pub until: Tick,
    /// (tick, damage) of own accepted hits that the base does not count.
    pub own: Vec<(Tick, u64)>,
}

/// By how much bars were wrong, in pixels of a bar of 1,000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BarError {
    /// Ticks of players that were compared.
    pub count: u64,
    /// 99 of a hundred were no worse; with three significant digits.
    pub p99: f64,
    /// The worst.
    pub max: f64,
}

/// Compares the bars of all players.
#[derive(Debug)]
pub struct Bars {
    targets: Vec<Target>,
    errors: PixelErrors,
}

/// Errors of bars, kept as a histogram of thousandths of a pixel.
#[derive(Debug)]
pub(super) struct PixelErrors {
    histogram: Histogram<u64>,
    worst: f64,
}

#[derive(Debug, Default)]
struct Target {
    /// A shard's states are the same for all its players.
    states: BTreeMap<Tick, State>,
    waiting: VecDeque<Box<Span>>,
}

impl Bars {
    /// Nothing yet, for players of this many targets.
    #[must_use]
    pub fn new(targets: usize) -> Self {
        Self {
            targets: std::iter::repeat_with(Target::default).take(targets).collect(),
            errors: PixelErrors::default(),
        }
    }

    /// A player of a target got a state. One that gets every state gives the others something to
    /// be held against.
    pub fn handle_state(&mut self, target: usize, state: &State) {
        let Some(at) = self.targets.get_mut(target) else { return };
        match at.states.get(&state.tick) {
            Some(known) if known == state => return,
            // The shard came back with an older disk, so what is known of that tick, of later ones
            // and of bars is of another past.
            Some(_) => {
                at.states.split_off(&state.tick);
                at.waiting.clear();
            }
            None => {}
        }
        at.states.insert(state.tick, *state);
        if at.states.len() > TICKS_MAX {
            at.states.pop_first();
        }
        while at.waiting.front().is_some_and(|span| span.until <= state.tick.next()) {
            let Some(span) = at.waiting.pop_front() else { break };
            at.errors(&span).for_each(|px| self.errors.record(px));
        }
    }

    /// A player of a target got the next state, so what it showed before is known.
    pub fn handle_span(&mut self, target: usize, span: Box<Span>) {
        let Some(at) = self.targets.get_mut(target) else { return };
        let newest = at.states.last_key_value().map_or(Tick(0), |(tick, _)| *tick);
        if newest.next() >= span.until {
            at.errors(&span).for_each(|px| self.errors.record(px));
            return;
        }
        at.waiting.push_back(span);
        if at.waiting.len() > WAITING_MAX {
            at.waiting.pop_front();
        }
    }

    /// What was measured.
    #[must_use]
    pub fn error(&self) -> BarError {
        self.errors.error()
    }

    pub(super) fn errors(&self) -> &PixelErrors {
        &self.errors
    }
}

impl Default for PixelErrors {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 1_000_000, 3);
        let histogram = histogram.expect("the bounds are apart, and three digits are allowed");
        Self { histogram, worst: 0.0 }
    }
}

impl PixelErrors {
    /// Enters an error in pixels.
    fn record(&mut self, px: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a million, and not negative"
        )]
        let thousandths = (px * 1_000.0) as u64;
        self.histogram.saturating_record(thousandths);
        self.worst = self.worst.max(px);
    }

    pub(super) fn error(&self) -> BarError {
        let p99 = self.histogram.value_at_quantile(0.99) as f64 / 1_000.0;
        BarError { count: self.histogram.len(), p99: p99.min(self.worst), max: self.worst }
    }

    /// (thousandths of a pixel, ticks) of each bucket that has any, in order.
    pub(super) fn buckets(&self) -> Vec<(u64, u64)> {
        let recorded = self.histogram.iter_recorded();
        recorded.map(|it| (it.value_iterated_to(), it.count_since_last_iteration())).collect()
    }

    /// Adds what [`Self::buckets`] gave of other bars, of which this many pixels were the worst.
    pub(super) fn add(&mut self, buckets: &[(u64, u64)], worst: f64) {
        let record = |(px, count): &(u64, u64)| self.histogram.saturating_record_n(*px, *count);
        buckets.iter().for_each(record);
        self.worst = self.worst.max(worst);
    }
}

impl Target {
    /// By how many pixels a bar was wrong at each tick behind its base, where the state is known.
    fn errors<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = f64> + 'a {
        let mut ms = 0;
        let ticks = span.base.tick.0.saturating_add(1)..span.until.0;
        // The ticks of another past say nothing, however many they are.
        ticks.take(TICKS_MAX).filter_map(move |tick| {
            let before = self.states.get(&Tick(tick - 1)).unwrap_or(&span.base);
            ms += u64::from(before.tick_ms);
            self.states.get(&Tick(tick)).map(|state| span.error(ms, state))
        })
    }
}

impl Span {
    /// By how many pixels the bar differs, after so many milliseconds, from one with that state.
    fn error(&self, ms: u64, state: &State) -> f64 {
        let life = |state: &State| (state.generation, state.status, state.phase, state.hp_max);
        if life(&self.base) != life(state) {
            return BAR_PX;
        }
        let counted = self.own.iter().filter(|(tick, _)| *tick <= state.counted);
        let own: i128 = counted.map(|(_, damage)| i128::from(*damage)).sum();
        // Both bars lack what is not counted. This one still lacks what is counted since its base.
        let shown = i128::from(self.base.hp_after(ms)) - own;
        let error = (shown - i128::from(state.hp)).unsigned_abs();
        (error as f64 * BAR_PX / state.hp_max.max(1) as f64).min(BAR_PX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Gen, Status};
    use ucore::Version;

    /// Damage goes on at 10 HP a tick, of 10,000: a pixel.
    fn state(tick: u64, hp: u64) -> State {
        State {
            tick: Tick(tick),
            version: Version(tick),
            hp,
            predicted: hp,
            rate: 100,
            age_ms: 0,
            counted: Tick(tick.saturating_sub(1)),
            generation: Gen(1),
            status: Status::Alive,
            phase: 0,
            hp_max: 10_000,
            players: 1,
            tick_ms: 100,
        }
    }

    fn span(base: State, until: u64, own: &[(u64, u64)]) -> Box<Span> {
        let own = own.iter().map(|(tick, damage)| (Tick(*tick), *damage)).collect();
        Box::new(Span { base, until: Tick(until), own })
    }

    fn compared(states: &[State], span: Box<Span>) -> (u64, f64) {
        let (mut before, mut behind) = (Bars::new(1), Bars::new(1));
        before.handle_span(0, span.clone());
        states.iter().for_each(|state| before.handle_state(0, state));
        states.iter().for_each(|state| behind.handle_state(0, state));
        behind.handle_span(0, span);
        assert_eq!(before.error(), behind.error(), "whoever comes first");
        (before.error().count, before.error().max)
    }

    #[test]
    fn a_bar_is_compared_at_every_tick_until_its_next_state() {
        let states = [state(1, 1_000), state(2, 990), state(3, 975), state(4, 800)];
        assert_eq!(compared(&states, span(states[0], 4, &[])), (2, 0.5));
        assert_eq!(compared(&states, span(states[0], 2, &[])), (0, 0.0));
        assert_eq!(compared(&[states[0], states[2]], span(states[0], 4, &[])), (1, 0.5));
    }

    #[test]
    fn own_damage_is_in_the_bar_until_the_truth_counts_it_and_twice_from_then_on() {
        let states = [state(1, 1_000), state(2, 990), state(3, 980)];
        // Tick 3 counts what was accepted in tick 2, and not yet that of tick 3.
        assert_eq!(compared(&states, span(states[0], 3, &[(2, 30)])), (1, 0.0));
        assert_eq!(compared(&states, span(states[0], 4, &[(2, 30), (3, 500)])), (2, 3.0));
    }

    #[test]
    fn a_life_that_nobody_was_told_of_is_wrong_by_the_whole_bar() {
        let next = State { generation: Gen(2), ..state(2, 990) };
        assert_eq!(compared(&[state(1, 1_000), next], span(state(1, 1_000), 3, &[])), (1, BAR_PX));
    }

    #[test]
    fn what_a_shard_said_before_it_came_back_with_an_older_disk_is_held_against_nobody() {
        let mut bars = Bars::new(1);
        (1..=4).for_each(|tick| bars.handle_state(0, &state(tick, 1_000 - 10 * tick)));
        // Ticks 3 and 4 come again, and nobody has hit.
        (3..=4).for_each(|tick| bars.handle_state(0, &State { rate: 0, ..state(tick, 980) }));
        bars.handle_span(0, span(State { rate: 0, ..state(3, 980) }, 5, &[]));
        let BarError { count, max, .. } = bars.error();
        assert_eq!((count, max), (1, 0.0));
    }

    #[test]
    fn a_tick_lasts_as_long_as_its_state_says() {
        let wide = State { tick_ms: 400, ..state(1, 1_000) };
        assert_eq!(compared(&[wide, state(2, 960)], span(wide, 3, &[])), (1, 0.0));
    }

    #[test]
    fn errors_that_were_split_and_added_again_are_the_same() {
        let of = |pixels: &[f64]| {
            let mut errors = PixelErrors::default();
            pixels.iter().for_each(|px| errors.record(*px));
            errors
        };
        let (one, other) = (of(&[1_000.0, 0.25, 0.25]), of(&[0.0, 3.123_456, 999.7]));
        let whole = of(&[0.0, 0.25, 0.25, 999.7, 1_000.0, 3.123_456]);
        let mut merged = PixelErrors::default();
        for part in [one, other] {
            merged.add(&part.buckets(), part.error().max);
        }
        assert_eq!((merged.error(), merged.buckets()), (whole.error(), whole.buckets()));
    }
}
