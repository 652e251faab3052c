//! Updatable values: an initial state plus a series of atomic updates, in two lanes and one log.
//!
//! An [`Updatable`] changes only by its updates, so any copy that starts from the same state and
//! applies the same updates is the same value. Updates come in two lanes:
//!
//! - **Ordered**: the update makes sense only where it was proposed; order matters.
//! - **Delta**: the update is a [`Delta`], a commutative monoid. It can be folded in a
//!   [`DeltaBuffer`] anywhere on its way and never conflicts. An [`Idempotent`] delta may even be
//!   delivered twice.
//!
//! ```
//! use ucore::{Accumulate, DeltaBuffer, GMap, Max};
//!
//! // Two buffers fold what they saw, in any order, with repetitions.
//! let mut left = DeltaBuffer::default();
//! left.add(GMap::<u64, Max>::line(7, Max::of(30)));
//! let mut right = DeltaBuffer::default();
//! right.add(GMap::<u64, Max>::line(7, Max::of(50)));
//! right.add(GMap::<u64, Max>::line(9, Max::of(20)));
//!
//! let mut totals: GMap<u64, Max> = GMap::default();
//! for delta in [right.take(), left.take(), right.take()].into_iter().flatten() {
//!     totals.absorb(delta);
//! }
//! assert_eq!(totals.get(&7).map(|max| max.get()), Some(50));
//! ```

mod updatable;
mod delta;
mod max;
mod gmap;
mod reg;
mod version;
mod bin;
pub mod int53;

pub use bin::{Bin, NotHex};
pub use delta::{Accumulate, Delta, DeltaBuffer, Idempotent};
pub use gmap::{GMap, GMapDelta};
pub use max::Max;
pub use reg::{Reg, Set};
pub use updatable::{Coalesce, Reject, Updatable};
pub use version::{Chain, Version};

/// The largest integer that travels or is stored: JSON and JavaScript readers hold it exactly.
pub const INT_MAX: u64 = (1 << 53) - 1;
