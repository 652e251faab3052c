//! Where the truth is: an authority with a disk, or a Redis with a replica.

use super::process::Process;
use loadgen::driver::Proxy;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::task::block_in_place;
use xtask::redis::Server;

/// The truth's processes. They are killed when this is dropped.
#[derive(Debug)]
pub(super) enum Place {
    Embedded(Box<Process>),
    Redis(Box<Pair>),
}

/// Two servers. Shards reach the master through the doors, the replica through the tie.
#[derive(Debug)]
pub(super) struct Pair {
    master: Server,
    replica: Server,
    tie: Proxy,
    doors: Vec<Arc<Proxy>>,
}

impl Pair {
    pub(super) async fn start(doors: Vec<Arc<Proxy>>) -> Result<Self, String> {
        let (master, replica) =
            block_in_place(|| Ok::<_, String>((Server::start(&[])?, Server::start(&[])?)))?;
        let tie = Proxy::start(addr(&master)).await.map_err(|error| error.to_string())?;
        let pair = Self { master, replica, tie, doors };
        pair.open_doors();
        block_in_place(|| {
            pair.follow()?;
            pair.replica.wait_in_sync()
        })?;
        Ok(pair)
    }

    pub(super) fn master(&self) -> &Server {
        &self.master
    }

    pub(super) fn copy_logs(&self, to: &Path) {
        for (server, name) in [(&self.master, "redis-master"), (&self.replica, "redis-replica")] {
            // What can't be kept is no reason to fail twice.
            drop(std::fs::copy(server.dir().join("redis.log"), to.join(format!("{name}.log"))));
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.master.pid()
    }

    pub(super) fn kill(&mut self) -> Result<(), String> {
        block_in_place(|| self.master.kill())
    }

    pub(super) fn terminate(&mut self) -> Result<(), String> {
        block_in_place(|| self.master.terminate())
    }

    pub(super) fn start_again(&mut self) -> Result<(), String> {
        block_in_place(|| self.master.restart())
    }

    pub(super) fn pause(&mut self) -> Result<(), String> {
        block_in_place(|| self.master.pause())
    }

    pub(super) fn resume(&mut self) -> Result<(), String> {
        block_in_place(|| self.master.resume())
    }

    /// From now on, the replica hears nothing. One that lacks what its master had answered before
    /// must not take over, whatever happens to it later.
    pub(super) fn cut_tie(&self) -> Result<(), String> {
        block_in_place(|| self.replica.wait_in_sync())?;
        self.tie.black_hole(true);
        Ok(())
    }

    /// How many entries of its log the replica lacks.
    pub(super) fn unheard(&self) -> Result<u64, String> {
        let [all, heard] =
            block_in_place(|| Ok::<_, String>([version(&self.master)?, version(&self.replica)?]))?;
        Ok(all.saturating_sub(heard))
    }

    /// Kills the master; its replica takes over, and it comes back as the replica. Answers their
    /// ports.
    pub(super) fn fail_over(&mut self) -> Result<String, String> {
        block_in_place(|| {
            self.master.kill()?;
            self.replica.promote()?;
            std::mem::swap(&mut self.master, &mut self.replica);
            self.open_doors();
            self.tie.retarget(Some(addr(&self.master)));
            self.tie.black_hole(false);
            self.replica.restart()?;
            self.follow()?;
            let (from, to) = (self.replica.port(), self.master.port());
            Ok(format!("port {from} to {to}"))
        })
    }

    fn open_doors(&self) {
        self.doors.iter().for_each(|door| door.retarget(Some(addr(&self.master))));
    }

    fn follow(&self) -> Result<(), String> {
        let port = self.tie.addr().port().to_string();
        self.replica.command(&["REPLICAOF", "127.0.0.1", &port])?;
        self.replica.command(&["CONFIG", "REWRITE"])?;
        Ok(())
    }
}

fn addr(server: &Server) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, server.port()).into()
}

/// The newest version of the log in a server. How far its stream of commands has come would not do:
/// that also counts polls and pings.
fn version(server: &Server) -> Result<u64, String> {
    let version = server.command(&["HGET", STATE, "version"])?.text().parse();
    version.map_err(|_| format!("{} has no log of the boss", server.addr()))
}

/// Where the boss of [`Setup::scenario`](super::setup::Setup::scenario) is.
const STATE: &str = "{boss:1}:state";
