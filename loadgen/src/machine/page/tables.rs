//! Everything that is a table. The first column is text, all others are numbers.

use crate::machine::chart::escaped;
use crate::machine::units::{bytes, figure, utc};
use crate::machine::{Latency, Report, RunInfo, ServerCost, grouped};

/// A table with a title, or nothing without rows.
fn table(title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = |tag: &str, cells: Vec<String>| {
        let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let head = cells("th", heads.iter().map(|head| (*head).to_owned()).collect());
    let rows: String = rows.into_iter().map(|row| cells("td", row)).collect();
    format!(
        "<section><h2>{}</h2><div class=\"scroll\"><table>{head}{rows}</table></div></section>",
        escaped(title)
    )
}

/// Tables side by side.
pub(super) fn columns(tables: &[String]) -> String {
    format!("<div class=\"columns\">{}</div>", tables.concat())
}

pub(super) fn latencies(report: &Report) -> String {
    let measured = report.latencies().into_iter().filter(|it| it.latency.count > 0);
    let rows = measured.map(|it| row(it.name, it.latency)).collect();
    table("Milliseconds", &["", "count", "p50", "p90", "p99", "p99.9", "max"], rows)
}

fn row(name: &str, latency: Latency) -> Vec<String> {
    let Latency { count, p50, p90, p99, p999, max } = latency;
    let mut row = vec![name.to_owned(), grouped(count)];
    row.extend([p50, p90, p99, p999, max].map(|ms| format!("{ms:.1}")));
    row
}

pub(super) fn books(report: &Report) -> String {
    let indented = |name: String| name.replace("  ", "\u{2003}");
    let counts = report.counts().into_iter();
    let mut rows: Vec<_> =
        counts.map(|(name, count)| vec![indented(name), grouped(count)]).collect();
    if report.bar_error_px.count > 0 {
        let px = report.bar_error_px.p99;
        rows.push(vec!["bar error, p99, pixels of 1,000".to_owned(), format!("{px:.3}")]);
    }
    table("Hits and books", &["", "count"], rows)
}

/// A column for each server.
pub(super) fn costs(report: &Report) -> String {
    let servers = &report.servers;
    let of = |name: &str, value: &dyn Fn(&ServerCost) -> String| {
        let cells = std::iter::once(name.to_owned()).chain(servers.iter().map(value));
        cells.collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    if !servers.is_empty() {
        rows = vec![
            of("processor time of a player, \u{b5}s/s", &|it| figure(it.cpu_us_per_player_s)),
            of("memory of a player", &|it| bytes(it.resident_bytes_per_player)),
            of("players", &|it| figure(it.players)),
            of("cores", &|it| figure(it.cpu_s / it.over_s.max(1e-9))),
            of("most memory", &|it| bytes(it.resident_bytes_max as f64)),
            of("work of a tick, mean, ms", &|it| figure(it.tick_ms_mean)),
            of("work of a tick, p99, ms", &|it| figure(it.tick_ms_p99)),
            of("ticks", &|it| grouped(it.ticks)),
            of("hits received", &|it| grouped(it.hits_received)),
            of("frames sent", &|it| grouped(it.frames_sent)),
            of("read for, s", &|it| figure(it.over_s)),
            of("readings that failed", &|it| grouped(it.failures)),
        ];
    }
    if report.cpu_us_per_frame > 0.0 {
        let name = "a frame costs this process, \u{b5}s".to_owned();
        rows.push(vec![name, figure(report.cpu_us_per_frame)]);
    }
    let numbers = (1..=servers.len()).map(|number| format!("server {number}"));
    let heads: Vec<_> = std::iter::once(String::new()).chain(numbers).collect();
    let heads: Vec<_> = heads.iter().map(String::as_str).collect();
    let pages = servers.iter().zip(1..).map(|(server, number)| {
        let url = escaped(&server.url);
        format!("<p class=\"note\">server {number}: <code>{url}</code></p>")
    });
    let table = table("What players cost", &heads, rows);
    table.replace("</table></div>", &format!("</table></div>{}", pages.collect::<String>()))
}

pub(super) fn cheats(report: &Report) -> String {
    let rows = report.cheats.iter().map(|(kind, count)| {
        let counts = [count.tried, count.refused, count.let_through].map(grouped);
        std::iter::once(kind.clone()).chain(counts).collect()
    });
    table("Cheats", &["", "tried", "refused", "let through"], rows.collect())
}

pub(super) fn errors(report: &Report) -> String {
    let rows = report.errors.iter().map(|line| {
        let fault = if line.fault { "yes" } else { "no" };
        vec![line.error.clone(), grouped(line.count), fault.to_owned()]
    });
    table("Errors", &["", "times", "a fault"], rows.collect())
}

pub(super) fn shards(report: &Report) -> String {
    let rows = report.shards.iter().map(|shard| {
        let Latency { p50, p99, max, .. } = shard.ack_ms;
        let mut row = vec![shard.target.clone(), grouped(shard.players.into())];
        row.extend([shard.hits_answered, shard.frames].map(grouped));
        row.extend([p50, p99, max].map(|ms| format!("{ms:.1}")));
        row
    });
    let heads = ["", "players", "hits answered", "frames", "answer p50, ms", "p99, ms", "max, ms"];
    table("Shards", &heads, rows.collect())
}

pub(super) fn baseline(report: &Report) -> String {
    let rows = report.regressions.iter().map(|row| {
        let change =
            row.change_percent.map_or_else(String::new, |change| format!("{change:+.1} %"));
        let worse = if row.is_worse { "\u{2717} worse" } else { "\u{2713}" };
        vec![row.metric.clone(), figure(row.before), figure(row.now), change, worse.to_owned()]
    });
    table("Beside the baseline", &["", "before", "now", "change", ""], rows.collect())
}

pub(super) fn merged(report: &Report) -> String {
    let rows = report.merged.iter().map(|run| {
        let RunInfo { seed, players, plan, .. } = run;
        vec![plan.clone(), seed.to_string(), grouped((*players).into()), utc(run.began_unix_ms)]
    });
    let table = table("Merged runs", &["plan", "seed", "players", "began"], rows.collect());
    table.replace("<section>", "<div>").replace("</section>", "</div>")
}
