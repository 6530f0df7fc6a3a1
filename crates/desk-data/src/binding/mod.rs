//! A table bound to a model's inputs: which columns feed which input, and the tensors they become.
//!
//! Columns go to inputs by explicit mapping, by name, by the model's feature names, else by
//! position; [`MappingReport`] shows which. The first dimension of every input is the row.

pub(crate) mod cells;
mod columns;
mod gaps;
mod image;
mod options;
mod plan;
mod report;
mod rows;
mod target;
mod tensors;

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use desk_core::{ElementType, NamedTensor, Signature};

pub use self::columns::typed_names;
pub use self::gaps::Gaps;
pub use self::image::ImageMapping;
pub use self::options::{BindOptions, Channels, Fill, FillValue, ImageOptions, Layout};
pub use self::report::{How, InputMapping, MappingReport};
pub use self::target::Target;

use self::rows::Rows;
use crate::error::DataError;
use crate::table::{ColumnType, ReadPlan};

/// Where one input's values come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// One number or text of each column, in this order.
    Columns(Vec<String>),
    /// A column of lists, each a whole row of the tensor.
    List(String),
    /// A column of pictures.
    Image(String, ImageMapping),
    /// The same value in every row.
    Constant(FillValue),
}

/// One input with its source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoundInput {
    pub name: String,
    pub element: ElementType,
    /// The shape of one row: empty for `[rows]`. A `None` takes the size that the data has.
    pub row_shape: Vec<Option<usize>>,
    /// A single value without rows; its source is a constant.
    pub scalar: bool,
    pub source: Source,
}

/// How a table feeds a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    pub(crate) inputs: Vec<BoundInput>,
    pub(crate) fill: Fill,
    /// Types that columns of text files are to be read as.
    read_types: BTreeMap<String, ColumnType>,
    target: Option<String>,
    more_targets: Vec<String>,
    fixed_batch: Option<usize>,
    report: MappingReport,
}

impl Binding {
    /// Plans which columns feed which input; the error names what is missing, extra or of the wrong
    /// type.
    pub fn plan(signature: &Signature, schema: &Schema, options: &BindOptions) -> Result<Self, DataError> {
        plan::Planner::new(signature, schema, options)?.run()
    }

    /// The mapping, to show and to keep.
    pub fn report(&self) -> &MappingReport {
        &self.report
    }

    /// The rows that the model takes at once when it fixes them; see [`fixed_chunks`].
    pub fn fixed_batch(&self) -> Option<usize> {
        self.fixed_batch
    }

    /// The columns that feed each input, to bind another table in the same way.
    pub fn columns(&self) -> BTreeMap<String, Vec<String>> {
        let columns = |source: &Source| match source {
            Source::Columns(names) => Some(names.clone()),
            Source::List(name) | Source::Image(name, _) => Some(vec![name.clone()]),
            Source::Constant(_) => None,
        };
        self.inputs.iter().filter_map(|input| Some((input.name.clone(), columns(&input.source)?))).collect()
    }

    /// The target column, if there is one.
    pub fn target_column(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// What to tell the reader before the first batch: only the needed columns, text parsed
    /// straight to the inputs' types. `echo` are columns that are wanted besides, in full precision.
    pub fn read_plan(&self, echo: &[String]) -> ReadPlan {
        let mut columns: Vec<String> = self.target.iter().chain(&self.more_targets).cloned().collect();
        for input in &self.inputs {
            match &input.source {
                Source::Columns(names) => columns.extend(names.iter().cloned()),
                Source::List(name) => columns.push(name.clone()),
                Source::Image(name, _) => columns.extend([name.clone(), "file".to_owned()]),
                Source::Constant(_) => {}
            }
        }
        let mut types = self.read_types.clone();
        let echoed: HashSet<&String> = echo.iter().collect();
        for (name, kind) in &mut types {
            if *kind == ColumnType::Float32 && echoed.contains(name) {
                *kind = ColumnType::Float64;
            }
        }
        columns.extend(echo.iter().cloned());
        columns.sort_unstable();
        columns.dedup();
        ReadPlan { columns: Some(columns), types }
    }

    /// The tensors of some rows, one for each input; `first_row` is the number of rows before them.
    /// A missing cell is NaN in a float input and an error elsewhere, unless a fill value is set.
    pub fn tensors(&self, batch: &RecordBatch, first_row: u64) -> Result<Vec<NamedTensor>, DataError> {
        let rows = Rows::of(batch);
        self.inputs.iter().map(|input| tensors::tensor(input, &self.fill, &rows, first_row)).collect()
    }

    /// Missing cells in the columns of float inputs that have no fill value: these become NaN.
    pub fn missing(&self, batch: &RecordBatch) -> Vec<(String, u64)> {
        let mut counts = Vec::new();
        let rows = Rows::of(batch);
        for input in self.inputs.iter().filter(|input| input.element.is_float()) {
            if let Source::List(name) = &input.source {
                let nulls = rows.get(name).map_or(0, tensors::missing_in_lists);
                counts.extend((nulls > 0 && self.fill.number(name).is_none()).then(|| (name.clone(), nulls)));
            }
            let Source::Columns(names) = &input.source else { continue };
            for name in names {
                let nulls = rows.get(name).map_or(0, |column| column.null_count() as u64);
                if nulls > 0 && self.fill.number(name).is_none() {
                    counts.push((name.clone(), nulls));
                }
            }
        }
        counts
    }

    /// All columns with a truth, in the order in which they were named.
    pub fn targets(&self) -> Vec<String> {
        self.target.iter().chain(&self.more_targets).cloned().collect()
    }

    /// The targets' values; none when the binding has no target.
    pub fn truths(&self, batch: &RecordBatch) -> Result<Vec<Target>, DataError> {
        self.target.iter().chain(&self.more_targets).map(|name| Target::read(name, batch)).collect()
    }
}

/// Cuts tensors into pieces of exactly `rows` rows for models of fixed batch size. The last piece is
/// filled up with copies of its last row; the number says how many rows are real.
pub fn fixed_chunks(tensors: &[NamedTensor], rows: usize) -> Vec<(Vec<NamedTensor>, usize)> {
    let total = tensors.first().map_or(0, |named| named.tensor.rows());
    let rows = rows.max(1);
    let mut chunks = Vec::with_capacity(total.div_ceil(rows));
    let mut from = 0;
    while from < total {
        let to = total.min(from + rows);
        let piece = tensors.iter().map(|named| tensors::padded_slice(named, from, to, rows)).collect();
        chunks.push((piece, to - from));
        from = to;
    }
    chunks
}

/// The tensor of an input that is the same in every row.
pub(crate) fn constant_tensor(
    binding: &Binding,
    input: &BoundInput,
    rows: &RecordBatch,
) -> Result<NamedTensor, DataError> {
    tensors::tensor(input, &binding.fill, &Rows::of(rows), 0)
}
