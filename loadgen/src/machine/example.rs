//! A rich report for tests: a minute on two shards with a stall, a fallen boss, and everything that
//! a report can have.

use super::bar::PixelErrors;
use super::latency::Samples;
use super::{BossSecond, CheatCount, ErrorCount, Report, RunInfo, SCHEMA, Second, ServerCost};
use super::{ServerSecond, ShardSecond, ShardTotal, Threshold};
use fastrand::Rng;
use protocol::Micros;
use std::sync::LazyLock;

const SECONDS: u32 = 60;
const PLAYERS: u32 = 2_000;
const TARGETS: [&str; 2] = ["ws://127.0.0.1:7777/ws", "ws://127.0.0.1:7778/ws"];
/// Latencies by their median in microseconds.
const LATENCIES: [(&str, u64); 7] = [
    ("join_ms", 9_000),
    ("resume_ms", 14_000),
    ("ack_ms", 4_200),
    ("truth_ms", 61_000),
    ("cross_shard_ms", 83_000),
    ("frame_interval_ms", 50_000),
    ("generator_lag_ms", 180),
];

static EXAMPLE: LazyLock<Report> = LazyLock::new(made);

/// The report, with thresholds that were judged: one of them is missed.
pub(super) fn example() -> Report {
    EXAMPLE.clone()
}

fn made() -> Report {
    let mut report = counts();
    let mut rng = Rng::with_seed(7);
    let mut totals: Vec<Samples> = LATENCIES.iter().map(|_| Samples::default()).collect();
    report.series = (1..=SECONDS).map(|at| second(at, &mut rng, &mut totals)).collect();
    for ((field, _), samples) in LATENCIES.iter().zip(&totals) {
        report.measure(field, samples);
    }
    let mut bars = PixelErrors::default();
    bars.add(&[(120, 40_000), (900, 3_000), (2_001, 12)], 2.0);
    report.measure_bars(&bars);
    report.shards = TARGETS.iter().map(|target| shard(target, &totals[2])).collect();
    let texts = ["ack_ms.p99<20", "damage_lost==0", "truth_ms.p99<1000"];
    report.judge(&texts.map(|text| Threshold::parse(text).expect("it is a threshold")));
    report
}

fn counts() -> Report {
    let error = |error: &str, count| ErrorCount { error: error.to_owned(), count, fault: false };
    Report {
        schema: SCHEMA,
        info: info(),
        hits_sent: 230_412,
        hits_acked: 229_730,
        hits_rejected: 682,
        hits_skipped: 41,
        rejected_by: [("cooldown".to_owned(), 640), ("not_alive".to_owned(), 42)].into(),
        damage_acked: 45_946_000,
        damage_truth: 45_946_000,
        damage_late: 1_200,
        generations_settled: 1,
        shares_told: 2_000,
        ledger_version: Some(48_211),
        frames_received: 2_311_870,
        bytes_received: 171_078_380,
        bytes_sent: 11_520_600,
        cpu_s: 31.8,
        cpu_us_per_frame: 11.2,
        reconnects: 512,
        connect_failures: 3,
        errors: vec![error("connection reset by <peer> & gone", 512), error("no answer", 3)],
        cheats: [
            ("replay".to_owned(), CheatCount { tried: 400, refused: 400, let_through: 0 }),
            ("too_fast".to_owned(), CheatCount { tried: 240, refused: 240, let_through: 0 }),
        ]
        .into(),
        servers: vec![server()],
        ..Report::default()
    }
}

fn info() -> RunInfo {
    RunInfo {
        seed: 4_711,
        targets: TARGETS.map(str::to_owned).to_vec(),
        players: PLAYERS,
        rate_per_s: 2.0,
        duration_s: 50.0,
        interrupted: false,
        began_unix_ms: 1_767_225_600_250,
        arrivals: "poisson".to_owned(),
        plan: "9f3c1e7a52d08b46".to_owned(),
        version: "0.1.0".to_owned(),
        command: format!(
            "worldboss loadgen --target {} --target {} --players {PLAYERS} --rate 2 --duration 50s \
             --seed 4711",
            TARGETS[0], TARGETS[1]
        ),
    }
}

fn server() -> ServerCost {
    ServerCost {
        url: "http://127.0.0.1:7777/metrics".to_owned(),
        over_s: 50.0,
        cpu_s: 4.7,
        players: 1_991.0,
        cpu_us_per_player_s: 47.2,
        resident_bytes_max: 73_400_320,
        resident_bytes_per_player: 21_400.0,
        ticks: 1_000,
        tick_ms_mean: 1.9,
        tick_ms_p99: 5.0,
        hits_received: 115_206,
        frames_sent: 1_155_935,
        failures: 1,
    }
}

fn shard(target: &str, ack: &Samples) -> ShardTotal {
    ShardTotal {
        target: target.to_owned(),
        players: PLAYERS / 2,
        hits_answered: 115_206,
        frames: 1_155_935,
        ack_ms: ack.latency(),
        ack_buckets: ack.buckets(),
    }
}

/// A ramp of four seconds, 50 of load with a stall in the middle, and a drain.
fn second(at: u32, rng: &mut Rng, totals: &mut [Samples]) -> Second {
    let phase = match at {
        0..=4 => "ramp",
        5..=54 => "load",
        _ => "drain",
    };
    let is_stalled = (30..=32).contains(&at);
    let players = (PLAYERS / 4 * at).min(PLAYERS);
    let live = if is_stalled { players - 260 * (33 - at) } else { players };
    let hits = if phase == "load" { 4_000 + rng.u64(0..600) } else { 0 };
    let mut latencies = latencies(hits, is_stalled, rng, totals).into_iter();
    let mut latency = || latencies.next().expect("there is one for each field");
    Second {
        at_s: f64::from(at) + 0.004,
        phase: phase.to_owned(),
        players,
        live,
        hits_sent: hits,
        hits_answered: hits,
        hits_refused: hits / 330,
        frames: u64::from(live) * 20,
        bytes_received: u64::from(live) * 1_480,
        reconnects: if at == 32 { 512 } else { 0 },
        connect_failures: if at == 31 { 3 } else { 0 },
        ack_ms: latency(),
        truth_ms: latency(),
        cross_shard_ms: latency(),
        frame_interval_ms: latency(),
        generator_lag_ms: latency(),
        boss: (at > 1).then(|| boss(at)),
        shards: [54, 46].map(|part| shard_second(live, hits, part, rng)).to_vec(),
        servers: vec![(!is_stalled).then(|| ServerSecond {
            cores: (hits + rng.u64(0..400)) as f64 / 40_000.0,
            resident_bytes: 60_000_000 + u64::from(at) * 200_000,
            tick_ms: (1_500 + rng.u64(0..1_000)) as f64 / 1_000.0,
        })],
    }
}

/// Those of a second, without joins and resumptions.
fn latencies(
    hits: u64,
    is_stalled: bool,
    rng: &mut Rng,
    totals: &mut [Samples],
) -> Vec<super::Latency> {
    let mut latencies = Vec::new();
    for ((_, median), total) in LATENCIES.iter().zip(totals) {
        let mut samples = Samples::default();
        for _ in 0..hits / 8 {
            // The slow ones are much slower, as it is with queues.
            let slowness = 1_000 / (1_000 - rng.u64(0..970));
            let part = 60 + rng.u64(0..50) + 20 * slowness;
            let stall = if is_stalled { 6 } else { 1 };
            let micros = Micros(median * part * stall / 100);
            samples.record(micros);
            total.record(micros);
        }
        latencies.push(samples.latency());
    }
    latencies.split_off(2)
}

fn shard_second(live: u32, hits: u64, part: u64, rng: &mut Rng) -> ShardSecond {
    ShardSecond {
        live: live * u32::try_from(part).unwrap_or(0) / 100,
        hits_answered: hits * part / 100,
        frames: u64::from(live) * part / 5,
        ack_p99_ms: if hits > 0 { (9_000 + rng.u64(0..900) * part) as f64 / 1_000.0 } else { 0.0 },
    }
}

/// It falls in second 40, and the next one has more HP.
fn boss(at: u32) -> BossSecond {
    let (generation, hp_max, since) =
        if at < 40 { (7, 28_000_000, 5) } else { (8, 36_000_000, 40) };
    let hp = hp_max - 790_000 * u64::from(at.min(54).saturating_sub(since));
    let ahead = if at > since { 310_000 } else { 0 };
    BossSecond { generation, hp, predicted: hp.saturating_sub(ahead), hp_max }
}
