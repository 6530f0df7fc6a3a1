//! Categories that a model has one column of flags for each level of (one-hot), seen as one column of levels.
//!
//! What looks along a feature then does with such a category what it does with a column of texts: it sets every row to each
//! level in turn, and no row is ever of two levels or of none.

use desk_core::words::quoted;
use desk_core::{Fault, Predictor};

use crate::error::ExplainError;
use crate::input::{FeatureInfo, Table};
use crate::players::{Group, GroupKind, SEPARATORS};

/// One category of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// What it is called.
    pub name: String,
    /// Columns of its levels, ascending.
    pub columns: Vec<usize>,
    /// What the levels are called, in the order of the columns.
    pub levels: Vec<String>,
}

impl Category {
    /// The category that a group is, where every row says exactly one of its columns. `None` for other groups, such as the
    /// parts of a date.
    pub fn of(group: &Group, features: &[FeatureInfo], rows: Table<'_>) -> Option<Self> {
        let columns = group.features.clone();
        if columns.len() < 2 || !(0..rows.len()).all(|row| level(rows.row(row), &columns).is_some()) {
            return None;
        }
        let name_of = |column: &usize| features.get(*column).map_or("", |info| info.name.as_str());
        let levels = match &group.kind {
            GroupKind::OneHot { levels } => levels.clone(),
            GroupKind::Given => {
                let short = |column: &usize| {
                    let name = name_of(column);
                    let rest = name.strip_prefix(&group.name).and_then(|rest| rest.strip_prefix(SEPARATORS));
                    rest.unwrap_or(name).trim_end_matches(']').to_owned()
                };
                columns.iter().map(short).collect()
            }
            _ => return None,
        };
        Some(Self { name: group.name.clone(), columns, levels })
    }
}

/// The place of the one column, among some, that a row has a 1 in beside zeros.
fn level(row: &[f64], columns: &[usize]) -> Option<usize> {
    let flags = || columns.iter().map(|column| row[*column]);
    let place = flags().position(|flag| flag == 1.0)?;
    flags().enumerate().all(|(at, flag)| at == place || flag == 0.0).then_some(place)
}

/// What a column of the narrow table is in the model's.
#[derive(Debug, Clone)]
enum Source {
    Column(usize),
    Flags(Vec<usize>),
}

/// A model over a table in which categories are one column each; a category stands where its first column does.
pub struct Categories<'a> {
    predictor: &'a mut dyn Predictor,
    columns: Vec<Source>,
}

/// The table and its features as [`Categories`] has them.
#[derive(Debug, Clone)]
pub struct Narrow {
    /// A name for each column.
    pub features: Vec<FeatureInfo>,
    /// The rows, as wide as the features.
    pub rows: Vec<f64>,
    /// Of each column the model's column that it is, of a category the first.
    pub first: Vec<usize>,
}

impl<'a> Categories<'a> {
    /// The model with some categories as one column each, and the rows as it then reads them.
    ///
    /// # Errors
    /// A column is in two categories, or a row is not of exactly one level.
    pub fn new(
        predictor: &'a mut dyn Predictor,
        rows: Table<'_>,
        features: &[FeatureInfo],
        categories: &[Category],
    ) -> Result<(Self, Narrow), ExplainError> {
        let mut columns = Vec::with_capacity(features.len());
        let mut narrow = Narrow { features: Vec::new(), rows: Vec::new(), first: Vec::new() };
        for (column, info) in features.iter().enumerate() {
            let mut of = categories.iter().filter(|category| category.columns.contains(&column));
            match (of.next(), of.next()) {
                (Some(_), Some(_)) => {
                    let why = format!("the column {} is in two categories", quoted(&info.name));
                    return Err(ExplainError::BadRequest(why));
                }
                (None, _) => {
                    narrow.features.push(info.clone());
                    columns.push(Source::Column(column));
                }
                (Some(category), None) if category.columns[0] == column => {
                    narrow.features.push(FeatureInfo::categorical(&category.name, category.levels.clone()));
                    columns.push(Source::Flags(category.columns.clone()));
                }
                (Some(_), None) => continue,
            }
            narrow.first.push(column);
        }
        for row in 0..rows.len() {
            let cells = rows.row(row);
            for (source, info) in columns.iter().zip(&narrow.features) {
                narrow.rows.push(match source {
                    Source::Column(column) => cells[*column],
                    Source::Flags(flags) => level(cells, flags).map(|place| place as f64).ok_or_else(|| {
                        ExplainError::BadRequest(format!("row {} is not of one {}", row + 1, quoted(&info.name)))
                    })?,
                });
            }
        }
        Ok((Self { predictor, columns }, narrow))
    }
}

impl Predictor for Categories<'_> {
    fn n_features(&self) -> usize {
        self.columns.len()
    }

    fn n_outputs(&self) -> usize {
        self.predictor.n_outputs()
    }

    fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
        let width = self.predictor.n_features();
        if width == self.columns.len() {
            return self.predictor.predict(rows);
        }
        let count = rows.len() / self.columns.len().max(1);
        let mut wide = vec![0.0; count * width];
        for (cells, narrow) in wide.chunks_exact_mut(width).zip(rows.chunks_exact(self.columns.len())) {
            for (source, value) in self.columns.iter().zip(narrow) {
                match source {
                    Source::Column(column) => cells[*column] = *value,
                    Source::Flags(flags) => {
                        if let Some(flag) = flags.get(*value as usize) {
                            cells[*flag] = 1.0;
                        }
                    }
                }
            }
        }
        self.predictor.predict(&wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the row itself, as one number.
    struct Digits(usize);

    impl Predictor for Digits {
        fn n_features(&self) -> usize {
            self.0
        }

        fn n_outputs(&self) -> usize {
            1
        }

        fn predict(&mut self, rows: &[f64]) -> Result<Vec<f64>, Fault> {
            Ok(rows.chunks(self.0).map(|row| row.iter().fold(0.0, |all, x| 10.0 * all + x)).collect())
        }
    }

    fn features(names: &[&str]) -> Vec<FeatureInfo> {
        names.iter().map(|name| FeatureInfo::numeric(*name)).collect()
    }

    fn given(features: &[usize]) -> Group {
        Group { name: "city".to_owned(), features: features.to_vec(), kind: GroupKind::Given }
    }

    #[test]
    fn a_category_is_one_column_to_whom_looks_and_several_to_the_model() {
        let features = features(&["age", "city_Oslo", "rank", "city_Rome", "city[Bonn]"]);
        let rows = [7.0, 1.0, 5.0, 0.0, 0.0, 8.0, 0.0, 6.0, 0.0, 1.0];
        let rows = Table::new(&rows, 5);
        let city = Category::of(&given(&[1, 3, 4]), &features, rows).expect("a category");
        assert_eq!(city.levels, ["Oslo", "Rome", "Bonn"]);
        let mut model = Digits(5);
        let (mut seen, narrow) =
            Categories::new(&mut model, rows, &features, std::slice::from_ref(&city)).expect("sound");
        assert_eq!(
            (narrow.rows.as_slice(), narrow.first.as_slice()),
            (&[7.0, 0.0, 5.0, 8.0, 2.0, 6.0][..], &[0, 1, 2][..])
        );
        assert_eq!(narrow.features[1], FeatureInfo::categorical("city", city.levels.clone()));
        assert_eq!(seen.predict(&narrow.rows).expect("answers"), [71_500.0, 80_601.0]);
        assert_eq!(seen.predict(&[7.0, 1.0, 5.0]).expect("answers"), [70_510.0], "set to Rome");
        assert!(Categories::new(&mut model, rows, &features, &[city.clone(), city]).is_err());
    }

    #[test]
    fn what_is_not_one_level_in_each_row_is_no_category() {
        let features = features(&["a", "b"]);
        for rows in [[1.0, 1.0], [0.0, 0.0], [2.0, 1.0], [0.5, 0.5], [f64::NAN, 1.0]] {
            assert_eq!(Category::of(&given(&[0, 1]), &features, Table::new(&rows, 2)), None, "{rows:?}");
        }
        let rows = Table::new(&[1.0, 0.0], 2);
        let date = Group { kind: GroupKind::Date, ..given(&[0, 1]) };
        assert_eq!(Category::of(&date, &features, rows), None);
        assert_eq!(Category::of(&given(&[0]), &features, rows), None);
        assert!(Category::of(&given(&[0, 1]), &features, rows).is_some());
    }
}
