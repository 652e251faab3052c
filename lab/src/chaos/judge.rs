//! From what was seen to what is wrong: each finding is a sentence.

use super::timeline::Passed;
use loadgen::machine::Report;
use std::collections::BTreeMap;

/// What a run has left behind.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// What the players were told, held against the ledger; or why there is nothing.
    pub(super) load: Result<Report, String>,
    /// How many faults the plan has.
    pub(super) planned: usize,
    /// Those that have begun.
    pub(super) faults: Vec<Passed>,
    /// What processes did that nobody had asked for, as sentences, and how often.
    pub(super) incidents: BTreeMap<String, u32>,
    /// Shards that took no hits after the last fault.
    pub(super) unready: Vec<String>,
    /// How the processes ended that were asked to.
    pub(super) ends: Vec<Ended>,
    /// What an audit of the log said.
    pub(super) audit: Audited,
}

/// How a process ended that was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// Who.
    pub(super) who: String,
    /// Its exit code; none if it did not end in time, or by a signal.
    pub(super) code: Option<i32>,
}

/// What `worldboss authority verify` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Audited {
    /// Its exit code.
    pub(super) code: Option<i32>,
    /// Its last words.
    pub(super) said: String,
}

impl Evidence {
    /// Everything that is wrong; empty if a run has proven what it should.
    pub(super) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        self.faults(&mut findings);
        findings.extend(self.incidents.iter().map(|(incident, count)| match count {
            1 => incident.clone(),
            count => format!("{incident} ({count} times)"),
        }));
        findings.extend(self.unready.iter().map(|shard| {
            format!("{shard} did not take hits again after the last fault: its log says why")
        }));
        self.load(&mut findings);
        self.ends(&mut findings);
        self.audit(&mut findings);
        findings
    }

    fn faults(&self, findings: &mut Vec<String>) {
        let missing = self.planned.saturating_sub(self.faults.len());
        if missing > 0 {
            findings.push(format!("{missing} of {} planned faults did not happen", self.planned));
        }
        for Passed { what, who, at_s, until_s, met, failed, .. } in &self.faults {
            let fault = format!("{what} on {who} at {at_s:.1} s");
            match (failed, met, until_s) {
                (Some(why), ..) => {
                    findings.push(format!("{fault} could not be carried out: {why}"));
                }
                (None, _, None) => findings.push(format!("{fault} did not end")),
                (None, None, Some(_)) => {
                    findings.push(format!("{fault} met nothing, and proves nothing"));
                }
                (None, Some(_), Some(_)) => {}
            }
        }
    }

    fn load(&self, findings: &mut Vec<String>) {
        let report = match &self.load {
            Err(why) => return findings.push(format!("there was no load: {why}")),
            Ok(report) => report,
        };
        findings.extend(report.verdict());
        if report.players_undrained > 0 {
            let (undrained, players) = (report.players_undrained, report.info.players);
            findings.push(format!(
                "{undrained} of {players} players did not drain: an answer, or the truth with \
                 their hits, did not come in time"
            ));
        }
        if report.hits_acked == 0 {
            findings.push("not one hit was accepted: nothing is proven".to_owned());
        }
        if report.generations_settled == 0 {
            findings.push("no generation was settled: nothing is proven of that".to_owned());
        }
    }

    fn ends(&self, findings: &mut Vec<String>) {
        for Ended { who, code } in &self.ends {
            match code {
                Some(0) => {}
                Some(code) => findings.push(format!(
                    "{who} was asked to end and exited with {code}: its log says why"
                )),
                None => findings.push(format!("{who} did not end when it was asked to")),
            }
        }
    }

    fn audit(&self, findings: &mut Vec<String>) {
        let Audited { code, said } = &self.audit;
        if *code != Some(0) {
            findings.push(format!("verify: {said}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadgen::machine::ErrorCount;

    fn fault() -> Passed {
        Passed {
            kind: "kill".to_owned(),
            who: "shard-1".to_owned(),
            what: "kill".to_owned(),
            at_s: 3.0,
            until_s: Some(4.0),
            met: Some("pid 1 to 2".to_owned()),
            failed: None,
        }
    }

    /// A run in which all went well.
    fn fine() -> Evidence {
        let report = Report {
            hits_acked: 1,
            generations_settled: 1,
            ledger_version: Some(1),
            ..Report::default()
        };
        Evidence {
            load: Ok(report),
            planned: 1,
            faults: vec![fault()],
            ends: vec![Ended { who: "shard-1".to_owned(), code: Some(0) }],
            audit: Audited { code: Some(0), said: String::new() },
            incidents: BTreeMap::new(),
            unready: Vec::new(),
        }
    }

    /// Plants one wrong thing into a run that went well; the one finding must say so.
    fn check(needle: &str, plant: impl FnOnce(&mut Evidence)) {
        let mut evidence = fine();
        plant(&mut evidence);
        let findings = evidence.findings();
        assert_eq!(findings.len(), 1, "{needle}: {findings:?}");
        assert!(findings[0].contains(needle), "{needle}: {findings:?}");
    }

    fn report(plant: impl FnOnce(&mut Report)) -> impl FnOnce(&mut Evidence) {
        |evidence| {
            if let Ok(report) = &mut evidence.load {
                plant(report);
            }
        }
    }

    #[test]
    fn a_run_in_which_all_went_well_has_no_finding() {
        assert_eq!(fine().findings(), [""; 0]);
    }

    #[test]
    fn every_wrong_book_is_found() {
        check("7 damage was accepted and is lost", report(|it| it.damage_lost = 7));
        check("7 damage was counted twice", report(|it| it.damage_doubled = 7));
        check("7 damage was late", report(|it| it.damage_late_untold = 7));
        check("7 shares that players were told", report(|it| it.shares_wrong = 7));
        check("7 shares of fallen bosses were not told", report(|it| it.shares_untold = 7));
        check("unfair", report(|it| it.unfair = vec!["unfair".to_owned()]));
        check("7 hits were never answered", report(|it| it.hits_unresolved = 7));
        check("7 of 0 players did not drain", report(|it| it.players_undrained = 7));
        check("ledger could not be read", report(|it| it.ledger_version = None));
        check("not one hit", report(|it| it.hits_acked = 0));
        check("no generation was settled", report(|it| it.generations_settled = 0));
        let error = ErrorCount { error: "took back".to_owned(), count: 2, fault: true };
        check("took back (2 times)", report(|it| it.errors.push(error)));
        check("no load: refused", |it| it.load = Err("refused".to_owned()));
    }

    #[test]
    fn every_process_that_does_what_it_should_not_is_found() {
        for (count, needle) in [(1, "shard-1 ended by itself"), (3, "by itself (3 times)")] {
            check(needle, |it| {
                it.incidents.insert("shard-1 ended by itself".to_owned(), count);
            });
        }
        check("shard-2 did not take hits again", |it| it.unready.push("shard-2".to_owned()));
        check("exited with 1", |it| it.ends[0].code = Some(1));
        check("did not end when", |it| it.ends[0].code = None);
        check("verify: version 7 is wrong", |it| {
            let said = "version 7 is wrong".to_owned();
            it.audit = Audited { code: Some(1), said };
        });
    }

    #[test]
    fn every_fault_that_proves_nothing_is_found() {
        check("kill on shard-1 at 3.0 s met nothing", |it| it.faults[0].met = None);
        check("did not end", |it| it.faults[0].until_s = None);
        check("could not be carried out: gone", |it| {
            it.faults[0] = Passed { met: None, failed: Some("gone".to_owned()), ..fault() };
        });
        check("1 of 2 planned faults did not happen", |it| it.planned = 2);
    }
}
