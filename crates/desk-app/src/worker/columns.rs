//! Tables bound to a model's inputs, as was asked, else as the model's metadata says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow::datatypes::Schema;
use desk_core::words::quoted;
use desk_core::{Description, Fault, FaultKind};
use desk_data::{BindOptions, Binding, DataError, FillValue, Gaps, OpenOptions, TableReader, typed_names};

use crate::command::Columns;

/// Opens a table as was asked.
pub fn open(path: &Path, columns: &Columns) -> Result<Box<dyn TableReader>, Fault> {
    let mut options = OpenOptions::default();
    options.csv.header = columns.header;
    options.csv.missing.extend(columns.missing.iter().cloned());
    Ok(desk_data::open(path, &options)?)
}

/// Plans how columns become inputs.
pub fn bind(columns: &Columns, description: &Description, reader: &dyn TableReader) -> Result<Binding, Fault> {
    let schema = reader.schema();
    refuse_twice(columns, &schema)?;
    Ok(Binding::plan(&description.signature, &schema, &options(columns, description, &schema))?)
}

/// A column that feeds one input twice is a slip: another one was meant.
fn refuse_twice(columns: &Columns, schema: &Schema) -> Result<(), Fault> {
    for (input, typed) in &columns.map {
        let names = typed_names(typed, schema);
        if let Some(at) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
            let (name, input) = (quoted(&names[at]), quoted(input));
            return Err(Fault::new(FaultKind::Usage, format!("column {name} is named twice for the input {input}"))
                .hint("Name each column once, in the order in which the input takes them (--map)"));
        }
    }
    Ok(())
}

/// Plans the same for another table that stands beside a first one, such as a background: by the same columns
/// where it has them all, else on its own. It need not have the columns that feed nothing.
pub fn bind_beside(
    first: &Binding,
    columns: &Columns,
    description: &Description,
    reader: &dyn TableReader,
) -> Result<Binding, Fault> {
    let schema = reader.schema();
    let has = |name: &String| schema.fields().iter().any(|field| field.name() == name);
    let mut options = options(columns, description, &schema);
    options.target = options.target.filter(has);
    options.more_targets.retain(has);
    options.drop.retain(has);
    options.fill.columns.retain(|name, _| has(name));
    let same = first.columns();
    let known: std::collections::HashSet<&String> = schema.fields().iter().map(|field| field.name()).collect();
    if same.values().flatten().all(|name| known.contains(name)) {
        options.mapping = Some(same);
    }
    Ok(Binding::plan(&description.signature, &schema, &options)?)
}

/// Rows that are looked at together for missing cells.
const LOOKED_AT: usize = 65_536;
/// Counting takes no longer than this; a larger file is counted in part, and told so.
const COUNTED_FOR: Duration = Duration::from_secs(5);

/// An error of a cell that is missing where an input takes none, with its line and how many there are in the file.
pub fn with_gaps(error: DataError, path: &Path, columns: &Columns, binding: &Binding) -> DataError {
    let DataError::Missing { .. } = &error else { return error };
    let counted = || -> Result<(Gaps, Box<dyn TableReader>), Fault> {
        let began = Instant::now();
        let mut reader = open(path, columns)?;
        reader.prepare(&binding.read_plan(&[]))?;
        let mut gaps = Gaps::default();
        while let Some(batch) = reader.next_batch(LOOKED_AT)? {
            gaps.partly = began.elapsed() > COUNTED_FOR;
            if gaps.partly {
                break;
            }
            binding.count_gaps(&batch, &mut gaps);
        }
        Ok((gaps, reader))
    };
    match counted() {
        Ok((gaps, reader)) => error.with_line(|row| reader.line_of(row)).with_gaps(gaps),
        // A file that cannot be read to its end has this error first.
        Err(_) => error,
    }
}

fn options(columns: &Columns, description: &Description, schema: &Schema) -> BindOptions {
    let mut options = BindOptions::from_metadata(&description.metadata);
    options.drop = columns.drop.iter().flat_map(|names| typed_names(names, schema)).collect();
    // What is named now is before what is known from earlier.
    let left_out = |hint: &String| typed_names(hint, schema).iter().any(|name| options.drop.contains(name));
    options.target_hint = options.target_hint.take().filter(|hint| !left_out(hint));
    let known = options.target_hint.iter().map(|hint| typed_names(hint, schema));
    let known = known.filter(|names| names.len() > 1 && names.iter().all(|name| schema.index_of(name).is_ok()));
    let said = columns.target.iter().map(|typed| typed_names(typed, schema));
    let mut targets = said.chain(known).next().unwrap_or_default().into_iter();
    options.target = targets.next();
    options.more_targets = targets.collect();
    let fill = columns.fill.iter().map(|(column, value)| (column.clone(), FillValue::Text(value.clone())));
    options.fill.columns = fill.collect();
    if !columns.map.is_empty() {
        let mut mapping: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (input, names) in &columns.map {
            mapping.entry(input.clone()).or_default().extend(typed_names(names, schema));
        }
        options.mapping = Some(mapping);
    }
    options
}
