//! Texts: files, JSON and command lines.

use crate::check::{answered, bounded};
use loadgen::machine::{Oracle, Threshold};
use protocol::{ExecutorId, FeedEvent, JournalId, Ledger, Scenario};
use score::Address;

/// A scenario that is taken is within all limits, and has bytes.
pub(crate) fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(scenario) = bounded(bytes, || Scenario::parse(text)) else { return };
    assert_eq!(scenario.spec.check(), Ok(()));
    assert_eq!(ucore::decode(&ucore::encode(&scenario.spec)), Ok(scenario.spec));
}

/// A line of the feed that can be read is written to the same again.
pub(crate) fn feed_line(bytes: &[u8]) {
    let Ok(event) = bounded(bytes, || serde_json::from_slice::<FeedEvent>(bytes)) else { return };
    let line = serde_json::to_string(&event).expect("every event has its line");
    assert_eq!(serde_json::from_str::<FeedEvent>(&line).expect("it was read before"), event);
}

/// Ledgers, one on each line: whatever they say, the oracle has an answer.
pub(crate) fn ledger(bytes: &[u8]) {
    let mut oracle = Oracle::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let ledger = bounded(line, || serde_json::from_slice::<Ledger>(line));
        let Ok(ledger) = ledger else { continue };
        let text = serde_json::to_string(&ledger).expect("every ledger can be written");
        assert_eq!(serde_json::from_str::<Ledger>(&text).expect("it was read before"), ledger);
        oracle.learn(ledger);
        answered(oracle.balance());
    }
}

/// What stands on a command line, or in a variable. No password gets into what is said of it.
pub(crate) fn arguments(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = Address::parse(text, protocol::SYNC_PATH) {
        let shown = address.to_string();
        assert_eq!(Address::parse(&shown, "/other"), Ok(address), "{shown}");
    }
    if let Ok(id) = text.parse().map(JournalId) {
        assert_eq!(id.to_string(), text.to_lowercase());
        assert_eq!(text.parse().map(ExecutorId).map(|id| id.to_string()), Ok(id.to_string()));
    }
    answered(Threshold::parse(text));
    let redis = authority::Redis::new(text);
    let shown = authority::without_password(text);
    for said in [redis.err().map(|error| error.to_string()), Some(shown)].into_iter().flatten() {
        assert!(!said.contains(":hunter2@"), "{said}");
    }
}
