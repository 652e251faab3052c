//! The log of a boss: entries, values and pages.

use crate::check::{answered, bounded, record, spelled};
use authority::machine::Audit;
use protocol::{BossId, BossUpdate, Entry, FeedEvent, Ledger, LogPage, Snapshot};
use ucore::{Chain, Version};

/// A line up to its end, and the blob behind it. What can be read has no other form, and its line
/// of the feed can be read again.
pub(crate) fn entry(bytes: &[u8]) {
    record::<Entry>(bytes);
    spelled::<BossUpdate>(bytes);
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(at);
    let (Ok(line), blob) = (std::str::from_utf8(line), rest.get(1..).unwrap_or_default()) else {
        return;
    };
    let Ok(update) = bounded(bytes, || BossUpdate::parse(line, blob)) else { return };
    assert_eq!((update.fields().as_str(), update.blob().as_slice()), (line, blob));
    assert_eq!(ucore::decode(&ucore::encode(&update)).as_ref(), Ok(&update));
    let entry = Entry::after(Version(0), Chain::START, &update);
    assert_eq!(entry.follow(Version(0), Chain::START).as_ref(), Ok(&update));
    let told = FeedEvent::of(BossId(1), &entry, update, Some(0));
    let json = serde_json::to_string(&told).expect("every event has its line");
    assert_eq!(serde_json::from_str::<FeedEvent>(&json).expect("a feed's reader reads it"), told);
}

/// A value, and the entries of a page behind it.
pub(crate) fn snapshot(bytes: &[u8]) {
    if let Some(page) = record::<LogPage>(bytes) {
        fold(page.base.map_or_else(Snapshot::default, |base| *base), &page.entries);
    }
    if let Some(base) = record::<Snapshot>(bytes) {
        fold(base, &[]);
    }
}

/// Follows entries from a value on. Each is taken whole or not at all, and what the audit beside it
/// finds right, the follower takes, too.
pub(crate) fn fold(mut value: Snapshot, entries: &[Entry]) {
    let mut audit = Audit::new(value.clone()).ok();
    tell(&value);
    for entry in entries {
        let before = value.clone();
        let followed = value.follow(entry);
        let found = audit.as_mut().map(|audit| audit.handle_entry(entry));
        match (followed, found) {
            (Ok(()), Some(Ok(()))) => {
                assert_eq!(audit.as_ref().map(Audit::value), Some(&value), "the audit folds too");
            }
            // After its first finding an audit says nothing more.
            (Ok(()), Some(Err(_)) | None) => audit = None,
            (Err(error), found) => {
                assert_eq!(value, before, "{error}");
                assert!(
                    !matches!(found, Some(Ok(()))),
                    "the audit takes what is no entry: {error}"
                );
                break;
            }
        }
    }
    if let Some(audit) = audit {
        answered(audit.accounts());
    }
    tell(&value);
}

/// What anybody may ask of a boss has an answer, whatever the boss is.
fn tell(value: &Snapshot) {
    let Snapshot { version, chain, boss } = value;
    let ledger = Ledger::of(BossId(1), boss, *version, *chain);
    serde_json::to_string(&ledger).expect("every ledger can be written");
    for (generation, life) in boss.lives() {
        answered(life.board(generation));
    }
    let journals: Vec<_> = boss.journals().map(|(journal, _)| journal).collect();
    answered(boss.late_lines(&journals));
}
