//! How a generation ends when processes die: real ones, on a served disk and on Redis.

use crate::cluster::{COUNTED, ready, wait_for_more};
use crate::kill::{load, report};
use crate::place::{Kind, Place};
use crate::server::{Server, signal, wait, worldboss};
use crate::tools::run;
use loadgen::driver::Proxy;
use protocol::{Gen, Ledger, LedgerGeneration, Scenario, Status};

/// A boss whose first skill does so much damage, with short pauses.
pub(crate) fn scenario(hp_max: u64, damage: u32, missing: &str, collect_s: u32) -> String {
    let text = Scenario::default_text();
    let changes = [
        ("hp_max = 50000000", format!("hp_max = {hp_max}")),
        ("damage = 100\n", format!("damage = {damage}\n")),
        ("missing = \"apply\"", format!("missing = \"{missing}\"")),
        ("collect_s = 30", format!("collect_s = {collect_s}")),
        ("respawn_s = 5", "respawn_s = 1".to_owned()),
    ];
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

pub(crate) fn ledger(shard: &Server) -> Ledger {
    let answer = shard.get("/api/ledger");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn generation(ledger: &Ledger, number: u32) -> &LedgerGeneration {
    ledger.generations.iter().find(|book| book.generation == Gen(number)).unwrap()
}

/// All books, recomputed; what was said about them.
pub(crate) fn verify(place: &Place) -> String {
    let said = run(worldboss().args(["authority", "verify", "--authority", &place.url()]));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    said.out
}

const DAMAGE: &str = "worldboss_damage_total";
const MILLION: u64 = 1_000_000;

/// A shard dies for good and holds a million damage that nobody else has heard of.
fn a_million_is_lost_with_a_shard(kind: Kind, missing: &str) {
    let place = Place::with(kind, Some(&scenario(60_000_000, 10_000, missing, 6)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::start(place.addr().parse().unwrap())).unwrap();
    let cut_off = place.url_at(&proxy.addr().to_string());
    let [mut dying, living] = [place.shard_in(2, &cut_off, &place.data("shard-2")), place.shard(1)];
    let [told_dying, told_living] = ["dying.json", "living.json"].map(|name| place.data(name));
    let mut dying_load = load(&[&dying], 30, 5, &told_dying);
    wait_for_more(std::slice::from_ref(&dying), COUNTED, 5);
    proxy.black_hole(true);
    let before = dying.metric(DAMAGE);
    wait("it holds a million", || dying.metric(DAMAGE) >= before + MILLION + 200_000);
    dying.kill();
    let mut living_load = load(&[&living], 200, 5, &told_living);
    let is_over = || place.status()["generation"].as_u64() >= Some(2);
    wait("the boss falls, and comes again", is_over);
    let explained = verify(&place);
    assert!(explained.contains("had not said its last"), "{explained}");
    let books = generation(&ledger(&living), 1).clone();
    assert!(books.status == Status::Rewarded && books.late == 0, "{books:?}");
    // It returns, with everything that it had.
    proxy.black_hole(false);
    dying.restart();
    wait("it is let in", || ready(&dying));
    wait("its damage is late", || generation(&ledger(&living), 1).late >= MILLION);
    let after = generation(&ledger(&living), 1).clone();
    assert_eq!((&after.shares, after.closed), (&books.shares, books.closed));
    assert_eq!((after.hp, after.damage, after.overkill), (0, books.damage, books.overkill));
    assert_eq!(after.shares.iter().map(|share| share.credit).sum::<u64>(), after.hp_max);
    verify(&place);
    for (load, told) in [(&mut dying_load, &told_dying), (&mut living_load, &told_living)] {
        signal(load, "INT");
        assert_eq!(load.wait().unwrap().code(), Some(130), "{:#}", report(told));
    }
    let late = report(&told_dying)["damage_late"].as_u64().unwrap();
    assert!(late >= MILLION, "the players were told: {late}");
}

#[test]
fn a_million_that_is_waited_for_in_vain_is_late_on_a_served_disk() {
    a_million_is_lost_with_a_shard(Kind::Embedded, "apply");
}

#[test]
fn a_million_that_is_not_waited_for_is_late_on_a_served_disk() {
    a_million_is_lost_with_a_shard(Kind::Embedded, "discard");
}

#[test]
fn a_million_that_is_waited_for_in_vain_is_late_on_redis() {
    a_million_is_lost_with_a_shard(Kind::Redis, "apply");
}

#[test]
fn a_million_that_is_not_waited_for_is_late_on_redis() {
    a_million_is_lost_with_a_shard(Kind::Redis, "discard");
}
