//! What a leaderboard costs the authority each second, and what the end of a generation costs it:
//! by players, who are spread over four journals.
//!
//! `cargo bench --bench settlement`; the time per player is what to compare.
#![allow(missing_docs, reason = "a bench is no library")]

use authority::machine::{Machine, Saga, credits, grants};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocol::{
    BossId, Enter, ExecutorId, Gen, Interval, Join, JournalId, Life, Micros, PlayerId, Push,
    Scenario, ShardId, Status,
};
use std::hint::black_box;
use ucore::{Bin, Max};

const BOSS: BossId = BossId(1);
const JOURNALS: u8 = 4;

/// A boss that so many players have killed.
fn fallen(players: u64) -> Machine {
    let mut spec = Scenario::parse(Scenario::default_text()).expect("it comes along").spec;
    spec.hp_max = players * 50;
    let mut machine = Machine::new(BOSS, spec);
    for number in 1..=JOURNALS {
        let (boss, journal, shard) = (BOSS, JournalId(Bin([number; 16])), ShardId(number.into()));
        machine.handle_join(Join { boss, journal, shard, lineage: Vec::new() });
        machine.handle_enter(&Enter { boss, journal, generation: Gen(1) });
        let own =
            (1..=players).filter(|player| player % u64::from(JOURNALS) + 1 == u64::from(number));
        let lines: Vec<_> = own.map(|player| (PlayerId(player), 50 + player % 997)).collect();
        let to = lines.iter().map(|(_, damage)| damage).sum();
        let names = lines.iter().map(|(player, _)| (*player, format!("player {player}"))).collect();
        let players = lines.into_iter().map(|(player, damage)| (player, Max::of(damage))).collect();
        let interval = Interval { generation: Gen(1), from: 0, to, players, names };
        let (seen, standings) = (machine.truth().seen(), 0);
        machine.handle_push(Push {
            boss,
            journal,
            interval,
            last: false,
            online: 1,
            seen,
            standings,
        });
    }
    assert_ne!(machine.truth().status, Status::Alive, "their damage is enough");
    machine
}

fn life(machine: &Machine) -> &Life {
    machine.boss().life(Gen(1)).expect("it is kept")
}

fn settlement(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("settlement");
    group.sample_size(10);
    for players in [2_000, 20_000, 200_000] {
        let machine = fallen(players);
        group.throughput(Throughput::Elements(players));
        group.bench_function(BenchmarkId::new("leaderboard", players), |bencher| {
            bencher.iter(|| black_box(life(&machine).board(Gen(1))));
        });
        group.bench_function(BenchmarkId::new("credits", players), |bencher| {
            bencher.iter(|| black_box(credits(life(&machine))));
        });
        let mut settled = machine;
        let mut saga = Saga::new(BOSS, ExecutorId(Bin([1; 16])), 0);
        let seconds = (1..).map(|second| Micros::from_millis(second * 1_000));
        for now in seconds {
            saga.drive(now, &mut settled);
            if settled.truth().status == Status::Rewarded {
                break;
            }
        }
        group.bench_function(BenchmarkId::new("rewards", players), |bencher| {
            bencher.iter(|| black_box(grants(life(&settled))));
        });
    }
    group.finish();
}

criterion_group!(benches, settlement);
criterion_main!(benches);
