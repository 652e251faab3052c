//! What became of a value since somebody looked.

use protocol::limits::GROUP_CHANGES_MAX;
use ucore::Coalesce;

/// What became of a value since somebody looked.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<U> {
    /// These updates, in this order. Those that fold have been folded.
    Updates(Vec<U>),
    /// So much, or by a jump, that it is better to look at the whole value.
    Whole,
}

/// No change yet.
impl<U> Default for Change<U> {
    fn default() -> Self {
        Self::Updates(Vec::new())
    }
}

impl<U: Coalesce> Change<U> {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Updates(updates) => updates.is_empty(),
            Self::Whole => false,
        }
    }

    /// Adds an update that came later.
    pub fn add(&mut self, update: U) {
        let Self::Updates(updates) = self else { return };
        let rest = match updates.last_mut() {
            Some(last) => last.coalesce(update).err(),
            None => Some(update),
        };
        updates.extend(rest);
        if updates.len() > GROUP_CHANGES_MAX {
            *self = Self::Whole;
        }
    }

    /// Adds what came later.
    pub fn merge(&mut self, later: Self) {
        match later {
            Self::Updates(updates) => updates.into_iter().for_each(|update| self.add(update)),
            Self::Whole => *self = Self::Whole,
        }
    }
}
