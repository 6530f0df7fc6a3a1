//! Explaining rows: data to numbers, the model as a function of them, the engine over both.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Instant;

use desk_core::trees::TreeEnsemble;
use desk_core::words::{counted, quoted, quoted_list};
use desk_core::{Digest, Fault, NoProgress, OperatorUse, Progress, ProgressSink as _};
use desk_data::{FeatureKind, FeatureSpace, Target};
use desk_explain::{Explanation, Method, OutputChoice, Space, Windows};
use desk_jobs::JobContext;

use super::apart::Apart;
use super::coarse::coarse;
use super::engine::Engine;
use super::function::Graph;
use super::given::Given;
use super::groups::{self, Cells};
use super::kept::Finished;
use super::pick::{self, pick};
use super::protocol::{ExplainReply, ExplainRequest};
use super::quality;
use super::sessions::Sessions;
use crate::command::Picked;
use crate::quality::QualityAnswer;

/// Explains rows of a file.
pub fn explain(sessions: &Sessions, request: &ExplainRequest, ctx: &JobContext) -> Result<ExplainReply, Fault> {
    let began = Instant::now();
    ctx.report(Progress::new("Reading rows", 0, None, "rows"));
    let (engine, shared) = sessions.explaining(&request.model, &request.description.operators)?;
    let method: Method = request.method.parse()?;
    let given = Given::read(request, method)?;
    let apart = Apart::asked(&request.settings, method, given.cut, &given.features, given.own())?;
    let targets = given.truths()?;
    let stopped = |fault| given.stopped(fault);
    let about = (&request.description, request.model.entry.as_path());
    let fixed = given.binding.fixed_batch();
    let graph = Graph::new(shared.take(fixed, &ctx.cancel)?, &given.space, about, &given.table, &ctx.cancel);
    let mut graph = graph.map_err(stopped)?;
    let (trees, mut warnings) = trees(&request.model.entry, given.width());
    let names = names(&graph);
    let positive = offered(request, &names);
    let wanted = wanted((request, method), &given, (&names, positive), &graph)?;
    let mut rows = Chosen::of(request, &given, &targets, wanted.output, &mut graph, ctx).map_err(stopped)?;
    let around = around(&given, &wanted, apart.as_ref());
    let digest = |row: &[f64]| digest_of(&given.space, row);
    let kept = Finished::open(request.kept.as_deref(), &digest, around);
    if request.finished {
        rows.retain(given.width(), |row| kept.has(row))?;
    }
    let mut explainer = Engine {
        sessions,
        model: &request.model,
        space: &given.space,
        features: &given.features,
        fixed,
        graph: &mut graph,
        trees: trees.as_ref(),
        linear: OnceCell::new(),
        names: &names,
        background: &given.reference,
        ctx,
        kept: Some(&kept),
        numbers: &rows.numbers,
    };
    let (mut explanation, parts) = explainer.explain_by(apart.as_ref(), &rows.table, &wanted).map_err(stopped)?;
    // Copies of rows with noise and other methods are not what was asked for.
    (explainer.kept, explainer.numbers) = (None, &[]);
    let quality = measured(&mut explainer, &explanation, &rows, &wanted, request).map_err(stopped)?;
    let (quality, told) = quality.map_or((None, Vec::new()), |(quality, told)| (Some(quality), told));
    let shares = gives_shares(&request.description.operators, &explanation.predictions);
    if trees.is_none() && explanation.space == Space::Probability && !shares {
        explanation.space = Space::Raw;
    }
    let (answers, labels) = graph.answers(&rows.table).map_err(stopped)?;
    let answers: Vec<Vec<f64>> = answers.chunks(graph.outputs).map(<[f64]>::to_vec).collect();
    let scores = made_of_scores(&explanation, trees.is_some());
    let probabilities = scores.then(|| probabilities(&answers, &request.description.operators, &explanation)).flatten();
    warnings.extend(told);
    warnings.extend(cut_short(request, &given));
    warnings.extend(went_on(kept.taken(), &rows, request.finished));
    warnings.extend(one_row(&explanation));
    warnings.extend(coarse(&explanation, &answers));
    warnings.extend(given.warnings(&request.columns.fill));
    // Where segments alone are told, no pixel is.
    let cells_told = if explanation.feature_names.is_empty() { 0 } else { given.width() };
    let each = || rows.table.chunks(given.width());
    let texts: Vec<Vec<String>> = each().map(|row| given.texts(&row[..cells_told])).collect();
    let cells = Cells { groups: &explanation.groups, features: &given.features };
    let behind = if explanation.background_rows == 0 { &[][..] } else { &given.reference };
    let background_digest = digest_of(&given.space, behind);
    Ok(ExplainReply {
        groups: groups::told(&explanation.groups, &given.features, &texts),
        // Among players that are several columns nobody knows where the pixels are.
        picture: given.picture().filter(|_| explanation.groups.is_empty()),
        feature_values: each().zip(texts).map(|(row, texts)| cells.texts(row, texts)).collect(),
        feature_numbers: each().map(|row| cells.numbers(&row[..cells_told])).collect(),
        explanation,
        probabilities,
        answered: answered(&graph.roles.classes, &answers, labels),
        quality,
        // What stands for absent parts may be no background at all.
        background: parts.instead.unwrap_or_else(|| given.background.origin.clone()),
        segments: parts.segments,
        text: parts.text,
        target: given.binding.report().target.clone(),
        took_positive: request.output.is_none() && positive.is_some(),
        background_digest,
        // Of a row that was changed by hand the numbers are what decides.
        data_digest: if request.changes.is_empty() {
            desk_data::digest_file(&request.data, &ctx.cancel, &NoProgress)?
        } else {
            digest_of(&given.space, &rows.table)
        },
        row_numbers: rows.numbers,
        picked: rows.picked,
        truths: rows.truths,
        runtime: engine.version().to_owned(),
        seconds: began.elapsed().as_secs_f64(),
        warnings,
    })
}

/// What the outputs are called.
fn names(graph: &Graph<'_>) -> Vec<String> {
    let classes = &graph.roles.classes;
    if classes.is_empty() { graph.columns.clone() } else { classes.clone() }
}

/// What a test counted as positive, where the model names it: it may be a class of the truth alone.
fn offered<'r>(request: &'r ExplainRequest, names: &[String]) -> Option<&'r str> {
    request.positive.as_deref().filter(|positive| names.iter().any(|name| name == positive))
}

/// The request in the engine's terms.
fn wanted(
    (request, method): (&ExplainRequest, Method),
    given: &Given,
    (names, positive): (&[String], Option<&str>),
    graph: &Graph<'_>,
) -> Result<desk_explain::ExplainRequest, Fault> {
    let (settings, two) = (&request.settings, graph.roles.classes.len() == 2);
    Ok(desk_explain::ExplainRequest {
        method,
        space: request.space.as_deref().map(str::parse).transpose()?,
        samples: request.samples,
        seed: request.seed,
        interactions: request.interactions,
        windows: Windows {
            picture: given.picture(),
            patch: settings.patch,
            stride: settings.stride,
            together: Vec::new(),
        },
        layer: settings.layer.clone(),
        groups: groups::groups(settings, &given.features, &given.tables())?,
        output: output_choice(request.output.as_deref().or(positive), names, graph.outputs, two)?,
        ..desk_explain::ExplainRequest::default()
    })
}

/// The rows that are explained: all that were asked for, or those that were picked among them.
struct Chosen {
    /// As numbers, as wide as the features.
    table: Vec<f64>,
    /// Numbers in the file, from 1.
    numbers: Vec<u64>,
    /// Their truths, where the file has them.
    truths: Option<Vec<Option<String>>>,
    picked: Option<Picked>,
}

impl Chosen {
    fn of(
        request: &ExplainRequest,
        given: &Given,
        targets: &[Target],
        output: OutputChoice,
        graph: &mut Graph<'_>,
        ctx: &JobContext,
    ) -> Result<Self, Fault> {
        let (table, width) = (given.table.as_slice(), given.width());
        let (numbers, truths) = (given.numbers(request.first_row), truths(targets));
        let Some(asked) = request.pick else {
            return Ok(Self { table: table.to_vec(), numbers, truths, picked: None });
        };
        let (operators, seed) = (request.description.operators.as_slice(), request.seed);
        let from = pick::From {
            table,
            width,
            truths: targets,
            operators,
            output,
            seed,
            partly: given.partly,
            first: request.first_row,
        };
        let (places, picked) = pick(asked, &from, graph, ctx)?;
        Ok(Self {
            table: places.iter().flat_map(|row| &table[row * width..(row + 1) * width]).copied().collect(),
            numbers: places.iter().map(|row| numbers[*row]).collect(),
            truths: truths.map(|truths| places.iter().map(|row| truths[*row].clone()).collect()),
            picked: Some(picked),
        })
    }

    /// Leaves rows out.
    fn retain(&mut self, width: usize, which: impl Fn(&[f64]) -> bool) -> Result<(), Fault> {
        let stays: Vec<bool> = self.table.chunks(width.max(1)).map(which).collect();
        if !stays.contains(&true) {
            let hint =
                "Leave --finished out; rows are kept while an explanation that asks the model lasts over a second";
            return Err(Fault::input("no rows of such an explanation are finished and kept").hint(hint));
        }
        let each: Vec<bool> = stays.iter().flat_map(|stays| std::iter::repeat_n(*stays, width)).collect();
        only(&mut self.table, &each);
        only(&mut self.numbers, &stays);
        if let Some(truths) = &mut self.truths {
            only(truths, &stays);
        }
        if let Some(picked) = &mut self.picked {
            only(&mut picked.values, &stays);
        }
        Ok(())
    }
}

/// Leaves out what does not stay.
fn only<T>(of: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    of.retain(|_| stays.next().copied().unwrap_or_default());
}

/// What decides the values of a row beside its own and the request.
fn around(given: &Given, wanted: &desk_explain::ExplainRequest, apart: Option<&Apart>) -> String {
    let background = digest_of(&given.space, &given.reference);
    let features: Vec<&str> = given.features.iter().map(|feature| feature.name.as_str()).collect();
    format!("{} {background} {features:?} {:?} {apart:?}", env!("CARGO_PKG_VERSION"), wanted.groups)
}

/// What to know of an end that nobody named, where rows are explained as they stand.
fn cut_short(request: &ExplainRequest, given: &Given) -> Option<String> {
    let (first, last) = (request.first_row + 1, request.first_row + given.asked as u64);
    (given.partly && request.pick.is_none()).then(|| {
        format!("Rows {first} to {last} are explained, and the file has more: `--rows {first}..N` says where to end")
    })
}

/// What to know of rows that were finished by an earlier run.
fn went_on(taken: u64, rows: &Chosen, finished: bool) -> Option<String> {
    let all = rows.numbers.len() as u64;
    match (taken, finished) {
        (0, _) => None,
        (_, true) => {
            let rows = counted(all, "row");
            Some(format!("An explanation that was stopped had finished {rows}; others were asked for and are not here"))
        }
        _ => Some(format!(
            "{taken} of {} were finished before: an explanation that was stopped went on",
            counted(all, "row")
        )),
    }
}

/// The quality of the explanation with what to know of it, where that was asked for. Not of rows that were changed by
/// hand.
fn measured(
    engine: &mut Engine<'_, '_>,
    explanation: &Explanation,
    rows: &Chosen,
    wanted: &desk_explain::ExplainRequest,
    request: &ExplainRequest,
) -> Result<Option<(QualityAnswer, Vec<String>)>, Fault> {
    let Some(settings) = request.settings.quality.as_ref().filter(|_| request.changes.is_empty()) else {
        return Ok(None);
    };
    let about = (rows.table.as_slice(), rows.numbers.as_slice());
    quality::measure(engine, explanation, about, wanted, settings).map(Some)
}

/// Of one row nothing is usual.
fn one_row(explanation: &Explanation) -> Option<String> {
    (explanation.background_rows == 1).then(|| {
        "The background is one row: the values say how the answer differs from that row's, not from what is usual"
            .to_owned()
    })
}

/// The explanation is of scores that the model makes its answers of.
fn made_of_scores(explanation: &Explanation, of_trees: bool) -> bool {
    let before = || explanation.gradient.as_ref().is_some_and(|gradient| gradient.before.is_some());
    explanation.space == Space::Raw && (of_trees || explanation.method == Method::Linear || before())
}

/// What the whole model says of the rows, for the outputs explained, where that is shares of classes.
fn probabilities(answers: &[Vec<f64>], operators: &[OperatorUse], explanation: &Explanation) -> Option<Vec<Vec<f64>>> {
    let shares = gives_shares(operators, answers) && answers.iter().flatten().all(|p| (0.0..=1.0).contains(p));
    let of = |row: &Vec<f64>| explanation.outputs.iter().map(|i| row.get(*i).copied()).collect::<Option<Vec<f64>>>();
    if shares { answers.iter().map(of).collect() } else { None }
}

/// Operators whose outputs are shares of classes.
const SHARES: [&str; 9] = [
    "Softmax",
    "Sigmoid",
    "HardSigmoid",
    "TreeEnsembleClassifier",
    "LinearClassifier",
    "SVMClassifier",
    "Normalizer",
    "LpNormalization",
    "ZipMap",
];

/// Numbers between 0 and 1 alone are no probabilities: the model has an operator that makes such, or
/// they add up to 1 in each row. Nor is the operator alone: an SVM without probabilities gives scores.
pub(super) fn gives_shares(operators: &[OperatorUse], predictions: &[Vec<f64>]) -> bool {
    let adds_up = |row: &Vec<f64>| row.len() > 1 && (row.iter().sum::<f64>() - 1.0).abs() < 1e-4;
    let within = |p: &f64| (-1e-6..=1.0 + 1e-6).contains(p);
    let makes = operators.iter().any(|operator| SHARES.contains(&operator.name.as_str()));
    makes && predictions.iter().flatten().all(within) || predictions.iter().all(adds_up)
}

/// The truth of each row as its file has it, where there is one column of it.
fn truths(targets: &[Target]) -> Option<Vec<Option<String>>> {
    let [target] = targets else { return None };
    let number = |row: usize| target.numbers.as_ref().map(|numbers| numbers[row]).filter(|number| !number.is_nan());
    let text = |row: usize| target.labels[row].clone().or_else(|| number(row).map(|number| number.to_string()));
    Some((0..target.labels.len()).map(text).collect())
}

/// The class of each row: the model's own label, or else the class with the largest score, the first of equal ones. The
/// two differ for an SVM that was exported without probabilities, whose two scores are turned round.
fn answered(classes: &[String], answers: &[Vec<f64>], labels: Option<Vec<String>>) -> Option<Vec<String>> {
    if let Some(labels) = labels.filter(|labels| labels.iter().all(|label| classes.contains(label))) {
        return (classes.len() > 1).then_some(labels);
    }
    let class = |row: &Vec<f64>| {
        let best = (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b]))?;
        classes.get(best).filter(|_| row.len() == classes.len()).cloned()
    };
    if classes.len() < 2 { None } else { answers.iter().map(class).collect() }
}

/// The model's trees, where its graph is one ensemble over just these features.
pub(super) fn trees(entry: &Path, width: usize) -> (Option<TreeEnsemble>, Vec<String>) {
    match desk_import::extract_trees(entry) {
        Ok(Some(found)) if found.ensemble.n_features as usize == width => (Some(found.ensemble), Vec::new()),
        Ok(_) => (None, Vec::new()),
        Err(error) => (None, vec![format!("The model's trees could not be read: {error}")]),
    }
}

/// Outputs that are named where another one was asked for.
const NAMED: usize = 20;

/// Which outputs are asked for: a class by name, an index, or the usual choice.
pub(super) fn output_choice(
    asked: Option<&str>,
    names: &[String],
    outputs: usize,
    two_classes: bool,
) -> Result<OutputChoice, Fault> {
    let Some(asked) = asked else {
        // Of two classes the second says it all: the first is the same with the sign turned.
        return Ok(if two_classes && outputs == 2 { OutputChoice::One(1) } else { OutputChoice::All });
    };
    if asked == "all" {
        return Ok(OutputChoice::All);
    }
    if let Some(index) = names.iter().position(|name| name == asked) {
        return Ok(OutputChoice::One(index));
    }
    match asked.parse::<usize>() {
        Ok(index) if index < outputs => Ok(OutputChoice::One(index)),
        _ if names.is_empty() => Err(Fault::input(format!("the model has no output {asked}", asked = quoted(&asked)))
            .hint(format!("Give an index from 0 to {}", outputs.saturating_sub(1)))),
        _ => Err(Fault::input(format!("the model has no output {asked}", asked = quoted(&asked)))
            .hint(format!("Its outputs are {}", quoted_list(names, NAMED)))),
    }
}

/// The digest of rows: numbers as little-endian float64, texts as they are behind their lengths. The number that a
/// text has in the table depends on what other rows stand in it.
pub(super) fn digest_of(space: &FeatureSpace, table: &[f64]) -> Digest {
    let mut bytes = Vec::with_capacity(table.len() * 8);
    for (at, value) in table.iter().enumerate() {
        let feature = at % space.width().max(1);
        if space.features().get(feature).is_none_or(|f| f.kind == FeatureKind::Numeric) {
            bytes.extend(value.to_le_bytes());
        } else {
            let text = space.display(feature, *value);
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.into_bytes());
        }
    }
    Digest::of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_by_name_index_or_habit() {
        let two = ["no".to_owned(), "yes".to_owned()];
        assert_eq!(output_choice(None, &two, 2, true), Ok(OutputChoice::One(1)));
        assert_eq!(output_choice(Some("no"), &two, 2, true), Ok(OutputChoice::One(0)));
        assert_eq!(output_choice(Some("1"), &two, 2, true), Ok(OutputChoice::One(1)));
        assert_eq!(output_choice(None, &[], 1, false), Ok(OutputChoice::All));
        assert!(output_choice(Some("maybe"), &two, 2, true).is_err());
        assert!(output_choice(Some("7"), &[], 3, false).is_err());
    }

    #[test]
    fn numbers_between_0_and_1_alone_are_no_probabilities() {
        let operator = |name: &str| OperatorUse { domain: String::new(), name: name.to_owned(), count: 1 };
        let one_column = [vec![0.2], vec![0.9]];
        assert!(!gives_shares(&[operator("Gemm"), operator("Relu")], &one_column));
        assert!(gives_shares(&[operator("Gemm"), operator("Sigmoid")], &one_column));
        assert!(!gives_shares(&[operator("SVMClassifier")], &[vec![0.2, 0.8], vec![-1.5, 1.5]]));
        assert!(gives_shares(&[operator("Gemm")], &[vec![0.2, 0.8], vec![0.5, 0.5]]));
        assert!(!gives_shares(&[operator("Gemm")], &[vec![0.2, 0.8], vec![0.5, 0.6]]));
    }
}
