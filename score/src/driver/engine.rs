//! The task behind a shared structure: it feeds its replica, and asks for it.

use super::clock::Clock;
use crate::Error;
use crate::driver::shared::{Head, Watcher};
use crate::replica::{Intent, Question, Replica};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use protocol::{GroupAnswer, Micros, SyncAnswer, SyncRequest, Unavailable};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use ucore::Updatable;

/// What a handle tells its engine.
pub(crate) enum Command<T: Updatable> {
    Intent(Box<dyn Intent<T>>, Micros),
    Watch(Watcher<T>),
}

/// Whom an engine asks.
pub(crate) type Ask =
    Arc<dyn Fn(SyncRequest) -> BoxFuture<'static, Result<SyncAnswer, Unavailable>> + Send + Sync>;

/// An answer, and the question that it is to.
type Answered = (Question, Result<GroupAnswer, Unavailable>);

/// Commands that are handled before the next question is asked.
const COMMANDS_AT_ONCE: usize = 4_096;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a structure's task knows.
pub(crate) struct Engine<T: Updatable> {
    pub(crate) replica: Replica<T>,
    pub(crate) head: Arc<Head<T>>,
    pub(crate) ask: Ask,
    pub(crate) clock: Clock,
    pub(crate) commands: mpsc::Receiver<Command<T>>,
    /// Who waits for the first value, and until when.
    pub(crate) opening: Option<(oneshot::Sender<Result<(), Error>>, Micros)>,
    pub(crate) watchers: Vec<Watcher<T>>,
}

impl<T: Updatable + Default> Engine<T> {
    /// Runs until no handle is left.
    pub(crate) async fn run(mut self) {
        let mut asked = FuturesUnordered::<BoxFuture<'static, Answered>>::new();
        let mut commands = Vec::new();
        let mut farewell: Option<Micros> = None;
        loop {
            self.ask_all(&mut asked);
            self.tell_changes();
            self.tell_opened();
            let now = self.clock.now();
            if self.replica.has_left() || farewell.is_some_and(|end| end <= now) {
                return;
            }
            let opening = self.opening.as_ref().map(|(_, deadline)| *deadline);
            let next = self.replica.poll_timeout().into_iter().chain(farewell).chain(opening).min();
            tokio::select! {
                biased;
                count = self.commands.recv_many(&mut commands, COMMANDS_AT_ONCE),
                    if farewell.is_none() =>
                {
                    if count == 0 {
                        self.replica.leave();
                        farewell = Some(self.clock.after(FAREWELL));
                    }
                    commands.drain(..).for_each(|command| self.handle(command));
                }
                Some((kind, answer)) = asked.next(), if !asked.is_empty() => {
                    let now = self.clock.now();
                    let replica = &mut self.replica;
                    self.head.change(|head| replica.handle_answer(now, head, kind, answer));
                }
                () = tokio::time::sleep_until(self.clock.instant(next)) => {
                    self.replica.handle_time(self.clock.now());
                }
            }
        }
    }

    fn handle(&mut self, command: Command<T>) {
        match command {
            Command::Intent(intent, deadline) => self.replica.handle_intent(intent, deadline),
            Command::Watch(watcher) => {
                self.replica.watch();
                self.watchers.retain(Watcher::is_wanted);
                self.watchers.push(watcher);
            }
        }
    }

    /// Asks whatever the replica wants to know.
    fn ask_all(&mut self, asked: &mut FuturesUnordered<BoxFuture<'static, Answered>>) {
        loop {
            let now = self.clock.now();
            // Closures run in there, and may read the value: nothing is locked.
            let head = self.head.read();
            let Some(question) = self.replica.poll_request(now, head.snapshot()) else { return };
            let answer = (self.ask)(SyncRequest::Group(question.request));
            let kind = question.kind;
            asked.push(async move { (kind, answer.await.and_then(SyncAnswer::group)) }.boxed());
        }
    }

    fn tell_opened(&mut self) {
        let Some((_, deadline)) = &self.opening else { return };
        let outcome = if self.replica.has_caught_up(self.head.read().version()) {
            Ok(())
        } else if let Some(error) = self.replica.ended() {
            Err(error)
        } else if *deadline <= self.clock.now() {
            Err(Error::late(&self.replica.why()))
        } else {
            return;
        };
        if let Some((reply, _)) = self.opening.take() {
            // Who opens it may have given up.
            drop(reply.send(outcome));
        }
    }

    fn tell_changes(&mut self) {
        self.head.tell(self.replica.counts());
        let Some(change) = self.replica.poll_change() else { return };
        let head = self.head.read();
        self.watchers.retain_mut(|watcher| watcher.tell(&head, &change));
    }
}
