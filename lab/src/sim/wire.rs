//! The ways to the truth: requests and answers that get lost, late, doubled, overtaken.

use super::core::Core;
use super::fault::Fault;
use super::world::Event;
use protocol::{Micros, SyncAnswer, SyncRequest, Unavailable, decode_record, encode_record};
use std::collections::BTreeMap;

/// Who asks the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// A shard's process, by its number.
    Shard(u32),
    /// An executor, by its number.
    Executor(u32),
}

/// What comes back.
pub(super) type Answer = Result<SyncAnswer, Unavailable>;

/// A message on its way.
pub(super) type Bytes = Box<[u8]>;

/// All ways to the truth.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Who is cut off, until when, and whether requests still get through.
    blocked: BTreeMap<Caller, (Micros, bool)>,
    /// When the newest request of a caller arrives.
    newest: BTreeMap<Caller, Micros>,
}

impl Wire {
    /// Cuts a caller off for a while.
    pub(super) fn block(&mut self, caller: Caller, until: Micros, is_one_way: bool) {
        self.blocked.insert(caller, (until, is_one_way));
    }

    /// Everybody gets through again.
    pub(super) fn heal(&mut self) {
        self.blocked.clear();
    }

    /// Sends a request. If its answer has not come within `patience`, the caller hears of that.
    pub(super) fn ask(
        &mut self,
        core: &mut Core,
        (caller, call): (Caller, u64),
        request: &SyncRequest,
        patience: Micros,
    ) {
        core.at(core.now + patience, Event::TimeOut(caller, call));
        if let Some((until, is_one_way)) = self.blocked.get(&caller)
            && core.now < *until
            && !is_one_way
        {
            return core.meet(Fault::Partitioned);
        }
        if core.strikes(Fault::LostRequest) {
            return;
        }
        let at = core.now + latency(core);
        let newest = self.newest.entry(caller).or_default();
        if at < *newest {
            core.meet(Fault::Reordered);
        }
        *newest = at.max(*newest);
        let bytes: Bytes = encode_record(request).into();
        if core.strikes(Fault::Duplicated) {
            let again = at + core.millis(0..=10_000);
            core.at(again, Event::Request(caller, call, bytes.clone()));
        }
        core.at(at, Event::Request(caller, call, bytes));
    }

    /// Sends an answer back.
    pub(super) fn reply(&mut self, core: &mut Core, (caller, call): (Caller, u64), answer: Answer) {
        if let Some((until, is_one_way)) = self.blocked.get(&caller)
            && core.now < *until
        {
            let fault = if *is_one_way { Fault::OneWay } else { Fault::Partitioned };
            return core.meet(fault);
        }
        if core.strikes(Fault::LostAnswer) {
            return;
        }
        let at = core.now + latency(core);
        core.at(
            at,
            Event::Answer(caller, call, answer.map(|answer| encode_record(&answer).into())),
        );
    }
}

/// Reads a message between programs of ours, which none of them may write so that it can't be read.
pub(super) fn read<T: serde::de::DeserializeOwned>(core: &mut Core, bytes: &[u8]) -> Option<T> {
    let message = decode_record(bytes);
    message.map_err(|error| core.fail(format!("a message can't be read: {error}"))).ok()
}

fn latency(core: &mut Core) -> Micros {
    let usual = core.millis(0..=3);
    if core.strikes(Fault::Delayed) { usual + core.millis(20..=12_000) } else { usual }
}
