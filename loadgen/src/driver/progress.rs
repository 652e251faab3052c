//! One line a second on stderr: how the run does.

use super::player::{Phase, Shared};
use crate::machine::Pulse;
use protocol::Micros;
use score::Clock;
use std::io::Write;
use std::time::Duration;
use tokio::sync::watch;

/// Writes until it is dropped.
pub(super) async fn report(
    clock: Clock,
    recorder: Shared,
    phase: watch::Receiver<Phase>,
    players: u32,
) {
    let mut before = (clock.now(), recorder.lock().pulse());
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    loop {
        seconds.tick().await;
        let now = (clock.now(), recorder.lock().pulse());
        let line = line(before, now, *phase.borrow(), players);
        // Nobody may be listening, and the run goes on all the same.
        drop(writeln!(std::io::stderr().lock(), "{line}"));
        before = now;
    }
}

fn line(
    (before_at, before): (Micros, Pulse),
    (at, now): (Micros, Pulse),
    phase: Phase,
    players: u32,
) -> String {
    let name = match phase {
        Phase::Ramp => "ramp",
        Phase::Load { .. } => "load",
        Phase::Drain => "drain",
        Phase::Settle | Phase::Close => "settle",
    };
    let seconds = at.0 / 1_000_000;
    let per_s = (now.sent - before.sent) * 1_000_000 / at.since(before_at).0.max(1);
    let Pulse { live, sent, answered, reconnects, connect_failures, ack, .. } = now;
    let unanswered = sent.saturating_sub(answered);
    let (p50, p99) = (ack.p50, ack.p99);
    format!(
        "{seconds:>4} s {name:<6} {live}/{players} connected, {per_s} hits/s, {sent} sent, \
         {unanswered} unanswered, ack p50 {p50:.0} p99 {p99:.0} ms, {reconnects} reconnects, \
         {connect_failures} failures"
    )
}
