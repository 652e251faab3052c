//! automerge: maps, lists and its counter in an `AutoCommit`; a message is `save_incremental`.

use crate::boss::{Edit, PLAYERS, Workload};
use crate::peer::Peer;
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, AutoSerde, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use serde_json::Value;

pub(crate) struct Automerge {
    doc: AutoCommit,
    gold: ObjId,
    lines: Vec<ObjId>,
    log: ObjId,
}

const FITS: &str = "the document has this place";

impl Peer for Automerge {
    const NAME: &'static str = "automerge";

    fn pair(workload: Workload) -> (Self, Self) {
        // Ids as long as the random ones, so that messages are as long as usual.
        let mut doc = AutoCommit::new().with_actor(ActorId::from([0x9e; 16]));
        doc.put(ROOT, "hp", ScalarValue::counter(0)).expect(FITS);
        let gold = doc.put_object(ROOT, "gold", ObjType::Map).expect(FITS);
        let all = doc.put_object(ROOT, "lines", ObjType::Map).expect(FITS);
        let log = doc.put_object(ROOT, "log", ObjType::List).expect(FITS);
        let players = if workload == Workload::Nested { 0..PLAYERS } else { 0..0 };
        let mut lines = Vec::new();
        for player in players {
            let line = doc.put_object(&all, player.to_string(), ObjType::Map).expect(FITS);
            doc.put(&line, "damage", ScalarValue::counter(0)).expect(FITS);
            doc.put(&line, "hits", ScalarValue::counter(0)).expect(FITS);
            lines.push(line);
        }
        let copy = AutoCommit::load(&doc.save()).expect("it was just saved");
        let copy = copy.with_actor(ActorId::from([0x85; 16]));
        let replica =
            Self { doc: copy, gold: gold.clone(), lines: lines.clone(), log: log.clone() };
        (Self { doc, gold, lines, log }, replica)
    }

    fn produce(&mut self, edits: &[Edit]) -> Vec<u8> {
        for edit in edits {
            self.edit(*edit);
        }
        self.doc.save_incremental()
    }

    fn apply(&mut self, message: &[u8]) {
        self.doc.load_incremental(message).expect("it follows");
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    fn value(&mut self) -> Value {
        serde_json::to_value(AutoSerde::from(&self.doc)).expect("a document is JSON")
    }
}

impl Automerge {
    fn edit(&mut self, edit: Edit) {
        let Self { doc, gold, lines, log } = self;
        match edit {
            Edit::Counter { less } => doc.increment(ROOT, "hp", -i64::from(less)),
            Edit::Set { key, value } => doc.put(&*gold, key.to_string(), u64::from(value)),
            Edit::Nested { player, damage } => {
                let line = &lines[player as usize];
                doc.increment(line, "damage", damage.into())
                    .and_then(|()| doc.increment(line, "hits", 1))
            }
            Edit::Push { value } => doc.insert(&*log, doc.length(&*log), u64::from(value)),
        }
        .expect(FITS);
    }
}
