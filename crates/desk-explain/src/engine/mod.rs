//! The entry point: checks the input, chooses the method, runs it, checks the result.

mod choose;
mod effort;
mod work;

use desk_core::{Cancel, Predictor, ProgressSink};

use crate::error::ExplainError;
use crate::explanation::Explanation;
use crate::input::{FeatureInfo, Model, Table, check_tables};
use crate::kept::{Kept, NotKept};
use crate::linear::Linear;
use crate::moves;
use crate::owen;
use crate::players::{self, Players};
use crate::request::{ExplainRequest, Method, OutputChoice, Space};
use crate::trees::answers::{Answers, TreeAnswers};
use crate::trees::predict::{self, EnsemblePredictor};
use choose::{Choice, TreeState, choose};
use work::Work;

/// Rows on which trees and graph are compared.
const COMPARED_ROWS: usize = 256;
/// A sum that misses the prediction by more than this share of the answers' size is worth a warning.
const RESIDUAL_TOLERANCE: f64 = 1e-5;

/// Explains rows of a model's input.
///
/// `rows` and `background` have one column for each of `features`, which are the predictor's.
/// Every background row is used. The result does not depend on the number of threads.
///
/// # Errors
/// See [`ExplainError`]; a cancel is one of them, seen between chunks of at most 4,096 model rows.
pub fn explain(
    model: Model<'_>,
    rows: Table<'_>,
    background: Table<'_>,
    features: &[FeatureInfo],
    request: &ExplainRequest,
    cancel: &Cancel,
    sink: &dyn ProgressSink,
) -> Result<Explanation, ExplainError> {
    explain_kept(model, (rows, background), features, request, (cancel, sink), &NotKept)
}

/// The same, and rows that a method finishes that asks the model are kept at once, and not worked out again where they are
/// known.
///
/// # Errors
/// As of [`explain`].
pub fn explain_kept(
    model: Model<'_>,
    (rows, background): (Table<'_>, Table<'_>),
    features: &[FeatureInfo],
    request: &ExplainRequest,
    (cancel, sink): (&Cancel, &dyn ProgressSink),
    kept: &dyn Kept,
) -> Result<Explanation, ExplainError> {
    check_input(&*model.predictor, rows, background, features, request)?;
    cancel.check()?;
    let Model { trees: ensemble, linear, predictor, output_names } = model;
    let mut model_rows = 0;
    let (trees, unusable) = match ensemble {
        None => (None, None),
        Some(ensemble) => match compare(ensemble, predictor, rows, cancel, &mut model_rows) {
            Ok(state) => (Some(state), None),
            Err(error @ (ExplainError::Cancelled(_) | ExplainError::Model(_))) => return Err(error),
            Err(error) => (None, Some(error)),
        },
    };
    let linear = match linear.filter(|_| trees.is_none()) {
        Some(model) => Linear::of(model, predictor, rows, cancel, &mut model_rows)?,
        None => None,
    };
    let every = Players::grouped(features.len(), &request.groups)?;
    let (unions, groups) = owen::unions(request);
    let grouped = if unions.is_empty() { every } else { Players::grouped(features.len(), &groups)? };
    let varying = || (0..rows.len()).map(|r| grouped.varying(rows.row(r), background).len()).max().unwrap_or(0);
    let choice = choose(request, trees.as_ref(), unusable, linear.as_ref(), varying)?;
    let (players, groups) = if choice.method.has_players() {
        (grouped, groups)
    } else {
        players::refuse_given(&request.groups, choice.method)?;
        (Players::single(features.len()), Vec::new())
    };
    if request.interactions && !choice.method.needs_trees() {
        let wanted = "interaction values are worked out by the methods tree and path";
        return Err(ExplainError::BadRequest(format!(
            "{wanted}; here the method is {} ({})",
            choice.method, choice.reason
        )));
    }
    let ensemble = trees.as_ref().filter(|_| choice.raw_of_trees).map(|trees| trees.ensemble);
    let outputs = outputs(request.output, ensemble, &*predictor)?;
    // What is shared out has columns for the parts of the background, too.
    let parts = if choice.method == Method::Kernel { moves::parts_of(background, outputs.len()) } else { 0 };
    effort::check(choice.method, request, players.count(), outputs.len() * (1 + parts))?;
    let names = output_names_of(output_names, trees.as_ref(), ensemble, &*predictor);
    let named = outputs.iter().map(|output| (*output, names[*output].clone())).collect();
    let begun = Explanation::begun(choice.method, rows.len(), background.len(), features, groups, named, request.seed);
    let explanation = Explanation {
        method_reason: choice.reason.clone(),
        exact: choice.method.is_exact(),
        graph_difference: match &linear {
            Some(linear) => Some(linear.difference),
            None => trees.as_ref().and_then(|trees| trees.difference).map(|difference| difference.0),
        },
        model_rows,
        ..begun
    };
    let mut explanation = explanation;
    if choice.method == Method::Owen {
        let found = owen::hierarchy(request, &unions, &players, background, features)?;
        explanation.method_reason.push_str(found.words());
        explanation.owen = Some(found);
    }
    let work = Work { rows, background, features, players: &players, request, outputs: &outputs, cancel, sink, kept };
    match ensemble {
        _ if choice.method == Method::Linear => {
            let linear = linear.ok_or_else(|| ExplainError::NotLinear { reason: "it has no weights".to_owned() })?;
            linear.explain(rows, background, &outputs, &players, &mut explanation)?;
        }
        Some(ensemble) if choice.method.needs_trees() => work.tree(ensemble, &mut explanation)?,
        Some(ensemble) => work.agnostic(&mut EnsemblePredictor::new(ensemble)?, &choice, &mut explanation)?,
        None => {
            let own = match &trees {
                Some(trees) => TreeAnswers::of(trees.ensemble, predictor, &[rows, background], cancel)?,
                None => None,
            };
            match own {
                Some(mut own) => {
                    explanation
                        .method_reason
                        .push_str("; its trees are walked here, and answer as its file does but for rounding");
                    work.agnostic(&mut own, &choice, &mut explanation)?;
                }
                None => work.agnostic(predictor, &choice, &mut explanation)?,
            }
        }
    }
    explanation.space = space(request, trees.as_ref(), &choice, &explanation, names.len());
    if let Some(asked) = request.space.filter(|asked| *asked != explanation.space) {
        let warning =
            format!("The {asked} space was asked for; this model's answers are in the {} space", explanation.space);
        explanation.warnings.push(warning);
    }
    finish(&mut explanation, trees.as_ref(), request);
    explanation.settle();
    Ok(explanation)
}

fn check_input(
    predictor: &dyn Predictor,
    rows: Table<'_>,
    background: Table<'_>,
    features: &[FeatureInfo],
    request: &ExplainRequest,
) -> Result<(), ExplainError> {
    if predictor.n_outputs() == 0 {
        return Err(ExplainError::BadRequest("the model has no numeric output to explain".to_owned()));
    }
    check_tables(predictor.n_features(), rows, background, features)?;
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let lime = &request.lime;
    let wrong = match request {
        _ if request.samples == Some(0) => Some("the number of samples must not be 0"),
        _ if request.max_std_error.is_some_and(|limit| !positive(limit)) => {
            Some("the largest standard error must be a number above 0")
        }
        _ if lime.repeats == 0 => Some("LIME needs at least one repetition"),
        _ if lime.kernel_width.is_some_and(|width| !positive(width)) => {
            Some("LIME's kernel width must be a number above 0")
        }
        _ if lime.alpha < 0.0 || !lime.alpha.is_finite() => Some("LIME's penalty must be a number of at least 0"),
        _ if lime.selection == crate::request::LimeSelection::HighestWeights(0) => {
            Some("LIME must keep at least one feature")
        }
        _ => None,
    };
    wrong.map_or(Ok(()), |wrong| Err(ExplainError::BadRequest(wrong.to_owned())))
}

/// Checks an ensemble and compares what it gives with what the graph answers.
fn compare<'a>(
    ensemble: &'a desk_core::trees::TreeEnsemble,
    predictor: &mut dyn Predictor,
    rows: Table<'_>,
    cancel: &Cancel,
    model_rows: &mut u64,
) -> Result<TreeState<'a>, ExplainError> {
    let own = EnsemblePredictor::new(ensemble)?;
    let width = rows.n_features;
    if own.n_features() != width {
        return Err(ExplainError::Width { what: "trees", expected: width, found: own.n_features() });
    }
    let part = &rows.rows[..rows.len().min(COMPARED_ROWS) * width];
    cancel.check()?;
    let graph = predictor.predict(part)?;
    *model_rows += (part.len() / width) as u64;
    let raw = own.raw(part);
    let per_row = predictor.n_outputs();
    let (answers, mut difference) = (Answers::new(ensemble), Some((0f64, 0f64)));
    for (raw, graph) in raw.chunks_exact(own.n_outputs()).zip(graph.chunks_exact(per_row)) {
        let Some(answer) = answers.of(raw).filter(|answer| answer.len() == per_row) else {
            difference = None;
            break;
        };
        for (a, b) in answer.iter().zip(graph) {
            difference = difference.map(|(d, size)| (d.max((a - b).abs()), size.max(b.abs())));
        }
    }
    Ok(TreeState { ensemble, difference })
}

/// Indices of the outputs to explain.
fn outputs(
    choice: OutputChoice,
    ensemble: Option<&desk_core::trees::TreeEnsemble>,
    predictor: &dyn Predictor,
) -> Result<Vec<usize>, ExplainError> {
    let count = ensemble.map_or(predictor.n_outputs(), |ensemble| predict::columns(ensemble).len());
    match choice {
        // The first class's score is the second's turned round: nothing to add.
        OutputChoice::All if ensemble.is_some_and(predict::is_binary_from_one) => Ok(vec![1]),
        choice => choice.among(count),
    }
}

/// Names of all outputs of what is explained.
fn output_names_of(
    given: &[String],
    trees: Option<&TreeState<'_>>,
    ensemble: Option<&desk_core::trees::TreeEnsemble>,
    predictor: &dyn Predictor,
) -> Vec<String> {
    let count = ensemble.map_or(predictor.n_outputs(), |ensemble| predict::columns(ensemble).len());
    let labels = trees.and_then(|trees| trees.ensemble.labels.as_deref());
    match (given, labels) {
        (given, _) if given.len() == count => given.to_vec(),
        (_, Some(labels)) if labels.len() == count => labels.to_vec(),
        // One score of a classifier with two classes is the second's.
        (_, Some([_, second])) if count == 1 => vec![second.clone()],
        _ if count == 1 => vec!["output".to_owned()],
        _ => (0..count).map(|k| format!("output {k}")).collect(),
    }
}

/// The space that was explained.
fn space(
    request: &ExplainRequest,
    trees: Option<&TreeState<'_>>,
    choice: &Choice,
    explanation: &Explanation,
    outputs: usize,
) -> Space {
    // What was asked for is not what came when the model has no such numbers: the label tells.
    if choice.method == Method::Linear || request.space == Some(Space::Raw) && choice.raw_of_trees {
        return Space::Raw;
    }
    let ensemble = trees.map(|trees| trees.ensemble);
    let plain = ensemble.is_some_and(|e| e.post == desk_core::trees::PostTransform::None);
    let classes = ensemble.map_or(outputs > 1, |e| e.labels.is_some());
    let within = |value: &f64| (-1e-6..=1.0 + 1e-6).contains(value);
    let shares = explanation.predictions.iter().flatten().all(within);
    if classes && shares && (plain || !choice.raw_of_trees) { Space::Probability } else { Space::Raw }
}

/// Residuals and warnings.
fn finish(explanation: &mut Explanation, trees: Option<&TreeState<'_>>, request: &ExplainRequest) {
    let (rows, features, outputs) = explanation.values.shape();
    let mut size = 1.0f64;
    // Occlusion is no sum from a base to the prediction.
    let sums = if explanation.occlusion.is_some() { 0 } else { rows };
    for row in 0..sums {
        let mut residuals = Vec::with_capacity(outputs);
        for k in 0..outputs {
            let sum = if let Some(lime) = &explanation.lime {
                lime.local_predictions[row][k]
            } else {
                explanation.base_values[k] + (0..features).map(|f| explanation.values.get(row, f, k)).sum::<f64>()
            };
            let prediction = explanation.predictions[row][k];
            size = size.max(prediction.abs());
            residuals.push(sum - prediction);
        }
        explanation.residuals.push(residuals);
    }
    explanation.residual_max = explanation.residuals.iter().flatten().fold(0.0, |max, r| max.max(r.abs()));
    let mut warnings = Vec::new();
    if explanation.lime.is_none() && explanation.residual_max > RESIDUAL_TOLERANCE * size {
        let residual = explanation.residual_max;
        warnings.push(format!("Base value and attributions miss the prediction by up to {residual:.2e}"));
    }
    if let Some(trees) = trees.filter(|trees| !trees.agrees()) {
        let difference = trees.difference.map_or(0.0, |d| d.0);
        warnings.push(format!(
            "The trees, as read from the file, differ from the model's answers by up to {difference:.2e}"
        ));
    }
    if let (Some(limit), Some(errors)) = (request.max_std_error, &explanation.std_error) {
        let largest = errors.as_slice().iter().copied().fold(0.0, f64::max);
        if largest > limit && explanation.lime.is_none() {
            warnings.push(format!(
                "The largest standard error is {largest:.2e}, above the {limit:.2e} asked for: give more samples"
            ));
        }
    }
    if let Some(r2) = &explanation.r2 {
        let least = r2.iter().flatten().copied().fold(1.0, f64::min);
        if least < 0.5 {
            warnings.push(format!("LIME's linear surrogate fits badly: R2 is as low as {least:.2}"));
        }
    }
    explanation.warnings.extend(warnings);
}
