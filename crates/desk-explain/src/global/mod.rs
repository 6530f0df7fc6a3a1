//! What a model makes of each feature over a whole table: importance and dependence.

mod ale;
mod grid;
mod importance;
mod partial;
mod score;

pub use ale::{Ale, accumulated_local_effects};
pub use importance::{FeatureImportance, Importance, ImportanceRequest, permutation_importance};
pub use partial::{PartialDependence, PartialRequest, partial_dependence};
pub use score::{Judge, Score, Truth};
