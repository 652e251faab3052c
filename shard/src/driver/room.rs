//! Structures that this shard's pages share: its boss's war room, which the shard keeps, and those
//! groups that its operator names.

use authority::Authority;
use authority::door::{Door, Rule, anything};
use protocol::{BossId, GroupName, GroupRefusal, Propose, WarRoom, WarRoomUpdate};
use score::{Server, Shared};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;
use ucore::{Updatable, Version};

/// This shard's copy of the war room, once the authority has given one.
type Room = Arc<OnceLock<Shared<WarRoom>>>;

/// A door for this shard's pages.
pub(super) fn door(
    authority: &Arc<dyn Authority>,
    boss: BossId,
    share: impl IntoIterator<Item = GroupName>,
) -> Door {
    let mut rules: BTreeMap<GroupName, Rule> =
        share.into_iter().map(|group| (group, anything())).collect();
    let copy = Room::default();
    tokio::spawn(keep(Arc::clone(authority), boss, Arc::clone(&copy)));
    rules.insert(WarRoom::group(boss), Arc::new(move |propose| check(&copy, propose)));
    Door::new(Arc::clone(authority), rules)
}

/// Opens the war room, however long that takes, and keeps it from then on.
async fn keep(authority: Arc<dyn Authority>, boss: BossId, copy: Room) {
    let server = Server::by(move |request| authority.ask(request), Handle::current());
    loop {
        match server.group(&WarRoom::group(boss).0).begin::<WarRoom>().await {
            Ok(room) => {
                // It is the first and only one.
                drop(copy.set(room));
                return;
            }
            Err(why) if why.retry() == score::Retry::Later => {
                tracing::debug!(target: "worldboss::shard", "no war room yet: {why}");
            }
            Err(why) => {
                tracing::warn!(target: "worldboss::shard", "this shard has no war room: {why}");
                return;
            }
        }
    }
}

/// Whether a page may write this into the war room.
fn check(copy: &Room, propose: &Propose) -> Result<(), GroupRefusal> {
    let room = copy.get().ok_or(GroupRefusal::NoGroup)?.read();
    judge(&room, room.version(), propose)
}

/// The same of a copy at a version. Updates that do not fit are nobody's harm: they change nothing.
fn judge(room: &WarRoom, version: Version, propose: &Propose) -> Result<(), GroupRefusal> {
    // Who hides that an update is ordered would have others build on what is no longer so.
    let Some(expected) = propose.expect.filter(|_| propose.edit.ordered) else {
        return Err(GroupRefusal::NotAllowed);
    };
    match expected.cmp(&version) {
        // All changes of a war room are ordered, so the authority finds what came between.
        Ordering::Less => return Ok(()),
        // A moment later this copy will be as new as the page's.
        Ordering::Greater => return Err(GroupRefusal::Full),
        Ordering::Equal => {}
    }
    let updates: Vec<WarRoomUpdate> =
        propose.edit.updates.open().map_err(|_| GroupRefusal::NotAllowed)?;
    let mut room = room.clone();
    for update in updates {
        if !room.allows(&update) {
            return Err(GroupRefusal::NotAllowed);
        }
        let _unfit = room.apply(update);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Edit, RoomNote, SchemaHash, Seen};
    use ucore::{Bin, Blob, Chain, Set, UVecUpdate, WriterId};

    const AT: Version = Version(7);

    fn wants(updates: &[WarRoomUpdate], expect: Option<Version>, ordered: bool) -> Propose {
        let updates = Blob(ucore::encode(&updates.to_vec()).into());
        Propose {
            group: WarRoom::group(BossId(1)),
            schema: SchemaHash(Bin([0; 8])),
            edit: Edit { writer: WriterId(Bin([1; 16])), seq: 1, ordered, updates },
            expect,
            seen: Seen { version: AT, chain: Chain::START },
        }
    }

    fn check(update: WarRoomUpdate, expect: u64) -> Result<(), GroupRefusal> {
        judge(&WarRoom::default(), AT, &wants(&[update], Some(Version(expect)), true))
    }

    fn note(text: &str) -> WarRoomUpdate {
        let note = RoomNote { text: text.to_owned(), by: "Ada".to_owned() };
        WarRoomUpdate { notes: Some(UVecUpdate::Push(note)), ..WarRoomUpdate::default() }
    }

    fn round(round: u32) -> WarRoomUpdate {
        WarRoomUpdate { round: Some(Set(round)), ..WarRoomUpdate::default() }
    }

    #[test]
    fn a_page_writes_what_the_room_allows_and_nothing_else() {
        assert_eq!(check(note("hit its left knee"), 7), Ok(()));
        assert_eq!(check(note(""), 7), Err(GroupRefusal::NotAllowed));
        assert_eq!(check(round(1), 7), Ok(()));
        assert_eq!(check(round(2), 7), Err(GroupRefusal::NotAllowed));
    }

    #[test]
    fn what_rests_on_another_version_is_no_matter_of_the_copy() {
        assert_eq!(check(round(2), 6), Ok(()), "the authority says what came between");
        assert_eq!(check(round(2), 8), Err(GroupRefusal::Full), "later");
    }

    #[test]
    fn what_rests_on_nothing_or_hides_that_it_is_ordered_is_refused() {
        for (expect, ordered) in [(None, true), (Some(AT), false)] {
            let propose = wants(&[round(1)], expect, ordered);
            let judged = judge(&WarRoom::default(), AT, &propose);
            assert_eq!(judged, Err(GroupRefusal::NotAllowed));
        }
    }
}
