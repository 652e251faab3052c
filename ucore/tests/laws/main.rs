//! The laws of updatable values, as properties over every structure.
//!
//! A law is one generic function. `every` runs all laws over all structures; the files in `mutants`
//! run the same functions over types that break one law each, and expect to see it.
//! `PROPTEST_CASES=5000` runs more cases than the default. A failure prints its seed.
//!
//! Each law, and the mutants that it catches:
//!
//! - `updates::coalesce_is_composition`: a map that fuses remove and at; a map that fuses
//!   remove and insert of two keys; a vec that fuses two indices; a register that keeps the
//!   first write; a counter that folds beyond the limit; a pair that keeps half of a refusal.
//! - `updates::compact_preserves`: a map that fuses remove and at; a map that fuses remove and
//!   insert of two keys; a register that keeps the first write.
//! - `updates::check_and_apply_agree`: a vec that drops the bounds test; a pair that applies
//!   the first half; a map that gives another reason; a number that takes what does not fit.
//! - `updates::deltas_commute`: a register that says it is of the delta lane.
//! - `deltas::merge_is_a_commutative_monoid`: a sum that saturates; a sum of floating-point
//!   numbers; a register that keeps the last write; a sum that hides a change.
//! - `deltas::merge_is_idempotent`: a sum that is marked.
//! - `deltas::any_partition_in_any_order_is_the_same`: a sum that saturates; a value that is
//!   clamped; a buffer that forgets; a buffer that repeats.
//! - `deltas::lift_is_absorb`: a lift that negates; an absorb that overwrites; a delta that
//!   says it is ordered.
//! - `deltas::lower_takes_the_delta_lane`: one that takes the ordered lane.
//! - `deltas::a_fold_stays_small`: a buffer that queues.
//! - `deltas::totals_survive_any_delivery`: a delta that adds instead of taking the larger.
//! - `codec::bytes_bring_it_back`: an option whose tags are swapped; a pair that leaves a part
//!   out; an option that confuses none and nil.
//! - `codec::it_has_one_spelling`: a set that takes any order; a truth that is any number.
//! - `codec::what_does_not_fit_has_no_reader`: a number that wraps.
//! - `codec::garbage_is_refused_cheaply`: a length that is not bounded; a reader that panics.
//! - `codec::equal_values_have_equal_bytes`: a map that compares its keys only; a set in its
//!   order of arrival; a map that keeps empty lines.
//! - `log::each_proposal_counts_once`: a log that counts twice; one that forgets the outcome;
//!   one that skips gaps.
//! - `log::snapshot_and_suffix_make_the_value`: a log that resumes one late; one that ignores
//!   the chain; one that keeps all; one that serves a short suffix.
//! - `log::a_copy_follows_its_log_alone`: a copy that ignores the chain; one that ignores the
//!   version.
//! - `log::exact_means_exact`: a log in which exact is any; one that deltas disturb.
//! - `log::a_stale_proposal_is_inert`: a conflict that uses up its number; a conflict that
//!   applies.
//! - `log::pending_updates_rebase`: a log that checks the first value; a writer that replays on
//!   what it knew first.
//! - `history::it_is_linearizable`: a log that checks the first value; a log that answers
//!   before it commits.
//! - `replicas::replicas_converge`: a reader that applies whatever comes; a reader that skips
//!   gaps; a log that resumes one late.
//! - `sizes::an_update_is_as_small_as_its_change`: an update that carries the whole value; an
//!   update that names every key.
//! - `models::it_does_what_its_model_does`: a map that removes what is not there; a vec that
//!   removes by swapping.
//!
//! Laws of some types only, in files of their own: `int_cap`, `same_state`, `not_monoids`.
//! `frequency` sees to it that samples meet.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod check;
mod sample;
mod structs;
mod updates;
mod deltas;
mod codec;
mod log;
mod history;
mod replicas;
mod sizes;
mod models;
mod every;
mod frequency;
mod int_cap;
mod same_state;
mod not_monoids;
mod mutants;
