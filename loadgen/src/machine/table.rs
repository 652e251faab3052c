//! A bot and the shard's side of its connection, for tests.

use super::{Books, Bot, BotConfig, Event, Outcome, Outgoing};
use protocol::{
    Ack, BossCard, CloseCode, Gen, Hit, InputSeq, Micros, PlayerId, Refusal, RefusalReason,
    Scenario, ShardId, ShardMessage, State, Status, Tally, Tick, Token, Welcome,
};

/// A bot and the shard's side of its connection. One step is 100 ms.
pub(super) struct Table {
    pub(super) bot: Bot,
    pub(super) now: Micros,
    pub(super) tick: u32,
    pub(super) generation: u32,
    pub(super) status: Status,
    pub(super) counted: u32,
    pub(super) events: Vec<Event>,
}

pub(super) const RATE: f64 = 4.0;

pub(super) fn table() -> Table {
    table_of(BotConfig::new("Bot", RATE))
}

pub(super) fn table_of(config: BotConfig) -> Table {
    let bot = Bot::new(config, 5);
    let (now, events) = (Micros(0), Vec::new());
    Table { bot, now, tick: 0, generation: 1, status: Status::Alive, counted: 0, events }
}

/// A bot that is welcomed and plans hits.
pub(super) fn playing() -> Table {
    playing_as(BotConfig::new("Bot", RATE))
}

pub(super) fn playing_as(config: BotConfig) -> Table {
    let mut table = table_of(config);
    table.bot.start(Micros(0));
    table.connect(7, false, 0, &[]);
    table
}

pub(super) fn tally(generation: u32, hits: u32, damage: u64) -> Tally {
    Tally { generation: Gen(generation), hits, damage, late: 0 }
}

impl Table {
    pub(super) fn say(&mut self, message: ShardMessage) {
        self.bot.handle_message(self.now, message);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        self.events.extend(std::iter::from_fn(|| self.bot.poll_event()));
    }

    pub(super) fn connect(&mut self, player: u64, resumed: bool, seq: u32, tallies: &[Tally]) {
        let hello = self.bot.handle_open(self.now);
        assert_eq!(hello.check(), Ok(()));
        self.say(ShardMessage::Welcome(Welcome {
            session: Token(serde_json::from_str(&format!("\"{player:032x}\"")).unwrap()),
            player: PlayerId(player),
            resumed,
            shard: ShardId(0),
            tick_ms: 100,
            tick: Tick(self.tick.into()),
            generation: Gen(self.generation),
            seq: InputSeq(seq),
            tallies: tallies.iter().copied().collect(),
        }));
        let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
        self.say(ShardMessage::Boss(BossCard { generation: Gen(1), spec }));
        self.frame();
    }

    pub(super) fn frame(&mut self) {
        let state = State {
            tick: Tick(self.tick.into()),
            version: serde_json::from_str(&self.tick.to_string()).unwrap(),
            generation: Gen(self.generation),
            status: self.status,
            phase: 0,
            hp_max: 100,
            hp: 50,
            predicted: 50,
            rate: 0,
            age_ms: 0,
            counted: Tick(self.counted.into()),
            players: 1,
            tick_ms: 100,
        };
        self.say(ShardMessage::State(state));
    }

    pub(super) fn next_frame(&mut self) {
        self.tick += 1;
        self.frame();
    }

    pub(super) fn step(&mut self) -> Vec<Hit> {
        self.step_any().into_iter().map(hit).collect()
    }

    /// One step of a bot that may cheat.
    pub(super) fn step_any(&mut self) -> Vec<Outgoing> {
        self.now = self.now + Micros::from_millis(100);
        self.tick += 1;
        let sent = std::iter::from_fn(|| self.bot.poll_message(self.now)).collect();
        self.drain();
        assert!(self.is_done() || self.bot.poll_timeout() > Some(self.now), "it wakes for nothing");
        sent
    }

    /// Whether it never wakes, or for something else than to send.
    fn is_done(&mut self) -> bool {
        let connects = self.bot.retry_at().is_some_and(|at| at <= self.now);
        let ends = self.bot.wants_to_leave(self.now) || self.bot.is_silent(self.now);
        connects || ends || self.bot.poll_timeout().is_none()
    }

    /// Steps until this time.
    pub(super) fn step_to(&mut self, ms: u64) -> Vec<Hit> {
        let mut hits = Vec::new();
        while self.now < Micros::from_millis(ms) {
            hits.extend(self.step());
        }
        hits
    }

    /// Steps until this many hits left.
    pub(super) fn hits(&mut self, count: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        while hits.len() < count {
            assert!(self.tick < 1_000, "{} of {count} hits came", hits.len());
            hits.extend(self.step());
        }
        hits
    }

    pub(super) fn ack(&mut self, seq: u32, tallies: &[Tally], refused: &[u32]) {
        let reason = RefusalReason::Rate;
        let refused = refused.iter().map(|seq| Refusal { seq: InputSeq(*seq), reason });
        self.say(ShardMessage::Ack(Ack {
            tick: Tick(self.tick.into()),
            seq: InputSeq(seq),
            tallies: tallies.iter().copied().collect(),
            refused: refused.collect(),
            folded: false,
        }));
    }

    pub(super) fn lose(&mut self, code: CloseCode) {
        self.bot.handle_closed(self.now, Some(code.code()));
        self.drain();
    }

    pub(super) fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is_it(event)).count()
    }

    pub(super) fn skipped(&self) -> u64 {
        let hits = self
            .events
            .iter()
            .map(|event| if let Event::Skipped { hits } = event { *hits } else { 0 });
        hits.sum()
    }

    /// How often a bot that cheats saw this.
    pub(super) fn outcomes(&self, wanted: Outcome) -> u64 {
        let times = self.events.iter().filter_map(|event| {
            let Event::Cheated { outcome, times, .. } = event else { return None };
            (*outcome == wanted).then_some(*times)
        });
        times.sum()
    }

    pub(super) fn faults(&self) -> usize {
        self.count(|event| matches!(event, Event::Fault(_)))
    }

    pub(super) fn closed_books(&mut self) -> Vec<Books> {
        self.bot.finish();
        self.drain();
        let books = self.events.iter().filter_map(|event| {
            if let Event::Books(books) = event { Some(Books::clone(books)) } else { None }
        });
        books.collect()
    }
}

pub(super) fn hit(outgoing: Outgoing) -> Hit {
    match outgoing {
        Outgoing::Hit(hit) => hit,
        Outgoing::Bytes(bytes) => panic!("an honest bot sends {bytes:?}"),
    }
}
