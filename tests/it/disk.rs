//! Disks that fail under real processes: what could not be synced is not accepted, and nothing is
//! tried again on a disk of which nobody knows what it holds.

use crate::cluster::{COUNTED, UNANSWERED, assert_balanced, ready, wait_for_more};
use crate::kill::load;
use crate::server::{Server, wait};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stands between a process and the system: every sync fails while the file is there.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
    const char *file = getenv("TEST_SYNCS_FAIL");
    return file && access(file, F_OK) == 0;
}

int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"#;

/// The library, and the file that makes syncs fail.
struct Shim {
    library: PathBuf,
    file: PathBuf,
}

impl Shim {
    /// Builds it with the C compiler, which building worldboss needs as well.
    fn build(dir: &Path) -> Self {
        let (source, library) = (dir.join("shim.c"), dir.join("shim.so"));
        std::fs::write(&source, SHIM).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
        assert!(compiler.status().unwrap().success());
        Self { library, file: dir.join("syncs-fail") }
    }

    fn put_under(&self, server: &mut Server) {
        server.restart_in(&[("LD_PRELOAD", &self.library), ("TEST_SYNCS_FAIL", &self.file)]);
    }

    fn fail(&self) {
        std::fs::write(&self.file, "").unwrap();
    }

    fn heal(&self) {
        std::fs::remove_file(&self.file).unwrap();
    }
}

#[test]
fn a_shard_whose_disk_fails_accepts_nothing_more_and_the_next_process_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (shim, json) = (Shim::build(dir.path()), dir.path().join("out.json"));
    let authority = Server::authority(&dir.path().join("truth"));
    let mut shard =
        Server::shard(1, &format!("ws://{}", authority.addr), &dir.path().join("shard"));
    shim.put_under(&mut shard);
    let mut shards = [shard];
    let mut load = load(&shards.each_ref(), 100, 5, &json);
    for _ in 0..2 {
        wait_for_more(&shards, COUNTED, 10);
        shim.fail();
        assert_eq!(shards[0].ended(), Some(1));
        shim.heal();
        shards[0].restart();
    }
    wait_for_more(&shards, COUNTED, 10);
    wait("it is ready", || ready(&shards[0]));
    let report = load.interrupted(&json);
    assert_balanced(&report);
    assert!(report["reconnects"].as_u64().unwrap() >= 200, "{report:#}");
}

#[test]
fn an_authority_whose_disk_fails_answers_nothing_more_and_the_next_process_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (shim, json) = (Shim::build(dir.path()), dir.path().join("out.json"));
    let mut authority = Server::authority(&dir.path().join("truth"));
    shim.put_under(&mut authority);
    let shards = [Server::shard(1, &format!("ws://{}", authority.addr), &dir.path().join("shard"))];
    let mut load = load(&shards.each_ref(), 100, 5, &json);
    wait_for_more(&shards, COUNTED, 10);
    shim.fail();
    assert_eq!(authority.ended(), Some(1));
    wait_for_more(&shards, UNANSWERED, 1);
    shim.heal();
    authority.restart();
    wait_for_more(&shards, COUNTED, 10);
    wait("it is ready", || ready(&shards[0]));
    let report = load.interrupted(&json);
    assert_balanced(&report);
    assert_eq!(report["reconnects"], 0, "no player has noticed: {report:#}");
}
