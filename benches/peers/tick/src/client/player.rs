//! One connection, from its first byte to its last state frame.

use super::bar::{Bar, Told};
use super::dialect::{self, Dialect, Heard};
use crate::frame;
use rustix::io::{Errno, read, write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How far a player is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for an HTTP answer, to its end.
    Seat,
    /// Waits for 101.
    Upgrade,
    /// Waits for what lets it in.
    Greeting,
    /// Gets states.
    In,
}

/// What one read has brought.
#[derive(Debug, Default)]
pub(crate) struct Got {
    /// State frames.
    pub(crate) frames: u64,
    /// Bytes of any kind.
    pub(crate) bytes: u64,
    /// The player is in as of this read.
    pub(crate) is_new: bool,
    /// The player goes on with another socket, on this path.
    pub(crate) seat: Option<String>,
    /// What its bar tells, if it has one.
    pub(crate) told: Vec<Told>,
}

/// A player.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) socket: TcpStream,
    /// When the newest state frame came.
    pub(crate) last: Option<Instant>,
    dialect: Dialect,
    stage: Stage,
    generation: u32,
    seq: u32,
    /// The boss's HP as this player has seen it, if it looks.
    hp: Option<u64>,
    bar: Option<Bar>,
    /// What was read of a message that is not whole.
    rest: Vec<u8>,
}

impl Player {
    /// Connects, and sends the first request: for a seat, if one is needed and not known yet.
    pub(crate) fn connect(
        addr: SocketAddr,
        dialect: Dialect,
        seat: Option<&str>,
    ) -> Result<Self, String> {
        let socket = TcpStream::connect_timeout(&addr, CONNECT_MAX)
            .and_then(|socket| {
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                Ok(socket)
            })
            .map_err(|error| format!("no connection: {error}"))?;
        let (stage, request) = match (dialect.seat_request(), seat) {
            (Some(request), None) => (Stage::Seat, request),
            _ => (Stage::Upgrade, dialect.upgrade(seat.unwrap_or_default())),
        };
        let (generation, seq, rest) = (0, 0, Vec::new());
        let (last, hp, bar) = (None, None, None);
        let player = Self { socket, last, dialect, stage, generation, seq, hp, bar, rest };
        player.send(request.as_bytes())?;
        Ok(player)
    }

    /// One read, and all that is whole in it. An end of the connection is an error.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Got, String> {
        let kept = self.rest.len();
        let room = buffer.len();
        let into = buffer.get_mut(kept..).filter(|into| !into.is_empty());
        let into = into.ok_or_else(|| format!("a message is longer than {room} bytes"))?;
        let len = match read(&self.socket, into) {
            Ok(len) => len,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Got::default()),
            Err(error) => return Err(format!("the connection broke: {error}")),
        };
        buffer[..kept].copy_from_slice(&self.rest);
        self.rest.clear();
        let bytes = &mut buffer[..kept + len];
        if len == 0 {
            if self.stage == Stage::Seat {
                return Ok(Got { seat: Some(dialect::seat(bytes)?), ..Got::default() });
            }
            return Err("the server ended the connection".to_owned());
        }
        let mut got = Got { bytes: u64::try_from(len).unwrap_or(u64::MAX), ..Got::default() };
        let taken = self.take(bytes, &mut got)?;
        self.rest.extend_from_slice(&bytes[taken..]);
        Ok(got)
    }

    /// Has a bar from now on, before its first state.
    pub(crate) fn show(&mut self, bar: Bar) {
        self.bar = Some(bar);
    }

    /// From now on, looks at the boss's HP, which has been `hp` so far.
    pub(crate) fn look(&mut self, hp: u64) {
        self.hp = Some(hp);
    }

    /// The HP in the newest frame that had it, if it looks.
    pub(crate) fn hp(&self) -> Option<u64> {
        self.hp
    }

    /// Sends a hit. A full socket is an error: hits are small, and servers read them.
    pub(crate) fn hit(&mut self) -> Result<(), String> {
        self.seq += 1;
        self.send(&self.dialect.hit(self.generation, self.seq))
    }

    /// Handles what is whole, and says how many bytes that was.
    fn take(&mut self, bytes: &mut [u8], got: &mut Got) -> Result<usize, String> {
        let mut taken = match self.stage {
            Stage::Seat => 0,
            Stage::Upgrade => self.upgraded(bytes, got)?,
            Stage::Greeting | Stage::In => 0,
        };
        if !matches!(self.stage, Stage::Greeting | Stage::In) {
            return Ok(taken);
        }
        while let Some(message) = frame::first(&mut bytes[taken..]) {
            match message.opcode {
                frame::TEXT | frame::BINARY => self.hear(message.payload, got)?,
                frame::PING => self.send(&frame::of_client(frame::PONG, message.payload))?,
                frame::CLOSE => return Err(closed(message.payload)),
                _ => {}
            }
            taken += message.bytes;
        }
        Ok(taken)
    }

    fn upgraded(&mut self, bytes: &[u8], got: &mut Got) -> Result<usize, String> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(0);
        };
        if !bytes.starts_with(b"HTTP/1.1 101") {
            return Err(format!("no WebSocket: {}", String::from_utf8_lossy(bytes)));
        }
        got.is_new = self.dialect.is_in_at_once();
        self.stage = if got.is_new { Stage::In } else { Stage::Greeting };
        self.send(&self.dialect.greeting())?;
        Ok(end + 4)
    }

    fn hear(&mut self, payload: &[u8], got: &mut Got) -> Result<(), String> {
        if let Some(bar) = &mut self.bar {
            got.told.extend(bar.hear(payload)?);
        }
        match self.dialect.hear(payload) {
            Heard::Other => {}
            Heard::State => {
                got.frames += 1;
                if self.hp.is_some() {
                    self.hp = self.dialect.hp(payload).or(self.hp);
                }
            }
            Heard::Answer(answer) => self.send(&answer)?,
            Heard::Joined(answer, generation) => {
                got.is_new = self.stage != Stage::In;
                self.stage = Stage::In;
                self.generation = generation;
                self.send(&answer)?;
            }
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.is_empty() {
            return Ok(());
        }
        match write(&self.socket, bytes) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(_) | Err(Errno::AGAIN) => Err("the server does not read".to_owned()),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }
}

/// What a close frame says.
fn closed(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => format!(
            "the server closed with {}: {}",
            u16::from_be_bytes(*code),
            String::from_utf8_lossy(reason),
        ),
        None => "the server closed without a reason".to_owned(),
    }
}
