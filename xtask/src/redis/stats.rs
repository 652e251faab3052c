//! What a server tells about itself: the sections of INFO as maps, and the numbers tests ask for.

use std::collections::BTreeMap;

use super::resp::{self, Reply};
use super::server::Server;

impl Server {
    /// A section of INFO, such as `replication`: names and values.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn info(&self, section: &str) -> Result<BTreeMap<String, String>, String> {
        info(self.port(), section)
    }

    /// How often a command was called since the start or `CONFIG RESETSTAT`, such as `fcall` or
    /// `config|get`.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn calls(&self, command: &str) -> Result<u64, String> {
        let stats = self.info("commandstats")?;
        let Some(stat) = stats.get(&format!("cmdstat_{}", command.to_lowercase())) else {
            return Ok(0);
        };
        let calls = stat.split(',').find_map(|pair| pair.strip_prefix("calls=")?.parse().ok());
        calls.ok_or_else(|| format!("INFO commandstats has no number of calls in `{stat}`"))
    }

    /// Processor time that the server has used since its start, of user and system, in
    /// microseconds.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn cpu_micros(&self) -> Result<u64, String> {
        let stats = self.info("cpu")?;
        let used = ["used_cpu_user", "used_cpu_sys"].map(|name| {
            let seconds = stats.get(name).and_then(|text| micros(text));
            seconds.ok_or_else(|| format!("INFO cpu has no seconds for `{name}`"))
        });
        let [user, system] = used;
        Ok(user? + system?)
    }
}

pub(super) fn info(port: u16, section: &str) -> Result<BTreeMap<String, String>, String> {
    let text = resp::command(port, &["INFO", section])?.text();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

/// The number of a name; 0 where it is missing, as before a first connection.
pub(super) fn number(stats: &BTreeMap<String, String>, name: &str) -> u64 {
    stats.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The process that answers on a port.
pub(super) fn process_id(port: u16) -> Result<u32, String> {
    let stats = info(port, "server")?;
    let id = stats.get("process_id").and_then(|text| text.parse().ok());
    id.ok_or_else(|| format!("what answers on 127.0.0.1:{port} has no process_id"))
}

/// Whether a server takes commands; while it loads its files, it refuses them.
pub(super) fn is_ready(port: u16) -> Result<bool, String> {
    Ok(resp::command(port, &["PING"])? == Reply::Simple("PONG".to_owned()))
}

/// Seconds with a decimal fraction, in whole microseconds.
fn micros(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let padded: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some(whole.parse::<u64>().ok()? * 1_000_000 + padded.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_microseconds() {
        assert_eq!(micros("12.000345"), Some(12_000_345));
        assert_eq!(micros("3.5"), Some(3_500_000));
        assert_eq!(micros("3"), Some(3_000_000));
        assert_eq!(micros("0.1234567"), Some(123_456));
        assert_eq!(micros("a.b"), None);
    }
}
