//! Shared structures in the file: their states, their entries, and the values that are kept.

use crate::machine::group::{
    Bounds, Group, GroupDamage, GroupOutput, Keep, Note, Past, Start, State,
};
use crate::machine::{GroupId, Groups, GroupsOutput};
use protocol::{Base, Follow, GroupEntry, GroupName, GroupPage, GroupRefusal, Seen};
use redb::WriteTransaction;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};
use ucore::{Bin, Blob, Chain, DecodeError, Version, decode, encode};

/// The chain after an entry, and the bytes of its edit.
type Row<'a> = (&'a [u8; 20], &'a [u8]);

/// group -> its name, and its newest [`State`].
const GROUPS: TableDefinition<'_, u32, (&str, &[u8])> = TableDefinition::new("groups");
/// (group, version) -> [`Row`].
const ENTRIES: TableDefinition<'_, (u32, u64), Row<'_>> = TableDefinition::new("group_entries");
/// (group, number from 0) -> a [`Note`] that came after the state.
const NOTES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("group_notes");
/// (group, version) -> the bytes of a value that the state names.
const VALUES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("group_values");

/// Why the groups of a file are not what they were.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error(transparent)]
    Disk(#[from] redb::Error),
    #[error("shared structure {0}: {1}")]
    Group(GroupName, GroupDamage),
    #[error("a record of shared structure {0} can't be read: {1}")]
    Record(GroupName, DecodeError),
    #[error("there is no shared structure with number {0}, and there are later ones")]
    Number(u32),
}

pub(super) fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(GROUPS)?;
    write.open_table(ENTRIES)?;
    write.open_table(NOTES)?;
    write.open_table(VALUES)?;
    Ok(())
}

/// All groups as their logs left them.
pub(super) fn restore(database: &Database, bounds: Bounds) -> Result<Groups, Damage> {
    let read = database.begin_read().map_err(redb::Error::from)?;
    let mut groups = Groups::new(bounds);
    for ((number, name, state), expected) in lines(&read)?.into_iter().zip(0..) {
        if number != expected {
            return Err(Damage::Number(expected));
        }
        let record = |error| Damage::Record(name.clone(), error);
        let state: State = decode(&state).map_err(record)?;
        let entries = entries_after(&read, number, state.base.version)?;
        let notes: Result<Vec<Note>, _> =
            notes(&read, number)?.iter().map(|note| decode(note)).collect();
        let group = Group::restore(&bounds, &state, entries, notes.map_err(record)?)
            .map_err(|damage| Damage::Group(name.clone(), damage))?;
        groups.restore(name, group);
    }
    Ok(groups)
}

fn lines(read: &ReadTransaction) -> Result<Vec<(u32, GroupName, Vec<u8>)>, redb::Error> {
    let mut lines = Vec::new();
    for line in read.open_table(GROUPS)?.iter()? {
        let (number, line) = line?;
        let (name, state) = line.value();
        lines.push((number.value(), GroupName(name.to_owned()), state.to_vec()));
    }
    Ok(lines)
}

fn entries_after(
    read: &ReadTransaction,
    group: u32,
    after: Version,
) -> Result<Vec<GroupEntry>, redb::Error> {
    let table = read.open_table(ENTRIES)?;
    let range = table.range((group, after.next().0)..=(group, u64::MAX))?;
    let mut entries = Vec::new();
    for line in range {
        let (key, line) = line?;
        entries.push(entry(key.value().1, line.value()));
    }
    Ok(entries)
}

fn entry(version: u64, (chain, edit): Row<'_>) -> GroupEntry {
    GroupEntry { version: Version(version), chain: Chain(Bin(*chain)), edit: Blob(edit.into()) }
}

fn notes(read: &ReadTransaction, group: u32) -> Result<Vec<Vec<u8>>, redb::Error> {
    let table = read.open_table(NOTES)?;
    let mut notes = Vec::new();
    for line in table.range((group, 0)..=(group, u64::MAX))? {
        notes.push(line?.1.value().to_vec());
    }
    Ok(notes)
}

/// The tables of groups that a commit may write.
pub(super) struct Tables<'a> {
    groups: redb::Table<'a, u32, (&'static str, &'static [u8])>,
    entries: redb::Table<'a, (u32, u64), Row<'static>>,
    notes: redb::Table<'a, (u32, u64), &'static [u8]>,
    values: redb::Table<'a, (u32, u64), &'static [u8]>,
}

impl<'a> Tables<'a> {
    pub(super) fn open(write: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            groups: write.open_table(GROUPS)?,
            entries: write.open_table(ENTRIES)?,
            notes: write.open_table(NOTES)?,
            values: write.open_table(VALUES)?,
        })
    }

    /// Writes what a group has put out.
    pub(super) fn write(&mut self, id: GroupId, output: &GroupsOutput) -> Result<(), redb::Error> {
        let number = id.0;
        match output {
            GroupsOutput::Begun(name) => {
                self.groups.insert(number, (name.0.as_str(), [].as_slice()))?;
            }
            GroupsOutput::Group(GroupOutput::Entry(entry)) => {
                let key = (number, entry.version.0);
                self.entries.insert(key, (&entry.chain.0.0, &*entry.edit))?;
            }
            GroupsOutput::Group(GroupOutput::Note(note)) => {
                let last = self.notes.range((number, 0)..=(number, u64::MAX))?.next_back();
                let next = last.transpose()?.map_or(0, |(key, _)| key.value().1 + 1);
                self.notes.insert((number, next), encode(note).as_slice())?;
            }
            GroupsOutput::Group(GroupOutput::Value(version, value)) => {
                self.values.insert((number, version.0), &**value)?;
            }
            GroupsOutput::Group(GroupOutput::State(state)) => self.put_state(number, state)?,
            GroupsOutput::Group(GroupOutput::Barred(..)) => {}
        }
        Ok(())
    }

    /// Replaces a group's state, and drops what it no longer needs.
    fn put_state(&mut self, number: u32, state: &State) -> Result<(), redb::Error> {
        let name = self.groups.get(number)?.map(|line| line.value().0.to_owned());
        let name = name.unwrap_or_default();
        self.groups.insert(number, (name.as_str(), encode(state).as_slice()))?;
        let kept = state.newest.iter().chain(&state.older);
        let kept: Vec<u64> = kept.map(|keep| keep.at.version.0).collect();
        let all = (number, 0)..=(number, u64::MAX);
        self.notes.retain_in(all.clone(), |_, _| false)?;
        self.values.retain_in(all, |(_, version), _| kept.contains(&version))?;
        self.entries.retain_in((number, 0)..=(number, state.base.version.0), |_, _| false)?;
        Ok(())
    }
}

/// A page of a group's log. All that the group has put out must be in the file.
pub(super) fn page(
    database: &Database,
    (id, group): (GroupId, &Group),
    bounds: &Bounds,
    follow: &Follow,
) -> Result<Result<GroupPage, GroupRefusal>, redb::Error> {
    let read = database.begin_read()?;
    let seen = match follow.seen {
        Some(seen) if find(&read, (id, group), seen)? == Found::Here => Some(seen.version),
        Some(_) | None => None,
    };
    let start = match group.start(seen, follow.distrust) {
        Ok(start) => start,
        Err(why) => return Ok(Err(why)),
    };
    let (base, after) = match start {
        Start::After(version) => (None, version),
        Start::Kept(keep) => (Some(value(&read, id, &keep)?), keep.at.version),
        Start::Beginning(at) => (Some(Base { at, value: None }), at.version),
    };
    let (mut entries, mut has_room) = (Vec::new(), bounds.page());
    let table = read.open_table(ENTRIES)?;
    for line in table.range((id.0, after.next().0)..=(id.0, u64::MAX))? {
        let (key, line) = line?;
        if !has_room(line.value().1.len()) {
            break;
        }
        entries.push(entry(key.value().1, line.value()));
    }
    Ok(Ok(GroupPage { base, entries, head: group.head().version, kept: group.kept() }))
}

/// What a position that a writer has seen is to a group's log. What is on its way to the disk is
/// the log's own.
pub(super) fn past(
    database: &Database,
    of: (GroupId, &Group),
    seen: Seen,
) -> Result<Past, redb::Error> {
    Ok(match find(&database.begin_read()?, of, seen)? {
        Found::Here | Found::Older | Found::Coming => Past::Own,
        Found::Another => Past::Another,
    })
}

/// What a position that someone has seen is to a group's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is in the log.
    Here,
    /// It is older than what is kept.
    Older,
    /// It is on its way to the disk.
    Coming,
    /// It is of another log.
    Another,
}

fn find(
    read: &ReadTransaction,
    (id, group): (GroupId, &Group),
    seen: Seen,
) -> Result<Found, redb::Error> {
    if seen.version < group.base().version {
        return Ok(Found::Older);
    }
    if group.head().version < seen.version {
        return Ok(Found::Another);
    }
    let chain = match group.chain_at(seen.version) {
        Some(chain) => Some(chain),
        None => {
            let line = read.open_table(ENTRIES)?.get((id.0, seen.version.0))?;
            line.map(|line| Chain(Bin(*line.value().0)))
        }
    };
    Ok(match chain {
        Some(chain) if chain == seen.chain => Found::Here,
        Some(_) => Found::Another,
        None => Found::Coming,
    })
}

/// A value that is kept.
fn value(read: &ReadTransaction, id: GroupId, keep: &Keep) -> Result<Base, redb::Error> {
    let line = read.open_table(VALUES)?.get((id.0, keep.at.version.0))?;
    let missing = || redb::StorageError::Corrupted(format!("no value at {}", keep.at.version));
    let value = Blob(line.ok_or_else(missing)?.value().into());
    Ok(Base { at: keep.at, value: Some(value) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Checkpoint, Edit, Found, Leave, Propose, SchemaHash, StateHash};
    use redb::backends::InMemoryBackend;
    use std::ops::RangeInclusive;
    use ucore::WriterId;

    const SCHEMA: SchemaHash = SchemaHash(Bin([1; 8]));

    struct World {
        database: Database,
        groups: Groups,
    }

    impl World {
        fn new() -> Self {
            let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
            let write = database.begin_write().unwrap();
            create(&write).unwrap();
            write.commit().unwrap();
            let bounds = Bounds { mark_entries: 4, ..Bounds::default() };
            Self { database, groups: Groups::new(bounds) }
        }

        fn sync(&mut self) {
            let write = self.database.begin_write().unwrap();
            {
                let mut tables = Tables::open(&write).unwrap();
                while let Some((id, output)) = self.groups.poll_output() {
                    tables.write(id, &output).unwrap();
                }
            }
            write.commit().unwrap();
        }

        /// A group of this name with entries of these writers.
        fn fill(&mut self, name: &str, writers: RangeInclusive<u8>) {
            let name = GroupName(name.to_owned());
            let found = Found { group: name.clone(), schema: SCHEMA, create: true };
            self.groups.handle_found(found);
            for writer in writers {
                let updates = vec![writer].into();
                let edit = Edit { writer: id(writer), seq: 1, ordered: false, updates };
                let (group, seen) = (name.clone(), SCHEMA.start());
                let propose = Propose { group, schema: SCHEMA, edit, expect: None, seen };
                self.groups.handle_propose(&propose, Past::Own);
            }
            self.sync();
        }

        fn keep(&mut self, name: &str, version: u64) {
            let group = GroupName(name.to_owned());
            let id_of = self.groups.find(&group, SCHEMA).unwrap();
            let at = Version(version);
            let chain = self.groups.get(id_of).chain_at(at).unwrap();
            let (at, value): (_, Blob) = (Seen { version: at, chain }, vec![9].into());
            let (keeper, hash) = (id(99), StateHash::of_bytes(&value));
            let keep = Checkpoint { group, schema: SCHEMA, keeper, at, hash, value };
            self.groups.handle_checkpoint(keep);
            self.sync();
        }

        /// Versions of entries and values, and the number of notes, of a group.
        fn rows(&self, group: u32) -> (Vec<u64>, Vec<u64>, usize) {
            let read = self.database.begin_read().unwrap();
            let entries = entries_after(&read, group, Version(0)).unwrap();
            let values = read.open_table(VALUES).unwrap();
            let values = values.range((group, 0)..=(group, u64::MAX)).unwrap();
            let values = values.map(|line| line.unwrap().0.value().1).collect();
            let entries = entries.iter().map(|entry| entry.version.0).collect();
            (entries, values, notes(&read, group).unwrap().len())
        }
    }

    fn id(writer: u8) -> WriterId {
        WriterId(Bin([writer; 16]))
    }

    #[test]
    fn what_is_no_longer_kept_leaves_the_file_and_other_groups_stay_whole() {
        let mut world = World::new();
        world.fill("a", 1..=9);
        world.fill("b", 1..=5);
        let group = GroupName("a".to_owned());
        world.groups.handle_leave(&Leave { group, writer: id(3) });
        world.sync();
        world.keep("b", 4);
        assert_eq!(world.rows(0), ((1..=9).collect(), vec![], 1));
        world.keep("a", 4);
        assert_eq!(world.rows(0), ((1..=9).collect(), vec![4], 0), "a state has no notes");
        world.fill("a", 10..=13);
        world.keep("a", 8);
        assert_eq!(world.rows(0), ((5..=13).collect(), vec![4, 8], 0));
        world.keep("a", 12);
        assert_eq!(world.rows(0), ((9..=13).collect(), vec![8, 12], 0));
        assert_eq!(world.rows(1), ((1..=5).collect(), vec![4], 0), "b is another group");
        let again = restore(&world.database, *world.groups.bounds()).unwrap();
        let states = |groups: &Groups| -> Vec<_> {
            groups.iter().map(|(name, group)| (name.clone(), group.state())).collect()
        };
        assert_eq!(states(&again), states(&world.groups));
    }

    #[test]
    fn a_file_that_lacks_an_entry_is_refused() {
        let mut world = World::new();
        world.fill("a", 1..=9);
        let write = world.database.begin_write().unwrap();
        write.open_table(ENTRIES).unwrap().remove((0, 5)).unwrap();
        write.commit().unwrap();
        let why = restore(&world.database, Bounds::default()).unwrap_err().to_string();
        assert!(why.starts_with("shared structure a: entry 6: "), "{why}");
    }
}
