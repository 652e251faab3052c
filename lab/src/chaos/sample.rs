//! Looks at all shards again and again: how the boss does, and how old their truth is.

use super::nemesis::tell;
use super::setup::Setup;
use super::timeline::{Passed, Sample, ShardSample, SharedTimeline, Timeline};
use loadgen::driver::{Gauge, page};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// How long a shard has to answer. One that is stopped does not.
const ANSWER_MAX: Duration = Duration::from_millis(200);
/// Seconds between two lines of progress.
const LINE_EVERY: f64 = 1.0;

/// Takes samples, and writes a line of progress a second, until it is dropped.
pub(super) async fn watch(
    setup: Setup,
    addrs: Vec<watch::Receiver<Option<SocketAddr>>>,
    timeline: SharedTimeline,
    gauge: Gauge,
    start: Instant,
) {
    let every = Timeline::sample_every(setup.lasts());
    let mut samples = interval(Duration::from_micros(every.0));
    let mut line_at = 0.0;
    loop {
        samples.tick().await;
        let at_s = start.elapsed().as_secs_f64();
        let shards = look(&addrs).await;
        let sample = Sample { at_s, live: gauge.pulse().live, shards };
        if at_s >= line_at {
            line_at = at_s.floor() + LINE_EVERY;
            let name = |passed: &Passed| format!("{} on {}", passed.what, passed.who);
            let lasting: Vec<_> = timeline.lock().lasting().map(name).collect();
            tell(&sample.line(setup.players, setup.hp_max(), &lasting));
        }
        timeline.lock().sample(sample);
    }
}

async fn look(addrs: &[watch::Receiver<Option<SocketAddr>>]) -> Vec<Option<ShardSample>> {
    let mut looks = JoinSet::new();
    for (index, addr) in addrs.iter().enumerate() {
        let addr = *addr.borrow();
        looks.spawn(async move {
            let page = page(addr?, "/metrics", ANSWER_MAX).await.ok()?;
            Some((index, ShardSample::parse(&page)?))
        });
    }
    let mut shards = vec![None; addrs.len()];
    while let Some(looked) = looks.join_next().await {
        if let Ok(Some((index, sample))) = looked {
            shards[index] = Some(sample);
        }
    }
    shards
}
