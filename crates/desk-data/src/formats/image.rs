//! Pictures: one PNG or JPEG is one row, a folder is a row for each picture, sorted by name.
//!
//! Column `file` is the name, column `image` the bytes of the file; they become pixels only in the
//! binding, which knows the size that the model wants. A `labels.csv` beside the pictures with a
//! column `file` adds its other columns.

use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BinaryBuilder, StringArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::csv::CsvReader;
use crate::error::{DataError, Place};
use crate::format::Format;
use crate::table::{META_IMAGE, ReadPlan, TableReader, TextOptions, projection, read_all_limited};

/// Longest side of a picture in pixels.
pub const LONGEST_SIDE: u32 = 32_768;
/// Most pixels of a picture.
pub const MOST_PIXELS: u64 = 100_000_000;
/// Largest file of a picture.
const MOST_BYTES: u64 = 256 << 20;
/// Bytes of files in one batch.
const BATCH_BYTES: u64 = 64 << 20;
const LABELS: &str = "labels.csv";

/// Reads a picture or a folder of pictures.
pub struct ImageReader {
    files: Vec<(PathBuf, u64)>,
    schema: SchemaRef,
    /// Columns of `labels.csv`, one row for each file.
    labels: Option<RecordBatch>,
    next: usize,
    read: u64,
}

impl ImageReader {
    /// Lists the pictures; none is read yet.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let io = |e| DataError::io("open", path, e);
        let mut files = Vec::new();
        if fs::metadata(path).map_err(io)?.is_dir() {
            for entry in fs::read_dir(path).map_err(io)? {
                let entry = entry.map_err(io)?;
                let metadata = fs::metadata(entry.path()).map_err(io)?;
                if metadata.is_file() && Format::from_extension(&entry.path()) == Some(Format::Image) {
                    files.push((entry.path(), metadata.len()));
                }
            }
            files.sort();
        } else {
            files.push((path.to_owned(), fs::metadata(path).map_err(io)?.len()));
        }
        if files.is_empty() {
            return Err(DataError::NoRows { path: path.to_owned(), found: "the folder holds no PNG or JPEG" });
        }
        let labels = read_labels(&path.join(LABELS), &files)?;
        let image = HashMap::from([(META_IMAGE.to_owned(), "file".to_owned())]);
        let mut fields = vec![
            Arc::new(Field::new("file", DataType::Utf8, true)),
            Arc::new(Field::new("image", DataType::Binary, true).with_metadata(image)),
        ];
        fields.extend(labels.iter().flat_map(|labels| labels.schema().fields().iter().cloned().collect::<Vec<_>>()));
        Ok(Self { files, schema: Arc::new(Schema::new(fields)), labels, next: 0, read: 0 })
    }

    fn read_file(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let (path, size) = &self.files[index];
        let refuse = |why: String| DataError::Image { file: file_name(path), place: Place::row(index as u64 + 1), why };
        if *size > MOST_BYTES {
            return Err(refuse(format!("it has {size} bytes, the limit is 256 MiB")));
        }
        let bytes = fs::read(path).map_err(|e| DataError::io("read", path, e))?;
        check_size(&bytes).map_err(refuse)?;
        Ok(bytes)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Looks at the header alone: is it a picture, and does it stay below the limits?
pub(crate) fn check_size(bytes: &[u8]) -> Result<(u32, u32), String> {
    let reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    if !matches!(reader.format(), Some(image::ImageFormat::Png | image::ImageFormat::Jpeg)) {
        return Err("it is neither PNG nor JPEG".into());
    }
    let (width, height) = reader.into_dimensions().map_err(|e| format!("its header cannot be read ({e})"))?;
    if width > LONGEST_SIDE || height > LONGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!(
            "it is {width} x {height} pixels, the limit is {LONGEST_SIDE} a side and {MOST_PIXELS} in all"
        ));
    }
    if width == 0 || height == 0 {
        return Err("it has no pixels".into());
    }
    Ok((width, height))
}

/// The columns of `labels.csv` in the order of the files; `None` without such a file.
fn read_labels(path: &Path, files: &[(PathBuf, u64)]) -> Result<Option<RecordBatch>, DataError> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut table = CsvReader::open(path, &TextOptions::default())?;
    let all = read_all_limited(&mut table, 10_000_000)?;
    let Some(key) = all.column_by_name("file") else { return Ok(None) };
    let key = cast(key, &DataType::Utf8).map_err(|e| DataError::Mismatch(e.to_string()))?;
    let rows: HashMap<&str, u64> =
        key.as_string::<i32>().iter().enumerate().filter_map(|(i, name)| Some((name?, i as u64))).collect();
    let order: UInt64Array = files.iter().map(|(file, _)| rows.get(file_name(file).as_str()).copied()).collect();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in all.schema().fields().iter().zip(all.columns()) {
        if field.name() != "file" && field.name() != "image" {
            fields.push(Arc::clone(field));
            columns.push(take(column, &order, None).map_err(|e| DataError::Mismatch(e.to_string()))?);
        }
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    batch.map(Some).map_err(|e| DataError::Mismatch(e.to_string()))
}

impl TableReader for ImageReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.files.len() as u64)
    }

    fn prepare(&mut self, plan: &ReadPlan) -> Result<(), DataError> {
        // Pictures are few; leaving out a column saves nothing but its bytes.
        let keep = projection(&self.schema, plan)?;
        self.schema = Arc::new(self.schema.project(&keep).map_err(|e| DataError::Mismatch(e.to_string()))?);
        Ok(())
    }

    fn next_batch(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, DataError> {
        let from = self.next;
        let mut names = Vec::new();
        let mut images = BinaryBuilder::new();
        let mut bytes = 0u64;
        while self.next < self.files.len() && names.len() < max_rows.max(1) && bytes < BATCH_BYTES {
            let index = self.next;
            // A broken picture ends the table: the next call finds the end.
            self.next = self.files.len();
            let image = self.read_file(index)?;
            self.next = index + 1;
            bytes += image.len() as u64;
            images.append_value(image);
            names.push(file_name(&self.files[index].0));
        }
        self.read += bytes;
        if names.is_empty() {
            return Ok(None);
        }
        let rows = names.len();
        let mut columns: HashMap<&str, ArrayRef> = HashMap::new();
        let labels = self.labels.as_ref().map(|labels| labels.slice(from, rows));
        let label_schema = labels.as_ref().map(RecordBatch::schema);
        for (field, column) in
            label_schema.iter().flat_map(|s| s.fields()).zip(labels.iter().flat_map(RecordBatch::columns))
        {
            columns.insert(field.name(), Arc::clone(column));
        }
        columns.insert("file", Arc::new(StringArray::from(names)));
        columns.insert("image", Arc::new(images.finish()));
        let chosen = self.schema.fields().iter().filter_map(|field| columns.remove(field.name().as_str())).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), chosen);
        batch.map(Some).map_err(|e| DataError::Mismatch(e.to_string()))
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(self.files.iter().map(|(_, size)| size).sum())
    }
}
