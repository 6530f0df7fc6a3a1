//! JSON lines: one object a line, its keys are columns.
//!
//! Columns are those of the first rows, in order of appearance; an absent key and `null` are
//! missing. Arrays of numbers of the same length become fixed-size lists.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeListBuilder, Float32Builder, Float64Builder, Int64Builder, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use desk_core::words::quoted;
use rayon::prelude::*;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::error::{DataError, Place, shown};
use crate::format::{Format, Guess, looks_utf16};
use crate::table::{
    ColumnType, META_FIRST_TEXT, META_ROW_SHAPE, META_TEXT_SOURCE, ReadPlan, Rebatch, TableReader, TextOptions,
    projection,
};

const LONGEST_LINE: u64 = 64 << 20;
const GROUP_BYTES: usize = 4 << 20;

type Object = Map<String, Value>;

/// An object that has each key once: of two values neither is taken in silence.
struct Row(Object);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Row, A::Error> {
        let mut object = Object::new();
        while let Some(key) = pairs.next_key::<String>()? {
            match object.entry(key) {
                Entry::Vacant(place) => drop(place.insert(pairs.next_value()?)),
                Entry::Occupied(taken) => {
                    return Err(A::Error::custom(format!("the key `{}` stands there twice", shown(taken.key()))));
                }
            }
        }
        Ok(Row(object))
    }
}

/// A line that is not blank, with its number from 1.
struct Line {
    number: u64,
    text: Vec<u8>,
}

/// What was seen in a column.
#[derive(Default)]
struct Seen {
    int: bool,
    float: bool,
    bool: bool,
    list: Option<usize>,
    text: Option<(u64, String)>,
}

/// Reads a JSON lines file.
pub struct JsonReader {
    path: PathBuf,
    file: BufReader<File>,
    total: u64,
    read: u64,
    line: u64,
    /// Lines that were read to find the types and are not delivered yet.
    sampled: Vec<Line>,
    known: Vec<String>,
    schema: SchemaRef,
    requested: Vec<String>,
    ready: Rebatch,
    rows: u64,
    row_lines: Vec<(u64, u64)>,
    at_end: bool,
}

impl JsonReader {
    /// Opens a file: finds columns and types from its first bytes.
    pub fn open(path: &Path, options: &TextOptions) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
        let total = file.metadata().map_err(|e| DataError::io("open", path, e))?.len();
        let mut reader = Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 20, file),
            total,
            read: 0,
            line: 0,
            sampled: Vec::new(),
            known: Vec::new(),
            schema: Arc::new(Schema::empty()),
            requested: options.types.keys().cloned().collect(),
            ready: Rebatch::default(),
            rows: 0,
            row_lines: Vec::new(),
            at_end: false,
        };
        let want = usize::try_from(options.infer_bytes).unwrap_or(usize::MAX).max(1 << 16);
        let lines = reader.lines(want)?;
        let Some(first) = lines.first() else {
            return Err(DataError::NoRows { path: path.to_owned(), found: "it is empty" });
        };
        if first.text.trim_ascii().starts_with(b"[") {
            return Err(DataError::Unsupported {
                path: path.to_owned(),
                format: Format::Jsonl,
                what: "a JSON array around all rows".into(),
                hint: "Write one object a line, for example: jq -c '.[]' FILE > NEW".into(),
            });
        }
        let objects = reader.objects(&lines)?;
        reader.find_columns(&objects, options)?;
        reader.sampled = lines;
        Ok(reader)
    }

    /// The next lines that are not blank, about `want` bytes.
    fn lines(&mut self, want: usize) -> Result<Vec<Line>, DataError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while bytes < want && !self.at_end {
            let mut text = Vec::new();
            let got = std::io::Read::take(&mut self.file, LONGEST_LINE)
                .read_until(b'\n', &mut text)
                .map_err(|e| DataError::io("read", &self.path, e))?;
            if got as u64 == LONGEST_LINE {
                let what = format!("line {} is longer than 64 MiB", self.line + 1);
                return Err(DataError::TooLarge { path: self.path.clone(), what, limit: "64 MiB".into() });
            }
            self.at_end = got == 0;
            if self.read == 0 && text.starts_with(b"\xef\xbb\xbf") {
                text.drain(..3);
            }
            if self.line == 0 && looks_utf16(&text) {
                let place = Place { row: 1, line: Some(1) };
                return Err(DataError::Encoding { path: self.path.clone(), offset: 0, place, guess: Guess::Utf16 });
            }
            self.read += got as u64;
            self.line += u64::from(got > 0);
            bytes += got;
            if !text.trim_ascii().is_empty() {
                lines.push(Line { number: self.line, text });
            }
        }
        Ok(lines)
    }

    fn objects(&self, lines: &[Line]) -> Result<Vec<Object>, DataError> {
        let parsed: Vec<Result<Object, serde_json::Error>> =
            lines.par_iter().map(|line| serde_json::from_slice(&line.text).map(|Row(object)| object)).collect();
        parsed
            .into_iter()
            .zip(lines)
            .enumerate()
            .map(|(i, (parsed, line))| parsed.map_err(|e| self.wrong(i, line, &e)))
            .collect()
    }

    fn wrong(&self, row: usize, line: &Line, error: &serde_json::Error) -> DataError {
        let place = Place { row: self.rows + row as u64 + 1, line: Some(line.number) };
        if let Err(utf8) = std::str::from_utf8(&line.text) {
            let (offset, guess) = (utf8.valid_up_to() as u64, Guess::of(&line.text));
            return DataError::Encoding { path: self.path.clone(), offset, place, guess };
        }
        // The parser counts lines within the line that it was given.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
        let what = format!("{what}, near character {}", error.column());
        DataError::Syntax { path: self.path.clone(), format: Format::Jsonl, place, what }
    }

    fn find_columns(&mut self, objects: &[Object], options: &TextOptions) -> Result<(), DataError> {
        let mut order: Vec<String> = Vec::new();
        let mut seen: HashMap<String, Seen> = HashMap::new();
        for (row, object) in objects.iter().enumerate() {
            for (key, value) in object {
                if !seen.contains_key(key) {
                    order.push(key.clone());
                }
                seen.entry(key.clone()).or_default().add(value, row as u64);
            }
        }
        if order.is_empty() {
            return Err(DataError::NoRows { path: self.path.clone(), found: "its objects have no keys" });
        }
        if let Some(name) = self.requested.iter().find(|name| !order.contains(name)) {
            return Err(DataError::NoSuchColumn { column: name.clone(), available: order });
        }
        let field = |name: &String| seen[name].field(name, options.types.get(name).copied());
        let metadata = HashMap::from([(META_TEXT_SOURCE.to_owned(), "jsonl".to_owned())]);
        self.schema = Arc::new(Schema::new_with_metadata(order.iter().map(field).collect::<Vec<_>>(), metadata));
        self.known = order;
        Ok(())
    }

    fn batch(&self, objects: &[Object], lines: &[Line]) -> Result<RecordBatch, DataError> {
        let place = |row: usize| Place { row: self.rows + row as u64 + 1, line: Some(lines[row].number) };
        for (row, object) in objects.iter().enumerate() {
            if let Some(key) = object.keys().find(|key| !self.known.contains(key)) {
                let what = format!("the key {key} is not in the first rows", key = quoted(&key));
                return Err(DataError::Syntax {
                    path: self.path.clone(),
                    format: Format::Jsonl,
                    place: place(row),
                    what,
                });
            }
        }
        let columns: Result<Vec<ArrayRef>, DataError> = self
            .schema
            .fields()
            .iter()
            .map(|field| column(objects, field).map_err(|row| self.misfit(field, &objects[row], place(row))))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(objects.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns?, &options)
            .map_err(|e| DataError::Mismatch(e.to_string()))
    }

    fn misfit(&self, field: &Field, object: &Object, place: Place) -> DataError {
        let value = object.get(field.name()).unwrap_or(&Value::Null);
        let (path, column, found) = (self.path.as_path().into(), field.name().as_str().into(), json_kind(value));
        let value = shown(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)).into();
        let wanted = kind_name(field.data_type());
        if self.requested.contains(field.name()) {
            return DataError::Cell {
                path: Some(path),
                place,
                column,
                value,
                wanted: format!("one of {wanted}").into(),
            };
        }
        DataError::TypeChanged { path, place, column, value, found, inferred: wanted }
    }
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number of another kind",
        Value::String(_) => "text",
        Value::Array(_) => "an array of another kind or length",
        Value::Object(_) => "an object",
    }
}

fn kind_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true and false",
        DataType::Int64 => "integers",
        DataType::Utf8 => "text",
        DataType::FixedSizeList(..) => "arrays of numbers of one length",
        _ => "numbers",
    }
}

impl Seen {
    fn add(&mut self, value: &Value, row: u64) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.bool = true,
            Value::Number(n) if n.is_i64() => self.int = true,
            Value::Number(_) => self.float = true,
            Value::Array(items) if !items.is_empty() && items.iter().all(|v| v.is_number() || v.is_null()) => {
                self.list = self.list.or(Some(items.len()));
            }
            other => {
                let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                self.text.get_or_insert((row, shown(&text)));
            }
        }
    }

    fn field(&self, name: &str, requested: Option<ColumnType>) -> Field {
        let inferred = match self {
            Self { text: Some(_), .. } => DataType::Utf8,
            Self { bool: true, int: false, float: false, list: None, .. } => DataType::Boolean,
            Self { bool: true, .. } => DataType::Utf8,
            Self { list: Some(width), int: false, float: false, .. } => {
                let item = Arc::new(Field::new("item", DataType::Float64, true));
                let shape = HashMap::from([(META_ROW_SHAPE.to_owned(), width.to_string())]);
                let width = i32::try_from(*width).unwrap_or(i32::MAX);
                return Field::new(name, DataType::FixedSizeList(item, width), true).with_metadata(shape);
            }
            Self { list: Some(_), .. } => DataType::Utf8,
            Self { int: true, float: false, .. } => DataType::Int64,
            _ => DataType::Float64,
        };
        let data_type = requested.map_or(inferred, data_type);
        let mut metadata = HashMap::new();
        if let Some((row, text)) = self.text.as_ref().filter(|_| data_type == DataType::Utf8) {
            metadata.insert(META_FIRST_TEXT.to_owned(), format!("row {}: {text}", row + 1));
        }
        Field::new(name, data_type, true).with_metadata(metadata)
    }
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Text => DataType::Utf8,
    }
}

/// One column of the objects; `Err` is the row whose value does not fit.
fn column(objects: &[Object], field: &Field) -> Result<ArrayRef, usize> {
    macro_rules! build {
        ($builder:expr, $get:expr) => {{
            let mut builder = $builder;
            for (row, object) in objects.iter().enumerate() {
                match object.get(field.name()) {
                    None | Some(Value::Null) => builder.append_null(),
                    Some(value) => builder.append_value($get(value).ok_or(row)?),
                }
            }
            Ok(Arc::new(builder.finish()))
        }};
    }
    match field.data_type() {
        DataType::Float32 => {
            build!(Float32Builder::with_capacity(objects.len()), |v: &Value| v.as_f64().map(|x| x as f32))
        }
        DataType::Boolean => build!(BooleanBuilder::with_capacity(objects.len()), Value::as_bool),
        DataType::Int64 => build!(Int64Builder::with_capacity(objects.len()), Value::as_i64),
        DataType::Utf8 => {
            build!(StringBuilder::new(), |v: &Value| Some(v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
        }
        DataType::FixedSizeList(_, width) => list_column(objects, field, *width),
        _ => build!(Float64Builder::with_capacity(objects.len()), Value::as_f64),
    }
}

fn list_column(objects: &[Object], field: &Field, width: i32) -> Result<ArrayRef, usize> {
    let mut builder = FixedSizeListBuilder::new(Float64Builder::new(), width);
    for (row, object) in objects.iter().enumerate() {
        let items = match object.get(field.name()) {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) if items.len() == width as usize => Some(items),
            Some(_) => return Err(row),
        };
        for i in 0..width as usize {
            match items.map(|items| &items[i]) {
                None | Some(Value::Null) => builder.values().append_null(),
                Some(value) => builder.values().append_value(value.as_f64().ok_or(row)?),
            }
        }
        builder.append(items.is_some());
    }
    Ok(Arc::new(builder.finish()))
}

impl TableReader for JsonReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        (self.at_end && self.sampled.is_empty()).then_some(self.rows)
    }

    fn row_estimate(&self) -> Option<u64> {
        let rows = self.rows + self.sampled.len() as u64;
        Some((self.total as f64 / self.read.max(1) as f64 * rows as f64).round() as u64)
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        if self.rows > 0 {
            return Err(DataError::Mismatch("a table can only be prepared before its first batch".into()));
        }
        let keep = projection(&self.schema, plan)?;
        let fields = keep.iter().map(|i| {
            let field = self.schema.field(*i).clone();
            match plan.types.get(field.name()) {
                Some(kind) => field.with_data_type(data_type(*kind)),
                None => field,
            }
        });
        let metadata = self.schema.metadata().clone();
        self.schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata));
        self.requested.extend(plan.types.keys().cloned());
        Ok(())
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        while self.ready.rows() < max_rows.max(1) {
            let lines =
                if self.sampled.is_empty() { self.lines(GROUP_BYTES)? } else { std::mem::take(&mut self.sampled) };
            if lines.is_empty() {
                break;
            }
            let parsed = self.objects(&lines).and_then(|objects| self.batch(&objects, &lines));
            if parsed.is_err() {
                // Nothing follows a broken row: the next call finds the end.
                self.at_end = true;
                self.ready = Rebatch::default();
            }
            let batch = parsed?;
            self.row_lines.push((self.rows, lines[0].number));
            self.rows += batch.num_rows() as u64;
            // Blank lines break the count of lines; an entry with line 0 says so.
            if lines.last().is_some_and(|last| last.number + 1 - lines[0].number != lines.len() as u64) {
                self.row_lines.last_mut().into_iter().for_each(|entry| entry.1 = 0);
            }
            self.ready.push(batch);
        }
        Ok(self.ready.take(max_rows))
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.total)
    }

    fn line_of(&self, row: u64) -> Option<u64> {
        let row = row.checked_sub(1).filter(|row| *row < self.rows)?;
        let (first, line) = self.row_lines[..self.row_lines.partition_point(|entry| entry.0 <= row)].last()?;
        (*line > 0).then_some(line + row - first)
    }
}
