//! Permutation importance: how much worse the answers are when a feature's values are dealt out at random.
//!
//! Breiman 2001; as `sklearn.inspection.permutation_importance` has it: the importance of a feature is the score less
//! the score with that column shuffled, the mean over some shuffles. Beside the spread over shuffles, which says
//! nothing of how few rows there are, an interval is given over the rows. The mean over all shuffles is a mean over
//! pairs of rows, one that loses its value and one that lends its own, so a row counts in both roles (the first
//! projection of a U-statistic, Hoeffding 1948).
//!
//! The columns of a group are dealt out together: a row gets all of them from one other row, as scikit-learn shuffles the
//! one raw column that an encoder behind it makes several of.

use desk_core::ProgressSink;
use serde::{Deserialize, Serialize};

use super::score::{Judge, Score};
use super::walks::Walks;
use super::{Subject, row_name, row_with};
use crate::dice::Dice;
use crate::error::ExplainError;
use crate::game::{Game, Meter};
use crate::input::{FeatureInfo, Table};
use crate::normal;
use crate::players::{Group, Players};

/// More shuffles of a feature than this tell nothing more.
const MOST_REPEATS: usize = 10_000;

/// The stream of random numbers that shuffles.
const SHUFFLES: u64 = 11;

/// Of one row nothing changes, and two rows lose alike: they say nothing of how far others would be apart.
const LEAST_ROWS: usize = 3;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportanceRequest {
    /// Shuffles of each feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
    /// Columns that are shuffled together, no one in two groups; every other column is by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

impl Default for ImportanceRequest {
    fn default() -> Self {
        Self { repeats: 5, seed: 0, groups: Vec::new() }
    }
}

/// How much one feature, or one group of them, matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// Column of the table; of a group the first.
    pub feature: usize,
    /// Its name, or the group's.
    pub name: String,
    /// Mean loss of score over the shuffles, in the score's unit.
    pub mean: f64,
    /// Standard deviation over the shuffles, as scikit-learn gives it.
    pub std: f64,
    /// Lower end of the 95 % interval of the mean, over the rows.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The loss of each shuffle.
    pub repeats: Vec<f64>,
    /// 1 for the largest mean; ties keep column order.
    pub rank: usize,
    /// The interval lies above 0: shuffling hurts beyond chance.
    pub matters: bool,
}

/// Importances of all features, the largest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The score.
    pub score: Score,
    /// The score of the answers as they are.
    pub baseline: f64,
    /// Rows that were judged.
    pub rows: usize,
    /// Shuffles of each feature.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: u64,
    /// Rows that the model scored.
    pub model_rows: u64,
    /// Of a tree ensemble: how much of it was walked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walked: Option<Walked>,
    /// The features.
    pub features: Vec<FeatureImportance>,
}

/// Ways down the trees of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walked {
    /// Those that were gone again, because a shuffled value led elsewhere at a split.
    pub again: u64,
    /// Those that there are: trees x rows x features and groups x shuffles.
    pub all: u64,
}

/// Shuffles one feature after the other and judges the answers.
///
/// `judge` knows the truth of each row. The result depends on the seed and
/// the rows alone: a feature's shuffles are the same wherever its column stands. A tree ensemble is asked once, and then only
/// those of its trees are walked again, and only for those rows, whose way meets the shuffled feature; where its answers,
/// worked out here, are not the model's, the model is asked each time. For a group all of its trees are walked.
///
/// # Errors
/// A group without columns, a column in two groups; see [`ExplainError`]; a cancel is seen between chunks of rows.
pub fn permutation_importance(
    subject: &mut Subject<'_>,
    judge: &Judge,
    request: &ImportanceRequest,
) -> Result<Importance, ExplainError> {
    subject.check()?;
    let Subject { rows, row_numbers, features, trees, cancel, sink, .. } = *subject;
    let n = rows.len();
    if judge.rows() != n {
        return Err(ExplainError::Width { what: "truths", expected: n, found: judge.rows() });
    }
    if request.repeats == 0 {
        return Err(ExplainError::BadRequest("the number of shuffles must not be 0".to_owned()));
    }
    if request.repeats > MOST_REPEATS {
        let asked = request.repeats;
        return Err(ExplainError::BadRequest(format!(
            "{asked} shuffles of each feature are too many; {MOST_REPEATS} at most"
        )));
    }
    if n < LEAST_ROWS {
        return Err(ExplainError::BadRequest(format!(
            "importance needs at least {LEAST_ROWS} rows, among which values are dealt out; there {}",
            if n == 1 { "is 1".to_owned() } else { format!("are {n}") }
        )));
    }
    let together = Together::of(features, &request.groups)?;
    let outputs: Vec<usize> = (0..subject.predictor.n_outputs()).collect();
    let shuffles = Shuffles::new(request, n);
    let mut game = Game::new(&mut *subject.predictor, rows, &outputs, cancel);
    let answers = game.predict(rows.rows, |row| row_name(row_numbers, row))?;
    let plain = judge.all(&answers, outputs.len());
    let baseline = plain.iter().sum::<f64>() / n as f64;
    let walks = match trees {
        Some(ensemble) => Walks::of(ensemble, rows, &answers, cancel)?,
        None => None,
    };
    let names = (row_numbers, together.as_slice());
    let (mut found, walked) = match &walks {
        None => (asked(&mut game, sink, names, (judge, &plain, &shuffles))?, None),
        Some(walks) => {
            let found = walks.importances(names, (judge, &shuffles), cancel, sink)?;
            (found, Some(walks.walked(request.repeats * together.len())))
        }
    };
    found.sort_by(|a, b| b.mean.total_cmp(&a.mean).then(a.feature.cmp(&b.feature)));
    found.iter_mut().enumerate().for_each(|(at, feature)| feature.rank = at + 1);
    Ok(Importance {
        score: judge.score(),
        baseline,
        rows: n,
        repeats: request.repeats,
        seed: request.seed,
        model_rows: game.model_rows,
        walked,
        features: found,
    })
}

/// Columns that are shuffled together.
pub(super) struct Together {
    /// The feature's name, or the group's.
    pub name: String,
    /// The columns, ascending.
    pub columns: Vec<usize>,
}

impl Together {
    /// Single features and groups; a group stands where its first column does.
    fn of(features: &[FeatureInfo], groups: &[Group]) -> Result<Vec<Self>, ExplainError> {
        let players = Players::grouped(features.len(), groups)?;
        let one = |player: usize| {
            let columns = players.members(player).to_vec();
            let group = groups.iter().find(|group| group.features.contains(&columns[0]));
            Self { name: group.map_or_else(|| features[columns[0]].name.clone(), |group| group.name.clone()), columns }
        };
        Ok((0..players.count()).map(one).collect())
    }
}

/// Asks the model for every feature and shuffle.
fn asked(
    game: &mut Game<'_>,
    sink: &dyn ProgressSink,
    (row_numbers, together): (&[u64], &[Together]),
    (judge, plain, shuffles): (&Judge, &[f64], &Shuffles),
) -> Result<Vec<FeatureImportance>, ExplainError> {
    let rows = game.background();
    let (n, width) = (rows.len(), rows.n_features);
    let mut meter = Meter::new(sink, "Shuffling", "shuffles", (together.len() * shuffles.lenders.len()) as u64);
    let mut shuffled = rows.rows.to_vec();
    let mut found = Vec::with_capacity(together.len());
    for Together { name, columns } in together {
        let mut tally = Tally::new(n);
        let same = |row: usize, column: &usize| rows.row(row)[*column].to_bits() == rows.row(0)[*column].to_bits();
        let constant = (1..n).all(|row| columns.iter().all(|column| same(row, column)));
        for lender in &shuffles.lenders {
            if constant {
                tally.add(lender, std::iter::repeat_n(0.0, n));
                meter.add(1);
                continue;
            }
            lend(rows, columns, lender, &mut shuffled);
            let of_other = |row| row_with(row_numbers, row, name, "of another row");
            let scores = judge.all(&game.predict(&shuffled, of_other)?, game.width());
            tally.add(lender, plain.iter().zip(&scores).map(|(plain, score)| plain - score));
            meter.add(1);
        }
        for column in columns {
            (0..n).for_each(|row| shuffled[row * width + column] = rows.row(row)[*column]);
        }
        found.push(tally.end(columns[0], name));
    }
    Ok(found)
}

/// Gives each row the cells of some columns that its lender has.
pub(super) fn lend(rows: Table<'_>, columns: &[usize], lender: &[usize], into: &mut [f64]) {
    for (cells, from) in into.chunks_exact_mut(rows.n_features).zip(lender) {
        for column in columns {
            cells[*column] = rows.row(*from)[*column];
        }
    }
}

/// Which row lends its value to which in each shuffle; the same for every feature.
pub(super) struct Shuffles {
    /// Shuffles x rows.
    pub lenders: Vec<Vec<usize>>,
}

impl Shuffles {
    fn new(request: &ImportanceRequest, rows: usize) -> Self {
        let shuffle = |repeat: usize| {
            let mut lender: Vec<usize> = (0..rows).collect();
            Dice::new(request.seed, &[repeat as f64], SHUFFLES).shuffle(&mut lender);
            lender
        };
        Self { lenders: (0..request.repeats).map(shuffle).collect() }
    }
}

/// What shuffling one feature costs, while it is added up.
pub(super) struct Tally {
    /// What each row loses, and what the others lose by its value.
    lost: Vec<f64>,
    /// The mean loss of each shuffle.
    repeats: Vec<f64>,
}

impl Tally {
    pub fn new(rows: usize) -> Self {
        Self { lost: vec![0.0; rows], repeats: Vec::new() }
    }

    /// Adds a shuffle: who lent to each row, and what each row lost by it.
    pub fn add(&mut self, lender: &[usize], losses: impl IntoIterator<Item = f64>) {
        let mut sum = 0.0;
        for (row, loss) in losses.into_iter().enumerate() {
            self.lost[row] += loss;
            self.lost[lender[row]] += loss;
            sum += loss;
        }
        self.repeats.push(sum / self.lost.len() as f64);
    }

    /// The feature's numbers.
    pub fn end(mut self, feature: usize, name: &str) -> FeatureImportance {
        let shuffles = self.repeats.len() as f64;
        self.lost.iter_mut().for_each(|sum| *sum /= shuffles);
        summed(feature, name, self.repeats, &self.lost)
    }
}

/// One feature's numbers from its shuffles and from the mean losses that each row has a part in: of two rows each.
fn summed(feature: usize, name: &str, repeats: Vec<f64>, lost: &[f64]) -> FeatureImportance {
    let count = repeats.len() as f64;
    let mean = repeats.iter().sum::<f64>() / count;
    let std = (repeats.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / count).sqrt();
    let n = lost.len() as f64;
    let spread = lost.iter().map(|loss| (loss - 2.0 * mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = normal::two_sided_t(0.95, n - 1.0) * (spread / n).sqrt();
    let (low, high) = (mean - half, mean + half);
    let matters = low > 0.0;
    FeatureImportance { feature, name: name.to_owned(), mean, std, low, high, repeats, rank: 0, matters }
}
