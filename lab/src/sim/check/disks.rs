//! What shards' disks must hold, and what goes down with them.

use super::super::core::Core;
use super::Check;
use shard::machine::{Disk, Journal};

impl Check {
    /// The disk of a shard must hold one of these when it is opened next.
    pub(in crate::sim) fn expect(&mut self, slot: usize, disks: Vec<Disk>) {
        self.expected.insert(slot, disks);
    }

    /// The disk of a shard is not what it was: whatever its journals had accepted may be gone.
    pub(in crate::sim) fn handle_broken(&mut self, slot: usize) {
        self.broken.insert(slot);
        self.expected.remove(&slot);
        let journals = self.journals.remove(&slot);
        self.destroyed.extend(journals.into_iter().flatten());
    }

    /// A shard's file was opened.
    pub(in crate::sim) fn handle_journal(&mut self, core: &mut Core, slot: usize, found: &Disk) {
        if let Some(expected) = self.expected.remove(&slot)
            && !expected.contains(found)
        {
            core.fail(format!("shard {slot}: its disk is not what was synced to it"));
        }
        // A record may have been durable before its process knew.
        found.journal.iter().for_each(|journal| self.handle_durable(journal));
    }

    /// A journal is open, in the place of everything before.
    pub(in crate::sim) fn handle_adopted(
        &mut self,
        core: &mut Core,
        slot: usize,
        before: Option<&Journal>,
        journal: &Journal,
    ) {
        let sessions = before.map(|before| &before.sessions);
        let is_whole = !self.broken.contains(&slot);
        if is_whole && sessions.is_some_and(|sessions| *sessions != journal.sessions) {
            core.fail(format!("shard {slot} loses its sessions, and its disk has them"));
        }
        self.journals.entry(slot).or_default().push(journal.id);
        self.handle_durable(journal);
    }

    /// A tick is durable.
    pub(in crate::sim) fn handle_durable(&mut self, journal: &Journal) {
        let written = self.durable.entry(journal.id).or_default();
        for (generation, book) in &journal.books {
            let total = written.totals.entry(*generation).or_default();
            *total = book.total.max(*total);
            for (player, line) in &book.lines {
                let total = written.lines.entry((*generation, *player)).or_default();
                *total = line.total.max(*total);
            }
        }
        let totals = journal.books.iter().map(|(generation, book)| (*generation, book.total));
        written.uncounted.insert(journal.tick, totals.collect());
    }

    /// What became of disks that were lost, rewound or copied: damage that was accepted there and
    /// is not in the ledger, and damage that is.
    ///
    /// The first is taken back, and players see it. The second may be more than what a player was
    /// told last: a copy goes on with its sessions as they were when it was made, and when the
    /// truth forgets that it has sealed the original, in a roll-back or with a generation's end,
    /// the original counts on.
    pub(in crate::sim) fn taken_back(&self) -> (u64, u64) {
        let (mut gone, mut booked) = (0, 0);
        for journal in &self.destroyed {
            let Some(written) = self.durable.get(journal) else { continue };
            for ((generation, player), total) in &written.lines {
                let Some(book) = self.books.get(generation) else { continue };
                let lines = book.journals.iter().filter(|it| it.journal == *journal);
                let lines = lines.flat_map(|it| &it.players).filter(|it| it.player == *player);
                let there: u64 = lines.map(|line| line.damage + line.late).sum();
                gone += total.saturating_sub(there);
                booked += there;
            }
        }
        (gone, booked)
    }
}
