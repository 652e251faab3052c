//! Where an update goes: typed paths into nested structures.

use crate::{Reject, Updatable};
use std::marker::PhantomData;

/// A place that takes updates of a value.
///
/// A place is either a value itself, by `&mut`: it changes at once and the update comes back to be
/// sent; or a [`plan`], which has no value and only says what the update is. Each structure has a
/// trait with its methods for either kind, and methods such as `at` lead to the places inside.
///
/// ```
/// use ucore::prelude::*;
/// use ucore::{UMap, UVec, plan};
///
/// let mut notes: UMap<i32, UVec<String>> = UMap::default();
/// notes.insert(7, UVec::default())?;
///
/// // The value changes at once, and another copy can follow.
/// let mut copy = notes.clone();
/// let update = notes.at(7).push("hello".to_owned())?;
/// copy.apply(update)?;
/// assert_eq!(copy, notes);
///
/// // Without a value, for someone else to apply.
/// let update = plan::<UMap<i32, UVec<String>>>().at(7).at(0).set("bye".to_owned());
/// copy.apply(update)?;
/// assert_eq!(copy[&7][0], "bye");
/// # Ok::<(), ucore::Reject>(())
/// ```
pub trait Place: Sized {
    /// What is there.
    type Value: Updatable;
    /// What comes back.
    type Out;

    /// Puts an update of what is there.
    fn put(self, update: <Self::Value as Updatable>::Update) -> Self::Out;

    /// The place inside, whose updates `wrap` turns into updates of this one.
    fn within<V, W>(self, wrap: W) -> Within<Self, V, W>
    where
        V: Updatable,
        W: FnOnce(V::Update) -> <Self::Value as Updatable>::Update,
    {
        Within { outer: self, wrap, inner: PhantomData }
    }
}

impl<S: Updatable> Place for &mut S {
    type Value = S;
    /// The update, once it has been applied.
    type Out = Result<S::Update, Reject>;

    fn put(self, update: S::Update) -> Self::Out {
        self.apply(update.clone())?;
        Ok(update)
    }
}

/// A place without a value. Its updates are not checked: the value that they meet does that.
///
/// ```
/// use ucore::prelude::*;
/// use ucore::{Counter, plan};
/// assert_eq!(plan::<Counter>().add(5), Counter::of(5));
/// ```
#[derive(Debug)]
pub struct Plan<S>(PhantomData<S>);

impl<S> Copy for Plan<S> {}

impl<S> Clone for Plan<S> {
    fn clone(&self) -> Self {
        *self
    }
}

/// A [`Plan`] for a value of this type.
#[must_use]
pub const fn plan<S: Updatable>() -> Plan<S> {
    Plan(PhantomData)
}

impl<S: Updatable> Place for Plan<S> {
    type Value = S;
    type Out = S::Update;

    fn put(self, update: S::Update) -> S::Update {
        update
    }
}

/// The place of a value inside another one. [`Place::within`] makes it.
#[derive(Debug)]
pub struct Within<P, V, W> {
    outer: P,
    wrap: W,
    inner: PhantomData<V>,
}

impl<P, V, W> Place for Within<P, V, W>
where
    P: Place,
    V: Updatable,
    W: FnOnce(V::Update) -> <P::Value as Updatable>::Update,
{
    type Value = V;
    type Out = P::Out;

    fn put(self, update: V::Update) -> P::Out {
        self.outer.put((self.wrap)(update))
    }
}
