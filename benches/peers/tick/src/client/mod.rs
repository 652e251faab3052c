//! The client of all servers: one thread, epoll, players who hit twice a second and count what they
//! get. `peers-tick client` says on stdout when a phase begins, and at the end what it has counted.

mod dialect;
mod bar;
mod player;
mod report;

pub(crate) use dialect::Dialect;
pub(crate) use report::{Phase, Report};

use bar::{Bar, Told, Whose};
use loadgen::machine::Bars;
use player::{Got, Player};
use report::Counter;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What a client is to do.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Plan {
    /// The server.
    #[arg(long)]
    pub(crate) addr: SocketAddr,
    /// What it speaks.
    #[arg(long)]
    pub(crate) dialect: Dialect,
    /// How many players.
    #[arg(long)]
    pub(crate) players: usize,
    /// How long hits and frames are counted, in seconds.
    #[arg(long)]
    pub(crate) seconds: u64,
    /// How long frames alone are counted, in seconds.
    #[arg(long)]
    pub(crate) quiet_seconds: u64,
    /// The boss's HP before the first hit.
    #[arg(long)]
    pub(crate) hp_max: u64,
}

/// From one hit of a player to the next.
const HIT_EVERY: Duration = Duration::from_millis(500);
/// How long nothing is counted: after the last player is in, and after hits have ended.
const WARM_UP: Duration = Duration::from_secs(3);
const CALM_DOWN: Duration = Duration::from_secs(1);
/// In how many seconds these hits would kill the boss of worldboss, at least: its bar loses ten
/// pixels of 1,000 a second, one with each tick.
const LIFE_S: u64 = 100;
/// Where bars are compared, every how many players are witnesses.
const WITNESS_EVERY: usize = 50;
/// Until all players are in.
const JOIN_MAX: Duration = Duration::from_secs(90);
/// Players on their way in at once: fewer than any server's backlog.
const JOINING_MAX: usize = 64;
const EVENTS_MAX: usize = 256;
const READ_BYTES_MAX: usize = 64 * 1024;
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// Plays, and tells. The error is a sentence.
pub(crate) fn run(plan: Plan) -> Result<(), String> {
    let mut swarm = Swarm::new(plan)?;
    swarm.join()?;
    let report = swarm.play()?;
    report.print()
}

/// The HP of a boss whose bar visibly moves, and that does not come to half of it, while so many
/// players hit for so many counted seconds.
pub(crate) fn hp_max(players: usize, seconds: u64) -> u64 {
    let life_s = LIFE_S.max(2 * (seconds + WARM_UP.as_secs()));
    let hits = Duration::from_secs(life_s).as_millis() / HIT_EVERY.as_millis();
    u64::try_from(hits).unwrap_or(u64::MAX).saturating_mul(players as u64)
}

struct Swarm {
    plan: Plan,
    epoll: OwnedFd,
    players: Vec<Player>,
    /// Those of this one server's players.
    bars: Bars,
    buffer: Vec<u8>,
    events: Vec<Event>,
    /// Players who are in.
    joined: usize,
    /// Seats that are not taken yet: the player's place, and its path.
    seats: VecDeque<(usize, String)>,
}

impl Swarm {
    fn new(plan: Plan) -> Result<Self, String> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
        let none = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
        let (buffer, events) = (vec![0; READ_BYTES_MAX], vec![none; EVENTS_MAX]);
        let (players, seats) = (Vec::with_capacity(plan.players), VecDeque::new());
        let bars = Bars::new(1);
        Ok(Self { plan, epoll, players, bars, buffer, events, joined: 0, seats })
    }

    /// Lets all players in.
    fn join(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while self.joined < self.plan.players {
            if start.elapsed() > JOIN_MAX {
                let (joined, all, limit) = (self.joined, self.plan.players, JOIN_MAX.as_secs());
                return Err(format!("only {joined} of {all} players are in after {limit} s"));
            }
            while self.players.len() < self.plan.players
                && self.players.len() - self.joined < JOINING_MAX
            {
                let place = self.players.len();
                self.players.push(self.connect(place, None)?);
                self.watch(place)?;
            }
            self.read(|_, _, _| {})?;
            while let Some((place, seat)) = self.seats.pop_front() {
                self.players[place] = self.connect(place, Some(&seat))?;
                self.watch(place)?;
            }
        }
        Ok(())
    }

    fn connect(&self, place: usize, seat: Option<&str>) -> Result<Player, String> {
        let Plan { addr, dialect, .. } = self.plan;
        if dialect != Dialect::Seen {
            return Player::connect(addr, dialect, seat);
        }
        let (dialect, whose) = match place % WITNESS_EVERY {
            0 => (Dialect::Worldboss, Whose::Witness),
            _ => (Dialect::Seen, Whose::Reckoner),
        };
        let mut player = Player::connect(addr, dialect, seat)?;
        player.show(Bar::new(whose));
        Ok(player)
    }

    /// Plays all phases.
    fn play(&mut self) -> Result<Report, String> {
        let start = Instant::now();
        let mut counter = Counter::new();
        let mut hits = 0;
        // One is enough, and costs the client nothing.
        let hp_max = self.plan.hp_max;
        self.players.iter_mut().take(1).for_each(|player| player.look(hp_max));
        let mut phase = Phase::WarmUp;
        phase.announce()?;
        loop {
            let now = Instant::now();
            let next = self.phase(now - start);
            if next != phase {
                counter.turn(phase, next);
                phase = next;
                phase.announce()?;
            }
            if phase == Phase::Over {
                let hp = self.players.first().and_then(Player::hp).unwrap_or(hp_max);
                let bar = (self.plan.dialect == Dialect::Seen).then(|| self.bars.error());
                return Ok(counter.report(hits, hp_max.saturating_sub(hp), bar));
            }
            if phase.has_hits() {
                hits += counter.hits(self.hit(now - start, hits)?);
            }
            self.read(|last, now, got| counter.got(last, now, got))?;
        }
    }

    fn phase(&self, since: Duration) -> Phase {
        let whole = Duration::from_secs(self.plan.seconds);
        let ends = [
            (Phase::WarmUp, WARM_UP),
            (Phase::Hits, whole),
            (Phase::CalmDown, CALM_DOWN),
            (Phase::Quiet, Duration::from_secs(self.plan.quiet_seconds)),
        ];
        let mut end = Duration::ZERO;
        for (phase, length) in ends {
            end += length;
            if since < end {
                return phase;
            }
        }
        Phase::Over
    }

    /// Sends the hits that are due, `sent` of which are sent already: all players take turns, so
    /// that hits are spread evenly.
    fn hit(&mut self, since: Duration, sent: u64) -> Result<u64, String> {
        let players = u64::try_from(self.players.len()).map_err(|error| error.to_string())?;
        let due = since.as_nanos() * u128::from(players) / HIT_EVERY.as_nanos();
        let due = u64::try_from(due).map_err(|error| error.to_string())?;
        for number in sent..due {
            let place = usize::try_from(number % players).map_err(|error| error.to_string())?;
            self.players[place].hit().map_err(|why| lost(place, &why))?;
        }
        Ok(due - sent)
    }

    /// Waits a millisecond at most, and reads once from whoever has something.
    fn read(
        &mut self,
        mut heard: impl FnMut(Option<Instant>, Instant, &Got),
    ) -> Result<(), String> {
        let ready = match epoll::wait(&self.epoll, &mut self.events[..], Some(&LOOK_EVERY)) {
            Ok(ready) => ready,
            Err(Errno::INTR) => 0,
            Err(error) => return Err(error.to_string()),
        };
        for event in &self.events[..ready] {
            let place = usize::try_from(event.data.u64()).map_err(|error| error.to_string())?;
            let player = &mut self.players[place];
            let mut got = player.read(&mut self.buffer).map_err(|why| lost(place, &why))?;
            let now = Instant::now();
            heard(player.last, now, &got);
            if got.frames > 0 {
                player.last = Some(now);
            }
            self.joined += usize::from(got.is_new);
            for told in got.told.drain(..) {
                match told {
                    Told::Truth(state) => self.bars.handle_state(0, &state),
                    Told::Shown(span) => self.bars.handle_span(0, span),
                }
            }
            if let Some(seat) = got.seat {
                self.seats.push_back((place, seat));
                epoll::delete(&self.epoll, &player.socket).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn watch(&self, place: usize) -> Result<(), String> {
        let data = EventData::new_u64(u64::try_from(place).map_err(|error| error.to_string())?);
        epoll::add(&self.epoll, &self.players[place].socket, data, EventFlags::IN)
            .map_err(|error| error.to_string())
    }
}

fn lost(place: usize, why: &str) -> String {
    format!("player {place} is lost: {why}")
}
