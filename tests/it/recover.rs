//! `worldboss authority recover`: a shard that will not come back, with damage that it had accepted
//! and not pushed.

use crate::kill::load;
use crate::place::copy;
use crate::server::{Server, worldboss};
use crate::tools::{Said, file, run};
use crate::world::journal;
use authority::{Authority, Remote};
use protocol::{BossId, Enter, Gen, Interval, Join, PlayerId, Push, ShardId, Status, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ucore::{GMapDelta, Max};

const BOSS: BossId = BossId(1);
const HP: u64 = 10_000_000;

/// An authority that waits for its journals for ten minutes, and what is left of a shard.
struct Ruin {
    _dir: tempfile::TempDir,
    authority: Server,
    journal: PathBuf,
    accepted: u64,
}

impl Ruin {
    /// A shard takes hits while the authority stands still, and is killed.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenario = file(
            dir.path(),
            &format!(
                "boss = {{ id = 1, name = \"Morvath\", hp_max = {HP} }}\n\
                 phase = [{{ name = \"Calm\", percent = 100 }}]\n\
                 skill = [{{ id = 1, name = \"Strike\", damage = 1 }}]\n\
                 timing = {{ collect_s = 600, respawn_s = 600 }}\n"
            ),
        );
        let store = format!("embedded:{}", dir.path().join("truth").display());
        let authority = Server::serve(&store, Some(&scenario));
        let journal = dir.path().join("shard");
        let url = format!("ws://{}", authority.addr);
        let mut shard = Server::shard_of(7, &url, &journal, Some(&scenario));
        let mut players = load(&[&shard], 20, 5, &dir.path().join("out.json"));
        let accepted = || shard.metric("worldboss_hits_total{result=\"accepted\"}");
        shard.wait("the players hit", || accepted() > 50);
        authority.pause();
        let before = accepted();
        shard.wait("the players hit on", || accepted() > before + 100);
        shard.kill();
        players.kill().unwrap();
        authority.resume();
        Self { _dir: dir, authority, journal, accepted: before + 100 }
    }

    fn url(&self) -> String {
        format!("ws://{}", self.authority.addr)
    }

    fn ask(&self, args: &[&str]) -> Said {
        run(worldboss().arg("authority").args(args).args(["--authority", &self.url()]))
    }

    fn recover(&self, dir: &Path) -> Value {
        let said = self.ask(&["recover", "--journal", dir.to_str().unwrap(), "--json"]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"]).out).unwrap()
    }

    /// Another journal kills the boss, and says its last.
    async fn kill_boss(&self) {
        let remote = Remote::new(&self.url()).unwrap();
        let (boss, journal, generation) = (BOSS, journal(1), Gen(1));
        let (shard, lineage) = (ShardId(1), Vec::new());
        remote.join(Join { boss, journal, shard, lineage }).await.unwrap();
        remote.enter(Enter { boss, journal, generation }).await.unwrap();
        for (from, last) in [(0, false), (HP, true)] {
            let players = GMapDelta::line(PlayerId(1), Max::of(HP));
            let names = BTreeMap::new();
            let interval = Interval { generation, from, to: HP, players, names };
            let seen = remote.truth(boss).await.unwrap().seen();
            let (online, standings) = (0, 0);
            let push = Push { boss, journal, interval, last, online, seen, standings };
            let answer = remote.push(push).await.unwrap();
            assert_eq!(answer.verdict, Verdict::Counted);
            while !last && remote.truth(boss).await.unwrap().status < Status::Collecting {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The only book of a recovery.
fn book(recovered: &Value) -> [u64; 5] {
    let books = recovered["books"].as_array().unwrap();
    assert_eq!(books.len(), 1, "{recovered}");
    ["accepted", "counted", "newly_counted", "late", "newly_late"]
        .map(|field| books[0][field].as_u64().unwrap())
}

#[tokio::test]
async fn what_a_dead_shard_had_accepted_counts_while_the_books_are_open() {
    let ruin = Ruin::new();
    ruin.kill_boss().await;
    let before = ruin.status();
    assert_eq!(before["status"], "collecting", "it waits for the dead shard: {before}");
    ruin.authority.wait("the dead shard is not heard", || {
        let status = ruin.status();
        let mut journals = status["journals"].as_array().unwrap().iter();
        journals.any(|it| it["shard"] == 7 && it["silent_polls"].as_u64() > Some(1))
    });
    let text = ruin.ask(&["status"]).out;
    assert!(text.contains(" polls ago ") && text.contains("online"), "{text}");
    let recovered = ruin.recover(&ruin.journal);
    let [accepted, counted, newly_counted, late, newly_late] = book(&recovered);
    assert!(accepted >= ruin.accepted, "{recovered}");
    assert_eq!((counted, late, newly_late), (accepted, 0, 0), "{recovered}");
    assert!(newly_counted >= 100, "{recovered}");
    assert_eq!(recovered["shard"], 7);
    assert_eq!(recovered["is_newest"], true);
    ruin.authority.wait("nobody is waited for", || ruin.status()["status"] == "rewarded");
    let after = ruin.status();
    assert_eq!(after["damage"], HP + accepted);
    let again = ruin.recover(&ruin.journal);
    assert_eq!(book(&again), [accepted, counted, 0, 0, 0], "the second time changes nothing");
    assert_eq!(ruin.status()["damage"], after["damage"]);
    let said = ruin.ask(&["verify"]);
    assert!(said.out.contains("everything adds up"), "{said:?}");
    assert!(!said.out.contains("had not said its last"), "{said:?}");
}

#[tokio::test]
async fn what_a_dead_shard_had_accepted_is_late_after_the_books_have_closed() {
    let ruin = Ruin::new();
    ruin.kill_boss().await;
    let copied = ruin.journal.with_extension("copy");
    copy(&ruin.journal, &copied);
    let said = ruin.ask(&["settle", "--now"]);
    assert!(said.out.ends_with("generation 1 of boss 1 is settled\n"), "{said:?}");
    let journals = ruin.status()["journals"].as_array().unwrap().clone();
    let pushed = journals.iter().find(|it| it["shard"] == 7).unwrap()["applied"].as_u64().unwrap();
    let recovered = ruin.recover(&ruin.journal);
    let [accepted, counted, newly_counted, late, newly_late] = book(&recovered);
    assert_eq!((counted, newly_counted), (pushed, 0), "{recovered}");
    assert_eq!((late, newly_late), (accepted - pushed, accepted - pushed), "{recovered}");
    let dead = recovered["journal"].as_str().unwrap();
    let said = ruin.ask(&["verify"]);
    let needle = format!("journal {dead} of shard 7 had not said its last when the books closed");
    assert!(said.out.contains(&needle), "{said:?}");
    // The copy is a past that has been taken over by now.
    let said = ruin.ask(&["recover", "--journal", copied.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("the directory is a copy, or was rewound"), "{said:?}");
    assert_eq!(book(&ruin.recover(&copied)), [accepted, counted, 0, late, 0]);
    let after = ruin.status();
    assert_eq!((&after["damage"], &after["late"]), (&(HP + pushed).into(), &late.into()));
}

#[test]
fn a_directory_in_use_or_without_a_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let url = format!("ws://{}", server.addr);
    let recover = |journal: &Path| {
        let journal = journal.to_str().unwrap();
        let args = ["authority", "recover", "--authority", &url, "--journal", journal];
        let said = run(worldboss().args(args));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        said.err
    };
    let shard = dir.path().join("boss-1").join("shard-1");
    assert!(recover(&shard).contains("is in use by another process; stop that one"));
    let said = recover(dir.path());
    assert!(said.contains("there is no journal in") && said.contains("boss-N/shard-1"), "{said}");
    assert!(!dir.path().join("journal.redb").exists(), "looking makes nothing");
    drop(server);
}
