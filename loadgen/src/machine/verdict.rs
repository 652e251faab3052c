//! Whether a run passed, whatever its thresholds.

use super::units::figure;
use super::{Checked, Regression, Report};

/// Something that decides about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) is_good: bool,
    pub(super) text: String,
    /// The number of a threshold.
    pub(super) actual: Option<String>,
}

impl Mark {
    fn new(is_good: bool, text: impl Into<String>) -> Self {
        Self { is_good, text: text.into(), actual: None }
    }

    pub(super) fn sign(&self) -> char {
        if self.is_good { '\u{2713}' } else { '\u{2717}' }
    }
}

impl Report {
    /// All that decides: thresholds, books, whether anything was measured, and the baseline.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<_> = self.thresholds.iter().map(checked).collect();
        let failures = self.verdict();
        if failures.is_empty() {
            marks.push(Mark::new(true, "every accepted hit is in the truth exactly once"));
        }
        marks.extend(failures.into_iter().map(|failure| Mark::new(false, failure)));
        let invalid = self.invalid.iter();
        marks.extend(invalid.map(|why| Mark::new(false, format!("this run is invalid: {why}"))));
        let worse = self.regressions.iter().filter(|row| row.is_worse);
        marks.extend(worse.map(|row| Mark::new(false, regressed(row))));
        if !self.regressions.is_empty() && self.baseline_held() {
            marks.push(Mark::new(true, "nothing is worse than the baseline"));
        }
        marks
    }

    /// Why the run fails, whatever its thresholds; empty if the books balance.
    #[must_use]
    pub fn verdict(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if self.ledger_version.is_none() {
            failures.push("the ledger could not be read: nothing is proven".to_owned());
        }
        if self.damage_lost > 0 {
            failures.push(format!("{} damage was accepted and is lost", self.damage_lost));
        }
        if self.damage_doubled > 0 {
            failures.push(format!("{} damage was counted twice", self.damage_doubled));
        }
        if self.damage_late_untold > 0 {
            let late = self.damage_late_untold;
            failures.push(format!("{late} damage was late, and its players were told otherwise"));
        }
        if self.shares_wrong > 0 {
            let wrong = self.shares_wrong;
            failures.push(format!("{wrong} shares that players were told are not the ledger's"));
        }
        if self.shares_untold > 0 {
            let untold = self.shares_untold;
            failures.push(format!("{untold} shares of fallen bosses were not told in time"));
        }
        failures.extend(self.unfair.iter().cloned());
        if self.hits_unresolved > 0 {
            failures.push(format!("{} hits were never answered", self.hits_unresolved));
        }
        for (kind, count) in self.cheats.iter().filter(|(_, count)| count.let_through > 0) {
            let through = count.let_through;
            failures.push(format!("the cheat {kind} was let through ({through} times)"));
        }
        for line in self.errors.iter().filter(|line| line.fault) {
            failures.push(format!("{} ({} times)", line.error, line.count));
        }
        failures
    }

    /// Whether the figures say something of the servers, which [`Self::verdict`] does not judge:
    /// books can balance though the load was not the one that was asked for.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }
}

fn checked(checked: &Checked) -> Mark {
    let actual = checked.actual.map_or_else(|| "not measured".to_owned(), |it| format!("{it:.3}"));
    Mark { actual: Some(actual), ..Mark::new(checked.passed, &checked.threshold) }
}

fn regressed(row: &Regression) -> String {
    let (metric, before, now) = (&row.metric, figure(row.before), figure(row.now));
    let change = row.change_percent.map_or_else(String::new, |change| format!(" ({change:+.1} %)"));
    format!("worse than the baseline: {metric} was {before}, is {now}{change}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{CheatCount, ErrorCount, Threshold};

    fn check_verdict(change: impl FnOnce(&mut Report), failures: usize) {
        let mut report = Report { ledger_version: Some(1), ..Report::default() };
        change(&mut report);
        assert_eq!(report.verdict().len(), failures, "{:?}", report.verdict());
    }

    #[test]
    fn a_run_fails_for_what_is_lost_doubled_unresolved_or_unknown() {
        check_verdict(|_| {}, 0);
        check_verdict(|report| report.damage_lost = 1, 1);
        check_verdict(|report| report.damage_doubled = 1, 1);
        check_verdict(|report| report.hits_unresolved = 1, 1);
        check_verdict(|report| report.damage_late_untold = 1, 1);
        check_verdict(|report| report.shares_wrong = 1, 1);
        check_verdict(|report| report.shares_untold = 1, 1);
        check_verdict(|report| report.unfair = vec!["x".to_owned(); 2], 2);
        check_verdict(|report| report.ledger_version = None, 1);
    }

    #[test]
    fn a_run_fails_for_faults_and_not_for_outages() {
        let error = |fault| ErrorCount { error: "x".to_owned(), count: 3, fault };
        check_verdict(|report| report.errors.push(error(false)), 0);
        check_verdict(|report| report.errors.push(error(true)), 1);
    }

    #[test]
    fn a_run_fails_for_a_cheat_that_was_let_through() {
        let cheat = |let_through| CheatCount { tried: 9, refused: 9 - let_through, let_through };
        check_verdict(|report| report.cheats = [("replay".to_owned(), cheat(0))].into(), 0);
        check_verdict(|report| report.cheats = [("replay".to_owned(), cheat(1))].into(), 1);
    }

    #[test]
    fn an_invalid_run_may_have_books_that_balance() {
        check_verdict(|report| report.invalid.push("late".to_owned()), 0);
        let report = Report { invalid: vec!["late".to_owned()], ..Report::default() };
        assert!(!report.is_valid() && Report::default().is_valid());
    }

    #[test]
    fn what_decides_stands_in_one_order() {
        let mut report = Report { ledger_version: Some(1), ..Report::default() };
        report.judge(&[Threshold::parse("hits_sent>=0").unwrap()]);
        report.invalid.push("late".to_owned());
        report.connect_failures = 1;
        report.judge_against(&Report::default(), 10.0);
        let marks = report.marks();
        let marks: Vec<_> = marks.iter().map(|mark| (mark.is_good, &mark.text[..12])).collect();
        let expected = [
            (true, "hits_sent>=0"),
            (true, "every accept"),
            (false, "this run is "),
            (false, "worse than t"),
        ];
        assert_eq!(marks, expected);
    }
}
