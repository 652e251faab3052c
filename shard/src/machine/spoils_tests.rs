//! A machine whose authority is played by hand: what it says of a fallen boss, to whom and when.

use super::*;
use crate::machine::{Answer, Fresh, Journal, Opened, Record, Session};
use protocol::{
    Board, BossId, EnterAnswer, Hello, Hit, InputSeq, JournalId, PushAnswer, RefusalReason,
    Scenario, ShardId, SkillId, Standing, Standings, Tally, Tick, Token, Truth, Verdict,
};
use ucore::{Bin, Chain, Updatable, Version};

/// A truth at some point of a life.
fn truth(generation: u32, status: Status, waited: u32) -> Truth {
    Truth {
        version: Version(u64::from(generation) * 100 + u64::from(waited)),
        chain: Chain::START,
        generation: Gen(generation),
        hp_max: 1_000,
        damage: if status == Status::Alive { 0 } else { 1_000 },
        status,
        phase: 0,
        players: 1,
        waited,
    }
}

/// A shard, and the truth that its authority tells.
struct Game {
    machine: Machine,
    now: Micros,
    truth: Truth,
    standings: Option<Box<Standings>>,
    asked: Vec<Shares>,
    output: Vec<Output>,
}

fn spec() -> protocol::BossSpec {
    let mut spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    spec.skills[0].damage = 10;
    spec.skills[0].crit_percent = 0;
    spec
}

impl Game {
    fn new(truth: Truth) -> Self {
        Self::on(Journal::begin(JournalId(Bin([1; 16])), BossId(1), ShardId(1), None, false), truth)
    }

    fn on(journal: Journal, truth: Truth) -> Self {
        let opened = Opened { journal, spec: spec(), truth, late: Vec::new() };
        let machine = Machine::new(opened, Micros(0), 7);
        let (asked, output) = (Vec::new(), Vec::new());
        Self { machine, now: Micros(0), truth, standings: None, asked, output }
    }

    /// A tick, and the request that is due then. The question for shares is left to the caller.
    fn tick(&mut self) -> Option<Shares> {
        self.now = self.now + Micros::from_millis(100);
        self.machine.handle_tick();
        self.drain();
        let request = self.machine.poll_request(self.now)?;
        let truth = self.truth;
        let answer = match request {
            Request::Shares(shares) => {
                self.asked.push(shares.clone());
                return Some(shares);
            }
            Request::Enter(_) => {
                Answer::Enter(EnterAnswer::Entered { spec: Box::new(spec()), truth })
            }
            Request::Push(push) => Answer::Push(PushAnswer {
                verdict: Verdict::Counted,
                applied: push.interval.to,
                late: Vec::new(),
                rolled_back: false,
                standings: self.standings.clone().filter(|it| it.number != push.standings),
                truth,
            }),
            Request::Join(_) => unreachable!("the journal is known"),
        };
        self.machine.handle_answer(self.now, answer);
        self.drain();
        None
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if matches!(output, Output::Journal(_)) {
                self.machine.handle_synced();
            }
            self.output.push(output);
        }
    }

    fn hello(&mut self, conn: u64, player: u64) {
        let number = u8::try_from(player).unwrap();
        let (token, player) = (Token(Bin([number; 16])), PlayerId(player));
        let (protocol, name) = (protocol::PROTOCOL, "Ada".to_owned());
        let hello = Hello { protocol, name, session: Some(token), every: 1 };
        self.machine.handle_hello(ConnId(conn), hello, Fresh { token, player });
    }

    fn hit(&mut self, conn: u64) {
        let (generation, skill) = (self.truth.generation, SkillId(1));
        let hit = Hit { generation, seq: InputSeq(1), skill };
        self.machine.handle_hit(self.now, ConnId(conn), hit);
    }

    /// Ticks until the question is asked.
    fn question(&mut self) -> Shares {
        let asked = (0..100).find_map(|_| self.tick());
        asked.expect("the shard asks what its players get")
    }

    fn answer(&mut self, shares: &Shares, damage: u64) {
        let shares = shares.players.iter().map(|player| share(*player, damage)).collect();
        let answer = SharesAnswer::Shared { shares, players: 9 };
        self.machine.handle_answer(self.now, Answer::Shares(answer));
        self.drain();
    }

    /// Who was told of which spoils since the last call.
    fn told(&mut self) -> Vec<(u64, Spoils)> {
        let told = std::mem::take(&mut self.output).into_iter().filter_map(|output| match output {
            Output::Spoils(conn, spoils) => Some((conn.0, spoils)),
            Output::Journal(_)
            | Output::Welcome(..)
            | Output::Card(..)
            | Output::Ack(..)
            | Output::Close(..)
            | Output::Fenced
            | Output::Abandoned(_) => None,
        });
        told.collect()
    }

    /// Two players come, and the first one hits.
    fn fight(&mut self) {
        self.hello(1, 11);
        self.hello(2, 22);
        while !self.machine.gate().open {
            self.tick();
        }
        self.hit(1);
        self.tick();
        self.tick();
    }

    fn status(&self) -> Status {
        self.machine.state(self.now).status
    }
}

fn share(player: PlayerId, damage: u64) -> Share {
    Share { player, rank: 3, damage, credit: damage, rewards: vec![protocol::RewardId(1)] }
}

#[test]
fn players_are_told_a_status_when_a_later_one_is_seen() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    let stages = [
        (Status::Defeated, 0, Status::Alive),
        (Status::Collecting, 0, Status::Defeated),
        (Status::Collecting, 1, Status::Collecting),
        (Status::Closed, 0, Status::Collecting),
        (Status::Credited, 0, Status::Closed),
        (Status::Rewarded, 0, Status::Credited),
        (Status::Rewarded, 1, Status::Rewarded),
    ];
    game.fight();
    for (status, waited, told) in stages {
        game.truth = truth(1, status, waited);
        game.tick();
        assert_eq!(game.status(), told, "{status:?} after {waited} waits");
        let (accepted, refused) = (game.machine.counts().accepted, RefusalReason::Defeated);
        let before = game.machine.counts().refused.get(&refused).copied().unwrap_or(0);
        let hit = Hit {
            generation: Gen(1),
            seq: InputSeq(9 + waited + 10 * u32::from(status.code())),
            skill: SkillId(1),
        };
        game.machine.handle_hit(game.now, ConnId(1), hit);
        assert_eq!(game.machine.counts().accepted, accepted, "nothing is admitted after death");
        assert_eq!(game.machine.counts().refused[&refused], before + 1);
        if game.machine.settled.asked_last {
            game.machine.handle_no_answer(game.now);
        }
    }
}

#[test]
fn a_player_with_damage_is_told_once_and_nobody_before_the_rewards_are_announced() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    game.fight();
    for (status, waited) in [(Status::Collecting, 0), (Status::Closed, 0), (Status::Rewarded, 0)] {
        game.truth = truth(1, status, waited);
        for _ in 0..3 {
            assert_eq!(game.tick(), None, "{status:?} may still be taken back");
        }
    }
    game.truth = truth(1, Status::Rewarded, 1);
    let asked = game.question();
    assert_eq!((asked.generation, &asked.players[..]), (Gen(1), &[PlayerId(11)][..]));
    game.answer(&asked, 10);
    let spoils = Spoils { generation: Gen(1), share: share(PlayerId(11), 10), players: 9 };
    assert_eq!(game.told(), [(1, spoils.clone())]);
    // A connection that comes later is told after its Welcome, and who had no part is told nothing.
    game.machine.handle_gone(ConnId(1));
    game.hello(3, 11);
    game.hello(4, 22);
    game.tick();
    let welcomed = game.output.iter().position(|it| matches!(it, Output::Welcome(ConnId(3), ..)));
    let then = game.output.iter().position(|it| matches!(it, Output::Spoils(ConnId(3), _)));
    assert!(welcomed.unwrap() < then.unwrap());
    assert_eq!(game.told(), [(3, spoils.clone())]);
    // The next generation begins, and still nobody is told twice.
    game.truth = truth(2, Status::Alive, 0);
    for _ in 0..5 {
        assert_eq!(game.tick(), None);
    }
    assert_eq!(game.told(), []);
    assert_eq!(game.asked.len(), 1);
    game.hello(5, 11);
    game.tick();
    assert_eq!(game.told(), [(5, spoils)], "the newest settled generation is still known");
}

#[test]
fn a_question_without_an_answer_is_repeated_and_holds_up_no_push() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    game.fight();
    game.truth = truth(1, Status::Rewarded, 1);
    let mut waits = Vec::new();
    for _ in 0..6 {
        let began = game.now;
        game.question();
        waits.push(game.now.since(began).as_millis());
        game.machine.handle_no_answer(game.now);
        assert_eq!(game.tick(), None, "another request goes first");
        assert_eq!(game.machine.state(game.now).age_ms, 0, "and brings the truth");
    }
    assert!(waits.iter().max().unwrap() > &300, "{waits:?}: it backs off");
    let asked = game.question();
    game.answer(&asked, 10);
    assert_eq!(game.told().len(), 1);
}

#[test]
fn what_the_authority_does_not_know_is_asked_for_again_later() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    game.fight();
    game.truth = truth(1, Status::Rewarded, 1);
    game.question();
    game.machine.handle_answer(game.now, Answer::Shares(SharesAnswer::Unknown));
    assert_eq!(game.told(), []);
    let asked = game.question();
    game.answer(&asked, 10);
    assert_eq!(game.told().len(), 1);
}

#[test]
fn a_shard_that_starts_anew_asks_only_for_players_that_it_still_knows() {
    let session = |player: u8, tallies: Vec<Tally>| Session {
        token: Token(Bin([player; 16])),
        player: PlayerId(player.into()),
        name: "Ada".to_owned(),
        seq: InputSeq(1),
        tallies: tallies.into_iter().collect(),
    };
    let tally = |generation, late| Tally { generation: Gen(generation), hits: 1, damage: 10, late };
    let mut journal = Journal::begin(JournalId(Bin([1; 16])), BossId(1), ShardId(1), None, false);
    let opened = vec![
        (SessionId(0), session(11, vec![tally(3, 0)])),
        (SessionId(1), session(22, vec![tally(2, 0)])),
        (SessionId(2), session(33, vec![tally(3, 10)])),
    ];
    journal.apply(Record { tick: Tick(1), opened, ..Record::default() }).unwrap();
    let mut game = Game::on(journal.clone(), truth(4, Status::Alive, 0));
    let asked = game.question();
    assert_eq!((asked.generation, &asked.players[..]), (Gen(3), &[PlayerId(11)][..]));
    // Of generation 4 they know nothing.
    let mut game = Game::on(journal, truth(5, Status::Alive, 0));
    for _ in 0..20 {
        assert_eq!(game.tick(), None);
    }
}

#[test]
fn after_a_roll_back_the_settlement_that_then_comes_is_told() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    game.fight();
    game.truth = truth(1, Status::Rewarded, 1);
    let asked = game.question();
    game.answer(&asked, 10);
    game.told();
    game.truth = truth(1, Status::Collecting, 0);
    game.tick();
    game.tick();
    game.truth = truth(1, Status::Rewarded, 1);
    let asked = game.question();
    game.answer(&asked, 20);
    assert_eq!(game.told()[0].1.share.damage, 20);
}

#[test]
fn a_new_leaderboard_is_shown_once_a_second_and_the_newest_one_is_shown_in_the_end() {
    let mut game = Game::new(truth(1, Status::Alive, 0));
    let board = |damage| {
        let standing = Standing { player: PlayerId(11), name: "Ada".to_owned(), damage };
        Board { generation: Gen(1), players: 1, top: vec![standing], marks: Vec::new() }
    };
    assert_eq!(game.machine.board(game.now), None);
    let mut shown = Vec::new();
    for number in 1..=40 {
        let suspects = vec![JournalId(Bin([9; 16]))];
        let board = board(10 * number.min(25));
        game.standings = Some(Box::new(Standings { number, board, suspects }));
        game.tick();
        let now = game.machine.board(game.now);
        if let Some(now) = now
            && shown.last().is_none_or(|(_, last)| *last != now)
        {
            shown.push((game.now, now));
        }
    }
    assert!(shown.windows(2).all(|two| two[1].0.since(two[0].0) >= Micros::from_millis(1_000)));
    assert!((3..=5).contains(&shown.len()), "{shown:?}");
    assert_eq!(shown.last().unwrap().1.top[0].damage, 250);
    assert_eq!(game.machine.suspects(), 1);
}
