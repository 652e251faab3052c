//! What a disk holds, and what an authority answers, for a process that opens its journal.

use super::STEPS_MAX;
use crate::anything::{self, BOSS};
use crate::check::received;
use crate::draw::Draw;
use protocol::limits::LINEAGE_MAX;
use protocol::{BossId, JoinAnswer, JournalId, Micros, ShardId, SyncRequest, Tallies, Tally};
use shard::machine::{Ancestor, Book, BookLine, Disk, Journal, Machine, Opening, Session, Step};
use ucore::Bin;

/// The id of a journal is on the disk before anybody hears of it, and the journal that comes out is
/// the newcomer's, behind as many ancestors as can be claimed.
pub(crate) fn opening(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut disk = Disk { journal: draw.option(journal), intent: draw.option(anything::journal) };
    let fresh = JournalId(Bin([0xff; 16]));
    let Ok(mut opening) = Opening::new(BOSS, ShardId(1), disk.clone(), fresh) else { return };
    for _ in 0..STEPS_MAX {
        match opening.step() {
            Step::Intend(journal) => {
                disk.intent = Some(journal);
                opening.handle_written();
            }
            Step::Adopt(journal) => {
                assert_eq!(Some(journal.id), disk.intent);
                assert_eq!(ucore::decode(&ucore::encode(&*journal)).as_ref(), Ok(&*journal));
                disk = Disk { journal: Some(*journal), intent: None };
                opening.handle_written();
            }
            Step::Join(join) => {
                assert_eq!(Some(join.journal), disk.intent, "it is on the disk");
                assert!(join.lineage.len() <= LINEAGE_MAX, "{} claims", join.lineage.len());
                let request = SyncRequest::Join(join);
                assert_eq!(received(&request).as_ref(), Ok(&request));
                if draw.is_over() || opening.handle_answer(join_answer(&mut draw)).is_err() {
                    return;
                }
            }
            Step::Done(opened) => {
                assert_eq!(opened.journal.id, fresh);
                assert_eq!(Some(&opened.journal), disk.journal.as_ref());
                drop(Machine::new(*opened, Micros(0), 1));
                return;
            }
        }
    }
}

pub(super) fn join_answer(draw: &mut Draw<'_>) -> JoinAnswer {
    match draw.below(8) {
        0 => JoinAnswer::Gap {
            journal: anything::journal(draw),
            generation: anything::generation(draw),
            applied: draw.number(),
        },
        1 => JoinAnswer::Fenced,
        2 => JoinAnswer::Refused,
        3 => JoinAnswer::Full,
        4 => JoinAnswer::Ahead,
        _ => JoinAnswer::Joined {
            inherits: draw.flag(),
            late: draw.some(3, anything::late_line),
            spec: Box::new(anything::spec(draw, false)),
            truth: anything::truth(draw),
        },
    }
}

/// A journal as a checkpoint may have it: hardly a rule but that of its bytes.
pub(super) fn journal(draw: &mut Draw<'_>) -> Journal {
    let ancestor = |draw: &mut Draw<'_>| {
        let id = anything::journal(draw);
        let books = draw.some(2, |draw| (anything::generation(draw), book(draw)));
        Ancestor { id, books: books.into_iter().collect() }
    };
    let id = anything::journal(draw);
    let books = draw.some(2, |draw| (anything::generation(draw), book(draw)));
    let sessions = draw.some(3, |draw| (protocol::SessionId(draw.word()), session(draw)));
    let journal = Journal {
        id,
        boss: if draw.one_of(16) { BossId(2) } else { BOSS },
        shard: ShardId(1),
        tick: protocol::Tick(draw.word().into()),
        books: books.into_iter().collect(),
        sessions: sessions.into_iter().collect(),
        ancestors: draw.some(15, ancestor),
    };
    assert_eq!(ucore::decode(&ucore::encode(&journal)).as_ref(), Ok(&journal));
    journal
}

fn book(draw: &mut Draw<'_>) -> Book {
    let line = |draw: &mut Draw<'_>| {
        let session = protocol::SessionId(draw.word());
        BookLine { total: draw.number(), first: draw.number(), last: draw.number(), session }
    };
    let lines = draw.some(3, |draw| (anything::player(draw), line(draw)));
    let (total, answered) = (draw.number(), draw.number());
    Book { total, answered, lines: lines.into_iter().collect() }
}

/// A session as shards write it: one tally for each generation, of what can have been done there.
fn session(draw: &mut Draw<'_>) -> Session {
    let mut session = Session {
        token: protocol::Token(Bin([draw.below(4); 16])),
        player: anything::player(draw),
        name: anything::text(draw),
        seq: protocol::InputSeq(draw.word()),
        tallies: Tallies::new(),
    };
    for _ in 0..draw.below(4) {
        let (hits, damage) = (draw.byte().into(), draw.word().into());
        session.learn(Tally { hits, damage, ..tally(draw) });
    }
    session
}

pub(super) fn tally(draw: &mut Draw<'_>) -> Tally {
    Tally {
        generation: anything::generation(draw),
        hits: draw.word(),
        damage: draw.number(),
        late: draw.number(),
    }
}
