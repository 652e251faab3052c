//! Two writers want the last sword. One gets it; the other one looks again and takes the bow.
//!
//! `cargo run -p ucore --example conflict` prints a conflict, and what the writer does about it.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use ucore::prelude::*;
use ucore::{
    Bin, Expect, Outcome, Proposal, Resume, Sequencer, Snapshot, UVec, UVecUpdate, Verdict,
    WriterId, plan,
};

type Shop = UVec<String>;

/// What a writer wants, given what it sees: the first thing on the shelf.
fn take_first(_shop: &Shop) -> UVecUpdate<String, ucore::Set<String>> {
    plan::<Shop>().remove(0)
}

fn main() {
    let shelf: Shop = ["sword".to_owned(), "bow".to_owned()].into_iter().collect();
    let mut log = Sequencer::new(shelf.clone());
    let mut copies = [Snapshot::new(shelf.clone()), Snapshot::new(shelf)];

    for (id, copy) in (1_u8..).zip(&mut copies) {
        loop {
            let proposal = Proposal {
                writer: WriterId(Bin([id; 16])),
                seq: 1,
                expect: Expect::Exact(copy.version),
                update: take_first(&copy.value),
            };
            match log.submit(proposal) {
                Verdict::New(Outcome::Committed(version)) => {
                    println!("writer {id} takes the {} at version {version}", copy.value[0]);
                    break;
                }
                Verdict::Conflict { actual, .. } => {
                    println!("writer {id} wanted the {}, but is behind {actual}", copy.value[0]);
                    follow(copy, &log);
                }
                Verdict::New(Outcome::Rejected(_))
                | Verdict::Duplicate(_)
                | Verdict::Old
                | Verdict::SeqGap { .. }
                | Verdict::TooManyWriters => unreachable!("each writer proposes once"),
            }
        }
    }
}

/// Brings a copy up to date.
fn follow(copy: &mut Snapshot<Shop>, log: &Sequencer<Shop>) {
    match log.resume(copy.version, copy.chain) {
        Resume::Suffix(entries) => {
            entries.into_iter().for_each(|entry| copy.follow(entry).expect("the log's own entry"));
        }
        Resume::Snapshot(newer) => copy.clone_from(newer),
    }
}
