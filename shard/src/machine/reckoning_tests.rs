//! Clients that get what is due beside one that gets every state.

use super::*;
use proptest::prelude::*;
use protocol::Status;
use ucore::Version;

const HP_MAX: u64 = 1_000_000;
const TICK_MS: u16 = 100;

fn state(tick: u64, hp: u64, rate: u64) -> State {
    State {
        tick: Tick(tick),
        version: Version(tick),
        hp,
        predicted: hp,
        rate,
        age_ms: 0,
        counted: Tick(tick),
        generation: Gen(1),
        status: Status::Alive,
        phase: 0,
        hp_max: HP_MAX,
        players: 1,
        tick_ms: TICK_MS,
    }
}

/// What happens in one tick.
#[derive(Debug, Clone, Copy, Default)]
struct Happens {
    /// Damage of the others that the truth has from now on.
    damage: u64,
    /// How much longer than usual the tick is, and says to be.
    wider_ms: u16,
    /// How late the next one is.
    late_ms: u64,
    /// The client's socket is full: it gets nothing.
    is_skipped: bool,
    /// Damage of the client's hits that are accepted in this tick.
    own: u64,
    /// The truth has what was accepted in the ticks before.
    is_counted: bool,
    /// The answer leaves alone, because the disk was late.
    is_alone: bool,
}

fn histories() -> impl Strategy<Value = Vec<Happens>> {
    let damage = prop_oneof![Just(0), 0..200_u64, 0..3_000_u64, 0..60_000_u64];
    let happens = |damage: BoxedStrategy<u64>, late: u64, skips: f64| {
        let own = prop_oneof![6 => Just(0), 2 => 0..300_u64, 1 => 0..2_000_u64];
        let wider = prop_oneof![9 => Just(0), 1 => Just(50), 1 => 0..900_u16];
        let (skipped, counted) = (prop::bool::weighted(skips), prop::bool::weighted(0.8));
        (damage, wider, 0..late, skipped, own, counted, any::<bool>()).prop_map(
            |(damage, wider_ms, late_ms, is_skipped, own, is_counted, is_alone)| Happens {
                damage,
                wider_ms,
                late_ms,
                is_skipped,
                own,
                is_counted,
                is_alone,
            },
        )
    };
    let calm = (0..200_u64).prop_flat_map(move |mean| {
        prop::collection::vec(happens((mean..mean + 20).boxed(), 30, 0.05), 1..60)
    });
    let wild = prop::collection::vec(happens(damage.boxed(), 250, 0.1), 1..60);
    prop::collection::vec(prop_oneof![calm, wild], 1..4).prop_map(|parts| parts.concat())
}

/// A boss, its shard, and a client that gets what is due.
#[derive(Debug, Default)]
struct World {
    reckoning: Reckoning,
    now: Micros,
    /// Until the next tick.
    tick_ms: u16,
    tick: u64,
    damage: u64,
    counted: u64,
    /// (time, damage) of the last second.
    recent: VecDeque<(Micros, u64)>,
    /// The client's accepted hits: (tick, damage). All of them, and all that the truth lacks.
    accepted: Vec<(u64, u64)>,
    uncounted: u64,
    /// What the client has: its base, the clock when it was made, and the ticks' length since.
    base: Option<(State, Micros)>,
    ticked_ms: u64,
    own: Own,
    frames: u32,
}

impl World {
    /// The state of the next tick.
    fn make(&mut self, happens: &Happens) -> State {
        self.now = Micros(self.now.0 + 1_000 * (u64::from(self.tick_ms) + happens.late_ms));
        self.ticked_ms += u64::from(self.tick_ms);
        self.tick_ms = TICK_MS + happens.wider_ms;
        self.damage += happens.damage;
        if happens.is_counted {
            self.damage += std::mem::take(&mut self.uncounted);
            self.counted = self.tick;
        }
        self.tick += 1;
        self.recent.push_back((self.now, self.damage));
        let second = Micros::from_millis(1_000);
        while self.recent.front().is_some_and(|(at, _)| self.now.since(*at) > second) {
            self.recent.pop_front();
        }
        let (first, last) = (self.recent.front().unwrap(), self.recent.back().unwrap());
        let micros = last.0.since(first.0).0;
        let rate = ((last.1 - first.1) * 1_000_000).checked_div(micros).unwrap_or(0);
        let hp = HP_MAX.saturating_sub(self.damage);
        let (counted, tick_ms) = (Tick(self.counted), self.tick_ms);
        State { counted, tick_ms, ..state(self.tick, hp, rate) }
    }

    fn step(&mut self, happens: &Happens) {
        let state = self.make(happens);
        let dues = self.reckoning.learn(self.now, state);
        self.uncounted += happens.own;
        if happens.own > 0 {
            self.accepted.push((self.tick, happens.own));
            let damage = self.accepted.iter().map(|(_, damage)| damage).sum();
            self.own.learn(state.tick, &tally(1, damage));
        }
        if happens.is_skipped {
            // It gets the next one, whatever that says.
            self.base = None;
            return;
        }
        let with_answer = happens.own > 0 && !happens.is_alone;
        if with_answer || dues.is_due(self.base.map(|(base, _)| base.tick), &self.own) {
            (self.base, self.ticked_ms) = (Some((state, self.now)), 0);
            self.own.renew(dues.counted());
            self.frames += 1;
        }
        self.check(&state);
    }

    /// Own accepted damage that a state does not count.
    fn lacking(&self, state: &State) -> i128 {
        let lacking = self.accepted.iter().filter(|(tick, _)| *tick > state.counted.0);
        lacking.map(|(_, damage)| i128::from(*damage)).sum()
    }

    /// By the clock and by the ticks, now and just before the next tick.
    fn check(&self, state: &State) {
        let (base, at) = self.base.unwrap();
        let waited = self.now.since(at).as_millis();
        assert!(waited <= 1_000 && self.ticked_ms <= 1_000, "it waited {waited} ms");
        for ms in [waited, self.ticked_ms] {
            for later in [0, u64::from(state.tick_ms)] {
                let shown = i128::from(base.hp_after(ms + later)) - self.lacking(&base);
                let right = i128::from(state.hp_after(later)) - self.lacking(state);
                let error = (shown - right).unsigned_abs();
                let text = "pixels of 2,000, and ms after tick";
                assert!(error * 2_000 < HP_MAX.into(), "{error} {text} {later} {}", self.tick);
            }
        }
    }
}

/// Runs a history; answers the frames that the client got, and the ticks.
fn run(history: impl IntoIterator<Item = Happens>) -> (u32, u64) {
    let mut world = World::default();
    history.into_iter().for_each(|happens| world.step(&happens));
    (world.frames, world.tick)
}

proptest! {
    #[test]
    fn at_every_tick_a_client_is_within_half_a_pixel_of_one_that_gets_every_tick(
        history in histories(),
    ) {
        run(history);
    }
}

#[test]
fn a_steady_fight_needs_two_frames_a_second_at_most() {
    // The boss lasts for 100 s; every tick varies by a tenth.
    let mut random = fastrand::Rng::with_seed(7);
    let steady = |damage| Happens { damage, is_counted: true, ..Happens::default() };
    let (frames, ticks) = run((0..900).map(|_| steady(random.u64(900..1_100))));
    assert!(u64::from(frames) * 5 <= ticks, "{frames} frames in {ticks} ticks");
    let (frames, ticks) = run((0..900).map(|_| steady(0)));
    assert!((90..=100).contains(&frames), "{frames} frames in {ticks} idle ticks");
}

#[test]
fn what_a_client_can_not_reckon_is_due_at_once() {
    let changes: [fn(&mut State); 5] = [
        |state| state.generation = Gen(2),
        |state| state.status = Status::Defeated,
        |state| state.phase = 1,
        |state| state.hp_max += 1,
        |state| state.hp = 0,
    ];
    for change in changes {
        let mut reckoning = Reckoning::default();
        let start = state(1, 1, 0);
        reckoning.learn(Micros(0), start);
        let same = state(2, 1, 0);
        let mut other = same;
        change(&mut other);
        let due = |reckoning: &mut Reckoning, state| {
            let dues = reckoning.learn(Micros(100_000), state);
            dues.is_due(Some(Tick(1)), &Own::default())
        };
        assert!(!due(&mut Reckoning { made: reckoning.made.clone() }, same));
        assert!(due(&mut reckoning, other), "{other:?}");
    }
}

#[test]
fn a_base_that_is_not_remembered_makes_every_state_due() {
    let mut reckoning = Reckoning::default();
    let own = Own::default();
    for tick in 1..=200 {
        let quick = State { tick_ms: 1, ..state(tick, 500, 0) };
        let dues = reckoning.learn(Micros(tick * 1_000), quick);
        assert!(dues.is_due(None, &own) && dues.is_due(Some(Tick(0)), &own));
        assert!(dues.is_due(Some(Tick(tick + 1)), &own), "of a past that is gone");
        assert_eq!(dues.errors.len(), RECKONED_TICKS_MAX.min(usize::try_from(tick).unwrap()));
        let oldest = tick.saturating_sub(63).max(1);
        assert!(!dues.is_due(Some(Tick(oldest)), &own));
        assert!(dues.is_due(Some(Tick(oldest - 1)), &own));
    }
    // After a gap in the ticks nothing is known of what came before.
    let dues = reckoning.learn(Micros(300_000), state(300, 500, 0));
    assert!(dues.is_due(Some(Tick(200)), &own));
}

fn tally(generation: u32, damage: u64) -> [Tally; 1] {
    [Tally { generation: Gen(generation), hits: 1, damage, late: 0 }]
}

#[test]
fn own_damage_that_the_truth_counts_is_in_the_bar_twice_until_the_next_state() {
    // Half a pixel is 500 HP. Nobody else hits, so the truth falls by what the bar has subtracted.
    let (mut reckoning, mut own) = (Reckoning::default(), Own::default());
    own.begin(&tally(1, 7_000));
    let mut frame = |tick, counted, damage| {
        let state = State { counted: Tick(counted), ..state(tick, HP_MAX - damage, 0) };
        reckoning.learn(Micros(tick * 100_000), state)
    };
    let dues = frame(1, 1, 0);
    own.renew(dues.counted());
    own.learn(Tick(2), &tally(1, 7_300));
    own.learn(Tick(3), &tally(1, 7_600));
    let shown = Some(Tick(1));
    assert!(!frame(2, 1, 0).is_due(shown, &own), "nothing is counted");
    assert!(frame(3, 2, 300).is_due(shown, &own), "300 in the truth, and in doubt 600 of its own");
    own.renew(Tick(2));
    assert!(!frame(4, 2, 300).is_due(Some(Tick(3)), &own), "the rest is not counted");
    assert!(frame(5, 3, 600).is_due(Some(Tick(3)), &own));
    own.renew(Tick(3));
    assert!(!frame(6, 6, 600).is_due(Some(Tick(5)), &own));
    // In another generation, and by a tally that tells nothing new, it begins at nothing.
    own.learn(Tick(7), &tally(1, 7_600));
    own.learn(Tick(7), &tally(2, 400));
    assert_eq!((own.counted_by(Tick(6)), own.counted_by(Tick(7))), (0, 400));
}
