//! The few SFTP version 3 packets that an upload needs, written straight into the buffers that go
//! out (draft-ietf-secsh-filexfer-02, sections 3 to 7).

const INIT: u8 = 1;
const VERSION: u8 = 2;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const WRITE: u8 = 6;
const FSETSTAT: u8 = 10;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const EXTENDED: u8 = 200;
const EXTENDED_REPLY: u8 = 201;

const OPEN_WRITE: u32 = 0x02;
const OPEN_CREATE: u32 = 0x08;
const ATTR_SIZE: u32 = 0x01;
const ATTR_PERMISSIONS: u32 = 0x04;

/// A packet under construction; its length is filled in at the end.
struct Packet(Vec<u8>);

impl Packet {
    fn new(kind: u8, id: Option<u32>) -> Self {
        let mut bytes = vec![0, 0, 0, 0, kind];
        bytes.extend(id.map(u32::to_be_bytes).into_iter().flatten());
        Self(bytes)
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn text(mut self, bytes: &[u8]) -> Self {
        self.0.extend((bytes.len() as u32).to_be_bytes());
        self.0.extend(bytes);
        self
    }

    fn done(mut self) -> Vec<u8> {
        let length = (self.0.len() - 4) as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

pub(super) fn init() -> Vec<u8> {
    Packet::new(INIT, None).u32(3).done()
}

pub(super) fn open(id: u32, path: &str, mode: u32) -> Vec<u8> {
    let packet = Packet::new(OPEN, Some(id)).text(path.as_bytes()).u32(OPEN_WRITE | OPEN_CREATE);
    packet.u32(ATTR_PERMISSIONS).u32(mode).done()
}

pub(super) fn truncate(id: u32, handle: &[u8], size: u64) -> Vec<u8> {
    Packet::new(FSETSTAT, Some(id)).text(handle).u32(ATTR_SIZE).u64(size).done()
}

pub(super) fn permissions(id: u32, handle: &[u8], mode: u32) -> Vec<u8> {
    Packet::new(FSETSTAT, Some(id)).text(handle).u32(ATTR_PERMISSIONS).u32(mode).done()
}

pub(super) fn close(id: u32, handle: &[u8]) -> Vec<u8> {
    Packet::new(CLOSE, Some(id)).text(handle).done()
}

pub(super) fn limits(id: u32) -> Vec<u8> {
    Packet::new(EXTENDED, Some(id)).text(b"limits@openssh.com").done()
}

pub(super) fn fsync(id: u32, handle: &[u8]) -> Vec<u8> {
    Packet::new(EXTENDED, Some(id)).text(b"fsync@openssh.com").text(handle).done()
}

/// The bytes of a WRITE before its data.
pub(super) fn write_head_len(handle: &[u8]) -> usize {
    4 + 1 + 4 + 4 + handle.len() + 8 + 4
}

/// Fills in the head of a WRITE whose data lies in `packet[write_head_len..]` already.
pub(super) fn fill_write_head(packet: &mut [u8], id: u32, handle: &[u8], offset: u64) {
    let head = write_head_len(handle);
    let length = (packet.len() - 4) as u32;
    let data = (packet.len() - head) as u32;
    let fields: [&[u8]; 7] = [
        &length.to_be_bytes(),
        &[WRITE],
        &id.to_be_bytes(),
        &(handle.len() as u32).to_be_bytes(),
        handle,
        &offset.to_be_bytes(),
        &data.to_be_bytes(),
    ];
    let mut at = 0;
    for field in fields {
        packet[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
}

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Version { extensions: Vec<String> },
    Status { id: u32, code: u32, message: String },
    Handle { id: u32, handle: Vec<u8> },
    Extended { id: u32, data: Vec<u8> },
}

impl Reply {
    pub fn id(&self) -> Option<u32> {
        match self {
            Self::Version { .. } => None,
            Self::Status { id, .. } | Self::Handle { id, .. } | Self::Extended { id, .. } => Some(*id),
        }
    }
}

/// Puts packets together from the pieces in which they arrive.
#[derive(Default)]
pub(super) struct Reader(Vec<u8>);

/// The server sent something that is not SFTP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole packet, if there is one.
    pub fn next(&mut self) -> Result<Option<Reply>, Garbled> {
        let Some(length) = self.0.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > 1 << 20 {
            return Err(Garbled);
        }
        if self.0.len() < 4 + length {
            return Ok(None);
        }
        let packet: Vec<u8> = self.0.drain(..4 + length).skip(4).collect();
        parse(&packet).ok_or(Garbled).map(Some)
    }
}

fn parse(packet: &[u8]) -> Option<Reply> {
    let (kind, mut rest) = packet.split_first()?;
    let rest = &mut rest;
    Some(match *kind {
        VERSION => {
            take_u32(rest)?;
            let mut extensions = Vec::new();
            while !rest.is_empty() {
                extensions.push(String::from_utf8_lossy(take_text(rest)?).into_owned());
                take_text(rest)?;
            }
            Reply::Version { extensions }
        }
        STATUS => {
            let (id, code) = (take_u32(rest)?, take_u32(rest)?);
            // Version 3 has a message; older servers leave it out.
            let message = take_text(rest).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            Reply::Status { id, code, message }
        }
        HANDLE => Reply::Handle { id: take_u32(rest)?, handle: take_text(rest)?.to_vec() },
        EXTENDED_REPLY => Reply::Extended { id: take_u32(rest)?, data: rest.to_vec() },
        _ => return None,
    })
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    let (value, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    Some(u32::from_be_bytes(*value))
}

fn take_text<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = take_u32(from)? as usize;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(text)
}

/// The longest write, from the answer to [`limits`]: packet, read, write, handles.
pub(super) fn write_limit(data: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(data.get(16..24)?.try_into().ok()?)).filter(|limit| *limit > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_laid_out_as_the_draft_says() {
        let handle = b"h1";
        let mut packet = vec![0; write_head_len(handle)];
        packet.extend(b"data");
        fill_write_head(&mut packet, 7, handle, 0x0102);
        let expected = [
            &[0, 0, 0, 27, WRITE][..],
            &[0, 0, 0, 7],
            &[0, 0, 0, 2],
            handle,
            &[0, 0, 0, 0, 0, 0, 1, 2],
            &[0, 0, 0, 4],
            b"data",
        ]
        .concat();
        assert_eq!(packet, expected);
    }

    #[test]
    fn replies_are_put_together_from_pieces() {
        let status = Packet::new(STATUS, Some(9)).u32(4).text(b"Failure").text(b"").done();
        let handle = Packet::new(HANDLE, Some(10)).text(b"abc").done();
        let bytes = [status, handle].concat();
        let mut reader = Reader::default();
        let mut replies = Vec::new();
        for piece in bytes.chunks(5) {
            reader.push(piece);
            while let Some(reply) = reader.next().expect("sound") {
                replies.push(reply);
            }
        }
        let failure = Reply::Status { id: 9, code: 4, message: "Failure".into() };
        assert_eq!(replies, [failure, Reply::Handle { id: 10, handle: b"abc".to_vec() }]);
    }

    #[test]
    fn what_is_not_sftp_is_refused() {
        let read = |bytes: &[u8]| {
            let mut reader = Reader::default();
            reader.push(bytes);
            reader.next()
        };
        assert_eq!(read(b"This account is not available\n"), Err(Garbled));
        assert_eq!(read(&[0, 0, 0, 2, 77, 0]), Err(Garbled));
        assert_eq!(read(&[0, 0, 0, 3, STATUS, 0, 0]), Err(Garbled));
        assert_eq!(read(&[0, 0]), Ok(None));
    }
}
