//! Just enough WebSocket framing for the yardstick and for the client that drives all servers.

/// A text message.
pub(crate) const TEXT: u8 = 1;
/// A binary message.
pub(crate) const BINARY: u8 = 2;
/// The end of a connection.
pub(crate) const CLOSE: u8 = 8;
/// A question whether the other side lives.
pub(crate) const PING: u8 = 9;
/// Its answer.
pub(crate) const PONG: u8 = 10;

/// What clients mask with: any bytes but zeros make a server unmask.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame inside the bytes that were read, unmasked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The lower half of its first byte.
    pub(crate) opcode: u8,
    /// What it carries.
    pub(crate) payload: &'a [u8],
    /// Its own length with the header, in bytes.
    pub(crate) bytes: usize,
}

/// The first frame of `bytes`, which is unmasked in place; none as long as a part of it is missing.
pub(crate) fn first(bytes: &mut [u8]) -> Option<Frame<'_>> {
    let (&opcode, &second) = (bytes.first()?, bytes.get(1)?);
    let (len, mut start) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let mut mask = [0; 4];
    if second & 0x80 != 0 {
        mask = *bytes.get(start..)?.first_chunk()?;
        start += mask.len();
    }
    let end = start.checked_add(len)?;
    let payload = bytes.get_mut(start..end)?;
    if mask != [0; 4] {
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
    Some(Frame { opcode: opcode & 0x0f, payload, bytes: end })
}

/// A whole message as a server sends it, for payloads of at most 65,535 bytes.
pub(crate) fn of_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

/// A whole message as a client sends it, for payloads of at most 65,535 bytes.
pub(crate) fn of_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0x80);
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn header(opcode: u8, len: usize, mask_bit: u8) -> Vec<u8> {
    let whole = 0x80 | opcode;
    match u8::try_from(len) {
        Ok(short @ ..=125) => vec![whole, mask_bit | short],
        _ => {
            let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
            vec![whole, mask_bit | 126, high, low]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for len in [0, 1, 125, 126, 127, 300, 65_535] {
            let payload: Vec<u8> = (0..len).map(|n: u32| n.to_le_bytes()[0]).collect();
            for mut frame in [of_server(BINARY, &payload), of_client(BINARY, &payload)] {
                let bytes = frame.len();
                frame.extend([1, 2, 3]);
                let expected = Frame { opcode: BINARY, payload: &payload, bytes };
                assert_eq!(first(&mut frame), Some(expected));
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_short_is_waited_for() {
        let frame = of_client(TEXT, &[7; 200]);
        for len in 0..frame.len() {
            let mut part = frame[..len].to_vec();
            assert_eq!(first(&mut part), None);
            assert_eq!(part, frame[..len], "nothing is unmasked before it is whole");
        }
    }
}
