//! Partial dependence on two features together: the mean answer over all rows when both are set (Friedman 2001).
//!
//! Grids and means are those of `sklearn.inspection.partial_dependence` with a pair of features (`method="brute"`). For each
//! pair of points the rows nearest to it are counted: where there are none, the model was asked about what does not occur.

use desk_core::words::quoted;
use serde::{Deserialize, Serialize};

use super::interaction::{self, PairInteraction};
use super::setting::Setting;
use super::{Subject, grid};
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::Table;
use crate::request::OutputChoice;

/// Points along each feature at most: the model scores all rows for each pair of them.
const MOST_POINTS: usize = 100;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRequest {
    /// Two columns of the table, from 0.
    pub features: [usize; 2],
    /// The outputs.
    pub output: OutputChoice,
    /// Points along each of them at most, 2 to 100.
    pub points: usize,
}

/// Answers over two features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairDependence {
    /// Columns of the table.
    pub features: [usize; 2],
    /// Their names.
    pub names: [String; 2],
    /// Positions of the outputs.
    pub outputs: Vec<usize>,
    /// The values that each was set to, ascending.
    pub grids: [Vec<f64>; 2],
    /// Mean answer, outputs x points of the first x points of the second.
    pub mean: Vec<Vec<Vec<f64>>>,
    /// Rows whose two values are nearest to a point, points of the first x points of the second.
    pub near: Vec<Vec<usize>>,
    /// What the two do only together.
    pub interaction: PairInteraction,
    /// Rows that were averaged.
    pub rows: usize,
    /// Rows that the model scored.
    pub model_rows: u64,
}

/// Sets two features to each pair of values of their grids in every row, and to the values that up to 200 rows have for H.
///
/// # Errors
/// The two are one feature; see [`ExplainError`]. A cancel is seen between chunks of rows.
pub fn pair_dependence(subject: &mut Subject<'_>, request: &PairRequest) -> Result<PairDependence, ExplainError> {
    subject.check()?;
    let Subject { rows, row_numbers, .. } = *subject;
    let (names, grids) = along(subject, request)?;
    let (features, width) = (request.features, rows.n_features);
    let chosen = interaction::chosen(rows);
    let some: Vec<f64> = chosen.iter().flat_map(|row| rows.row(*row)).copied().collect();
    let number = |row: &usize| row_numbers.get(*row).copied().unwrap_or(*row as u64 + 1);
    let some_numbers: Vec<u64> = chosen.iter().map(number).collect();
    let some = Table::new(&some, width);
    let settings = interaction::settings(some, features);

    let outputs = request.output.among(subject.predictor.n_outputs())?;
    let cells: Vec<[Option<f64>; 2]> =
        grids[0].iter().flat_map(|one| grids[1].iter().map(|other| [Some(*one), Some(*other)])).collect();
    let mut game = Game::new(subject.predictor, rows, &outputs, subject.cancel);
    let total = (cells.len() + settings.0.len()) as u64;
    let mut meter = Meter::new(subject.sink, "Setting values", "points", total);
    let all = Setting { features, names: &names, rows, row_numbers };
    let means = all.means(&mut game, &cells, &mut meter)?;
    let few = Setting { rows: some, row_numbers: &some_numbers, ..all };
    let interaction = interaction::interaction(&few, &settings, &mut game, &mut meter)?;
    let model_rows = game.model_rows;
    let surface =
        |k: usize| means.chunks(grids[1].len()).map(|line| line.iter().map(|mean| mean[k]).collect()).collect();
    let mean = (0..outputs.len()).map(surface).collect();
    let near = near(rows, features, &grids);
    Ok(PairDependence { features, names, outputs, grids, mean, near, interaction, rows: rows.len(), model_rows })
}

/// Names and grids of the two features.
fn along(subject: &Subject<'_>, request: &PairRequest) -> Result<([String; 2], [Vec<f64>; 2]), ExplainError> {
    if request.features[0] == request.features[1] {
        return Err(ExplainError::BadRequest("two different features are needed".to_owned()));
    }
    if !(2..=MOST_POINTS).contains(&request.points) {
        let wrong = format!("a grid needs 2 to {MOST_POINTS} points along each of two features");
        return Err(ExplainError::BadRequest(wrong));
    }
    let mut names = [String::new(), String::new()];
    let mut grids = [Vec::new(), Vec::new()];
    for ((name, grid), feature) in names.iter_mut().zip(&mut grids).zip(request.features) {
        let info = subject.feature(feature)?;
        name.clone_from(&info.name);
        *grid = grid::even(subject.rows, feature, info, request.points);
        if grid.is_empty() {
            return Err(ExplainError::BadRequest(format!("the feature {} is missing in every row", quoted(name))));
        }
    }
    Ok((names, grids))
}

/// Rows near each pair of points; one with a missing value is near none.
fn near(rows: Table<'_>, features: [usize; 2], grids: &[Vec<f64>; 2]) -> Vec<Vec<usize>> {
    let mut near = vec![vec![0; grids[1].len()]; grids[0].len()];
    for row in 0..rows.len() {
        let cells = rows.row(row);
        if let (Some(a), Some(b)) = (nearest(&grids[0], cells[features[0]]), nearest(&grids[1], cells[features[1]])) {
            near[a][b] += 1;
        }
    }
    near
}

/// The point nearest to a value, the lower one of two; none for a missing value.
fn nearest(grid: &[f64], value: f64) -> Option<usize> {
    let above = grid.partition_point(|point| *point < value).min(grid.len() - 1);
    let below = above.saturating_sub(1);
    let nearer = if value - grid[below] <= grid[above] - value { below } else { above };
    (!value.is_nan()).then_some(nearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_belongs_to_the_point_nearest_to_it() {
        let grid = [0.0, 1.0, 4.0];
        for (value, want) in [(-5.0, 0), (0.4, 0), (0.5, 0), (0.6, 1), (2.4, 1), (2.6, 2), (9.0, 2)] {
            assert_eq!(nearest(&grid, value), Some(want), "{value}");
        }
        assert_eq!((nearest(&grid, f64::NAN), nearest(&[3.0], 7.0)), (None, Some(0)));
    }
}
