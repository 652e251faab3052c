//! Thresholds such as `ack_ms.p99<250`: what a run has to reach.

use super::Report;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A bound on a number of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    text: String,
    path: Vec<String>,
    operator: Operator,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    AtMost,
    AtLeast,
    Equal,
    Below,
    Above,
}

/// In the order in which they are looked for: `<=` before `<`.
const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("<", Operator::Below),
    (">", Operator::Above),
];

/// What became of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The threshold.
    pub threshold: String,
    /// The number of the report; none if nothing was measured.
    pub actual: Option<f64>,
    /// Whether it is within the bound.
    pub passed: bool,
}

/// Why a text is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// No operator.
    #[error("the threshold `{0}` has none of < <= > >= ==, as in `ack_ms.p99<250`")]
    Operator(String),
    /// No number behind it.
    #[error("the threshold `{0}` does not end in a number, as in `ack_ms.p99<250`")]
    Bound(String),
    /// No number of a report.
    #[error("the threshold `{0}` names no number of the report, as `ack_ms.p99` or `damage_lost`")]
    Path(String),
}

impl Threshold {
    /// Reads a threshold.
    ///
    /// # Errors
    /// [`ThresholdError`], also when no report has such a number.
    pub fn parse(text: &str) -> Result<Self, ThresholdError> {
        let text = text.trim();
        let split = OPERATORS.iter().find_map(|(sign, operator)| {
            text.split_once(sign).map(|(path, bound)| (path, *operator, bound))
        });
        let (path, operator, bound) =
            split.ok_or_else(|| ThresholdError::Operator(text.to_owned()))?;
        let bound = bound.trim().parse().ok().filter(|bound: &f64| bound.is_finite());
        let bound = bound.ok_or_else(|| ThresholdError::Bound(text.to_owned()))?;
        let path = path.trim().split('.').map(str::to_owned).collect();
        let threshold = Self { text: text.to_owned(), path, operator, bound };
        let example = Report { ledger_version: Some(0), ..Report::default() };
        match threshold.find(&example.to_value()).and_then(Value::as_f64) {
            Some(_) => Ok(threshold),
            None => Err(ThresholdError::Path(text.to_owned())),
        }
    }

    /// Compares it with a report. What was never measured is not within any bound.
    pub(super) fn check(&self, report: &Value) -> Checked {
        let is_empty = self.path.last().is_some_and(|field| field != "count")
            && self.parent(report).and_then(|parent| parent.get("count")) == Some(&Value::from(0));
        let actual = self.find(report).and_then(Value::as_f64).filter(|_| !is_empty);
        let passed = actual.is_some_and(|actual| match self.operator {
            Operator::AtMost => actual <= self.bound,
            Operator::AtLeast => actual >= self.bound,
            Operator::Equal => actual == self.bound,
            Operator::Below => actual < self.bound,
            Operator::Above => actual > self.bound,
        });
        Checked { threshold: self.text.clone(), actual, passed }
    }

    fn find<'a>(&self, report: &'a Value) -> Option<&'a Value> {
        self.path.iter().try_fold(report, |value, field| value.get(field))
    }

    fn parent<'a>(&self, report: &'a Value) -> Option<&'a Value> {
        let (_, parents) = self.path.split_last()?;
        parents.iter().try_fold(report, |value, field| value.get(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Latency;

    fn check(text: &str, passed: bool) {
        let mut report = Report { hits_sent: 10, ..Report::default() };
        report.ack_ms = Latency { count: 5, p99: 250.0, ..Latency::default() };
        report.judge(&[Threshold::parse(text).unwrap()]);
        assert_eq!(report.thresholds_passed(), passed, "{:?}", report.thresholds);
    }

    #[test]
    fn every_operator_compares_as_written() {
        let expected = [("<", false), ("<=", true), (">", false), (">=", true), ("==", true)];
        for (operator, passed) in expected {
            check(&format!("ack_ms.p99{operator}250"), passed);
            check(&format!(" hits_sent {operator} 10.0 "), passed);
        }
        check("hits_sent>=9", true);
        check("ack_ms.p99<249.9", false);
    }

    #[test]
    fn what_was_never_measured_is_within_no_bound() {
        check("truth_ms.p99<250", false);
        check("truth_ms.count==0", true);
        check("ledger_version>=0", false);
    }

    #[test]
    fn a_threshold_that_cannot_be_met_is_refused_at_once() {
        let error = |text: &str| Threshold::parse(text).unwrap_err();
        let text = |text: &str| text.to_owned();
        assert_eq!(error("ack_ms.p99"), ThresholdError::Operator(text("ack_ms.p99")));
        for bad in ["ack_ms.p99<", "ack_ms.p99<fast", "ack_ms.p99<inf"] {
            assert_eq!(error(bad), ThresholdError::Bound(text(bad)));
        }
        for bad in ["ack_ms.p98<1", "ack_ms<1", "targets<1", "<1", "ack_ms.p99.x<1"] {
            assert_eq!(error(bad), ThresholdError::Path(text(bad)));
        }
    }
}
