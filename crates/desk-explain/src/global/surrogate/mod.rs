//! A small tree in place of the model: grown on the model's own answers, with how far it may be believed.
//!
//! A global surrogate (Craven and Shavlik 1996; Molnar, Interpretable Machine Learning, "Global surrogate"). The tree is
//! grown with some of the rows and judged on the others, and what is shown is the tree that was judged.

mod fidelity;
mod split;
mod tree;

use serde::{Deserialize, Serialize};

use super::{Subject, row_name};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::request::OutputChoice;

pub use fidelity::{Agreement, Estimate, Fidelity};
pub use split::Rule;
pub use tree::{Node, Split};

use tree::Grower;

/// Of ten rows so many are held out.
const HELD_OF_TEN: usize = 3;
/// With fewer rows there is nothing to grow or to judge.
const FEWEST_ROWS: usize = 20;
/// The deepest tree: 256 leaves, which nobody reads any more.
const DEEPEST: usize = 8;
/// Fewest rows of a leaf when nobody says how many: so many, or a hundredth of the rows.
const LEAST: usize = 5;
/// The stream of random numbers that says which rows are held out.
const HOLDS_OUT: u64 = 12;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurrogateRequest {
    /// The outputs; the tree gives all of them.
    pub output: OutputChoice,
    /// Cuts above a leaf at most, 1 to 8.
    pub depth: usize,
    /// Fewest rows of a leaf; a hundredth of the rows, but at least 5, when absent.
    pub least: Option<usize>,
    /// The model's answers are shares of its classes, so that the largest one names a class.
    pub shares: bool,
    /// Seed of which rows are held out and of the draws for intervals.
    pub seed: u64,
}

/// A tree in place of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surrogate {
    /// Positions of the outputs.
    pub outputs: Vec<usize>,
    /// Cuts above a leaf at most, as asked.
    pub depth: usize,
    /// Fewest rows of a leaf.
    pub least: usize,
    /// Rows that it was grown with.
    pub grown_rows: usize,
    /// The nodes, each before those below it, the left side first; the first one is the root.
    pub nodes: Vec<Node>,
    /// How far it may be believed.
    pub fidelity: Fidelity,
    /// Seed.
    pub seed: u64,
    /// Rows that the model scored.
    pub model_rows: u64,
}

impl Surrogate {
    /// What the tree answers to a row, for each output.
    pub fn answer(&self, row: &[f64]) -> &[f64] {
        &tree::leaf(&self.nodes, row).value
    }
}

/// Grows a tree on the model's answers to seven of ten rows and judges it on the others.
///
/// # Errors
/// Too few rows, a depth beyond 1 to 8, leaves of no row; see [`ExplainError`]. A cancel is seen between chunks of rows
/// and between features.
pub fn surrogate_tree(subject: &mut Subject<'_>, request: &SurrogateRequest) -> Result<Surrogate, ExplainError> {
    subject.check()?;
    let (rows, row_numbers) = (subject.rows, subject.row_numbers);
    check(request, rows.len())?;
    let among = subject.predictor.n_outputs();
    let outputs = request.output.among(among)?;
    let mut game = Game::new(&mut *subject.predictor, rows, &outputs, subject.cancel);
    let mut meter = Meter::new(subject.sink, "Growing a tree", "steps", 3);
    let answers = game.predict(rows.rows, |row| row_name(row_numbers, row))?;
    let model_rows = game.model_rows;
    meter.add(1);

    let (grown, held) = halves(rows.len(), request.seed);
    let least = request.least.unwrap_or((grown.len() / 100).max(LEAST));
    let width = outputs.len();
    let (features, cancel, depth) = (subject.features, subject.cancel, request.depth);
    let nodes =
        Grower { table: rows, features, answers: &answers, outputs: width, depth, least, cancel }.grow(&grown)?;
    meter.add(1);

    let column = |chosen: &[usize], k: usize| -> (Vec<f64>, Vec<f64>) {
        chosen.iter().map(|row| (answers[row * width + k], tree::leaf(&nodes, rows.row(*row)).value[k])).unzip()
    };
    let each = 0..width;
    let r2 = each.clone().map(|k| column(&held, k)).map(|(x, y)| fidelity::r2_estimate(&x, &y, request.seed));
    let r2_grown = each.map(|k| column(&grown, k)).map(|(x, y)| fidelity::r2(&x, &y));
    let (r2, r2_grown) = (r2.collect(), r2_grown.collect());
    let classes = |answer: &[f64]| classes(answer, &outputs, among);
    let agreement = request.shares.then(|| {
        let model = held.iter().map(|row| classes(&answers[row * width..(row + 1) * width]));
        let tree = held.iter().map(|row| classes(&tree::leaf(&nodes, rows.row(*row)).value));
        let (model, tree) = (model.collect::<Option<Vec<_>>>()?, tree.collect::<Option<Vec<_>>>()?);
        Some(fidelity::agreement(&model.concat(), &tree.concat(), among))
    });
    let agreement = agreement.flatten();
    meter.add(1);
    let fidelity = Fidelity { rows: held.len(), r2, r2_grown, agreement, resamples: fidelity::RESAMPLES };
    let (grown_rows, seed) = (grown.len(), request.seed);
    Ok(Surrogate { outputs, depth, least, grown_rows, nodes, fidelity, seed, model_rows })
}

fn check(request: &SurrogateRequest, rows: usize) -> Result<(), ExplainError> {
    let wrong = match request {
        _ if rows < FEWEST_ROWS => format!("a tree needs at least {FEWEST_ROWS} rows, and there are {rows}"),
        _ if !(1..=DEEPEST).contains(&request.depth) => format!("the depth must be 1 to {DEEPEST}"),
        _ if request.least == Some(0) => "a leaf must have at least 1 row".to_owned(),
        _ => return Ok(()),
    };
    Err(ExplainError::BadRequest(wrong))
}

/// Rows to grow with and rows to judge on, each in the order of the table.
fn halves(rows: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut all: Vec<usize> = (0..rows).collect();
    Dice::new(seed, &[], HOLDS_OUT).shuffle(&mut all);
    let (held, grown) = all.split_at_mut(rows * HELD_OF_TEN / 10);
    held.sort_unstable();
    grown.sort_unstable();
    (grown.to_vec(), held.to_vec())
}

/// The shares of all classes, where the outputs that were chosen tell them: all, or one of two.
fn classes(answer: &[f64], outputs: &[usize], among: usize) -> Option<Vec<f64>> {
    match (answer, outputs) {
        (all, _) if all.len() == among && among > 1 => Some(all.to_vec()),
        ([share], [0]) if among == 2 => Some(vec![*share, 1.0 - share]),
        ([share], [1]) if among == 2 => Some(vec![1.0 - share, *share]),
        _ => None,
    }
}
