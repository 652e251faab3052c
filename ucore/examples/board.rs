//! Two shards fold thousands of hits into one delta each; the order in which they arrive is free.
//!
//! `cargo run -p ucore --example board` prints how small 10,000 hits become, and the equal boards.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use ucore::prelude::*;
use ucore::{Counter, DeltaBuffer, GMap, Updatable, encode, plan};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Line {
    #[update(tag = 0, delta)]
    damage: Counter,
    #[update(tag = 1, delta)]
    hits: Counter,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta)]
    taken: Counter,
    #[update(tag = 1, delta)]
    lines: GMap<u32, Line>,
}

fn main() -> Result<(), ucore::Reject> {
    let mut shards: [DeltaBuffer<BoardDelta>; 2] = Default::default();
    let mut deltas: Vec<BoardDelta> = Vec::new();
    for hit in 0..10_000_u32 {
        let (player, damage) = (hit % 3, i64::from(hit % 100));
        let shard = &mut shards[usize::from(hit % 2 == 0)];
        deltas.extend(shard.add(plan::<Board>().taken().add(damage))?);
        deltas.extend(shard.add(plan::<Board>().lines().at(player).damage().add(damage))?);
        deltas.extend(shard.add(plan::<Board>().lines().at(player).hits().add(1))?);
    }
    deltas.extend(shards.iter_mut().filter_map(DeltaBuffer::take));
    for delta in &deltas {
        println!("5,000 hits in {} bytes", encode(delta).len());
    }

    let (mut board, mut other) = (Board::default(), Board::default());
    deltas.iter().try_for_each(|delta| board.apply(delta.clone()))?;
    deltas.into_iter().rev().try_for_each(|delta| other.apply(delta))?;
    assert_eq!(board, other, "the order of deltas never matters");
    for (player, line) in board.lines.iter() {
        let (damage, hits) = (line.damage.get(), line.hits.get());
        println!("player {player}: {damage} damage in {hits} hits");
    }
    println!("boss: {} damage", board.taken.get());
    Ok(())
}
