//! What must hold, seen from outside: by those who read the log, by disks, and by players.

mod disks;
mod told;

pub use told::Ended;

use super::core::Core;
use super::trace::Note;
use authority::machine::Audit;
use authority::store::Truths;
use loadgen::machine::Oracle;
use protocol::{
    BossId, Entry, Gen, JournalId, Ledger, LedgerGeneration, Missing, PlayerId, ReadLog, Snapshot,
    Status, SyncAnswer, SyncRequest, Tick,
};
use shard::machine::Disk;
use std::collections::{BTreeMap, BTreeSet};
use ucore::Version;

/// Everything that is held against each other.
#[derive(Debug)]
pub(super) struct Check {
    boss: BossId,
    /// The log, as it was committed.
    entries: Vec<Entry>,
    audit: Audit,
    /// What no fail-over takes back.
    kept: Version,
    /// Seconds waited in the stage before the newest entry.
    waited: u32,
    /// Every truth that the log ever had at a version, in the pasts that were given up, too.
    truths: BTreeMap<Version, BTreeSet<(Gen, u64)>>,
    /// The latest status of a generation that was stable, ever: the log had something later.
    stable: BTreeMap<Gen, Status>,
    /// What was once durable on a shard's disk, by journal.
    durable: BTreeMap<JournalId, Written>,
    /// The journals that a shard's disk had.
    journals: BTreeMap<usize, Vec<JournalId>>,
    /// What a shard's disk must hold when it is opened next.
    expected: BTreeMap<usize, Vec<Disk>>,
    /// Shards and journals whose disk was lost, rewound or copied.
    pub(super) broken: BTreeSet<usize>,
    destroyed: BTreeSet<JournalId>,
    /// Shards of whose disk two copies ran: see [`Check::taken_back`].
    pub(super) copied: BTreeSet<usize>,
    oracle: Oracle,
    books: BTreeMap<Gen, LedgerGeneration>,
}

/// What a journal has made durable, ever.
#[derive(Debug, Default)]
struct Written {
    totals: BTreeMap<Gen, u64>,
    lines: BTreeMap<(Gen, PlayerId), u64>,
    /// The totals after each tick that no state has called counted yet.
    uncounted: BTreeMap<Tick, BTreeMap<Gen, u64>>,
    /// The most that the log ever had of it, counted or late.
    taken: BTreeMap<Gen, u64>,
}

impl Check {
    pub(super) fn new(boss: BossId) -> Self {
        Self {
            boss,
            entries: Vec::new(),
            audit: empty_audit(),
            kept: Version(0),
            waited: 0,
            truths: BTreeMap::new(),
            stable: BTreeMap::new(),
            durable: BTreeMap::new(),
            journals: BTreeMap::new(),
            expected: BTreeMap::new(),
            broken: BTreeSet::new(),
            destroyed: BTreeSet::new(),
            copied: BTreeSet::new(),
            oracle: Oracle::default(),
            books: BTreeMap::new(),
        }
    }

    /// The newest version of the log.
    pub(super) fn version(&self) -> Version {
        self.audit.value().version
    }

    /// The oldest version to which a fail-over may take the log back: a step of a settlement is
    /// taken only when the one before it is on every replica.
    pub(super) fn kept(&self) -> Version {
        self.kept
    }

    /// Whether the newest entry is a step of a settlement.
    pub(super) fn is_at_step(&self) -> bool {
        self.entries.last().is_some_and(is_step)
    }

    /// The truth was opened: what was durable is there, unless it came back as an older one.
    pub(super) fn handle_opened(&mut self, core: &mut Core, truths: &mut Truths, is_rewound: bool) {
        let found = truths.get(self.boss).map_or(Version(0), |boss| boss.truth().version);
        core.note(&Note::TruthOpened { version: found });
        if found < self.version() {
            if !is_rewound {
                let had = self.version();
                return core
                    .fail(format!("the truth had version {had} durable and opens at {found}"));
            }
            self.entries.truncate(usize::try_from(found.0).unwrap_or(usize::MAX));
            self.audit = empty_audit();
            for entry in &self.entries {
                if let Err(imbalance) = self.audit.handle_entry(entry) {
                    return core.fail(format!("the audit of an older log: {imbalance}"));
                }
            }
        }
        self.handle_commit(core, truths);
    }

    /// A commit has returned: every reader of the log sees what it sees now.
    pub(super) fn handle_commit(&mut self, core: &mut Core, truths: &mut Truths) {
        let Some(boss) = truths.get(self.boss) else { return };
        let newest = boss.truth();
        while self.version() < newest.version {
            let page = ReadLog { boss: self.boss, after: self.version(), wait_ms: 0 };
            let Ok(SyncAnswer::ReadLog(page)) = truths.answer(SyncRequest::ReadLog(page)) else {
                return core.fail("the log can't be read");
            };
            if page.entries.is_empty() {
                return core.fail("the log ends before the truth that it tells");
            }
            for entry in page.entries {
                core.note(&Note::Logged { version: entry.version, line: entry.fields.clone() });
                self.waited = self.audit.value().boss.current().map_or(0, |(_, life)| life.waited);
                if let Err(imbalance) = self.audit.handle_entry(&entry) {
                    return core.fail(format!("the audit: {imbalance}"));
                }
                if let Some(why) = self.closes_too_early(&entry) {
                    return core.fail(why);
                }
                if is_step(&entry) {
                    self.kept = self.kept.max(Version(entry.version.0 - 1));
                }
                self.entries.push(entry);
                self.note_truth();
            }
        }
        let Some(boss) = truths.get(self.boss) else { return };
        if let Err(imbalance) = self.audit.handle_truth(&newest) {
            return core.fail(format!("the audit: {imbalance}"));
        }
        if *self.audit.value() != boss.snapshot() {
            return core.fail("the fold of the log is not the boss");
        }
        self.check_sources(core);
    }

    fn note_truth(&mut self) {
        let value = self.audit.value();
        if let Some((generation, life)) = value.boss.current() {
            self.truths.entry(value.version).or_default().insert((generation, life.hp()));
            let stable = if life.waited > 0 { life.status } else { life.status.before() };
            let known = self.stable.entry(generation).or_insert(Status::Alive);
            *known = stable.max(*known);
        }
    }

    /// Books close when every journal that entered has said its last, or when that was waited for
    /// as long as the scenario says. Called once the entry is folded.
    fn closes_too_early(&self, entry: &Entry) -> Option<String> {
        let (generation, life) = self.audit.value().boss.current()?;
        let is_due = life.spec.missing == Missing::Discard
            || life.entered.iter().all(|(_, finished)| *finished)
            || self.waited >= u32::from(life.spec.timing.collect_s);
        let is_close = entry.fields.starts_with("close ");
        (is_close && !is_due).then(|| {
            format!("the books of generation {generation} close while somebody is waited for")
        })
    }

    /// Nothing is counted that was not durable at a shard before.
    fn check_sources(&mut self, core: &mut Core) {
        for (generation, life) in self.audit.value().boss.books() {
            for journal in life.entered.keys() {
                let (counted, late) = life.counted_and_late(*journal);
                let written = self.durable.entry(*journal).or_default();
                let durable = written.totals.get(&generation).copied().unwrap_or(0);
                let taken = written.taken.entry(generation).or_default();
                *taken = (counted + late).max(*taken);
                if counted + late > durable {
                    core.fail(format!(
                        "of journal {journal} in generation {generation}, {counted} is counted \
                         and {late} late, and its disk never held more than {durable}"
                    ));
                }
            }
        }
    }

    /// What a reader of the ledger sees.
    pub(super) fn handle_ledger(&mut self, truths: &Truths) {
        let Some(boss) = truths.get(self.boss) else { return };
        let value = boss.snapshot();
        let ledger = Ledger::of(self.boss, &value.boss, value.version, value.chain);
        for book in &ledger.generations {
            self.books.insert(book.generation, book.clone());
        }
        self.oracle.learn(ledger);
    }

    /// Whether every generation before the current one is settled.
    pub(super) fn is_alive(&self) -> bool {
        let current = self.audit.value().boss.current();
        current.is_some_and(|(_, life)| life.status == Status::Alive)
    }

    /// Whether a process that players are no longer led to may go on: nobody has sealed its
    /// journal.
    pub(super) fn may_go_on(&self, journal: JournalId) -> bool {
        self.audit.value().boss.journal(journal).is_some_and(|record| !record.sealed)
    }
}

fn empty_audit() -> Audit {
    Audit::new(Snapshot::default()).expect("nothing at all balances")
}

fn is_step(entry: &Entry) -> bool {
    let word = entry.fields.split(' ').next().unwrap_or_default();
    matches!(word, "collect" | "wait" | "close" | "credit" | "reward" | "spawn")
}
