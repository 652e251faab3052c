//! Structures that many programs share over a network that fails, used like local ones.
//!
//! ```no_run
//! use score::{SMap, Server};
//! use ucore::UVec;
//! use ucore::prelude::*;
//!
//! let server = Server::at("ws://127.0.0.1:7777")?;
//! let notes: SMap<i32, UVec<String>> = server.map("demo/notes")?;
//!
//! notes.insert(1, UVec::default())?;
//! notes.at(1).push("hello".to_owned())?;
//! assert_eq!(notes.read()[&1].len(), 1);
//!
//! // Looks and acts as one: if another program is faster, it runs again on what that one left.
//! let lines = notes.transact(|notes| {
//!     notes.at(1).push("and again".to_owned())?;
//!     Ok(notes.get(&1).map_or(0, |lines| lines.len()))
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | read, without a copy and without the network | [`Shared::read`] |
//! | change one thing, whatever else happens | the methods of [`ucore::prelude`], at any depth |
//! | change what depends on what is there | [`Shared::transact`] |
//! | do so without waiting | [`Shared::later`], [`Shared::begin`], [`Shared::propose`] |
//! | hear what others change | [`Shared::changes`], [`Shared::on_change`] |
//! | know whether to try again | [`Error::retry`] |
//! | add very often | [`Shared::propose`]: what waits together folds |
//!
//! **What is promised.** The authority keeps a log of updates, and each copy is what the log says,
//! at its version. An operation is acknowledged when it is durable and applied here, so whoever has
//! written reads it. It counts once, whatever is lost on the way, or its caller is told that nobody
//! knows. A program that goes leaves nothing behind, and one that comes reads the state and not its
//! history. What a fail-over of Redis to a lagging replica takes back is gone for everybody alike.
//!
//! **What it is made of.** [`Replica`] is one copy as a pure machine. [`Server`] gives it a thread,
//! a connection and a clock. [`Backoff`] says when to try again. [`Feed`] tells a boss's log once
//! and in order. [`Client`] holds a connection that comes back by itself, and asks over it.

mod backoff;
mod error;
mod feed;
mod replica;
#[cfg(feature = "driver")]
mod driver;

pub use backoff::Backoff;
#[cfg(feature = "driver")]
pub use driver::{
    Address, AddressError, CallError, Changes, Client, Clock, Later, LinkError, Opening, Pending,
    Reading, Remote, SMap, SStack, SVec, Server, ServerError, Shared, Timing, Watch, wire,
};
pub use error::{Abort, Error, Retry};
pub use feed::{Feed, FeedError, FeedRequest, FeedStart};
pub use replica::{Asked, Change, Counts, Draft, Intent, Part, Question, Replica, Transaction};
