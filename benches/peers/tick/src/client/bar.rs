//! What the bars of worldboss's players show, for those of `seen` and their witnesses.

use loadgen::machine::Span;
use protocol::{Ack, ShardMessage, State, Tick};
use ucore::Updatable;

/// What a player tells about the boss's HP.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// A witness: this is the state of a tick.
    Truth(State),
    /// Another one: this was shown until now.
    Shown(Box<Span>),
}

/// Who has the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// It gets a state in every tick.
    Witness,
    /// It gets what can be seen, and reckons in between.
    Reckoner,
}

/// One player's.
#[derive(Debug)]
pub(super) struct Bar {
    whose: Whose,
    base: Option<State>,
    /// Damage of accepted hits, as last told. The boss lives through the run, so it has one sum.
    damage: u64,
    /// (tick, damage) of accepted hits that the base does not count. At most those of two seconds:
    /// no base is older, and none is sent that counts less.
    own: Vec<(Tick, u64)>,
}

impl Bar {
    pub(super) fn new(whose: Whose) -> Self {
        Self { whose, base: None, damage: 0, own: Vec::new() }
    }

    /// Takes a message. Those that are no Ack, State or Change are not looked at.
    pub(super) fn hear(&mut self, payload: &[u8]) -> Result<Option<Told>, String> {
        if !matches!(payload, [_, 2 | 3 | 5, ..]) {
            return Ok(None);
        }
        match ShardMessage::decode(payload).map_err(|error| error.to_string())? {
            ShardMessage::Ack(ack) => self.accepted(&ack),
            ShardMessage::State(state) => return Ok(self.follow(state)),
            ShardMessage::Change(update) => {
                let mut state = self.base.ok_or("a Change came before a State")?;
                state.apply(update).map_err(|reject| reject.to_string())?;
                return Ok(self.follow(state));
            }
            ShardMessage::Welcome(_)
            | ShardMessage::Boss(_)
            | ShardMessage::Board(_)
            | ShardMessage::Spoils(_) => {}
        }
        Ok(None)
    }

    fn accepted(&mut self, ack: &Ack) {
        let Some(tally) = ack.tallies.last() else { return };
        let before = std::mem::replace(&mut self.damage, tally.damage);
        let counted = self.base.map_or(Tick(0), |base| base.counted);
        if !ack.folded && tally.damage > before && ack.tick > counted {
            self.own.push((ack.tick, tally.damage - before));
        }
    }

    fn follow(&mut self, state: State) -> Option<Told> {
        let base = self.base.replace(state);
        let told = match self.whose {
            Whose::Witness => Some(Told::Truth(state)),
            Whose::Reckoner => base.map(|base| {
                Told::Shown(Box::new(Span { base, until: state.tick, own: self.own.clone() }))
            }),
        };
        self.own.retain(|(tick, _)| *tick > state.counted);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Gen, InputSeq, Status, Tally};
    use ucore::{Version, encode};

    fn state(tick: u64, counted: u64) -> State {
        State {
            tick: Tick(tick),
            version: Version(tick),
            hp: 1_000 - tick,
            predicted: 1_000 - tick,
            rate: 10,
            age_ms: 0,
            counted: Tick(counted),
            generation: Gen(1),
            status: Status::Alive,
            phase: 0,
            hp_max: 1_000,
            players: 1,
            tick_ms: 100,
        }
    }

    fn ack(tick: u64, damage: u64, folded: bool) -> ShardMessage {
        let tally = Tally { generation: Gen(1), hits: 1, damage, late: 0 };
        let tallies = [tally].into_iter().collect();
        let (tick, seq, refused) = (Tick(tick), InputSeq(1), Vec::new());
        ShardMessage::Ack(Ack { tick, seq, tallies, refused, folded })
    }

    fn heard(whose: Whose, messages: &[ShardMessage]) -> Vec<Told> {
        let mut bar = Bar::new(whose);
        let told = messages.iter().map(|message| bar.hear(&encode(message)).expect("a message"));
        told.flatten().collect()
    }

    #[test]
    fn a_bar_has_own_damage_until_its_base_counts_it() {
        let (first, second) = (state(1, 0), state(4, 3));
        let change = ShardMessage::Change(second.since(&first));
        let third = ShardMessage::State(state(9, 8));
        let all = [ShardMessage::State(first), ack(3, 1, false), ack(4, 3, false), change, third];
        let shown = |base, until, own: &[(u64, u64)]| {
            let own = own.iter().map(|(tick, damage)| (Tick(*tick), *damage)).collect();
            Told::Shown(Box::new(Span { base, until: Tick(until), own }))
        };
        let expected = vec![shown(first, 4, &[(3, 1), (4, 2)]), shown(second, 9, &[(4, 2)])];
        assert_eq!(heard(Whose::Reckoner, &all), expected);
        let states = [first, second, state(9, 8)].map(Told::Truth);
        assert_eq!(heard(Whose::Witness, &all), states);
    }

    #[test]
    fn damage_of_which_nobody_knows_the_tick_is_in_no_bar() {
        let (first, second) = (ShardMessage::State(state(5, 4)), ShardMessage::State(state(6, 5)));
        for unknown in [ack(5, 1, true), ack(4, 1, false)] {
            let told = heard(Whose::Reckoner, &[first.clone(), unknown, second.clone()]);
            let span = Span { base: state(5, 4), until: Tick(6), own: Vec::new() };
            assert_eq!(told, [Told::Shown(Box::new(span))]);
        }
    }

    #[test]
    fn a_change_without_a_state_is_an_error() {
        let change = ShardMessage::Change(state(2, 1).since(&state(1, 0)));
        assert!(Bar::new(Whose::Witness).hear(&encode(&change)).is_err());
        assert_eq!(Bar::new(Whose::Witness).hear(&[0x92, 6]), Ok(None));
    }
}
