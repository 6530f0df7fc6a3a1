//! The stage that writes: answers to a file, the first rows to show, metrics on the way.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use crossbeam_channel::Receiver;
use desk_core::words::{quoted, quoted_list};
use desk_core::{Description, Fault, NamedTensor, TensorData, counted};
use desk_data::{Binding, Format, ReadPlan, TableWriter};
use serde_json::{Map, Value};

use crate::command::Columns;

use super::columns::open;
use super::protocol::ScoreRequest;
use super::roles::{Roles, makers};
use super::rows::one_answer_each;
use super::scorecard::Scorecard;

/// Rows of the answer that are shown.
const HEAD: usize = 5;
/// Columns with missing cells that are named.
const NAMED: usize = 10;
/// Rows of the target's column that are looked at together.
const LOOKED_AT: usize = 65_536;

/// Some rows on their way from the model to the writer.
pub struct Scored {
    /// The rows as they were read.
    pub batch: RecordBatch,
    /// What the model answered.
    pub outputs: Vec<NamedTensor>,
}

/// What the stage gives at the end.
pub struct Written {
    /// Names of the answer's columns.
    pub columns: Vec<String>,
    /// The first rows of the answer.
    pub head: Vec<Map<String, Value>>,
    /// Metrics, where there is a truth to compare with.
    pub metrics: Option<Value>,
    /// What to know.
    pub warnings: Vec<String>,
}

/// Collects answers.
pub struct Answers {
    out: PathBuf,
    data: PathBuf,
    asked: Columns,
    positive: Option<String>,
    echo: Vec<String>,
    binding: Binding,
    description: Description,
    makers: Vec<(String, String)>,
    writer: Option<TableWriter>,
    roles: Option<Roles>,
    scorecard: Option<Scorecard>,
    missing: Vec<(String, u64)>,
    filled: Vec<(String, u64)>,
    not_finite: NotFinite,
    written: Written,
}

impl Answers {
    /// Nothing is written before the first rows come. `echo` are the data's columns that stand before the
    /// answers.
    pub fn new(request: &ScoreRequest, binding: &Binding, echo: Vec<String>) -> Self {
        Self {
            out: request.out.clone(),
            data: request.data.clone(),
            asked: request.columns.clone(),
            positive: request.positive.clone(),
            echo,
            binding: binding.clone(),
            description: request.description.clone(),
            makers: makers(&request.model.entry),
            writer: None,
            roles: None,
            scorecard: None,
            missing: Vec::new(),
            filled: Vec::new(),
            not_finite: NotFinite::default(),
            written: Written {
                columns: Vec::new(),
                head: Vec::new(),
                metrics: None,
                warnings: binding.report().warnings.clone(),
            },
        }
    }

    /// Takes rows until none come any more, and completes the file.
    pub fn take_all(mut self, from_model: &Receiver<Scored>) -> Result<Written, Fault> {
        for scored in from_model {
            self.take(scored)?;
        }
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        self.written.warnings.extend(given_as_nan(&self.missing));
        self.written.warnings.extend(filled_cells(&self.asked.fill, &self.filled));
        self.written.warnings.extend(self.not_finite.warning());
        if let Some(scorecard) = self.scorecard.take() {
            self.written.metrics = scorecard.finish(&mut self.written.warnings)?;
        }
        Ok(self.written)
    }

    fn take(&mut self, mut scored: Scored) -> Result<(), Fault> {
        one_answer_each(scored.batch.num_rows(), &scored.outputs)?;
        let roles = self.roles.get_or_insert_with(|| Roles::find(&scored.outputs, &self.description, &self.makers));
        roles.name_columns(&mut scored.outputs);
        let truths = self.binding.truths(&scored.batch)?;
        if let Some(target) = truths.first() {
            let scorecard = match &mut self.scorecard {
                Some(scorecard) => scorecard,
                none => {
                    if let Some(positive) = self.positive.as_deref().filter(|_| roles.assumed) {
                        let other = other_class(&self.data, &self.asked, &target.column, positive)?;
                        roles.name_classes([other, positive.to_owned()]);
                    }
                    let scorecard = Scorecard::new(roles.clone(), self.positive.as_deref(), &truths, &scored.outputs)?;
                    // Hours of scoring are not spent on a column that turns out to be another one at the end.
                    if !scorecard.knows_any(target) {
                        look_through(&self.data, &self.asked, &self.binding, &scorecard)?;
                    }
                    none.insert(scorecard)
                }
            };
            scorecard.add(&truths, &scored.outputs)?;
        }
        add(&mut self.missing, self.binding.missing(&scored.batch));
        if !self.asked.fill.is_empty() {
            add(&mut self.filled, self.binding.filled(&scored.batch));
        }
        self.not_finite.add(&scored.outputs);
        let classes = self.classes_of(&scored.outputs);
        let table = |echo: Option<&RecordBatch>| -> Result<RecordBatch, Fault> {
            let table = desk_data::predictions_batch(echo, &scored.outputs)?;
            Ok(classes
                .iter()
                .try_fold(table, |table, classes| desk_data::predictions::with_classes(&table, classes))?)
        };
        let answers = table(None)?;
        if self.written.columns.is_empty() {
            self.written.columns = answers.schema().fields().iter().map(|field| field.name().clone()).collect();
        }
        for row in self.written.head.len()..HEAD.min(answers.num_rows()) {
            self.written.head.push(shown(&answers, row));
        }
        let table = if self.echo.is_empty() {
            answers
        } else {
            let schema = scored.batch.schema();
            let known = desk_data::table::positions(&schema);
            let places: Vec<usize> = self.echo.iter().filter_map(|name| known.get(name.as_str()).copied()).collect();
            let echoed = scored.batch.project(&places);
            let echoed = echoed.map_err(|e| Fault::bug("columns cannot be repeated").detail(e.to_string()))?;
            table(Some(&echoed))?
        };
        if self.writer.is_none() {
            let format = Format::from_extension(&self.out).unwrap_or(Format::Csv);
            self.writer = Some(TableWriter::create(&self.out, format, table.schema())?);
        }
        match &mut self.writer {
            Some(writer) => Ok(writer.write(&table)?),
            None => Err(Fault::bug("the answers have no writer")),
        }
    }

    /// The predicted classes where the model gives only scores, and the format holds texts.
    fn classes_of(&self, outputs: &[NamedTensor]) -> Option<Vec<Option<String>>> {
        let numbers_only = matches!(Format::from_extension(&self.out), Some(Format::Npy | Format::Npz));
        // One probability a row that is compared with other numbers than 0 and 1 is no class.
        let other = self.scorecard.as_ref().is_some_and(|scorecard| !scorecard.is_of_classes());
        let roles = self.roles.as_ref().filter(|roles| !(numbers_only || roles.assumed && other))?;
        roles.worked_out(outputs)
    }
}

/// Adds counts of cells to those of their columns.
fn add(sums: &mut Vec<(String, u64)>, cells: Vec<(String, u64)>) {
    for (column, cells) in cells {
        match sums.iter_mut().find(|(name, _)| *name == column) {
            Some((_, sum)) => *sum += cells,
            None => sums.push((column, cells)),
        }
    }
}

/// One line for all missing cells that nothing stood for.
pub fn given_as_nan(missing: &[(String, u64)]) -> Option<String> {
    missing_cells(missing, "given to the model as NaN")
}

/// One line for all missing cells that a value stood for, as was asked.
pub fn filled_cells(fill: &[(String, String)], filled: &[(String, u64)]) -> Option<String> {
    missing_cells(filled, &stood_in(fill, filled))
}

/// What became of missing cells that a value stood for; the value itself where it is one.
fn stood_in(fill: &[(String, String)], filled: &[(String, u64)]) -> String {
    match filled {
        [(column, _)] => {
            let value = fill.iter().rev().find(|(name, _)| name == column);
            let said = |(_, value): &(String, String)| {
                if value.is_empty() { "the empty text".to_owned() } else { quoted(value) }
            };
            format!("given to the model as {}, as asked", value.map_or_else(String::new, said))
        }
        _ => "given to the model as the values that were asked for".to_owned(),
    }
}

/// One line for all columns with missing cells, and what became of them.
fn missing_cells(columns: &[(String, u64)], how: &str) -> Option<String> {
    let all = columns.iter().map(|(_, cells)| cells).sum();
    let (cells, were) = (counted(all, "missing cell"), if all == 1 { "was" } else { "were" });
    let named = match columns {
        [] => return None,
        [(column, _)] => format!("column {column}"),
        [most @ .., last] if columns.len() <= NAMED => {
            let most: Vec<&str> = most.iter().map(|(column, _)| column.as_str()).collect();
            format!("columns {} and {}", most.join(", "), last.0)
        }
        _ => {
            let first: Vec<&str> = columns[..NAMED].iter().map(|(column, _)| column.as_str()).collect();
            format!("{} columns ({}, …)", columns.len(), first.join(", "))
        }
    };
    Some(format!("{cells} in {named} {were} {how}"))
}

/// Counts answers that are no finite number, and how many numbers there are.
#[derive(Debug, Default)]
pub struct NotFinite {
    nan: u64,
    infinite: u64,
    all: u64,
}

impl NotFinite {
    /// Some more answers.
    pub fn add(&mut self, outputs: &[NamedTensor]) {
        for output in outputs.iter().filter(|output| output.tensor.data.element().is_float()) {
            self.all += output.tensor.data.len() as u64;
            match &output.tensor.data {
                TensorData::Float32(values) => self.count(values, |x| (x.is_finite(), x.is_nan())),
                TensorData::Float64(values) => self.count(values, |x| (x.is_finite(), x.is_nan())),
                other => self.count(&other.to_f64().unwrap_or_default(), |x| (x.is_finite(), x.is_nan())),
            }
        }
    }

    fn count<T: Copy>(&mut self, values: &[T], is: impl Fn(T) -> (bool, bool)) {
        for (_, nan) in values.iter().map(|value| is(*value)).filter(|(finite, _)| !finite) {
            self.nan += u64::from(nan);
            self.infinite += u64::from(!nan);
        }
    }

    /// What to know, where there are any.
    pub fn warning(&self) -> Option<String> {
        let some = self.nan + self.infinite;
        let which = match (self.nan, self.infinite) {
            (0, 0) => return None,
            (_, 0) => "NaN".to_owned(),
            (0, _) => "infinite".to_owned(),
            (nan, infinite) => format!("{nan} are NaN, {infinite} infinite"),
        };
        let how_many = if some == self.all { format!("All {some}") } else { format!("{some} of {}", self.all) };
        Some(format!("{how_many} numbers that the model answered are not finite ({which})"))
    }
}

/// Looks whether any row of the file has a truth that the model knows.
fn look_through(data: &Path, columns: &Columns, binding: &Binding, scorecard: &Scorecard) -> Result<(), Fault> {
    let Some(column) = binding.target_column() else { return Ok(()) };
    let mut reader = open(data, columns)?;
    reader.prepare(&ReadPlan { columns: Some(vec![column.to_owned()]), ..ReadPlan::default() })?;
    let mut first = Vec::new();
    while let Some(rows) = reader.next_batch(LOOKED_AT)? {
        let target = desk_data::Target::read(column, &rows)?;
        if scorecard.knows_any(&target) {
            return Ok(());
        }
        if first.is_empty() {
            first = target.labels.iter().flatten().take(3).map(quoted).collect();
        }
    }
    Err(Fault::input(format!("no truth in column {column} is a class of the model; it holds {}", first.join(", ")))
        .hint("Name another column with the truth (--target), or spell the classes as the model does"))
}

/// What the truth of a model with one probability holds beside the class that the probability is of.
fn other_class(data: &Path, columns: &Columns, column: &str, positive: &str) -> Result<String, Fault> {
    let mut reader = open(data, columns)?;
    reader.prepare(&ReadPlan { columns: Some(vec![column.to_owned()]), ..ReadPlan::default() })?;
    let mut found: Vec<String> = Vec::new();
    while let Some(rows) = reader.next_batch(LOOKED_AT)? {
        let target = desk_data::Target::read(column, &rows)?;
        for truth in target.labels.into_iter().flatten() {
            if found.len() < 3 && !found.contains(&truth) {
                found.push(truth);
            }
        }
    }
    let (shown, column) = (quoted_list(&found, 3), quoted(column));
    match &found[..] {
        [one, other] | [other, one] if one == positive => Ok(other.clone()),
        [one] if one == positive => Ok(format!("not {positive}")),
        [_, _, _] => Err(Fault::input(format!(
            "column {column} holds more than two classes ({shown}, …), and the model gives one probability"
        ))
        .hint("Name another column with the truth (--target), or tell two classes apart in the data first")),
        _ => Err(Fault::input(format!("no truth in column {column} is {}; it holds {shown}", quoted(positive)))
            .hint("Name one of these as the positive class (--positive)")),
    }
}

/// One row as JSON: numbers as numbers, the rest as text.
fn shown(batch: &RecordBatch, row: usize) -> Map<String, Value> {
    let cells = crate::pages::cells(batch, row);
    let schema = batch.schema();
    let named = schema.fields().iter().zip(cells);
    named
        .map(|(field, text)| {
            let number = field.data_type().is_numeric().then(|| text.parse::<f64>().ok()).flatten();
            let value = match number.and_then(serde_json::Number::from_f64) {
                // Whole numbers stay whole: `3`, not `3.0`.
                Some(_) if field.data_type().is_integer() => {
                    text.parse::<i64>().map_or(Value::String(text), Value::from)
                }
                Some(number) => Value::Number(number),
                None => Value::String(text),
            };
            (field.name().clone(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_cells_of_all_columns_are_one_line() {
        let said = |cells: &[(&str, u64)]| {
            let columns: Vec<(String, u64)> = cells.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
            missing_cells(&columns, "given to the model as NaN")
        };
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("a", 1)]).as_deref(), Some("1 missing cell in column a was given to the model as NaN"));
        let three = said(&[("a", 1), ("b", 2), ("c", 3)]).expect("some");
        assert_eq!(three, "6 missing cells in columns a, b and c were given to the model as NaN");
        let many = said(&[("a", 1); 12]).expect("some");
        assert!(many.starts_with("12 missing cells in 12 columns (a, ") && many.contains("…) were"), "{many}");
        let fill = [("a".to_owned(), "0".to_owned()), ("a".to_owned(), "north".to_owned())];
        assert_eq!(
            stood_in(&fill, &[("a".to_owned(), 2)]),
            "given to the model as `north`, as asked",
            "the last holds"
        );
    }
}
