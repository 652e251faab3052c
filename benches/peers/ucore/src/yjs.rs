//! yrs: shared maps and arrays; a message is the update of one transaction, format v1. There is no
//! counter, so a sum is read and written back.

use crate::boss::{Edit, PLAYERS, Workload};
use crate::peer::Peer;
use serde_json::{Value, json};
use yrs::types::ToJson;
use yrs::updates::decoder::Decode;
use yrs::{Array, ArrayRef, Doc, Map, MapPrelim, MapRef, ReadTxn, StateVector, Transact};
use yrs::{TransactionMut, Update};

pub(crate) struct Yrs {
    doc: Doc,
    /// Keeps `hp`.
    boss: MapRef,
    gold: MapRef,
    lines: MapRef,
    log: ArrayRef,
}

impl Peer for Yrs {
    const NAME: &'static str = "yrs";

    fn pair(workload: Workload) -> (Self, Self) {
        // Ids as long as the random ones of `Doc::new`, so that messages are as long as usual.
        let (source, mut replica) = (Self::new(0x9e37_79b9), Self::new(0x85eb_ca6b));
        let mut txn = source.doc.transact_mut();
        if workload == Workload::Nested {
            for player in 0..PLAYERS {
                let line = MapPrelim::from([("damage", 0), ("hits", 0)]);
                source.lines.insert(&mut txn, player.to_string(), line);
            }
        }
        replica.apply(&txn.encode_update_v1());
        drop(txn);
        (source, replica)
    }

    fn produce(&mut self, edits: &[Edit]) -> Vec<u8> {
        let mut txn = self.doc.transact_mut();
        for edit in edits {
            self.edit(*edit, &mut txn);
        }
        // A commit joins neighbours and drops what was overwritten.
        txn.commit();
        txn.encode_update_v1()
    }

    fn apply(&mut self, message: &[u8]) {
        let update = Update::decode_v1(message).expect("it was just encoded");
        self.doc.transact_mut().apply_update(update).expect("it follows");
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    fn value(&mut self) -> Value {
        let txn = self.doc.transact();
        json!({
            "hp": self.boss.get_as::<_, Option<i64>>(&txn, "hp").expect("it is an integer"),
            "gold": self.gold.to_json(&txn),
            "lines": self.lines.to_json(&txn),
            "log": self.log.to_json(&txn),
        })
    }
}

impl Yrs {
    fn new(client: u64) -> Self {
        let doc = Doc::with_client_id(client);
        let boss = doc.get_or_insert_map("boss");
        let gold = doc.get_or_insert_map("gold");
        let lines = doc.get_or_insert_map("lines");
        let log = doc.get_or_insert_array("log");
        Self { doc, boss, gold, lines, log }
    }

    fn edit(&self, edit: Edit, txn: &mut TransactionMut<'_>) {
        match edit {
            Edit::Counter { less } => add(&self.boss, txn, "hp", -i64::from(less)),
            Edit::Set { key, value } => {
                self.gold.insert(txn, key.to_string(), value);
            }
            Edit::Nested { player, damage } => {
                let line = self.lines.get(txn, &player.to_string()).expect("it is prepared");
                let line: MapRef = line.cast().expect("it is a map");
                add(&line, txn, "damage", damage.into());
                add(&line, txn, "hits", 1);
            }
            Edit::Push { value } => {
                self.log.push_back(txn, value);
            }
        }
    }
}

fn add(map: &MapRef, txn: &mut TransactionMut<'_>, key: &'static str, more: i64) {
    let sum: Option<i64> = map.get_as(txn, key).expect("it is an integer");
    map.insert(txn, key, sum.unwrap_or_default() + more);
}
