//! What a server says of itself on `/metrics`, and what a player costs it.

use super::ServerSecond;
use protocol::Micros;
use serde::{Deserialize, Serialize};

/// A server's cost over the load, from two readings of its `/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerCost {
    /// The page.
    pub url: String,
    /// Seconds from the first reading of the load to the last.
    pub over_s: f64,
    /// Processor time that it used in them.
    pub cpu_s: f64,
    /// Its players on average.
    pub players: f64,
    /// The cost of a player: microseconds of processor time for each second of it.
    pub cpu_us_per_player_s: f64,
    /// The most resident memory.
    pub resident_bytes_max: u64,
    /// That, by its players at the time.
    pub resident_bytes_per_player: f64,
    /// Ticks.
    pub ticks: u64,
    /// The work of a tick on average, in milliseconds.
    pub tick_ms_mean: f64,
    /// 99 of a hundred ticks worked no longer, in milliseconds, up to a bound of its histogram.
    pub tick_ms_p99: f64,
    /// Hits that it received.
    pub hits_received: u64,
    /// Frames of the state that it sent.
    pub frames_sent: u64,
    /// Readings that failed.
    pub failures: u64,
}

/// What one reading of `/metrics` shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// When it was read.
    pub at: Micros,
    cpu_s: f64,
    resident_bytes: u64,
    players: u64,
    hits_received: u64,
    frames_sent: u64,
    tick_s: f64,
    /// (upper bound in seconds, ticks that worked no longer), as the page has them.
    ticks: Vec<(f64, u64)>,
}

/// The readings of one page over a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    url: String,
    first: Option<Reading>,
    last: Option<Reading>,
    /// Readings, and the players in them.
    count: u64,
    players: u64,
    /// The most resident memory, and the players of that time.
    top: (u64, u64),
    failures: u64,
}

impl Reading {
    /// Reads a page of a server. None if it says nothing of its process.
    #[must_use]
    pub fn parse(at: Micros, page: &str) -> Option<Self> {
        let mut reading = Self { at, ..Self::default() };
        let mut has_cpu = false;
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let (count, number) = (value.parse().unwrap_or(0), value.parse().unwrap_or(0.0));
            match name {
                "process_cpu_seconds_total" => (reading.cpu_s, has_cpu) = (number, true),
                "process_resident_memory_bytes" => reading.resident_bytes = count,
                "worldboss_players" => reading.players = count,
                "worldboss_messages_received_total{type=\"hit\"}" => reading.hits_received = count,
                "worldboss_frames_sent_total" => reading.frames_sent = count,
                "worldboss_tick_seconds_sum" => reading.tick_s = number,
                _ => reading.ticks.extend(bucket(name, count)),
            }
        }
        has_cpu.then_some(reading)
    }

    fn tick_count(&self) -> u64 {
        self.ticks.last().map_or(0, |(_, count)| *count)
    }

    /// What happened since an earlier reading, for a line of the series.
    fn since(&self, before: &Self) -> ServerSecond {
        let seconds = self.at.since(before.at).0 as f64 / 1e6;
        let ticks = self.tick_count().saturating_sub(before.tick_count());
        ServerSecond {
            cores: per(self.cpu_s - before.cpu_s, seconds),
            resident_bytes: self.resident_bytes,
            tick_ms: per((self.tick_s - before.tick_s) * 1e3, ticks as f64),
        }
    }
}

/// The bucket of a histogram of ticks, if the name is one's.
fn bucket(name: &str, count: u64) -> Option<(f64, u64)> {
    let bound = name.strip_prefix("worldboss_tick_seconds_bucket{le=\"")?.strip_suffix("\"}")?;
    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
    Some((bound, count))
}

/// A part, or nothing of nothing.
fn per(part: f64, of: f64) -> f64 {
    if of > 0.0 { part.max(0.0) / of } else { 0.0 }
}

impl Readings {
    /// None yet, of this page.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// Takes the next reading, or that there was none; answers what happened since the one before.
    pub fn take(&mut self, reading: Option<Reading>) -> Option<ServerSecond> {
        let Some(reading) = reading else {
            self.failures += 1;
            return None;
        };
        // A server that began anew counts from zero, and so does this.
        if self.last.as_ref().is_some_and(|last| reading.cpu_s < last.cpu_s) {
            (self.first, self.last) = (None, None);
        }
        self.count += 1;
        self.players += reading.players;
        self.top = self.top.max((reading.resident_bytes, reading.players));
        let second = self.last.as_ref().map(|last| reading.since(last));
        self.first.get_or_insert_with(|| reading.clone());
        self.last = Some(reading);
        second
    }

    /// What the server cost from the first reading to the last.
    #[must_use]
    pub fn cost(&self) -> ServerCost {
        let (Some(first), Some(last)) = (&self.first, &self.last) else {
            let (url, failures) = (self.url.clone(), self.failures);
            return ServerCost { url, failures, ..ServerCost::default() };
        };
        let over_s = last.at.since(first.at).0 as f64 / 1e6;
        let players = per(self.players as f64, self.count as f64);
        let cpu_s = last.cpu_s - first.cpu_s;
        let ticks = last.tick_count().saturating_sub(first.tick_count());
        ServerCost {
            url: self.url.clone(),
            over_s,
            cpu_s,
            players,
            cpu_us_per_player_s: per(cpu_s * 1e6, players * over_s),
            resident_bytes_max: self.top.0,
            resident_bytes_per_player: per(self.top.0 as f64, self.top.1 as f64),
            ticks,
            tick_ms_mean: per((last.tick_s - first.tick_s) * 1e3, ticks as f64),
            tick_ms_p99: p99(first, last, ticks) * 1e3,
            hits_received: last.hits_received.saturating_sub(first.hits_received),
            frames_sent: last.frames_sent.saturating_sub(first.frames_sent),
            failures: self.failures,
        }
    }
}

/// The upper bound of the bucket in which the slowest hundredth of the ticks begins, in seconds;
/// the highest finite one if it is beyond.
fn p99(first: &Reading, last: &Reading, ticks: u64) -> f64 {
    let before = |bound: f64| {
        let found = first.ticks.iter().find(|(it, _)| *it == bound);
        found.map_or(0, |(_, count)| *count)
    };
    let finite = || last.ticks.iter().filter(|(bound, _)| bound.is_finite());
    let wanted = ticks - ticks / 100;
    let reached = finite().find(|(bound, count)| count.saturating_sub(before(*bound)) >= wanted);
    reached.or(finite().next_back()).map_or(0.0, |(bound, _)| *bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(cpu: f64, ticks: [u64; 3], frames: u64) -> String {
        let [fast, slow, all] = ticks;
        format!(
            "# HELP worldboss_tick_seconds Work of a tick\n\
             worldboss_tick_seconds_sum {}\n\
             worldboss_tick_seconds_bucket{{le=\"0.001\"}} {fast}\n\
             worldboss_tick_seconds_bucket{{le=\"0.01\"}} {slow}\n\
             worldboss_tick_seconds_bucket{{le=\"+Inf\"}} {all}\n\
             worldboss_players 50\n\
             worldboss_messages_received_total{{type=\"hello\"}} 9\n\
             worldboss_messages_received_total{{type=\"hit\"}} {frames}\n\
             worldboss_frames_sent_total {frames}\n\
             process_cpu_seconds_total {cpu}\n\
             process_resident_memory_bytes 5000\n# EOF\n",
            all as f64 / 1_000.0,
        )
    }

    fn read(at_s: u64, cpu: f64, ticks: [u64; 3], frames: u64) -> Option<Reading> {
        let reading = Reading::parse(Micros(at_s * 1_000_000), &page(cpu, ticks, frames));
        assert!(reading.is_some());
        reading
    }

    #[test]
    fn a_player_costs_what_the_process_used_between_two_readings() {
        let mut readings = Readings::new("x".to_owned());
        assert_eq!(readings.take(read(1, 2.0, [10, 10, 10], 7)), None);
        assert_eq!(readings.take(None), None);
        let second = readings.take(read(11, 3.0, [100, 109, 110], 1_007)).expect("two readings");
        assert_eq!((second.cores, second.tick_ms), (0.1, 1.0));
        let cost = readings.cost();
        assert_eq!((cost.over_s, cost.cpu_s, cost.players, cost.failures), (10.0, 1.0, 50.0, 1));
        assert_eq!(cost.cpu_us_per_player_s, 2_000.0);
        assert_eq!((cost.resident_bytes_max, cost.resident_bytes_per_player), (5_000, 100.0));
        assert_eq!((cost.ticks, cost.tick_ms_p99), (100, 10.0));
        assert_eq!((cost.hits_received, cost.frames_sent), (1_000, 1_000));
    }

    #[test]
    fn a_server_that_began_anew_is_measured_from_there() {
        let mut readings = Readings::new("x".to_owned());
        readings.take(read(1, 50.0, [0, 0, 0], 0));
        assert_eq!(readings.take(read(2, 1.0, [0, 0, 0], 0)), None);
        readings.take(read(4, 2.0, [0, 0, 0], 0));
        assert_eq!((readings.cost().over_s, readings.cost().cpu_s), (2.0, 1.0));
    }

    #[test]
    fn a_page_without_a_process_is_no_reading() {
        assert_eq!(Reading::parse(Micros(0), "worldboss_players 5\n"), None);
        assert_eq!(Readings::new("x".to_owned()).cost().cpu_us_per_player_s, 0.0);
    }
}
