//! Texts in the data that the model's encoders do not know: they are scored as "none of these", or stop the model.

use std::collections::{BTreeMap, HashSet};

use arrow::array::RecordBatch;
use desk_core::words::{quoted, quoted_list};
use desk_core::{Description, Fault, NamedTensor, TensorData, counted};
use desk_data::{Binding, DataError};

use crate::outcome::UnseenCategories;

/// Rows that are named.
const ROWS: usize = 5;
/// Different texts that are kept.
const VALUES: usize = 20;
/// Texts that a sentence names, of the unknown and of the known ones.
const NAMED: (usize, usize) = (3, 10);

/// Looks for texts that the model does not know, row by row.
#[derive(Debug, Default)]
pub struct Unseen {
    watched: Vec<Watched>,
}

/// An encoder's texts, and what else stood in its columns.
#[derive(Debug)]
struct Watched {
    input: String,
    column: Option<usize>,
    names: Vec<String>,
    values: Vec<String>,
    known: HashSet<String>,
    found: BTreeMap<usize, Found>,
}

#[derive(Debug, Default)]
struct Found {
    cells: u64,
    rows: Vec<u64>,
    values: Vec<String>,
    more_values: bool,
}

impl Unseen {
    /// Watches the columns of which the model lists what it knows.
    pub fn of(description: &Description, binding: &Binding) -> Self {
        let mut columns = binding.columns();
        let watched = description.categories.iter().map(|categories| Watched {
            input: categories.input.clone(),
            column: categories.column,
            names: columns.get_mut(&categories.input).cloned().unwrap_or_default(),
            values: categories.values.clone(),
            known: categories.values.iter().cloned().collect(),
            found: BTreeMap::new(),
        });
        Self { watched: watched.collect() }
    }

    /// What is unknown in some rows of a table; `first_row` is the number of rows before them.
    pub fn among(
        description: &Description,
        binding: &Binding,
        rows: &RecordBatch,
        first_row: u64,
    ) -> Result<Self, DataError> {
        let mut all = Self::of(description, binding);
        if !all.watched.is_empty() {
            all.look(&binding.tensors(rows, first_row)?, first_row);
        }
        Ok(all)
    }

    /// Numbers the rows otherwise, from 1: those of a sample have other places in the file.
    pub fn numbered(mut self, number: impl Fn(u64) -> u64) -> Self {
        let found = self.watched.iter_mut().flat_map(|watched| watched.found.values_mut());
        found.flat_map(|found| &mut found.rows).for_each(|row| *row = number(*row));
        self
    }

    /// True when the model knows every text that was looked at.
    pub fn is_empty(&self) -> bool {
        self.watched.iter().all(|watched| watched.found.is_empty())
    }

    /// Some more rows as the model gets them; `first_row` is the number of rows before them.
    pub fn look(&mut self, inputs: &[NamedTensor], first_row: u64) {
        for watched in &mut self.watched {
            let input = inputs.iter().find(|input| input.name == watched.input);
            if let Some((TensorData::String(cells), width)) =
                input.map(|input| (&input.tensor.data, input.tensor.row_len().max(1)))
            {
                watched.look(cells, width, first_row);
            }
        }
    }

    /// What was found, in the model's order.
    pub fn found(&self) -> Vec<UnseenCategories> {
        let columns = |watched: &Watched| {
            let of = |(column, found): (&usize, &Found)| UnseenCategories {
                column: watched.names.get(*column).unwrap_or(&watched.input).clone(),
                input: watched.input.clone(),
                rows: found.cells,
                first_rows: found.rows.clone(),
                values: found.values.clone(),
                more_values: found.more_values,
                known: watched.values.clone(),
            };
            watched.found.iter().map(of).collect::<Vec<_>>()
        };
        self.watched.iter().flat_map(columns).collect()
    }

    /// A sentence for each column.
    pub fn warnings(&self) -> Vec<String> {
        self.found().iter().map(sentence).collect()
    }

    /// Beside the fault of a model that was stopped: what in the data may have stopped it.
    pub fn explain(&self, fault: Fault) -> Fault {
        let warnings = self.warnings();
        if warnings.is_empty() || fault.is_cancelled() {
            return fault;
        }
        // As hints, since those are always shown.
        warnings
            .into_iter()
            .fold(fault, Fault::hint)
            .hint("Correct these cells, or export the model with an encoder that takes unknown texts")
    }
}

impl Watched {
    fn look(&mut self, cells: &[String], width: usize, first_row: u64) {
        let columns = self.column.map_or(0..width, |column| column..(column + 1).min(width));
        for (row, cells) in cells.chunks(width).enumerate() {
            for column in columns.clone().filter(|column| !self.known.contains(&cells[*column])) {
                self.found.entry(column).or_default().add(&cells[column], first_row + row as u64 + 1);
            }
        }
    }
}

impl Found {
    fn add(&mut self, cell: &str, row: u64) {
        self.cells += 1;
        if self.rows.len() < ROWS {
            self.rows.push(row);
        }
        if !self.values.iter().any(|value| value == cell) {
            if self.values.len() < VALUES {
                self.values.push(cell.to_owned());
            } else {
                self.more_values = true;
            }
        }
    }
}

/// ``Column `species`: `Emperor` in 3 rows (2, 5, 9) is not one that the model knows: `Adelie`, `Gentoo` ``.
fn sentence(found: &UnseenCategories) -> String {
    let mut rows: Vec<String> = found.first_rows.iter().map(u64::to_string).collect();
    if found.rows > rows.len() as u64 {
        rows.push("…".to_owned());
    }
    let mut values = quoted_list(&found.values, NAMED.0);
    if found.more_values {
        values =
            format!("{} and more than {} others", quoted_list(&found.values[..NAMED.0], NAMED.0), VALUES - NAMED.0);
    }
    let is = if found.values.len() == 1 { "is not one" } else { "are none" };
    let (column, known) = (quoted(&found.column), quoted_list(&found.known, NAMED.1));
    let (in_rows, rows) = (counted(found.rows, "row"), rows.join(", "));
    format!("Column {column}: {values} in {in_rows} ({rows}) {is} that the model knows: {known}")
}

#[cfg(test)]
mod tests {
    use desk_core::Tensor;

    use super::*;

    fn watched(column: Option<usize>) -> Unseen {
        let values: Vec<String> = ["Adelie", "Gentoo"].map(str::to_owned).to_vec();
        Unseen {
            watched: vec![Watched {
                input: "X".into(),
                column,
                names: vec!["species".into(), "mate".into()],
                known: values.iter().cloned().collect(),
                values,
                found: BTreeMap::new(),
            }],
        }
    }

    fn rows(cells: &[&str]) -> Vec<NamedTensor> {
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        vec![NamedTensor::new("X", Tensor::new(vec![cells.len() / 2, 2], TensorData::String(cells)).expect("fits"))]
    }

    #[test]
    fn unknown_texts_are_told_by_column_value_and_row() {
        let mut unseen = watched(Some(0));
        unseen.look(&rows(&["Adelie", "?", "Emperor", "?"]), 0);
        unseen.look(&rows(&["Emperor", "?", "Gentoo", "?"]), 2);
        let said = "Column `species`: `Emperor` in 2 rows (2, 3) is not one that the model knows: `Adelie`, `Gentoo`";
        assert_eq!(unseen.warnings(), [said]);
        let unseen = unseen.numbered(|row| row * 10);
        assert!(unseen.warnings()[0].contains("2 rows (20, 30)"), "{:?}", unseen.warnings());
        let unseen = unseen.numbered(|row| row / 10);
        let fault = unseen.explain(Fault::input("stopped"));
        assert!(fault.hints.len() == 2 && fault.hints[0] == said, "{fault:?}");
        assert!(watched(Some(0)).explain(Fault::input("stopped")).hints.is_empty());
    }

    #[test]
    fn every_column_of_an_input_that_is_encoded_as_one_is_looked_at() {
        let mut unseen = watched(None);
        let cells: Vec<String> = (0..30).flat_map(|i| ["Adelie".to_owned(), format!("x{i}")]).collect();
        unseen.look(&rows(&cells.iter().map(String::as_str).collect::<Vec<_>>()), 0);
        let said = unseen.warnings();
        assert!(
            said.len() == 1
                && said[0].starts_with(
                    "Column `mate`: `x0`, `x1`, `x2` and more than 17 others in 30 rows (1, 2, 3, 4, 5, …) are none"
                ),
            "{said:?}"
        );
        assert_eq!(unseen.found()[0].values.len(), VALUES);
    }
}
