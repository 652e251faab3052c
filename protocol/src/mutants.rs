//! Planted faults, for those who check that a check can fail: each [`Mutant`] is a mistake that
//! somebody might make, one line at the place where it would be made.
//!
//! Without the feature `mutants`, [`is`] is false when it is compiled, so what is planted is not in
//! the program. With it a process is at most one mutant: the one that `choose` was given, or that
//! the environment variable [`VARIABLE`] names. `cargo xtask mutants` shows which check sees which.

#[cfg(feature = "mutants")]
use std::sync::OnceLock;

/// The environment variable that chooses a mutant.
pub const VARIABLE: &str = "WORLDBOSS_MUTANT";

macro_rules! mutants {
    ($($(#[doc = $what:literal])+ $mutant:ident = $name:literal,)+) => {
        /// What is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $what])+ $mutant,)+
        }

        impl Mutant {
            /// All of them, in the order of a hit's road.
            pub const ALL: &[Self] = &[$(Self::$mutant),+];

            /// Its name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$mutant => $name,)+
                }
            }

            /// What is broken, in words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$mutant => concat!($($what),+).trim_ascii(),)+
                }
            }
        }
    };
}

mutants! {
    /// Sessions: a hit that comes again, after a lost connection, is another hit.
    InputTwice = "input-twice",
    /// Admission: a hit on an older generation counts in the current one.
    OldHitCounted = "old-hit-counted",
    /// Admission: a skill may be used again before it has cooled down.
    NoCooldown = "no-cooldown",
    /// Admission: a hit that is refused does its damage all the same.
    RefusedHitCounted = "refused-hit-counted",
    /// Journal: hits are acknowledged before their record is synced.
    AckBeforeSync = "ack-before-sync",
    /// Journal: a tick's record is written, and not synced.
    RecordUnsynced = "record-unsynced",
    /// Journal: what a tick changes while the one before is being synced is not written.
    RecordDropped = "record-dropped",
    /// Opening: a new journal joins before its id is on the disk.
    NoIntent = "no-intent",
    /// Opening: a new journal pushes what the one before it had accepted, under its own id.
    ResendElsewhere = "resend-elsewhere",
    /// Opening: a new journal keeps no book of the journals before it.
    NoLineage = "no-lineage",
    /// Uplink: a total that the authority has lost is still taken for answered.
    AnsweredNeverFalls = "answered-never-falls",
    /// Uplink: all damage counts as in the truth with the next answer, whatever it says.
    CountedTooSoon = "counted-too-soon",
    /// Uplink: after a roll-back a shard enters a living boss again, and no fallen one.
    EnterForgotten = "enter-forgotten",
    /// Uplink: the last word on a generation is said while damage of it is not yet synced.
    LastWordEarly = "last-word-early",
    /// Uplink: a book is dropped while a roll-back may still ask for it.
    BookDroppedEarly = "book-dropped-early",
    /// Uplink: a process that is fenced goes on.
    FencedGoesOn = "fenced-goes-on",
    /// Intake: an interval that was counted before is not a success.
    NoDedupe = "no-dedupe",
    /// Intake: an interval is taken although something before it is missing.
    GapAccepted = "gap-accepted",
    /// Intake: lines that do not add up to their interval are taken.
    LinesUnbalanced = "lines-unbalanced",
    /// Intake: a sealed journal is not told so.
    NoFence = "no-fence",
    /// Intake: a journal that joins does not seal the one before it.
    ParentNotSealed = "parent-not-sealed",
    /// Intake: every journal that names a parent takes over its sessions.
    InheritsAlways = "inherits-always",
    /// Intake: a copied or rewound disk is taken for the journal that it was.
    StaleClaimTaken = "stale-claim-taken",
    /// Intake: who comes from a generation that is about to begin again joins at once.
    NeverAhead = "never-ahead",
    /// Intake: that a journal has said its last is not noted.
    LastWordIgnored = "last-word-ignored",
    /// Intake: damage that comes after the books have closed counts.
    LateCounted = "late-counted",
    /// Intake: shards are not told whose damage came late.
    LateUntold = "late-untold",
    /// Intake: a roll-back is not told to shards that have seen more.
    RollbackUntold = "rollback-untold",
    /// Boss: a push on a boss that is dead kills it again.
    DeathTwice = "death-twice",
    /// Boss: a push that reaches two phases at once begins the first of them.
    PhaseSkipped = "phase-skipped",
    /// Boss: the fold takes no more of a push than HP that is left.
    ClampInApply = "clamp-in-apply",
    /// Log: an authority that starts again numbers its log on from its snapshot.
    RestoreBehind = "restore-behind",
    /// Log: an answer leaves when its entries are written, and not synced.
    LogUnsynced = "log-unsynced",
    /// Log: an entry is followed although its chain is another one's.
    ChainUnchecked = "chain-unchecked",
    /// Followers: a copy that a roll-back has overtaken is taken for the truth.
    StaleFollower = "stale-follower",
    /// Settlement: books close at once, whoever has something to say.
    CloseWithoutWaiting = "close-without-waiting",
    /// Settlement: a step that was taken is taken again when it is asked again.
    SettleTwice = "settle-twice",
    /// Settlement: an executor whose reign is over takes steps.
    TermUnchecked = "term-unchecked",
    /// Settlement: credits are rounded down, and what is left is nobody's.
    CreditsRounded = "credits-rounded",
    /// Settlement: silence counts although the executor itself was away.
    OwnGapCounted = "own-gap-counted",
    /// Settlement: rewards are drawn from the log's end when somebody draws them.
    DrawnAtTheEnd = "drawn-at-the-end",
    /// Settlement: who asks what players get has it drawn once more.
    DrawnPerAsker = "drawn-per-asker",
    /// Fan-out: a truth that a roll-back made older is not taken.
    OlderTruthIgnored = "older-truth-ignored",
    /// Fan-out: players are told a step that may still be rolled back.
    ToldTooSoon = "told-too-soon",
    /// Fan-out: a state by which a client's bar would change is not sent.
    FrameUnsent = "frame-unsent",
    /// Pace: a tick stays as wide as it is, however much there is to do.
    TickNotWidened = "tick-not-widened",
    /// Redis: of an interval that was counted in part, the Function counts the whole.
    RedisNoDedupe = "redis-no-dedupe",
    /// Redis: the Function takes pushes of a sealed journal.
    RedisNoFence = "redis-no-fence",
    /// Redis: the Function does not look at the term of whoever asks for a step.
    RedisTermUnchecked = "redis-term-unchecked",
    /// Redis: the Function takes credits and rewards that were folded from another past.
    RedisFoldUnchecked = "redis-fold-unchecked",
    /// Redis: an executor is answered before the replicas have what it was told.
    RedisUnstable = "redis-unstable",
    /// Redis: an edit of a group that came before goes into its log again.
    RedisEditTwice = "redis-edit-twice",
    /// Redis: an edit goes into a group's log whatever its writer expects.
    RedisExpectIgnored = "redis-expect-ignored",
    /// Redis: a position of another past is taken for one of a group's log.
    RedisForkUnseen = "redis-fork-unseen",
    /// Redis: a value of a group is kept although its hash is not that of its bytes.
    RedisValueUnchecked = "redis-value-unchecked",
    /// A program that had no answer to its edit brings it again under a new number.
    EditRenumbered = "edit-renumbered",
    /// A transaction that was overtaken is proposed again as it is, and its closure not run.
    TransactionStale = "transaction-stale",
    /// A program believes a kept value that is not what it has made of the log.
    LieBelieved = "lie-believed",
}

/// There is no such mutant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no mutant `{0}`; choose one of: {all}", all = names())]
pub struct UnknownMutant(pub String);

impl Mutant {
    /// The mutant of this name.
    ///
    /// # Errors
    /// [`UnknownMutant`], whose text lists all names.
    pub fn parse(name: &str) -> Result<Self, UnknownMutant> {
        let found = Self::ALL.iter().find(|mutant| mutant.name() == name);
        found.copied().ok_or_else(|| UnknownMutant(name.to_owned()))
    }
}

fn names() -> String {
    Mutant::ALL.iter().map(|mutant| mutant.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(feature = "mutants")]
static CHOSEN: OnceLock<Option<Mutant>> = OnceLock::new();

/// Whether this process is that mutant.
#[cfg(not(feature = "mutants"))]
#[must_use]
#[inline(always)]
pub const fn is(_: Mutant) -> bool {
    false
}

/// Whether this process is that mutant.
///
/// # Panics
/// If [`VARIABLE`] names none, and nobody has looked with [`from_environment`] before.
#[cfg(feature = "mutants")]
#[must_use]
#[expect(clippy::panic, reason = "a test that is to be a mutant, and is none, shows nothing")]
pub fn is(mutant: Mutant) -> bool {
    *CHOSEN.get_or_init(|| named().unwrap_or_else(|unknown| panic!("{unknown}"))) == Some(mutant)
}

/// Makes this process that mutant, until it ends. What was chosen, or looked at, before stays.
#[cfg(feature = "mutants")]
pub fn choose(mutant: Mutant) {
    CHOSEN.get_or_init(|| Some(mutant));
}

/// Makes this process the mutant that [`VARIABLE`] names, if it names one, and says which it is.
///
/// # Errors
/// [`UnknownMutant`]
#[cfg(feature = "mutants")]
pub fn from_environment() -> Result<Option<Mutant>, UnknownMutant> {
    let named = named()?;
    Ok(*CHOSEN.get_or_init(|| named))
}

#[cfg(feature = "mutants")]
fn named() -> Result<Option<Mutant>, UnknownMutant> {
    std::env::var(VARIABLE).ok().map(|name| Mutant::parse(&name)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_mutant_has_a_name_of_its_own_that_parses() {
        let names: BTreeSet<_> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        assert_eq!(names.len(), Mutant::ALL.len());
        for mutant in Mutant::ALL {
            let debug: String = format!("{mutant:?}").to_lowercase();
            assert_eq!(mutant.name().replace('-', ""), debug, "the name is the variant's");
            assert_eq!(Mutant::parse(mutant.name()), Ok(*mutant));
            assert!(mutant.what().ends_with('.'), "{}", mutant.what());
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_all_names() {
        let unknown = Mutant::parse("no-such-fault").expect_err("it does not exist").to_string();
        assert!(unknown.contains("no-such-fault") && unknown.contains("no-dedupe"), "{unknown}");
    }

    #[test]
    #[cfg(not(feature = "mutants"))]
    fn without_the_feature_nothing_is_chosen_whatever_the_environment_says() {
        const { assert!(!is(Mutant::NoDedupe), "the compiler knows it") };
        assert!(Mutant::ALL.iter().all(|mutant| !is(*mutant)));
    }
}
