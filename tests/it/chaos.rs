//! The fault lab as a user runs it: slices of its plans, and what it does when something is wrong.

use crate::server::{signal, wait, worldboss};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A run of the lab that leaves everything in directories of its own. It is killed when it is
/// dropped.
struct Lab {
    child: Child,
    /// Where it keeps what is to be gone afterwards.
    scratch: TempDir,
    report: TempDir,
}

impl Lab {
    fn start(faults: &Path, args: &[&str]) -> Self {
        let [scratch, report] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let child = chaos(faults, args)
            .arg("--report")
            .arg(report.path())
            .env("TMPDIR", scratch.path())
            .stdout(Stdio::null())
            .stderr(File::create(report.path().join("said.log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, scratch, report }
    }

    /// Its exit code. Nothing of it is left, but for its report.
    fn ended(&mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        wait("its processes are gone", || self.processes().is_empty());
        let left: Vec<_> = std::fs::read_dir(self.scratch.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        code
    }

    /// What it has said so far.
    fn said(&self) -> String {
        std::fs::read_to_string(self.report.path().join("said.log")).unwrap()
    }

    fn plays(&self) -> bool {
        self.said().contains("players, HP")
    }

    fn has_a_shard(&self) -> bool {
        self.processes().iter().any(|(_, line)| line.contains("--shard-id 1"))
    }

    fn report(&self) -> Value {
        let json = std::fs::read_to_string(self.report.path().join("report.json")).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    /// The numbers and the arguments of the processes that it has started.
    fn processes(&self) -> Vec<(u32, String)> {
        let scratch = self.scratch.path().to_str().unwrap();
        let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let found = all.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let read = |name: &str| {
                let bytes = std::fs::read(entry.path().join(name)).ok()?;
                Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
            };
            let (line, environment) = (read("cmdline")?, read("environ")?);
            let is_own = pid != self.child.id() && environment.contains(scratch);
            is_own.then_some((pid, line))
        });
        found.collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn chaos(faults: &Path, args: &[&str]) -> Command {
    let mut command = worldboss();
    command.args(["loadgen", "chaos", "--faults"]).arg(faults).args(args);
    command
}

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/faults").join(name)
}

fn plays_a_slice(name: &str, truth: &str) {
    let size = ["--duration", "24s", "--shards", "2", "--players", "100"];
    let mut lab = Lab::start(&committed(name), &[&size[..], &["--truth", truth]].concat());
    let code = lab.ended();
    let report = lab.report();
    assert_eq!((code, &report["findings"]), (Some(0), &serde_json::json!([])), "{}", lab.said());
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 8);
    assert!(faults.iter().all(|fault| fault["met"].is_string()), "{faults:#?}");
    assert!(report["samples"].as_array().unwrap().len() > 50, "{report:#}");
    assert!(report["audit"]["generations"].is_array(), "{:#}", report["audit"]);
    let page = std::fs::read_to_string(lab.report.path().join("report.html")).unwrap();
    assert!(page.contains("nothing lost, nothing doubled"));
    assert!(!lab.report.path().join("logs").exists(), "all went well");
}

#[test]
fn eight_faults_lose_and_double_nothing_on_a_served_disk() {
    plays_a_slice("embedded-slice.toml", "embedded");
}

#[test]
fn eight_faults_lose_and_double_nothing_on_redis() {
    plays_a_slice("redis-slice.toml", "redis");
}

fn one_fault(dir: &TempDir) -> PathBuf {
    let file = dir.path().join("faults.toml");
    let text = "[[fault]]\nat = \"5s\"\nkind = \"reset\"\nwho = \"players\"\n";
    std::fs::write(&file, text).unwrap();
    file
}

const SMALL: [&str; 6] = ["--duration", "10s", "--shards", "1", "--players", "20"];

#[test]
fn a_process_that_ends_by_itself_is_found_and_what_it_said_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::start(&one_fault(&dir), &SMALL);
    wait("it plays", || lab.plays());
    let processes = lab.processes();
    let (shard, _) = processes.iter().find(|(_, line)| line.contains("--shard-id 1")).unwrap();
    let killed = Command::new("kill").args(["-s", "KILL", &shard.to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(lab.ended(), Some(1));
    let report = lab.report();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().any(|it| it.as_str().unwrap().contains("shard-1 ended by itself"));
    assert!(found, "{findings:#?}");
    assert!(lab.report.path().join("logs/shard-1.log").exists(), "{report:#}");
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    for (truth, asked, code, is_there) in [
        ("embedded", "INT", 130, Lab::has_a_shard as fn(&Lab) -> bool),
        ("redis", "TERM", 0, Lab::has_a_shard),
        ("embedded", "TERM", 0, Lab::plays),
        ("redis", "INT", 130, Lab::plays),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut lab = Lab::start(&one_fault(&dir), &[&SMALL[..], &["--truth", truth]].concat());
        wait("it is as far as that", || is_there(&lab));
        signal(&lab.child, asked);
        assert_eq!(lab.ended(), Some(code), "{truth}: {}", lab.said());
        assert!(!lab.report.path().join("report.json").exists());
    }
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.toml");
    for (text, args, needles) in [
        ("[[fault]]\nat = \"1s\"\nkind = \"burn\"\n", &[][..], &["missing field `who`"][..]),
        (
            "[[fault]]\nat = \"1s\"\nkind = \"fail_over\"\nwho = \"truth\"\n",
            &[],
            &["line 3", "--truth redis"],
        ),
        ("[random]\ncount = 3\n", &["--shards", "0"], &["--shards is 0", "1 to 16"]),
        ("", &[], &["proves nothing", "[random]"]),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = chaos(&file, args).output().unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(2), "{err}");
        for needle in needles {
            assert!(err.contains(needle), "`{needle}` is missing in {err}");
        }
    }
    let said = chaos(&dir.path().join("none.toml"), &[]).output().unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
}
