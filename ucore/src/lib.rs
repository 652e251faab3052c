//! Updatable values: an initial state plus a series of atomic updates, in two lanes and one log.
//!
//! An [`Updatable`] is meant to change only by its updates: then any copy that starts from the same
//! state and applies the same updates is the same value, byte for byte. Whoever writes to a public
//! field instead forks a copy, which [`state_hash`] shows.
//!
//! # The smallest whole example
//!
//! ```
//! use ucore::prelude::*;
//! use ucore::{UMap, UVec, decode, encode, encode_into};
//!
//! // Here the value changes, and says how it did.
//! let mut here: UMap<i32, UVec<String>> = UMap::default();
//! let first = here.insert(1, UVec::default())?;
//! let second = here.at(1).push("hello".to_owned())?;
//! // What travels is as small as the change: "at", 1, "push", and the text.
//! assert_eq!(encode(&second), b"\x94\x02\x01\x00\xa5hello");
//!
//! // Elsewhere the same updates make the same value.
//! let mut there: UMap<i32, UVec<String>> = UMap::default();
//! for bytes in [encode(&first), encode(&second)] {
//!     there.apply(decode(&bytes)?)?;
//! }
//! assert_eq!(there, here);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Structures
//!
//! | structure | changes by | lane | read like |
//! |---|---|---|---|
//! | numbers, `bool`, `char`, `String` | `set` | ordered | themselves |
//! | [`Reg<T>`](Reg), of any `T` with bytes | `set` | ordered | `get` |
//! | [`UMap`] | those of a map, and `at` | ordered | a hash map |
//! | [`UVec`] | those of a `Vec`, and `at` | ordered | a slice |
//! | [`UStack`] | `push pop clear top` | ordered | `peek` |
//! | `Option` | `put_some clear some`, not `set` | ordered | itself |
//! | pairs, and tuples of up to 6 | `first second`; [`TupleUpdate`] | ordered | themselves |
//! | [`Counter`] | `add sub` | delta | `get` |
//! | [`Max`], [`Min`] | `raise_to`, `lower_to` | delta, idempotent | `get` |
//! | [`GSet`] | `insert extend` | delta, idempotent | an ordered set |
//! | [`GMap`] of values of the delta lane | `at` | delta | an ordered map |
//!
//! They nest in each other at will. What is in an ordered structure is ordered, too: a `Counter`
//! in a `UMap` does not commute, because its key may go. An update changes one key or index; only
//! `extend` and structs change several parts at once. All methods come with [`prelude`], and work
//! on a value, on a [`Place`] inside of one, and on a [`plan`] without any value.
//!
//! # Two lanes
//!
//! - **Ordered**: the update makes sense only where it was proposed. It is checked against the
//!   value that it meets, and refused as a whole if it does not fit.
//! - **Delta**: the update is a [`Delta`], a commutative monoid. It can be folded in a
//!   [`DeltaBuffer`] anywhere on its way and never conflicts. An [`Idempotent`] delta may even be
//!   delivered twice.
//!
//! A [`Sequencer`] puts both into one log, counts each proposal once, and brings back readers that
//! were away: a [`Snapshot`] follows it entry by entry. Entries, snapshots and checkpoints have
//! bytes like everything else.
//!
//! # Structs
//!
//! ```
//! use ucore::prelude::*;
//! use ucore::{Counter, DeltaBuffer, GMap, Updatable, plan};
//!
//! #[derive(Debug, Clone, Default, PartialEq, Updatable)]
//! struct Line {
//!     #[update(tag = 0, delta)]
//!     damage: Counter,
//!     #[update(tag = 1, delta)]
//!     hits: Counter,
//! }
//!
//! #[derive(Debug, Clone, Default, PartialEq, Updatable)]
//! struct Board {
//!     #[update(tag = 0, delta)]
//!     lines: GMap<u32, Line>,
//!     #[update(tag = 1, ordered)]
//!     phase: u8,
//! }
//!
//! let mut board = Board::default();
//! board.lines().at(7).damage().add(30)?;
//! board.phase().set(2)?;
//! assert_eq!(board.lines.get(&7).map(|line| line.damage.get()), Some(30));
//!
//! // Deltas of one line fold into one.
//! let mut buffer = DeltaBuffer::default();
//! let full = buffer.add(plan::<GMap<u32, Line>>().at(7).damage().add(5))?;
//! assert_eq!(full, None, "only a sum at its limit comes back");
//! assert_eq!(buffer.add(plan::<GMap<u32, Line>>().at(7).hits().add(1))?, None);
//! let update = board.lines.apply(buffer.take().expect("two deltas"));
//! assert_eq!(update, Ok(()));
//! assert_eq!(board.lines.get(&7).map(|line| line.damage.get()), Some(35));
//! # Ok::<(), ucore::Reject>(())
//! ```
//!
//! A struct needs `Clone` and `PartialEq`, and `Default` if all its fields are `delta`. Its methods
//! have the names of its fields, so give it no others of these names: a getter `phase()` would hide
//! the place `phase()`, and `board.phase().set(2)` would change a copy. Whoever can see the struct
//! can reach all of its fields that way.
//!
//! A field is in one lane for good: an ordered write would undo deltas that came before it. Its tag
//! is the bit that stands for it in updates; give a new field a new tag.
//!
//! # Your own types
//!
//! | for | write |
//! |---|---|
//! | a struct whose fields change singly | `#[derive(Updatable)]`, which brings [`Wire`] |
//! | a struct of plain data, replaced as a whole | `#[derive(Wire)]` and [`replaced_whole!`] |
//! | the same in one place only | `#[derive(Wire)]`, and [`Reg<Item>`](Reg) |
//! | an id or a number of its own | [`newtype!`] |
//! | an enum without data | [`codes!`] |
//! | a key of a map | `impl ucore::Key for Position {}`, if it has an order, a hash and bytes |
//!
//! `usize` has another size elsewhere: use `u32` or `u64`. An enum with data has no derive: use a
//! struct of options. A type can't contain itself: keep nodes in a `UMap` and name them by key.
//!
//! # Bytes
//!
//! [`encode`] and [`decode`] know one spelling for each value: one MessagePack array without inner
//! arrays for paths. So [`state_hash`] tells whether two copies agree, and a [`Chain`] whether two
//! logs do. [`Schema`] says what a type looks like, and its hash lets two programs compare that
//! before they talk. Integers stay below 2^53 in magnitude, so JavaScript reads all of them:
//! [`typescript`] makes a module of types, and of what reads and updates their values.
//!
//! Decoding takes any bytes: it neither panics nor allocates more than a multiple of their number.
//! Applying takes any update: what does not fit is refused by `check` and by `apply`, and nothing
//! has changed.
//!
//! # What does not commute
//!
//! A sum that saturates, a value clamped while it is summed, a sum of floating-point numbers, a
//! reset: none of these can be a delta. Keep the sum whole and derive the rest: the HP of a boss is
//! `max(0, hp_max - damage)`, computed when it is read. A new fight is a new value, by an ordered
//! update.

extern crate self as ucore;

#[macro_use]
mod newtype;
mod updatable;
mod delta;
mod place;
mod wire;
mod schema;
mod typescript;
#[doc(hidden)]
pub mod part;
mod leaf;
mod plain;
mod counter;
mod extreme;
mod reg;
mod lines;
mod gset;
mod gmap;
mod umap;
mod uvec;
mod ustack;
mod version;
mod sequencer;
mod log_bytes;
mod bin;
mod blob;
pub mod bytes;
pub mod int53;

pub use bin::{Bin, NotHex};
pub use blob::Blob;
pub use counter::{Counter, CounterOps};
pub use delta::{Accumulate, Commuting, Delta, DeltaBuffer, Idempotent};
pub use extreme::{Max, MaxOps, Min, MinOps};
pub use gmap::{GMap, GMapDelta, GMapOps};
pub use gset::{GSet, GSetOps};
pub use leaf::{Key, Set, SetOps};
pub use place::{Place, Plan, Within, plan};
pub use plain::{OptionOps, OptionUpdate, PairOps, TupleUpdate};
pub use reg::Reg;
pub use schema::{Field, Schema, Typed};
pub use sequencer::{
    Answered, Checkpoint, Entry, Expect, FollowError, Outcome, Proposal, Resume, Sequencer,
    Snapshot, Standing, Verdict,
};
#[doc(hidden)]
pub use serde;
pub use typescript::typescript;
pub use ucore_derive::{Updatable, Wire};
pub use umap::{UMap, UMapOps, UMapUpdate};
pub use updatable::{Coalesce, Lane, Reject, Updatable, compact};
pub use ustack::{UStack, UStackOps, UStackUpdate};
pub use uvec::{UVec, UVecOps, UVecUpdate};
pub use version::{Chain, Version, WriterId, bytes_hash, state_hash};
pub use wire::{DecodeError, Reader, Run, Wire, Writer, decode, encode, encode_into};

/// The traits that bring the methods of the structures: `use ucore::prelude::*`.
pub mod prelude {
    pub use crate::{
        CounterOps, GMapOps, GSetOps, MaxOps, MinOps, OptionOps, PairOps, Place, SetOps, UMapOps,
        UStackOps, UVecOps, Updatable,
    };
}

/// The largest integer that travels or is stored: JSON and JavaScript readers hold it exactly.
pub const INT_MAX: u64 = (1 << 53) - 1;
