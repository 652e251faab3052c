//! The report as one page: a time line of faults above the boss's HP and the age of the truth.

mod lanes;
mod plots;

use super::report::ChaosReport;
use super::timeline::KindCount;
use loadgen::machine::chart::{STYLE as CHART_STYLE, Scale, escaped};
use loadgen::machine::grouped;

/// The page. It needs nothing but itself.
pub(super) fn html(report: &ChaosReport) -> String {
    let title = format!("Chaos: {}, seed {}", report.truth, report.seed);
    let body = [
        header(report),
        figures(report),
        findings(report),
        pictures(report),
        legend(report),
        format!("<div class=\"columns\">{}{}</div>", books(report), kinds(report)),
        faults(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>{STYLE}{CHART_STYLE}</style>\n<main>\n{}\n</main>\n</html>\n",
        escaped(&title),
        body.concat(),
    )
}

const STYLE: &str = include_str!("page/style.css");

fn header(report: &ChaosReport) -> String {
    let (class, verdict) = match report.findings.len() {
        0 => ("good", "nothing lost, nothing doubled".to_owned()),
        1 => ("bad", "1 finding".to_owned()),
        count => ("bad", format!("{count} findings")),
    };
    let ChaosReport { truth, shards, players, duration_s, seed, .. } = report;
    let players = grouped((*players).into());
    let mutant = report.mutant.as_ref().map_or_else(String::new, |name| {
        format!(" &middot; planted fault <b>{}</b>", escaped(name))
    });
    format!(
        "<header><h1>Fault lab <span class=\"{class}\">{verdict}</span></h1>\
         <p>{players} players on {shards} shards &middot; truth {truth} &middot; {duration_s} s \
         &middot; seed <code>{seed}</code>{mutant}</p></header>"
    )
}

fn figures(report: &ChaosReport) -> String {
    let KindCount { happened, met } = report.all_kinds();
    let mut cards = vec![("faults", grouped(happened), format!("{met} met something"))];
    if let Some(load) = &report.load {
        cards.extend([
            ("hits accepted", grouped(load.hits_acked), format!("of {}", grouped(load.hits_sent))),
            ("damage lost", grouped(load.damage_lost), "accepted, and not in the truth".to_owned()),
            ("damage doubled", grouped(load.damage_doubled), "counted twice".to_owned()),
            ("damage late", grouped(load.damage_late), "told, and counted for nothing".to_owned()),
            (
                "generations settled",
                grouped(load.generations_settled),
                format!("{} shares told", grouped(load.shares_told)),
            ),
            ("reconnects", grouped(load.reconnects), "of players".to_owned()),
        ]);
    }
    let card = |(name, number, more): &(&str, String, String)| {
        format!("<div><b>{number}</b><span>{name}</span><small>{more}</small></div>")
    };
    format!("<section class=\"figures\">{}</section>", cards.iter().map(card).collect::<String>())
}

fn findings(report: &ChaosReport) -> String {
    if report.findings.is_empty() {
        return String::new();
    }
    let item = |finding: &String| format!("<li>{}</li>", escaped(finding));
    let items: String = report.findings.iter().map(item).collect();
    let logs = report.logs.as_ref().map_or_else(String::new, |logs| {
        format!("<p>What the processes have said is in <code>{}</code>.</p>", escaped(logs))
    });
    format!("<section class=\"findings\"><h2>Findings</h2><ul>{items}</ul>{logs}</section>")
}

fn pictures(report: &ChaosReport) -> String {
    let samples = &report.timeline.samples;
    let ends = report.timeline.faults.iter().filter_map(|fault| fault.until_s);
    let last = samples.iter().map(|sample| sample.at_s).chain(ends).fold(1.0, f64::max);
    let time = Scale::time(last, plots::frame(0.0).across());
    let lanes = lanes::svg(report, &time);
    let hp = plots::hp(report, &time);
    let age = plots::age(report, &time);
    let live = plots::live(report, &time);
    format!(
        "<section class=\"pictures\"><h2>Faults</h2>{lanes}<h2>HP of the boss</h2>{hp}\
         <h2>Age of the truth on each shard</h2>{age}<h2>Players who see the boss</h2>{live}\
         </section>"
    )
}

fn legend(report: &ChaosReport) -> String {
    let item = |kind: &String| {
        format!("<span><i style=\"background:{}\"></i>{kind}</span>", lanes::colour(kind))
    };
    let kinds: String = report.kinds.keys().map(item).collect();
    format!("<section class=\"legend\"><div>{kinds}</div></section>")
}

fn books(report: &ChaosReport) -> String {
    let row = |(name, number): (&str, u64)| {
        format!("<tr><td>{name}</td><td class=\"number\">{}</td></tr>", grouped(number))
    };
    let rows: String = report.books().into_iter().map(row).collect();
    format!("<section><h2>Books</h2><table>{rows}</table></section>")
}

fn kinds(report: &ChaosReport) -> String {
    let mut rows = "<tr><th>kind</th><th class=\"number\">happened</th>\
                    <th class=\"number\">met something</th></tr>"
        .to_owned();
    for (kind, count) in &report.kinds {
        let colour = lanes::colour(kind);
        rows += &format!(
            "<tr><td><i style=\"background:{colour}\"></i>{kind}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            count.happened, count.met
        );
    }
    format!("<section><h2>Faults by kind</h2><table>{rows}</table></section>")
}

fn faults(report: &ChaosReport) -> String {
    let mut rows = "<tr><th class=\"number\">at</th><th class=\"number\">for</th><th>what</th>\
                    <th>whom</th><th>what it met</th></tr>"
        .to_owned();
    for fault in &report.timeline.faults {
        let lasted =
            fault.until_s.map_or_else(String::new, |until| format!("{:.1} s", until - fault.at_s));
        let met = fault.failed.as_ref().or(fault.met.as_ref());
        let met = met.map_or("nothing", |met| met.as_str());
        let (what, who, met) = (escaped(&fault.what), escaped(&fault.who), escaped(met));
        let (at, colour) = (fault.at_s, lanes::colour(&fault.kind));
        rows += &format!(
            "<tr><td class=\"number\">{at:.1} s</td><td class=\"number\">{lasted}</td>\
             <td><i style=\"background:{colour}\"></i>{what}</td><td>{who}</td><td>{met}</td></tr>"
        );
    }
    format!("<section><h2>What happened</h2><table>{rows}</table></section>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::report::example;

    #[test]
    fn the_page_shows_every_fault_and_needs_nothing_but_itself() {
        let page = html(&example());
        for needle in ["kill &lt;a &amp; b&gt;", "nothing lost, nothing doubled", "<svg", "seed"] {
            assert!(page.contains(needle), "{needle}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert!(!page.contains("<a & b>") && !page.contains("src=") && !page.contains("NaN"));
        // A fault of all players is a bar for each of three shards.
        assert_eq!(page.matches("<rect class=\"fault\"").count(), 1 + 3 + 1);
    }

    #[test]
    fn a_run_that_has_seen_nothing_is_a_page_too() {
        let page = html(&ChaosReport::default());
        assert!(page.contains("<svg") && !page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn findings_stand_on_the_page() {
        let mut report = example();
        report.findings = vec!["7 damage was lost & found".to_owned()];
        let page = html(&report);
        assert!(page.contains("1 finding") && page.contains("lost &amp; found"), "{page}");
    }
}
