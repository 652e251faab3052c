//! The face that every authority shows to shards, whatever is behind it.

use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use protocol::{
    BossId, Enter, EnterAnswer, GroupAnswer, GroupRequest, Join, JoinAnswer, LogPage, Progress,
    Push, PushAnswer, ReadLog, Reign, Settle, SettleAnswer, Shares, SharesAnswer, Spawn,
    SpawnAnswer, SyncAnswer, SyncRequest, Truth, Unavailable,
};

/// What a request comes to.
pub type Answered<T> = BoxFuture<'static, Result<T, Unavailable>>;

/// The one kind of answer that a request has. Another one is a fault of the other side.
macro_rules! only {
    ($answered:expr, $kind:ident) => {
        $answered
            .map(|answer| match answer {
                Ok(SyncAnswer::$kind(answer)) => Ok(answer),
                Ok(_) => {
                    Err(Unavailable::Unknown("it answered something that was not asked".to_owned()))
                }
                Err(why) => Err(why),
            })
            .boxed()
    };
}

/// The owner of the truth. Every answer is durable before it is given, and every request may be
/// repeated.
pub trait Authority: std::fmt::Debug + Send + Sync + 'static {
    /// Carries a request out. The answer has the request's name.
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer>;

    /// Waits until this authority stops by itself, for good, and says why.
    fn stopped(&self) -> BoxFuture<'static, String> {
        pending().boxed()
    }

    /// Begins a boss, or says what its next generations are.
    fn spawn(&self, spawn: Spawn) -> Answered<SpawnAnswer> {
        only!(self.ask(SyncRequest::Spawn(spawn)), Spawn)
    }

    /// Opens a journal.
    fn join(&self, join: Join) -> Answered<JoinAnswer> {
        only!(self.ask(SyncRequest::Join(join)), Join)
    }

    /// Announces that a journal will damage a generation.
    fn enter(&self, enter: Enter) -> Answered<EnterAnswer> {
        only!(self.ask(SyncRequest::Enter(enter)), Enter)
    }

    /// Pushes an interval of damage, and pulls the truth.
    fn push(&self, push: Push) -> Answered<PushAnswer> {
        only!(self.ask(SyncRequest::Push(push)), Push)
    }

    /// Pulls the truth alone.
    fn truth(&self, boss: BossId) -> Answered<Truth> {
        only!(self.ask(SyncRequest::Truth(boss)), Truth)
    }

    /// Reads a page of a boss's log.
    fn read_log(&self, page: ReadLog) -> Answered<LogPage> {
        only!(self.ask(SyncRequest::ReadLog(page)), ReadLog)
    }

    /// Lists the bosses, ascending.
    fn bosses(&self) -> Answered<Vec<BossId>> {
        only!(self.ask(SyncRequest::Bosses), Bosses)
    }

    /// Says that an executor is there, and looks at what it has to do.
    fn reign(&self, reign: Reign) -> Answered<Progress> {
        only!(self.ask(SyncRequest::Reign(reign)), Reign)
    }

    /// Takes a step of a settlement.
    fn settle(&self, settle: Settle) -> Answered<SettleAnswer> {
        only!(self.ask(SyncRequest::Settle(settle)), Settle)
    }

    /// Asks something of a shared structure.
    fn group(&self, request: GroupRequest) -> Answered<GroupAnswer> {
        only!(self.ask(SyncRequest::Group(request)), Group)
    }

    /// Asks what players get of a fallen boss.
    fn shares(&self, shares: Shares) -> Answered<SharesAnswer> {
        only!(self.ask(SyncRequest::Shares(shares)), Shares)
    }
}
