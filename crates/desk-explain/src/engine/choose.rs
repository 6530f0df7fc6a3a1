//! Which method runs on which form of the model, and why.

use desk_core::trees::{PostTransform, TreeEnsemble};

use crate::error::ExplainError;
use crate::exact::MAX_PLAYERS;
use crate::linear::Linear;
use crate::request::{ExplainRequest, Method, Space};
use crate::trees::check;

/// Largest difference between trees and graph that is rounding, relative to the answers' size.
const AGREEMENT: f64 = 1e-3;

/// What is known of the trees.
pub(crate) struct TreeState<'a> {
    /// The ensemble, checked and as wide as the model's input.
    pub ensemble: &'a TreeEnsemble,
    /// Largest |trees - graph| on the explained rows, and the size of the answers; `None` where the
    /// graph's answer cannot be compared.
    pub difference: Option<(f64, f64)>,
}

impl TreeState<'_> {
    /// Whether the trees, read here, answer as the graph does.
    pub fn agrees(&self) -> bool {
        self.difference.is_none_or(|(difference, size)| difference <= AGREEMENT * size.max(1.0))
    }

    /// Whether the graph answers the trees' sum itself.
    fn is_plain(&self) -> bool {
        self.ensemble.post == PostTransform::None
    }
}

/// The decision.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// Never auto.
    pub method: Method,
    /// The trees' raw scores are explained; else what the graph answers.
    pub raw_of_trees: bool,
    /// Said to the user.
    pub reason: String,
}

/// Decides. `unusable` says why given trees cannot be used; `varying` is the largest number of
/// features of an explained row that vary.
pub(crate) fn choose(
    request: &ExplainRequest,
    trees: Option<&TreeState<'_>>,
    unusable: Option<ExplainError>,
    linear: Option<&Linear>,
    varying: impl Fn() -> usize,
) -> Result<Choice, ExplainError> {
    let raw = request.space == Some(Space::Raw);
    match request.method {
        method @ (Method::Tree | Method::Path) => {
            let Some(trees) = trees else { return Err(unusable.unwrap_or(ExplainError::NeedsTrees)) };
            if let Some(reason) = why_not_tree(trees, request.space) {
                return Err(ExplainError::NotAdditive { reason });
            }
            Ok(Choice { method, raw_of_trees: true, reason: "asked for".to_owned() })
        }
        Method::Linear => {
            let reason = match linear {
                None => Some("the model is not linear in its features".to_owned()),
                Some(linear) => linear.why_not(request.space),
            };
            match reason {
                Some(reason) => Err(ExplainError::NotLinear { reason }),
                None => Ok(Choice { method: Method::Linear, raw_of_trees: false, reason: "asked for".to_owned() }),
            }
        }
        Method::Auto => Ok(automatic(request, trees, unusable, linear, varying)),
        method if method.needs_gradients() => Err(ExplainError::NeedsGradients { method: method.name() }),
        method => {
            let raw_of_trees = raw && trees.is_some_and(TreeState::agrees);
            let mut reason = "asked for".to_owned();
            if raw && !raw_of_trees {
                reason.push_str("; the model has no score before its last step, so its own answer is explained");
            }
            Ok(Choice { method, raw_of_trees, reason })
        }
    }
}

/// Why the tree method cannot explain the space, if so.
fn why_not_tree(trees: &TreeState<'_>, space: Option<Space>) -> Option<String> {
    if space == Some(Space::Probability) && !trees.is_plain() {
        let step = match trees.ensemble.post {
            PostTransform::Logistic => "logistic function",
            PostTransform::Softmax | PostTransform::SoftmaxZero => "softmax",
            PostTransform::Probit => "normal quantile",
            PostTransform::Exp => "exponential",
            PostTransform::None => "sum",
        };
        return Some(format!("the answer is the {step} of the trees' sum, and only that sum is additive over trees"));
    }
    check::not_additive(trees.ensemble)
}

fn automatic(
    request: &ExplainRequest,
    trees: Option<&TreeState<'_>>,
    unusable: Option<ExplainError>,
    linear: Option<&Linear>,
    varying: impl Fn() -> usize,
) -> Choice {
    let agreeing = trees.filter(|trees| trees.agrees());
    let refused = match (trees, agreeing) {
        (_, Some(trees)) => why_not_tree(trees, request.space),
        (Some(trees), None) => {
            let difference = trees.difference.map_or(0.0, |d| d.0);
            Some(format!("its trees, as read here, differ from its answers by up to {difference:.2e}"))
        }
        (None, _) => Some(unusable.map_or("the model is not one tree ensemble".to_owned(), |error| error.to_string())),
    };
    let Some(refused) = refused else {
        let reason = "the model is a tree ensemble, for which Shapley values are exact".to_owned();
        return Choice { method: Method::Tree, raw_of_trees: true, reason };
    };
    let refused = match linear.map(|linear| linear.why_not(request.space)) {
        Some(None) => {
            let reason = "the model is linear, for which Shapley values are exact in closed form".to_owned();
            return Choice { method: Method::Linear, raw_of_trees: false, reason };
        }
        Some(Some(reason)) => reason,
        None => refused,
    };
    let raw_of_trees = request.space == Some(Space::Raw) && agreeing.is_some();
    let count = varying();
    if count <= MAX_PLAYERS {
        let reason = format!("{refused}; at most {count} features vary, so every set of them is valued");
        return Choice { method: Method::Exact, raw_of_trees, reason };
    }
    let reason = format!("{refused}; {count} features vary, too many to value every set of them");
    Choice { method: Method::Kernel, raw_of_trees, reason }
}
