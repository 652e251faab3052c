//! The shared structure of these worlds, and what programs want of it.

use score::{Error, Intent, Transaction};
use std::sync::{Arc, Mutex};
use ucore::prelude::*;
use ucore::{Counter, GMap, Reject, UMap, UVec, Version, plan};

#[derive(Debug, Clone, Default, PartialEq, ucore::Updatable)]
pub(crate) struct Doc {
    #[update(tag = 0, delta)]
    pub(crate) sums: GMap<u32, Counter>,
    #[update(tag = 1, ordered)]
    pub(crate) names: UVec<u32>,
    #[update(tag = 2, ordered)]
    pub(crate) board: UMap<u32, UVec<u32>>,
}

/// What a program may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Adds to a sum.
    Add(u32),
    /// Pushes its number onto the names.
    Push,
    /// Removes a key that is never there.
    Unfit,
    /// Puts its number into a line of the board, which is made if it is not there.
    Place(u32),
    /// Moves the last number of one line to another one, if there is any.
    Move(u32, u32),
    /// Writes something, and gives up.
    Abort,
}

/// What became of a wish. None: nothing was told yet.
pub(crate) type Told = Arc<Mutex<Option<Result<Version, Error>>>>;

/// A wish with its number.
pub(crate) struct Order {
    pub(crate) number: u32,
    pub(crate) wish: Wish,
    update: Option<DocUpdate>,
    told: Told,
}

impl Order {
    pub(crate) fn new(number: u32, wish: Wish, told: Told) -> Self {
        let update = match wish {
            Wish::Add(key) => Some(plan::<Doc>().sums().at(key).add(1)),
            Wish::Push => Some(plan::<Doc>().names().push(number)),
            Wish::Unfit => Some(plan::<Doc>().board().remove(u32::MAX)),
            Wish::Place(_) | Wish::Move(..) | Wish::Abort => None,
        };
        Self { number, wish, update, told }
    }
}

impl Intent<Doc> for Order {
    fn update(&self) -> Option<&DocUpdate> {
        self.update.as_ref()
    }

    fn run(&mut self, draft: &mut Transaction<'_, Doc>) -> Result<(), Error> {
        match self.wish {
            Wish::Add(_) | Wish::Push | Wish::Unfit => {
                (&mut **draft).put(self.update.clone().expect("it has one"))?;
            }
            Wish::Place(key) => {
                if draft.board.get(&key).is_none() {
                    draft.board().insert(key, UVec::default())?;
                }
                draft.board().at(key).push(self.number)?;
            }
            Wish::Move(from, to) => {
                let last = draft.board.get(&from).and_then(|line| line.last().copied());
                if let Some(last) = last.filter(|_| draft.board.get(&to).is_some()) {
                    draft.board().at(from).pop()?;
                    draft.board().at(to).push(last)?;
                }
            }
            Wish::Abort => {
                draft.names().push(u32::MAX)?;
                return Err(Error::Rejected(Reject::Missing));
            }
        }
        Ok(())
    }

    fn looks(&self) -> bool {
        false
    }

    fn before(&mut self, _: &Doc) {}

    fn done(self: Box<Self>, outcome: Result<Version, Error>) {
        let before = self.told.lock().expect("one thread").replace(outcome);
        assert!(before.is_none(), "a wish is told of once");
    }
}
