//! Frames: a fixed prefix with two lengths, a JSON header, raw bytes.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::JobError;

/// Largest JSON header of a frame in bytes.
pub const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Largest payload of a frame in bytes.
pub const MAX_PAYLOAD_BYTES: u64 = 1 << 30;

/// First bytes of each frame: anything else that gets into the connection is noticed at once.
const MAGIC: [u8; 4] = *b"MDj1";
const PREFIX: usize = 16;
/// Payloads up to this size are copied behind the header, so that a frame is one write.
const SMALL: usize = 64 << 10;

/// A frame that is ready to be written: the head, and the payload where it is not in there.
pub(crate) struct Frame<'a> {
    pub head: Vec<u8>,
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Refuses what the other side would refuse, before a byte is sent.
    pub(crate) fn new(message: &impl Serialize, payload: &'a [u8]) -> Result<Self, JobError> {
        let mut head = vec![0; PREFIX];
        serde_json::to_writer(&mut head, message).map_err(|error| JobError::Protocol(error.to_string()))?;
        let header_len = (head.len() - PREFIX) as u64;
        limit(header_len, MAX_HEADER_BYTES)?;
        limit(payload.len() as u64, MAX_PAYLOAD_BYTES)?;
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&(header_len as u32).to_le_bytes());
        head[8..16].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        if payload.len() > SMALL {
            return Ok(Self { head, payload });
        }
        head.extend_from_slice(payload);
        Ok(Self { head, payload: &[] })
    }

    /// Writes the frame to a blocking stream.
    pub(crate) fn write_to(&self, stream: &mut impl Write) -> io::Result<()> {
        stream.write_all(&self.head)?;
        stream.write_all(self.payload)?;
        stream.flush()
    }
}

/// Reads a frame; `None` at a clean end of the stream.
pub(crate) fn read<M: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<(M, Vec<u8>)>, JobError> {
    let mut prefix = [0; PREFIX];
    if !read_prefix(stream, &mut prefix)? {
        return Ok(None);
    }
    let [m0, m1, m2, m3, h0, h1, h2, h3, payload_len @ ..] = prefix;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(JobError::Protocol(format!("a frame starts with {:02x?}", &prefix[..4])));
    }
    let header_len = u64::from(u32::from_le_bytes([h0, h1, h2, h3]));
    let payload_len = u64::from_le_bytes(payload_len);
    limit(header_len, MAX_HEADER_BYTES)?;
    limit(payload_len, MAX_PAYLOAD_BYTES)?;
    let header = read_exactly(stream, header_len)?;
    let message = serde_json::from_slice(&header)
        .map_err(|error| JobError::Protocol(format!("{error} in {}", excerpt(&header))))?;
    Ok(Some((message, read_exactly(stream, payload_len)?)))
}

/// False at the end of the stream; an end within the prefix is an error.
fn read_prefix(stream: &mut impl Read, prefix: &mut [u8; PREFIX]) -> Result<bool, JobError> {
    let mut filled = 0;
    while filled < PREFIX {
        match stream.read(&mut prefix[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(JobError::Link(io::ErrorKind::UnexpectedEof.into())),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(JobError::Link(error)),
        }
    }
    Ok(true)
}

/// Grows with what really arrives: a length that lies costs no memory.
fn read_exactly(stream: &mut impl Read, len: u64) -> Result<Vec<u8>, JobError> {
    let mut bytes = Vec::with_capacity(len.min(1 << 20) as usize);
    stream.take(len).read_to_end(&mut bytes).map_err(JobError::Link)?;
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(JobError::Link(io::ErrorKind::UnexpectedEof.into())) }
}

fn limit(size: u64, limit: u64) -> Result<(), JobError> {
    if size > limit { Err(JobError::TooLarge { size, limit }) } else { Ok(()) }
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ToWorker;

    fn bytes(message: &ToWorker, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        Frame::new(message, payload).expect("fits").write_to(&mut bytes).expect("a Vec takes all");
        bytes
    }

    #[test]
    fn small_and_large_payloads_come_back() {
        for len in [0, 1, SMALL, SMALL + 1, 3 << 20] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut stream = bytes(&ToWorker::Cancel { id: 7 }, &payload);
            stream.extend(bytes(&ToWorker::Shutdown, &[]));
            let mut stream = stream.as_slice();
            let (first, found) = read::<ToWorker>(&mut stream).expect("reads").expect("there");
            assert!(matches!(first, ToWorker::Cancel { id: 7 }));
            assert_eq!(found, payload);
            let (second, _) = read::<ToWorker>(&mut stream).expect("reads").expect("there");
            assert!(matches!(second, ToWorker::Shutdown));
            assert!(read::<ToWorker>(&mut stream).expect("clean end").is_none());
        }
    }

    #[track_caller]
    fn refused(stream: &[u8], expect: &str) {
        let error = read::<ToWorker>(&mut &stream[..]).expect_err("refused").to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn lies_and_garbage_are_refused() {
        let good = bytes(&ToWorker::Shutdown, &[1, 2, 3]);
        refused(b"Segmentation fault\n", "starts with");
        refused(&good[..7], "end of file");
        refused(&good[..good.len() - 1], "end of file");
        let mut lying = good.clone();
        lying[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        refused(&lying, "too large");
        let mut lying = good.clone();
        lying[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        refused(&lying, "too large");
        let mut lying = good.clone();
        lying[8..16].copy_from_slice(&(MAX_PAYLOAD_BYTES).to_le_bytes());
        refused(&lying, "end of file");
        let mut other = good;
        other[PREFIX] = b'[';
        refused(&other, "cannot be understood");
    }
}
