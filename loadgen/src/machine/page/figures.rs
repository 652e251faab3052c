//! The main numbers.

use crate::machine::units::{bytes, figure, ms};
use crate::machine::{Latency, Report, grouped};

struct Card {
    name: &'static str,
    number: String,
    more: String,
}

pub(super) fn section(report: &Report) -> String {
    let mut cards = vec![hits(report)];
    cards.extend(latency("acknowledged", report.ack_ms));
    cards.extend(latency("in the truth", report.truth_ms));
    cards.extend(latency("on other shards", report.cross_shard_ms));
    cards.push(damage(report));
    cards.extend(cost(report));
    cards.push(Card {
        name: "reconnects",
        number: grouped(report.reconnects),
        more: format!("{} connect failures", grouped(report.connect_failures)),
    });
    cards.extend(own(report));
    let card = |Card { name, number, more }: &Card| {
        format!("<div><span>{name}</span><b>{number}</b><small>{more}</small></div>")
    };
    format!("<section class=\"figures\">{}</section>", cards.iter().map(card).collect::<String>())
}

fn hits(report: &Report) -> Card {
    let rate = report.hits_acked as f64 / report.info.duration_s.max(1e-9);
    let number = if report.info.duration_s > 0.0 { figure(rate) } else { "0".to_owned() };
    let (acked, sent) = (grouped(report.hits_acked), grouped(report.hits_sent));
    Card { name: "accepted hits a second", number, more: format!("{acked} of {sent} sent") }
}

fn latency(name: &'static str, latency: Latency) -> Option<Card> {
    let Latency { count, p50, p99, .. } = latency;
    let more = format!("p99 {}", ms(p99));
    (count > 0).then(|| Card { name, number: ms(p50), more })
}

fn damage(report: &Report) -> Card {
    let (lost, doubled) = (grouped(report.damage_lost), grouped(report.damage_doubled));
    let (number, more) = match report.ledger_version {
        Some(_) => (grouped(report.damage_truth), format!("{lost} lost, {doubled} doubled")),
        None => ("unknown".to_owned(), "no ledger".to_owned()),
    };
    Card { name: "damage in the truth", number, more }
}

/// Of all servers together.
fn cost(report: &Report) -> Option<Card> {
    let read = || report.servers.iter().filter(|server| server.over_s > 0.0);
    let player_s: f64 = read().map(|server| server.players * server.over_s).sum();
    let players: f64 = read().map(|server| server.players).sum();
    let cpu_s: f64 = read().map(|server| server.cpu_s).sum();
    let memory: f64 = read().map(|server| server.resident_bytes_per_player * server.players).sum();
    (player_s > 0.0).then(|| Card {
        name: "a player costs",
        number: format!("{} &micro;s/s", figure(cpu_s / player_s * 1e6)),
        more: format!("and {} of memory", bytes(memory / players)),
    })
}

/// How much of what was measured is this process itself.
fn own(report: &Report) -> Option<Card> {
    let Latency { count, p99, .. } = report.generator_lag_ms;
    let more = if report.cpu_us_per_frame > 0.0 {
        format!("{} &micro;s a frame", figure(report.cpu_us_per_frame))
    } else {
        "of this process".to_owned()
    };
    (count > 0).then(|| Card { name: "generator lag, p99", number: ms(p99), more })
}
