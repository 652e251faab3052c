//! Replication between two servers: follow, wait for the same state, take over.

use super::server::Server;
use super::stats::number;
use super::wait;

impl Server {
    /// Starts a replica of another server and waits until it is in sync.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn replica_of(master: &Self, pairs: &[(&str, &str)]) -> Result<Self, String> {
        let replica = Self::start(pairs)?;
        replica.follow(master)?;
        replica.wait_in_sync()?;
        Ok(replica)
    }

    /// Makes it a replica of another server from now on, also after a restart. What it held that
    /// the other one does not is lost.
    ///
    /// # Errors
    /// If the server does not answer or refuses, as every node of a cluster does.
    pub fn follow(&self, master: &Self) -> Result<(), String> {
        self.replicate(&["127.0.0.1", &master.port().to_string()])
    }

    /// Makes a replica a master, also after a restart.
    ///
    /// # Errors
    /// If the server does not answer or refuses, as every node of a cluster does.
    pub fn promote(&self) -> Result<(), String> {
        self.replicate(&["NO", "ONE"])
    }

    /// Waits until a replica holds everything that its master had executed when this was called,
    /// in its memory and in its append-only file. After a full synchronisation it writes that file
    /// anew in the background: killed before the end of that, it comes back without the data.
    ///
    /// # Errors
    /// If it does not come to that, or if it is no replica.
    pub fn wait_in_sync(&self) -> Result<(), String> {
        let own = self.info("replication")?;
        let (Some(host), port) = (own.get("master_host"), number(&own, "master_port")) else {
            return Err(format!("{} is a master: only a replica can be in sync", self.addr()));
        };
        let port = u16::try_from(port).map_err(|_| format!("{host}:{port} is no address"))?;
        let master = || super::stats::info(port, "replication");
        let wanted = number(&master()?, "master_repl_offset");
        wait::until("the replica's synchronisation", || {
            let own = self.info("replication")?;
            let is_up = own.get("master_link_status").is_some_and(|status| status == "up");
            let is_level = number(&own, "slave_repl_offset") >= wanted;
            Ok((is_up && is_level && !self.rewrites()?).then_some(()))
        })
    }

    /// Whether the append-only file is being written anew, or soon will be.
    fn rewrites(&self) -> Result<bool, String> {
        let about = self.info("persistence")?;
        let names = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"];
        Ok(names.iter().any(|name| number(&about, name) > 0))
    }

    fn replicate(&self, whom: &[&str]) -> Result<(), String> {
        self.command(&[&["REPLICAOF"], whom].concat())?;
        self.command(&["CONFIG", "REWRITE"])?;
        Ok(())
    }
}
