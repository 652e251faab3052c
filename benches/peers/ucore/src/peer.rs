//! What a library has to do to be compared.

use crate::boss::{Edit, Workload};
use serde_json::Value;
use std::collections::BTreeMap;

/// A document of one library.
pub(crate) trait Peer: Sized {
    const NAME: &'static str;

    /// A document with everything in it that the workload's edits do not create, and a copy of it.
    fn pair(workload: Workload) -> (Self, Self);

    /// Makes these edits, and one message that lets a copy follow.
    fn produce(&mut self, edits: &[Edit]) -> Vec<u8>;

    /// Follows.
    fn apply(&mut self, message: &[u8]);

    /// The whole document, as it is usually stored.
    fn snapshot(&mut self) -> Vec<u8>;

    /// The whole document with as little of its history as the library can do with.
    fn smallest_snapshot(&mut self) -> Vec<u8> {
        self.snapshot()
    }

    /// What is in it: `{"hp": _, "gold": {_: _}, "lines": {_: {"damage": _, "hits": _}},
    /// "log": [_]}`.
    fn value(&mut self) -> Value;
}

/// What is in a document, without the differences between libraries.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct State {
    hp: i64,
    gold: BTreeMap<String, i64>,
    /// Damage and hits by player, of those who have any.
    lines: BTreeMap<String, (i64, i64)>,
    log: Vec<i64>,
}

impl State {
    /// What should be in a document after these edits.
    pub(crate) fn after(edits: &[Edit]) -> Self {
        let mut state = Self::default();
        for edit in edits {
            match *edit {
                Edit::Counter { less } => state.hp -= i64::from(less),
                Edit::Set { key, value } => {
                    state.gold.insert(key.to_string(), value.into());
                }
                Edit::Nested { player, damage } => {
                    let line = state.lines.entry(player.to_string()).or_default();
                    *line = (line.0 + i64::from(damage), line.1 + 1);
                }
                Edit::Push { value } => state.log.push(value.into()),
            }
        }
        state
    }

    /// What is in a document.
    pub(crate) fn of(value: &Value) -> Self {
        let line = |line: &Value| (integer(&line["damage"]), integer(&line["hits"]));
        let mut lines = members(&value["lines"], line);
        lines.retain(|_, line| *line != (0, 0));
        let log = value["log"].as_array();
        Self {
            hp: integer(&value["hp"]),
            gold: members(&value["gold"], integer),
            lines,
            log: log.map(|log| log.iter().map(integer).collect()).unwrap_or_default(),
        }
    }
}

/// A number; some libraries count in floating point.
fn integer(value: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the sums stay far below 2^53")]
    let rounded = value.as_f64().unwrap_or_default() as i64;
    value.as_i64().unwrap_or(rounded)
}

fn members<T>(object: &Value, of: impl Fn(&Value) -> T) -> BTreeMap<String, T> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(key, value)| (key.clone(), of(value))).collect()
}
