//! The protocol of Redis (RESP2), as much of it as a request and its answer need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take to answer. One that is paused never does.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Redis's own bound of a value. Longer: the answer is refused.
const BULK_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Arrays within arrays. Deeper: the answer is refused.
const DEPTH_MAX: u32 = 16;
/// Longest line that is no value.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status, such as `OK`.
    Simple(String),
    /// A refusal within an array, such as one command of a transaction.
    Error(String),
    /// An integer.
    Int(i64),
    /// A value, or none.
    Bulk(Option<Vec<u8>>),
    /// Several replies. None at all is an empty one, too.
    Array(Vec<Self>),
}

impl Reply {
    /// The text of a status, a value or a refusal; empty for the others.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Simple(text) | Self::Error(text) => text.clone(),
            Self::Bulk(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Bulk(None) | Self::Int(_) | Self::Array(_) => String::new(),
        }
    }

    /// The number, also of a value that is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Simple(_) | Self::Error(_) | Self::Bulk(_) | Self::Array(_) => {
                self.text().parse().ok()
            }
        }
    }

    /// The replies of an array; empty for the others.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Simple(_) | Self::Error(_) | Self::Int(_) | Self::Bulk(_) => &[],
        }
    }
}

/// Sends one command on a connection of its own. A refusal is an error that names the command and
/// what the server said.
pub(super) fn command<A: AsRef<[u8]>>(port: u16, words: &[A]) -> Result<Reply, String> {
    // A server does not answer an empty one.
    let Some(name) = words.first() else { return Err("a command has a name".to_owned()) };
    let name = String::from_utf8_lossy(name.as_ref());
    match exchange(port, &encode(words)) {
        Ok(Reply::Error(text)) => Err(format!("the server refused `{name}`: {text}")),
        Ok(reply) => Ok(reply),
        Err(error) => Err(format!("no answer to `{name}` from 127.0.0.1:{port}: {error}")),
    }
}

fn exchange(port: u16, request: &[u8]) -> std::io::Result<Reply> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&addr, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    stream.write_all(request)?;
    decode(&mut BufReader::new(stream), DEPTH_MAX)
}

fn encode<A: AsRef<[u8]>>(words: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        bytes.extend(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

fn decode(from: &mut impl BufRead, depth: u32) -> std::io::Result<Reply> {
    let line = line(from)?;
    let Some((kind, text)) = line.split_at_checked(1) else { return Err(malformed(&line)) };
    let number = || text.parse::<i64>().map_err(|_| malformed(&line));
    match kind {
        "+" => Ok(Reply::Simple(text.to_owned())),
        "-" => Ok(Reply::Error(text.to_owned())),
        ":" => Ok(Reply::Int(number()?)),
        "$" => match number()? {
            -1 => Ok(Reply::Bulk(None)),
            len => Ok(Reply::Bulk(Some(bulk(from, len).ok_or_else(|| malformed(&line))?))),
        },
        "*" if depth == 0 => Err(malformed(&line)),
        // The count is not trusted for an allocation: the items come one after the other.
        "*" => (0..number()?)
            .map(|_| decode(from, depth - 1))
            .collect::<Result<_, _>>()
            .map(Reply::Array),
        _ => Err(malformed(&line)),
    }
}

/// A value of this length and its line end.
fn bulk(from: &mut impl BufRead, len: i64) -> Option<Vec<u8>> {
    let len = u64::try_from(len).ok().filter(|len| *len <= BULK_BYTES_MAX)?;
    let mut bytes = Vec::new();
    from.take(len + 2).read_to_end(&mut bytes).ok()?;
    let value = bytes.strip_suffix(b"\r\n")?;
    (value.len() as u64 == len).then(|| value.to_vec())
}

fn line(from: &mut impl BufRead) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    let line = String::from_utf8_lossy(&bytes).into_owned();
    if line.is_empty() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "it closed the connection",
        ));
    }
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| malformed(&line))
}

fn malformed(line: &str) -> std::io::Error {
    let sentence = format!("`{}` is no answer of a Redis", line.escape_default());
    std::io::Error::new(std::io::ErrorKind::InvalidData, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> std::io::Result<Reply> {
        decode(&mut text.as_bytes(), DEPTH_MAX)
    }

    #[test]
    fn a_request_says_the_length_of_every_word() {
        assert_eq!(
            encode(&["SET", "k", "ü"]),
            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nü\r\n".as_bytes()
        );
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let text = "*6\r\n+OK\r\n-ERR no\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n*-1\r\n";
        let expected = Reply::Array(vec![
            Reply::Simple("OK".to_owned()),
            Reply::Error("ERR no".to_owned()),
            Reply::Int(-7),
            Reply::Bulk(Some(b"a\r\nb".to_vec())),
            Reply::Bulk(None),
            Reply::Array(Vec::new()),
        ]);
        assert_eq!(decoded(text).expect("well formed"), expected);
        assert_eq!(expected.items()[2].int(), Some(-7));
        assert_eq!(expected.items()[3].text(), "a\r\nb");
        assert_eq!(Reply::Bulk(Some(b"12".to_vec())).int(), Some(12));
    }

    #[test]
    fn what_is_cut_off_or_malformed_is_an_error() {
        let nested = "*1\r\n".repeat(100_000);
        for text in [
            "",
            "\r\n",
            "+OK",
            "?\r\n",
            ":x\r\n",
            "$3\r\nab\r\n",
            "$2\r\nabcd",
            "$-2\r\n",
            "ü\r\n",
            "$99999999999\r\n",
            "*2\r\n+OK\r\n",
            "*9223372036854775807\r\n",
            &nested,
        ] {
            assert!(decoded(text).is_err(), "{text:.20}");
        }
    }
}
