//! loro: maps, lists and its counter; a message is an export of what follows the last one.

use crate::boss::{Edit, PLAYERS, Workload};
use crate::peer::Peer;
use loro::{ExportMode, LoroCounter, LoroDoc, LoroMap, LoroResult, ToJson, VersionVector};
use serde_json::Value;

pub(crate) struct Loro {
    doc: LoroDoc,
    /// Damage and hits by player.
    lines: Vec<[LoroCounter; 2]>,
    /// What the last message led to.
    sent: VersionVector,
}

const FITS: &str = "the document has this place";
const EXPORTS: &str = "a document can be exported";

impl Peer for Loro {
    const NAME: &'static str = "loro";

    fn pair(workload: Workload) -> (Self, Self) {
        // Ids as long as the random ones of `LoroDoc::new`.
        let (mut source, mut replica) =
            (Self::new(0x9e37_79b9_7f4a_7c15), Self::new(0x85eb_ca6b_c2b2_ae35));
        let players = if workload == Workload::Nested { 0..PLAYERS } else { 0..0 };
        let lines: LoroResult<_> = players.map(|player| source.line(player)).collect();
        source.lines = lines.expect(FITS);
        replica.apply(&source.produce(&[]));
        (source, replica)
    }

    fn produce(&mut self, edits: &[Edit]) -> Vec<u8> {
        for edit in edits {
            self.edit(*edit).expect(FITS);
        }
        self.doc.commit();
        let message = self.doc.export(ExportMode::updates(&self.sent)).expect(EXPORTS);
        self.sent = self.doc.oplog_vv();
        message
    }

    fn apply(&mut self, message: &[u8]) {
        self.doc.import(message).expect("it follows");
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.doc.export(ExportMode::snapshot()).expect(EXPORTS)
    }

    fn smallest_snapshot(&mut self) -> Vec<u8> {
        self.doc.export(ExportMode::state_only(None)).expect(EXPORTS)
    }

    fn value(&mut self) -> Value {
        self.doc.get_deep_value().to_json_value()
    }
}

impl Loro {
    fn new(peer: u64) -> Self {
        let doc = LoroDoc::new();
        doc.set_peer_id(peer).expect("nothing is under way");
        Self { doc, lines: Vec::new(), sent: VersionVector::default() }
    }

    fn line(&self, player: u32) -> LoroResult<[LoroCounter; 2]> {
        let lines = self.doc.get_map("lines");
        let line = lines.insert_container(&player.to_string(), LoroMap::new())?;
        let damage = line.insert_container("damage", LoroCounter::new())?;
        let hits = line.insert_container("hits", LoroCounter::new())?;
        Ok([damage, hits])
    }

    fn edit(&self, edit: Edit) -> LoroResult<()> {
        match edit {
            Edit::Counter { less } => self.doc.get_counter("hp").decrement(less.into()),
            Edit::Set { key, value } => {
                self.doc.get_map("gold").insert(&key.to_string(), i64::from(value))
            }
            Edit::Nested { player, damage } => {
                let [total, hits] = &self.lines[player as usize];
                total.increment(damage.into())?;
                hits.increment(1.0)
            }
            Edit::Push { value } => self.doc.get_list("log").push(i64::from(value)),
        }
    }
}
