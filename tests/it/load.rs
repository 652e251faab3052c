//! The load generator as a tool: what it counts, what it refuses, and how it ends.

use crate::kill::{load, report};
use crate::server::{Server, output, signal, wait, worldboss};
use crate::tools::run;
use loadgen::driver::{LoadConfig, run_beside};
use loadgen::machine::PlanConfig;
use protocol::Micros;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A short load on these addresses. Machines that test may be slow, so no lag is too long.
fn short(addrs: &[&str], json: &Path) -> Command {
    let mut command = worldboss();
    command.args(["loadgen", "--plain", "--lag-max", "1h", "--duration", "3s", "--json"]).arg(json);
    for addr in addrs {
        command.arg("--target").arg(format!("ws://{addr}/ws"));
    }
    command
}

fn number(report: &Value, name: &str) -> u64 {
    report.pointer(&format!("/{}", name.replace('.', "/"))).and_then(Value::as_u64).unwrap()
}

struct Scene {
    dir: tempfile::TempDir,
    server: Server,
}

impl Scene {
    fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(&dir.path().join("data"));
        Self { dir, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

#[test]
fn what_it_counts_is_what_the_server_counts() {
    let scene = Scene::begin();
    let (json, page) = (scene.file("out.json"), format!("http://{}/metrics", scene.server.addr));
    let said =
        run(short(&[&scene.server.addr], &json).args(["--players", "50", "--scrape", &page]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let report = report(&json);
    // Nobody else plays, and nobody has lost a connection: each hit was received once.
    assert_eq!(number(&report, "reconnects"), 0);
    let server = |name: &str| scene.server.metric(name);
    assert_eq!(
        number(&report, "hits_sent"),
        server("worldboss_messages_received_total{type=\"hit\"}"),
    );
    assert_eq!(number(&report, "hits_acked"), server("worldboss_hits_total{result=\"accepted\"}"));
    assert_eq!(number(&report, "damage_acked"), server("worldboss_damage_total"));
    // The last frames reach players whose books are closed.
    let (counted, sent) =
        (number(&report, "frames_received"), server("worldboss_frames_sent_total"));
    assert!(counted <= sent && counted > sent / 2, "{counted} of {sent} frames");
    let cost = &report["servers"][0];
    assert!(cost["cpu_us_per_player_s"].as_f64().unwrap() > 0.0, "{cost:#}");
    assert!(
        number(cost, "hits_received") > 0 && number(cost, "resident_bytes_max") > 0,
        "{cost:#}"
    );
    assert!(said.out.contains("a player costs"), "{}", said.out);
}

/// Bytes that the kernel has handed over, or still holds, on connections to this port.
fn kernel_received(port: &str) -> Option<u64> {
    let said =
        Command::new("ss").args(["-tinH", "state", "established", "dport", "=", port]).output();
    let said = String::from_utf8(said.expect("ss of iproute2 runs").stdout).unwrap();
    let mut sum = 0;
    for word in said.split_whitespace() {
        if let Some(bytes) = word.strip_prefix("bytes_received:") {
            sum += bytes.parse::<u64>().unwrap();
        }
    }
    let queued = said.lines().filter(|line| !line.starts_with(char::is_whitespace));
    let is_read = queued.into_iter().all(|line| line.split_whitespace().next() == Some("0"));
    is_read.then_some(sum)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_that_it_counts_are_those_of_the_kernel() {
    let scene = Scene::begin();
    let port = format!(":{}", scene.server.addr.rsplit_once(':').unwrap().1);
    let plan =
        PlanConfig { players: 20, duration: Micros::from_millis(60_000), ..PlanConfig::default() };
    let targets = vec![format!("ws://{}/ws", scene.server.addr)];
    let config = LoadConfig { targets, plan, lag_max: Duration::MAX, ..LoadConfig::default() };
    let server = &scene.server;
    let load = run_beside(config, async |gauge| {
        let enough = || gauge.pulse().frames > 400;
        tokio::task::block_in_place(|| wait("frames come", enough));
        // A server that stands still sends nothing: both counts come to rest.
        server.pause();
        let is_equal = || kernel_received(&port) == Some(gauge.pulse().bytes_received);
        tokio::task::block_in_place(|| wait("both count the same bytes", is_equal));
        server.resume();
    });
    let report = load.await.unwrap();
    assert!(report.bytes_received > 400 * 20, "{}", report.bytes_received);
    assert_eq!(report.reconnects, 0, "no connection took its count along");
}

#[test]
fn one_seed_plans_the_same_hits_and_another_one_does_not() {
    let scene = Scene::begin();
    let play = |name: &str, seed: &str| {
        let json = scene.file(name);
        let mut load = short(&[&scene.server.addr], &json);
        let said = run(load.args(["--players", "20", "--skills", "mix", "--seed", seed]));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let report = report(&json);
        assert!(said.out.contains(&format!("seed {seed}")), "{}", said.out);
        report["plan"].as_str().unwrap().to_owned()
    };
    let plans = [play("a.json", "7"), play("b.json", "7"), play("c.json", "8")];
    assert_eq!(plans[0], plans[1]);
    assert_ne!(plans[0], plans[2]);
}

#[test]
fn reports_of_two_processes_become_one() {
    let scene = Scene::begin();
    let files = ["a.json", "b.json"].map(|name| scene.file(name));
    let loads = files.each_ref().map(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let mut load = short(&[&scene.server.addr], file);
        load.args(["--players", "20", "--names", name]).stdout(Stdio::null()).spawn().unwrap()
    });
    for mut load in loads {
        assert_eq!(load.wait().unwrap().code(), Some(0));
    }
    let (merged, html) = (scene.file("all.json"), scene.file("all.html"));
    let mut merge = worldboss();
    merge
        .args(["loadgen", "merge"])
        .args(&files)
        .arg("--json")
        .arg(&merged)
        .arg("--html")
        .arg(&html);
    let said = run(merge.args(["--threshold", "damage_lost==0"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let [one, other, all] = [&files[0], &files[1], &merged].map(|file| report(file));
    for field in ["players", "hits_sent", "hits_acked", "damage_truth", "frames_received"] {
        assert_eq!(number(&all, field), number(&one, field) + number(&other, field), "{field}");
    }
    assert_eq!(number(&all, "ack_ms.count"), number(&all, "hits_acked"));
    assert!(std::fs::read_to_string(&html).unwrap().contains("<svg"));
    // A run that is named twice would count twice.
    let mut merge = worldboss();
    let (code, stderr) = output(merge.args(["loadgen", "merge"]).arg(&files[0]).arg(&files[0]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("here twice"), "{stderr}");
    // What can't be merged costs nobody a report.
    let before = std::fs::read(&files[0]).unwrap();
    let mut merge = worldboss();
    merge.args(["loadgen", "merge"]).arg(&files[0]).arg(scene.file("nowhere.json"));
    let (code, stderr) = output(merge.arg("--json").arg(&files[0]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("nowhere.json"), "{stderr}");
    assert_eq!(std::fs::read(&files[0]).unwrap(), before);
}

#[test]
fn cheaters_slow_readers_and_who_comes_and_goes_disturb_no_books() {
    let dir = tempfile::tempdir().unwrap();
    let place = crate::place::Place::start(crate::place::Kind::Embedded);
    let (one, two) = (place.shard(1), place.shard(2));
    let json = dir.path().join("out.json");
    let stages = dir.path().join("hostile.toml");
    let text = "[[stage]]\nduration = \"2s\"\nplayers = 60\nrate = 3.0\n\
        [[stage]]\nduration = \"10s\"\nplayers = 60\n\
        [[stage]]\nduration = \"2s\"\nplayers = 10\n\
        [[profile]]\nname = \"honest\"\nshare = 4\n\
        [[profile]]\nname = \"watcher\"\nshare = 1\nrate = 0.0\n\
        [[profile]]\nname = \"returns\"\nshare = 2\n\
        leaves_every = \"3s\"\naway = \"500ms\"\nreturns = \"resume\"\n\
        [[profile]]\nname = \"moves\"\nshare = 2\n\
        leaves_every = \"3s\"\naway = \"500ms\"\nreturns = \"move\"\n\
        [[profile]]\nname = \"slow\"\nshare = 1\nreads_every = \"1s\"\n\
        [[profile]]\nname = \"fast\"\nshare = 1\ncheats = \"rate\"\n\
        [[profile]]\nname = \"replays\"\nshare = 1\ncheats = \"replay\"\n\
        [[profile]]\nname = \"garbles\"\nshare = 1\ncheats = \"frames\"\n";
    std::fs::write(&stages, text).unwrap();
    let mut load = worldboss();
    load.args(["loadgen", "--plain", "--lag-max", "1h", "--json"]).arg(&json);
    load.arg("--stages").arg(&stages);
    for shard in [&one, &two] {
        load.arg("--target").arg(format!("ws://{}/ws", shard.addr));
    }
    let said = run(&mut load);
    let report = report(&json);
    eprintln!("{}", said.out);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for zero in ["damage_lost", "damage_doubled", "hits_unresolved", "faults"] {
        assert_eq!(number(&report, zero), 0, "{zero}");
    }
    for cheat in ["rate", "replay", "frames"] {
        let count = &report["cheats"][cheat];
        assert!(number(count, "tried") > 0 && number(count, "refused") > 0, "{cheat}: {count}");
        assert_eq!(number(count, "let_through"), 0, "{cheat}");
    }
    assert!(number(&report, "rejected_by.rate") > 0);
    assert!(number(&report, "resume_ms.count") > 10 && number(&report, "join_ms.count") > 60);
    assert!(report["shards"].as_array().unwrap().iter().all(|it| number(it, "hits_answered") > 0));
}

#[test]
fn a_target_that_nobody_listens_on_is_unreachable_within_seconds() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    std::fs::write(&json, "an older report").unwrap();
    let (code, stderr) = output(&mut short(&[&free.to_string()], &json));
    assert_eq!(code, Some(1));
    assert_eq!(std::fs::read_to_string(&json).unwrap(), "an older report", "nothing replaces it");
    assert!(stderr.contains("no player could connect") && stderr.contains("refused"), "{stderr}");
}

#[test]
fn a_server_that_is_no_shard_is_said_to_refuse() {
    let scene = Scene::begin();
    let json = scene.file("out.json");
    let mut load = worldboss();
    load.args(["loadgen", "--plain", "--json"]).arg(&json);
    let (code, stderr) =
        output(load.arg("--target").arg(format!("ws://{}/nothing", scene.server.addr)));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no player could connect") && stderr.contains("404"), "{stderr}");
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_report_that_says_so() {
    let mut scene = Scene::begin();
    let json = scene.file("out.json");
    let mut load = load(&[&scene.server], 20, 2, &json);
    let accepted = "worldboss_hits_total{result=\"accepted\"}";
    scene.server.wait("the players hit", || scene.server.metric(accepted) > 50);
    scene.server.kill();
    // The first ends the load. Nothing will be answered any more: the second ends the drain.
    signal(&load, "INT");
    let is_over = || {
        signal(&load, "INT");
        std::fs::metadata(&json).is_ok_and(|it| it.len() > 0)
    };
    wait("the load ends", is_over);
    assert_eq!(load.wait().unwrap().code(), Some(1), "nothing is proven");
    let report = report(&json);
    assert_eq!(report["ledger_version"], Value::Null);
    assert!(number(&report, "hits_acked") + number(&report, "hits_unresolved") > 50);
    let errors = report["errors"].as_array().unwrap();
    let connection = |it: &Value| it["error"].as_str().unwrap().contains("connection");
    assert!(errors.iter().any(connection), "{errors:?}");
}

#[test]
fn a_full_disk_takes_the_file_and_not_the_summary() {
    let scene = Scene::begin();
    let full = Path::new("/dev/full");
    let said = run(short(&[&scene.server.addr], full).args(["--players", "5"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/dev/full") && said.err.contains("No space"), "{}", said.err);
    assert!(said.out.contains("every accepted hit is in the truth"), "{}", said.out);
}

#[test]
fn a_place_where_no_report_can_be_written_is_refused_before_the_load() {
    let scene = Scene::begin();
    let nowhere = scene.file("nowhere").join("out.json");
    let said = run(short(&[&scene.server.addr], &nowhere).args(["--players", "5"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("can't write to") && said.out.is_empty(), "{}", said.err);
    assert_eq!(scene.server.metric("worldboss_messages_received_total{type=\"hello\"}"), 0);
}

#[test]
fn a_mistake_in_a_stage_file_is_named_by_file_line_and_key() {
    let scene = Scene::begin();
    let file = scene.write("night.toml", "[[stage]]\nduration = \"10s\"\nplayers = -3\n");
    let mut load = worldboss();
    load.args(["loadgen", "--target", "ws://127.0.0.1:9/ws", "--stages"]).arg(&file);
    let (code, stderr) = output(&mut load);
    assert_eq!(code, Some(2));
    for needle in ["night.toml", "line 3", "players"] {
        assert!(stderr.contains(needle), "{needle} in {stderr}");
    }
}

#[test]
fn more_players_than_files_are_refused_with_the_limit_and_the_cure() {
    let mut limited = Command::new("sh");
    let line = format!(
        "ulimit -n 200 && exec {} loadgen --target ws://127.0.0.1:9/ws --players 1000",
        env!("CARGO_BIN_EXE_worldboss")
    );
    let (code, stderr) = output(limited.args(["-c", &line]));
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("open files") && stderr.contains("200") && stderr.contains("ulimit"),
        "{stderr}"
    );
}

#[test]
fn what_became_worse_than_the_baseline_fails_with_99() {
    let scene = Scene::begin();
    let (before, now) = (scene.file("before.json"), scene.file("now.json"));
    let said = run(short(&[&scene.server.addr], &before).args(["--players", "20"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let mut better = report(&before);
    // As if the earlier run had been answered at once.
    better["ack_ms"]["p50"] = 0.1.into();
    let baseline = scene.write("better.json", &better.to_string());
    let mut load = short(&[&scene.server.addr], &now);
    load.args(["--players", "20", "--fail-on-regression", "10%", "--baseline"]).arg(&baseline);
    let said = run(&mut load);
    assert_eq!(said.code, Some(99), "{}", said.err);
    assert!(said.out.contains("ack_ms.p50"), "{}", said.out);
}

#[test]
fn a_generator_that_is_late_calls_its_run_invalid() {
    let scene = Scene::begin();
    let mut load = worldboss();
    load.args(["loadgen", "--plain", "--players", "5", "--duration", "2s", "--lag-max", "1us"]);
    let said = run(load.arg("--target").arg(format!("ws://{}/ws", scene.server.addr)));
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.out.contains("this run is invalid"), "{}", said.out);
    assert!(said.out.contains("the generator itself was late"), "{}", said.out);
    assert!(
        said.out.contains("every accepted hit is in the truth"),
        "the books are another matter"
    );
}

#[test]
fn an_interrupted_load_reports_what_was_done() {
    let scene = Scene::begin();
    let json = scene.file("out.json");
    let mut load = load(&[&scene.server], 20, 4, &json);
    let accepted = "worldboss_hits_total{result=\"accepted\"}";
    scene.server.wait("the players hit", || scene.server.metric(accepted) > 50);
    let report = load.interrupted(&json);
    assert_eq!(report["interrupted"], true);
    assert!(number(&report, "hits_acked") > 50);
    assert_eq!(report["damage_truth"], report["damage_acked"]);
}

#[test]
fn an_interruption_before_anybody_is_in_ends_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut load = worldboss();
    load.args(["loadgen", "--plain", "--target", &format!("ws://{free}/ws")]);
    let mut load = load.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The first second is over, so the signal finds who waits for it.
    let mut lines = BufReader::new(load.stderr.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("connect failures"));
    signal(&load, "INT");
    assert_eq!(load.wait().unwrap().code(), Some(130));
    let rest: String = lines.map(Result::unwrap).collect();
    assert!(rest.contains("interrupted before any player was in"), "{rest}");
}

#[test]
fn everybody_hits_at_once_where_that_is_asked_for() {
    let scene = Scene::begin();
    let json = scene.file("out.json");
    let said = run(short(&[&scene.server.addr], &json).args([
        "--players",
        "40",
        "--arrivals",
        "every:1s",
    ]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let report = report(&json);
    assert_eq!(report["arrivals"], "every:1s");
    // After one second and after two; the third is where the load ends.
    let hits = number(&report, "hits_sent");
    assert!(hits == 2 * 40 || hits == 3 * 40, "{hits} hits of 40 players");
}
