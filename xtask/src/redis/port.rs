//! Free ports of 127.0.0.1, for a server and for its cluster bus.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// A cluster node talks to the others on its own port plus this.
const BUS_OFFSET: u16 = 10_000;
/// Both ports lie below those that the system gives to outgoing connections and to listeners on
/// port 0 (from 32768 on Linux), so nobody takes a port while its server is restarted.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;
/// Ports to try. More than a few of 10,000 in use is unheard of.
const TRIES_MAX: u32 = 1_000;

/// A random port that is free now, with its bus port. Somebody may be faster: the server that is
/// started on it tells.
pub(super) fn free() -> Result<u16, String> {
    let mut ports = (0..TRIES_MAX).map(|try_number| {
        // Std's only source of randomness: every `RandomState` has other keys.
        let random = RandomState::new().hash_one(try_number) % u64::from(COUNT);
        FIRST + u16::try_from(random).unwrap_or_default()
    });
    ports.find(|port| is_free(*port)).ok_or_else(|| {
        let last = FIRST + COUNT - 1;
        format!("no port from {FIRST} to {last} is free on 127.0.0.1: end what listens there")
    })
}

/// The first port from this one on that is free now, with its bus port.
pub(super) fn free_from(first: u16) -> Result<u16, String> {
    let mut ports = first..u16::MAX - BUS_OFFSET;
    ports
        .find(|port| is_free(*port))
        .ok_or_else(|| format!("no port from {first} on is free on 127.0.0.1"))
}

/// Whether somebody listens on a port.
pub(super) fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

fn is_free(port: u16) -> bool {
    port.checked_add(BUS_OFFSET).is_some_and(|bus| !is_taken(port) && !is_taken(bus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_or_with_a_bus_in_use_is_not_free() {
        for offset in [0, BUS_OFFSET] {
            let port = free().expect("most ports are free");
            let held = TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)).expect("free");
            assert!(!is_free(port));
            assert!(free_from(port).expect("another one is") > port);
            drop(held);
        }
    }
}
