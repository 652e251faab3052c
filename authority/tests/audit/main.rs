//! An audit passes every honest log, and names the version and the reason of every other one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a mutation is about one kind of entry")]
#![allow(clippy::too_many_lines, reason = "a table of all that can be wrong")]

mod world;
mod mutations;

use authority::machine::{Audit, Finding, Imbalance};
use mutations::{mutations, push};
use proptest::prelude::*;
use protocol::{BossUpdate, Credit, Entry, Gen, PlayerId, Seen, Snapshot, Step};
use std::collections::BTreeSet;
use ucore::{Updatable, Version};
use world::{World, history, steps};

fn audit<'a>(
    base: &Snapshot,
    log: impl IntoIterator<Item = &'a Entry>,
) -> Result<Audit, Imbalance> {
    let mut audit = Audit::new(base.clone())?;
    log.into_iter().try_for_each(|entry| audit.handle_entry(entry))?;
    Ok(audit)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_honest_log_balances_from_wherever_it_is_shown(steps in steps()) {
        let world = history(&steps);
        let truth = world.machine.truth();
        let whole = audit(&Snapshot::default(), &world.log).unwrap();
        whole.handle_truth(&truth).unwrap();
        prop_assert_eq!(whole.value(), &world.machine.snapshot());
        let last = whole.accounts().pop().unwrap();
        let (_, life) = world.machine.boss().current().unwrap();
        prop_assert_eq!((last.counted, last.hp_max), (life.damage(), life.spec.hp_max));
        for base in world.bases.values() {
            let shown = world.log.iter().filter(|entry| entry.version > base.version);
            let part = audit(base, shown).unwrap();
            part.handle_truth(&truth).unwrap();
            let of = |audit: &Audit, generation| {
                audit.accounts().into_iter().find(|it| it.generation == generation)
            };
            let current = truth.generation;
            if base.version < Version(world.log.len() as u64) {
                prop_assert_eq!(of(&part, current), of(&whole, current));
            }
        }
    }
}

/// Every mutation at every entry where it is one. Each is caught in its version, and its chain is
/// in order, so nothing but the books can show it.
fn catch_all(log: &[Entry], caught: &mut BTreeSet<&'static str>) {
    let mut honest = Audit::new(Snapshot::default()).unwrap();
    for entry in log {
        let before = honest.value();
        let update = BossUpdate::parse(&entry.fields, &entry.blob).unwrap();
        for (name, change, expected) in mutations() {
            for changed in change(&update, before) {
                let wrong = Entry::after(before.version, before.chain, &changed);
                let found = honest.clone().handle_entry(&wrong).expect_err(name);
                assert!(expected(&found.what), "{name}: {found}");
                assert_eq!((found.version, &found.line), (entry.version, &wrong.fields), "{name}");
                caught.insert(name);
            }
        }
        honest.handle_entry(entry).unwrap();
    }
}

#[test]
fn every_kind_of_wrong_entry_is_caught_where_it_stands() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut caught = BTreeSet::new();
    let all: BTreeSet<_> = mutations().iter().map(|(name, ..)| *name).collect();
    for _ in 0..48 {
        let steps = proptest::strategy::ValueTree::current(&steps().new_tree(&mut runner).unwrap());
        catch_all(&history(&steps).log, &mut caught);
    }
    assert_eq!(all.difference(&caught).collect::<Vec<_>>(), Vec::<&&str>::new(), "never met");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_with_a_damaged_byte_or_a_lost_entry_is_caught_there(
        steps in steps(), at: prop::sample::Index, byte: prop::sample::Index,
    ) {
        let mut log = history(&steps).log;
        let idx = at.index(log.len());
        let lost = log.remove(idx);
        if idx < log.len() {
            let found = audit(&Snapshot::default(), &log).unwrap_err();
            prop_assert_eq!(found.what, Finding::Version(lost.version));
        }
        let mut damaged = lost.clone();
        if damaged.blob.is_empty() {
            let mut line = damaged.fields.into_bytes();
            let idx = byte.index(line.len());
            line[idx] = if line[idx] == b'7' { b'8' } else { b'7' };
            damaged.fields = String::from_utf8(line).unwrap();
        } else {
            let idx = byte.index(damaged.blob.len());
            damaged.blob[idx] ^= 1;
        }
        log.insert(idx, damaged);
        let found = audit(&Snapshot::default(), &log).unwrap_err();
        prop_assert!(matches!(found.what, Finding::Chain { .. }), "{}", found);
        prop_assert_eq!(found.version, lost.version);
    }
}

#[test]
fn sentences_name_what_was_found_and_what_belongs_there() {
    let mut world = World::new();
    world.hit(0, 7, 300);
    world.push(0, 0, false);
    let (mut log, last) = (world.log.clone(), world.log.len() - 1);
    let before = audit(&Snapshot::default(), &log[..last]).unwrap();
    let update = BossUpdate::parse(&log[last].fields, &log[last].blob).unwrap();
    let alive = push(&update, |_, _, death| *death = false);
    let value = before.value();
    log[last] = Entry::after(value.version, value.chain, &alive[0]);
    let found = audit(&Snapshot::default(), &log).unwrap_err();
    assert_eq!(
        found.to_string(),
        "version 6, `push j=01010101010101010101010101010101 g=1 f=0 t=300 l=0 p=1 d=0`: it says \
         d=0, and d=1 belongs there: the boss has lost 300 of 300 HP with it"
    );
    let truth = world.machine.truth();
    let mut other = truth;
    other.damage = 299;
    let whole = audit(&Snapshot::default(), &world.log).unwrap();
    let found = whole.handle_truth(&other).unwrap_err();
    assert_eq!(
        found.to_string(),
        "version 6, `the truth`: the authority tells the damage 299, and by its log it is 300"
    );
}

#[test]
fn a_value_from_which_a_log_goes_on_has_to_add_up_in_itself() {
    let mut world = World::new();
    world.hit(0, 7, 200);
    world.hit(0, 8, 100);
    world.push(0, 0, false);
    (0..2).for_each(|_| world.second());
    let honest = world.machine.snapshot();
    assert!(Audit::new(honest.clone()).is_ok());
    let at = Seen { version: honest.version, chain: honest.chain };
    let credit = |player, damage, credit| Credit { player: PlayerId(player), damage, credit };
    // The fold lets a point go to somebody else: it adds the shares up, and no more.
    let credits = vec![credit(7, 200, 199), credit(8, 100, 101)];
    let mut base = honest;
    for step in [Step::Close(at), Step::Credit(credits)] {
        let term = base.boss.term().number;
        base.boss.apply(BossUpdate::Settle { generation: Gen(1), term, step }).unwrap();
    }
    let found = Audit::new(base).unwrap_err();
    let due = "rank 1 is player 7 with damage 200 and credit 199, and by the counted damage it is \
               player 7 with damage 200 and credit 200";
    assert_eq!(found.what.to_string(), due);
    assert!(found.line.contains("generation 1"), "{found}");
}
