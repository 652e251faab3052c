//! `cargo xtask redis`, as a person types it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use xtask::redis::{Cluster, Server};

/// A project without sources, in the directory of a server so that it goes when the test ends.
struct Project {
    around: Server,
}

impl Project {
    fn new() -> Self {
        Self { around: Server::start(&[]).unwrap() }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(words.split(' ')).env("CARGO_MANIFEST_DIR", self.around.dir().join("xtask"));
        command
    }

    /// What a command that succeeds prints.
    fn run(&self, words: &str) -> String {
        let output = self.command(words).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.around.dir().join("target/redis").join(name)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // If the test has failed, servers may be left.
        drop(self.command("redis down").output());
    }
}

/// All but the line that says whether it was running before.
fn rest(printed: &str) -> Vec<&str> {
    printed.lines().skip(1).collect()
}

#[test]
fn a_server_outlives_up_and_keeps_its_data_through_down() {
    let project = Project::new();
    assert!(project.run("redis down").contains("no redis-server of target/redis is running"));
    let first = project.run("redis up");
    let server = Server::find_in(&project.dir("single")).unwrap().expect("it outlives the command");
    for line in [
        server.url(),
        format!(
            "cargo run --release -- shard --shard-id 2 --listen 127.0.0.1:7778 --authority {} \
             --data /tmp/shard-2 --guests",
            server.url()
        ),
        "cargo xtask redis down".to_owned(),
    ] {
        assert!(first.lines().any(|printed| printed == line), "{line} in {first}");
    }
    server.command(&["SET", "key", "1"]).unwrap();

    let second = project.run("redis up");
    assert!(first.contains("runs now") && second.contains("already running"), "{second}");
    assert_eq!(rest(&first), rest(&second));
    let down = project.run("redis down");
    assert!(down.contains(&format!("process {}", server.pid().unwrap())), "{down}");
    assert!(server.command(&["PING"]).is_err());
    assert!(project.around.command(&["PING"]).is_ok(), "no other server ends");

    project.run("redis up");
    let server = Server::find_in(&project.dir("single")).unwrap().unwrap();
    assert_eq!(server.command(&["GET", "key"]).unwrap().text(), "1");
}

#[test]
fn a_cluster_outlives_up_and_gets_its_killed_nodes_back() {
    let project = Project::new();
    let first = project.run("redis up --cluster");
    let dirs = Cluster::dirs_in(&project.dir("cluster"));
    let find = |index: usize| Server::find_in(&dirs[index]).unwrap();
    let url = [0, 1, 2].map(|index| find(index).unwrap().addr()).join(",");
    assert!(first.contains(&format!("\nredis-cluster://{url}\n")), "{first}");
    let second = project.run("redis up --cluster");
    assert!(first.contains("runs now") && second.contains("already running"), "{second}");
    assert_eq!(rest(&first), rest(&second));

    find(5).unwrap().kill().unwrap();
    assert!(project.run("redis up --cluster").contains("runs now"));
    assert!(find(5).is_some());
    assert_eq!(project.run("redis down").lines().count(), 6);
    assert!((0..6).all(|index| find(index).is_none()));
}

#[test]
fn a_server_that_hangs_is_an_error_that_says_how_to_end_it() {
    let project = Project::new();
    project.run("redis up");
    let mut server = Server::find_in(&project.dir("single")).unwrap().unwrap();
    server.pause().unwrap();
    let output = project.command("redis down").output().unwrap();
    server.resume().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(errors.contains(&format!("`kill -9 {}`", server.pid().unwrap())), "{errors}");
}

#[test]
fn without_redis_the_error_says_how_to_install_it() {
    let project = Project::new();
    let empty = project.around.dir().join("empty");
    fs::create_dir(&empty).unwrap();
    for words in ["redis up", "redis up --cluster"] {
        let output = project.command(words).env("PATH", &empty).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(errors.contains("`apt-get install redis-server`"), "{errors}");
    }
}
