//! One page at the door: its requests are checked, passed on, and answered in any order.

use super::rate::Rate;
use super::{Rule, Shared};
use crate::port::socket::{self, Over, put, told};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, SplitSink};
use futures::{FutureExt, StreamExt};
use protocol::limits::{
    DOOR_MESSAGE_BYTES_MAX, DOOR_RATE_MAX, DOOR_REQUESTS_MAX, DOOR_SILENCE_MS_MAX,
    DOOR_UPDATES_BYTES_MAX, SYNC_FRAME_BYTES_MAX,
};
use protocol::{
    DoorAnswer, DoorRequest, GroupAnswer, GroupName, GroupRefusal, GroupRequest, Introduced,
    Numbered, Propose, Refused, SyncAnswer, SyncRequest, Unavailable,
};
use std::convert::identity;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};
use ucore::WriterId;

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;

/// An answer, with the number of its request. None: there is none, and the page asks again.
type Answered = (u64, Option<DoorAnswer>);

/// A page's connection.
struct Page {
    door: Arc<Shared>,
    rate: Rate,
    /// Whose proposals it may bring.
    writer: Option<WriterId>,
    works: FuturesUnordered<BoxFuture<'static, Answered>>,
}

/// Serves a page until it goes.
pub(super) async fn run(socket: TcpStream, read: Vec<u8>, door: &Arc<Shared>) {
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * SYNC_FRAME_BYTES_MAX)
        .max_message_size(Some(DOOR_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(DOOR_MESSAGE_BYTES_MAX));
    let stream = WebSocketStream::from_partially_read(socket, read, Role::Server, Some(config));
    let (mut sink, mut stream) = stream.await.split();
    let mut page = Page {
        door: Arc::clone(door),
        rate: Rate::new(DOOR_RATE_MAX),
        writer: None,
        works: FuturesUnordered::new(),
    };
    let over = page.serve(&mut sink, &mut stream).await;
    socket::close(sink, stream, over, identity).await;
}

impl Page {
    async fn serve(
        &mut self,
        sink: &mut Sink,
        stream: &mut (impl StreamExt<Item = Result<Message, Error>> + Unpin),
    ) -> Over {
        let mut stop = self.door.stop.subscribe();
        let period = Duration::from_millis(DOOR_SILENCE_MS_MAX / 2);
        let mut checks = interval_at(Instant::now() + period, period);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            let done = tokio::select! {
                // What was answered leaves before more is taken.
                biased;
                Some((number, answer)) = self.works.next(), if !self.works.is_empty() => {
                    send(&self.door, sink, number, answer).await
                }
                message = stream.next() => {
                    silent = false;
                    checks.reset();
                    self.take(message)
                }
                _ = checks.tick() => {
                    if std::mem::replace(&mut silent, true) {
                        return Over::closed(CloseCode::Policy, "nothing came, not even a pong");
                    }
                    put(sink, Message::Ping(Bytes::new())).await
                }
                () = told(&mut stop) => {
                    return Over::closed(CloseCode::Restart, "this server is stopping");
                }
            };
            if let Err(over) = done {
                return over;
            }
        }
    }

    /// Takes what came, and has it answered.
    fn take(&mut self, message: Option<Result<Message, Error>>) -> Result<(), Over> {
        let message = match message {
            Some(Ok(Message::Binary(message))) => message,
            Some(Ok(
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) | Message::Close(_),
            )) => {
                return Ok(());
            }
            Some(Ok(Message::Text(_))) => {
                return Err(Over::closed(CloseCode::Unsupported, "messages are binary frames"));
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                return Err(Over::closed(CloseCode::Size, "the message is too long"));
            }
            Some(Err(_)) | None => return Err(Over::Gone),
        };
        if !self.rate.take(self.door.clock.now()) {
            return Err(Over::closed(CloseCode::Policy, "too many requests a second"));
        }
        if self.works.len() >= DOOR_REQUESTS_MAX {
            return Err(Over::closed(CloseCode::Policy, "too many requests are open"));
        }
        let invalid = |_| Over::closed(CloseCode::Invalid, "not a request of this protocol");
        let (number, body) = Numbered::unwrap(&message).map_err(|_| invalid(()))?;
        let request = DoorRequest::decode(body).map_err(|_| invalid(()))?;
        let answer = self.answer(number, request);
        self.works.push(answer);
        Ok(())
    }

    fn answer(&mut self, number: u64, request: DoorRequest) -> BoxFuture<'static, Answered> {
        let kind = match &request {
            DoorRequest::Propose(_) => "propose",
            DoorRequest::Follow(_) => "follow",
            DoorRequest::Leave(_) => "leave",
            DoorRequest::Introduce(_) => "introduce",
        };
        self.door.metrics.requests.get_or_create(&[("request", kind)]).inc();
        let passed = match request {
            DoorRequest::Introduce(introduce) => {
                let writer = introduce.secret.writer();
                self.writer = Some(writer);
                return at_once(number, DoorAnswer::Introduced(Introduced { writer }));
            }
            DoorRequest::Follow(follow) => {
                self.rule(&follow.group).map(|_| GroupRequest::Follow(follow))
            }
            DoorRequest::Leave(leave) => {
                self.owned(&leave.group, leave.writer).map(|_| GroupRequest::Leave(leave))
            }
            DoorRequest::Propose(propose) => {
                self.weigh(&propose).map(|()| GroupRequest::Propose(propose))
            }
        };
        match passed {
            Ok(request) => {
                let asked = self.door.authority.ask(SyncRequest::Group(request));
                async move { (number, page_answer(asked.await)) }.boxed()
            }
            Err(why) => at_once(number, DoorAnswer::Refused(Refused { why })),
        }
    }

    /// Whether a page may propose this.
    fn weigh(&self, propose: &Propose) -> Result<(), GroupRefusal> {
        let rule = self.owned(&propose.group, propose.edit.writer)?;
        if propose.edit.updates.len() > DOOR_UPDATES_BYTES_MAX {
            return Err(GroupRefusal::TooLarge);
        }
        rule(propose)
    }

    fn rule(&self, group: &GroupName) -> Result<&Rule, GroupRefusal> {
        self.door.rules.get(group).ok_or(GroupRefusal::NotAllowed)
    }

    /// The rule of a group, if the page may write there under this name.
    fn owned(&self, group: &GroupName, writer: WriterId) -> Result<&Rule, GroupRefusal> {
        let rule = self.rule(group)?;
        if self.writer == Some(writer) { Ok(rule) } else { Err(GroupRefusal::NotAllowed) }
    }
}

/// An answer that nobody has to be asked for.
fn at_once(number: u64, answer: DoorAnswer) -> BoxFuture<'static, Answered> {
    futures::future::ready((number, Some(answer))).boxed()
}

/// A page is told an answer, or nothing: then it asks again.
fn page_answer(answer: Result<SyncAnswer, Unavailable>) -> Option<DoorAnswer> {
    match answer.and_then(SyncAnswer::group) {
        Ok(GroupAnswer::Proposed(proposed)) => Some(DoorAnswer::Proposed(proposed)),
        Ok(GroupAnswer::Page(page)) => Some(DoorAnswer::Page(page)),
        Ok(GroupAnswer::Kept(kept)) => Some(DoorAnswer::Kept(kept)),
        Ok(GroupAnswer::Refused(refused)) => Some(DoorAnswer::Refused(refused)),
        Ok(GroupAnswer::Founded(_)) => None,
        Err(why) => {
            tracing::debug!(target: "worldboss::door", "no answer for a page: {why}");
            None
        }
    }
}

/// Sends an answer; one that is none is a message without a body, so that the page need not wait.
async fn send(
    door: &Shared,
    sink: &mut Sink,
    number: u64,
    answer: Option<DoorAnswer>,
) -> Result<(), Over> {
    let nothing = || vec![NIL];
    let mut body = answer.map_or_else(nothing, |answer| ucore::encode(&answer));
    // Pages that read slowly must not fill the memory: who finds no room asks again.
    let held = door.budget.hold(body.len());
    if held.is_none() {
        body = nothing();
    }
    socket::send(sink, Numbered::wrap(number, &body).into()).await
}

const NIL: u8 = 0xc0;
