//! The bytes of a log: entries, snapshots, checkpoints, and what became of proposals.

use crate::{
    Answered, Chain, Checkpoint, DecodeError, Entry, Outcome, Reader, Reject, Run, Snapshot,
    Updatable, Version, Wire, Writer,
};

/// Every reason, in the order of its number. A new one is added at the end.
const REJECTS: [Reject; 5] =
    [Reject::TooLarge, Reject::Missing, Reject::Exists, Reject::OutOfOrder, Reject::Unbalanced];

impl Wire for Reject {
    fn write(&self, _: Run, to: &mut Writer) {
        let place = REJECTS.iter().zip(1..).find(|(reject, _)| *reject == self);
        to.uint(place.map_or(0, |(_, number)| number));
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = from.uint()?;
        let found = REJECTS.iter().zip(1..).find(|(_, place)| *place == number);
        found.map(|(reject, _)| *reject).ok_or(DecodeError::UnknownTag(number))
    }
}

/// The version, or nil and the reason.
impl Wire for Outcome {
    const NIL: bool = true;

    fn write(&self, run: Run, to: &mut Writer) {
        match self {
            Self::Committed(version) => version.write(run, to),
            Self::Rejected(reject) => {
                to.nil();
                reject.write(run, to);
            }
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if from.take_nil() {
            Reject::read(run, from).map(Self::Rejected)
        } else {
            Version::read(run, from).map(Self::Committed)
        }
    }
}

impl Wire for Answered {
    fn write(&self, _: Run, to: &mut Writer) {
        self.seq.write(Run::Closed, to);
        self.outcome.write(Run::Closed, to);
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { seq: u64::read(Run::Closed, from)?, outcome: Outcome::read(Run::Closed, from)? })
    }
}

impl<U: Wire> Wire for Entry<U> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| {
            self.version.write(Run::Closed, to);
            self.chain.write(Run::Closed, to);
            self.update.write(Run::Open, to);
        });
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, |from| {
            Ok(Self {
                version: Version::read(Run::Closed, from)?,
                chain: Chain::read(Run::Closed, from)?,
                update: U::read(Run::Open, from)?,
            })
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.version.fits().and_then(|()| self.update.fits())
    }
}

impl<S: Updatable> Wire for Snapshot<S> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| {
            self.version.write(Run::Closed, to);
            self.chain.write(Run::Closed, to);
            self.value.write(Run::Closed, to);
        });
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, |from| {
            Ok(Self {
                version: Version::read(Run::Closed, from)?,
                chain: Chain::read(Run::Closed, from)?,
                value: S::read(Run::Closed, from)?,
            })
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.version.fits().and_then(|()| self.value.fits())
    }
}

impl<S: Updatable> Wire for Checkpoint<S> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| {
            self.head.write(Run::Closed, to);
            self.ordered.write(Run::Closed, to);
            self.writers.write(Run::Closed, to);
        });
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, |from| {
            Ok(Self {
                head: Snapshot::read(Run::Closed, from)?,
                ordered: Version::read(Run::Closed, from)?,
                writers: Wire::read(Run::Closed, from)?,
            })
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.head.fits().and_then(|()| self.writers.fits())
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::{
        Bin, Checkpoint, Entry, Expect, Outcome, Proposal, Reject, Sequencer, UVec, UVecUpdate,
        Verdict, WriterId, decode, encode, plan,
    };

    #[test]
    fn a_checkpoint_and_an_entry_come_back_from_their_bytes() {
        let mut log = Sequencer::new(UVec::<String>::default());
        let list = plan::<UVec<String>>();
        let updates = [list.push("a".to_owned()), list.remove(7)];
        for (update, id) in updates.into_iter().zip(1_u8..) {
            let writer = WriterId(Bin([id; 16]));
            let proposal = Proposal { writer, seq: 1, expect: Expect::Any, update };
            log.submit(proposal.clone());
            let mut later = Sequencer::restore(decode(&encode(&log.checkpoint())).unwrap());
            assert_eq!(later.checkpoint(), log.checkpoint());
            assert!(matches!(later.submit(proposal), Verdict::Duplicate(_)));
        }
        let entry = log.last().unwrap();
        let back: Entry<UVecUpdate<String, crate::Set<String>>> = decode(&encode(entry)).unwrap();
        assert_eq!(&back, entry);
        let bytes = encode(&Outcome::Rejected(Reject::Missing));
        assert_eq!(decode(&bytes), Ok(Outcome::Rejected(Reject::Missing)));
        assert!(decode::<Checkpoint<u8>>(&[0x90]).is_err());
    }
}
