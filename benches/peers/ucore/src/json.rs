//! json-patch: a document of serde_json; a message is an RFC 6902 patch as JSON text. The patch is
//! built from the edits, which is faster than comparing documents.

use crate::boss::{Edit, PLAYERS, Workload};
use crate::peer::Peer;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, ReplaceOperation, patch};
use serde_json::{Map, Value, json};

pub(crate) struct JsonPatch {
    doc: Value,
}

impl Peer for JsonPatch {
    const NAME: &'static str = "json-patch";

    fn pair(workload: Workload) -> (Self, Self) {
        let players = if workload == Workload::Nested { 0..PLAYERS } else { 0..0 };
        let line = json!({ "damage": 0, "hits": 0 });
        let lines: Map<_, _> = players.map(|player| (player.to_string(), line.clone())).collect();
        let doc = json!({ "hp": 0, "gold": {}, "lines": lines, "log": [] });
        (Self { doc: doc.clone() }, Self { doc })
    }

    fn produce(&mut self, edits: &[Edit]) -> Vec<u8> {
        let operations = edits.iter().flat_map(|edit| self.edit(*edit)).collect();
        serde_json::to_vec(&Patch(operations)).expect("a patch is JSON")
    }

    fn apply(&mut self, message: &[u8]) {
        let read: Patch = serde_json::from_slice(message).expect("it was just written");
        patch(&mut self.doc, &read).expect("it fitted the source");
    }

    fn snapshot(&mut self) -> Vec<u8> {
        serde_json::to_vec(&self.doc).expect("a document is JSON")
    }

    fn value(&mut self) -> Value {
        self.doc.clone()
    }
}

impl JsonPatch {
    fn edit(&mut self, edit: Edit) -> Vec<PatchOperation> {
        match edit {
            Edit::Counter { less } => vec![add(&mut self.doc["hp"], "/hp", -i64::from(less))],
            Edit::Set { key, value } => {
                self.doc["gold"][key.to_string()] = value.into();
                let (path, value) = (pointer(&format!("/gold/{key}")), value.into());
                vec![PatchOperation::Add(AddOperation { path, value })]
            }
            Edit::Nested { player, damage } => {
                let line = &mut self.doc["lines"][player.to_string()];
                let path = format!("/lines/{player}");
                vec![
                    add(&mut line["damage"], &format!("{path}/damage"), damage.into()),
                    add(&mut line["hits"], &format!("{path}/hits"), 1),
                ]
            }
            Edit::Push { value } => {
                self.doc["log"].as_array_mut().expect("it is a list").push(value.into());
                let (path, value) = (pointer("/log/-"), value.into());
                vec![PatchOperation::Add(AddOperation { path, value })]
            }
        }
    }
}

/// A patch knows no sums, only new values.
fn add(number: &mut Value, path: &str, more: i64) -> PatchOperation {
    *number = (number.as_i64().expect("it is an integer") + more).into();
    PatchOperation::Replace(ReplaceOperation { path: pointer(path), value: number.clone() })
}

fn pointer(path: &str) -> PointerBuf {
    PointerBuf::parse(path).expect("it begins with a slash")
}
