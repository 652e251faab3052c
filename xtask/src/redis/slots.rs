//! Slots on the move: from one master of a cluster to another, while clients go on.

use super::cluster::Cluster;
use super::resp::Reply;

/// Keys of one MIGRATE. The source blocks for as long as it takes.
const BATCH: &str = "100";
/// Milliseconds for one MIGRATE.
const MIGRATE_MAX_MS: &str = "5000";

impl Cluster {
    /// Moves a slot with its keys to another master. Clients may go on meanwhile: they are
    /// redirected, or told to try again.
    ///
    /// # Errors
    /// If the node is no master, or a node does not answer.
    pub fn move_slot(&self, slot: u16, to: usize) -> Result<(), String> {
        let from = self.master_of(slot)?;
        if from == to {
            return Ok(());
        }
        self.open_slot(slot, to)?;
        let source = self.node(from)?;
        let port = self.node(to)?.port().to_string();
        // A key that appears meanwhile appears at the target, so the source runs dry.
        loop {
            let slot = slot.to_string();
            let batch = source.command(&["CLUSTER", "GETKEYSINSLOT", &slot, BATCH])?;
            if batch.items().is_empty() {
                break;
            }
            let head = ["MIGRATE", "127.0.0.1", &port, "", "0", MIGRATE_MAX_MS, "KEYS"];
            let mut words: Vec<&[u8]> = head.iter().map(|word| word.as_bytes()).collect();
            words.extend(batch.items().iter().filter_map(bytes));
            source.command(&words)?;
        }
        self.close_slot(slot, from, to)
    }

    /// Begins to move a slot and moves no key: clients are redirected for keys that are not there
    /// (ASK), until [`Cluster::move_slot`] moves the rest.
    ///
    /// # Errors
    /// As [`Cluster::move_slot`].
    pub fn open_slot(&self, slot: u16, to: usize) -> Result<(), String> {
        let from = self.master_of(slot)?;
        let (from_id, to_id, slot) = (self.id_of(from)?, self.id_of(to)?, slot.to_string());
        let head = ["CLUSTER", "SETSLOT", &slot];
        // In this order, nobody is sent to a node that does not expect the slot.
        self.node(to)?.command(&[&head[..], &["IMPORTING", &from_id]].concat())?;
        self.node(from)?.command(&[&head[..], &["MIGRATING", &to_id]].concat())?;
        Ok(())
    }

    /// Tells every master who owns the slot now; gossip would, too, but later.
    fn close_slot(&self, slot: u16, from: usize, to: usize) -> Result<(), String> {
        let (id, slot) = (self.id_of(to)?, slot.to_string());
        let words = ["CLUSTER", "SETSLOT", &slot, "NODE", &id];
        // The target first: were it to come last, source and target might each send clients to the
        // other.
        self.node(to)?.command(&words)?;
        self.node(from)?.command(&words)?;
        for (index, node) in self.running() {
            if index != to && index != from && self.is_master(index)? {
                node.command(&words)?;
            }
        }
        Ok(())
    }
}

fn bytes(key: &Reply) -> Option<&[u8]> {
    match key {
        Reply::Bulk(Some(bytes)) => Some(bytes),
        Reply::Simple(_)
        | Reply::Error(_)
        | Reply::Int(_)
        | Reply::Bulk(None)
        | Reply::Array(_) => None,
    }
}
