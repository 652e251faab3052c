//! One entry of a boss's log.

use crate::BossUpdate;
use crate::mutants::{self, Mutant};
use serde::{Deserialize, Serialize};
use ucore::{Chain, Version};

/// One entry of a boss's log, in the canonical form that its chain covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its position.
    pub version: Version,
    /// The chain after it.
    pub chain: Chain,
    /// [`BossUpdate::fields`].
    pub fields: String,
    /// [`BossUpdate::blob`].
    #[serde(with = "serde_bytes")]
    pub blob: Vec<u8>,
}

/// Why an entry is not what its log should hold there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The line begins with a word that is no kind of entry.
    #[error("`{0}` is no kind of entry")]
    Kind(String),
    /// A field is missing, misplaced or unreadable.
    #[error("field `{0}` is missing or wrong")]
    Field(&'static str),
    /// The blob is unreadable.
    #[error("the blob is unreadable: {0}")]
    Blob(#[from] ucore::DecodeError),
    /// It can be read, but was not written by this form's rules.
    #[error("it is not in the canonical form")]
    NotCanonical,
    /// The version does not follow the one before.
    #[error("version {found} stands where {expected} belongs")]
    Version {
        /// What belongs there.
        expected: Version,
        /// What stands there.
        found: Version,
    },
    /// The chain does not follow from the entry before: a lost, changed or forked write.
    #[error("its chain does not follow from the entry before it")]
    Chain,
}

impl Entry {
    /// The entry that follows the position (`version`, `chain`) with this update.
    #[must_use]
    pub fn after(version: Version, chain: Chain, update: &BossUpdate) -> Self {
        let (version, fields, blob) = (version.next(), update.fields(), update.blob());
        Self { version, chain: chain.link(version, &fields, &blob), fields, blob }
    }

    /// The update, after a check that this entry follows the position (`version`, `chain`).
    ///
    /// # Errors
    /// [`EntryError`] when it does not follow, or is unreadable.
    pub fn follow(&self, version: Version, chain: Chain) -> Result<BossUpdate, EntryError> {
        if self.version != version.next() {
            return Err(EntryError::Version { expected: version.next(), found: self.version });
        }
        let follows = self.chain == chain.link(self.version, &self.fields, &self.blob);
        if !follows && !mutants::is(Mutant::ChainUnchecked) {
            return Err(EntryError::Chain);
        }
        BossUpdate::parse(&self.fields, &self.blob)
    }
}
