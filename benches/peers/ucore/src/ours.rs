//! ucore: a struct of typed fields; a message is one masked update.

use crate::boss::{Boss, BossDelta, BossUpdate, Edit, Workload, hit};
use crate::peer::Peer;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use ucore::prelude::*;
use ucore::{Counter, DeltaBuffer, GMapDelta, UMapUpdate, UVecUpdate, decode, encode};

impl Peer for Boss {
    const NAME: &'static str = "ucore";

    fn pair(_: Workload) -> (Self, Self) {
        (Self::default(), Self::default())
    }

    fn produce(&mut self, edits: &[Edit]) -> Vec<u8> {
        let update = match edits {
            [edit] => self.edit(*edit),
            many => self.put(fold(many)),
        };
        encode(&update.expect("the sums stay far below the limit"))
    }

    fn apply(&mut self, message: &[u8]) {
        let update: BossUpdate = decode(message).expect("it was just encoded");
        Updatable::apply(self, update).expect("it fitted the source");
    }

    fn snapshot(&mut self) -> Vec<u8> {
        encode(self)
    }

    fn value(&mut self) -> Value {
        let gold: Map<_, _> = self.gold.iter().map(|(k, v)| (k.to_string(), json!(v))).collect();
        let lines = self.lines.iter().map(|(player, line)| {
            let fields = json!({ "damage": line.damage.get(), "hits": line.hits.get() });
            (player.to_string(), fields)
        });
        let lines: Map<_, _> = lines.collect();
        json!({ "hp": self.hp.get(), "gold": gold, "lines": lines, "log": self.log.to_vec() })
    }
}

/// One update for many edits: deltas add up, sets of one key replace each other, pushes become a
/// list.
fn fold(edits: &[Edit]) -> BossUpdate {
    let mut deltas = DeltaBuffer::default();
    let (mut gold, mut log) = (BTreeMap::new(), Vec::new());
    for edit in edits {
        match *edit {
            Edit::Counter { less } => {
                let hp = Counter::of(-i64::from(less));
                let full = deltas.add(BossDelta { hp, ..Default::default() });
                assert_eq!(full, Ok(None), "far from the limits");
            }
            Edit::Set { key, value } => {
                gold.insert(key, value);
            }
            Edit::Nested { player, damage } => {
                let lines = GMapDelta::line(player, hit(damage));
                let full = deltas.add(BossDelta { lines, ..Default::default() });
                assert_eq!(full, Ok(None), "far from the limits");
            }
            Edit::Push { value } => log.push(value),
        }
    }
    BossUpdate {
        delta: deltas.take().unwrap_or_default(),
        gold: (!gold.is_empty()).then_some(UMapUpdate::Extend(gold)),
        log: (!log.is_empty()).then_some(UVecUpdate::Extend(log)),
    }
}
