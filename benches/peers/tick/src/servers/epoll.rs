//! The yardstick: one thread, epoll, and one read or write for each message. It knows no more of
//! WebSocket than a handshake and whole frames, and no more of the game than a sum.

use super::{ServeError, bound};
use crate::frame;
use crate::state::{HP_MAX, TICK_MS, encode};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::{Errno, read, write};
use rustix::time::Timespec;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The listener's number among the sockets; the others are places in `Server::players`.
const LISTENER: u64 = u64::MAX;
const EVENTS_MAX: usize = 512;
const READ_BYTES_MAX: usize = 16 * 1024;
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// A connection.
#[derive(Debug)]
struct Player {
    socket: TcpStream,
    /// After the handshake.
    is_open: bool,
    /// What was read of a message that is not whole; almost always empty.
    rest: Vec<u8>,
    /// What a full socket did not take of a frame. Frames are skipped until it is gone.
    unsent: Vec<u8>,
}

#[derive(Debug)]
struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    players: Vec<Option<Player>>,
    hp: u64,
    tick: u64,
    buffer: Vec<u8>,
}

/// Serves for ever.
pub(crate) fn serve(port: u16) -> Result<(), ServeError> {
    let listener = bound(port)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let buffer = vec![0; READ_BYTES_MAX];
    let mut server = Server { epoll, listener, players: Vec::new(), hp: HP_MAX, tick: 0, buffer };
    let empty = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
    let mut events = [empty; EVENTS_MAX];
    let mut next = Instant::now() + TICK;
    loop {
        let now = Instant::now();
        if next <= now {
            server.send_state();
            next += TICK;
            continue;
        }
        let left = Timespec::try_from(next - now).map_err(|_| "the clock overflows")?;
        let ready = match epoll::wait(&server.epoll, &mut events, Some(&left)) {
            Ok(ready) => ready,
            Err(Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..ready] {
            match event.data.u64() {
                LISTENER => server.accept()?,
                place => while server.read(usize::try_from(place)?) {},
            }
        }
    }
}

const TICK: Duration = Duration::from_millis(TICK_MS);

impl Server {
    fn accept(&mut self) -> Result<(), ServeError> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let place = self.players.iter().position(Option::is_none);
            let place = place.unwrap_or_else(|| {
                self.players.push(None);
                self.players.len() - 1
            });
            let data = EventData::new_u64(u64::try_from(place)?);
            epoll::add(&self.epoll, &socket, data, EventFlags::IN | EventFlags::ET)?;
            let (rest, unsent) = (Vec::new(), Vec::new());
            self.players[place] = Some(Player { socket, is_open: false, rest, unsent });
        }
    }

    /// One read, and all that is whole in it. A connection that ends or errs is dropped. Says
    /// whether there may be more: an edge is told once, also for more than the buffer holds.
    fn read(&mut self, place: usize) -> bool {
        let Some(player) = &mut self.players[place] else { return false };
        let kept = player.rest.len();
        self.buffer[..kept].copy_from_slice(&player.rest);
        player.rest.clear();
        let end = match read(&player.socket, &mut self.buffer[kept..]) {
            Ok(len @ 1..) => kept + len,
            Err(Errno::AGAIN | Errno::INTR) => kept,
            Ok(0) | Err(_) => {
                self.players[place] = None;
                return false;
            }
        };
        let is_full = end == self.buffer.len();
        let bytes = &mut self.buffer[..end];
        let taken = if player.is_open { hits(bytes, &mut self.hp) } else { player.open(bytes) };
        match taken {
            Some(taken) if end - taken < HEAD_BYTES_MAX => {
                player.rest.extend_from_slice(&bytes[taken..]);
            }
            _ => self.players[place] = None,
        }
        is_full
    }

    fn send_state(&mut self) {
        self.tick += 1;
        let frame = frame::of_server(frame::BINARY, &encode(self.tick, self.hp));
        for slot in &mut self.players {
            if let Some(player) = slot
                && player.is_open
                && player.send(&frame).is_err()
            {
                *slot = None;
            }
        }
    }
}

/// Takes the hits that are whole, and says how many bytes they were; none at the end.
fn hits(bytes: &mut [u8], hp: &mut u64) -> Option<usize> {
    let mut taken = 0;
    while let Some(message) = frame::first(&mut bytes[taken..]) {
        match message.opcode {
            frame::CLOSE => return None,
            frame::BINARY => *hp -= 1,
            _ => {}
        }
        taken += message.bytes;
    }
    Some(taken)
}

impl Player {
    /// Answers the handshake when it is whole, and says how many bytes it was; none if it is none.
    fn open(&mut self, bytes: &[u8]) -> Option<usize> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Some(0);
        };
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let key =
            head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
                name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
            })?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes()),
        );
        self.is_open = true;
        self.send(answer.as_bytes()).ok()?;
        Some(end + 4)
    }

    /// One write; a socket that is full gets the rest of a begun frame first, and misses others.
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        let is_late = !self.unsent.is_empty();
        let bytes = if is_late { &self.unsent[..] } else { frame };
        let sent = match write(&self.socket, bytes) {
            Ok(sent) => sent,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(error) => return Err(error),
        };
        if is_late {
            self.unsent.drain(..sent);
        } else if 0 < sent && sent < frame.len() {
            self.unsent.extend_from_slice(&frame[sent..]);
        }
        Ok(())
    }
}
