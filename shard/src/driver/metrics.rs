//! What `/metrics` shows, in the words of the Prometheus conventions.

use super::budget::{Budget, Stage};
use crate::machine::{Counts, Machine};
use authority::door::Door;
use authority::sync::Service;
use authority::vitals;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use protocol::{CloseCode, PlayerMessage, State};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Label = [(&'static str, &'static str); 1];
type By = Family<Label, Counter>;
type Codes = Family<[(&'static str, u16); 1], Counter>;

/// Handles of all metrics. Cloning shares them.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    pub(super) connections: Gauge,
    players: Gauge,
    hits: By,
    damage: Counter,
    repeated: Counter,
    hellos_received: Counter,
    hits_received: Counter,
    closes: Codes,
    sent: Counter,
    skipped: Counter,
    pushes: By,
    unanswered: Counter,
    rollbacks: Counter,
    tick_seconds: Histogram,
    tick_late_seconds: Histogram,
    tick_milliseconds: Gauge,
    stages: Family<Label, Histogram, fn() -> Histogram>,
    sync_seconds: Histogram,
    truth_age_ms: Gauge,
    version: Gauge,
    hp: Gauge,
    ready: Gauge,
    suspects: Gauge,
    settled: Gauge,
    seen: Arc<Mutex<Counts>>,
}

impl Metrics {
    pub(super) fn new(sync: &Service, door: &Door) -> Self {
        let mut registry = Registry::with_prefix("worldboss");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The build", build);
        sync.register(&mut registry);
        door.register(&mut registry);
        let to = &mut registry;
        let messages: By = add(to, "messages_received", "Messages from players by type");
        let of_type = |messages: &By, kind| messages.get_or_create(&[("type", kind)]).clone();
        let mut metrics = Self {
            connections: add(to, "connections", "Open player connections"),
            players: add(to, "players", "Players connected to this shard"),
            hits: add(to, "hits", "Hits by result"),
            damage: add(to, "damage", "Damage accepted"),
            repeated: add(to, "hits_repeated", "Hits that were answered before"),
            hellos_received: of_type(&messages, "hello"),
            hits_received: of_type(&messages, "hit"),
            closes: add(to, "closes", "Connections closed by this shard, by close code"),
            sent: add(to, "frames_sent", "State frames that left"),
            skipped: add(to, "frames_skipped", "State frames that slow readers missed"),
            pushes: add(to, "pushes", "Pushes by what became of them"),
            unanswered: add(to, "authority_unanswered", "Requests without an answer"),
            rollbacks: add(to, "authority_rollbacks", "Times the authority had lost something"),
            truth_age_ms: add(to, "truth_age_milliseconds", "Age of the truth in the last frame"),
            version: add(to, "truth_version", "Version of the truth in the last frame"),
            hp: add(to, "boss_hp", "HP of the truth in the last frame"),
            ready: add(to, "ready", "1 while hits are taken"),
            suspects: add(to, "suspect_journals", "Journals that the authority has not heard of"),
            settled: add(to, "settled_generation", "Newest generation whose rewards are drawn"),
            tick_seconds: times(),
            tick_late_seconds: times(),
            tick_milliseconds: add(
                to,
                "tick_milliseconds",
                "Length of a tick, wider under overload",
            ),
            stages: Family::new_with_constructor(times),
            sync_seconds: times(),
            registry: Arc::default(),
            seen: Arc::default(),
        };
        to.register("tick_seconds", "Work of a tick", metrics.tick_seconds.clone());
        let (late, stages) = (metrics.tick_late_seconds.clone(), metrics.stages.clone());
        to.register("tick_late_seconds", "How long after its time a tick began", late);
        to.register("tick_stage_seconds", "Work of a tick by stage", stages);
        to.register(
            "journal_sync_seconds",
            "Sync of a tick's record",
            metrics.sync_seconds.clone(),
        );
        metrics.registry = Arc::new(registry);
        metrics
    }

    /// The page.
    pub(super) fn page(&self) -> String {
        vitals::page(&self.registry)
    }

    pub(super) fn received(&self, message: &PlayerMessage) {
        let count = match message {
            PlayerMessage::Hello(_) => &self.hellos_received,
            PlayerMessage::Hit(_) => &self.hits_received,
        };
        count.inc();
    }

    pub(super) fn closed(&self, code: CloseCode) {
        self.closes.get_or_create(&[("code", code.code())]).inc();
    }

    /// State frames left, and others were skipped.
    pub(super) fn delivered(&self, sent: u64, skipped: u64) {
        for (counter, frames) in [(&self.sent, sent), (&self.skipped, skipped)] {
            if frames > 0 {
                counter.inc_by(frames);
            }
        }
    }

    pub(super) fn synced(&self, took: Duration) {
        self.sync_seconds.observe(took.as_secs_f64());
    }

    /// A tick has spent this, and the next one is so long.
    pub(super) fn worked(&self, budget: &Budget, tick_ms: u16) {
        self.tick_seconds.observe(budget.total().as_secs_f64());
        self.tick_late_seconds.observe(budget.late.as_secs_f64());
        self.tick_milliseconds.set(tick_ms.into());
        for stage in Stage::ALL {
            let times = self.stages.get_or_create(&[("stage", stage.name())]);
            times.observe(budget.of(stage).as_secs_f64());
        }
    }

    /// Takes over what a tick changed.
    pub(super) fn ticked(&self, counts: &Counts, state: &State, ready: bool) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.truth_age_ms.set(gauge(state.age_ms));
        self.version.set(gauge(state.version.0));
        self.hp.set(gauge(state.hp));
        self.ready.set(i64::from(ready));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = self.hits.get_or_create(&[("result", "accepted")]).clone();
        accepted.inc_by(counts.accepted - seen.accepted);
        self.damage.inc_by(counts.damage - seen.damage);
        self.repeated.inc_by(counts.repeated - seen.repeated);
        self.unanswered.inc_by(counts.unanswered - seen.unanswered);
        self.rollbacks.inc_by(counts.rollbacks - seen.rollbacks);
        for (reason, total) in &counts.refused {
            let before = seen.refused.get(reason).copied().unwrap_or(0);
            self.hits.get_or_create(&[("result", reason.name())]).inc_by(total - before);
        }
        for (verdict, total) in &counts.verdicts {
            let before = seen.verdicts.get(verdict).copied().unwrap_or(0);
            self.pushes.get_or_create(&[("verdict", *verdict)]).inc_by(total - before);
        }
        *seen = counts.clone();
    }

    /// Takes over what the game knows of players and of the boss.
    pub(super) fn looked(&self, machine: &Machine) {
        self.players.set(i64::from(machine.online()));
        self.suspects.set(i64::try_from(machine.suspects()).unwrap_or(i64::MAX));
        self.settled.set(i64::from(machine.settled().0));
    }
}

/// Seconds, from a tenth of a millisecond to five.
fn times() -> Histogram {
    let decades = [0.000_1, 0.001, 0.01, 0.1, 1.0];
    Histogram::new(decades.into_iter().flat_map(|ten| [ten, 2.0 * ten, 5.0 * ten]))
}

fn add<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}
