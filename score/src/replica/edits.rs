//! What a program wants of a shared value, and how much of it travels in one proposal.

use super::draft::Transaction;
use crate::Error;
use protocol::Micros;
use protocol::limits::{GROUP_UPDATES_BYTES_MAX, GROUP_UPDATES_MAX};
use std::collections::VecDeque;
use std::ops::Range;
use ucore::{Blob, Coalesce, Lane, Reject, Snapshot, Updatable, Version};

/// What a program wants: one update that makes sense anywhere, or a closure.
pub trait Intent<T: Updatable>: Send {
    /// The update. None: [`run`](Self::run) makes updates for the value that it sees.
    fn update(&self) -> Option<&T::Update>;

    /// Makes its updates. Called again after a conflict.
    ///
    /// # Errors
    /// The intent has given up, or an update did not fit.
    fn run(&mut self, transaction: &mut Transaction<'_, T>) -> Result<(), Error>;

    /// Whether it [looks](Self::before): then its update is folded into no other one, so that it
    /// sees what the one before it has made.
    fn looks(&self) -> bool;

    /// Looks at the value just before the first of its updates is applied for good.
    fn before(&mut self, value: &T);

    /// What became of it.
    fn done(self: Box<Self>, outcome: Result<Version, Error>);
}

/// An intent that waits, or is under way.
pub(super) struct Item<T: Updatable> {
    /// None once its outcome was told.
    pub(super) intent: Option<Box<dyn Intent<T>>>,
    pub(super) deadline: Micros,
    /// Which updates of the proposal are its.
    range: Range<usize>,
    /// The first of its updates that did not fit.
    reject: Option<Reject>,
}

impl<T: Updatable> Item<T> {
    pub(super) fn new(intent: Box<dyn Intent<T>>, deadline: Micros) -> Self {
        Self { intent: Some(intent), deadline, range: 0..0, reject: None }
    }

    pub(super) fn end(&mut self, outcome: Result<Version, Error>) {
        if let Some(intent) = self.intent.take() {
            intent.done(outcome);
        }
    }

    /// Its update, if it makes sense anywhere.
    fn update(&self) -> Option<&T::Update> {
        self.intent.as_ref().and_then(|intent| intent.update())
    }
}

/// Items that travel together.
pub(super) struct Batch<T: Updatable> {
    pub(super) items: Vec<Item<T>>,
    pub(super) updates: Blob,
    /// Whether others that rest on what was before it are in conflict with it.
    pub(super) ordered: bool,
    /// Whether they make sense only where they were made.
    pub(super) exact: bool,
    /// The update whose turn it is when the batch comes back in the log.
    at: usize,
    /// The first item that still has updates to come.
    next: usize,
}

impl<T: Updatable> Batch<T> {
    /// Takes as many items off the queue as may travel together. Those that fail are told so.
    /// None: there is nothing to propose.
    pub(super) fn take(
        queue: &mut VecDeque<Item<T>>,
        head: &Snapshot<T>,
        scratch: &mut Option<T>,
    ) -> Option<Self> {
        let mut items_max = GROUP_UPDATES_MAX;
        loop {
            // An item without an intent was told that it waited too long.
            while queue.front().is_some_and(|item| item.intent.is_none()) {
                queue.pop_front();
            }
            let exact = queue.front()?.update().is_none();
            let (items, updates) = if exact {
                Self::run(queue, items_max, &head.value, scratch)
            } else {
                Self::plain(queue, items_max)
            };
            if updates.is_empty() {
                // Closures that changed nothing are done as they are.
                items.into_iter().for_each(|mut item| item.end(Ok(head.version)));
                continue;
            }
            // What rests on a look at the value is in the way of others that do, or two programs
            // could spend the same sum.
            let is_ordered = |update| T::lane(update) == Lane::Ordered;
            let ordered = exact || updates.iter().any(is_ordered);
            let updates = Blob::of(&updates);
            let batch = Self { items, updates, ordered, exact, at: 0, next: 0 };
            if batch.updates.len() <= GROUP_UPDATES_BYTES_MAX || batch.items.len() == 1 {
                return Some(batch);
            }
            items_max = batch.items.len() / 2;
            *scratch = None;
            batch.give_back(queue);
        }
    }

    /// Items whose updates make sense anywhere. Those of the delta lane fold, unless their items
    /// want to see what they meet.
    fn plain(queue: &mut VecDeque<Item<T>>, items_max: usize) -> (Vec<Item<T>>, Vec<T::Update>) {
        let (mut items, mut updates) = (Vec::new(), Vec::<T::Update>::new());
        while items.len() < items_max
            && let Some(update) = queue.front().and_then(Item::update).cloned()
            && let Some(mut item) = queue.pop_front()
        {
            let looks = item.intent.as_ref().is_some_and(|intent| intent.looks());
            let is_delta = |update: &T::Update| T::lane(update) == Lane::Delta;
            let rest = match updates.last_mut() {
                Some(last) if !looks && is_delta(last) && is_delta(&update) => {
                    last.coalesce(update).err()
                }
                Some(_) | None => Some(update),
            };
            updates.extend(rest);
            item.range = updates.len() - 1..updates.len();
            items.push(item);
        }
        (items, updates)
    }

    /// Items that see the value, one after the other.
    fn run(
        queue: &mut VecDeque<Item<T>>,
        items_max: usize,
        value: &T,
        scratch: &mut Option<T>,
    ) -> (Vec<Item<T>>, Vec<T::Update>) {
        let (mut items, mut updates) = (Vec::new(), Vec::new());
        while items.len() < items_max
            && updates.len() < GROUP_UPDATES_MAX
            && let Some(mut item) = queue.pop_front()
        {
            let Some(intent) = &mut item.intent else { continue };
            let own = scratch.get_or_insert_with(|| value.clone());
            let first = updates.len();
            match intent.run(&mut Transaction::new(own, &mut updates)) {
                Ok(()) => {
                    item.range = first..updates.len();
                    items.push(item);
                }
                Err(_) if intent.update().is_some() && updates.len() == first => {
                    // What it meets in the log decides, and not what is known of that here.
                    queue.push_front(item);
                    break;
                }
                Err(error) => {
                    // A closure that looked, and gave up, has changed nothing.
                    if updates.len() > first || matches!(error, Error::Panicked(_)) {
                        updates.truncate(first);
                        *scratch = replayed(value, &updates);
                    }
                    item.end(Err(error));
                }
            }
        }
        (items, updates)
    }

    /// Puts the items back in front of those that came later.
    pub(super) fn give_back(self, queue: &mut VecDeque<Item<T>>) {
        for item in self.items.into_iter().rev().filter(|item| item.intent.is_some()) {
            queue.push_front(Item { reject: None, ..item });
        }
    }

    /// Its next update is about to meet a value.
    pub(super) fn before(&mut self, value: &T) {
        let at = self.at;
        let begun = self.items[self.next..].iter_mut().take_while(|item| item.range.start <= at);
        for item in begun.filter(|item| item.range.start == at && at < item.range.end) {
            if let Some(intent) = &mut item.intent {
                intent.before(value);
            }
        }
    }

    /// Its next update did fit, or did not.
    pub(super) fn after(&mut self, outcome: Result<(), Reject>) {
        let at = self.at;
        self.at += 1;
        if let Err(reject) = outcome {
            let own = self.items.iter_mut().filter(|it| it.range.contains(&at));
            own.for_each(|item| item.reject = item.reject.or(Some(reject)));
        }
        while self.items.get(self.next).is_some_and(|item| item.range.end <= self.at) {
            self.next += 1;
        }
    }

    /// It is in the log, and was applied.
    pub(super) fn end(self, version: Version) {
        for mut item in self.items {
            let outcome = item.reject.map_or(Ok(version), |reject| Err(Error::Rejected(reject)));
            item.end(outcome);
        }
    }

    /// Ends every item with an error.
    pub(super) fn fail(self, error: &Error) {
        self.items.into_iter().for_each(|mut item| item.end(Err(error.clone())));
    }
}

/// The value after updates that fit it.
fn replayed<T: Updatable>(value: &T, updates: &[T::Update]) -> Option<T> {
    let mut own = value.clone();
    let applied = updates.iter().try_for_each(|update| own.apply(update.clone()));
    applied.ok().map(|()| own)
}
