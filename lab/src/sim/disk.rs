//! A disk that forgets: what was not synced may be lost, block by block, when its process dies.

use redb::StorageBackend;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes as a whole or not at all. Pages are larger, so they can tear.
const BLOCK: usize = 512;

/// Everything on a disk.
pub(super) type Image = Arc<Vec<u8>>;

/// A disk. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What is there after a power cut that takes everything unsynced.
    synced: Vec<u8>,
    /// What a program reads.
    current: Vec<u8>,
    /// Blocks in which the two may differ.
    unsynced: BTreeSet<usize>,
    /// Writes and syncs that still succeed; none if no failure is planned.
    fuse: Option<u32>,
    /// Nothing is read or written any more.
    is_dead: bool,
}

/// What a power cut did to what was not synced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Torn {
    /// Blocks that had reached the disk.
    pub(super) kept: u32,
    /// Blocks that had not.
    pub(super) lost: u32,
}

impl Disk {
    /// A disk that holds this.
    pub(super) fn new(image: &Image) -> Self {
        let state = State { synced: image.to_vec(), current: image.to_vec(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets so many more writes and syncs succeed; from then on all fail, as on a disk that is
    /// gone.
    pub(super) fn fail_after(&self, operations: u32) {
        self.lock().fuse = Some(operations);
    }

    /// Whether the planned failure has come.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().is_dead
    }

    /// What a power cut leaves: of every block that was not synced, `is_kept` says whether it had
    /// reached the disk by itself. The process on this disk can do nothing more with it.
    pub(super) fn cut_power(&self, mut is_kept: impl FnMut() -> bool) -> (Image, Torn) {
        let mut state = self.lock();
        state.is_dead = true;
        let mut image = std::mem::take(&mut state.synced);
        let mut torn = Torn::default();
        for block in std::mem::take(&mut state.unsynced) {
            let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(state.current.len()));
            if from >= to {
                continue;
            }
            if !is_kept() {
                torn.lost += 1;
                continue;
            }
            torn.kept += 1;
            if image.len() < to {
                image.resize(to, 0);
            }
            image[from..to].copy_from_slice(&state.current[from..to]);
        }
        (Arc::new(image), torn)
    }

    /// What is synced at this moment.
    pub(super) fn image(&self) -> Image {
        Arc::new(self.lock().synced.clone())
    }
}

impl State {
    /// Counts an operation that changes something.
    fn burn(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => self.is_dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.alive()
    }

    fn alive(&self) -> io::Result<()> {
        if self.is_dead { Err(io::Error::other("the simulated disk is gone")) } else { Ok(()) }
    }

    fn range(&self, offset: u64, len: usize) -> io::Result<std::ops::Range<usize>> {
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let to = from.saturating_add(len);
        if to > self.current.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(from..to)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        let state = self.lock();
        state.alive()?;
        Ok(state.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        state.alive()?;
        out.copy_from_slice(&state.current[state.range(offset, out.len())?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.burn()?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        state.current.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.burn()?;
        let state = &mut *state;
        state.synced.resize(state.current.len(), 0);
        for block in std::mem::take(&mut state.unsynced) {
            let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(state.current.len()));
            if from < to {
                state.synced[from..to].copy_from_slice(&state.current[from..to]);
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.burn()?;
        let range = state.range(offset, data.len())?;
        let blocks = range.start / BLOCK..range.end.div_ceil(BLOCK);
        state.current[range].copy_from_slice(data);
        state.unsynced.extend(blocks);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_stays_and_of_the_rest_any_block_may() {
        let disk = Disk::new(&Image::default());
        disk.set_len(4 * BLOCK as u64).unwrap();
        disk.write(0, &[1; 4 * BLOCK]).unwrap();
        disk.sync_data().unwrap();
        disk.write(0, &[2; 4 * BLOCK]).unwrap();
        let mut turn = 0;
        let (image, torn) = disk.cut_power(|| {
            turn += 1;
            turn % 2 == 0
        });
        let blocks: Vec<u8> = image.chunks(BLOCK).map(|block| block[0]).collect();
        assert_eq!((blocks, torn), (vec![1, 2, 1, 2], Torn { kept: 2, lost: 2 }));
        assert!(disk.write(0, &[3]).is_err(), "whoever held the disk is dead");
    }

    #[test]
    fn a_disk_fails_at_the_planned_operation_and_for_ever_after() {
        let disk = Disk::new(&Image::default());
        disk.fail_after(2);
        disk.set_len(10).unwrap();
        disk.write(0, &[1; 10]).unwrap();
        assert!(disk.sync_data().is_err());
        assert!(disk.read(0, &mut [0]).is_err());
        let (image, _) = disk.cut_power(|| false);
        assert_eq!(image.len(), 0, "nothing was synced");
    }

    #[test]
    fn what_was_never_written_reads_as_nothing() {
        let disk = Disk::new(&Image::default());
        assert!(disk.write(0, &[1]).is_err(), "beyond the end");
        disk.set_len(3).unwrap();
        let mut out = [9; 3];
        disk.read(0, &mut out).unwrap();
        assert_eq!(out, [0; 3]);
    }
}
