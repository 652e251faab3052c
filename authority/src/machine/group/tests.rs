//! The rules of one group, one by one.

use super::*;
use protocol::GroupName;
use ucore::Bin;

const SCHEMA: SchemaHash = SchemaHash(Bin([7; 8]));
const SMALL: fn() -> Bounds = || Bounds {
    writers: 3,
    barred: 1,
    updates_bytes: 8,
    value_bytes: 16,
    mark_entries: 4,
    log_entries: 12,
    log_bytes: 1_000,
    ..Bounds::default()
};

/// A group, and all that it has put out.
struct World {
    group: Group,
    bounds: Bounds,
    stored: Stored,
}

impl World {
    fn new() -> Self {
        let (group, bounds, stored) = (Group::new(SCHEMA), SMALL(), Stored::default());
        let mut world = Self { group, bounds, stored };
        world.sync();
        world
    }

    /// Stores what the group puts out, and looks whether it comes back from that.
    fn sync(&mut self) {
        while let Some(output) = self.group.poll_output() {
            self.stored.take(output);
        }
        let again = self.stored.restore(&self.bounds).unwrap();
        assert_eq!(again.state(), self.group.state());
        assert_eq!(again.is_full(&self.bounds), self.group.is_full(&self.bounds));
        assert_eq!(again.start(None, None), self.group.start(None, None));
    }

    fn propose(&mut self, propose: &Propose) -> Result<Decision, GroupRefusal> {
        let past = self.stored.past(propose.seen);
        let decided = self.group.handle_propose(&self.bounds, propose, past);
        self.sync();
        decided
    }

    /// A delta of a writer, which must be committed.
    fn add(&mut self, writer: u8, seq: u64) -> Version {
        let seen = self.group.head();
        let decision = self.propose(&proposal(writer, seq, seen)).unwrap();
        assert_eq!(decision.verdict, ProposeVerdict::Committed);
        decision.version
    }

    /// Entries of writer 1 up to a version.
    fn fill(&mut self, to: u64) {
        while self.group.head().version < Version(to) {
            let last = self.group.log.writers().get(&id(1)).map_or(0, |last| last.seq);
            self.add(1, last + 1);
        }
    }

    fn seen(&self, version: u64) -> Seen {
        let entry = self.stored.entries.iter().find(|entry| entry.version == Version(version));
        entry.map_or_else(|| self.group.base(), GroupEntry::seen)
    }

    fn keep(&mut self, keeper: u8, version: u64) -> Result<Option<KeptMark>, GroupRefusal> {
        let kept =
            self.group.handle_checkpoint(&self.bounds, checkpoint(keeper, self.seen(version)));
        self.sync();
        kept
    }
}

fn id(writer: u8) -> WriterId {
    WriterId(Bin([writer; 16]))
}

fn proposal(writer: u8, seq: u64, seen: Seen) -> Propose {
    let edit = Edit { writer: id(writer), seq, ordered: false, updates: vec![writer].into() };
    Propose { group: GroupName("g".to_owned()), schema: SCHEMA, edit, expect: None, seen }
}

fn checkpoint(keeper: u8, at: Seen) -> Checkpoint {
    let value: Blob = vec![1, 2, 3].into();
    let (group, hash) = (GroupName("g".to_owned()), StateHash::of_bytes(&value));
    Checkpoint { group, schema: SCHEMA, keeper: id(keeper), at, hash, value }
}

#[test]
fn a_writers_numbers_count_once_and_without_a_gap() {
    let mut world = World::new();
    let start = world.group.head();
    let verdict = |world: &mut World, writer, seq| {
        let decision = world.propose(&proposal(writer, seq, start)).unwrap();
        (decision.verdict, decision.version.0, decision.want)
    };
    assert_eq!(verdict(&mut world, 1, 2), (ProposeVerdict::Gap, 0, 1));
    assert_eq!(verdict(&mut world, 1, 0), (ProposeVerdict::Old, 0, 0));
    assert_eq!(verdict(&mut world, 1, 1), (ProposeVerdict::Committed, 1, 0));
    assert_eq!(verdict(&mut world, 2, 1), (ProposeVerdict::Committed, 2, 0));
    assert_eq!(verdict(&mut world, 1, 1), (ProposeVerdict::Duplicate, 1, 0));
    assert_eq!(verdict(&mut world, 1, 3), (ProposeVerdict::Gap, 0, 2));
    assert_eq!(verdict(&mut world, 1, 2), (ProposeVerdict::Committed, 3, 0));
    assert_eq!(verdict(&mut world, 1, 1), (ProposeVerdict::Old, 0, 0));
}

#[test]
fn an_expectation_conflicts_with_ordered_entries_alone_and_uses_no_number() {
    let mut world = World::new();
    world.add(1, 1);
    let mut propose = proposal(2, 1, world.group.head());
    (propose.expect, propose.edit.ordered) = (Some(Version(0)), true);
    assert_eq!(world.propose(&propose).unwrap().version, Version(2), "deltas do not disturb it");
    (propose.edit.seq, propose.expect) = (2, Some(Version(1)));
    let conflict = world.propose(&propose).unwrap();
    assert_eq!((conflict.verdict, conflict.version), (ProposeVerdict::Conflict, Version(2)));
    propose.expect = Some(Version(3));
    assert_eq!(world.propose(&propose).unwrap().verdict, ProposeVerdict::Conflict, "not yet");
    propose.expect = Some(Version(2));
    assert_eq!(world.propose(&propose).unwrap().version, Version(3));
    propose.expect = Some(Version(0));
    let again = world.propose(&propose).unwrap();
    assert_eq!(again.verdict, ProposeVerdict::Duplicate, "its number comes before what it expects");
}

#[test]
fn an_expectation_that_rests_on_another_log_conflicts_however_new_it_is() {
    let mut world = World::new();
    world.fill(3);
    let other = Seen { chain: Chain::START, ..world.seen(2) };
    let mut propose = proposal(2, 1, other);
    propose.expect = Some(Version(3));
    let conflict = world.propose(&propose).unwrap();
    assert_eq!((conflict.verdict, conflict.version), (ProposeVerdict::Conflict, Version(3)));
    propose.seen = world.seen(2);
    assert_eq!(world.propose(&propose).unwrap().verdict, ProposeVerdict::Committed);
    let mut any = proposal(2, 2, other);
    assert_eq!(world.propose(&any).unwrap().version, Version(5), "it expects nothing");
    world.fill(9);
    world.keep(9, 4).unwrap();
    world.keep(9, 8).unwrap();
    (any.edit.seq, any.expect) = (3, Some(Version(9)));
    assert_eq!(world.propose(&any).unwrap().version, Version(10), "nobody can tell any more");
}

#[test]
fn a_full_log_refuses_proposals_until_two_values_let_its_beginning_go() {
    let mut world = World::new();
    world.fill(12);
    let next = proposal(1, 13, world.group.head());
    assert_eq!(world.propose(&next), Err(GroupRefusal::Full));
    let known = proposal(1, 12, world.group.head());
    assert_eq!(world.propose(&known).unwrap().verdict, ProposeVerdict::Duplicate);
    world.keep(9, 4).unwrap();
    assert_eq!(world.propose(&next), Err(GroupRefusal::Full), "one value lets nothing go");
    world.keep(9, 8).unwrap();
    assert_eq!(world.group.base().version, Version(4));
    assert_eq!(world.propose(&next).unwrap().version, Version(13));
    world.bounds.log_bytes = 220;
    world.fill(14);
    assert!(world.group.is_full(&world.bounds), "by bytes, too");
}

#[test]
fn a_full_log_whose_last_mark_is_kept_goes_on_to_the_next_one() {
    let mut world = World::new();
    world.fill(12);
    assert!(world.group.is_full(&world.bounds));
    world.keep(9, 12).unwrap();
    assert_eq!(world.group.base().version, Version(0), "one value lets nothing go");
    world.fill(16);
    assert!(world.group.is_full(&world.bounds), "now there is something to keep");
    world.keep(9, 16).unwrap();
    assert_eq!(world.group.base().version, Version(12));
    world.fill(20);
    world.bounds.log_bytes = 1;
    assert!(world.group.is_full(&world.bounds));
    world.keep(9, 20).unwrap();
    world.fill(24);
    assert!(world.group.is_full(&world.bounds), "however few bytes there is room for");
}

#[test]
fn a_value_is_kept_at_a_mark_of_this_log_that_is_newer() {
    let mut world = World::new();
    world.fill(9);
    let at = world.seen(8);
    let mut refused = |change: fn(&mut Checkpoint)| {
        let mut checkpoint = checkpoint(9, at);
        change(&mut checkpoint);
        world.group.handle_checkpoint(&world.bounds, checkpoint).unwrap_err()
    };
    assert_eq!(refused(|it| it.value = vec![0; 17].into()), GroupRefusal::TooLarge);
    assert_eq!(refused(|it| it.at.version = Version(9)), GroupRefusal::NotAMark);
    assert_eq!(refused(|it| it.at.version = Version(0)), GroupRefusal::NotAMark);
    assert_eq!(refused(|it| it.at.version = Version(12)), GroupRefusal::NotInTheLog);
    assert_eq!(refused(|it| it.at.chain = Chain::START), GroupRefusal::NotInTheLog);
    assert_eq!(refused(|it| it.hash = StateHash(Bin([0; 8]))), GroupRefusal::WrongHash);
    assert_eq!(world.keep(9, 8).unwrap().map(|kept| kept.version), Some(Version(8)));
    assert_eq!(world.keep(9, 8), Err(GroupRefusal::TooOld));
    assert_eq!(world.keep(9, 4), Err(GroupRefusal::TooOld));
}

#[test]
fn a_disputed_value_goes_and_its_keeper_is_barred() {
    let mut world = World::new();
    world.fill(12);
    world.keep(8, 4).unwrap();
    world.keep(9, 8).unwrap();
    let kept = |kept: Option<KeptMark>| kept.map(|kept| kept.version.0);
    let dispute = |world: &mut World, version| {
        let kept = world.group.handle_dispute(&world.bounds, Version(version));
        world.sync();
        kept.map(|kept| kept.version.0)
    };
    assert_eq!(dispute(&mut world, 4), Some(8), "only the newest one");
    assert_eq!(dispute(&mut world, 8), Some(4));
    assert_eq!(dispute(&mut world, 4), Some(4), "nothing is before it");
    assert_eq!(world.keep(9, 8), Err(GroupRefusal::Barred));
    assert_eq!(kept(world.keep(8, 8).unwrap()), Some(8));
    assert_eq!(world.group.base().version, Version(4));
    assert_eq!(dispute(&mut world, 8), Some(4));
    assert_eq!(kept(world.keep(9, 12).unwrap()), Some(12), "one is remembered, and not the first");
}

#[test]
fn writers_make_room_once_their_last_update_is_behind_a_kept_value_and_are_told_of_it() {
    let mut world = World::new();
    let start = world.group.head();
    world.add(2, 1);
    world.add(3, 1);
    world.fill(12);
    let newcomer = |seen| proposal(4, 1, seen);
    world.bounds.log_entries = 100;
    assert_eq!(world.propose(&newcomer(start)), Err(GroupRefusal::TooManyWriters));
    world.keep(9, 4).unwrap();
    world.keep(9, 8).unwrap();
    let mut unmet = newcomer(start);
    unmet.expect = Some(Version(99));
    assert_eq!(world.propose(&unmet).unwrap().verdict, ProposeVerdict::Conflict);
    assert_eq!(world.group.log.writers().len(), 3, "what is not committed changes nothing");
    assert_eq!(world.propose(&newcomer(start)).unwrap().version, Version(13));
    assert_eq!(world.group.log.writers().len(), 2, "writers 2 and 3 are forgotten");
    let late = world.propose(&proposal(2, 1, start)).unwrap();
    assert_eq!(late.verdict, ProposeVerdict::Forgotten, "its update is in the log already");
    let seen = Seen { version: Version(2), ..start };
    assert_eq!(world.propose(&proposal(5, 1, seen)).unwrap().version, Version(14));
    assert_eq!(world.propose(&proposal(6, 1, seen)), Err(GroupRefusal::TooManyWriters));
    world.group.handle_leave(id(5));
    world.sync();
    assert_eq!(world.propose(&proposal(6, 1, seen)).unwrap().version, Version(15));
}

#[test]
fn a_group_whose_writers_are_all_gone_takes_new_ones_once_a_value_is_kept() {
    let mut world = World::new();
    for (writer, seq) in [(1, 1), (2, 1), (3, 1), (3, 2)] {
        world.add(writer, seq);
    }
    let newcomer = |world: &World| proposal(4, 1, world.group.head());
    let propose = newcomer(&world);
    assert_eq!(world.propose(&propose), Err(GroupRefusal::TooManyWriters));
    world.keep(9, 4).unwrap();
    assert_eq!(world.propose(&propose).unwrap().version, Version(5), "one value is enough");
    assert_eq!(world.group.log.writers().len(), 1);
    let late = world.propose(&proposal(2, 1, SCHEMA.start())).unwrap();
    assert_eq!(late.verdict, ProposeVerdict::Forgotten);
}

#[test]
fn a_page_begins_where_the_least_has_to_be_read() {
    let mut world = World::new();
    let beginning = Start::Beginning(world.group.base());
    let kept = |start| match start {
        Ok(Start::Kept(keep)) => Some(keep.at.version.0),
        Ok(Start::After(_) | Start::Beginning(_)) | Err(_) => None,
    };
    assert_eq!(world.group.start(None, None), Ok(beginning));
    world.fill(12);
    world.keep(9, 8).unwrap();
    let group = &world.group;
    assert_eq!(kept(group.start(None, None)), Some(8));
    assert_eq!(group.start(None, Some(Version(8))), Ok(beginning));
    assert_eq!(kept(group.start(Some(Version(0)), None)), Some(8), "3 bytes instead of 8 entries");
    assert_eq!(kept(group.start(Some(Version(4)), None)), Some(8));
    let distrusted = group.start(Some(Version(0)), Some(Version(8)));
    assert_eq!(distrusted, Ok(Start::After(Version(0))));
    assert_eq!(group.start(Some(Version(8)), None), Ok(Start::After(Version(8))));
    assert_eq!(group.start(Some(Version(9)), None), Ok(Start::After(Version(9))));
    world.keep(9, 12).unwrap();
    assert_eq!(kept(world.group.start(None, Some(Version(12)))), Some(8));
    world.group.handle_dispute(&world.bounds, Version(12));
    let nothing = world.group.start(None, Some(Version(8)));
    assert_eq!(nothing, Err(GroupRefusal::NotInTheLog));
}

#[test]
fn what_was_stored_and_does_not_fit_is_refused() {
    let mut world = World::new();
    world.fill(9);
    world.keep(9, 4).unwrap();
    world.keep(9, 8).unwrap();
    let stored = &world.stored;
    let restore = |change: &dyn Fn(&mut Stored)| {
        let mut changed = stored.clone();
        change(&mut changed);
        changed.restore(&world.bounds).map(drop)
    };
    assert_eq!(restore(&|_| {}), Ok(()));
    let lost = restore(&|it| drop(it.entries.remove(0)));
    assert!(matches!(lost, Err(GroupDamage::Entry(Version(6), _))), "{lost:?}");
    let head = world.group.head().version;
    assert_eq!(restore(&|it| it.entries.truncate(2)), Err(GroupDamage::Lacks(head)));
    let unknown = restore(&|it| {
        let state = it.state.as_mut().unwrap();
        state.writers.clear();
        state.head = it.entries[3].seen();
    });
    assert_eq!(unknown, Err(GroupDamage::Writer(Version(9))));
}
