//! Carries out a plan: begins each fault, sees that it meets something, and ends it.

use super::agenda::{Agenda, Step};
use super::cluster::Cluster;
use super::fault::{Deed, Fault, Kind, OnLink, OnProcess, Part, Who};
use super::link;
use super::plan::Plan;
use super::process::{END_MAX, is_paused};

use super::timeline::{SharedTimeline, seconds};
use super::victim::Victim;
use loadgen::driver::ProxyCounts;
use loadgen::machine::grouped;
use protocol::Micros;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a fault may last beyond its time until it has met something, such as a link without
/// traffic because its other end is down.
const MEET_MAX: Micros = Micros::from_millis(15_000);
/// Until a fault that is over at once is looked at.
const MOMENT: Micros = Micros::from_millis(300);
/// When a step that could not be taken yet is tried again.
const AGAIN: Micros = Micros::from_millis(100);
/// How often the nemesis looks who has ended by itself.
const LOOK: Micros = Micros::from_millis(200);

/// Who brings the faults.
#[derive(Debug)]
pub(super) struct Nemesis<'a> {
    cluster: &'a mut Cluster,
    plan: &'a Plan,
    timeline: SharedTimeline,
    start: Instant,
    agenda: Agenda,
    lasting: BTreeMap<usize, Lasting>,
}

/// A fault that has begun.
#[derive(Debug)]
struct Lasting {
    /// Its position in the timeline.
    passed: usize,
    since: Micros,
    links: ProxyCounts,
    pids: Vec<u32>,
}

/// What became of the attempt to end a fault.
enum End {
    /// It is over, and this shows that it was there.
    Met(String),
    /// It is over, and nothing shows it.
    Unmet,
    /// It must last a little longer.
    NotYet,
}

impl<'a> Nemesis<'a> {
    pub(super) fn new(
        cluster: &'a mut Cluster,
        plan: &'a Plan,
        timeline: SharedTimeline,
        start: Instant,
    ) -> Self {
        let mut agenda = Agenda::default();
        for (index, fault) in plan.faults.iter().enumerate() {
            agenda.put(fault.at, Step::Begin(index));
        }
        Self { cluster, plan, timeline, start, agenda, lasting: BTreeMap::new() }
    }

    /// Until the plan is through, and `lasts` is over.
    pub(super) async fn run(mut self, lasts: Micros) {
        loop {
            while let Some(step) = self.agenda.poll_step(self.now()) {
                match step {
                    Step::Begin(index) => self.begin(index).await,
                    Step::End(index) => self.end(index).await,
                }
            }
            self.cluster.replace_ended().await;
            let (now, next) = (self.now(), self.agenda.poll_timeout());
            if next.is_none() && now >= lasts {
                return;
            }
            let at = next.unwrap_or(lasts).min(now + LOOK);
            sleep_until(self.start + Duration::from_micros(at.0)).await;
        }
    }

    fn now(&self) -> Micros {
        Micros::from(self.start.elapsed())
    }

    async fn begin(&mut self, index: usize) {
        let fault = self.plan.faults[index];
        let is_touched = |other: &usize| self.plan.faults[*other].who.touches(fault.who);
        // One before it lasts longer than planned, or there is nothing that it could take back.
        if self.lasting.keys().any(is_touched) || self.is_too_soon(&fault) {
            return self.agenda.put(self.now() + AGAIN, Step::Begin(index));
        }
        let passed = self.timeline.lock().begin(self.now(), &fault);
        say(self.now(), &format!("{fault} begins"));
        let lasting = Lasting {
            passed,
            since: self.now(),
            links: link::sum(&self.cluster.links(fault.who)),
            pids: self.pids(fault.who),
        };
        match self.carry_out(&fault).await {
            Ok(()) => {
                self.lasting.insert(index, lasting);
                let lasts = if fault.deed.kind().is_momentary() { MOMENT } else { fault.lasts };
                self.agenda.put(self.now() + lasts, Step::End(index));
            }
            Err(why) => self.is_over(passed, &fault, Err(why)),
        }
    }

    /// Whether a fail-over would take nothing back yet: a dead boss takes no damage, and no step of
    /// its settlement is taken without the replica.
    fn is_too_soon(&self, fault: &Fault) -> bool {
        let is_late = self.now() >= fault.at + MEET_MAX;
        fault.deed.kind() == Kind::FailOver && !is_late && !self.timeline.lock().shows_alive()
    }

    async fn end(&mut self, index: usize) {
        let fault = self.plan.faults[index];
        let Some(lasting) = self.lasting.remove(&index) else { return };
        let ended = match fault.deed {
            Deed::Link(deed) => Ok(self.end_of_link(deed, &fault, &lasting)),
            Deed::Process(deed) => self.end_of_process(deed, &fault, &lasting).await,
        };
        let met = match ended {
            Ok(End::NotYet) => {
                self.lasting.insert(index, lasting);
                return self.agenda.put(self.now() + AGAIN, Step::End(index));
            }
            Ok(End::Met(met)) => Ok(Some(met)),
            Ok(End::Unmet) => Ok(None),
            Err(why) => Err(why),
        };
        self.is_over(lasting.passed, &fault, met);
    }

    fn is_over(&self, passed: usize, fault: &Fault, met: Result<Option<String>, String>) {
        let what = match &met {
            Ok(Some(met)) => format!("{fault} is over: {met}"),
            Ok(None) => format!("{fault} is over, and has met nothing"),
            Err(why) => format!("{fault} has failed: {why}"),
        };
        say(self.now(), &what);
        self.timeline.lock().end(self.now(), passed, met);
    }

    async fn carry_out(&mut self, fault: &Fault) -> Result<(), String> {
        let deed = match fault.deed {
            Deed::Link(deed) => {
                let links = self.cluster.links(fault.who);
                links.into_iter().for_each(|link| link::begin(link, deed));
                return Ok(());
            }
            Deed::Process(deed) => deed,
        };
        for mut victim in self.cluster.victims(fault.who) {
            match deed {
                OnProcess::Kill => victim.kill().await?,
                OnProcess::Pause => victim.pause().await?,
                OnProcess::Restart => victim.ask_to_end().await?,
                OnProcess::FailOver => victim.cut_tie()?,
            }
        }
        Ok(())
    }

    fn end_of_link(&self, deed: OnLink, fault: &Fault, lasting: &Lasting) -> End {
        let links = self.cluster.links(fault.who);
        let (count, what) = link::measure(deed, &lasting.links, &link::sum(&links));
        let is_late = self.now() >= lasting.since + fault.lasts + MEET_MAX;
        if count == 0 && !is_late {
            links.into_iter().for_each(|link| link::begin_again(link, deed));
            return End::NotYet;
        }
        links.into_iter().for_each(link::heal);
        if count == 0 { End::Unmet } else { End::Met(format!("{what}: {}", grouped(count))) }
    }

    async fn end_of_process(
        &mut self,
        deed: OnProcess,
        fault: &Fault,
        lasting: &Lasting,
    ) -> Result<End, String> {
        match deed {
            OnProcess::Kill => self.start_again(fault.who, lasting),
            OnProcess::Pause => self.end_of_pause(fault.who, lasting).await,
            OnProcess::Restart => {
                let is_late = self.now() >= lasting.since + fault.lasts + Micros::from(END_MAX);
                let mut wrong = None;
                for mut victim in self.cluster.victims(fault.who) {
                    match victim.has_ended().await {
                        Ok(true) => continue,
                        Ok(false) if !is_late => return Ok(End::NotYet),
                        Ok(false) => wrong = Some("it did not end when it was asked to".to_owned()),
                        Err(why) => wrong = Some(why),
                    }
                    victim.kill().await?;
                }
                let met = self.start_again(fault.who, lasting)?;
                wrong.map_or(Ok(met), Err)
            }
            OnProcess::FailOver => {
                let fallen = self.cluster.victims(fault.who).into_iter().next();
                let mut fallen = fallen.ok_or("there is no truth")?;
                let lost = fallen.unheard()?;
                let who = fallen.fail_over()?;
                let met = || format!("{who}, {} entries of the log taken back", grouped(lost));
                Ok(if lost == 0 { End::Unmet } else { End::Met(met()) })
            }
        }
    }

    fn start_again(&mut self, who: Who, lasting: &Lasting) -> Result<End, String> {
        for mut victim in self.cluster.victims(who) {
            victim.start()?;
        }
        let (old, new) = (&lasting.pids, self.pids(who));
        let is_new = old.len() == new.len() && old.iter().all(|pid| !new.contains(pid));
        let named = |pids: &[u32]| pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let met = || End::Met(format!("process {} became {}", named(old), named(&new)));
        Ok(if is_new && !new.is_empty() { met() } else { End::Unmet })
    }

    async fn end_of_pause(&mut self, who: Who, lasting: &Lasting) -> Result<End, String> {
        let lasted = seconds(self.now().since(lasting.since));
        let is_met = !lasting.pids.is_empty() && lasting.pids.iter().all(|pid| is_paused(*pid));
        for mut victim in self.cluster.victims(who) {
            victim.resume().await?;
        }
        Ok(if is_met { End::Met(format!("stopped for {lasted:.1} s")) } else { End::Unmet })
    }

    fn pids(&mut self, who: Who) -> Vec<u32> {
        match who.part {
            Part::Players | Part::Uplink => Vec::new(),
            Part::Truth | Part::Shard => {
                self.cluster.victims(who).iter().filter_map(Victim::pid).collect()
            }
        }
    }
}

fn say(now: Micros, what: &str) {
    tell(&format!("{:>5.0} s  {what}", seconds(now)));
}

/// Writes a line of progress. Nobody may be listening, and the run goes on all the same.
pub(super) fn tell(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
