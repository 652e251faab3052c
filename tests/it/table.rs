//! What may happen between shards and their authority, line by line, on a served disk and on Redis:
//! whatever it is, nothing that was accepted is lost or counted twice.

use crate::cluster::{COUNTED, UNANSWERED, assert_balanced, ready, wait_for_more};
use crate::kill::{Load, load};
use crate::place::{Kind, Place, copy};
use crate::server::{Server, output, wait, worldboss};
use loadgen::driver::Proxy;
use serde_json::Value;
use std::path::PathBuf;

const ROLLBACKS: &str = "worldboss_authority_rollbacks_total";

/// Players on shards whose authority is in a place, and what they were told.
struct Fight {
    place: Place,
    shards: Vec<Server>,
    load: Load,
    json: PathBuf,
}

impl Fight {
    fn new(place: Place, shards: Vec<Server>, players: u32) -> Self {
        let json = place.data("out.json");
        let load = load(&shards.iter().collect::<Vec<_>>(), players, 5, &json);
        let fight = Self { place, shards, load, json };
        fight.goes_on();
        fight
    }

    /// Waits until pushes of all shards are counted again.
    fn goes_on(&self) {
        wait_for_more(&self.shards, COUNTED, 10);
    }

    /// Lets everything settle, and holds what players were told against the books.
    fn end(mut self) -> Value {
        self.shards.iter().for_each(|shard| wait("it is ready", || ready(shard)));
        self.goes_on();
        let report = self.load.interrupted(&self.json);
        assert_balanced(&report);
        assert!(report["hits_acked"].as_u64().unwrap() > 200, "{report:#}");
        report
    }
}

fn a_push_or_its_answer_is_lost(kind: Kind) {
    let place = Place::start(kind);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::start(place.addr().parse().unwrap())).unwrap();
    let url = place.url_at(&proxy.addr().to_string());
    let shards = [1, 2].map(|label| place.shard_in(label, &url, &place.data(&label.to_string())));
    let fight = Fight::new(place, shards.into(), 100);
    for reply_bytes in [1, 100, 333, 1_000] {
        // The request is carried out, and its answer is cut.
        proxy.cut_after(Some(reply_bytes));
        fight.goes_on();
        // The request vanishes on its way, or its answer does.
        let before = proxy.counts().swallowed;
        proxy.black_hole(true);
        wait("something is swallowed", || proxy.counts().swallowed > before);
        proxy.black_hole(false);
        fight.goes_on();
    }
    let report = fight.end();
    assert_eq!(report["reconnects"], 0, "no player has noticed: {report:#}");
}

fn the_authority_is_slow_or_away(kind: Kind) {
    let place = Place::start(kind);
    let shards = vec![place.shard(1), place.shard(2)];
    let mut fight = Fight::new(place, shards, 100);
    for _ in 0..2 {
        fight.place.pause();
        wait_for_more(&fight.shards, UNANSWERED, 2);
        fight.place.resume();
        fight.goes_on();
    }
    let report = fight.end();
    assert_eq!(report["reconnects"], 0, "no player has noticed: {report:#}");
}

fn the_authority_is_rolled_back(kind: Kind) {
    let mut place = Place::start(kind);
    let first = place.shard(1);
    wait("it is let in", || ready(&first));
    // The backup knows shard 1, and not shard 2.
    place.back_up();
    wait("it is let in again", || ready(&first));
    let shards = vec![first, place.shard(2)];
    let mut fight = Fight::new(place, shards, 100);
    fight.place.roll_back();
    for shard in &fight.shards {
        wait("the roll-back is noticed", || shard.metric(ROLLBACKS) > 0);
    }
    let place = fight.place.url();
    let report = fight.end();
    assert_eq!(report["reconnects"], 0, "no player has noticed, {place}: {report:#}");
}

fn a_shard_is_killed(kind: Kind) {
    let place = Place::start(kind);
    let shards = vec![place.shard(1), place.shard(2)];
    let mut fight = Fight::new(place, shards, 100);
    for killed in [0, 1, 0] {
        fight.shards[killed].kill_and_restart();
        fight.goes_on();
    }
    let joins = fight.place.joins();
    assert_eq!(
        joins.iter().filter(|(_, parent, inherits)| parent.is_some() && *inherits).count(),
        3
    );
    fight.end();
}

fn a_disk_is_lost_with_its_machine(kind: Kind) {
    let place = Place::start(kind);
    let shards = vec![place.shard(1), place.shard(2)];
    let mut fight = Fight::new(place, shards, 100);
    let counted = |place: &Place| place.status()["damage"].as_u64().unwrap();
    fight.shards[0].kill();
    let before = counted(&fight.place);
    std::fs::remove_dir_all(fight.place.data("shard-1")).unwrap();
    fight.shards[0].restart();
    fight.goes_on();
    assert!(counted(&fight.place) > before, "what was pushed stays counted");
    let joins = fight.place.joins();
    assert_eq!(joins.iter().map(|(_, parent, _)| *parent).collect::<Vec<_>>(), [None; 3]);
    drop(fight.load);
}

fn two_processes_have_one_disk(kind: Kind) {
    let place = Place::start(kind);
    let first = place.shard(1);
    let mut fight = Fight::new(place, vec![first], 50);
    let Fight { place, shards, load, .. } = &mut fight;
    let url = place.url();
    // The lock stops a second one on the same disk.
    let data = place.data("shard-1");
    let mut second = worldboss();
    second.args(["shard", "--shard-id", "1", "--listen", "127.0.0.1:0", "--guests"]);
    let (code, stderr) = output(second.args(["--authority", &url, "--data"]).arg(&data));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("is in use by another process"), "{stderr}");
    // On copies, the first one to join is the successor, and who had the disk before is fenced.
    shards[0].pause();
    let (copied, copied_again) = (place.data("copy"), place.data("another-copy"));
    copy(&data, &copied);
    copy(&data, &copied_again);
    let successor = place.shard_in(1, &url, &copied);
    wait("it is let in", || ready(&successor));
    shards[0].resume();
    assert_eq!(shards[0].ended(), Some(1), "it ends, because another process took over");
    let late = place.shard_in(1, &url, &copied_again);
    wait("it is let in", || ready(&late));
    let inherits: Vec<_> = place.joins().into_iter().map(|(_, _, inherits)| inherits).collect();
    assert_eq!(inherits, [false, true, false], "who comes second has no sessions");
    drop(load.kill());
}

fn a_disk_is_rewound(kind: Kind) {
    let place = Place::start(kind);
    let first = place.shard(1);
    let mut fight = Fight::new(place, vec![first], 50);
    let Fight { place, shards, load, .. } = &mut fight;
    let (data, older) = (place.data("shard-1"), place.data("older"));
    shards[0].pause();
    copy(&data, &older);
    shards[0].resume();
    wait_for_more(shards, COUNTED, 5);
    shards[0].kill();
    let before = place.status()["damage"].as_u64().unwrap();
    copy(&older, &data);
    shards[0].restart();
    wait("it is let in", || ready(&shards[0]));
    let (_, parent, inherits) = *place.joins().last().unwrap();
    assert!(parent.is_some() && !inherits, "its sessions claim less than was counted");
    assert!(place.status()["damage"].as_u64().unwrap() >= before, "what was pushed stays counted");
    drop(load.kill());
}

macro_rules! on_both {
    ($($row:ident)+) => {
        mod on_a_served_disk {
            $(#[test] fn $row() { super::$row(super::Kind::Embedded); })+
        }
        mod on_redis {
            $(#[test] fn $row() { super::$row(super::Kind::Redis); })+
        }
    };
}

on_both! {
    a_push_or_its_answer_is_lost
    the_authority_is_slow_or_away
    the_authority_is_rolled_back
    a_shard_is_killed
    a_disk_is_lost_with_its_machine
    two_processes_have_one_disk
    a_disk_is_rewound
}
