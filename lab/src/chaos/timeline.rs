//! What happened, and when: faults, and beside them what shards showed of the boss.

use super::fault::{Fault, Kind};
use loadgen::machine::grouped;
use protocol::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Samples of a run; the pause between two follows from it.
const SAMPLES_MAX: u64 = 4_000;
/// The shortest pause between two samples.
const SAMPLE_EVERY: Micros = Micros::from_millis(250);

/// Times are seconds since the load began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The faults that have begun, in this order.
    pub faults: Vec<Passed>,
    /// What was seen beside them.
    pub samples: Vec<Sample>,
}

/// A fault that has happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Passed {
    /// Its kind's name.
    pub kind: String,
    /// Whom it happened to.
    pub who: String,
    /// The kind with its measure.
    pub what: String,
    /// When it began.
    pub at_s: f64,
    /// When it was over; none while it lasts.
    pub until_s: Option<f64>,
    /// What shows that it happened; none if nothing does.
    pub met: Option<String>,
    /// Why it could not be carried out.
    pub failed: Option<String>,
}

/// What all shards showed at a moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at_s: f64,
    /// Players who see the boss.
    pub live: u32,
    /// By position; none where a shard did not answer, or had no truth yet.
    pub shards: Vec<Option<ShardSample>>,
}

/// What one shard showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardSample {
    /// The version of its truth.
    pub version: u64,
    /// The boss's HP in it.
    pub hp: u64,
    /// How old it is.
    pub age_ms: u64,
    /// Whether it took hits.
    pub ready: bool,
}

/// What became of all faults of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// How many were carried out.
    pub happened: u64,
    /// How many of them met something.
    pub met: u64,
}

/// The run's timeline, written by the nemesis and by who takes samples.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTimeline(Arc<Mutex<Timeline>>);

impl SharedTimeline {
    pub(super) fn lock(&self) -> MutexGuard<'_, Timeline> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timeline {
    /// The pause between two samples of a run.
    pub(super) fn sample_every(lasts: Micros) -> Micros {
        Micros(SAMPLE_EVERY.0.max(lasts.0 / SAMPLES_MAX))
    }

    /// A fault begins; answers its position here.
    pub(super) fn begin(&mut self, now: Micros, fault: &Fault) -> usize {
        self.faults.push(Passed {
            kind: fault.deed.kind().name().to_owned(),
            who: fault.who.to_string(),
            what: fault.deed.to_string(),
            at_s: seconds(now),
            ..Passed::default()
        });
        self.faults.len() - 1
    }

    /// A fault is over, with what it met, or why it could not be.
    pub(super) fn end(&mut self, now: Micros, index: usize, met: Result<Option<String>, String>) {
        let passed = &mut self.faults[index];
        passed.until_s = Some(seconds(now));
        match met {
            Ok(met) => passed.met = met,
            Err(why) => passed.failed = Some(why),
        }
    }

    /// Takes a sample; beyond what a run needs there is none.
    pub(super) fn sample(&mut self, sample: Sample) {
        if (self.samples.len() as u64) < 2 * SAMPLES_MAX {
            self.samples.push(sample);
        }
    }

    /// Whether the boss was alive when it was last seen.
    pub(super) fn shows_alive(&self) -> bool {
        let newest = self.samples.last().and_then(Sample::newest);
        newest.is_some_and(|shard| shard.hp > 0)
    }

    /// The faults that last.
    pub(super) fn lasting(&self) -> impl Iterator<Item = &Passed> {
        self.faults.iter().filter(|passed| passed.until_s.is_none())
    }

    /// What became of each kind that was there.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<String, KindCount> {
        let mut kinds = BTreeMap::<_, KindCount>::new();
        for kind in Kind::ALL {
            for passed in self.faults.iter().filter(|passed| passed.kind == kind.name()) {
                let count = kinds.entry(passed.kind.clone()).or_default();
                count.happened += u64::from(passed.failed.is_none());
                count.met += u64::from(passed.met.is_some());
            }
        }
        kinds
    }
}

impl Sample {
    /// What the shard with the newest truth shows.
    #[must_use]
    pub fn newest(&self) -> Option<&ShardSample> {
        self.shards.iter().flatten().max_by_key(|shard| shard.version)
    }

    /// The oldest truth of all shards that answered.
    #[must_use]
    pub fn age_ms(&self) -> Option<u64> {
        self.shards.iter().flatten().map(|shard| shard.age_ms).max()
    }

    /// A line of progress.
    pub(super) fn line(&self, players: u32, hp_max: u64, lasting: &[String]) -> String {
        let Self { at_s, live, .. } = self;
        let hp = self.newest().map_or_else(|| "?".to_owned(), |shard| grouped(shard.hp));
        let age = self.age_ms().map_or_else(|| "?".to_owned(), grouped);
        let faults = if lasting.is_empty() { String::new() } else { ": ".to_owned() };
        let (hp_max, faults) = (grouped(hp_max), faults + &lasting.join(", "));
        format!(
            "{at_s:>5.0} s  {live}/{players} players, HP {hp} of {hp_max}, truth {age} ms old\
             {faults}"
        )
    }
}

impl ShardSample {
    /// What a page of metrics says; none if it lacks something, or shows no truth yet.
    pub(super) fn parse(page: &str) -> Option<Self> {
        let value = |name: &str| {
            let named = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
            page.lines().find_map(named)
        };
        Some(Self {
            version: value("worldboss_truth_version").filter(|version| *version > 0)?,
            hp: value("worldboss_boss_hp")?,
            age_ms: value("worldboss_truth_age_milliseconds")?,
            ready: value("worldboss_ready")? == 1,
        })
    }
}

pub(super) fn seconds(micros: Micros) -> f64 {
    micros.0 as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::fault::{Deed, OnProcess, Part, Who};

    #[test]
    fn a_page_of_metrics_is_a_sample() {
        let page = "# TYPE worldboss_boss_hp gauge\nworldboss_boss_hp 12\n\
                    worldboss_truth_version 7\nworldboss_truth_age_milliseconds 130\n\
                    worldboss_ready 1\n";
        let sample = ShardSample { version: 7, hp: 12, age_ms: 130, ready: true };
        assert_eq!(ShardSample::parse(page), Some(sample));
        assert_eq!(ShardSample::parse("worldboss_boss_hp 12\n"), None);
        assert_eq!(ShardSample::parse(&page.replace("version 7", "version 0")), None);
    }

    #[test]
    fn the_newest_truth_is_shown_and_the_oldest_is_how_old_it_is() {
        let shard = |version, hp, age_ms| Some(ShardSample { version, hp, age_ms, ready: true });
        let shards = vec![shard(7, 900, 50), None, shard(9, 800, 40)];
        let sample = Sample { at_s: 12.3, live: 99, shards };
        let line = sample.line(100, 1_000, &["pause on truth".to_owned()]);
        assert_eq!(
            line,
            "   12 s  99/100 players, HP 800 of 1,000, truth 50 ms old: pause on truth"
        );
        let mut timeline = Timeline::default();
        assert!(!timeline.shows_alive(), "nobody has seen it");
        timeline.sample(sample);
        assert!(timeline.shows_alive());
        timeline.sample(Sample { shards: vec![shard(9, 0, 40)], ..Sample::default() });
        assert!(!timeline.shows_alive());
        assert!(Sample::default().line(1, 1, &[]).contains("HP ? of 1, truth ? ms old"));
    }

    #[test]
    fn faults_are_counted_by_kind_and_by_what_they_met() {
        let mut timeline = Timeline::default();
        let who = Who { part: Part::Truth, shard: None };
        let deed = Deed::Process(OnProcess::Kill);
        let fault = Fault { at: Micros(0), lasts: Micros(0), deed, who };
        for met in [Ok(Some("pid 1 to 2".to_owned())), Ok(None), Err("gone".to_owned())] {
            let index = timeline.begin(Micros(1_000_000), &fault);
            assert_eq!(timeline.lasting().count(), 1);
            timeline.end(Micros(2_000_000), index, met);
        }
        let expected = KindCount { happened: 2, met: 1 };
        assert_eq!(timeline.kinds(), [("kill".to_owned(), expected)].into());
        assert_eq!((timeline.faults[0].at_s, timeline.faults[0].until_s), (1.0, Some(2.0)));
    }

    #[test]
    fn a_long_run_has_no_more_samples_than_a_short_one_needs() {
        let every = |seconds: u64| Timeline::sample_every(Micros::from_millis(1_000 * seconds)).0;
        assert_eq!(every(300), 250_000);
        assert!(86_400_000_000 / every(86_400) <= SAMPLES_MAX);
    }
}
