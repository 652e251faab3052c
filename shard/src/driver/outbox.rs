//! A connection's outbox: the only writer of its socket.
//!
//! The tick loop writes whole frames straight from here; tungstenite, which reads, appends its
//! pongs and its close frame. Bytes that the socket did not take wait, and as long as some wait,
//! levels are skipped and events fold.

use super::session::Inbox;
use crate::machine::{Dues, Own};
use bytes::Bytes;
use futures::ready;
use protocol::limits::{INPUT_BYTES_PER_TICK_MAX, OUTBOX_BYTES_MAX};
use protocol::{Ack, Board, ShardMessage, State, Tick};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::cell::RefCell;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use ucore::encode_into;

/// What a connection's worker and its reader share. In one place, and in this order, because each
/// tick looks at all connections, and memory is slower than what it does there.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Link {
    pub(super) socket: TcpStream,
    pub(super) outbox: RefCell<Outbox>,
}

/// What waits to be written to one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Bytes that the socket did not take yet: whole frames, or the rest of one.
    waiting: Vec<u8>,
    /// An acknowledgement that could not be written.
    ack: Option<Box<Ack>>,
    /// A close frame was queued: nothing may follow it.
    closing: bool,
    /// The tick whose state the other side has, or will have before anything else.
    shown: Option<Tick>,
    /// The number of the leaderboard that it has, or will have; 0 before the first.
    board: u64,
    /// State frames that left, and those that were skipped because the other side does not read.
    pub(super) sent: u64,
    pub(super) skipped: u64,
    /// Ticks from one state frame to the next, as Hello asked; 0 for those that can be seen.
    pub(super) every: u8,
    /// The player's own damage that the state shown does not count.
    pub(super) own: Own,
}

/// A tick's state, framed once for everybody.
#[derive(Debug, Clone)]
pub(super) struct StateFrame {
    pub(super) tick: Tick,
    /// For anybody.
    pub(super) whole: Bytes,
    /// For those who have the state of this tick: what changed since.
    pub(super) change: Option<(Tick, Bytes)>,
    /// Who could see the difference.
    pub(super) dues: Dues,
}

impl StateFrame {
    /// The frame of a state, for those who have the one before it and for others.
    pub(super) fn new(state: &State, before: Option<&State>, dues: Dues) -> Self {
        let framed = |message| {
            let mut bytes = Vec::with_capacity(96);
            frame(&mut bytes, &message);
            Bytes::from(bytes)
        };
        let change =
            before.map(|before| (before.tick, framed(ShardMessage::Change(state.since(before)))));
        Self { tick: state.tick, whole: framed(ShardMessage::State(*state)), change, dues }
    }

    fn for_who_has(&self, shown: Option<Tick>) -> &[u8] {
        match &self.change {
            Some((before, change)) if shown == Some(*before) => change,
            Some(_) | None => &self.whole,
        }
    }
}

/// A leaderboard, framed once for everybody. A number tells it from others, from 1.
#[derive(Debug, Clone)]
pub(super) struct BoardFrame {
    number: u64,
    board: Arc<Board>,
    bytes: Bytes,
}

impl BoardFrame {
    /// The frame of a board; the same one if it is the board before.
    pub(super) fn new(board: Arc<Board>, before: Option<Self>) -> Self {
        let number = match before {
            Some(before) if Arc::ptr_eq(&before.board, &board) => return before,
            before => before.map_or(1, |before| before.number + 1),
        };
        let mut bytes = Vec::with_capacity(1_024);
        frame(&mut bytes, &ShardMessage::Board((*board).clone()));
        Self { number, board, bytes: Bytes::from(bytes) }
    }
}

/// What a connection may miss, because a newer one says it better.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Levels<'a> {
    pub(super) board: Option<&'a BoardFrame>,
    pub(super) state: Option<&'a StateFrame>,
}

/// A reader that is too slow for what it must not miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow;

impl Outbox {
    /// Whether a close frame was queued.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Writes what waits. True if nothing waits any more.
    pub(super) fn flush(&mut self, socket: &TcpStream) -> Result<bool> {
        while !self.waiting.is_empty() {
            match socket.try_write(&self.waiting) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => drop(self.waiting.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Takes in what one tick has for this connection, and writes it with one system call: `head`
    /// are frames that must arrive, `ack` folds, `levels` are skipped.
    pub(super) fn deliver(
        &mut self,
        socket: &TcpStream,
        head: &mut Vec<u8>,
        ack: Option<Ack>,
        Levels { board, state }: Levels<'_>,
    ) -> Result<std::result::Result<(), TooSlow>> {
        if self.closing {
            self.flush(socket)?;
            return Ok(Ok(()));
        }
        if let Some(newer) = &ack {
            self.own.learn(newer.tick, &newer.tallies);
        }
        let ack = self.folded(ack);
        let is_written = ack.is_some() || !head.is_empty();
        let state = state.filter(|state| self.wants(state, is_written));
        // A leaderboard is not worth a system call of its own: a state follows soon.
        let board = board.filter(|board| board.number != self.board);
        let board = board.filter(|_| is_written || state.is_some());
        if !self.flush(socket)? {
            self.skipped += u64::from(state.is_some());
            self.waiting.append(head);
            self.ack = ack.map(Box::new);
            return Ok(self.check());
        }
        if let Some(ack) = ack {
            frame(head, &ShardMessage::Ack(ack));
        }
        let before_board = head.len();
        head.extend_from_slice(board.map_or(&[][..], |board| &board.bytes));
        let before_state = head.len();
        let mut bytes = state.map_or(&[][..], |state| state.for_who_has(self.shown));
        if before_state > 0 {
            // A copy is cheaper than a system call that gathers.
            head.extend_from_slice(bytes);
            bytes = head;
        }
        if bytes.is_empty() {
            return Ok(Ok(()));
        }
        let written = write(socket, bytes)?;
        // The rest of the frames that must arrive, or of a level that was begun.
        let ends = [before_board, before_state, bytes.len()];
        let end = ends.into_iter().find(|end| *end >= written).unwrap_or(written);
        self.waiting.extend_from_slice(&bytes[written..end]);
        // A level of which nothing left is skipped.
        if let Some(board) = board.filter(|_| written > before_board) {
            self.board = board.number;
        }
        if let Some(state) = state {
            let left = written > before_state;
            self.sent += u64::from(left);
            self.skipped += u64::from(!left);
            if left {
                self.shown = Some(state.tick);
                self.own.renew(state.dues.counted());
            }
        }
        head.clear();
        Ok(self.check())
    }

    /// An acknowledgement and the one that waits, if there is one.
    fn folded(&mut self, newer: Option<Ack>) -> Option<Ack> {
        let Some(mut waiting) = self.ack.take() else { return newer };
        newer.into_iter().for_each(|newer| waiting.merge(newer));
        Some(*waiting)
    }

    /// Whether this connection gets this state. If it is written to anyway, a state costs no system
    /// call, and is a newer base to reckon from.
    fn wants(&self, state: &StateFrame, is_written: bool) -> bool {
        match self.every {
            0 => is_written || state.dues.is_due(self.shown, &self.own),
            every => state.tick.0.is_multiple_of(every.into()),
        }
    }

    fn check(&self) -> std::result::Result<(), TooSlow> {
        let refusals = self.ack.as_ref().map_or(0, |ack| ack.refused.len());
        let bounded = self.waiting.len() <= OUTBOX_BYTES_MAX
            && refusals <= protocol::limits::REFUSALS_WAITING_MAX;
        if bounded { Ok(()) } else { Err(TooSlow) }
    }

    /// Queues a close frame, the last thing that this connection is sent.
    pub(super) fn close(&mut self, socket: &TcpStream, close: CloseFrame) -> Result<bool> {
        if !self.closing {
            self.closing = true;
            if let Some(ack) = self.ack.take() {
                frame(&mut self.waiting, &ShardMessage::Ack(*ack));
            }
            let close = Frame::close(Some(close));
            close.format(&mut self.waiting).map_err(|_| Error::from(ErrorKind::InvalidData))?;
        }
        self.flush(socket)
    }
}

/// Writes what the socket takes at once, which may be nothing. Nearly all take everything, so the
/// runtime, which would look first whether this one does, is not asked.
fn write(socket: &TcpStream, bytes: &[u8]) -> Result<usize> {
    match send(socket, bytes, SendFlags::empty()) {
        Ok(written) => Ok(written),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Appends a message as one unmasked WebSocket frame.
pub(super) fn frame(bytes: &mut Vec<u8>, message: &ShardMessage) {
    let begins = bytes.len();
    encode_into(message, bytes);
    let opcode = OpCode::Data(Data::Binary);
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    let len = (bytes.len() - begins) as u64;
    // The header says how long the message is, so it comes last and moves to the front.
    header.format(len, bytes).expect("writing to a Vec can't fail");
    bytes[begins..].rotate_right(header.len(len));
}

/// The socket as tungstenite sees it: reads go to the socket, writes to the outbox.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) link: Rc<Link>,
    pub(super) inbox: Rc<Inbox>,
    /// Bytes that may still be read in a round of the inbox.
    pub(super) allowance: (u64, usize),
}

impl Wire {
    /// Counts bytes against the round's allowance: frames without a message cost work, too.
    fn count(&mut self, len: usize) -> Result<()> {
        let round = self.inbox.round.get();
        if self.allowance.0 != round {
            self.allowance = (round, INPUT_BYTES_PER_TICK_MAX);
        }
        self.allowance.1 =
            self.allowance.1.checked_sub(len).ok_or(Error::from(ErrorKind::QuotaExceeded))?;
        Ok(())
    }

    /// The socket had less than was asked for, so it is empty, and what comes next will say so: the
    /// next read waits for that instead of asking the system in vain.
    fn forget_ready(&self) {
        let empty = || Err::<(), _>(ErrorKind::WouldBlock.into());
        drop(self.link.socket.try_io(Interest::READABLE, empty));
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        loop {
            ready!(self.link.socket.poll_read_ready(context))?;
            match self.link.socket.try_read(into.initialize_unfilled()) {
                Ok(len) => {
                    self.count(len)?;
                    if (1..into.remaining()).contains(&len) {
                        self.forget_ready();
                    }
                    into.advance(len);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    /// Takes pongs and the answer to a close. Who makes the server queue more of them than fits is
    /// not reading, and is cut.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut outbox = self.link.outbox.borrow_mut();
        if outbox.closing {
            return Poll::Ready(Ok(bytes.len()));
        }
        if outbox.waiting.len() + bytes.len() > OUTBOX_BYTES_MAX {
            return Poll::Ready(Err(ErrorKind::OutOfMemory.into()));
        }
        // 0x88: a final frame with the opcode of a close.
        outbox.closing = bytes.first() == Some(&0x88);
        outbox.waiting.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    /// Pongs leave with the next tick, a close frame at once.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        let mut outbox = self.link.outbox.borrow_mut();
        if outbox.closing {
            outbox.flush(&self.link.socket)?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_flush(context)
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
