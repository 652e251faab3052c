//! Players who get what can be seen, beside some who get every state, on a real server.

use crate::kill::report;
use crate::server::{Server, worldboss};
use protocol::Scenario;
use std::process::Stdio;

const PLAYERS: u64 = 100;

#[test]
fn what_can_be_seen_is_a_few_states_and_right_to_half_a_pixel() {
    let dir = tempfile::tempdir().unwrap();
    let (file, json) = (dir.path().join("boss.toml"), dir.path().join("out.json"));
    // It falls by about five pixels of 1,000 a second.
    let text = Scenario::default_text().replace("hp_max = 50000000", "hp_max = 5000000");
    assert!(text.contains("hp_max = 5000000 "), "{text}");
    std::fs::write(&file, text).unwrap();
    let authority = format!("embedded:{}", dir.path().join("authority").display());
    let server = Server::shard_of(1, &authority, &dir.path().join("shard"), Some(&file));
    let load = worldboss()
        .args(["loadgen", "--target", &format!("ws://{}/ws", server.addr), "--frames", "seen"])
        .args(["--players", &PLAYERS.to_string(), "--duration", "5s"])
        .args(["--lag-max", "1h", "--threshold", "bar_error_px.max<0.5", "--json"])
        .arg(&json)
        .stdout(Stdio::null())
        .status();
    let report = report(&json);
    eprintln!("{report:#}");
    assert_eq!(load.unwrap().code(), Some(0), "no accepted hit is lost, and no bar is wrong");
    let number = |name: &str| report[name].as_u64().unwrap();
    let compared = report["bar_error_px"]["count"].as_u64().unwrap();
    // Two hits a second bring two states, of ten ticks. Ramp and drain have fewer still.
    assert!(compared > 10 * PLAYERS, "{compared} bars were compared");
    assert!(number("hits_acked") > 5 * PLAYERS);
    let ticks = 10 * 5 * PLAYERS;
    assert!(number("frames_received") < ticks / 2, "{ticks} frames would be all of them");
    assert_eq!(server.terminate(), Some(0));
}
