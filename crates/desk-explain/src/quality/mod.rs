//! How far an explanation may be believed, by several measures that say different things; there is no one score of them.
//!
//! Deletion and insertion curves (`curves`) and infidelity (`infidelity`) ask the model whether features matter as the
//! explanation says; max-sensitivity (`sensitivity`) asks whether the explanation stays as it is when the row hardly
//! changes; agreement (`agreement`) compares it with that of another method.

mod agreement;
mod curves;
mod infidelity;
mod sensitivity;

use desk_core::{Cancel, Predictor, ProgressSink};
use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::explanation::Explanation;
use crate::game::{Coalition, Game, Meter, RowGame};
use crate::input::{FeatureInfo, Table, check_tables};
use crate::occlusion;
use crate::players::Players;

pub use agreement::{MethodAgreement, agreement};
pub use curves::Curves;
pub use infidelity::{Infidelity, Promise};
pub use sensitivity::{NOISE_RADIUS, NOISY_COPIES, noisy_copies, sensitivity};

/// Random sets of features for infidelity.
const SETS: usize = 100;
/// Rows of the background that stand in for features, at most, evenly spaced.
const BACKGROUND: usize = 100;
/// Largest difference between a function and what was explained that is rounding, relative to the answers' size.
const SAME: f64 = 1e-3;
/// Streams of random numbers.
const DRAWS_SETS: u64 = 21;
const DRAWS_ORDERS: u64 = 22;

/// What stands for a feature that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replacement {
    /// The values of background rows, one after the other; the mean of the answers.
    #[default]
    Rows,
    /// The background's mean, of categories the most frequent.
    Mean,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QualityRequest {
    /// Rows of the explanation, from 0.
    pub rows: Vec<usize>,
    /// What stands for a feature that is taken away.
    pub replaced_by: Replacement,
    /// Seed of random orders and sets.
    pub seed: u64,
}

/// Whether features matter to the model as the explanation says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Faithfulness {
    /// What stood for a feature that was taken away.
    pub replaced_by: Replacement,
    /// Rows of the background that were used for it.
    pub background_rows: usize,
    /// Deletion and insertion, rows x explained outputs.
    pub curves: Vec<Vec<Curves>>,
    /// Infidelity, rows x explained outputs; none of a method that says no direction.
    pub infidelity: Option<Vec<Vec<Infidelity>>>,
    /// How the method's numbers were read as changes of the answer.
    pub promise: Promise,
    /// Rows that the model scored.
    pub model_rows: u64,
}

/// Whether a function answers the rows as the explanation says: it may be of raw scores, and the model give shares.
///
/// # Errors
/// The function's own.
pub fn explains(
    predictor: &mut dyn Predictor,
    explanation: &Explanation,
    rows: Table<'_>,
) -> Result<bool, ExplainError> {
    let (outputs, count) = (predictor.n_outputs(), rows.len().min(explanation.predictions.len()));
    if explanation.outputs.iter().any(|output| *output >= outputs) {
        return Ok(false);
    }
    let answers = predictor.predict(&rows.rows[..count * rows.n_features])?;
    let alike = |(row, said): (&[f64], &Vec<f64>)| {
        let own = explanation.outputs.iter().map(|output| row[*output]);
        own.zip(said).all(|(own, said)| (own - said).abs() <= SAME * said.abs().max(1.0))
    };
    Ok(answers.chunks_exact(outputs.max(1)).zip(&explanation.predictions).all(alike))
}

/// Takes features away from rows and gives them back, and compares what the answers do with what was said. The columns of a
/// group that is one player go and come together.
///
/// `predictor` is the function that was explained, see [`explains`]; `rows` are those of the explanation, and
/// `background` is its own.
///
/// # Errors
/// See [`ExplainError`]; a cancel is seen between chunks of rows.
pub fn faithfulness(
    predictor: &mut dyn Predictor,
    explanation: &Explanation,
    (rows, background): (Table<'_>, Table<'_>),
    features: &[FeatureInfo],
    request: &QualityRequest,
    cancel: &Cancel,
    sink: &dyn ProgressSink,
) -> Result<Faithfulness, ExplainError> {
    check_tables(predictor.n_features(), rows, background, features)?;
    let (width, players) = (rows.n_features, Players::grouped(rows.n_features, &explanation.groups)?);
    let count = players.count();
    let mean = occlusion::baseline(background, features);
    let stand_ins = match request.replaced_by {
        Replacement::Rows => evenly(background, BACKGROUND),
        Replacement::Mean => mean.clone(),
    };
    let stand_ins = Table::new(&stand_ins, width);
    let promise = Promise::of(explanation);
    let mut game = Game::new(predictor, stand_ins, &explanation.outputs, cancel);
    let outputs = explanation.outputs.len();
    let sets_of_row = curves::sets(count, outputs) + if promise == Promise::Nothing { 0 } else { SETS };
    let mut meter = Meter::new(sink, "Measuring quality", "sets", (request.rows.len() * sets_of_row) as u64);
    let (mut all_curves, mut all_infidelity) = (Vec::new(), Vec::new());
    for row in &request.rows {
        let cells = rows.row(*row);
        let row_game =
            RowGame { index: *row, row: cells, players: (0..count).collect(), all: &players, base: &[], full: &[] };
        let said: Vec<Vec<f64>> = (0..outputs).map(|k| explanation.attributions(*row, k)).collect();
        let orders = curves::random_orders(count, &mut Dice::new(request.seed, cells, DRAWS_ORDERS));
        let of_row = curves::curves(&mut game, &row_game, &said, &orders, &mut meter)?;
        if promise != Promise::Nothing {
            let sets = infidelity::sets(count, SETS, &mut Dice::new(request.seed, cells, DRAWS_SETS));
            // The answer without a set is the value of the others.
            let others: Vec<Coalition> = sets.iter().map(|set| coalition(set, count).complement(count)).collect();
            let values = game.values(&row_game, &others, &mut meter)?;
            let of_output = |k: usize| {
                let full = of_row[k].insertion[of_row[k].insertion.len() - 1];
                let changes: Vec<f64> = (0..sets.len()).map(|set| full - values[set * outputs + k]).collect();
                let promised = promise.of_sets(&sets, &said[k], cells, &mean);
                infidelity::infidelity(&promised, &changes, promise.has_size())
            };
            all_infidelity.push((0..outputs).map(of_output).collect());
        }
        all_curves.push(of_row);
    }
    Ok(Faithfulness {
        replaced_by: request.replaced_by,
        background_rows: if request.replaced_by == Replacement::Mean { background.len() } else { stand_ins.len() },
        curves: all_curves,
        infidelity: (promise != Promise::Nothing).then_some(all_infidelity),
        promise,
        model_rows: game.model_rows,
    })
}

/// A set of players as the game knows it.
fn coalition(set: &[usize], players: usize) -> Coalition {
    let mut coalition = Coalition::empty(players);
    for player in set {
        coalition.insert(*player);
    }
    coalition
}

/// At most so many rows of a table, evenly spaced.
fn evenly(table: Table<'_>, most: usize) -> Vec<f64> {
    let n = table.len().min(most);
    (0..n).flat_map(|i| table.row(i * table.len() / n)).copied().collect()
}
