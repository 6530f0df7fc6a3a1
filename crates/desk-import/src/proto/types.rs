//! `ValueInfoProto` and `TypeProto`: what values are called and of which type they are.

use desk_core::{Dim, ValueInfo, ValueType};

use super::{Parsed, element_type};
use crate::wire::{Reader, Span};

/// Deepest nesting of types within types.
const MAX_TYPE_DEPTH: u32 = 16;

/// Reads a `ValueInfoProto`; the cursor is at its start.
pub(crate) fn value_info(r: &mut Reader<'_>, span: Span) -> Parsed<ValueInfo> {
    r.count_item()?;
    let mut info = ValueInfo { name: String::new(), value_type: ValueType::Unsupported { name: "no type".to_owned() } };
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => info.name = r.text(value)?,
            2 => {
                let span = r.message(value)?;
                info.value_type = value_type(r, span, 0)?;
            }
            _ => r.skip(value),
        }
    }
    Ok(info)
}

fn value_type(r: &mut Reader<'_>, span: Span, depth: u32) -> Parsed<ValueType> {
    if depth > MAX_TYPE_DEPTH {
        return Err(r.excessive("types within types", u64::from(MAX_TYPE_DEPTH)));
    }
    let mut found = ValueType::Unsupported { name: "no type".to_owned() };
    while let Some((number, value)) = r.field(span.end)? {
        found = match number {
            1 => {
                let span = r.message(value)?;
                let (element, shape) = tensor_type(r, span)?;
                ValueType::Tensor { element: element_type(element), shape }
            }
            4 | 9 => {
                let span = r.message(value)?;
                let item = Box::new(nested_type(r, span, 1, depth)?.1);
                if number == 4 { ValueType::Sequence { item } } else { ValueType::Optional { item } }
            }
            5 => {
                let span = r.message(value)?;
                let (key, item) = nested_type(r, span, 2, depth)?;
                ValueType::Map { key: element_type(key), value: Box::new(item) }
            }
            7 | 8 => {
                r.skip(value);
                let name = if number == 7 { "an opaque type" } else { "a sparse tensor" };
                ValueType::Unsupported { name: name.to_owned() }
            }
            _ => {
                r.skip(value);
                found
            }
        };
    }
    Ok(found)
}

/// A message with a type in field `at`, and perhaps a key type in field 1.
fn nested_type(r: &mut Reader<'_>, span: Span, at: u32, depth: u32) -> Parsed<(i64, ValueType)> {
    let (mut key, mut item) = (0, ValueType::Unsupported { name: "no type".to_owned() });
    while let Some((number, value)) = r.field(span.end)? {
        if number == at {
            let span = r.message(value)?;
            item = value_type(r, span, depth + 1)?;
        } else if number == 1 {
            key = r.int(value)?;
        } else {
            r.skip(value);
        }
    }
    Ok((key, item))
}

fn tensor_type(r: &mut Reader<'_>, span: Span) -> Parsed<(i64, Option<Vec<Dim>>)> {
    let (mut element, mut shape) = (0, None);
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            1 => element = r.int(value)?,
            2 => {
                let span = r.message(value)?;
                shape = Some(dims(r, span)?);
            }
            _ => r.skip(value),
        }
    }
    Ok((element, shape))
}

fn dims(r: &mut Reader<'_>, span: Span) -> Parsed<Vec<Dim>> {
    let mut dims = Vec::new();
    while let Some((number, value)) = r.field(span.end)? {
        if number == 1 {
            r.count_item()?;
            let span = r.message(value)?;
            dims.push(dim(r, span)?);
        } else {
            r.skip(value);
        }
    }
    Ok(dims)
}

fn dim(r: &mut Reader<'_>, span: Span) -> Parsed<Dim> {
    let mut dim = Dim::Unknown;
    while let Some((number, value)) = r.field(span.end)? {
        match number {
            // Some exporters write 0 or -1 for "any size".
            1 => dim = u64::try_from(r.int(value)?).map_or(dim, Dim::Fixed),
            2 => {
                let name = r.text(value)?;
                dim = if name.is_empty() { dim } else { Dim::Symbol(name) };
            }
            _ => r.skip(value),
        }
    }
    Ok(dim)
}
