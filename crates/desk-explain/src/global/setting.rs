//! The mean answer over a table in which two features, or one of them, are set to a value in every row.

use desk_core::words::quoted;

use super::row_name;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::Table;

/// Two features that are set, over which rows.
pub(super) struct Setting<'a> {
    /// Columns of the table.
    pub features: [usize; 2],
    /// Their names.
    pub names: &'a [String; 2],
    /// The rows.
    pub rows: Table<'a>,
    /// Their numbers where they come from; counted from 1 when empty.
    pub row_numbers: &'a [u64],
}

impl Setting<'_> {
    /// The mean answer of each output, for each choice of values; `None` leaves a feature as each row has it.
    ///
    /// # Errors
    /// The model's; a cancel is seen between chunks of rows.
    pub fn means(
        &self,
        game: &mut Game<'_>,
        choices: &[[Option<f64>; 2]],
        meter: &mut Meter<'_>,
    ) -> Result<Vec<Vec<f64>>, ExplainError> {
        let (n, width, outputs) = (self.rows.len(), self.rows.n_features, game.width());
        let mut table = self.rows.rows.to_vec();
        let mut means = Vec::with_capacity(choices.len());
        for values in choices {
            for (row, cells) in table.chunks_exact_mut(width).enumerate() {
                for (feature, value) in self.features.into_iter().zip(values) {
                    cells[feature] = value.unwrap_or(self.rows.row(row)[feature]);
                }
            }
            let answers = game.predict(&table, |row| self.place(row, values))?;
            let mean = |k: usize| answers.iter().skip(k).step_by(outputs).sum::<f64>() / n as f64;
            means.push((0..outputs).map(mean).collect());
            meter.add(1);
        }
        Ok(means)
    }

    /// A row with what was done to it, for people.
    fn place(&self, row: usize, values: &[Option<f64>; 2]) -> String {
        let set = self.names.iter().zip(values).filter_map(|(name, value)| Some((quoted(name), (*value)?)));
        let set: Vec<String> = set.map(|(name, value)| format!("{name} set to {value}")).collect();
        format!("{} with {}", row_name(self.row_numbers, row), set.join(" and "))
    }
}
