//! What is in the columns of a table, worked out in one pass.
//!
//! Mean and standard deviation: Welford's recurrence, joined by Chan, Golub and LeVeque (1979).

use std::collections::HashMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use desk_core::{Cancel, Progress, ProgressSink};
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::table::TableReader;

/// Distinct values are counted up to this many in a column.
pub const MOST_DISTINCT: usize = 10_000;
/// Categories that a profile lists.
const TOP: usize = 20;

/// What is in one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: String,
    /// Missing cells; NaN counts.
    pub missing: u64,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Mean of the finite numbers.
    pub mean: Option<f64>,
    /// Sample standard deviation (n - 1) of the finite numbers.
    pub std: Option<f64>,
    /// Numbers that are infinite; they are in `min` and `max`, not in `mean` and `std`.
    pub infinite: u64,
    /// Different values; `None` when there are more than [`MOST_DISTINCT`].
    pub distinct: Option<u64>,
    /// The most frequent values and how often they occur, up to 20; empty when there are too many
    /// different ones.
    pub top: Vec<(String, u64)>,
}

/// What is in a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Rows looked at.
    pub rows: u64,
    /// One for each column.
    pub columns: Vec<ColumnProfile>,
}

#[derive(Default)]
struct Moments {
    n: f64,
    mean: f64,
    sum_squares: f64,
    min: f64,
    max: f64,
    any: bool,
    infinite: u64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        (self.min, self.max) = if self.any { (self.min.min(value), self.max.max(value)) } else { (value, value) };
        self.any = true;
        if value.is_infinite() {
            self.infinite += 1;
            return;
        }
        self.n += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.n;
        self.sum_squares += delta * (value - self.mean);
    }
}

#[derive(Default)]
struct Column {
    missing: u64,
    moments: Moments,
    /// `None` once there are too many.
    values: Option<HashMap<String, u64>>,
    /// Bits of numbers; cheaper to count than their texts.
    numbers: Option<HashMap<u64, u64>>,
}

impl Column {
    fn new() -> Self {
        Self { values: Some(HashMap::new()), numbers: Some(HashMap::new()), ..Self::default() }
    }

    fn add(&mut self, array: &ArrayRef) {
        let data_type = array.data_type();
        if matches!(data_type, DataType::Utf8 | DataType::Dictionary(..)) {
            let Ok(text) = cast(array, &DataType::Utf8) else { return };
            text.as_string::<i32>().iter().for_each(|cell| match cell {
                Some(text) => count(&mut self.values, text),
                None => self.missing += 1,
            });
        } else if data_type.is_numeric() || *data_type == DataType::Boolean {
            let Ok(numbers) = cast(array, &DataType::Float64) else { return };
            for cell in numbers.as_primitive::<Float64Type>() {
                match cell.filter(|value| !value.is_nan()) {
                    Some(value) => self.add_number(value),
                    None => self.missing += 1,
                }
            }
        } else {
            self.missing += array.null_count() as u64;
            self.values = None;
            self.numbers = None;
        }
    }

    fn add_number(&mut self, value: f64) {
        self.moments.add(value);
        if let Some(numbers) = &mut self.numbers {
            // One key for 0 and -0.
            *numbers.entry((value + 0.0).to_bits()).or_default() += 1;
            if numbers.len() > MOST_DISTINCT {
                self.numbers = None;
            }
        }
    }

    fn finish(self, name: String, data_type: &DataType) -> ColumnProfile {
        let is_text = matches!(data_type, DataType::Utf8 | DataType::Dictionary(..));
        let is_bool = *data_type == DataType::Boolean;
        let shown = |bits: u64| {
            let value = f64::from_bits(bits);
            if is_bool { (value == 1.0).to_string() } else { format!("{value}") }
        };
        let counts: Option<Vec<(String, u64)>> = if is_text {
            self.values.map(|values| values.into_iter().collect())
        } else {
            self.numbers.map(|numbers| numbers.into_iter().map(|(bits, n)| (shown(bits), n)).collect())
        };
        let distinct = counts.as_ref().map(|counts| counts.len() as u64);
        let mut top = counts.unwrap_or_default();
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        top.truncate(TOP);
        let m = self.moments;
        ColumnProfile {
            name,
            data_type: data_type.to_string(),
            missing: self.missing,
            min: m.any.then_some(m.min),
            max: m.any.then_some(m.max),
            mean: (m.n > 0.0).then_some(m.mean),
            std: (m.n > 1.0).then(|| (m.sum_squares / (m.n - 1.0)).sqrt()),
            infinite: m.infinite,
            distinct,
            top,
        }
    }
}

fn count(values: &mut Option<HashMap<String, u64>>, text: &str) {
    let Some(known) = values else { return };
    if let Some(n) = known.get_mut(text) {
        *n += 1;
    } else if known.len() < MOST_DISTINCT {
        known.insert(text.to_owned(), 1);
    } else {
        *values = None;
    }
}

impl Profile {
    /// Reads a table to its end.
    pub fn of(reader: &mut dyn TableReader, cancel: &Cancel, progress: &dyn ProgressSink) -> Result<Self, DataError> {
        let schema = reader.schema();
        let mut columns: Vec<Column> = schema.fields().iter().map(|_| Column::new()).collect();
        let mut rows = 0u64;
        while let Some(batch) = reader.next_batch(16_384)? {
            cancel.check()?;
            rows += batch.num_rows() as u64;
            columns.iter_mut().zip(batch.columns()).for_each(|(column, array)| column.add(array));
            let stage = "Looking at the columns";
            progress.report(Progress::new(stage, reader.bytes_read(), reader.bytes_total(), "bytes"));
        }
        let fields = schema.fields().iter();
        let columns = columns.into_iter().zip(fields).map(|(c, f)| c.finish(f.name().clone(), f.data_type())).collect();
        Ok(Self { rows, columns })
    }
}
