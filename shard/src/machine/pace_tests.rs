//! A shard that is overloaded: what it says, and that time alone decides all the same.

use super::*;
use crate::machine::{Answer, ConnId, Fresh, Journal, Machine, Opened, Output, Request};
use protocol::{
    Ack, BossId, CloseCode, EnterAnswer, Gen, Hello, Hit, InputSeq, JournalId, PROTOCOL, PlayerId,
    RefusalReason, Scenario, ShardId, SkillId, Status, Token, Truth, Welcome,
};
use ucore::{Bin, Chain, Version};

/// A shard whose boss is alive, with one player.
struct Game {
    machine: Machine,
    now: Micros,
    seq: u32,
    greeted: Option<Welcome>,
    acks: Vec<Ack>,
}

impl Game {
    fn new() -> Self {
        let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
        let (version, chain, generation) = (Version(1), Chain::START, Gen(1));
        let (hp_max, damage, status) = (spec.hp_max, 0, Status::Alive);
        let (phase, players, waited) = (0, 1, 0);
        let truth =
            Truth { version, chain, generation, hp_max, damage, status, phase, players, waited };
        let (id, boss, shard) = (JournalId(Bin([1; 16])), BossId(1), ShardId(1));
        let journal = Journal::begin(id, boss, shard, None, false);
        let opened = Opened { journal, spec: spec.clone(), truth, late: Vec::new() };
        let machine = Machine::new(opened, Micros(0), 7);
        let mut game = Self { machine, now: Micros(0), seq: 0, greeted: None, acks: Vec::new() };
        let asked = game.machine.poll_request(game.now);
        assert!(matches!(asked, Some(Request::Enter(_))), "{asked:?}");
        let entered = EnterAnswer::Entered { spec: Box::new(spec), truth };
        game.machine.handle_answer(game.now, Answer::Enter(entered));
        game.hello(1);
        game
    }

    fn hello(&mut self, conn: u64) {
        let (token, player) = (Token(Bin([7; 16])), PlayerId(7));
        let hello =
            Hello { protocol: PROTOCOL, name: "Ada".to_owned(), session: Some(token), every: 0 };
        self.machine.handle_hello(ConnId(conn), hello, Fresh { token, player });
        self.tick();
    }

    /// Hits with a skill, so many milliseconds from now.
    fn hit(&mut self, after_ms: u64, skill: u8) {
        self.seq += 1;
        let hit = Hit { generation: Gen(1), seq: InputSeq(self.seq), skill: SkillId(skill) };
        self.machine.handle_hit(self.now + Micros::from_millis(after_ms), ConnId(1), hit);
    }

    /// A tick passes, as long as its state says.
    fn tick(&mut self) {
        self.now = self.now + Micros::from_millis(self.tick_ms().into());
        self.machine.handle_tick();
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Journal(_) => self.machine.handle_synced(),
                Output::Welcome(_, welcome, _) => self.greeted = Some(*welcome),
                Output::Ack(_, ack) => self.acks.push(ack),
                // The same player comes once more.
                Output::Close(ConnId(1), CloseCode::Replaced, _) => {}
                Output::Close(..)
                | Output::Card(..)
                | Output::Spoils(..)
                | Output::Fenced
                | Output::Abandoned(_) => panic!("{output:?}"),
            }
        }
    }

    fn tick_ms(&self) -> u16 {
        self.machine.state(self.now).tick_ms
    }

    /// So many ticks with so much work.
    fn work(&mut self, ticks: u32, ms: u64) -> u16 {
        for _ in 0..ticks {
            self.tick();
            self.machine.handle_worked(Micros::from_millis(ms));
        }
        self.tick_ms()
    }
}

#[test]
fn a_shard_that_is_overloaded_tells_everybody_how_wide_its_ticks_are_and_recovers() {
    let mut game = Game::new();
    assert_eq!(game.work(10, 50), 100, "it keeps its pace");
    assert_eq!([game.work(3, 110), game.work(3, 130)], [150, 225]);
    game.hello(2);
    assert_eq!(game.greeted.as_ref().unwrap().tick_ms, 225, "who comes now is told so, too");
    assert_eq!([game.work(20, 50), game.work(20, 50), game.work(100, 50)], [150, 100, 100]);
}

#[test]
fn in_a_wide_tick_hits_are_judged_by_the_time_at_which_they_came() {
    let mut game = Game::new();
    assert_eq!(game.work(100, 5_000), TICK_MS_MAX);
    // The bucket holds 16 and gets one more in each 125 ms, so the tick has room for 23.
    (0..40).for_each(|nth| game.hit(nth * 25, 1));
    game.tick();
    let ack = game.acks.pop().unwrap();
    assert!(game.acks.is_empty(), "one answer for the tick");
    assert_eq!((ack.seq, ack.tallies[0].hits), (InputSeq(40), 23));
    assert!(ack.refused.iter().all(|refused| refused.reason == RefusalReason::Rate));
    assert_eq!(ack.refused.len(), 17);
    // The second skill cools down in 3 s, by the clock and not by ticks.
    let ticks =
        [&[(900, true)][..], &[(950, false)], &[(950, false)], &[(899, false), (900, true)]];
    for hits in ticks {
        hits.iter().for_each(|(after_ms, _)| game.hit(*after_ms, 2));
        game.tick();
        let refused = game.acks.pop().unwrap().refused.len();
        let expected = hits.iter().filter(|(_, is_accepted)| !is_accepted).count();
        assert_eq!(refused, expected, "{hits:?}");
    }
}
