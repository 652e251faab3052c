//! A shard's process: the real opening and the real journal, and between them and the authority
//! the uplink. Everything durable is in the journal.

use crate::properties::Broken;
use crate::truth::BOSS;
use crate::uplink::{Effect, Sent, Uplink, View};
use protocol::{
    EnterAnswer, Gen, InputSeq, JoinAnswer, JournalId, PlayerId, SessionId, ShardId, Status,
    Tallies, Tally, Token,
};
use shard::machine::{
    Answer, BookChange, BookLine, Disk, Journal, Opened, Opening, Record, Request, ResendFrom,
    Session, SessionChange, Step,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use ucore::{Bin, Updatable};

/// An answer, and what it has to be understood by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) sent: Option<Sent>,
    pub(crate) answer: Answer,
    pub(crate) view: Option<View>,
}

impl Reply {
    pub(crate) fn new(sent: Option<Sent>, answer: Answer) -> Self {
        let truth = match &answer {
            Answer::Join(JoinAnswer::Joined { truth, .. }) => Some(*truth),
            Answer::Enter(EnterAnswer::Entered { truth, .. } | EnterAnswer::TooLate { truth }) => {
                Some(*truth)
            }
            Answer::Push(answer) => Some(answer.truth),
            Answer::Join(_) | Answer::Enter(_) | Answer::Shares(_) => None,
        };
        Self { sent, answer, view: truth.map(View::from) }
    }
}

/// A process. One player plays on each shard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) shard: ShardId,
    pub(crate) id: JournalId,
    pub(crate) stage: Stage,
    /// An answer that is on its way. Nothing is asked meanwhile.
    pub(crate) late: Option<Reply>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// It takes over what the disk holds; the authority has asked for this.
    Opening(Arc<Disk>, ResendFrom),
    /// It plays.
    Running(Arc<Journal>, Uplink),
    /// Another process has its disk. It may not know that yet, and still speaks.
    Zombie(Arc<Journal>, Uplink),
    /// It is over.
    Ended,
}

impl Process {
    /// A process that starts on a disk.
    pub(crate) fn start(shard: ShardId, id: JournalId, disk: Disk) -> Self {
        let disk = Disk { intent: Some(disk.intent.unwrap_or(id)), ..disk };
        let stage = Stage::Opening(Arc::new(disk), ResendFrom::new());
        Self { shard, id, stage, late: None }
    }

    /// The process is killed, or stands still; another one starts on its disk. None if it has none.
    pub(crate) fn succeed(&mut self, id: JournalId) -> Option<Self> {
        let shard = self.shard;
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let disk = match stage {
            Stage::Opening(disk, _) => Disk::clone(&disk),
            Stage::Running(journal, uplink) => {
                let disk = Disk { journal: Some(Journal::clone(&journal)), intent: None };
                // It begins its talk anew: what it has heard changes where its intervals begin, and
                // not what they come to.
                let view = View { status: Status::Alive, announced: Status::Alive, ..uplink.view };
                let view = View { ahead: false, lost: false, ..view };
                self.stage = Stage::Zombie(journal, Uplink::new(view));
                disk
            }
            stage @ (Stage::Zombie(..) | Stage::Ended) => {
                self.stage = stage;
                return None;
            }
        };
        Some(Self::start(shard, id, disk))
    }

    /// The journal under which it speaks; none before it has opened it.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        match &self.stage {
            Stage::Running(journal, _) | Stage::Zombie(journal, _) => Some(journal),
            Stage::Opening(..) | Stage::Ended => None,
        }
    }

    pub(crate) fn uplink(&self) -> Option<&Uplink> {
        match &self.stage {
            Stage::Running(_, uplink) | Stage::Zombie(_, uplink) => Some(uplink),
            Stage::Opening(..) | Stage::Ended => None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running(..))
    }

    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.stage, Stage::Zombie(..))
    }

    /// What its player was told of every generation.
    pub(crate) fn told(&self) -> Option<&[Tally]> {
        let session = self.journal()?.sessions.first_key_value()?;
        Some(&session.1.tallies)
    }

    /// Whether its player's hits are accepted.
    pub(crate) fn admits(&self) -> bool {
        matches!(&self.stage, Stage::Running(_, uplink) if uplink.admits())
    }

    fn opening(&self, disk: &Disk, from: &ResendFrom) -> Opening {
        let opening = Opening::new(BOSS, self.shard, disk.clone(), self.id);
        let mut opening = opening.expect("the disk is about this boss");
        for ((journal, generation), applied) in from {
            let (journal, generation, applied) = (*journal, *generation, *applied);
            let gap = JoinAnswer::Gap { journal, generation, applied };
            opening.handle_answer(gap).expect("a gap is filled");
        }
        opening
    }

    /// Whether the authority was rolled back to before what it has seen.
    pub(crate) fn has_seen_more(&self) -> bool {
        self.uplink().is_some_and(|uplink| uplink.view.lost)
    }

    /// The next request, if it has one.
    pub(crate) fn request(&self) -> Option<(Option<Sent>, Request)> {
        match &self.stage {
            Stage::Opening(disk, from) => match self.opening(disk, from).step() {
                Step::Join(join) => Some((None, Request::Join(join))),
                Step::Intend(_) | Step::Adopt(_) | Step::Done(_) => None,
            },
            Stage::Running(journal, uplink) | Stage::Zombie(journal, uplink) => {
                let (sent, request) = uplink.request(journal);
                Some((Some(sent), request))
            }
            Stage::Ended => None,
        }
    }

    /// The player hits: the hit is durable, and then it is accepted. What the authority has taken
    /// is noted for a successor, if there may be one.
    pub(crate) fn hit(&mut self, may_crash: bool) {
        let Stage::Running(journal, uplink) = &mut self.stage else { return };
        let generation = uplink.view.generation;
        let journal = Arc::make_mut(journal);
        let (id, opened) = session(journal, self.shard);
        let book = journal.books.get(&generation).cloned().unwrap_or_default();
        let (player, total) = (opened.player, book.total + 1);
        let line = book.lines.get(&player).copied();
        let line = line.unwrap_or(BookLine { total: 0, first: total, last: 0, session: id });
        let line = BookLine { total: line.total + 1, last: total, session: id, ..line };
        let answered = if may_crash { uplink.answered(generation) } else { 0 };
        let lines = BTreeMap::from([(player, line)]);
        let before = opened.tally(generation);
        let tally = Tally { hits: before.hits + 1, damage: before.damage + 1, ..before };
        let mut record = record(journal, id, opened, tally);
        record.books = vec![BookChange { generation, total, answered, lines }];
        journal.apply(record).expect("the record follows from the journal");
    }

    /// Takes an answer, and syncs what the next tick would.
    pub(crate) fn take(&mut self, reply: Reply) -> Result<(), Broken> {
        match &mut self.stage {
            Stage::Opening(..) => self.open(reply),
            Stage::Running(journal, uplink) | Stage::Zombie(journal, uplink) => {
                let Some(sent) = reply.sent else { return Ok(()) };
                let book = journal.books.get(&sent.generation);
                let total = book.map_or(0, |book| book.total);
                match uplink.take(sent, &reply.answer, reply.view, total) {
                    Effect::None => {}
                    Effect::Fenced => {
                        let zombie = matches!(self.stage, Stage::Zombie(..));
                        self.stage = Stage::Ended;
                        return if zombie { Ok(()) } else { Err(Broken::FencedByNobody) };
                    }
                    Effect::Broken(broken) => return Err(broken),
                    Effect::Open(generation) => open_book(Arc::make_mut(journal), generation),
                    Effect::Late(totals) if totals.is_empty() => {}
                    Effect::Late(totals) => {
                        tell_late(Arc::make_mut(journal), self.shard, totals);
                    }
                }
                self.forget();
                Ok(())
            }
            Stage::Ended => Ok(()),
        }
    }

    /// Goes through the opening up to its next question.
    fn open(&mut self, reply: Reply) -> Result<(), Broken> {
        let Answer::Join(answer) = reply.answer else { return Ok(()) };
        let Stage::Opening(disk, from) = &mut self.stage else { return Ok(()) };
        let inherits = matches!(&answer, JoinAnswer::Joined { inherits: true, .. });
        let joined = matches!(&answer, JoinAnswer::Joined { .. });
        if joined && !inherits && disk.journal.is_some() {
            return Err(Broken::Orphaned);
        }
        if let JoinAnswer::Gap { journal, generation, applied } = &answer {
            from.insert((*journal, *generation), *applied);
            return Ok(());
        }
        let (mut disk, mut from) = (Disk::clone(disk), from.clone());
        let mut opening = self.opening(&disk, &from);
        opening.handle_answer(answer).map_err(|_| Broken::Refused)?;
        loop {
            match opening.step() {
                Step::Join(_) => {
                    self.stage = Stage::Opening(Arc::new(disk), from);
                    return Ok(());
                }
                Step::Intend(id) => disk.intent = Some(id),
                Step::Adopt(journal) => {
                    disk = Disk { journal: Some(*journal), intent: None };
                    from.clear();
                }
                Step::Done(opened) => {
                    self.run(*opened, reply.view);
                    return Ok(());
                }
            }
            opening.handle_written();
        }
    }

    fn run(&mut self, opened: Opened, view: Option<View>) {
        let Opened { mut journal, late, truth, .. } = opened;
        let mut uplink = Uplink::new(view.unwrap_or_else(|| truth.into()));
        let told = uplink.learn_late_before(&late);
        tell_late(&mut journal, self.shard, told);
        self.stage = Stage::Running(Arc::new(journal), uplink);
    }

    /// Forgets what is over.
    fn forget(&mut self) {
        let (Stage::Running(journal, uplink) | Stage::Zombie(journal, uplink)) = &mut self.stage
        else {
            return;
        };
        let dropped = uplink.over(journal);
        if dropped.is_empty() {
            return;
        }
        dropped.iter().for_each(|generation| uplink.forget(*generation));
        let tick = journal.tick.next();
        let record = Record { tick, dropped, ..Record::default() };
        Arc::make_mut(journal).apply(record).expect("the record follows from the journal");
    }

    /// Changes the truths that it has seen, or will see when the late answer arrives.
    pub(crate) fn for_views(&mut self, change: impl Fn(&mut View)) {
        let seen = match &mut self.stage {
            Stage::Running(_, uplink) | Stage::Zombie(_, uplink) => Some(&mut uplink.view),
            Stage::Opening(..) | Stage::Ended => None,
        };
        let coming = self.late.as_mut().and_then(|reply| reply.view.as_mut());
        seen.into_iter().chain(coming).for_each(change);
    }

    /// Whether it has seen what the replica lacks that has fallen behind.
    pub(crate) fn is_ahead(&self) -> bool {
        let coming = self.late.as_ref().and_then(|reply| reply.view);
        let mut views = self.uplink().map(|uplink| uplink.view).into_iter().chain(coming);
        views.any(|view| view.ahead)
    }
}

/// The player's session, which is opened with the first hit.
fn session(journal: &Journal, shard: ShardId) -> (SessionId, Session) {
    if let Some((id, session)) = journal.sessions.first_key_value() {
        return (*id, session.clone());
    }
    let (token, player) = (Token(Bin([7; 16])), PlayerId(shard.0.into()));
    let (name, seq, tallies) = ("m".to_owned(), InputSeq(0), Tallies::new());
    (SessionId(1), Session { token, player, name, seq, tallies })
}

/// The record of a tick that changed a session.
fn record(journal: &Journal, id: SessionId, session: Session, tally: Tally) -> Record {
    let known = journal.sessions.contains_key(&id);
    let tallies = [tally].into_iter().collect();
    let answered = vec![SessionChange { session: id, seq: session.seq, tallies }];
    let opened = if known { Vec::new() } else { vec![(id, session)] };
    Record { tick: journal.tick.next(), opened, answered, ..Record::default() }
}

fn open_book(journal: &mut Journal, generation: Gen) {
    if journal.books.contains_key(&generation) {
        return;
    }
    let lines = BTreeMap::new();
    let books = vec![BookChange { generation, total: 0, answered: 0, lines }];
    let record = Record { tick: journal.tick.next(), books, ..Record::default() };
    journal.apply(record).expect("the record follows from the journal");
}

/// Tells the player what came late. Totals only grow: repetitions change nothing.
fn tell_late(journal: &mut Journal, shard: ShardId, totals: BTreeMap<Gen, u64>) {
    for (generation, late) in totals {
        let (id, opened) = session(journal, shard);
        let before = opened.tally(generation);
        if late > before.late {
            let record = record(journal, id, opened, Tally { late, ..before });
            journal.apply(record).expect("the record follows from the journal");
        }
    }
}
