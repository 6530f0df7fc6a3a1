//! What a model makes of each feature over a whole table: importance, dependence, a small tree in its place.

mod ale;
mod category;
mod correlated;
mod grid;
mod importance;
mod interaction;
mod pairs;
mod partial;
mod score;
mod setting;
mod surrogate;
mod walks;

use desk_core::trees::TreeEnsemble;
use desk_core::{Cancel, Predictor, ProgressSink};

pub use ale::{Ale, accumulated_local_effects};
pub use category::{Categories, Category, Narrow};
pub(crate) use correlated::ranks;
pub use correlated::{Correlated, correlated};
pub use importance::{FeatureImportance, Importance, ImportanceRequest, Walked, permutation_importance};
pub use interaction::PairInteraction;
pub use pairs::{PairDependence, PairRequest, pair_dependence};
pub use partial::{PartialDependence, PartialRequest, partial_dependence};
pub use score::{Judge, Score, Truth};
pub use surrogate::{Agreement, Estimate, Fidelity, Node, Rule, Split, Surrogate, SurrogateRequest, surrogate_tree};

use crate::error::ExplainError;
use crate::input::{FeatureInfo, Table};

/// A model and the rows that it is looked at over.
pub struct Subject<'a> {
    /// The model.
    pub predictor: &'a mut dyn Predictor,
    /// Its trees, where the whole graph is one tree ensemble over the same features.
    pub trees: Option<&'a TreeEnsemble>,
    /// The rows, as wide as the model.
    pub rows: Table<'a>,
    /// Numbers of the rows where they come from, for messages; counted from 1 when empty.
    pub row_numbers: &'a [u64],
    /// A name for each column.
    pub features: &'a [FeatureInfo],
    /// Asked to stop; seen between chunks of rows.
    pub cancel: &'a Cancel,
    /// Told how far it is.
    pub sink: &'a dyn ProgressSink,
}

impl Subject<'_> {
    fn check(&self) -> Result<(), ExplainError> {
        crate::input::check_tables(self.predictor.n_features(), self.rows, self.rows, self.features)
    }

    /// A feature that is asked for.
    fn feature(&self, at: usize) -> Result<&FeatureInfo, ExplainError> {
        self.features.get(at).ok_or_else(|| {
            ExplainError::BadRequest(format!("there is no feature {at}; there are {}", self.features.len()))
        })
    }
}

/// A row, from 0, by the number that people know it by.
fn row_name(numbers: &[u64], row: usize) -> String {
    format!("row {}", numbers.get(row).copied().unwrap_or(row as u64 + 1))
}

/// The same with one feature changed.
fn row_with(numbers: &[u64], row: usize, feature: &str, value: &str) -> String {
    format!("{} with {} {value}", row_name(numbers, row), desk_core::words::quoted(feature))
}
