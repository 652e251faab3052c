//! What players get of the newest settled generation: asked of the authority once, told to each of
//! them.

use super::{ConnId, Machine, Output, Request};
use protocol::{Gen, Micros, PlayerId, SessionId, Share, Shares, SharesAnswer, Spoils, Status};
use score::Backoff;
use std::collections::BTreeMap;

/// The newest settled generation, and what is known of it.
#[derive(Debug)]
pub(super) struct Settled {
    generation: Gen,
    answer: Answer,
    /// Its own: what is asked here in vain holds up no push.
    backoff: Backoff,
    not_before: Micros,
    /// The last request was this question. Another one goes before it is repeated.
    asked_last: bool,
}

#[derive(Debug)]
enum Answer {
    /// The shares have to be asked for.
    Due,
    /// Nothing more is asked. Shares of this shard's players, and how many players have one in all.
    Known { shares: BTreeMap<PlayerId, Share>, players: u32 },
}

const BACKOFF_FIRST: Micros = Micros::from_millis(100);
const BACKOFF_MAX: Micros = Micros::from_millis(5_000);

impl Settled {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            generation: Gen(0),
            answer: Answer::nothing(),
            backoff: Backoff::new(seed, BACKOFF_FIRST, BACKOFF_MAX),
            not_before: Micros(0),
            asked_last: false,
        }
    }

    /// The newest generation whose rewards players may be told; 0 before the first.
    pub(super) fn generation(&self) -> Gen {
        self.generation
    }

    /// Takes note of what the truth shows. Another generation than before begins anew, also after
    /// a roll-back.
    fn look(&mut self, generation: Gen, announced: Status) {
        let newest = match announced {
            Status::Rewarded => generation,
            Status::Alive
            | Status::Defeated
            | Status::Collecting
            | Status::Closed
            | Status::Credited => Gen(generation.0.saturating_sub(1)),
        };
        if newest != self.generation {
            self.generation = newest;
            self.answer = if newest == Gen(0) { Answer::nothing() } else { Answer::Due };
            self.not_before = Micros(0);
            self.backoff.reset();
        }
    }

    /// If the question is what stays without an answer, it is asked again later. True if it is.
    pub(super) fn handle_no_answer(&mut self, now: Micros) -> bool {
        if self.asked_last {
            self.not_before = now + self.backoff.next_delay();
        }
        self.asked_last
    }

    fn of(&self, player: PlayerId) -> Option<Spoils> {
        match &self.answer {
            Answer::Due => None,
            Answer::Known { shares, players } => {
                let (share, players) = (shares.get(&player)?.clone(), *players);
                Some(Spoils { generation: self.generation, share, players })
            }
        }
    }
}

impl Answer {
    const fn nothing() -> Self {
        Self::Known { shares: BTreeMap::new(), players: 0 }
    }
}

impl Machine {
    /// The question for what this shard's players get, if it is due and nothing else is owed.
    pub(super) fn poll_shares(&mut self, now: Micros, is_owed: bool) -> Option<Request> {
        let settled = &mut self.settled;
        let was_last = std::mem::take(&mut settled.asked_last);
        settled.look(self.fanout.truth().generation, self.fanout.announced());
        let is_due = matches!(settled.answer, Answer::Due) && settled.not_before <= now;
        if was_last || !is_due || is_owed || self.stopping {
            return None;
        }
        let (boss, generation) = (self.journal.boss, settled.generation);
        let players = self.sessions.players_of(generation);
        if players.is_empty() {
            settled.answer = Answer::nothing();
            return None;
        }
        settled.asked_last = true;
        Some(Request::Shares(Shares { boss, generation, players }))
    }

    /// Takes the authority's answer, and tells everybody who has been greeted.
    pub(super) fn handle_shares(&mut self, now: Micros, generation: Gen, answer: SharesAnswer) {
        if generation != self.settled.generation {
            return;
        }
        let SharesAnswer::Shared { shares, players } = answer else {
            // It was rolled back meanwhile, and will be drawn again.
            self.settled.not_before = now + self.settled.backoff.next_delay();
            return;
        };
        let shares = shares.into_iter().map(|share| (share.player, share)).collect();
        self.settled.answer = Answer::Known { shares, players };
        let greeted: Vec<_> = self.greeted().collect();
        for conn in greeted {
            if let Some(id) = self.sessions.by_conn(conn).map(|live| live.id) {
                self.tell_spoils(conn, id);
            }
        }
    }

    /// Tells a connection what its player gets, if that is known.
    pub(super) fn tell_spoils(&mut self, conn: ConnId, id: SessionId) {
        let player = self.sessions.get(id).map(|live| live.session.player);
        if let Some(spoils) = player.and_then(|player| self.settled.of(player)) {
            self.output.push_back(Output::Spoils(conn, spoils));
        }
    }
}

#[cfg(test)]
#[path = "spoils_tests.rs"]
mod tests;
