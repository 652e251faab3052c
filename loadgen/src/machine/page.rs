//! The report as one page that needs nothing but itself, on a screen and on paper.

mod figures;
mod plots;
mod tables;

use super::chart::{STYLE as CHART_STYLE, escaped};
use super::units::{plain, utc};
use super::{Report, RunInfo, grouped};

const STYLE: &str = include_str!("page/style.css");

impl Report {
    /// The report as an HTML page without scripts, fonts or anything else from elsewhere.
    #[must_use]
    pub fn to_html(&self) -> String {
        let body = [
            header(self),
            marks(self),
            figures::section(self),
            plots::section(self),
            tables::latencies(self),
            tables::columns(&[
                tables::books(self),
                tables::costs(self),
                tables::cheats(self),
                tables::errors(self),
            ]),
            tables::shards(self),
            tables::baseline(self),
            run(self),
        ];
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>Load run, seed {}</title>\n<style>{STYLE}{CHART_STYLE}</style>\n\
             <main>\n{}\n</main>\n</html>\n",
            self.info.seed,
            body.concat(),
        )
    }
}

fn header(report: &Report) -> String {
    let (class, outcome) = if !report.verdict().is_empty() {
        ("bad", "\u{2717} failed")
    } else if !report.is_valid() {
        ("bad", "\u{2717} invalid")
    } else if !report.thresholds_passed() {
        ("bad", "\u{2717} missed a threshold")
    } else if !report.baseline_held() {
        ("bad", "\u{2717} worse than the baseline")
    } else {
        ("good", "\u{2713} passed")
    };
    let RunInfo { players, rate_per_s, duration_s, interrupted, arrivals, .. } = &report.info;
    let (players, rate) = (grouped((*players).into()), plain(*rate_per_s));
    let targets = report.info.targets.len();
    let servers = if targets == 1 { "target" } else { "targets" };
    let arrivals = match arrivals.as_str() {
        "" => String::new(),
        arrivals => format!(" ({})", escaped(arrivals)),
    };
    let early = if *interrupted { " &middot; <b>ended early</b>" } else { "" };
    let began = match report.info.began_unix_ms {
        0 => String::new(),
        began => format!(" &middot; {}", utc(began)),
    };
    format!(
        "<header><h1>Load run <span class=\"{class}\">{outcome}</span></h1>\
         <p>{players} players on {targets} {servers} &middot; {rate} hits/s each{arrivals} \
         &middot; {duration_s:.0} s{early}{began}</p></header>"
    )
}

/// What decides, and what has to be known of it.
fn marks(report: &Report) -> String {
    let mut items = String::new();
    for mark in report.marks() {
        let class = if mark.is_good { "good" } else { "bad" };
        let (sign, text) = (mark.sign(), escaped(&mark.text));
        let actual = mark.actual.map_or_else(String::new, |actual| format!("<em>{actual}</em>"));
        items += &format!("<li><b class=\"{class}\">{sign}</b><span>{text}</span>{actual}</li>");
    }
    let mut notes = String::new();
    let mut class = "marks";
    if !report.is_valid() {
        class = "marks invalid";
        notes += "<p>The figures say more of the load generator than of the servers. Don't compare \
                  them with those of other runs.</p>";
    }
    for difference in &report.baseline_differs {
        notes += &format!("<p>The baseline was another load: {}.</p>", escaped(difference));
    }
    format!("<section class=\"{class}\"><h2>Verdict</h2><ul>{items}</ul>{notes}</section>")
}

/// What the run was, and how to repeat it.
fn run(report: &Report) -> String {
    let RunInfo { seed, targets, plan, version, command, .. } = &report.info;
    let targets: Vec<_> = targets.iter().map(|target| escaped(target)).collect();
    let rows = [
        ("seed", seed.to_string()),
        ("plan", escaped(plan)),
        ("targets", targets.join("<br>")),
        ("version", escaped(version)),
        ("ledger", report.ledger_version.map_or_else(String::new, |it| format!("version {it}"))),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows: String =
        rows.map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    let command = match command.as_str() {
        "" => String::new(),
        command => format!("<h3>Again</h3><pre>{}</pre>", escaped(command)),
    };
    let merged = tables::merged(report);
    format!("<section class=\"run\"><h2>The run</h2><dl>{rows}</dl>{command}{merged}</section>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::example::example;

    fn check(page: &str) {
        for (open, close) in [
            ("<svg", "</svg>"),
            ("<table", "</table>"),
            ("<section", "</section>"),
            ("<div", "</div>"),
            ("<figure", "</figure>"),
            ("<ul", "</ul>"),
            ("<tr", "</tr>"),
        ] {
            assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
        }
        for foreign in ["src=", "href=", "url(", "@import", "<script", "NaN", "inf\"", "<peer>"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_rich_run_is_a_page_that_needs_nothing_but_itself() {
        let page = example().to_html();
        check(&page);
        for part in [
            "reset by &lt;peer&gt; &amp; gone",
            "\u{2717} missed a threshold",
            "\u{2713}</b><span>every accepted hit",
            "2026-01-01 00:00:00 UTC",
            "--seed 4711</pre>",
            "9f3c1e7a52d08b46",
            "replay",
            "47.2",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 14);
    }

    #[test]
    fn a_run_that_has_seen_nothing_is_a_page_too() {
        let page = Report::default().to_html();
        check(&page);
        assert!(page.contains("\u{2717} failed") && !page.contains("<svg"));
    }

    #[test]
    fn an_invalid_run_says_so_above_everything_that_it_measured() {
        let mut report = example();
        report.invalid = vec!["late by <b>".to_owned()];
        let page = report.to_html();
        check(&page);
        let warning = page.find("late by &lt;b&gt;").unwrap();
        assert!(warning < page.find("<svg").unwrap(), "{warning}");
        assert!(page.contains("\u{2717} invalid"));
    }

    #[test]
    fn a_baseline_and_merged_runs_have_a_table_each() {
        let mut other = example();
        other.info.seed = 815;
        let mut report = Report::merge(vec![example(), other]).unwrap();
        report.judge_against(&example(), 10.0);
        let page = report.to_html();
        check(&page);
        assert!(page.contains("815") && page.contains("ack_ms.p99"));
        assert!(page.contains("another load: players: 2000, now 4000"));
    }
}
