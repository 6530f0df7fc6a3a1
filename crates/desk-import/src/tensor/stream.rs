//! A tensor's values in parts, wherever they lie: raw bytes, lists of numbers, another file.

use std::fs::File;

use super::kind::{Kind, Number};
use super::{OpenTensor, TensorError};
use crate::error::ImportError;
use crate::external;
use crate::wire::{Reader, Span, Value};

/// Bytes of a part: a multiple of every unit.
const PART: u64 = 512 << 10;

/// Takes a part of what is read; false when no more is wanted.
pub(super) type TakeNumbers<'t> = &'t mut dyn FnMut(&[Number]) -> Result<bool, TensorError>;
/// The same for the bytes of raw data.
pub(super) type TakeBytes<'t> = &'t mut dyn FnMut(&[u8]) -> Result<bool, TensorError>;
/// The same for texts.
pub(super) type TakeText<'t> = &'t mut dyn FnMut(String) -> Result<bool, TensorError>;

impl OpenTensor {
    /// The values from a place on, as numbers.
    pub(super) fn numbers(&mut self, kind: Kind, from: u64, take: TakeNumbers<'_>) -> Result<(), TensorError> {
        let (per_unit, _) = kind.unit();
        let mut ahead = (from % per_unit) as usize;
        let mut left = self.elements()?.saturating_sub(from);
        let mut numbers = Vec::new();
        self.units(kind, from / per_unit, &mut |bytes| {
            numbers.clear();
            kind.decode(bytes, &mut numbers);
            let start = std::mem::take(&mut ahead).min(numbers.len());
            // The last unit may be longer than the tensor.
            let end = numbers.len().min(start + usize::try_from(left).unwrap_or(usize::MAX));
            left -= (end - start) as u64;
            Ok(take(&numbers[start..end])? && left > 0)
        })
    }

    /// The values from a unit on, as the bytes that raw data has for them.
    pub(super) fn units(&mut self, kind: Kind, from: u64, take: TakeBytes<'_>) -> Result<(), TensorError> {
        let (per_unit, size) = kind.unit();
        let units = self.elements()?.div_ceil(per_unit);
        if from >= units {
            return Ok(());
        }
        let needed = units.checked_mul(size).ok_or_else(|| self.bad("its shape is larger than any file".to_owned()))?;
        match (&self.tensor.external, self.tensor.raw) {
            (Some(external), _) => {
                let (path, span) = external::data(&self.tensor, external, &self.path)?;
                let file = File::open(&path).map_err(|source| ImportError::Io { path: path.clone(), source })?;
                let mut reader = Reader::new(file, &path)?;
                raw(&mut reader, Span { start: span.start + from * size, end: span.start + needed }, take)
            }
            (None, Some(span)) if span.len() >= needed => {
                raw(&mut self.reader, Span { start: span.start + from * size, end: span.start + needed }, take)
            }
            (None, Some(span)) => Err(self.bad(format!("its shape needs {needed} bytes and it has {}", span.len()))),
            (None, None) => {
                let mut listed = Listed { size: size as usize, skip: from, bytes: Vec::new(), take };
                let given = listed.read(&mut self.reader, self.tensor.span, self.tensor.data_type)?;
                if listed.finish()? && given < units {
                    return Err(self.bad(format!("its shape needs {units} elements and it has {given}")));
                }
                Ok(())
            }
        }
    }

    /// The texts from a place on.
    pub(super) fn texts(&mut self, from: u64, take: TakeText<'_>) -> Result<(), TensorError> {
        /// Longest text that is given whole.
        const LONGEST: u64 = 4096;
        let span = self.tensor.span;
        self.reader.seek(span.start);
        let mut at = 0;
        while let Some((number, value)) = self.reader.field(span.end)? {
            if number != 6 || at < from {
                at += u64::from(number == 6);
                self.reader.skip(value);
                continue;
            }
            if !take(self.reader.prose(value, LONGEST)?)? {
                break;
            }
        }
        Ok(())
    }
}

/// A span of a file, part by part.
fn raw(reader: &mut Reader<'_>, span: Span, take: TakeBytes<'_>) -> Result<(), TensorError> {
    let mut start = span.start;
    while start < span.end {
        let end = (start + PART).min(span.end);
        if !take(&reader.values(Span { start, end })?)? {
            break;
        }
        start = end;
    }
    Ok(())
}

/// Numbers in a list of the message, put into the form of raw data.
struct Listed<'t> {
    size: usize,
    skip: u64,
    bytes: Vec<u8>,
    take: TakeBytes<'t>,
}

impl Listed<'_> {
    fn read(&mut self, r: &mut Reader<'_>, span: Span, data_type: i64) -> Result<u64, TensorError> {
        // `float_data`, `int64_data`, `double_data`, `uint64_data`; `int32_data` for all others.
        let wanted = match data_type {
            1 => 4,
            7 => 7,
            11 => 10,
            12 | 13 => 11,
            _ => 5,
        };
        let mut given = 0;
        r.seek(span.start);
        while let Some((number, value)) = r.field(span.end)? {
            match value {
                _ if number != wanted => r.skip(value),
                Value::Varint(bits) | Value::Fixed64(bits) => {
                    given += 1;
                    if !self.push(bits)? {
                        return Ok(u64::MAX);
                    }
                }
                Value::Fixed32(bits) => {
                    given += 1;
                    if !self.push(u64::from(bits))? {
                        return Ok(u64::MAX);
                    }
                }
                Value::Bytes(packed) => {
                    while !r.at_end(packed.end) {
                        let bits = match wanted {
                            4 => u64::from(r.f32(packed.end)?.to_bits()),
                            10 => r.f64(packed.end)?.to_bits(),
                            _ => r.varint(packed.end)?,
                        };
                        given += 1;
                        if !self.push(bits)? {
                            return Ok(u64::MAX);
                        }
                    }
                }
            }
        }
        Ok(given)
    }

    fn push(&mut self, bits: u64) -> Result<bool, TensorError> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(true);
        }
        self.bytes.extend_from_slice(&bits.to_le_bytes()[..self.size]);
        if (self.bytes.len() as u64) < PART {
            return Ok(true);
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<bool, TensorError> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.is_empty() { Ok(true) } else { (self.take)(&bytes) }
    }
}
