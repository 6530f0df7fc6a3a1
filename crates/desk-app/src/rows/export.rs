//! Rows of a view, written to a file.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use desk_core::{Cancel, Fault, FaultKind, Progress, ProgressSink};
use desk_data::{Format, TableWriter, typed_names};
use serde_json::{Map, Value};

use super::{ROW, Rows};
use crate::Desk;
use crate::command::ExportRows;
use crate::outcome::{Exported, Outcome};

/// Rows that are gathered and written together: many, since each part may be all over the file.
const PART: usize = 65_536;

/// A column of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// The row's number, from 1.
    Number,
    /// A column of the rows.
    Column(usize),
}

impl Desk {
    /// Writes the rows of a view; the file is there whole or not at all.
    pub(crate) fn export_rows(
        &self,
        command: &ExportRows,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Outcome, Fault> {
        let began = Instant::now();
        let out = command.out.as_path();
        let run = self.kept_run(&command.version, command.run.as_deref())?;
        self.out_name(out, Path::new(&self.data_of(&run)?))?;
        if out.exists() && !command.force {
            return Err(Fault::new(FaultKind::Usage, format!("the file is there already: {}", out.display()))
                .hint("Name another file, or add --force to replace it"));
        }
        let format = Format::from_extension(out).ok_or_else(|| {
            Fault::input(format!("the output's extension names no format: {}", out.display()))
                .hint("End the name in .csv, .parquet, .jsonl or .arrow")
        })?;
        let rows = self.rows(&run, &command.view, cancel, progress)?;
        let chosen = rows.chosen(&command.columns)?;
        let schema = rows.schema_of(&chosen);
        let mut writer = TableWriter::create(out, format, Arc::clone(&schema))?;
        let count = rows.count();
        for offset in (0..count).step_by(PART) {
            progress.report(Progress::new("Writing", offset, Some(count), "rows"));
            writer.write(&rows.part(&chosen, &schema, offset, PART, cancel)?)?;
        }
        cancel.check()?;
        writer.finish()?;
        let version = self.0.store.resolve(&command.version)?;
        Ok(Outcome::Exported(Exported {
            version: format!("{}@{}", version.model, version.number),
            run,
            out: out.to_owned(),
            rows: count,
            total: rows.total(),
            columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
            seconds: began.elapsed().as_secs_f64(),
        }))
    }
}

impl Rows {
    /// The columns that are named, each one name or several with commas between them; all when none is.
    fn chosen(&self, names: &[String]) -> Result<Vec<Chosen>, Fault> {
        if names.is_empty() {
            return Ok((0..self.kept.columns.len()).map(Chosen::Column).collect());
        }
        let named = names.iter().flat_map(|names| typed_names(names, self.kept.schema()));
        let choose = |name: String| match self.kept.position(&name) {
            Err(_) if name == ROW => Ok(Chosen::Number),
            found => found.map(Chosen::Column),
        };
        let mut chosen = Vec::new();
        for column in named.map(choose) {
            let column = column?;
            if !chosen.contains(&column) {
                chosen.push(column);
            }
        }
        Ok(chosen)
    }

    fn schema_of(&self, chosen: &[Chosen]) -> SchemaRef {
        let fields = self.kept.schema().fields();
        let mut number = "row".to_owned();
        while fields.iter().any(|field| *field.name() == number) {
            number += "_number";
        }
        let field = |column: &Chosen| match column {
            Chosen::Number => Arc::new(Field::new(&number, DataType::UInt64, false)),
            Chosen::Column(i) => Arc::clone(&fields[*i]),
        };
        Arc::new(Schema::new(chosen.iter().map(field).collect::<Vec<_>>()))
    }

    /// Some shown rows with the chosen columns.
    fn part(
        &self,
        chosen: &[Chosen],
        schema: &SchemaRef,
        offset: u64,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<RecordBatch, Fault> {
        let numbers = self.numbers(offset, limit);
        let batch = self.kept.gather(&numbers, cancel)?;
        let column = |column: &Chosen| -> ArrayRef {
            match column {
                Chosen::Number => {
                    Arc::new(UInt64Array::from_iter_values(numbers.iter().map(|row| u64::from(*row) + 1)))
                }
                Chosen::Column(i) => Arc::clone(batch.column(*i)),
            }
        };
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        RecordBatch::try_new_with_options(Arc::clone(schema), chosen.iter().map(column).collect(), &options)
            .map_err(|error| Fault::bug("rows cannot be put together").detail(error.to_string()))
    }

    /// Shown rows `offset..offset + limit` as JSON: the row's number, and its cells by column.
    pub fn objects(&self, offset: u64, limit: usize, columns: &[String]) -> Result<Vec<Value>, Fault> {
        let chosen = if columns.is_empty() {
            self.usual_order().into_iter().map(Chosen::Column).collect()
        } else {
            self.chosen(columns)?
        };
        let cells: Vec<usize> = chosen
            .iter()
            .filter_map(|column| match column {
                Chosen::Column(i) => Some(*i),
                Chosen::Number => None,
            })
            .collect();
        let numbers = self.numbers(offset, limit);
        let batch = self.kept.gather(&numbers, &Cancel::new())?;
        let object = |(row, number): (usize, &u32)| {
            let texts = crate::pages::cells(&batch, row);
            let cell = |i: &usize| {
                let value = value(&texts[*i], batch.column(*i).data_type());
                (self.kept.columns[*i].name.clone(), value)
            };
            let values: Map<String, Value> = cells.iter().map(cell).collect();
            serde_json::json!({ "row": u64::from(*number) + 1, "values": values })
        };
        Ok(numbers.iter().enumerate().map(object).collect())
    }
}

/// A cell as JSON: nothing and not-a-number are null.
fn value(text: &str, data: &DataType) -> Value {
    let number = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number);
    match data {
        _ if text.is_empty() => Value::Null,
        DataType::Boolean => Value::Bool(text == "true"),
        data if data.is_unsigned_integer() => text.parse::<u64>().map_or(Value::Null, Value::from),
        data if data.is_integer() => text.parse::<i64>().map_or(Value::Null, Value::from),
        data if data.is_floating() => number(),
        _ => Value::from(text),
    }
}
