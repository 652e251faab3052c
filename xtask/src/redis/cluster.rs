//! A Redis Cluster: three masters and a replica of each, built, watched while it heals, damaged.

use std::path::{Path, PathBuf};

use super::server::Server;
use super::view::{self, Seen};
use super::wait;

/// The nodes that begin as masters. The node behind them by this many begins as the replica.
const MASTERS: usize = 3;
const NODES: usize = 2 * MASTERS;
const SLOTS: u16 = 16_384;

/// On top of the defaults of [`Server::start`].
const SETTINGS: &[(&str, &str)] = &[
    ("cluster-enabled", "yes"),
    // Milliseconds after which a silent node counts as failed: tests wait for a fail-over.
    ("cluster-node-timeout", "1500"),
    // A replica takes over however long it has not heard of its master: a test may pause things.
    ("cluster-replica-validity-factor", "0"),
    // A replica stays with its master, so that tests know where it is.
    ("cluster-allow-replica-migration", "no"),
];

/// Six servers that share the 16,384 slots. All end when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts one in temporary directories: masters are the nodes 0, 1 and 2, their replicas 3, 4
    /// and 5. The pairs are lines of every node's redis.conf.
    ///
    /// # Errors
    /// As [`Server::start`], or if the nodes do not find together.
    pub fn start(pairs: &[(&str, &str)]) -> Result<Self, String> {
        let settings = settings(pairs);
        let nodes = (0..NODES).map(|_| Server::start(&settings)).collect::<Result<_, _>>()?;
        let cluster = Self { nodes };
        cluster.join()?;
        Ok(cluster)
    }

    /// Starts one whose directory stays: on free ports from this one on, or, where there was one
    /// already, over its data and on its ports. Nodes that were left running are taken over.
    ///
    /// # Errors
    /// As [`Cluster::start`], or if one of its ports is taken by now.
    pub fn start_in(dir: &Path, port: u16, pairs: &[(&str, &str)]) -> Result<Self, String> {
        let settings = settings(pairs);
        let mut nodes: Vec<Server> = Vec::new();
        let mut next = port;
        for dir in Self::dirs_in(dir) {
            let node = match (Server::find_in(&dir)?, Server::port_in(&dir)) {
                (Some(node), _) => node,
                // The others remember it under this port.
                (None, Some(port)) => Server::start_in(&dir, port, &settings)?,
                (None, None) => Server::start_from(&dir, next, &settings)?,
            };
            next = node.port() + 1;
            nodes.push(node);
        }
        let cluster = Self { nodes };
        if view::of(cluster.node(0)?)?.len() == 1 {
            cluster.join()?;
        }
        let cure =
            |error| format!("{error}; `{}` may hold half a cluster: remove it", dir.display());
        cluster.wait_until_whole().map_err(cure)?;
        Ok(cluster)
    }

    /// The directories of the nodes that [`Cluster::start_in`] starts.
    #[must_use]
    pub fn dirs_in(dir: &Path) -> Vec<PathBuf> {
        (0..NODES).map(|index| dir.join(format!("node-{index}"))).collect()
    }

    /// Every node, ended ones too. A node keeps its index, whatever its role.
    #[must_use]
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// A node to pause, kill or restart.
    ///
    /// # Errors
    /// If there is no such index.
    pub fn node_mut(&mut self, index: usize) -> Result<&mut Server, String> {
        self.nodes.get_mut(index).ok_or_else(|| no_node(index))
    }

    /// What a client connects to: `redis-cluster://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3`, the nodes
    /// that began as masters.
    #[must_use]
    pub fn url(&self) -> String {
        let addrs: Vec<String> = self.nodes.iter().take(MASTERS).map(Server::addr).collect();
        format!("redis-cluster://{}", addrs.join(","))
    }

    /// The slot of a key.
    ///
    /// # Errors
    /// If no node answers.
    pub fn slot_of(&self, key: &str) -> Result<u16, String> {
        let any = self.running().next().ok_or("every node has ended")?;
        let slot = any.1.command(&["CLUSTER", "KEYSLOT", key])?.int();
        slot.and_then(|slot| u16::try_from(slot).ok()).ok_or_else(|| format!("`{key}` has no slot"))
    }

    /// The index of the running node that owns a slot.
    ///
    /// # Errors
    /// If none does, as before a fail-over.
    pub fn master_of(&self, slot: u16) -> Result<usize, String> {
        let mut owner = None;
        for (index, node) in self.running() {
            let own = view::own(node)?;
            // A master that does not know yet that it was replaced claims the slot, too.
            let claim = Some((own.epoch, index)).filter(|_| own.has("master") && own.owns(slot));
            owner = owner.max(claim);
        }
        owner.map(|(_, index)| index).ok_or_else(|| format!("no running node owns slot {slot}"))
    }

    /// The index of a running node that replicates this one.
    ///
    /// # Errors
    /// If none does.
    pub fn replica_of(&self, index: usize) -> Result<usize, String> {
        let id = self.id_of(index)?;
        for (other, node) in self.running() {
            if view::own(node)?.master == id {
                return Ok(other);
            }
        }
        Err(format!("no running node replicates node {index}"))
    }

    /// Kills a node (SIGKILL). If it owns slots, its replica takes over some seconds later.
    ///
    /// # Errors
    /// If there is no such index.
    pub fn kill_master(&mut self, index: usize) -> Result<(), String> {
        self.node_mut(index)?.kill()
    }

    /// Waits until the running nodes are whole without those that are killed or paused, and gives
    /// the index of the one that owns the slot now.
    ///
    /// # Errors
    /// If that does not come.
    pub fn wait_for_failover(&self, slot: u16) -> Result<usize, String> {
        self.wait_until_whole()?;
        self.master_of(slot)
    }

    /// Waits until all running nodes say that the cluster is well, see the same roles and slots,
    /// and every running replica is in sync.
    ///
    /// # Errors
    /// If that does not come.
    pub fn wait_until_whole(&self) -> Result<(), String> {
        wait::until("the agreement of the cluster", || self.agree())?;
        for (_, node) in self.running() {
            if !view::own(node)?.has("master") {
                node.wait_in_sync()?;
            }
        }
        Ok(())
    }

    /// Lets every node run on after this value is gone.
    pub fn leave(self) {
        self.nodes.into_iter().for_each(Server::leave);
    }

    pub(super) fn node(&self, index: usize) -> Result<&Server, String> {
        self.nodes.get(index).ok_or_else(|| no_node(index))
    }

    pub(super) fn id_of(&self, index: usize) -> Result<String, String> {
        Ok(view::own(self.node(index)?)?.id)
    }

    pub(super) fn is_master(&self, index: usize) -> Result<bool, String> {
        Ok(view::own(self.node(index)?)?.has("master"))
    }

    pub(super) fn running(&self) -> impl Iterator<Item = (usize, &Server)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.is_running())
    }

    /// Makes one cluster of six nodes that know nobody.
    fn join(&self) -> Result<(), String> {
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for (index, node) in self.nodes.iter().enumerate() {
            // Epochs that differ from the start spare the nodes from settling it.
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
        }
        for (index, node) in masters.iter().enumerate() {
            let share = |index: usize| usize::from(SLOTS) * index / MASTERS;
            let (first, last) = (share(index).to_string(), (share(index + 1) - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            for other in &self.nodes[..index] {
                let port = other.port().to_string();
                node.command(&["CLUSTER", "MEET", "127.0.0.1", &port])?;
            }
        }
        wait::until("the meeting of the nodes", || self.have_met())?;
        for (master, replica) in masters.iter().zip(replicas) {
            replica.command(&["CLUSTER", "REPLICATE", &view::own(master)?.id])?;
        }
        self.wait_until_whole()
    }

    fn have_met(&self) -> Result<Option<()>, String> {
        for node in &self.nodes {
            let seen = view::of(node)?;
            let is_stranger = |seen: &Seen| seen.has("handshake") || seen.has("noaddr");
            if seen.len() != NODES || seen.iter().any(is_stranger) {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Whether the running nodes are all well and each sees the others as they see themselves.
    fn agree(&self) -> Result<Option<()>, String> {
        let views =
            self.running().map(|(_, node)| view::of(node)).collect::<Result<Vec<_>, _>>()?;
        let own: Vec<&Seen> = views.iter().flatten().filter(|seen| seen.has("myself")).collect();
        if own.iter().map(|seen| seen.slots_len()).sum::<u32>() != u32::from(SLOTS) {
            return Ok(None);
        }
        let sees =
            |view: &Vec<Seen>, wanted: &Seen| view.iter().any(|seen| seen.role() == wanted.role());
        if !views.iter().all(|view| own.iter().all(|wanted| sees(view, wanted))) {
            return Ok(None);
        }
        for (_, node) in self.running() {
            let about = node.command(&["CLUSTER", "INFO"])?.text();
            if !about.lines().any(|line| line == "cluster_state:ok") {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }
}

fn settings<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_set = |name: &str| pairs.iter().any(|(other, _)| *other == name);
    let own = SETTINGS.iter().copied().filter(|(name, _)| !is_set(name));
    own.chain(pairs.iter().copied()).collect()
}

fn no_node(index: usize) -> String {
    format!("there is no node {index}: the nodes are 0 to {}", NODES - 1)
}
