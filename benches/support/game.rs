//! What the benches of the tick share: a shard's machine with players, who hit in a fixed order,
//! and the ways to its authority.

use authority::Authority;
use authority::machine::Machine as Rules;
use protocol::{
    BossId, Hello, Hit, InputSeq, Join, JoinAnswer, JournalId, Micros, PlayerId, Scenario, ShardId,
    SkillId, Spawn, Token, Unavailable,
};
use shard::machine::{
    Answer, ConnId, Disk, Fresh, Journal, Machine, Opened, Opening, Output, Record, Request, Step,
};
use shard::store::Store;
use std::hint::black_box;
use std::sync::Arc;
use ucore::Bin;

/// The boss of the benches.
pub(crate) const BOSS: BossId = BossId(1);

/// A boss that nobody kills: nobody wins a bench.
pub(crate) fn spawn() -> Spawn {
    let mut spec = Scenario::parse(Scenario::default_text()).expect("it comes along").spec;
    spec.hp_max = protocol::limits::HP_MAX;
    Spawn { boss: BOSS, spec: Box::new(spec) }
}

/// The rules with this boss, without thread and disk.
pub(crate) fn rules() -> Rules {
    Rules::new(BOSS, *spawn().spec)
}

/// The 16 bytes that tell the `number`th journal from the others.
pub(crate) fn journal_id(number: u16) -> JournalId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    JournalId(Bin(id))
}

/// Opens a new journal, on a disk if there is one.
pub(crate) async fn open(
    number: u16,
    store: Option<&Store>,
    mut join: impl AsyncFnMut(Join) -> JoinAnswer,
) -> Opened {
    let opening = Opening::new(BOSS, ShardId(number), Disk::default(), journal_id(number));
    let mut opening = opening.expect("an empty disk is about no other boss");
    loop {
        match opening.step() {
            Step::Intend(journal) => {
                store.into_iter().for_each(|it| it.intend(journal).expect("the disk takes it"));
                opening.handle_written();
            }
            Step::Adopt(journal) => {
                store.into_iter().for_each(|it| it.adopt(&journal).expect("the disk takes it"));
                opening.handle_written();
            }
            Step::Join(asked) => {
                opening.handle_answer(join(asked).await).expect("a new journal joins");
            }
            Step::Done(opened) => return *opened,
        }
    }
}

/// A shard's machine and its players.
#[derive(Debug)]
pub(crate) struct Game {
    pub(crate) machine: Machine,
    /// In which order the players hit: as a worker's batch has them, by no order of ours.
    order: Vec<ConnId>,
    next: usize,
    seq: u32,
}

impl Game {
    /// The `number`th shard, with so many players who have said hello.
    pub(crate) fn new(opened: Opened, number: u16, players: u32) -> Self {
        let mut machine = Machine::new(opened, Micros(0), number.into());
        for player in 0..players {
            let mut token = journal_id(number).0.0;
            token[8..12].copy_from_slice(&player.to_be_bytes());
            let player_id = PlayerId(u64::from(number) * 1_000_000 + u64::from(player) + 1);
            let fresh = Fresh { token: Token(Bin(token)), player: player_id };
            let name = format!("player {player}");
            let hello = Hello { protocol: protocol::PROTOCOL, name, session: None, every: 1 };
            machine.handle_hello(ConnId(player.into()), hello, fresh);
        }
        let mut order: Vec<_> = (0..players).map(|player| ConnId(player.into())).collect();
        fastrand::Rng::with_seed(number.into()).shuffle(&mut order);
        Self { machine, order, next: 0, seq: 0 }
    }

    /// The next hits of players in turn, all of which arrive at `now`.
    pub(crate) fn hit(&mut self, now: Micros, hits: u32) {
        let generation = self.machine.state(now).generation;
        for _ in 0..hits {
            if self.next == 0 {
                self.seq += 1;
            }
            let hit = Hit { generation, seq: InputSeq(self.seq), skill: SkillId(1) };
            self.machine.handle_hit(now, self.order[self.next], hit);
            self.next = (self.next + 1) % self.order.len();
        }
    }

    /// Ends the tick; `sync` makes its record durable, and is given the journal before it.
    pub(crate) fn end_tick(&mut self, sync: impl FnOnce(Arc<Record>, &Journal)) {
        self.machine.handle_tick();
        if let Some(record) = self.drain() {
            sync(record, self.machine.journal());
            self.machine.handle_synced();
            self.drain();
        }
    }

    /// Takes what the machine has put out, and returns the record that has to be synced.
    pub(crate) fn drain(&mut self) -> Option<Arc<Record>> {
        let mut record = None;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Journal(journal) => record = Some(journal),
                Output::Welcome(..) | Output::Card(..) | Output::Ack(..) | Output::Spoils(..) => {
                    drop(black_box(output));
                }
                Output::Close(..) | Output::Fenced | Output::Abandoned(_) => {
                    unreachable!("nothing of a bench is closed: {output:?}")
                }
            }
        }
        record
    }

    /// Damage of the accepted hits.
    pub(crate) fn damage(&self) -> u64 {
        self.machine.counts().damage
    }

    /// Hits that were not accepted.
    pub(crate) fn refused(&self) -> u64 {
        self.machine.counts().refused.values().sum()
    }
}

/// Asks the rules.
pub(crate) fn decide(rules: &mut Rules, request: Request) -> Answer {
    let answer = match request {
        Request::Join(join) => Answer::Join(rules.handle_join(join)),
        Request::Enter(enter) => Answer::Enter(rules.handle_enter(&enter)),
        Request::Push(push) => Answer::Push(rules.handle_push(push)),
        Request::Shares(asked) => Answer::Shares(rules.handle_shares(&asked)),
    };
    while let Some(output) = rules.poll_output() {
        drop(black_box(output));
    }
    answer
}

/// Asks an authority.
pub(crate) async fn ask(
    authority: &impl Authority,
    request: Request,
) -> Result<Answer, Unavailable> {
    match request {
        Request::Join(join) => authority.join(join).await.map(Answer::Join),
        Request::Enter(enter) => authority.enter(enter).await.map(Answer::Enter),
        Request::Push(push) => authority.push(push).await.map(Answer::Push),
        Request::Shares(asked) => authority.shares(asked).await.map(Answer::Shares),
    }
}
