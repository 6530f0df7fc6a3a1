//! Whether rows pass a view's filters, a chunk at a time.

use std::cmp::Ordering;
use std::collections::HashSet;

use arrow::array::{Array as _, ArrayRef};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use desk_core::Fault;
use desk_core::words::{quoted, same_value};

use super::filter::{Filter, Relation, Test};
use super::kept::{Cells, ColumnKind, Kept, Part};
use super::{ROW, RowView};

/// A view's filters made ready for a run's columns.
pub(super) struct Matching {
    tests: Vec<(Place, Ready)>,
    wrong: Option<(usize, usize)>,
}

/// What a filter or a key looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The row's number.
    Number,
    /// A column.
    Column(usize),
}

impl Place {
    pub fn of(kept: &Kept, name: &str) -> Result<Self, Fault> {
        // A column of that name comes first.
        match kept.position(name) {
            Err(_) if name == ROW => Ok(Self::Number),
            found => found.map(Self::Column),
        }
    }
}

/// A test with its values in the column's type.
enum Ready {
    Missing,
    Present,
    Number(Relation, Value),
    OneNumber(Vec<Value>),
    Text(Relation, String),
    OneText(HashSet<String>),
    /// In lower case.
    Part(String),
    Bool(Vec<bool>),
}

/// A number that cells are compared with: exactly, where both are whole.
#[derive(Debug, Clone, Copy)]
struct Value {
    number: f64,
    whole: Option<i128>,
}

impl Matching {
    /// Reads the filters; those that do not fit their columns are refused.
    pub fn new(kept: &Kept, view: &RowView) -> Result<Self, Fault> {
        let tests = view.filters.iter().map(|filter| ready(kept, filter)).collect::<Result<_, _>>()?;
        let wrong = match (view.wrong, kept.judged) {
            (true, None) => {
                return Err(Fault::input(
                    "which answers are wrong is not known: these are no classes, or have no truth",
                )
                .hint("Score the file with the truth in a column (--target)"));
            }
            (wrong, judged) => judged.filter(|_| wrong),
        };
        Ok(Self { tests, wrong })
    }

    /// The columns that it looks at.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        let tested = self.tests.iter().filter_map(|(place, _)| match place {
            Place::Column(i) => Some(*i),
            Place::Number => None,
        });
        tested.chain(self.wrong.into_iter().flat_map(|(label, truth)| [label, truth]))
    }

    /// Whether each row of a chunk passes; `first` is the number of its first row, from 0.
    pub fn keep(&self, first: u64, part: &Part) -> Result<Vec<bool>, Fault> {
        let mut keep = vec![true; part.num_rows()];
        for (place, test) in &self.tests {
            let cells = match place {
                Place::Column(column) => Cells::of(part.column(*column)?)?,
                Place::Number => numbers(first, part.num_rows()),
            };
            for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
                *keep = test.passes(&cells, row);
            }
        }
        if let Some((label, truth)) = self.wrong {
            let differ = Differ::new(part.column(label)?, part.column(truth)?)?;
            for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
                *keep = differ.at(row);
            }
        }
        Ok(keep)
    }
}

/// The numbers of rows, from 1, as a column.
pub(super) fn numbers(first: u64, rows: usize) -> Cells {
    Cells::Large(arrow::array::UInt64Array::from_iter_values((first + 1..).take(rows)))
}

fn ready(kept: &Kept, filter: &Filter) -> Result<(Place, Ready), Fault> {
    let place = Place::of(kept, &filter.column)?;
    let (kind, narrow) = match place {
        Place::Number => (ColumnKind::Number, false),
        Place::Column(i) => (kept.columns[i].kind, *kept.schema().field(i).data_type() == DataType::Float32),
    };
    let no = |what: &str, hint: &str| Fault::input(format!("{}: {what}", quoted(&filter.to_string()))).hint(hint);
    let number = |text: &String| {
        Value::read(text, narrow).ok_or_else(|| {
            no(&format!("{} is not a number, and the column holds numbers", quoted(text)), "Compare it with a number")
        })
    };
    let truth = |text: &String| match text.to_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(no("the column holds true and false", "Compare it with true or false")),
    };
    let test = match (kind, &filter.test) {
        (_, Test::Missing) => Ready::Missing,
        (_, Test::Present) => Ready::Present,
        (ColumnKind::Number, Test::Is(relation, text)) => Ready::Number(*relation, number(text)?),
        (ColumnKind::Number, Test::OneOf(texts)) => {
            Ready::OneNumber(texts.iter().map(number).collect::<Result<_, _>>()?)
        }
        (ColumnKind::Bool, Test::Is(Relation::Equal, text)) => Ready::Bool(vec![truth(text)?]),
        (ColumnKind::Bool, Test::Is(Relation::NotEqual, text)) => Ready::Bool(vec![!truth(text)?]),
        (ColumnKind::Bool, Test::OneOf(texts)) => Ready::Bool(texts.iter().map(truth).collect::<Result<_, _>>()?),
        (ColumnKind::Text, Test::Is(relation, text)) => Ready::Text(*relation, text.clone()),
        (ColumnKind::Text, Test::OneOf(texts)) => Ready::OneText(texts.iter().cloned().collect()),
        (ColumnKind::Text, Test::Contains(part)) => Ready::Part(part.to_lowercase()),
        (ColumnKind::Number, Test::Contains(_)) => {
            return Err(no("numbers are not looked through as text", "Compare them: =, !=, <, <=, > or >="));
        }
        (ColumnKind::Bool, _) => return Err(no("the column holds true and false", "Compare it with = or !=")),
        (ColumnKind::Other, _) => {
            return Err(no("such a column is not compared", "Ask whether it is missing or is present"));
        }
    };
    Ok((place, test))
}

impl Ready {
    fn passes(&self, cells: &Cells, row: usize) -> bool {
        if cells.is_missing(row) {
            return matches!(self, Self::Missing);
        }
        match (self, cells) {
            (Self::Present, _) => true,
            (Self::Number(relation, value), cells) => relation.holds(value.compare(cells, row)),
            (Self::OneNumber(values), cells) => values.iter().any(|value| value.compare(cells, row).is_eq()),
            (Self::Text(relation, text), Cells::Texts(cells)) => relation.holds(cells.value(row).cmp(text)),
            (Self::OneText(texts), Cells::Texts(cells)) => texts.contains(cells.value(row)),
            (Self::Part(part), Cells::Texts(cells)) => contains(cells.value(row), part),
            (Self::Bool(values), Cells::Bools(cells)) => values.contains(&cells.value(row)),
            _ => false,
        }
    }
}

/// Whether a text has a part, which is in lower case.
fn contains(text: &str, part: &str) -> bool {
    text.contains(part) || text.to_lowercase().contains(part)
}

impl Value {
    /// A finite number; `narrow` for columns of float32, in which 0.1 is the nearest float32.
    fn read(text: &str, narrow: bool) -> Option<Self> {
        let number = if narrow { f64::from(text.parse::<f32>().ok()?) } else { text.parse::<f64>().ok()? };
        (!number.is_nan()).then(|| Self { number, whole: text.parse().ok() })
    }

    /// The order of a cell, which is not missing, and this number.
    fn compare(&self, cells: &Cells, row: usize) -> Ordering {
        let whole = match cells {
            Cells::Ints(cells) => Some(i128::from(cells.value(row))),
            Cells::Large(cells) => Some(i128::from(cells.value(row))),
            _ => None,
        };
        if let Some((cell, whole)) = whole.zip(self.whole) {
            return cell.cmp(&whole);
        }
        cells.number(row).and_then(|cell| cell.partial_cmp(&self.number)).unwrap_or(Ordering::Less)
    }
}

/// Tells answers that differ from the truth: as texts, or as numbers written in another way.
struct Differ {
    cells: [Cells; 2],
    arrays: [ArrayRef; 2],
}

impl Differ {
    fn new(label: &ArrayRef, truth: &ArrayRef) -> Result<Self, Fault> {
        let arrays = [ArrayRef::clone(label), ArrayRef::clone(truth)];
        Ok(Self { cells: [Cells::of(label)?, Cells::of(truth)?], arrays })
    }

    /// The row's truth is known and the answer is another one.
    fn at(&self, row: usize) -> bool {
        let [label, truth] = &self.cells;
        if truth.is_missing(row) {
            return false;
        }
        match (label, truth) {
            (Cells::Texts(a), Cells::Texts(b)) if a.is_valid(row) => !same_value(a.value(row), b.value(row)),
            _ => label.number(row).zip(truth.number(row)).map_or_else(|| self.differ_as_texts(row), |(a, b)| a != b),
        }
    }

    fn differ_as_texts(&self, row: usize) -> bool {
        let text = |cells: &ArrayRef| {
            if cells.is_null(row) { String::new() } else { array_value_to_string(cells, row).unwrap_or_default() }
        };
        let [a, b] = self.arrays.each_ref().map(text);
        !same_value(&a, &b)
    }
}
