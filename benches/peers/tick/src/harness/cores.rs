//! Which cores are used: one for the server, one for the client and everything else.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The two cores.
#[derive(Debug)]
pub(crate) struct Cores {
    server: usize,
    client: usize,
}

impl Cores {
    /// Takes the first two cores that this process may use, and moves it to the second: what it
    /// starts goes there, too.
    pub(crate) fn choose() -> Result<Self, String> {
        let allowed = sched_getaffinity(None).map_err(|error| error.to_string())?;
        let mut all = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(server), Some(client)) = (all.next(), all.next()) else {
            return Err("two cores are needed, one for servers and one for the client".to_owned());
        };
        pin(client)?;
        Ok(Self { server, client })
    }

    /// The server's core.
    pub(crate) fn server(&self) -> usize {
        self.server
    }

    /// Starts something on the server's core, where all its threads and children stay.
    pub(crate) fn on_server<T>(
        &self,
        start: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        pin(self.server)?;
        let started = start();
        pin(self.client)?;
        started
    }
}

/// Moves the calling thread.
fn pin(core: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|error| format!("can't move to core {core}: {error}"))
}
