//! When players want to hit: three models of it, and a rate that changes over time.

use protocol::Micros;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Hits per second that the basic skill allows.
pub const RATE_MAX: f64 = 8.0;

/// From one common hit to the next.
const PERIODS: RangeInclusive<Micros> = Micros::from_millis(125)..=Micros::from_millis(3_600_000);

/// How hits come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Each player by itself, at random, whether or not anybody answers: a Poisson process.
    #[default]
    Poisson,
    /// The next hit is planned when the one before is answered, a random time later. A server that
    /// answers slowly gets fewer hits, so the latencies hide how long players would have waited.
    Closed,
    /// All players at the same moments: this long after the start, twice as long, and so on.
    Every(Micros),
}

/// A text that names no model of arrivals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no arrivals, expected `poisson`, `closed` or `every:5s` (125ms to 1h)")]
pub struct ArrivalsError(String);

impl FromStr for Arrivals {
    type Err = ArrivalsError;

    fn from_str(text: &str) -> Result<Self, ArrivalsError> {
        let every = |period: &str| {
            let period = Micros::from(humantime::parse_duration(period).ok()?);
            PERIODS.contains(&period).then_some(Self::Every(period))
        };
        let arrivals = match text {
            "poisson" => Some(Self::Poisson),
            "closed" => Some(Self::Closed),
            _ => text.strip_prefix("every:").and_then(every),
        };
        arrivals.ok_or_else(|| ArrivalsError(text.to_owned()))
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poisson => f.write_str("poisson"),
            Self::Closed => f.write_str("closed"),
            Self::Every(period) => {
                let period = humantime::format_duration(Duration::from_micros(period.0));
                write!(f, "every:{}", period.to_string().replace(' ', ""))
            }
        }
    }
}

/// Hits a second of one player, since the load's start: each rate holds from its moment to that of
/// the next one, the last one for ever. Before the first one there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates(Arc<[(Micros, f64)]>);

impl Rates {
    /// The same rate all the time.
    #[must_use]
    pub fn constant(rate_per_s: f64) -> Self {
        Self::steps(vec![(Micros(0), rate_per_s)])
    }

    /// Rates from their moments on, in any order.
    #[must_use]
    pub fn steps(mut steps: Vec<(Micros, f64)>) -> Self {
        steps.sort_by_key(|(at, _)| *at);
        Self(steps.into())
    }

    /// The rate at this moment.
    #[must_use]
    pub fn at(&self, at: Micros) -> f64 {
        let behind = self.0.partition_point(|(from, _)| *from <= at);
        behind.checked_sub(1).map_or(0.0, |idx| self.0[idx].1)
    }

    /// When so many hits are due, on average, of a player who begins at `from`; none for never.
    pub(super) fn due(&self, from: Micros, hits: f64) -> Option<Micros> {
        let (mut at, mut left) = (from, hits);
        let behind = self.0.partition_point(|(begin, _)| *begin <= from);
        for (end, _) in &self.0[behind..] {
            let rate = self.at(at);
            let room = rate * end.since(at).0 as f64 / 1_000_000.0;
            if rate > 0.0 && left <= room {
                break;
            }
            (at, left) = (*end, left - room);
        }
        let rate = self.at(at);
        (rate > 0.0).then(|| at + rounded(left * 1_000_000.0 / rate))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and a cast of a float saturates"
)]
fn rounded(us: f64) -> Micros {
    Micros(us.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Micros {
        Micros::from_millis(1_000 * secs)
    }

    #[test]
    fn arrivals_are_read_as_they_are_written() {
        for text in ["poisson", "closed", "every:5s", "every:1m 30s", "every:125ms", "every:1h"] {
            let arrivals: Arrivals = text.parse().unwrap();
            assert_eq!(arrivals.to_string(), text.replace(' ', ""));
            assert_eq!(arrivals.to_string().parse(), Ok(arrivals));
        }
    }

    #[test]
    fn arrivals_that_are_none_say_what_would_be_some() {
        for text in ["", "Poisson", "every", "every:", "every:5", "every:124ms", "every:61m"] {
            let error = text.parse::<Arrivals>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` names")), "{error}");
            assert!(error.contains("`every:5s` (125ms to 1h)"), "{error}");
        }
    }

    #[test]
    fn a_rate_holds_until_the_next_one() {
        let rates = Rates::steps(vec![(secs(10), 4.0), (secs(5), 2.0)]);
        let at = [0, 5, 9, 10, 1_000].map(|at| rates.at(secs(at)));
        assert_eq!(at, [0.0, 2.0, 2.0, 4.0, 4.0]);
    }

    #[test]
    fn hits_are_due_when_the_rates_add_up_to_them() {
        let rates = Rates::steps(vec![(secs(0), 2.0), (secs(5), 0.0), (secs(8), 4.0)]);
        assert_eq!(rates.due(secs(1), 3.0), Some(Micros::from_millis(2_500)));
        assert_eq!(rates.due(secs(1), 8.0), Some(secs(5)));
        assert_eq!(rates.due(secs(1), 10.0), Some(Micros::from_millis(8_500)));
        assert_eq!(rates.due(secs(6), 1.0), Some(Micros::from_millis(8_250)));
        assert_eq!(rates.due(secs(6), 0.0), Some(secs(8)));
        assert_eq!(rates.due(secs(20), 1.0), Some(Micros::from_millis(20_250)));
    }

    #[test]
    fn nothing_is_due_where_the_rate_stays_zero() {
        assert_eq!(Rates::constant(0.0).due(secs(0), 1.0), None);
        let ends = Rates::steps(vec![(secs(0), 1.0), (secs(5), 0.0)]);
        assert_eq!(ends.due(secs(0), 5.1), None);
        assert_eq!(ends.due(secs(0), 5.0), Some(secs(5)));
    }
}
