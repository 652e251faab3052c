//! The part of a plan that is drawn from the seed: spread over the load, every kind as often as the
//! others.

use super::{PlanError, RandomTable, Reader, overlap, seconds};
use crate::chaos::fault::{Deed, Fault, Kind, OnLink, OnProcess, Part, Who};
use loadgen::driver::Way;
use protocol::Micros;
use std::ops::Range;
use std::time::Duration;

/// The load is on its way before the first fault begins.
const CALM_BEFORE: Duration = Duration::from_secs(2);
/// Between the last fault and the end of the load.
const CALM_AFTER: Duration = Duration::from_secs(3);
/// Between two faults of the same part, so that the first one's end is seen.
const GAP: Micros = Micros(1_500_000);
/// Draws of one fault until it overlaps with no other.
const TRIES_MAX: u32 = 1_000;

impl Reader<'_> {
    /// Adds what the table wants to the faults that are there already.
    pub(super) fn draw(
        &self,
        table: &RandomTable,
        faults: &mut Vec<Fault>,
    ) -> Result<(), PlanError> {
        let kinds = self.kinds(table)?;
        let count = *table.count.as_ref();
        let mut random = fastrand::Rng::with_seed(self.setup.seed);
        let mut deck = Vec::new();
        for number in 0..count {
            if deck.is_empty() {
                deck.clone_from(&kinds);
                random.shuffle(&mut deck);
            }
            let Some(kind) = deck.pop() else { continue };
            let mut drawn = (0..TRIES_MAX).map(|tried| {
                let part = (number as f64 + random.f64()) / count as f64;
                // Where its own part of the load is taken, another one will do.
                let part = if tried < TRIES_MAX / 2 { part } else { random.f64() };
                self.draw_fault(kind, part, &mut random)
            });
            let is_free = |fault: &Fault| {
                let apart = Fault { lasts: fault.lasts + GAP, ..*fault };
                let is_taken = |other: &Fault| {
                    let other = Fault { lasts: other.lasts + GAP, ..*other };
                    overlap(&apart, &other)
                };
                !faults.iter().any(is_taken)
            };
            let Some(fault) = drawn.find(|drawn| drawn.is_some_and(|fault| is_free(&fault))) else {
                let end = seconds(self.setup.lasts());
                let what = format!(
                    "there is no room for {count} faults in {end}: lower `count`, or set a longer \
                     --duration"
                );
                return Err(self.at(&table.count, &what));
            };
            faults.extend(fault);
        }
        Ok(())
    }

    fn kinds(&self, table: &RandomTable) -> Result<Vec<Kind>, PlanError> {
        let Some(names) = &table.kinds else {
            let all = Kind::ALL.into_iter();
            return Ok(all.filter(|kind| kind.is_for(self.setup.truth)).collect());
        };
        if names.as_ref().is_empty() {
            let what = "`kinds` is empty: name one, or remove it, which means all";
            return Err(self.at(names, what));
        }
        names.as_ref().iter().map(|name| self.kind(name)).collect()
    }

    /// A fault at this part of the load; none if it would not be over in time.
    fn draw_fault(&self, kind: Kind, part: f64, random: &mut fastrand::Rng) -> Option<Fault> {
        let (first, end) = (Micros::from(CALM_BEFORE), self.setup.lasts());
        let last = end.since(Micros::from(CALM_AFTER));
        let span = last.since(first);
        let at = first + scaled(span, part);
        let lasts = drawn(random, lasts(kind));
        let who: Vec<_> = Who::all(self.setup).filter(|who| fits(kind, *who)).collect();
        let who = *random.choice(&who)?;
        let fault = Fault { at, lasts, deed: deed(kind, random), who };
        (fault.until() <= last).then_some(fault)
    }
}

/// Drawn faults hit one shard; all at once are for whoever writes it down.
fn fits(kind: Kind, who: Who) -> bool {
    kind.parts().contains(&who.part) && (who.shard.is_some() || who.part == Part::Truth)
}

/// How long a kind lasts, in milliseconds.
fn lasts(kind: Kind) -> Range<u64> {
    match kind {
        Kind::HalfClose | Kind::Reset | Kind::CutAnswer => 0..1,
        Kind::Latency | Kind::Jitter | Kind::Throttle => 2_000..6_000,
        Kind::BlackHole | Kind::Pause => 500..5_000,
        Kind::Refuse => 1_000..4_000,
        Kind::Kill | Kind::Restart => 0..2_000,
        // A few ticks at least, or the replica lacks nothing when it takes over.
        Kind::FailOver => 500..3_000,
    }
}

fn deed(kind: Kind, random: &mut fastrand::Rng) -> Deed {
    let by = Duration::from_millis(random.u64(50..500));
    match kind {
        Kind::Latency => Deed::Link(OnLink::Latency { by }),
        Kind::Jitter => Deed::Link(OnLink::Jitter { by }),
        Kind::Throttle => Deed::Link(OnLink::Throttle { bytes_per_s: random.u64(5_000..60_000) }),
        Kind::BlackHole => Deed::Link(OnLink::BlackHole),
        Kind::HalfClose => {
            let way = if random.bool() { Way::Requests } else { Way::Replies };
            Deed::Link(OnLink::HalfClose { way })
        }
        Kind::Reset => Deed::Link(OnLink::Reset),
        Kind::CutAnswer => Deed::Link(OnLink::CutAnswer { after_bytes: random.u64(0..200) }),
        Kind::Refuse => Deed::Link(OnLink::Refuse),
        Kind::Kill => Deed::Process(OnProcess::Kill),
        Kind::Pause => Deed::Process(OnProcess::Pause),
        Kind::Restart => Deed::Process(OnProcess::Restart),
        Kind::FailOver => Deed::Process(OnProcess::FailOver),
    }
}

fn drawn(random: &mut fastrand::Rng, milliseconds: Range<u64>) -> Micros {
    Micros::from_millis(random.u64(milliseconds))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a time")]
fn scaled(span: Micros, part: f64) -> Micros {
    Micros((span.0 as f64 * part) as u64)
}
