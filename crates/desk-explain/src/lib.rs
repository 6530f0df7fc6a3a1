//! Explanations of predictions: exact tree SHAP, exact and sampled Shapley values, LIME, gradients.
//!
//! Architecture invariant: mathematics only. No file, no socket, no ONNX Runtime: a model is a
//! [`desk_core::Predictor`] and, where its graph is one, a [`desk_core::trees::TreeEnsemble`].
//!
//! Every Shapley method here explains the same game: the value of a set S of features is the mean
//! of the model over all background rows whose features in S are replaced by the row's
//! ("interventional" or "marginal" Shapley values). [`explain`] is the entry point; [`explain_gradients`] is that of
//! the methods for models that can be differentiated, which a [`Gradients`] gives.

mod dice;
mod engine;
mod error;
mod exact;
mod explanation;
mod game;
pub mod global;
mod gradient;
mod input;
mod kept;
mod kernel;
mod lime;
mod linalg;
mod linear;
mod moves;
mod normal;
mod occlusion;
mod owen;
pub mod parts;
mod permutation;
mod players;
mod quadrature;
pub mod quality;
mod request;
mod summary;
mod trees;
mod versus;

pub use dice::{draw, spread};
pub use engine::{explain, explain_kept};
pub use error::ExplainError;
pub use explanation::{Cube, Explanation, Interactions, LimeDetail};
pub use gradient::{GradientDetail, GradientModel, Gradients, Pass, explain_gradients};
pub use input::{FeatureInfo, FeatureKind, Model, Table};
pub use kept::{FinishedRow, Kept, NotKept};
pub use linalg::{RidgeFit, ridge};
pub use linear::LinearSums;
pub use moves::BackgroundError;
pub use occlusion::{OcclusionDetail, baseline};
pub use owen::{Hierarchy, OwenDetail};
pub use players::{Group, GroupKind, find_groups};
pub use request::{
    ExplainRequest, LRP_EPSILON, LimeOptions, LimeSelection, Method, OutputChoice, PartsLime, Picture, Space, Windows,
};
pub use summary::{FeatureSummary, SwarmPoint, summarize, swarm};
pub use trees::answers::TreeAnswers;
pub use trees::predict::EnsemblePredictor;
pub use versus::{Moved, moved, rank_correlation};
