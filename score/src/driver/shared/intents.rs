//! The two kinds of intents: one update, and a closure.

use super::pending::{Reply, inside};
use crate::{Abort, Error, Intent, Transaction};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use ucore::{Reject, Updatable, Version};

/// One update that makes sense wherever it meets the value.
pub(super) struct Put<T: Updatable, R, F> {
    update: T::Update,
    looks: bool,
    look: Option<F>,
    seen: Option<Result<R, String>>,
    reply: Reply<R>,
}

impl<T: Updatable, R, F> Put<T, R, F> {
    /// `looks`: whether it matters what `look` sees.
    pub(super) fn new(update: T::Update, looks: bool, look: F, reply: Reply<R>) -> Self {
        Self { update, looks, look: Some(look), seen: None, reply }
    }
}

impl<T: Updatable, R: Send, F> Intent<T> for Put<T, R, F>
where
    T::Update: Send,
    F: FnOnce(&T) -> R + Send,
{
    fn update(&self) -> Option<&T::Update> {
        Some(&self.update)
    }

    fn run(&mut self, transaction: &mut Transaction<'_, T>) -> Result<(), Error> {
        Ok(ucore::Place::put(&mut **transaction, self.update.clone())?)
    }

    fn looks(&self) -> bool {
        self.looks
    }

    fn before(&mut self, value: &T) {
        if let Some(look) = self.look.take() {
            self.seen = Some(caught(|| look(value)));
        }
    }

    fn done(self: Box<Self>, outcome: Result<Version, Error>) {
        let seen = self.seen.unwrap_or_else(|| Err("it was not called".to_owned()));
        let unseen = |why| Error::unknown(&format!("it was done, but its look has failed: {why}"));
        self.reply.send(outcome.and_then(|_| seen.map_err(unseen)));
    }
}

/// A closure.
pub(super) struct Run<R, F> {
    closure: F,
    result: Option<R>,
    reply: Reply<R>,
}

impl<R, F> Run<R, F> {
    pub(super) fn new(closure: F, reply: Reply<R>) -> Self {
        Self { closure, result: None, reply }
    }
}

impl<T, R, F> Intent<T> for Run<R, F>
where
    T: Updatable,
    R: Send,
    F: FnMut(&mut Transaction<'_, T>) -> Result<R, Abort> + Send,
{
    fn update(&self) -> Option<&T::Update> {
        None
    }

    fn run(&mut self, transaction: &mut Transaction<'_, T>) -> Result<(), Error> {
        match caught(|| (self.closure)(transaction)) {
            Ok(Ok(result)) => {
                self.result = Some(result);
                Ok(())
            }
            Ok(Err(abort)) => Err(match abort.downcast_ref::<Reject>() {
                Some(reject) => Error::Rejected(*reject),
                None => Error::Aborted(abort),
            }),
            Err(panic) => Err(Error::Panicked(panic)),
        }
    }

    fn looks(&self) -> bool {
        false
    }

    fn before(&mut self, _value: &T) {}

    fn done(self: Box<Self>, outcome: Result<Version, Error>) {
        let Self { closure, result, reply } = *self;
        // What it has captured may have an end that panics.
        drop(caught(|| drop(closure)));
        reply.send(outcome.and_then(|_| result.ok_or(Error::Closed)));
    }
}

/// Runs a closure of somebody else. Its panic is its own affair, and comes back as a text.
pub(super) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    let panic_text = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("without a text").to_owned()
    };
    inside(|| catch_unwind(AssertUnwindSafe(run))).map_err(panic_text)
}
