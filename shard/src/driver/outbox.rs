//! A connection's outbox: the only writer of its socket.
//!
//! The tick loop writes whole frames straight from here; tungstenite, which reads, appends its
//! pongs and its close frame. Bytes that the socket did not take wait, and as long as some wait,
//! levels are skipped and events fold.

use super::session::Inbox;
use bytes::Bytes;
use futures::ready;
use protocol::limits::{INPUT_BYTES_PER_TICK_MAX, OUTBOX_BYTES_MAX};
use protocol::{Ack, Board, ShardMessage, State, Tick};
use std::cell::RefCell;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use ucore::encode_into;

/// What waits to be written to one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Bytes that the socket did not take yet: whole frames, or the rest of one.
    waiting: Vec<u8>,
    /// An acknowledgement that could not be written.
    ack: Option<Ack>,
    /// A close frame was queued: nothing may follow it.
    closing: bool,
    /// The tick whose state the other side has, or will have before anything else.
    shown: Option<Tick>,
    /// The number of the leaderboard that it has, or will have; 0 before the first.
    board: u64,
    /// State frames that were skipped because the other side does not read.
    pub(super) skipped: u64,
    /// Ticks from one state frame to the next, as Hello asked.
    pub(super) every: u8,
}

/// A tick's state, framed once for everybody.
#[derive(Debug, Clone)]
pub(super) struct StateFrame {
    pub(super) tick: Tick,
    /// For anybody.
    pub(super) whole: Bytes,
    /// For those who have the state of this tick: what changed since.
    pub(super) change: Option<(Tick, Bytes)>,
}

impl StateFrame {
    /// The frame of a state, for those who have the one before it and for others.
    pub(super) fn new(state: &State, before: Option<&State>) -> Self {
        let framed = |message| {
            let mut bytes = Vec::with_capacity(96);
            frame(&mut bytes, &message);
            Bytes::from(bytes)
        };
        let change =
            before.map(|before| (before.tick, framed(ShardMessage::Change(state.since(before)))));
        Self { tick: state.tick, whole: framed(ShardMessage::State(*state)), change }
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
        if let Some(newer) = ack {
            match &mut self.ack {
                Some(waiting) => waiting.merge(newer),
                None => self.ack = Some(newer),
            }
        }
        if !self.flush(socket)? {
            self.skipped += u64::from(state.is_some());
            self.waiting.append(head);
            return Ok(self.check());
        }
        if let Some(ack) = self.ack.take() {
            frame(head, &ShardMessage::Ack(ack));
        }
        let board = board.filter(|board| board.number != self.board);
        let parts = [
            head.as_slice(),
            board.map_or(&[][..], |board| &board.bytes),
            state.map_or(&[][..], |state| state.for_who_has(self.shown)),
        ];
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(Ok(()));
        }
        let written = match socket.try_write_vectored(&parts.map(IoSlice::new)) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.keep_rest(&parts, written);
        let (before_board, before_state) = (parts[0].len(), parts[0].len() + parts[1].len());
        // A level of which nothing left is skipped.
        if let Some(board) = board.filter(|_| written > before_board) {
            self.board = board.number;
        }
        if let Some(state) = state {
            let left = written > before_state;
            self.skipped += u64::from(!left);
            self.shown = if left { Some(state.tick) } else { self.shown };
        }
        head.clear();
        Ok(self.check())
    }

    /// Keeps what was not written of the frames that must arrive, the first part, and of a level
    /// that was begun.
    fn keep_rest(&mut self, parts: &[&[u8]; 3], written: usize) {
        let mut begins = 0;
        for (idx, part) in parts.iter().enumerate() {
            let done = written.saturating_sub(begins).min(part.len());
            if idx == 0 || done > 0 {
                self.waiting.extend_from_slice(&part[done..]);
            }
            begins += part.len();
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
                frame(&mut self.waiting, &ShardMessage::Ack(ack));
            }
            let close = Frame::close(Some(close));
            close.format(&mut self.waiting).map_err(|_| Error::from(ErrorKind::InvalidData))?;
        }
        self.flush(socket)
    }
}

/// Appends a message as one unmasked WebSocket frame.
pub(super) fn frame(bytes: &mut Vec<u8>, message: &ShardMessage) {
    let mut payload = Vec::with_capacity(64);
    encode_into(message, &mut payload);
    let opcode = OpCode::Data(Data::Binary);
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    header.format(payload.len() as u64, bytes).expect("writing to a Vec can't fail");
    bytes.append(&mut payload);
}

/// The socket as tungstenite sees it: reads go to the socket, writes to the outbox.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) socket: Rc<TcpStream>,
    pub(super) outbox: Rc<RefCell<Outbox>>,
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
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        loop {
            ready!(self.socket.poll_read_ready(context))?;
            match self.socket.try_read(into.initialize_unfilled()) {
                Ok(len) => {
                    self.count(len)?;
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
        let mut outbox = self.outbox.borrow_mut();
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
        let mut outbox = self.outbox.borrow_mut();
        if outbox.closing {
            outbox.flush(&self.socket)?;
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
