//! What the search met. A search that never met a death proves nothing about deaths.

use crate::model::Cluster;
use stateright::Property;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

macro_rules! met {
    ($($(#[$doc:meta])* $name:ident = $words:literal,)+) => {
        /// Something that must happen on some path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Met { $($(#[$doc])* $name,)+ }

        impl Met {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What happens, in words.
            pub(crate) const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }

        /// The same as properties of the model.
        pub(crate) fn sometimes() -> Vec<Property<Cluster>> {
            vec![$(Property::sometimes($words, |model: &Cluster, _| {
                model.met.times(Met::$name) > 0 || model.without.contains(&Met::$name)
            }),)+]
        }
    };
}

met! {
    /// A push that kills.
    Death = "a boss dies",
    /// Damage beyond its HP.
    Overkill = "there is overkill",
    /// A hit that is accepted in the second generation, and counted.
    SecondCounted = "a hit of generation 2 counts",
    /// [`protocol::Verdict::Duplicate`] for damage.
    Duplicate = "a duplicate is answered as a success",
    /// [`protocol::Verdict::Gap`].
    Gap = "a gap is asked for by a push's answer",
    /// [`protocol::JoinAnswer::Gap`].
    JoinGap = "a gap is asked for by a join's answer",
    /// [`protocol::JoinAnswer::Ahead`].
    Ahead = "a journal that is ahead has to wait",
    /// Damage that the authority records as late.
    Late = "damage comes late",
    /// Its player is told.
    LateTold = "a player is told of late damage",
    /// A push of a sealed journal.
    Fenced = "a zombie is fenced",
    /// A join that seals a parent.
    Sealed = "a successor seals its parent",
    /// A journal that the authority has forgotten.
    Unknown = "a journal is unknown after a roll-back",
    /// It joins again.
    JoinedAgain = "a journal joins again after a roll-back",
    /// Damage without an entering.
    NotEntered = "a journal has to enter again after a roll-back",
    /// A last word.
    LastWord = "a journal says its last word",
    /// Counted damage is taken back.
    RolledBack = "a roll-back takes counted damage back",
    /// All of it is there again.
    Healed = "a roll-back is healed",
    /// A death is taken back.
    DeathTakenBack = "a roll-back takes a death back",
    /// The beginning of a generation is taken back.
    BeginningTakenBack = "a roll-back takes a generation's beginning back",
    /// A step that nobody was told of is taken back.
    StepTakenBack = "a roll-back takes a step of a settlement back",
    /// A step of an old term.
    OldTerm = "an old executor is fenced",
    /// Two executors with terms of the same number.
    TermTwice = "a term that a roll-back took back is begun by another executor",
    /// A step that was taken already.
    Passed = "a step of another stage is passed over",
    /// The first term has an end.
    SecondTerm = "an executor takes over",
    /// [`protocol::Status::Rewarded`].
    Settled = "a settlement is finished",
    /// Its books were closed although somebody could still speak.
    ClosedEarly = "books close before every journal has said its last word",
    /// Generation 2 begins.
    Respawned = "generation 2 begins",
    /// An answer that tells an older truth than one before it.
    OldAnswer = "an answer arrives after a roll-back that it knows nothing of",
    /// A request that was delivered once more.
    Copy = "an old request arrives once more and is answered as if it were new",
}

/// How often each was met, and the fewest steps to it.
#[derive(Debug, Default)]
pub(crate) struct Tally([(AtomicU64, AtomicU32); Met::ALL.len()]);

impl Tally {
    /// Notes something that a step which leads to this depth did.
    pub(crate) fn note(&self, met: Met, depth: u32) {
        let (times, shortest) = &self.0[met as usize];
        if times.fetch_add(1, Ordering::Relaxed) == 0 {
            shortest.store(depth, Ordering::Relaxed);
        }
        shortest.fetch_min(depth, Ordering::Relaxed);
    }

    pub(crate) fn times(&self, met: Met) -> u64 {
        self.0[met as usize].0.load(Ordering::Relaxed)
    }

    pub(crate) fn shortest(&self, met: Met) -> u32 {
        self.0[met as usize].1.load(Ordering::Relaxed)
    }
}
