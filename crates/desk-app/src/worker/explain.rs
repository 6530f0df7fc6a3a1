//! Explaining rows: data to numbers, the model as a function of them, the engine over both.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use desk_core::trees::TreeEnsemble;
use desk_core::words::quoted;
use desk_core::{Digest, Fault, NoProgress, OperatorUse, Predictor, Progress, ProgressSink as _};
use desk_data::{Binding, DataError, FeatureKind, FeatureSpace, Target};
use desk_explain::{Explanation, FeatureInfo, Method, OutputChoice, Picture, Space, Table, Windows};
use desk_jobs::JobContext;
use desk_runtime::Device;

use super::answers::{filled_cells, given_as_nan};
use super::apart::Apart;
use super::changed;
use super::columns::{bind, bind_beside, open, with_gaps};
use super::engine::Engine;
use super::function::Graph;
use super::groups::{self, Cells};
use super::pick::{self, pick};
use super::protocol::{ExplainReply, ExplainRequest};
use super::quality;
use super::sampling::{Sample, check_width, most_rows, with_missing};
use super::segments::Cut;
use super::sessions::Sessions;
use super::unseen::Unseen;

/// Rows of a background file at most; more are refused, not cut off.
const MAX_BACKGROUND: usize = 100_000;

/// Explains rows of a file.
pub fn explain(sessions: &Sessions, request: &ExplainRequest, ctx: &JobContext) -> Result<ExplainReply, Fault> {
    let began = Instant::now();
    ctx.report(Progress::new("Reading rows", 0, None, "rows"));
    let (engine, pool) = sessions.pool(&request.model, Device::Cpu)?;
    let Read { binding, rows, partly } = read_range(request)?;
    let asked_rows = rows.num_rows() as u64;
    let rows = changed::beside(rows, &request.changes)?;
    let background = Background::read(request, &binding)?;
    let placed = |error| placed(error, request, &binding, &rows.slice(0, asked_rows as usize), &background);
    // Of rows with changes it is those that are told of: they are the same rows of the file.
    let told = rows.slice(rows.num_rows() - asked_rows as usize, asked_rows as usize);
    let description = &request.description;
    let unseen = Unseen::among(description, &binding, &told, request.first_row).map_err(placed)?;
    let behind = Unseen::among(description, &background.binding, &background.rows, 0).map_err(placed)?;
    let behind = behind.numbered(|row| background.number(row));
    let tables = [(&binding, &rows), (&background.binding, &background.rows)];
    let space = FeatureSpace::of_tables(&binding, &tables).map_err(placed)?;
    let method: Method = request.method.parse()?;
    let cut = Cut::of(&request.settings, method, &space, &binding)?;
    check_width(&space, cut.is_some())?;
    let mut table = space.encode(std::slice::from_ref(&rows))?;
    let reference = space.encode_with(&background.binding, std::slice::from_ref(&background.rows))?;
    let features: Vec<FeatureInfo> = space.features().iter().map(feature).collect();

    let own = &table[..asked_rows as usize * space.width()];
    let apart = Apart::asked(&request.settings, method, cut, &features, own)?;
    let targets = binding.truths(&rows)?;
    let mut session = pool.get(&ctx.cancel)?;
    // What stopped the model stands in the rows, or else in the background.
    let missing = [binding.missing(&rows), background.binding.missing(&background.rows)].concat();
    let stopped = |fault: Fault| {
        let fault = if unseen.is_empty() { behind.explain(fault) } else { unseen.explain(fault) };
        with_missing(fault, &missing)
    };
    let about = (&request.description, request.model.entry.as_path());
    let graph = Graph::new(&mut session, &space, binding.fixed_batch(), about, &table, &ctx.cancel);
    let mut graph = graph.map_err(stopped)?;
    let (trees, mut warnings) = trees(&request.model.entry, space.width());
    let classes = graph.roles.classes.clone();
    let names = if classes.is_empty() { graph.columns.clone() } else { classes.clone() };
    // What a test counted as positive may be a class of the truth alone, which the model does not name.
    let offered = request.positive.as_deref().filter(|positive| names.iter().any(|name| name == positive));
    let asked = request.output.as_deref().or(offered);
    let wanted = desk_explain::ExplainRequest {
        method,
        space: request.space.as_deref().map(str::parse).transpose()?,
        samples: request.samples,
        seed: request.seed,
        interactions: request.interactions,
        windows: Windows {
            picture: space.shapes().find_map(|(first, dims)| Picture::of(first, dims)),
            patch: request.settings.patch,
            stride: request.settings.stride,
        },
        layer: request.settings.layer.clone(),
        groups: groups::groups(
            &request.settings,
            &features,
            // Not the rows as they were changed by hand: a category may have two levels there for a while.
            &[
                Table::new(&table[..asked_rows as usize * space.width()], space.width()),
                Table::new(&reference, space.width()),
            ],
        )?,
        output: output_choice(asked, &names, graph.outputs, classes.len() == 2)?,
        ..desk_explain::ExplainRequest::default()
    };
    let width = space.width();
    let mut truths = truths(&targets);
    let mut numbers: Vec<u64> =
        (0..rows.num_rows() as u64).map(|row| request.first_row + row % asked_rows + 1).collect();
    let picked = match request.pick {
        None => None,
        Some(asked) => {
            let (truths_of, operators) = (targets.as_slice(), request.description.operators.as_slice());
            let (output, seed) = (wanted.output, request.seed);
            let from = pick::From { table: &table, width, truths: truths_of, operators, output, seed, partly };
            let (places, picked) = pick(asked, &from, &mut graph, ctx).map_err(stopped)?;
            table = places.iter().flat_map(|row| &table[row * width..(row + 1) * width]).copied().collect();
            numbers = places.iter().map(|row| numbers[*row]).collect();
            truths = truths.map(|truths| places.iter().map(|row| truths[*row].clone()).collect());
            Some(picked)
        }
    };
    let mut explainer = Engine {
        sessions,
        model: &request.model,
        space: &space,
        features: &features,
        fixed: binding.fixed_batch(),
        graph: &mut graph,
        trees: trees.as_ref(),
        linear: OnceCell::new(),
        names: &names,
        background: &reference,
        ctx,
    };
    let (mut explanation, parts) = explainer.explain_by(apart.as_ref(), &table, &wanted).map_err(stopped)?;
    let quality = match &request.settings.quality {
        Some(settings) if request.changes.is_empty() => {
            let about = (table.as_slice(), numbers.as_slice());
            let measured = quality::measure(&mut explainer, &explanation, about, &wanted, settings);
            let (found, told) = measured.map_err(stopped)?;
            warnings.extend(told);
            Some(found)
        }
        _ => None,
    };
    let shares = gives_shares(&request.description.operators, &explanation.predictions);
    if trees.is_none() && explanation.space == Space::Probability && !shares {
        explanation.space = Space::Raw;
    }
    let answers = graph.predict(&table).map_err(stopped)?;
    let answers: Vec<Vec<f64>> = answers.chunks(graph.outputs).map(<[f64]>::to_vec).collect();
    let probabilities = match explanation.space {
        Space::Raw
            if trees.is_some()
                || explanation.method == Method::Linear
                || explanation.gradient.as_ref().is_some_and(|g| g.before.is_some()) =>
        {
            probabilities(&answers, &request.description.operators, &explanation)
        }
        _ => None,
    };
    warnings.extend(binding.report().warnings.iter().cloned());
    warnings.extend(unseen.warnings());
    let fill = &request.columns.fill;
    warnings.extend(given_as_nan(&binding.missing(&told)));
    warnings.extend(filled_cells(fill, &binding.filled(&told)));
    warnings.extend(background.warnings(fill));
    let shown = |row: &[f64]| row.iter().enumerate().map(|(f, value)| shown(&space, f, *value)).collect();
    // Where segments alone are told, no pixel is.
    let each = if explanation.feature_names.is_empty() { 0 } else { width };
    let texts: Vec<Vec<String>> = table.chunks(width).map(|row| shown(&row[..each])).collect();
    let cells = Cells { groups: &explanation.groups, features: &features };
    let background_digest = digest_of(&space, if explanation.background_rows == 0 { &[] } else { &reference });
    Ok(ExplainReply {
        groups: groups::told(&explanation.groups, &features, &texts),
        feature_values: table.chunks(width).zip(texts).map(|(row, texts)| cells.texts(row, texts)).collect(),
        feature_numbers: table.chunks(width).map(|row| cells.numbers(&row[..each])).collect(),
        explanation,
        probabilities,
        row_numbers: numbers,
        picked,
        truths,
        answered: answered(&classes, &answers),
        quality,
        // What stands for absent parts may be no background at all.
        background: parts.instead.unwrap_or(background.origin),
        segments: parts.segments,
        text: parts.text,
        target: binding.report().target.clone(),
        took_positive: request.output.is_none() && offered.is_some(),
        background_digest,
        // Of a row that was changed by hand the numbers are what decides.
        data_digest: if request.changes.is_empty() {
            desk_data::digest_file(&request.data, &ctx.cancel, &NoProgress)?
        } else {
            digest_of(&space, &table)
        },
        runtime: engine.version().to_owned(),
        seconds: began.elapsed().as_secs_f64(),
        warnings,
    })
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
/// they add up to 1 in each row.
pub(super) fn gives_shares(operators: &[OperatorUse], predictions: &[Vec<f64>]) -> bool {
    let adds_up = |row: &Vec<f64>| row.len() > 1 && (row.iter().sum::<f64>() - 1.0).abs() < 1e-4;
    operators.iter().any(|operator| SHARES.contains(&operator.name.as_str())) || predictions.iter().all(adds_up)
}

/// A value as it stood in the data: what the model reads as float32 has few digits again.
fn shown(space: &FeatureSpace, feature: usize, value: f64) -> String {
    let short = value as f32;
    let numeric = space.features().get(feature).is_none_or(|f| f.kind == FeatureKind::Numeric);
    if numeric && f64::from(short) == value { short.to_string() } else { space.display(feature, value) }
}

/// A feature in the engine's terms.
pub(super) fn feature(feature: &desk_data::Feature) -> FeatureInfo {
    match &feature.kind {
        FeatureKind::Numeric => FeatureInfo::numeric(&feature.name),
        FeatureKind::Categorical { levels } => FeatureInfo::categorical(&feature.name, levels.clone()),
    }
}

/// The rows that were asked for.
struct Read {
    binding: Binding,
    rows: RecordBatch,
    /// The file has more, and nobody said where to stop.
    partly: bool,
}

fn read_range(request: &ExplainRequest) -> Result<Read, Fault> {
    let (path, first) = (&request.data, request.first_row);
    let mut reader = open(path, &request.columns)?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let end = request.end_row.unwrap_or_else(|| first.saturating_add(most_rows(&binding)));
    let rows = desk_data::read_rows(reader.as_mut(), first, end)?;
    if rows.num_rows() == 0 {
        return Err(Fault::input(format!("there is no row {} in {}", first + 1, path.display()))
            .hint("Rows are counted from 1; look how many there are with modeldesk predict"));
    }
    // What stands behind the rows that are read, an error too, is not asked for.
    let partly =
        request.end_row.is_none() && first + rows.num_rows() as u64 >= end && !matches!(reader.next_batch(1), Ok(None));
    Ok(Read { binding, rows, partly })
}

/// The truth of each row as its file has it, where there is one column of it.
fn truths(targets: &[Target]) -> Option<Vec<Option<String>>> {
    let [target] = targets else { return None };
    let number = |row: usize| target.numbers.as_ref().map(|numbers| numbers[row]).filter(|number| !number.is_nan());
    let text = |row: usize| target.labels[row].clone().or_else(|| number(row).map(|number| number.to_string()));
    Some((0..target.labels.len()).map(text).collect())
}

/// The class with the largest score of each row, the first of equal ones.
fn answered(classes: &[String], answers: &[Vec<f64>]) -> Option<Vec<String>> {
    let class = |row: &Vec<f64>| {
        let best = (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b]))?;
        classes.get(best).filter(|_| row.len() == classes.len()).cloned()
    };
    if classes.len() < 2 { None } else { answers.iter().map(class).collect() }
}

/// An error of a cell, by its place in the file that it comes from: rows are read from the middle of one, and a
/// background is a sample.
fn placed(
    error: DataError,
    request: &ExplainRequest,
    binding: &Binding,
    rows: &RecordBatch,
    background: &Background,
) -> Fault {
    if let Err(error) = binding.tensors(rows, request.first_row) {
        return with_gaps(error, &request.data, &request.columns, binding).into();
    }
    match background.binding.tensors(&background.rows, 0) {
        Err(error) => {
            Fault::from(background.placed(error, request)).context(format!("background ({})", background.origin))
        }
        Ok(_) => error.into(),
    }
}

/// The rows that stand for "no information".
struct Background {
    rows: RecordBatch,
    binding: Binding,
    /// Where they came from, for people.
    origin: String,
    /// They come from a file of their own.
    own_file: bool,
    /// The sample that they are, where they come from the data.
    sample: Option<Sample>,
}

impl Background {
    fn read(request: &ExplainRequest, binding: &Binding) -> Result<Self, Fault> {
        let path = request.background.as_ref().unwrap_or(&request.data);
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut reader = open(path, &request.columns)?;
        let own_file = request.background.is_some();
        let binding = if own_file {
            bind_beside(binding, &request.columns, &request.description, reader.as_ref())?
        } else {
            binding.clone()
        };
        reader.prepare(&binding.read_plan(&[]))?;
        let (rows, origin, sample) = if own_file {
            (desk_data::read_all_limited(reader.as_mut(), MAX_BACKGROUND)?, format!("all rows of {name}"), None)
        } else {
            let sample = Sample::read(reader.as_mut(), &binding, request.background_rows.max(1), &name)?;
            (sample.rows.clone(), sample.origin.clone(), Some(sample))
        };
        Ok(Self { rows, binding, origin, own_file, sample })
    }

    /// The number in its file, from 1, of one of its rows, from 1 as well.
    fn number(&self, row: u64) -> u64 {
        self.sample.as_ref().map_or(row, |sample| sample.number(row))
    }

    /// An error of one of its rows, by the row's place in the file.
    fn placed(&self, error: DataError, request: &ExplainRequest) -> DataError {
        let error = error.with_row(|row| self.number(row));
        let path = request.background.as_ref().unwrap_or(&request.data);
        with_gaps(error, path, &request.columns, &self.binding)
    }

    /// What to know of how its columns were found, and of what stood for missing cells.
    fn warnings(&self, fill: &[(String, String)]) -> Vec<String> {
        let mapped = if self.own_file { self.binding.report().warnings.clone() } else { Vec::new() };
        let missing = given_as_nan(&self.binding.missing(&self.rows));
        let filled = filled_cells(fill, &self.binding.filled(&self.rows));
        mapped.into_iter().chain(missing).chain(filled).map(|warning| format!("Background: {warning}")).collect()
    }
}

/// The model's trees, where its graph is one ensemble over just these features.
pub(super) fn trees(entry: &Path, width: usize) -> (Option<TreeEnsemble>, Vec<String>) {
    match desk_import::extract_trees(entry) {
        Ok(Some(found)) if found.ensemble.n_features as usize == width => (Some(found.ensemble), Vec::new()),
        Ok(_) => (None, Vec::new()),
        Err(error) => (None, vec![format!("The model's trees could not be read: {error}")]),
    }
}

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
            .hint(format!("Its outputs are {}", names.join(", ")))),
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
        assert!(gives_shares(&[operator("Gemm")], &[vec![0.2, 0.8], vec![0.5, 0.5]]));
        assert!(!gives_shares(&[operator("Gemm")], &[vec![0.2, 0.8], vec![0.5, 0.6]]));
    }
}
