//! Explanations from gradients, for models whose answer changes smoothly with their inputs.
//!
//! How the gradients come about is not known here: a [`Gradients`] gives them.

mod deeplift;
mod expected;
mod integrated;
mod local;
mod spread;
mod walk;

use desk_core::{Cancel, Fault, ProgressSink, counted};
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::explanation::{Cube, Explanation};
use crate::game::Meter;
use crate::input::{FeatureInfo, FeatureKind, Table, check_tables};
use crate::request::{ExplainRequest, LRP_EPSILON, Method, Space};
use walk::{Mean, Walk};

/// A model that can be differentiated.
pub trait Gradients: Send {
    /// Features in a row.
    fn n_features(&self) -> usize;

    /// Outputs for a row.
    fn n_outputs(&self) -> usize;

    /// What the model gives for the rows, and the gradient of `sum(seed * output)` with respect to each feature.
    /// `seed` has [`Gradients::n_outputs`] numbers for each row; rows do not influence each other.
    /// Where the model was built by another rule than the gradient, what that rule gives in its place.
    fn forward_backward(&mut self, rows: &[f64], seed: &[f64]) -> Result<Pass, Fault>;

    /// The same by DeepLIFT: the multipliers of each row against its own reference row.
    ///
    /// # Errors
    /// The model was not built for references.
    fn multipliers(&mut self, _rows: &[f64], _references: &[f64], _seed: &[f64]) -> Result<Pass, Fault> {
        Err(Fault::bug("the backward graph was built without references"))
    }
}

/// One run forward and back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pass {
    /// Rows x outputs.
    pub values: Vec<f64>,
    /// Rows x features.
    pub gradients: Vec<f64>,
}

/// What explanations from gradients say beyond their values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GradientDetail {
    /// Whether base value and attributions should give the prediction. Of a saliency map, say, they do not.
    pub additive: bool,
    /// Points at which the gradient was taken, rows x outputs.
    pub steps: Vec<Vec<usize>>,
    /// What the sum of the attributions misses of prediction - base value, of the prediction alone by LRP, rows x outputs;
    /// empty where the method promises no such sum.
    pub deltas: Vec<Vec<f64>>,
    /// The epsilon of LRP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// The activation at the end of the model that was left out, so that its scores are explained: `Softmax`.
    pub before: Option<String>,
    /// The layer of Grad-CAM, for people: `Conv `block/conv2``.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Steps within the model, such as rounding, whose influence gradients do not see.
    pub unseen: Vec<String>,
}

/// A differentiable model and what is known of it.
pub struct GradientModel<'a> {
    /// The model.
    pub gradients: &'a mut dyn Gradients,
    /// Names of its outputs; may be empty.
    pub output_names: &'a [String],
    /// Whether its outputs are raw scores or probabilities.
    pub space: Space,
    /// The activation that was left out at its end.
    pub before: Option<String>,
    /// Steps within it that gradients do not see.
    pub unseen: Vec<String>,
}

/// A delta above this part of what was to be shared out is flagged.
const COMPLETE: f64 = 0.01;
/// What float32 cannot tell apart, as a part of the answers' size.
const ROUNDING: f64 = 3e-6;

/// Explains rows by a method of [`Method::needs_gradients`].
///
/// # Errors
/// See [`ExplainError`]; a cancel is one of them, seen between batches.
pub fn explain_gradients(
    model: GradientModel<'_>,
    rows: Table<'_>,
    background: Table<'_>,
    features: &[FeatureInfo],
    request: &ExplainRequest,
    cancel: &Cancel,
    sink: &dyn ProgressSink,
) -> Result<Explanation, ExplainError> {
    let GradientModel { gradients, output_names, space, before, unseen } = model;
    check(&*gradients, rows, background, features, request)?;
    if request.interactions {
        let wanted = "interaction values are worked out by the methods tree and path";
        return Err(ExplainError::BadRequest(wanted.to_owned()));
    }
    crate::players::refuse_given(&request.groups, request.method)?;
    let count = gradients.n_outputs();
    let outputs = request.output.among(count)?;
    let named = output_names.len() == count;
    let name = |k: usize| if named { output_names[k].clone() } else { format!("output {k}") };
    let names = outputs.iter().map(|k| (*k, name(*k))).collect();
    let begun =
        Explanation::begun(request.method, rows.len(), background.len(), features, Vec::new(), names, request.seed);
    let mut explanation = Explanation {
        method_reason: reason(request.method, before.as_deref(), background.len()),
        exact: !matches!(request.method, Method::Integrated | Method::SmoothGrad | Method::Expected),
        space,
        ..begun
    };
    let mut detail = GradientDetail {
        additive: matches!(request.method, Method::Integrated | Method::Expected | Method::DeepLift | Method::DeepShap),
        epsilon: (request.method == Method::Relevance).then_some(LRP_EPSILON),
        before,
        unseen,
        ..GradientDetail::default()
    };
    let meter = Meter::new(sink, "Explaining", "rows", (rows.len() * outputs.len()) as u64);
    let mut walk = Walk::new(gradients, cancel, meter);
    let work = Work { rows, background, request, outputs: &outputs };
    explanation.predictions = work.predictions(&mut walk, rows, "row")?;
    match request.method {
        Method::Saliency | Method::InputGradient | Method::Guided | Method::Relevance | Method::GradCam => {
            local::plain(&work, &mut walk, &mut explanation, &mut detail)?;
        }
        Method::DeepLift | Method::DeepShap => deeplift::deeplift(&work, &mut walk, &mut explanation, &mut detail)?,
        Method::SmoothGrad => local::smooth(&work, &mut walk, &mut explanation, &mut detail)?,
        Method::Expected => expected::expected(&work, &mut walk, &mut explanation, &mut detail)?,
        Method::Integrated => integrated::integrated(&work, &mut walk, &mut explanation, &mut detail)?,
        other => return Err(ExplainError::BadRequest(format!("{other} is no method of gradients"))),
    }
    explanation.model_rows = walk.points;
    if !detail.additive {
        explanation.residuals = vec![vec![0.0; outputs.len()]; rows.len()];
    }
    explanation.residual_max = explanation.residuals.iter().flatten().fold(0.0, |most, r| r.abs().max(most));
    if !detail.unseen.is_empty() {
        let steps = detail.unseen.join(", ");
        explanation.warnings.push(format!("Gradients do not see what changes in steps within the model: {steps}"));
    }
    explanation.gradient = Some(detail);
    Ok(explanation)
}

fn reason(method: Method, before: Option<&str>, background: usize) -> String {
    let of = before.map_or_else(
        || "the model's answers".to_owned(),
        |activation| format!("the scores before the model's {activation}"),
    );
    let behind = counted(background as u64, "background row");
    match method {
        Method::DeepLift => format!("asked for; multipliers of {of} against the mean of {behind}"),
        Method::DeepShap => format!("asked for; multipliers of {of}, their mean over {behind}"),
        Method::Guided => format!("asked for; the gradients of {of}, cut off below 0 at each rectifier on the way"),
        Method::GradCam => format!("asked for; the class activation map of {of}, enlarged to the picture"),
        Method::Relevance => format!("asked for; the relevance of {of}, by the epsilon rule with {LRP_EPSILON:e}"),
        _ => format!("asked for; the gradients are those of {of}"),
    }
}

/// Tells of sums that miss what they should add up to, `failed` as (row, missed, of): none where there is no such.
fn told(failed: &[(usize, f64, f64)], sums: usize, what: &str, help: &str) -> Option<String> {
    let (row, missed, of) = failed.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let (count, row) = (failed.len(), row + 1);
    Some(format!("{what}: in {count} of {sums} sums, by up to {missed:.2e} of {of:.2e} (row {row}); {help}"))
}

fn check(
    model: &dyn Gradients,
    rows: Table<'_>,
    background: Table<'_>,
    features: &[FeatureInfo],
    request: &ExplainRequest,
) -> Result<(), ExplainError> {
    let width = model.n_features();
    check_tables(width, rows, background, features)?;
    if let Some(category) = features.iter().find(|feature| feature.kind != FeatureKind::Numeric) {
        return Err(ExplainError::NoSlope { feature: category.name.clone() });
    }
    match request.samples {
        Some(0) => Err(ExplainError::BadRequest("the number of samples must not be 0".to_owned())),
        Some(asked) if asked > walk::MOST_POINTS => {
            Err(ExplainError::TooManySamples { asked, most: walk::MOST_POINTS, features: width })
        }
        _ => Ok(()),
    }
}

/// Writes the mean attributions of a row to one output and their standard errors.
fn write(explanation: &mut Explanation, errors: &mut Cube, place: (usize, usize), mean: &Mean) {
    put(explanation, errors, place, mean.mean().iter().copied().zip(mean.std_error()));
}

/// Puts attributions with their standard errors in their places.
fn put(
    explanation: &mut Explanation,
    errors: &mut Cube,
    (row, output): (usize, usize),
    values: impl Iterator<Item = (f64, f64)>,
) {
    let (_, features, outputs) = errors.shape();
    for (f, (value, error)) in values.take(features).enumerate() {
        explanation.values.row_mut(row)[f * outputs + output] = value;
        errors.row_mut(row)[f * outputs + output] = error;
    }
}

/// What every method needs.
struct Work<'a> {
    rows: Table<'a>,
    background: Table<'a>,
    request: &'a ExplainRequest,
    outputs: &'a [usize],
}

impl Work<'_> {
    /// What the model gives for rows, rows x explained outputs.
    fn predictions(&self, walk: &mut Walk<'_>, of: Table<'_>, what: &str) -> Result<Vec<Vec<f64>>, ExplainError> {
        let values = walk.values(of.rows, |r| format!("{what} {}", r + 1))?;
        Ok(values.iter().map(|row| self.outputs.iter().map(|k| row[*k]).collect()).collect())
    }

    /// The mean over the background, one for each explained output.
    fn background_mean(&self, walk: &mut Walk<'_>) -> Result<Vec<f64>, ExplainError> {
        let values = self.predictions(walk, self.background, "background row")?;
        let mean = |k: usize| values.iter().map(|row| row[k]).sum::<f64>() / values.len() as f64;
        Ok((0..self.outputs.len()).map(mean).collect())
    }

    /// The mean of the background's rows, a row itself.
    fn mean_row(&self) -> Result<Vec<f64>, ExplainError> {
        let n = self.background.len() as f64;
        let mean = |f: usize| (0..self.background.len()).map(|b| self.background.row(b)[f]).sum::<f64>() / n;
        let row: Vec<f64> = (0..self.background.n_features).map(mean).collect();
        if row.iter().all(|value| value.is_finite()) {
            return Ok(row);
        }
        Err(ExplainError::BadRequest(
            "the background has missing or infinite values, so it has no mean to start from".to_owned(),
        ))
    }

    /// Base + sum - prediction for one row.
    fn residuals(&self, explanation: &Explanation, row: usize) -> Vec<f64> {
        let sum = |k: usize| explanation.values.features_of(row, k).iter().sum::<f64>();
        let one = |k: usize| explanation.base_values[k] + sum(k) - explanation.predictions[row][k];
        (0..self.outputs.len()).map(one).collect()
    }
}
