//! The report as one page, which needs nothing but itself.

use super::chart;
use super::machine::Machine;
use super::measured::{Fact, Measured, Plot, Row};
use super::{per_second, spread, time};

const STYLE: &str = include_str!("page.css");

/// The page of a run: the machine, what ran, plots, and the table behind them.
pub(super) fn html(machine: &Machine, commands: &[String], measured: &Measured) -> String {
    let body = [
        header(machine, commands),
        facts(&measured.facts),
        plots(&measured.plots),
        measured.groups().iter().map(|(name, rows)| bars(name, rows)).collect(),
        table(measured),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>worldboss: benches</title>\
         \n<style>{STYLE}</style>\n<main>\n{}\n</main>\n</html>\n",
        body.join("\n"),
    )
}

fn header(machine: &Machine, commands: &[String]) -> String {
    let lines: String = commands.iter().map(|line| format!("{}\n", escaped(line))).collect();
    let machine = escaped(&machine.to_string());
    format!("<header><h1>worldboss: benches</h1><p>{machine}</p><pre>{lines}</pre></header>")
}

fn facts(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let card = |fact: &Fact| {
        let Fact { name, value, more } = fact;
        let [name, value, more] = [name, value, more].map(|text| escaped(text));
        format!("<div><span>{name}</span><b>{value}</b><small>{more}</small></div>")
    };
    let cards: String = facts.iter().map(card).collect();
    format!("<section><h2>In figures</h2><div class=\"cards\">{cards}</div></section>")
}

fn plots(plots: &[Plot]) -> String {
    if plots.is_empty() {
        return String::new();
    }
    let plot = |plot: &Plot| {
        format!("<figure><h2>{}</h2>{}</figure>", escaped(&plot.title), chart::lines(plot))
    };
    let plots: String = plots.iter().map(plot).collect();
    format!("<section class=\"plots\">{plots}</section>")
}

fn bars(name: &str, rows: &[&Row]) -> String {
    let rows: Vec<_> = rows.iter().copied().filter(|row| row.has_bar).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("<section><h2>{}</h2>{}</section>", escaped(name), chart::bars(&rows))
}

fn table(measured: &Measured) -> String {
    let mut lines = "<tr><th>bench</th><th class=\"number\">median</th>\
                     <th class=\"number\">spread</th><th class=\"number\">per second</th></tr>"
        .to_owned();
    for (group, rows) in measured.groups() {
        lines += &format!("<tr><th colspan=\"4\" class=\"group\">{}</th></tr>", escaped(group));
        for row in rows {
            lines += &format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
                 <td class=\"number\">{}</td></tr>",
                escaped(&row.name),
                time(row.median_ns),
                spread(row).replace("+-", "&plusmn;"),
                escaped(&per_second(row)),
            );
        }
    }
    format!(
        "<section><h2>All of them</h2><table>{lines}</table>\
         <p>The spread is 1.48 times the median distance from the median: a \
         standard deviation that rare rounds far away don't move.</p></section>"
    )
}

/// Text as it may stand in a page.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measured::Line;

    #[test]
    fn the_page_shows_everything_and_needs_nothing_but_itself() {
        let row = |group: &str, name: &str| Row {
            group: group.to_owned(),
            name: name.to_owned(),
            median_ns: 1_500.0,
            spread_ns: 20.0,
            per_second: 2_000.0,
            unit: "ticks".to_owned(),
            has_bar: group != "tick",
        };
        let text = |text: &str| text.to_owned();
        let points = vec![(1_000.0, 5.0), (10_000.0, 70.0)];
        let line = Line { name: text("2,000 hits"), points };
        let measured = Measured {
            rows: vec![
                row("05 <admission>", "a hit"),
                row("07 journal", "a & b"),
                row("tick", "ten"),
            ],
            facts: vec![Fact { name: text("n"), value: text("v"), more: text("m") }],
            plots: vec![Plot { title: text("Ticks"), x: text("players"), lines: vec![line] }],
        };
        let machine = Machine { cpu: text("Some CPU"), cores: 2, system: text("Linux") };
        let page = html(&machine, &[text("cargo bench --bench hops")], &measured);
        for needle in [
            "05 &lt;admission&gt;",
            "a &amp; b",
            "1.50 us",
            "Some CPU",
            "--bench hops",
            "2,000 hits",
        ] {
            assert!(page.contains(needle), "{needle}");
        }
        assert_eq!(page.matches("<svg").count(), 3);
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        for foreign in ["src=", "href=", "NaN", "inf", "<admission>"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
