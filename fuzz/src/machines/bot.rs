//! Messages of any content, and the fates of connections, for a bot.

use super::STEPS_MAX;
use super::opening::tally;
use crate::anything;
use crate::check::answered;
use crate::draw::Draw;
use loadgen::machine::{Arrivals, Bot, BotConfig, Cheat, Churn, Event, Oracle, Outgoing, Returns};
use protocol::{
    Ack, BossCard, CloseCode, InputSeq, Micros, PlayerId, PlayerMessage, Refusal, RefusalReason,
    ShardId, ShardMessage, Spoils, State, Status, Tick, Token, Welcome,
};
use ucore::{Bin, INT_MAX, Version};

/// Hits that one moment may make: what waits, and a burst.
const HITS_MAX: usize = 128;

/// Whatever it is told, it sends what a shard can read, and its books can be compared.
pub(crate) fn bot(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut bot = Bot::new(config(&mut draw), draw.byte().into());
    let (mut oracle, mut now, mut state) = (Oracle::default(), Micros(0), None);
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        now = now + Micros(draw.pick(&[1_000, 0, 200_000, 11_000_000]));
        step(&mut draw, &mut bot, now, &mut state);
        let sent = std::iter::from_fn(|| bot.poll_message(now)).take(HITS_MAX + 1);
        let sent: Vec<_> = sent.collect();
        assert!(sent.len() <= HITS_MAX, "it sends for ever");
        for message in sent {
            if let Outgoing::Hit(hit) = message {
                let hit = PlayerMessage::Hit(hit);
                assert_eq!(
                    PlayerMessage::decode(&ucore::encode(&hit)),
                    Ok(hit),
                    "a shard reads it"
                );
            }
        }
        for _ in 0..STEPS_MAX {
            if !bot.wants_to_leave(now) {
                break;
            }
            bot.handle_left(now);
        }
        let is_due = bot.retry_at().is_some_and(|at| at <= now) || bot.is_silent(now);
        let is_later = bot.poll_timeout().is_none_or(|at| at > now);
        assert!(is_due || is_later || bot.wants_to_leave(now), "it wakes for nothing");
        answered((bot.read_at(), bot.is_drained()));
        assert!(bot.target() < 3);
        drain(&mut bot, &mut oracle);
    }
    bot.finish();
    drain(&mut bot, &mut oracle);
    answered(oracle.balance());
}

fn config(draw: &mut Draw<'_>) -> BotConfig {
    let ms = |ms: u8| Micros::from_millis(u64::from(ms) * 100);
    let returns = draw.pick(&[Returns::Resume, Returns::Move]);
    let churn = Churn { every: ms(draw.byte()), away: ms(draw.byte().max(1)), returns };
    let (arrivals, cheats) = ([Arrivals::Poisson, Arrivals::Closed], Cheat::ALL.map(Some));
    BotConfig {
        every: draw.below(2),
        mix: draw.flag(),
        targets: 3,
        until: draw.flag().then(|| ms(draw.byte())),
        arrivals: draw.pick(&arrivals),
        churn: draw.flag().then_some(churn),
        reads_every: draw.flag().then(|| ms(draw.byte())),
        cheat: if draw.flag() { draw.pick(&cheats) } else { None },
        ..BotConfig::new("Ada", 20.0)
    }
}

fn drain(bot: &mut Bot, oracle: &mut Oracle) {
    while let Some(event) = bot.poll_event() {
        if let Event::Books(books) = event {
            oracle.add(&books);
        }
    }
}

fn step(draw: &mut Draw<'_>, bot: &mut Bot, now: Micros, state: &mut Option<State>) {
    match draw.below(12) {
        0 => {
            let hello = PlayerMessage::Hello(bot.handle_open(now));
            assert_eq!(PlayerMessage::decode(&ucore::encode(&hello)), Ok(hello));
        }
        1 => {
            let codes: Vec<_> = CloseCode::ALL.iter().map(|code| Some(code.code())).collect();
            bot.handle_closed(now, if draw.flag() { draw.pick(&codes) } else { None });
        }
        2 => bot.handle_failed(now, "nobody is there".to_owned()),
        3 if bot.is_silent(now) => bot.handle_silent(now),
        3 => bot.handle_malformed("it is none"),
        4 if draw.flag() => bot.start(now),
        4 if draw.one_of(4) => bot.stop(),
        _ => {
            let message = message(draw, state);
            let read = ShardMessage::decode(&ucore::encode(&message));
            assert_eq!(read.as_ref(), Ok(&message), "a shard can have sent it");
            bot.handle_message(now, message);
        }
    }
}

fn message(draw: &mut Draw<'_>, before: &mut Option<State>) -> ShardMessage {
    match draw.below(8) {
        0 => ShardMessage::Welcome(Welcome {
            session: Token(Bin([draw.below(3); 16])),
            player: PlayerId(draw.below(3).into()),
            resumed: draw.flag(),
            shard: ShardId(draw.byte().into()),
            tick_ms: 100,
            tick: Tick(draw.number()),
            generation: anything::generation(draw),
            seq: InputSeq(draw.word()),
            tallies: draw.some(3, tally).into_iter().collect(),
        }),
        1 | 2 => ShardMessage::Ack(Ack {
            tick: Tick(draw.number()),
            seq: InputSeq(draw.word()),
            tallies: draw.some(3, tally).into_iter().collect(),
            refused: draw.some(3, |draw| {
                let (seq, reason) = (InputSeq(draw.word()), draw.pick(RefusalReason::ALL));
                Refusal { seq, reason }
            }),
            folded: draw.flag(),
        }),
        3 => ShardMessage::State(*before.insert(any_state(draw))),
        4 => {
            let state = any_state(draw);
            let since = before.replace(state).unwrap_or(state);
            ShardMessage::Change(state.since(&since))
        }
        5 => {
            let (generation, spec) = (anything::generation(draw), anything::spec(draw, false));
            ShardMessage::Boss(BossCard { generation, spec })
        }
        6 => ShardMessage::Board(anything::board(draw)),
        _ => ShardMessage::Spoils(Spoils {
            generation: anything::generation(draw),
            share: anything::share(draw),
            players: draw.word(),
        }),
    }
}

fn any_state(draw: &mut Draw<'_>) -> State {
    State {
        tick: Tick(draw.number()),
        version: Version(draw.number()),
        hp: draw.number(),
        predicted: draw.number(),
        rate: draw.number(),
        age_ms: if draw.one_of(8) { INT_MAX } else { 0 },
        counted: Tick(draw.number()),
        generation: anything::generation(draw),
        status: if draw.one_of(4) { draw.pick(Status::ALL) } else { Status::Alive },
        phase: draw.byte(),
        hp_max: draw.number(),
        players: draw.word(),
        tick_ms: draw.byte().into(),
    }
}
