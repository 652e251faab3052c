//! A file of faults, and what is drawn for it, as a schedule. Parsed once; every mistake is named
//! with its line and its cure.

mod draw;
#[cfg(test)]
mod tests;

use super::fault::{Deed, Fault, Kind, OnLink, OnProcess, Who};
use super::setup::Setup;
use loadgen::driver::Way;
use protocol::Micros;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

/// Bytes of a file. Longer: it is refused.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// Faults of a run, written and drawn. More: the file is refused.
const FAULTS_MAX: usize = 1_000;

/// What holds where a file does not say it: how long a fault lasts that is not over at once, how
/// late a slow link is, and what a narrow one carries.
const LASTS: Duration = Duration::from_secs(3);
const BY: Duration = Duration::from_millis(200);
const BYTES_PER_S: u64 = 20_000;
/// The latest that a slow link may be. Later: the file is refused.
const BY_MAX: Duration = Duration::from_secs(10);

/// The faults of a run, in the order in which they begin. No two that overlap touch the same part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// All of them.
    pub faults: Vec<Fault>,
}

/// A mistake in a file of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Spanned<FaultTable>>,
    random: Option<Spanned<RandomTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultTable {
    at: Spanned<String>,
    kind: Spanned<String>,
    who: Spanned<String>,
    #[serde(rename = "for")]
    lasts: Option<Spanned<String>>,
    by: Option<Spanned<String>>,
    bytes_per_s: Option<Spanned<u64>>,
    after_bytes: Option<Spanned<u64>>,
    way: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomTable {
    count: Spanned<usize>,
    kinds: Option<Spanned<Vec<Spanned<String>>>>,
}

impl Plan {
    /// Reads a file, draws what it leaves to chance, and checks that all of it can happen.
    ///
    /// # Errors
    /// The first mistake, with its line and what would be right.
    pub fn parse(text: &str, setup: &Setup) -> Result<Self, PlanError> {
        if text.len() > FILE_BYTES_MAX {
            let len = text.len();
            let what = format!("the file has {len} bytes, at most {FILE_BYTES_MAX} are read");
            return Err(PlanError(what));
        }
        let file: File = toml::from_str(text).map_err(|error| PlanError(error.to_string()))?;
        Reader { text, setup }.plan(&file)
    }

    /// How many there are of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.faults.iter().filter(|fault| fault.deed.kind() == kind).count()
    }
}

/// Checks values; the text turns a position into a line.
struct Reader<'a> {
    text: &'a str,
    setup: &'a Setup,
}

impl Reader<'_> {
    fn plan(&self, file: &File) -> Result<Plan, PlanError> {
        let mut faults: Vec<Fault> = Vec::new();
        let drawn = file.random.as_ref().map_or(0, |random| *random.as_ref().count.as_ref());
        if file.fault.len().saturating_add(drawn) > FAULTS_MAX {
            let what = format!("a run has at most {FAULTS_MAX} faults: write or draw fewer");
            return Err(PlanError(what));
        }
        for table in &file.fault {
            let fault = self.fault(table.as_ref())?;
            if let Some(other) = faults.iter().find(|other| overlap(other, &fault)) {
                let (until, who) = (seconds(other.until()), other.who);
                let what = format!(
                    "`{fault}` begins before `{other}` is over, at {until}, and both touch {who}: \
                     move one of them"
                );
                return Err(self.at(&table.as_ref().at, &what));
            }
            faults.push(fault);
        }
        if let Some(random) = &file.random {
            self.draw(random.as_ref(), &mut faults)?;
        }
        if faults.is_empty() {
            let what = "no faults: a run without one proves nothing; write a [[fault]], or a \
                        [random] table with a `count`";
            return Err(PlanError(what.to_owned()));
        }
        faults.sort_by_key(|fault| fault.at);
        Ok(Plan { faults })
    }

    fn fault(&self, table: &FaultTable) -> Result<Fault, PlanError> {
        let kind = self.kind(&table.kind)?;
        let who = self.who(kind, &table.who)?;
        let deed = self.deed(kind, table)?;
        let at = self.micros("at", &table.at)?;
        let lasts = match &table.lasts {
            Some(lasts) if kind.is_momentary() => {
                let what = format!("a {} is over at once: remove `for`", kind.name());
                return Err(self.at(lasts, &what));
            }
            Some(lasts) => self.micros("for", lasts)?,
            None => match kind {
                Kind::HalfClose
                | Kind::Reset
                | Kind::CutAnswer
                | Kind::Kill
                | Kind::Restart
                | Kind::FailOver => Micros(0),
                Kind::Latency
                | Kind::Jitter
                | Kind::Throttle
                | Kind::BlackHole
                | Kind::Refuse
                | Kind::Pause => Micros::from(LASTS),
            },
        };
        let fault = Fault { at, lasts, deed, who };
        if fault.until() > self.setup.lasts() {
            let (until, end) = (seconds(fault.until()), seconds(self.setup.lasts()));
            let what = format!(
                "`{fault}` ends at {until}, and the load at {end}: move it, or set a longer \
                 --duration"
            );
            return Err(self.at(&table.at, &what));
        }
        Ok(fault)
    }

    fn kind(&self, name: &Spanned<String>) -> Result<Kind, PlanError> {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name.as_ref());
        let kind = known.ok_or_else(|| {
            let names = Kind::ALL.map(Kind::name).join(", ");
            self.at(
                name,
                &format!("there is no kind \"{}\", expected one of {names}", name.as_ref()),
            )
        })?;
        if !kind.is_for(self.setup.truth) {
            let what = format!(
                "`{}` needs a replica: set --truth redis, or write `kill` or `restart`",
                kind.name()
            );
            return Err(self.at(name, &what));
        }
        Ok(kind)
    }

    fn who(&self, kind: Kind, name: &Spanned<String>) -> Result<Who, PlanError> {
        let known = Who::all(self.setup).find(|who| who.to_string() == *name.as_ref());
        let names = |is_for: &dyn Fn(Who) -> bool| {
            let names: Vec<_> = Who::all(self.setup).filter(|who| is_for(*who)).collect();
            let names: Vec<_> = names.iter().map(Who::to_string).collect();
            names.join(", ")
        };
        let wrong = name.as_ref();
        let Some(who) = known else {
            let what = format!("there is no \"{wrong}\" here, only {}", names(&|_| true));
            return Err(self.at(name, &what));
        };
        if !kind.parts().contains(&who.part) {
            let fit = names(&|who| kind.parts().contains(&who.part));
            let what = format!("`{}` can't happen to {wrong}, only to {fit}", kind.name());
            return Err(self.at(name, &what));
        }
        Ok(who)
    }

    fn deed(&self, kind: Kind, table: &FaultTable) -> Result<Deed, PlanError> {
        let FaultTable { by, bytes_per_s, after_bytes, way, .. } = table;
        let slow = [Kind::Latency, Kind::Jitter];
        self.only(kind, "by", by.as_ref(), &slow)?;
        self.only(kind, "bytes_per_s", bytes_per_s.as_ref(), &[Kind::Throttle])?;
        self.only(kind, "after_bytes", after_bytes.as_ref(), &[Kind::CutAnswer])?;
        self.only(kind, "way", way.as_ref(), &[Kind::HalfClose])?;
        Ok(match kind {
            Kind::Latency => Deed::Link(OnLink::Latency { by: self.by(by.as_ref())? }),
            Kind::Jitter => Deed::Link(OnLink::Jitter { by: self.by(by.as_ref())? }),
            Kind::Throttle => {
                let bytes_per_s = self.bytes_per_s(bytes_per_s.as_ref())?;
                Deed::Link(OnLink::Throttle { bytes_per_s })
            }
            Kind::BlackHole => Deed::Link(OnLink::BlackHole),
            Kind::HalfClose => Deed::Link(OnLink::HalfClose { way: self.way(way.as_ref())? }),
            Kind::Reset => Deed::Link(OnLink::Reset),
            Kind::CutAnswer => {
                let after_bytes = after_bytes.as_ref().map_or(0, |bytes| *bytes.as_ref());
                Deed::Link(OnLink::CutAnswer { after_bytes })
            }
            Kind::Refuse => Deed::Link(OnLink::Refuse),
            Kind::Kill => Deed::Process(OnProcess::Kill),
            Kind::Pause => Deed::Process(OnProcess::Pause),
            Kind::Restart => Deed::Process(OnProcess::Restart),
            Kind::FailOver => Deed::Process(OnProcess::FailOver),
        })
    }

    /// A key may stand with some kinds alone.
    fn only<T>(
        &self,
        kind: Kind,
        key: &str,
        value: Option<&Spanned<T>>,
        kinds: &[Kind],
    ) -> Result<(), PlanError> {
        let Some(value) = value.filter(|_| !kinds.contains(&kind)) else { return Ok(()) };
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let (names, kind) = (names.join(" and "), kind.name());
        let what = format!("`{key}` belongs to {names}, and this is a {kind}: remove it");
        Err(self.at(value, &what))
    }

    fn by(&self, by: Option<&Spanned<String>>) -> Result<Duration, PlanError> {
        let Some(text) = by else { return Ok(BY) };
        let by = self.duration("by", text)?;
        if by.is_zero() || by > BY_MAX {
            return Err(self.at(text, "`by` is out of range, expected 1ms to 10s"));
        }
        Ok(by)
    }

    fn bytes_per_s(&self, rate: Option<&Spanned<u64>>) -> Result<u64, PlanError> {
        match rate {
            Some(rate) if *rate.as_ref() == 0 => {
                let what = "0 bytes a second are a black hole: write kind = \"black_hole\"";
                Err(self.at(rate, what))
            }
            Some(rate) => Ok(*rate.as_ref()),
            None => Ok(BYTES_PER_S),
        }
    }

    fn way(&self, way: Option<&Spanned<String>>) -> Result<Way, PlanError> {
        let Some(way) = way else { return Ok(Way::Requests) };
        match way.as_ref().as_str() {
            "requests" => Ok(Way::Requests),
            "replies" => Ok(Way::Replies),
            wrong => {
                let what = format!("`way` is \"{wrong}\", expected \"requests\" or \"replies\"");
                Err(self.at(way, &what))
            }
        }
    }

    fn micros(&self, key: &str, text: &Spanned<String>) -> Result<Micros, PlanError> {
        self.duration(key, text).map(Micros::from)
    }

    fn duration(&self, key: &str, text: &Spanned<String>) -> Result<Duration, PlanError> {
        humantime::parse_duration(text.as_ref()).map_err(|error| {
            let wrong = text.as_ref();
            let what =
                format!("`{key}` is \"{wrong}\": {error}; expected such as \"2s\", \"1m 5s\"");
            self.at(text, &what)
        })
    }

    fn at<T>(&self, value: &Spanned<T>, what: &str) -> PlanError {
        let before = &self.text[..value.span().start.min(self.text.len())];
        PlanError(format!("line {}: {what}", before.matches('\n').count() + 1))
    }
}

/// Whether two faults touch the same part at the same time.
fn overlap(one: &Fault, other: &Fault) -> bool {
    one.who.touches(other.who) && one.at <= other.until() && other.at <= one.until()
}

fn seconds(micros: Micros) -> String {
    format!("{} s", micros.0 as f64 / 1e6)
}
