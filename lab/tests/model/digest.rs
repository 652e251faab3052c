//! What makes a difference in each part of a state. Positions and chains of the log are left out:
//! what they matter for is whether a shard has seen what the log lacks.

use crate::process::{Process, Reply, Stage};
use crate::shared::Digest;
use crate::truth::Log;
use protocol::{Gen, JoinAnswer, Life};
use shard::machine::{Answer, Book, Journal, Request};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

impl Digest for Log {
    fn tell(&self, to: &mut DefaultHasher) {
        let boss = self.boss();
        for (journal, record) in boss.journals() {
            (journal, record.sealed, record.successor).hash(to);
        }
        (boss.term().number, boss.term().executor).hash(to);
        for (generation, life) in boss.books() {
            generation.hash(to);
            hash_life(life, to);
        }
        for (player, profile) in &boss.fame().profiles {
            (player, profile.damage, profile.credit, profile.kills).hash(to);
        }
        self.once.hash(to);
    }
}

fn hash_life(life: &Life, to: &mut impl Hasher) {
    (life.status, life.phase, life.waited).hash(to);
    for (journal, damage) in life.counted.iter().chain(life.late.iter()) {
        (journal, damage.total.get()).hash(to);
        for (player, total) in damage.players.iter() {
            (player, total.get()).hash(to);
        }
    }
    (life.counted.len(), life.late.len()).hash(to);
    let entered: BTreeMap<_, _> = life.entered.iter().collect();
    entered.hash(to);
    for credit in &life.settlement.credits {
        (credit.player, credit.damage, credit.credit).hash(to);
    }
    life.settlement.grants.hash(to);
}

impl Digest for Process {
    fn tell(&self, to: &mut DefaultHasher) {
        (self.shard, self.id).hash(to);
        std::mem::discriminant(&self.stage).hash(to);
        match &self.stage {
            Stage::Opening(disk, from) => {
                (disk.intent, from).hash(to);
                if let Some(journal) = &disk.journal {
                    hash_journal(journal, to);
                }
            }
            Stage::Running(journal, uplink) | Stage::Zombie(journal, uplink) => {
                hash_journal(journal, to);
                uplink.hash(to);
            }
            Stage::Ended => {}
        }
        self.late.is_some().hash(to);
        if let Some(reply) = &self.late {
            hash_reply(reply, to);
        }
    }
}

fn hash_journal(journal: &Journal, to: &mut impl Hasher) {
    journal.id.hash(to);
    hash_books(&journal.books, to);
    for ancestor in &journal.ancestors {
        ancestor.id.hash(to);
        hash_books(&ancestor.books, to);
    }
    for session in journal.sessions.values() {
        for tally in &session.tallies {
            (tally.generation, tally.damage, tally.late).hash(to);
        }
    }
}

fn hash_books(books: &BTreeMap<Gen, Book>, to: &mut impl Hasher) {
    books.len().hash(to);
    for (generation, book) in books {
        (generation, book.total, book.answered).hash(to);
        for (player, line) in &book.lines {
            (player, line.total, line.last).hash(to);
        }
    }
}

impl Digest for Request {
    fn tell(&self, to: &mut DefaultHasher) {
        std::mem::discriminant(self).hash(to);
        match self {
            Self::Join(join) => {
                join.journal.hash(to);
                for claim in &join.lineage {
                    claim.journal.hash(to);
                    let rests = claim.rests.iter();
                    rests.for_each(|rest| (rest.generation, rest.from, rest.to).hash(to));
                }
            }
            Self::Enter(enter) => (enter.journal, enter.generation).hash(to),
            Self::Push(push) => {
                let interval = &push.interval;
                push.journal.hash(to);
                (interval.generation, interval.from, interval.to, push.last).hash(to);
            }
            Self::Shares(_) => {}
        }
    }
}

fn hash_reply(reply: &Reply, to: &mut impl Hasher) {
    reply.sent.hash(to);
    if let Some(view) = reply.view {
        view.hash(to);
    }
    std::mem::discriminant(&reply.answer).hash(to);
    match &reply.answer {
        Answer::Push(answer) => {
            let late = answer.late.iter().map(|line| line.total);
            (answer.verdict as u8, answer.applied, answer.rolled_back).hash(to);
            late.for_each(|total| total.hash(to));
        }
        Answer::Enter(answer) => std::mem::discriminant(answer).hash(to),
        Answer::Join(answer) => hash_join(answer, to),
        Answer::Shares(_) => {}
    }
}

fn hash_join(answer: &JoinAnswer, to: &mut impl Hasher) {
    use protocol::JoinAnswer::{Ahead, Fenced, Full, Gap, Joined, Refused};
    std::mem::discriminant(answer).hash(to);
    match answer {
        Joined { inherits, late, .. } => {
            inherits.hash(to);
            late.iter().for_each(|it| (it.generation, it.line.total).hash(to));
        }
        Gap { journal, generation, applied } => (journal, generation, applied).hash(to),
        Fenced | Refused | Full | Ahead => {}
    }
}
