//! The configuration file of a server: the defaults of our tests, overridden by the caller's pairs.

/// The name of the file in the server's directory.
pub(super) const FILE: &str = "redis.conf";

/// Every name is relative to the server's directory, which is its working directory.
const DEFAULTS: &[(&str, &str)] = &[
    ("bind", "127.0.0.1"),
    ("unixsocket", SOCKET),
    ("pidfile", PID_FILE),
    ("loglevel", "warning"),
    // What was answered is on the disk.
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("save", ""),
    ("maxmemory-policy", "noeviction"),
    // A new replica need not wait for others that might come.
    ("repl-diskless-sync-delay", "0"),
];

pub(super) const SOCKET: &str = "redis.sock";
/// Written by the server itself.
pub(super) const PID_FILE: &str = "redis.pid";

/// The pairs of a server: the defaults that the caller does not set, and then the caller's, which
/// may name a setting several times where Redis allows it.
pub(super) fn with_defaults(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_set = |name: &str| pairs.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let defaults = DEFAULTS.iter().filter(|(name, _)| !is_set(name));
    let all = defaults.chain(pairs);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The text of the file.
pub(super) fn text(port: u16, pairs: &[(String, String)]) -> String {
    let line = |name: &str, value: &str| {
        let value = if value.is_empty() { "\"\"" } else { value };
        format!("{name} {value}\n")
    };
    let own = pairs.iter().filter(|(name, _)| name != "port");
    let lines = own.map(|(name, value)| line(name, value));
    std::iter::once(line("port", &port.to_string())).chain(lines).collect()
}

/// The port that a file names.
pub(super) fn port(text: &str) -> Option<u16> {
    text.lines().find_map(|line| line.strip_prefix("port ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_replaces_the_default_of_its_name_and_adds_to_itself() {
        let pairs = with_defaults(&[("AppendFsync", "no"), ("user", "a on"), ("user", "b on")]);
        let text = text(7, &pairs);
        assert!(text.starts_with("port 7\nbind 127.0.0.1\n"), "{text}");
        assert!(text.contains("save \"\"\n") && text.contains("AppendFsync no\n"), "{text}");
        assert!(!text.contains("appendfsync always"), "{text}");
        assert!(text.ends_with("user a on\nuser b on\n"), "{text}");
        assert_eq!(port(&text), Some(7));
        assert_eq!(port("bind 1"), None);
    }
}
