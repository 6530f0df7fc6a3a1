//! Reads the values of attributes and small tensors, once something wants them.

use crate::error::ImportError;
use crate::proto::{Attribute, Tensor};
use crate::wire::{Reader, Span, Value};

type Parsed<T> = Result<T, ImportError>;

/// All integers of an attribute.
pub(crate) fn ints(r: &mut Reader<'_>, attribute: &Attribute) -> Parsed<Vec<i64>> {
    first_ints(r, attribute, usize::MAX)
}

/// Up to `limit` integers of an attribute.
pub(crate) fn first_ints(r: &mut Reader<'_>, attribute: &Attribute, limit: usize) -> Parsed<Vec<i64>> {
    let mut values = Vec::with_capacity(limit.min(attribute.ints as usize));
    each(r, attribute.span, |r, number, value| {
        match (number, value) {
            (8, Value::Varint(bits)) if values.len() < limit => values.push(bits as i64),
            (8, Value::Bytes(packed)) => {
                while !r.at_end(packed.end) && values.len() < limit {
                    values.push(r.varint(packed.end)? as i64);
                }
                r.skip(value);
            }
            _ => r.skip(value),
        }
        Ok(())
    })?;
    Ok(values)
}

/// All floats of an attribute.
pub(crate) fn floats(r: &mut Reader<'_>, attribute: &Attribute) -> Parsed<Vec<f32>> {
    first_floats(r, attribute, usize::MAX)
}

/// Up to `limit` floats of an attribute.
pub(crate) fn first_floats(r: &mut Reader<'_>, attribute: &Attribute, limit: usize) -> Parsed<Vec<f32>> {
    let mut values = Vec::with_capacity(limit.min(attribute.floats as usize));
    each(r, attribute.span, |r, number, value| {
        match (number, value) {
            (7, Value::Fixed32(bits)) if values.len() < limit => values.push(f32::from_bits(bits)),
            (7, Value::Bytes(packed)) => {
                while !r.at_end(packed.end) && values.len() < limit {
                    values.push(r.f32(packed.end)?);
                }
                r.skip(value);
            }
            _ => r.skip(value),
        }
        Ok(())
    })?;
    Ok(values)
}

/// All strings of an attribute, through `read`.
pub(crate) fn strings<T>(r: &mut Reader<'_>, attribute: &Attribute, read: impl Fn(&str) -> T) -> Parsed<Vec<T>> {
    first_strings(r, attribute, usize::MAX, read)
}

/// Up to `limit` strings of an attribute, through `read`.
pub(crate) fn first_strings<T>(
    r: &mut Reader<'_>,
    attribute: &Attribute,
    limit: usize,
    read: impl Fn(&str) -> T,
) -> Parsed<Vec<T>> {
    let mut values = Vec::with_capacity(limit.min(attribute.strings as usize));
    each(r, attribute.span, |r, number, value| {
        if number == 9 && values.len() < limit {
            values.push(read(&r.prose(value, 4096)?));
        } else {
            r.skip(value);
        }
        Ok(())
    })?;
    Ok(values)
}

/// The texts of a tensor of strings.
pub(crate) fn texts(r: &mut Reader<'_>, tensor: &Tensor) -> Parsed<Vec<String>> {
    let mut values = Vec::with_capacity(tensor.listed as usize);
    each(r, tensor.span, |r, number, value| {
        if number == 6 {
            values.push(r.prose(value, 4096)?);
        } else {
            r.skip(value);
        }
        Ok(())
    })?;
    Ok(values)
}

fn each(
    r: &mut Reader<'_>,
    span: Span,
    mut visit: impl FnMut(&mut Reader<'_>, u32, Value) -> Parsed<()>,
) -> Parsed<()> {
    r.seek(span.start);
    while let Some((number, value)) = r.field(span.end)? {
        visit(r, number, value)?;
    }
    Ok(())
}

/// The elements of a numeric tensor that lies in the model file; `None` for other types, external
/// data and more than `limit` elements.
pub(crate) fn tensor(r: &mut Reader<'_>, tensor: &Tensor, limit: u64) -> Parsed<Option<Vec<f64>>> {
    let Some(elements) = tensor.elements().filter(|n| *n <= limit) else { return Ok(None) };
    if tensor.external.is_some() {
        return Ok(None);
    }
    let found = match tensor.raw {
        Some(span) => raw(r, span, tensor.data_type)?,
        None => listed(r, tensor)?,
    };
    Ok(found.filter(|values| values.len() as u64 == elements))
}

fn raw(r: &mut Reader<'_>, span: Span, data_type: i64) -> Parsed<Option<Vec<f64>>> {
    fn all<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    if !matches!(data_type, 1..=7 | 9 | 11..=13) {
        return Ok(None);
    }
    let bytes = r.values(span)?;
    Ok(Some(match data_type {
        1 => all(&bytes, |b| f64::from(f32::from_le_bytes(b))),
        2 | 9 => all(&bytes, |b: [u8; 1]| f64::from(b[0])),
        3 => all(&bytes, |b| f64::from(i8::from_le_bytes(b))),
        4 => all(&bytes, |b| f64::from(u16::from_le_bytes(b))),
        5 => all(&bytes, |b| f64::from(i16::from_le_bytes(b))),
        6 => all(&bytes, |b| f64::from(i32::from_le_bytes(b))),
        7 => all(&bytes, |b| i64::from_le_bytes(b) as f64),
        11 => all(&bytes, f64::from_le_bytes),
        12 => all(&bytes, |b| f64::from(u32::from_le_bytes(b))),
        _ => all(&bytes, |b| u64::from_le_bytes(b) as f64),
    }))
}

/// `float_data`, `int32_data`, `int64_data`, `double_data` and `uint64_data`, packed or not.
fn listed(r: &mut Reader<'_>, tensor: &Tensor) -> Parsed<Option<Vec<f64>>> {
    let wanted = match tensor.data_type {
        1 => 4,
        2..=6 | 9 => 5,
        7 => 7,
        11 => 10,
        12 | 13 => 11,
        _ => return Ok(None),
    };
    let mut values = Vec::with_capacity(tensor.listed as usize);
    each(r, tensor.span, |r, number, value| {
        if number != wanted {
            r.skip(value);
            return Ok(());
        }
        match value {
            Value::Fixed32(bits) => values.push(f64::from(f32::from_bits(bits))),
            Value::Fixed64(bits) => values.push(f64::from_bits(bits)),
            Value::Varint(bits) => values.push(whole(bits, wanted)),
            Value::Bytes(packed) => {
                while !r.at_end(packed.end) {
                    values.push(match wanted {
                        4 => f64::from(r.f32(packed.end)?),
                        10 => r.f64(packed.end)?,
                        _ => whole(r.varint(packed.end)?, wanted),
                    });
                }
            }
        }
        Ok(())
    })?;
    Ok(Some(values))
}

fn whole(bits: u64, field: u32) -> f64 {
    if field == 11 { bits as f64 } else { bits as i64 as f64 }
}
