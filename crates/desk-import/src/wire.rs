//! Reads the Protocol Buffers wire format from a file by position: what is not asked for is skipped
//! by seeking, so that weights never pass through memory.
//!
//! Format: <https://protobuf.dev/programming-guides/encoding/>.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::ImportError;

/// Bytes read at once. Small, because between tensors only headers are wanted.
const BUFFER: usize = 16 << 10;
/// Longest name or other short text.
const MAX_TEXT: u64 = 64 << 10;
/// Bytes of all texts together.
const MAX_TEXT_TOTAL: u64 = 256 << 20;
/// Messages, attributes and list items of all sorts that are kept.
const MAX_ITEMS: u64 = 8_000_000;

/// Something that can be read at any place.
pub(crate) trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    pub fn len(self) -> u64 {
        self.end - self.start
    }
}

/// The value of one field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Length-delimited; the reader stands at its start and must read or skip it.
    Bytes(Span),
}

/// A cursor in a model file that knows the limits of the message it is in.
pub(crate) struct Reader<'a> {
    source: Box<dyn Source + 'a>,
    path: PathBuf,
    size: u64,
    buffer: Vec<u8>,
    /// File position of `buffer[0]`.
    base: u64,
    /// Where the cursor is.
    pos: u64,
    text_total: u64,
    items: u64,
}

impl<'a> Reader<'a> {
    pub fn new(mut source: impl Source + 'a, path: &Path) -> Result<Self, ImportError> {
        let path = path.to_path_buf();
        let size = source.seek(SeekFrom::End(0)).map_err(|source| ImportError::Io { path: path.clone(), source })?;
        Ok(Self { source: Box::new(source), path, size, buffer: Vec::new(), base: 0, pos: 0, text_total: 0, items: 0 })
    }

    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The whole file.
    pub fn whole(&self) -> Span {
        Span { start: 0, end: self.size }
    }

    /// True when the cursor has reached the end of a packed list.
    pub fn at_end(&self, end: u64) -> bool {
        self.pos >= end
    }

    pub fn seek(&mut self, pos: u64) {
        self.pos = pos;
    }

    pub fn damaged(&self, what: impl Into<String>) -> ImportError {
        ImportError::Damaged { offset: self.pos, what: what.into(), path: self.path() }
    }

    pub fn excessive(&self, what: &'static str, limit: u64) -> ImportError {
        ImportError::Excessive { what, limit, path: self.path() }
    }

    /// Counts things that are kept, so that a small file cannot ask for much memory.
    pub fn count_item(&mut self) -> Result<(), ImportError> {
        self.items += 1;
        if self.items > MAX_ITEMS { Err(self.excessive("parts", MAX_ITEMS)) } else { Ok(()) }
    }

    /// The next field of the message that ends at `end`, or `None` at its end.
    pub fn field(&mut self, end: u64) -> Result<Option<(u32, Value)>, ImportError> {
        if self.pos >= end {
            return Ok(None);
        }
        let key = self.varint(end)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let Some(number) = number else { return Err(self.damaged("a field has no valid number")) };
        let value = match key & 7 {
            0 => Value::Varint(self.varint(end)?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array(end)?)),
            5 => Value::Fixed32(u32::from_le_bytes(self.array(end)?)),
            2 => {
                let len = self.varint(end)?;
                let left = end - self.pos;
                if len > left {
                    return Err(ImportError::Truncated { offset: self.pos, announced: len, left, path: self.path() });
                }
                Value::Bytes(Span { start: self.pos, end: self.pos + len })
            }
            other => return Err(self.damaged(format!("wire type {other}"))),
        };
        Ok(Some((number, value)))
    }

    /// Leaves out a field's value.
    pub fn skip(&mut self, value: Value) {
        if let Value::Bytes(span) = value {
            self.pos = span.end;
        }
    }

    /// The limits of an embedded message; the cursor is at its start.
    pub fn message(&mut self, value: Value) -> Result<Span, ImportError> {
        match value {
            Value::Bytes(span) => Ok(span),
            _ => Err(self.damaged("a number where a message should be")),
        }
    }

    pub fn int(&mut self, value: Value) -> Result<i64, ImportError> {
        match value {
            Value::Varint(bits) => Ok(bits as i64),
            _ => Err(self.damaged("no integer where one should be")),
        }
    }

    /// A short text that must be UTF-8: names mean something.
    pub fn text(&mut self, value: Value) -> Result<String, ImportError> {
        let span = self.message(value)?;
        if span.len() > MAX_TEXT {
            return Err(self.excessive("characters in a name", MAX_TEXT));
        }
        let bytes = self.bytes(span)?;
        let at = span.start;
        let not_text =
            || ImportError::Damaged { offset: at, what: "a name is not UTF-8".to_owned(), path: self.path() };
        String::from_utf8(bytes).ok().ok_or_else(not_text)
    }

    /// A text for people: cut after `limit` bytes, and what is not UTF-8 is replaced.
    pub fn prose(&mut self, value: Value, limit: u64) -> Result<String, ImportError> {
        let span = self.message(value)?;
        let kept = Span { start: span.start, end: span.start + span.len().min(limit) };
        let bytes = self.bytes(kept)?;
        self.pos = span.end;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a part of the file into memory and stands behind it. The caller has bounded its size.
    pub fn bytes(&mut self, span: Span) -> Result<Vec<u8>, ImportError> {
        self.text_total += span.len();
        if self.text_total > MAX_TEXT_TOTAL {
            return Err(self.excessive("bytes of text", MAX_TEXT_TOTAL));
        }
        self.values(span)
    }

    /// As [`Reader::bytes`] without counting, for values that the caller counted: spans lie within
    /// the file, so this allocates no more than the file holds.
    pub fn values(&mut self, span: Span) -> Result<Vec<u8>, ImportError> {
        let mut bytes = vec![0; span.len() as usize];
        self.pos = span.start;
        let mut filled = 0;
        while filled < bytes.len() {
            let available = self.window(span.end)?;
            let n = available.len().min(bytes.len() - filled);
            bytes[filled..filled + n].copy_from_slice(&available[..n]);
            filled += n;
            self.pos += n as u64;
        }
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, end: u64) -> Result<[u8; N], ImportError> {
        let left = end - self.pos;
        if left < N as u64 {
            return Err(ImportError::Truncated { offset: self.pos, announced: N as u64, left, path: self.path() });
        }
        let mut array = [0; N];
        for byte in &mut array {
            *byte = self.byte(end)?;
        }
        Ok(array)
    }

    /// A base-128 number of at most ten bytes.
    pub fn varint(&mut self, end: u64) -> Result<u64, ImportError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte(end)?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                if shift == 63 && byte > 1 {
                    break;
                }
                return Ok(value);
            }
        }
        Err(self.damaged("a number that does not end"))
    }

    /// A 32-bit float of a packed list.
    pub fn f32(&mut self, end: u64) -> Result<f32, ImportError> {
        Ok(f32::from_le_bytes(self.array(end)?))
    }

    /// A 64-bit float of a packed list.
    pub fn f64(&mut self, end: u64) -> Result<f64, ImportError> {
        Ok(f64::from_le_bytes(self.array(end)?))
    }

    fn byte(&mut self, end: u64) -> Result<u8, ImportError> {
        if self.pos >= end {
            let left = end.saturating_sub(self.pos);
            return Err(ImportError::Truncated { offset: self.pos, announced: 1, left, path: self.path() });
        }
        let byte = self.window(end)?[0];
        self.pos += 1;
        Ok(byte)
    }

    /// Buffered bytes from the cursor on, at least one; `end` lies within the file and behind the cursor.
    fn window(&mut self, end: u64) -> Result<&[u8], ImportError> {
        let inside = self.pos >= self.base && self.pos < self.base + self.buffer.len() as u64;
        if !inside {
            self.fill().map_err(|source| ImportError::Io { path: self.path.clone(), source })?;
            if self.buffer.is_empty() {
                // The file was cut while it was read.
                return Err(ImportError::Truncated {
                    offset: self.pos,
                    announced: end - self.pos,
                    left: 0,
                    path: self.path(),
                });
            }
        }
        Ok(&self.buffer[(self.pos - self.base) as usize..])
    }

    fn fill(&mut self) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(self.pos))?;
        self.buffer.resize(BUFFER, 0);
        let mut filled = 0;
        while filled < BUFFER {
            match self.source.read(&mut self.buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.buffer.truncate(filled);
        self.base = self.pos;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn reader(bytes: &[u8]) -> Reader<'static> {
        Reader::new(Cursor::new(bytes.to_vec()), Path::new("test")).expect("opens")
    }

    #[test]
    fn numbers() {
        for (bytes, value) in [(&[0x00][..], 0), (&[0x96, 0x01], 150), (&[0xff; 9], u64::MAX >> 1)] {
            let mut bytes = bytes.to_vec();
            if value == u64::MAX >> 1 {
                bytes.push(0);
            }
            let mut r = reader(&bytes);
            assert_eq!(r.varint(bytes.len() as u64).expect("a number"), value);
        }
        let endless = [0xff; 11];
        assert!(matches!(reader(&endless).varint(11), Err(ImportError::Damaged { .. })));
        assert!(matches!(reader(&[0x80]).varint(1), Err(ImportError::Truncated { .. })));
    }

    #[test]
    fn a_length_that_lies_is_found_before_anything_is_allocated() {
        // Field 7, ten gigabytes, in a file of seven bytes.
        let bytes = [0x3a, 0x80, 0x80, 0x80, 0x80, 0x28, 0x00];
        let error = reader(&bytes).field(7).expect_err("too long");
        let ImportError::Truncated { announced, left, .. } = error else { panic!("{error:?}") };
        assert_eq!((announced, left), (10 << 30, 1));
    }

    #[test]
    fn fields_across_buffer_limits() {
        let mut bytes = Vec::new();
        for i in 0..10_000u32 {
            bytes.push(0x0d);
            bytes.extend(i.to_le_bytes());
        }
        let mut r = reader(&bytes);
        for i in 0..10_000 {
            let Some((1, Value::Fixed32(found))) = r.field(bytes.len() as u64).expect("a field") else { panic!("{i}") };
            assert_eq!(found, i);
        }
        assert!(r.field(bytes.len() as u64).expect("the end").is_none());
    }
}
