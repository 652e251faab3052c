//! What players are told, and what they make of it at the end.

use super::super::core::Core;
use super::Check;
use loadgen::machine::{Books, Event as Heard};
use protocol::{Ack, JournalId, State, Status, Tally, Tick, Token, Truth, Welcome};
use shard::machine::Journal;

/// What bots call a fault, and what is none where a disk was lost, rewound or copied: there it is
/// how players see that something was taken back.
const TAKEN_BACK: &[&str] = &[
    "a session that goes on lost accepted hits",
    "an answered hit is unanswered again",
    "more hits were accepted than answered",
    "the ticks of a shard went back",
];

/// How a world ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Hits that players sent.
    pub hits: u64,
    /// Those of them that were accepted.
    pub accepted: u64,
    /// Damage of them.
    pub damage: u64,
    /// Damage that came too late to count.
    pub late: u64,
    /// Damage that went down with a disk.
    pub taken_back: u64,
    /// Generations that came to their end.
    pub settled: u64,
}

impl Ended {
    /// Adds what the players of another world did.
    pub(in crate::sim) fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.accepted += other.accepted;
        self.damage += other.damage;
        self.late += other.late;
        self.taken_back += other.taken_back;
        self.settled += other.settled;
    }
}

impl Check {
    /// A shard shows a state: what it calls counted, the log has taken.
    pub(in crate::sim) fn handle_shown(
        &mut self,
        core: &mut Core,
        journal: JournalId,
        counted: Tick,
    ) {
        let Some(written) = self.durable.get_mut(&journal) else { return };
        let later = written.uncounted.split_off(&counted.next());
        let covered = std::mem::replace(&mut written.uncounted, later);
        let Some((tick, totals)) = covered.last_key_value() else { return };
        for (generation, total) in totals {
            let taken = written.taken.get(generation).copied().unwrap_or(0);
            let is_kept = self.audit.value().boss.life(*generation).is_some();
            if is_kept && taken < *total {
                core.fail(format!(
                    "tick {tick} is called counted, with {total} damage in generation \
                     {generation}, and the log never had more than {taken} of it"
                ));
            }
        }
    }

    /// A shard greets a player: with what is durable, and nothing else.
    pub(in crate::sim) fn handle_welcome(
        &self,
        core: &mut Core,
        durable: Option<&Journal>,
        welcome: &Welcome,
    ) {
        let sessions = durable.into_iter().flat_map(|journal| journal.sessions.values());
        let told = (welcome.seq, &welcome.tallies);
        let is_true = |session: &shard::machine::Session| {
            session.token == welcome.session && (session.seq, &session.tallies) == told
        };
        if !sessions.into_iter().any(is_true) {
            core.fail("a shard greets a player with what is not durable");
        }
    }

    /// A shard tells a player what became of its hits: what is durable, and nothing else.
    pub(in crate::sim) fn handle_ack(
        &self,
        core: &mut Core,
        durable: Option<&Journal>,
        token: Token,
        ack: &Ack,
    ) {
        let sessions = durable.into_iter().flat_map(|journal| journal.sessions.values());
        let has = |session: &shard::machine::Session, tally: &Tally| {
            session.tally(tally.generation) == *tally
        };
        let is_true = |session: &shard::machine::Session| {
            session.token == token
                && session.seq == ack.seq
                && ack.tallies.iter().all(|tally| has(session, tally))
        };
        if !sessions.into_iter().any(is_true) {
            core.fail("a shard accepts hits that are not durable");
        }
    }

    /// A shard shows a state: that of the newest answer, whatever its version.
    pub(in crate::sim) fn handle_frame(&self, core: &mut Core, heard: &Truth, state: &State) {
        let told = (state.version, state.generation, state.hp);
        if told != (heard.version, heard.generation, heard.hp()) {
            let (version, shown) = (heard.version, state.version);
            core.fail(format!("a shard heard of version {version}, and shows version {shown}"));
        }
    }

    /// A player sees a state of the boss, which the log must have had.
    pub(in crate::sim) fn handle_state(&self, core: &mut Core, state: &State) {
        let known = self.truths.get(&state.version);
        if known.is_none_or(|known| !known.contains(&(state.generation, state.hp))) {
            let (version, generation, hp) = (state.version, state.generation, state.hp);
            core.fail(format!(
                "a player sees version {version} with {hp} HP in generation {generation}, and the \
                 log never had that"
            ));
        }
        let stable = self.stable.get(&state.generation).copied().unwrap_or(Status::Alive);
        if state.status > stable {
            let (generation, status) = (state.generation, state.status);
            core.fail(format!(
                "a player is told that generation {generation} is {status:?}, and a fail-over may \
                 still take that back"
            ));
        }
    }

    /// Something happened to a player of a shard.
    pub(in crate::sim) fn handle_player(&mut self, core: &mut Core, slot: usize, heard: Heard) {
        match heard {
            Heard::Fault(text) => {
                let is_expected =
                    self.broken.contains(&slot) && TAKEN_BACK.contains(&text.as_str());
                if !is_expected {
                    core.fail(format!("a player of shard {slot}: {text}"));
                }
            }
            Heard::Books(books) => self.oracle.add(&books),
            Heard::Connected { .. }
            | Heard::ConnectFailed(_)
            | Heard::Sent { .. }
            | Heard::Skipped { .. }
            | Heard::Joined { .. }
            | Heard::Answered { .. }
            | Heard::AnsweredUnread
            | Heard::Cheated { .. }
            | Heard::Refused(_)
            | Heard::Counted { .. }
            | Heard::Frame { .. }
            | Heard::Shown(_)
            | Heard::Trouble(_) => {}
        }
    }

    /// Everything has converged: who has a share of the last boss knows it. Of those before it only
    /// who was there in time.
    pub(in crate::sim) fn handle_told(&self, core: &mut Core, books: &Books) {
        let settled = self.books.values().rev().find(|book| !book.shares.is_empty());
        let Some(settled) = settled else { return };
        let share = settled.shares.iter().find(|share| share.player == books.player);
        if share.is_some() && !books.shares.contains_key(&settled.generation) {
            let (player, generation) = (books.player, settled.generation);
            core.fail(format!(
                "player {player} was never told its share of generation {generation}"
            ));
        }
    }

    /// Holds what all players were told against the ledger.
    pub(in crate::sim) fn finish(&self, core: &mut Core) -> Ended {
        let (balance, (taken_back, booked)) = (self.oracle.balance(), self.taken_back());
        let told_less = if self.copied.is_empty() { 0 } else { booked };
        let is_whole = self.destroyed.is_empty();
        let mut wrong = Vec::new();
        let mut expect_none = |count: u64, what: &str| {
            if count > 0 {
                wrong.push(format!("{count} {what}"));
            }
        };
        expect_none(balance.lost.saturating_sub(taken_back), "damage lost");
        expect_none(balance.doubled.saturating_sub(told_less), "damage doubled");
        expect_none(balance.shares_wrong, "shares told that are not the ledger's");
        if is_whole {
            expect_none(balance.late_untold, "late damage that players were told otherwise");
        }
        wrong.extend(balance.unfair.iter().cloned());
        if !wrong.is_empty() {
            core.fail(format!("the books: {}", wrong.join("; ")));
        }
        let hits = self.oracle.hits();
        Ended {
            hits: hits.sent,
            accepted: hits.acked,
            damage: balance.acked + balance.unseen,
            late: balance.late,
            taken_back,
            settled: balance.settled,
        }
    }
}
