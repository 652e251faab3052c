//! Proof. [`sim`] plays whole worlds on simulated time, links and disks, each from one seed;
//! [`chaos`] plays one with real processes and a network that fails on demand.

pub mod chaos;
pub mod sim;
