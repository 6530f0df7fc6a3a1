//! Rows of a table as the tensors that a model wants.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::DataType;
use desk_core::words::quoted;
use desk_core::{ElementType, NamedTensor, Tensor, TensorData};

use super::cells::{Context, Numbers, texts};
use super::image::image_tensor;
use super::rows::Rows;
use super::{BoundInput, Fill, FillValue, Source};
use crate::error::DataError;

/// Rows that are turned from columns to rows at a time, so that the target stays in the cache.
const BLOCK: usize = 512;

/// The tensor of one input.
pub fn tensor(input: &BoundInput, fill: &Fill, batch: &Rows<'_>, first_row: u64) -> Result<NamedTensor, DataError> {
    let rows = batch.len();
    let (data, shape) = match &input.source {
        Source::Columns(names) => {
            let data = from_columns(input, names, fill, batch, first_row)?;
            (data, full_shape(rows, &resolve(&input.row_shape, names.len(), &input.name)?))
        }
        Source::List(name) => {
            let (data, width) = from_list(input, name, fill, batch, first_row)?;
            let shape =
                resolve(&input.row_shape, width, &input.name).map_err(|error| list_misfit(error, name, width))?;
            (data, full_shape(rows, &shape))
        }
        Source::Image(name, mapping) => {
            let files = batch.get("file").cloned();
            let (data, row_shape) = image_tensor(input, mapping, batch.column(name)?, files.as_ref(), first_row)?;
            (data, full_shape(rows, &row_shape))
        }
        Source::Constant(value) if input.scalar => (constant(input, value, 1)?, Vec::new()),
        Source::Constant(value) => {
            let width = input.row_shape.iter().map(|d| d.unwrap_or(1)).product::<usize>();
            let shape: Vec<usize> = input.row_shape.iter().map(|d| d.unwrap_or(1)).collect();
            (constant(input, value, rows * width)?, full_shape(rows, &shape))
        }
    };
    let tensor =
        Tensor::new(shape, data).map_err(|e| DataError::Mismatch(format!("input {}: {e}", quoted(&input.name))))?;
    Ok(NamedTensor::new(&input.name, tensor))
}

/// The error of a list column that has another number of values than its input takes.
fn list_misfit(error: DataError, column: &str, width: usize) -> DataError {
    match error {
        DataError::Input { input, why } => DataError::Columns {
            message: format!(
                "column {column} holds lists of {width} values, which do not fit input {input} ({why})",
                column = quoted(&column),
                input = quoted(&input)
            ),
            missing: Vec::new(),
            extra: Vec::new(),
        },
        other => other,
    }
}

fn full_shape(rows: usize, row_shape: &[usize]) -> Vec<usize> {
    std::iter::once(rows).chain(row_shape.iter().copied()).collect()
}

/// Puts the width of the data into the one dimension that the model leaves open.
pub fn resolve(row_shape: &[Option<usize>], width: usize, input: &str) -> Result<Vec<usize>, DataError> {
    let known: usize = row_shape.iter().flatten().product();
    let open = row_shape.iter().filter(|d| d.is_none()).count();
    let fits = match open {
        0 => known == width,
        1 => known > 0 && width.is_multiple_of(known),
        _ => false,
    };
    if !fits {
        let shape: Vec<String> = row_shape.iter().map(|d| d.map_or("?".into(), |n| n.to_string())).collect();
        let why = format!("a row of shape [{}] cannot be made of {width} values", shape.join(", "));
        return Err(DataError::Input { input: input.to_owned(), why });
    }
    Ok(row_shape.iter().map(|d| d.unwrap_or(width / known.max(1))).collect())
}

fn from_columns(
    input: &BoundInput,
    names: &[String],
    fill: &Fill,
    batch: &Rows<'_>,
    first_row: u64,
) -> Result<TensorData, DataError> {
    let arrays: Result<Vec<&ArrayRef>, DataError> = names.iter().map(|name| batch.column(name)).collect();
    let contexts: Vec<Context> = names.iter().map(|column| Context { column, input: &input.name, first_row }).collect();
    let parts: Vec<Part> = arrays?.into_iter().zip(contexts).map(|(array, context)| Part { array, context }).collect();
    gather(input.element, &parts, fill, batch.len())
}

/// One column and what to call it.
struct Part<'a> {
    array: &'a ArrayRef,
    context: Context<'a>,
}

/// Columns side by side as one row-major block.
fn gather(element: ElementType, parts: &[Part], fill: &Fill, rows: usize) -> Result<TensorData, DataError> {
    macro_rules! integers {
        ($variant:ident, $native:ty) => {{
            let wanted = integer_wanted(element);
            let (low, high) = (i128::from(<$native>::MIN), i128::from(<$native>::MAX));
            let convert = |part: &Part, numbers: &Numbers, row: usize| -> Result<$native, DataError> {
                let cell = numbers.get(row).or_else(|| fill.cell(part.context.column));
                let cell = cell.ok_or_else(|| part.context.missing(row, element.name()))?;
                let value = cell.as_integer(low, high).and_then(|value| <$native>::try_from(value).ok());
                let value = value.filter(|_| !cell.may_have_lost_digits());
                value.ok_or_else(|| {
                    part.context.wrong(row, &cell, if cell.may_have_lost_digits() { EXACT } else { wanted })
                })
            };
            TensorData::$variant(side_by_side(element, parts, rows, &convert)?)
        }};
    }
    Ok(match element {
        ElementType::Float32 => TensorData::Float32(floats32(parts, fill, rows)?),
        ElementType::Float64 => TensorData::Float64(side_by_side(element, parts, rows, &|part, numbers, row| {
            Ok(float_cell(part, numbers, fill, row))
        })?),
        ElementType::Float16 => TensorData::Float16(side_by_side(element, parts, rows, &|part, numbers, row| {
            Ok(half::f16::from_f64(float_cell(part, numbers, fill, row)).to_bits())
        })?),
        ElementType::Bool => TensorData::Bool(side_by_side(element, parts, rows, &|part, numbers, row| {
            let cell = numbers.get(row).or_else(|| fill.cell(part.context.column));
            let cell = cell.ok_or_else(|| part.context.missing(row, element.name()))?;
            let bit = cell.as_integer(0, 1).ok_or_else(|| part.context.wrong(row, &cell, "0 or 1, true or false"))?;
            Ok(bit == 1)
        })?),
        ElementType::Int8 => integers!(Int8, i8),
        ElementType::Int16 => integers!(Int16, i16),
        ElementType::Int32 => integers!(Int32, i32),
        ElementType::Int64 => integers!(Int64, i64),
        ElementType::Uint8 => integers!(Uint8, u8),
        ElementType::Uint16 => integers!(Uint16, u16),
        ElementType::Uint32 => integers!(Uint32, u32),
        ElementType::Uint64 => integers!(Uint64, u64),
        ElementType::String => TensorData::String(strings(parts, fill, rows)?),
        other => {
            let input = parts.first().map_or_else(String::new, |p| p.context.input.to_owned());
            return Err(DataError::Input { input, why: format!("elements of type {other} are not supported") });
        }
    })
}

/// What a number beyond 2^53 has to be: float64 has no odd ones there, and which one the file holds is not known.
const EXACT: &str = "known to the last digit, as its column is read with decimal places; write whole numbers of 64 bits with \
                     a sign only, or use Parquet or Arrow";

/// A sentence with the type's range, for errors.
fn integer_wanted(element: ElementType) -> &'static str {
    match element {
        ElementType::Int8 => "an integer from -128 to 127",
        ElementType::Int16 => "an integer from -32768 to 32767",
        ElementType::Int32 => "an integer of 32 bits",
        ElementType::Uint8 => "an integer from 0 to 255",
        ElementType::Uint16 => "an integer from 0 to 65535",
        ElementType::Uint32 => "an integer of 32 bits without sign",
        ElementType::Uint64 => "an integer of 64 bits without sign",
        _ => "an integer of 64 bits",
    }
}

fn float_cell(part: &Part, numbers: &Numbers, fill: &Fill, row: usize) -> f64 {
    match numbers.get(row) {
        Some(cell) => cell.as_f64(),
        None => fill.number(part.context.column).unwrap_or(f64::NAN),
    }
}

fn numbers_of<'a>(element: ElementType, part: &Part<'a>) -> Result<Numbers<'a>, DataError> {
    Numbers::of(part.array).ok_or_else(|| part.context.mistyped(part.array.data_type(), element.name()))
}

/// Converts cell by cell.
fn side_by_side<T: Clone + Default>(
    element: ElementType,
    parts: &[Part],
    rows: usize,
    convert: &dyn Fn(&Part, &Numbers, usize) -> Result<T, DataError>,
) -> Result<Vec<T>, DataError> {
    let width = parts.len();
    let mut data = vec![T::default(); rows * width];
    for (j, part) in parts.iter().enumerate() {
        let numbers = numbers_of(element, part)?;
        for row in 0..rows {
            data[row * width + j] = convert(part, &numbers, row)?;
        }
    }
    Ok(data)
}

/// What a number has to be that goes into a float32 input.
const HELD: &str = "a number that float32 holds (3.4e38 at most)";

/// A finite number that float32 has only infinity for.
fn is_beyond(value: f64, rounded: f32) -> bool {
    rounded.is_infinite() && value.is_finite()
}

/// The usual case, made fast: float32 columns are copied in blocks that stay in the cache.
fn floats32(parts: &[Part], fill: &Fill, rows: usize) -> Result<Vec<f32>, DataError> {
    let width = parts.len();
    let columns: Result<Vec<Numbers>, DataError> =
        parts.iter().map(|part| numbers_of(ElementType::Float32, part)).collect();
    let columns = columns?;
    let mut data = vec![0f32; rows * width];
    for from in (0..rows).step_by(BLOCK) {
        let to = rows.min(from + BLOCK);
        for (j, (part, numbers)) in parts.iter().zip(&columns).enumerate() {
            let filled = fill.number(part.context.column).is_some();
            let target = data[from * width..to * width].iter_mut().skip(j).step_by(width);
            match (numbers.plain_f32(), numbers.plain_f64()) {
                // A NaN that stands in the data is missing too, and may have a fill value.
                (Some(values), _) if !filled => target.zip(&values[from..to]).for_each(|(to, value)| *to = *value),
                (_, Some(values)) if !filled => {
                    let mut beyond = false;
                    target.zip(&values[from..to]).for_each(|(to, value)| {
                        *to = *value as f32;
                        beyond |= is_beyond(*value, *to);
                    });
                    if let Some(row) = (from..to).find(|row| beyond && is_beyond(values[*row], values[*row] as f32)) {
                        return Err(part.context.wrong(row, &format!("{:e}", values[row]), HELD));
                    }
                }
                _ => {
                    for (to, row) in target.zip(from..to) {
                        let value = float_cell(part, numbers, fill, row);
                        *to = value as f32;
                        if is_beyond(value, *to) {
                            return Err(part.context.wrong(row, &format!("{value:e}"), HELD));
                        }
                    }
                }
            }
        }
    }
    Ok(data)
}

fn strings(parts: &[Part], fill: &Fill, rows: usize) -> Result<Vec<String>, DataError> {
    let width = parts.len();
    let mut data = vec![String::new(); rows * width];
    for (j, part) in parts.iter().enumerate() {
        let cells = texts(part.array).ok_or_else(|| part.context.mistyped(part.array.data_type(), "text"))?;
        for row in 0..rows {
            let cell = if cells.is_valid(row) { Some(cells.value(row)) } else { fill.text(part.context.column) };
            let cell = cell.ok_or_else(|| part.context.missing(row, "string"))?;
            cell.clone_into(&mut data[row * width + j]);
        }
    }
    Ok(data)
}

/// A list column as rows of a tensor, and how many values each row has.
fn from_list(
    input: &BoundInput,
    name: &str,
    fill: &Fill,
    batch: &Rows<'_>,
    first_row: u64,
) -> Result<(TensorData, usize), DataError> {
    let array = batch.column(name)?;
    let context = Context { column: name, input: &input.name, first_row };
    if let Some(row) = (0..array.len()).find(|row| array.is_null(*row)) {
        return Err(context.missing(row, input.element.name()));
    }
    let (values, width) = match array.data_type() {
        DataType::FixedSizeList(_, width) => {
            let list = array.as_fixed_size_list();
            let from = list.value_offset_at(0);
            (list.values().slice(from, array.len() * *width as usize), *width as usize)
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let width = if list.is_empty() { 0 } else { list.value_length(0) as usize };
            if let Some(row) = (0..list.len()).find(|row| list.value_length(*row) as usize != width) {
                let length = list.value_length(row);
                return Err(context.wrong(row, &format!("a list of {length}"), &format!("a list of {width} values")));
            }
            let from = list.value_offsets().first().copied().unwrap_or(0) as usize;
            (list.values().slice(from, width * list.len()), width)
        }
        other => return Err(context.mistyped(other, "a list of numbers")),
    };
    // The values are one long column here; an error's row is that of the list.
    let flat = [Part { array: &values, context: Context { first_row: 0, ..context } }];
    let data = gather(input.element, &flat, fill, values.len()).map_err(|mut error| {
        if let DataError::Mistyped { has, .. } = &mut error {
            *has = format!("lists of {has}").into();
        }
        if let DataError::Cell { place, .. } | DataError::Missing { place, .. } = &mut error {
            place.row = first_row + (place.row - 1) / width.max(1) as u64 + 1;
        }
        error
    })?;
    Ok((data, width))
}

/// Missing values within the lists of a column.
pub fn missing_in_lists(array: &ArrayRef) -> u64 {
    let row = |row: usize| match array.data_type() {
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row).null_count(),
        DataType::List(_) => array.as_list::<i32>().value(row).null_count(),
        _ => 0,
    };
    let has_any = match array.data_type() {
        DataType::FixedSizeList(..) => array.as_fixed_size_list().values().null_count() > 0,
        DataType::List(_) => array.as_list::<i32>().values().null_count() > 0,
        _ => false,
    };
    if has_any { (0..array.len()).map(row).sum::<usize>() as u64 } else { 0 }
}

fn constant(input: &BoundInput, value: &FillValue, len: usize) -> Result<TensorData, DataError> {
    let context = Context { column: "default", input: &input.name, first_row: 0 };
    match value {
        FillValue::Text(text) if input.element == ElementType::String => {
            Ok(TensorData::String(vec![text.clone(); len]))
        }
        FillValue::Number(_) | FillValue::Integer(_) if input.element != ElementType::String => {
            let number = match value {
                FillValue::Integer(number) => *number as f64,
                FillValue::Number(number) => *number,
                FillValue::Text(_) => f64::NAN,
            };
            let array: ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![number; len]));
            gather(input.element, &[Part { array: &array, context }], &Fill::default(), len)
        }
        _ => {
            let why = format!("its default {value:?} does not fit its type {}", input.element);
            Err(DataError::Input { input: input.name.clone(), why })
        }
    }
}

/// Rows `from..to`, filled up to `rows` with copies of the last one.
pub fn padded_slice(named: &NamedTensor, from: usize, to: usize, rows: usize) -> NamedTensor {
    let mut tensor = named.tensor.slice_rows(from, to);
    let width = tensor.row_len();
    if to - from < rows && to > from {
        macro_rules! pad {
            ($($variant:ident),*) => {
                match &mut tensor.data { $(TensorData::$variant(values) => {
                    let last = values[values.len() - width..].to_vec();
                    (to - from..rows).for_each(|_| values.extend_from_slice(&last));
                })* }
            };
        }
        pad!(Bool, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float16, Float32, Float64, String);
        tensor.shape[0] = rows;
    }
    NamedTensor { name: named.name.clone(), tensor, labels: named.labels.clone() }
}
