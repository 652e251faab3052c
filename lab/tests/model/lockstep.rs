//! The uplink of the model is held to the real one: real shards walk with the model, hear what its
//! processes hear, and must ask the same.

use crate::model::{Action, Cluster, Fate};
use crate::process::{Process, Reply, Stage};
use crate::state::State;
use crate::truth::Log;
use protocol::{Hello, Hit, InputSeq, JoinAnswer, Micros, PROTOCOL, PlayerId, SkillId, Token};
use shard::machine::{Answer, ConnId, Fresh, Machine, Opened, Output, Request};
use stateright::Model;
use std::collections::BTreeMap;
use ucore::Bin;

const CONN: ConnId = ConnId(1);

/// Steps of a walk.
const STEPS_MAX: usize = 80;

/// A real shard with a fast disk and one player.
struct Shard {
    machine: Machine,
    now: Micros,
}

impl Shard {
    /// The shard of a process that has just opened its journal.
    fn start(process: &Process, reply: &Reply) -> Option<Self> {
        let Answer::Join(JoinAnswer::Joined { late, spec, truth, .. }) = &reply.answer else {
            return None;
        };
        let journal = process.journal()?.clone();
        let (truth, late, spec) = (*truth, late.clone(), (**spec).clone());
        let now = Micros(0);
        let machine = Machine::new(Opened { journal, spec, truth, late }, now, 1);
        let mut shard = Self { machine, now };
        let token = Token(Bin([7; 16]));
        let session = shard.machine.journal().sessions.values().next().map(|it| it.token);
        let hello = Hello { protocol: PROTOCOL, name: "m".to_owned(), session, every: 1 };
        let player = PlayerId(process.shard.0.into());
        shard.machine.handle_hello(CONN, hello, Fresh { token, player });
        shard.tick();
        Some(shard)
    }

    /// Two ticks, so that what the first one learnt is on the disk.
    fn tick(&mut self) {
        for _ in 0..2 {
            self.now = self.now + Micros::from_millis(10_000);
            self.machine.handle_tick();
            while let Some(output) = self.machine.poll_output() {
                if matches!(output, Output::Journal(_)) {
                    self.machine.handle_synced();
                }
            }
        }
    }

    fn hit(&mut self) {
        let seq = self.machine.journal().sessions.values().next().map_or(0, |it| it.seq.0);
        let generation = self.machine.state(self.now).generation;
        let accepted = self.machine.counts().accepted;
        let hit = Hit { generation, seq: InputSeq(seq + 1), skill: SkillId(1) };
        self.machine.handle_hit(self.now, CONN, hit);
        self.tick();
        assert_eq!(self.machine.counts().accepted, accepted + 1, "the model admits this hit");
    }

    /// The next request but for the one about shares, which takes turns with the others.
    fn request(&mut self, log: &Log) -> Option<Request> {
        self.now = self.now + Micros::from_millis(10_000);
        let request = self.machine.poll_request(self.now)?;
        let Request::Shares(shares) = request else { return Some(request) };
        let answer = log.machine().handle_shares(&shares);
        self.machine.handle_answer(self.now, Answer::Shares(answer));
        self.machine.poll_request(self.now)
    }
}

/// What two requests must have in common. Sessions differ, and so do names and positions.
fn gist(request: &Request) -> String {
    match request {
        Request::Push(push) => {
            let it = &push.interval;
            let players: Vec<_> = it.players.iter().collect();
            format!("push {} {}..{} {players:?} {}", it.generation, it.from, it.to, push.last)
        }
        Request::Enter(enter) => format!("enter {}", enter.generation),
        Request::Join(join) => {
            let claims = join.lineage.iter().map(|claim| {
                let rests = claim.rests.iter().map(|it| (it.generation, it.from, it.to));
                (claim.journal, rests.collect::<Vec<_>>())
            });
            format!("join {:?}", claims.collect::<Vec<_>>())
        }
        Request::Shares(_) => "shares".to_owned(),
    }
}

/// A random walk of the model, with the real shards that take part.
pub(crate) struct Walk<'a> {
    cluster: &'a Cluster,
    state: State,
    shards: BTreeMap<usize, Shard>,
    path: Vec<Action>,
    /// Requests that were compared.
    pub(crate) compared: usize,
}

impl<'a> Walk<'a> {
    /// Walks until nothing more can happen, or far enough.
    pub(crate) fn new(cluster: &'a Cluster, seed: u64) -> Self {
        let (state, path, compared) = (cluster.start(), Vec::new(), 0);
        let mut walk = Self { cluster, state, shards: BTreeMap::new(), path, compared };
        let mut random = fastrand::Rng::with_seed(seed);
        let mut actions = Vec::new();
        for _ in 0..STEPS_MAX {
            cluster.actions(&walk.state, &mut actions);
            let Some(action) = random.choice(actions.drain(..)) else { break };
            if let Some(next) = cluster.next_state(&walk.state, action) {
                walk.path.push(action);
                walk.accompany(action, &next);
                walk.state = next;
            }
        }
        walk
    }

    /// Lets the real shards do what an action does to their processes.
    fn accompany(&mut self, action: Action, after: &State) {
        match action {
            Action::Hit(idx) => {
                if let Some(shard) = self.shards.get_mut(&idx) {
                    shard.hit();
                }
            }
            Action::Ask(idx, fate) => self.ask(idx, Some(fate), after),
            Action::Delay(idx) => self.ask(idx, None, after),
            Action::Answer(idx) => {
                let reply = self.state.processes[idx].late.clone();
                if let (Some(shard), Some(reply)) = (self.shards.get_mut(&idx), reply) {
                    shard.machine.handle_answer(shard.now, reply.answer);
                    shard.tick();
                }
            }
            Action::Crash(idx) => {
                self.shards.remove(&idx);
            }
            Action::Deliver
            | Action::Lag
            | Action::FailOver
            | Action::Reign(_)
            | Action::Step(_) => {}
        }
    }

    /// The real shard asks what the process of the model asks.
    fn ask(&mut self, idx: usize, fate: Option<Fate>, after: &State) {
        let process = &self.state.processes[idx];
        let turn = self.cluster.turn_of(&self.state, idx);
        let reply = turn.as_ref().and_then(|turn| turn.reply.as_ref());
        let Some(shard) = self.shards.get_mut(&idx) else {
            let opened = matches!(process.stage, Stage::Opening(..));
            let started = reply.filter(|_| opened && after.processes[idx].is_running());
            let shard = started.and_then(|reply| Shard::start(&after.processes[idx], reply));
            self.shards.extend(shard.map(|shard| (idx, shard)));
            return;
        };
        let asked = shard.request(&self.state.log).map(|request| gist(&request));
        let modelled = process.request().map(|(_, request)| gist(&request));
        assert_eq!(asked, modelled, "the real shard, and the model's, after {:?}", self.path);
        self.compared += 1;
        match (fate, reply) {
            (Some(Fate::Arrives), Some(reply)) => {
                shard.machine.handle_answer(shard.now, reply.answer.clone());
                shard.tick();
            }
            (Some(Fate::Late), _) => {}
            (Some(Fate::Lost) | None, _) | (Some(Fate::Arrives), None) => {
                shard.machine.handle_no_answer(shard.now);
            }
        }
    }
}
