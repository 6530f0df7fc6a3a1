//! Partial dependence and individual conditional expectation: the answers when one feature is set to each of some
//! values, over all rows (Friedman 2001) and for single rows (Goldstein et al. 2015).
//!
//! The grid and the mean are those of `sklearn.inspection.partial_dependence` (`method="brute"`).

use serde::{Deserialize, Serialize};

use super::{Subject, grid, row_with};
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::request::OutputChoice;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialRequest {
    /// Column of the table, from 0.
    pub feature: usize,
    /// The outputs.
    pub output: OutputChoice,
    /// Points of the grid at most, at least 2.
    pub points: usize,
    /// Rows that have a curve of their own, evenly spaced over the table.
    pub curves: usize,
}

/// Answers along one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialDependence {
    /// Column of the table.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Positions of the outputs.
    pub outputs: Vec<usize>,
    /// The values that the feature was set to, ascending.
    pub grid: Vec<f64>,
    /// Mean answer, outputs x points.
    pub mean: Vec<Vec<f64>>,
    /// Standard error of that mean from the spread over rows, outputs x points.
    pub std_error: Vec<Vec<f64>>,
    /// Rows with a curve of their own, from 0.
    pub curve_rows: Vec<usize>,
    /// Their answers, outputs x rows x points.
    pub curves: Vec<Vec<Vec<f64>>>,
    /// Rows that were averaged.
    pub rows: usize,
    /// Rows that the model scored.
    pub model_rows: u64,
}

/// Sets one feature to each value of its grid in every row.
///
/// # Errors
/// See [`ExplainError`]; a cancel is seen between chunks of rows.
pub fn partial_dependence(
    subject: &mut Subject<'_>,
    request: &PartialRequest,
) -> Result<PartialDependence, ExplainError> {
    subject.check()?;
    let Subject { rows, row_numbers, .. } = *subject;
    let info = subject.feature(request.feature)?.clone();
    if request.points < 2 {
        return Err(ExplainError::BadRequest("a curve needs at least 2 points".to_owned()));
    }
    let (n, width) = (rows.len(), rows.n_features);
    let outputs = request.output.among(subject.predictor.n_outputs())?;
    let grid = grid::even(rows, request.feature, &info, request.points);
    if grid.is_empty() {
        let name = desk_core::words::quoted(&info.name);
        return Err(ExplainError::BadRequest(format!("the feature {name} is missing in every row")));
    }
    let curves = request.curves.min(n);
    let curve_rows: Vec<usize> = (0..curves).map(|i| i * n / curves).collect();
    let mut game = Game::new(subject.predictor, rows, &outputs, subject.cancel);
    let mut meter = Meter::new(subject.sink, "Setting values", "points", grid.len() as u64);
    let mut table = rows.rows.to_vec();
    let mut found = PartialDependence {
        feature: request.feature,
        name: info.name.clone(),
        mean: vec![Vec::with_capacity(grid.len()); outputs.len()],
        std_error: vec![Vec::with_capacity(grid.len()); outputs.len()],
        curves: vec![vec![Vec::with_capacity(grid.len()); curves]; outputs.len()],
        curve_rows,
        grid,
        outputs: outputs.clone(),
        rows: n,
        model_rows: 0,
    };
    for at in 0..found.grid.len() {
        let value = found.grid[at];
        (0..n).for_each(|row| table[row * width + request.feature] = value);
        let answers = game.predict(&table, |row| row_with(row_numbers, row, &info.name, &format!("set to {value}")))?;
        for k in 0..outputs.len() {
            let column = answers.iter().skip(k).step_by(outputs.len());
            let mean = column.clone().sum::<f64>() / n as f64;
            let spread = column.clone().map(|answer| (answer - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0).max(1.0);
            found.mean[k].push(mean);
            found.std_error[k].push((spread / n as f64).sqrt());
            for (curve, row) in found.curves[k].iter_mut().zip(&found.curve_rows) {
                curve.push(answers[row * outputs.len() + k]);
            }
        }
        meter.add(1);
    }
    found.model_rows = game.model_rows;
    Ok(found)
}
