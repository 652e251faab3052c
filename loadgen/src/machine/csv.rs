//! The series as CSV: a line for each second.

use super::{Latency, Report, Second, ServerSecond, ShardSecond};

impl Report {
    /// The series as CSV: a row of names, then a row for each second. A unit ends a name, and
    /// shards and servers are counted from one in the order of the report. An empty cell was not
    /// measured.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let width = |count: fn(&Second) -> usize| self.series.iter().map(count).max().unwrap_or(0);
        let shards = width(|second| second.shards.len()).max(self.info.targets.len());
        let servers = width(|second| second.servers.len()).max(self.servers.len());
        let mut lines = vec![names(shards, servers).join(",")];
        lines.extend(self.series.iter().map(|second| row(second, shards, servers).join(",")));
        lines.join("\n") + "\n"
    }
}

fn names(shards: usize, servers: usize) -> Vec<String> {
    let counts = "at_s phase players live hits_sent hits_answered hits_refused frames \
                  bytes_received reconnects connect_failures";
    let mut names: Vec<_> = counts.split_whitespace().map(str::to_owned).collect();
    for latency in ["ack", "truth", "cross_shard", "frame_interval", "generator_lag"] {
        let parts = ["p50", "p90", "p99", "p999", "max"];
        names.extend(parts.map(|part| format!("{latency}_{part}_ms")));
    }
    let boss = ["generation", "hp", "predicted_hp", "max_hp"];
    names.extend(boss.map(|field| format!("boss_{field}")));
    for shard in 1..=shards {
        let fields = ["live", "hits_answered", "frames", "ack_p99_ms"];
        names.extend(fields.map(|field| format!("shard_{shard}_{field}")));
    }
    for server in 1..=servers {
        let fields = ["cores", "resident_bytes", "tick_ms"];
        names.extend(fields.map(|field| format!("server_{server}_{field}")));
    }
    names
}

fn row(second: &Second, shards: usize, servers: usize) -> Vec<String> {
    let mut cells = vec![format!("{:.3}", second.at_s), quoted(&second.phase)];
    cells.extend([second.players, second.live].map(|it| it.to_string()));
    cells.extend(
        [
            second.hits_sent,
            second.hits_answered,
            second.hits_refused,
            second.frames,
            second.bytes_received,
            second.reconnects,
            second.connect_failures,
        ]
        .map(|it| it.to_string()),
    );
    let Second { ack_ms, truth_ms, cross_shard_ms, frame_interval_ms, generator_lag_ms, .. } =
        second;
    for it in [ack_ms, truth_ms, cross_shard_ms, frame_interval_ms, generator_lag_ms] {
        let Latency { count, p50, p90, p99, p999, max } = it;
        let parts = [p50, p90, p99, p999, max];
        cells.extend(parts.map(|ms| cell((*count > 0).then_some(*ms))));
    }
    let boss = second.boss.as_ref();
    let boss = boss.map(|it| [it.generation, it.hp, it.predicted, it.hp_max].map(Some));
    cells.extend(boss.unwrap_or_default().map(cell));
    (0..shards).for_each(|shard| cells.extend(of_shard(second.shards.get(shard))));
    let server = |server| second.servers.get(server).and_then(Option::as_ref);
    (0..servers).for_each(|index| cells.extend(of_server(server(index))));
    cells
}

fn of_shard(shard: Option<&ShardSecond>) -> [String; 4] {
    let count = |field: fn(&ShardSecond) -> u64| cell(shard.map(field));
    let ack = shard.filter(|it| it.hits_answered > 0).map(|it| it.ack_p99_ms);
    [count(|it| it.live.into()), count(|it| it.hits_answered), count(|it| it.frames), cell(ack)]
}

fn of_server(server: Option<&ServerSecond>) -> [String; 3] {
    [
        cell(server.map(|it| it.cores)),
        cell(server.map(|it| it.resident_bytes)),
        cell(server.map(|it| it.tick_ms)),
    ]
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A text as one cell.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::example::example;

    fn column<'a>(csv: &'a str, name: &str) -> Vec<&'a str> {
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap();
        let index = names.iter().position(|it| *it == name).unwrap();
        lines.map(|cells| cells[index]).collect()
    }

    #[test]
    fn every_second_is_a_line_with_a_cell_for_every_name() {
        let report = example();
        let csv = report.to_csv();
        let widths: Vec<_> = csv.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(widths, vec![11 + 25 + 4 + 2 * 4 + 3; 1 + report.series.len()]);
        assert_eq!(column(&csv, "at_s")[9], "10.004");
        assert_eq!(column(&csv, "phase")[9], "load");
        let hits = report.series[9].shards[1].hits_answered.to_string();
        assert_eq!(column(&csv, "shard_2_hits_answered")[9], hits);
        let cores = report.series[9].servers[0].unwrap().cores.to_string();
        assert_eq!(column(&csv, "server_1_cores")[9], cores);
        assert_eq!(column(&csv, "boss_max_hp")[9], "28000000");
    }

    #[test]
    fn what_was_not_measured_is_an_empty_cell() {
        let csv = example().to_csv();
        assert_eq!(column(&csv, "ack_p99_ms")[0], "");
        assert_eq!(column(&csv, "shard_1_ack_p99_ms")[0], "");
        assert_eq!(column(&csv, "boss_hp")[0], "");
        assert_eq!(column(&csv, "server_1_cores")[30], "");
        assert_eq!(column(&csv, "hits_sent")[0], "0");
    }

    #[test]
    fn a_report_without_a_series_is_a_row_of_names() {
        assert_eq!(Report::default().to_csv().lines().count(), 1);
    }

    #[test]
    fn a_text_with_a_comma_is_still_one_cell() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("load"), "load");
    }
}
