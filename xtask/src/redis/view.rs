//! How one node of a cluster sees all of them, and how the nodes' views become one.

use super::server::Server;

/// A line of CLUSTER NODES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) port: u16,
    /// Words such as `myself`, `master`, `slave`, `fail?`, `handshake`.
    flags: Vec<String>,
    /// The id of the node that it replicates, `-` if it is a master.
    pub(super) master: String,
    /// The claim of the higher one counts.
    pub(super) epoch: u64,
    /// First and last of each range.
    slots: Vec<(u16, u16)>,
}

impl Seen {
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    pub(super) fn owns(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| *first <= slot && slot <= *last)
    }

    /// What all nodes must see alike before a cluster is at rest.
    pub(super) fn role(&self) -> (&str, u16, &str, &[(u16, u16)]) {
        (&self.id, self.port, &self.master, &self.slots)
    }

    pub(super) fn slots_len(&self) -> u32 {
        self.slots.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let id = words.next()?.to_owned();
        let addr = words.next()?.split('@').next()?;
        let port = addr.rsplit(':').next()?.parse().ok()?;
        let flags = words.next()?.split(',').map(str::to_owned).collect();
        let master = words.next()?.to_owned();
        // Between them: ping sent, pong received; behind it: the state of the link.
        let epoch = words.nth(2)?.parse().ok()?;
        // A slot on its way is written in brackets, and is still counted where it comes from.
        let ranges = words.skip(1).filter(|word| !word.starts_with('['));
        let slots = ranges.map(range).collect::<Option<_>>()?;
        Some(Self { id, port, flags, master, epoch, slots })
    }
}

/// The nodes as this one sees them.
pub(super) fn of(node: &Server) -> Result<Vec<Seen>, String> {
    let text = node.command(&["CLUSTER", "NODES"])?.text();
    let seen = text.lines().map(|line| {
        Seen::parse(line).ok_or_else(|| format!("`{line}` is no line of CLUSTER NODES"))
    });
    seen.collect()
}

/// A node as it sees itself.
pub(super) fn own(node: &Server) -> Result<Seen, String> {
    let own = of(node)?.into_iter().find(|seen| seen.has("myself"));
    own.ok_or_else(|| format!("{} does not know itself", node.addr()))
}

/// `7` or `7-9`.
fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let range = (first.parse().ok()?, last.parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_nodes_is_read_with_its_ranges_and_without_slots_on_their_way() {
        let line = "07c3 127.0.0.1:30004@31004,host myself,master - 0 1426238317239 4 connected \
                    0-5460 5470 [93->-292f]";
        let seen = Seen::parse(line).expect("well formed");
        assert_eq!((seen.port, seen.epoch, seen.slots_len()), (30004, 4, 5462));
        assert!(seen.has("myself") && seen.has("master") && !seen.has("slave"));
        assert!(seen.owns(0) && seen.owns(5460) && !seen.owns(5461) && seen.owns(5470));
    }

    #[test]
    fn a_malformed_line_is_none() {
        for line in
            ["", "id", "id :x@1 a - 0 0 1 c", "id :1@1 a - 0 0 x c", "id :1@1 a - 0 0 1 c 9-1"]
        {
            assert_eq!(Seen::parse(line), None, "{line}");
        }
    }
}
