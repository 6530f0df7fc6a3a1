//! What a model makes of each feature over a whole file: importance, dependence, a small tree in its place.

use arrow::array::RecordBatch;
use desk_core::words::{quoted, quoted_list};
use desk_core::{Fault, Predictor as _, Progress, ProgressSink as _, counted};
use desk_data::{Binding, DataError, FeatureSpace, Target};
use desk_explain::global::{
    ImportanceRequest, Judge, PairRequest, PartialRequest, Score, Subject, Truth, accumulated_local_effects,
    correlated, pair_dependence, partial_dependence, permutation_importance,
};
use desk_explain::{FeatureInfo, FeatureKind, OutputChoice, Table};
use desk_jobs::JobContext;
use desk_runtime::Device;

use super::answers::{filled_cells, given_as_nan};
use super::columns::{bind, open, with_gaps};
use super::correlated as told;
use super::explain::{digest_of, gives_shares, output_choice, trees};
use super::function::Graph;
use super::given::feature;
use super::protocol::{GlobalReply, GlobalRequest, Wanted};
use super::roles::{Roles, Task};
use super::sampling::{Sample, check_width, with_missing};
use super::sessions::Sessions;
use super::unseen::Unseen;

/// Features that are named when one is not there.
const NAMED: usize = 20;
/// Truths that are named when the model does not know them.
const TRUTHS: usize = 3;

/// Features of which it is told what goes together with them: the ones that matter most.
const LOOKED_AT: usize = 20;

/// Works out importance, dependence or a small tree over rows of a file.
pub fn global(sessions: &Sessions, request: &GlobalRequest, ctx: &JobContext) -> Result<GlobalReply, Fault> {
    ctx.report(Progress::new("Reading rows", 0, None, "rows"));
    let (engine, pool) = sessions.pool(&request.model, Device::Cpu)?;
    let mut reader = open(&request.data, &request.columns)?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let name = request.data.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let sample = Sample::read(reader.as_mut(), &binding, request.rows.max(1), &name)?;
    let rows = &sample.rows;
    if rows.num_rows() == 0 {
        return Err(Fault::input(format!("there is no row in {}", request.data.display())));
    }
    let mut warnings = binding.report().warnings.clone();
    if sample.partly {
        warnings.push(format!("Only the first {} rows of the file were read", sample.of));
    }
    let placed = |error: DataError| {
        with_gaps(error.with_row(|row| sample.number(row)), &request.data, &request.columns, &binding)
    };
    let unseen = Unseen::among(&request.description, &binding, rows, 0).map_err(placed)?;
    let unseen = unseen.numbered(|row| sample.number(row));
    let space = FeatureSpace::from(&binding, std::slice::from_ref(rows)).map_err(placed)?;
    check_width(&space, false)?;
    warnings.extend(unseen.warnings());
    warnings.extend(given_as_nan(&binding.missing(rows)));
    warnings.extend(filled_cells(&request.columns.fill, &binding.filled(rows)));
    let table = space.encode(std::slice::from_ref(rows))?;
    let features: Vec<FeatureInfo> = space.features().iter().map(feature).collect();
    let mut session = pool.get(&ctx.cancel)?;
    // What stopped the model stands in the rows.
    let stopped = |fault: Fault| with_missing(unseen.explain(fault), &binding.missing(rows));
    let about = (&request.description, request.model.entry.as_path());
    let graph = Graph::new(&mut session, &space, binding.fixed_batch(), about, &table, &ctx.cancel);
    let mut graph = graph.map_err(stopped)?;
    let mut reply = GlobalReply {
        importance: None,
        partial: None,
        ale: None,
        pair: None,
        surrogate: None,
        levels: None,
        other_levels: None,
        output_names: Vec::new(),
        rows: rows.num_rows() as u64,
        of_rows: sample.of as u64,
        rows_from: sample.origin.clone(),
        rows_digest: digest_of(&space, &table),
        curve_row_numbers: Vec::new(),
        correlated: Vec::new(),
        target: None,
        data_digest: desk_data::digest_file(&request.data, &ctx.cancel, &desk_core::NoProgress)?,
        runtime: engine.version().to_owned(),
        warnings,
    };
    let numbers: Vec<u64> = (1..=rows.num_rows() as u64).map(|row| sample.number(row)).collect();
    let (table, features, numbers) = (table.as_slice(), features.as_slice(), numbers.as_slice());
    let asked = Asked { request, binding: &binding, rows, table, numbers, features, stopped: &stopped, ctx };
    match &request.wanted {
        Wanted::Importance { repeats, seed, score } => {
            asked.importance(&mut graph, (*repeats, *seed, score.as_deref()), &mut reply)?;
        }
        Wanted::Dependence { feature, points, curves, output, with } => {
            let output = asked.dependence(&mut graph, feature, (*points, *curves), output.as_deref(), &mut reply)?;
            if let Some(other) = with {
                asked.pair(&mut graph, (feature, other), (*points, output), &mut reply)?;
            }
        }
        Wanted::Surrogate { output, depth, least, seed } => {
            asked.surrogate(&mut graph, output.as_deref(), (*depth, *least, *seed), &mut reply)?;
        }
    }
    Ok(reply)
}

/// What all ways need.
pub(super) struct Asked<'a> {
    request: &'a GlobalRequest,
    binding: &'a Binding,
    rows: &'a RecordBatch,
    /// The rows as numbers, as wide as the features.
    pub table: &'a [f64],
    /// Numbers of the rows in the file.
    pub numbers: &'a [u64],
    features: &'a [FeatureInfo],
    /// Says beside a fault of the model what in the rows may be behind it.
    stopped: &'a dyn Fn(Fault) -> Fault,
    ctx: &'a JobContext,
}

impl Asked<'_> {
    pub(super) fn stopped(&self, error: impl Into<Fault>) -> Fault {
        (self.stopped)(error.into())
    }

    pub(super) fn subject<'b>(
        &'b self,
        graph: &'b mut Graph<'_>,
        table: &'b [f64],
        row_numbers: &'b [u64],
    ) -> Subject<'b> {
        let (rows, features) = (Table::new(table, self.features.len()), self.features);
        Subject { predictor: graph, trees: None, rows, row_numbers, features, cancel: &self.ctx.cancel, sink: self.ctx }
    }

    fn importance(
        &self,
        graph: &mut Graph<'_>,
        (repeats, seed, score): (usize, u64, Option<&str>),
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let truths = self.binding.truths(self.rows)?;
        let [target] = truths.as_slice() else {
            let what = if truths.is_empty() { "no column with the truth is known" } else { "several truths are named" };
            return Err(Fault::input(format!("importance compares answers with one truth, and {what}"))
                .hint("Name the column with the truth (--target)"));
        };
        reply.target = Some(target.column.clone());
        let score = match score {
            Some(score) => score.parse()?,
            None if graph.roles.task == Task::Classification => Score::Accuracy,
            None => Score::R2,
        };
        let (truth, kept) = truth(target, &graph.roles, score)?;
        let width = self.features.len();
        let dropped = target.labels.len() - kept.len();
        if dropped > 0 {
            let rows = counted(dropped as u64, "row");
            let what = "the truth is missing or not known to the model";
            reply.warnings.push(format!("{rows} left out, where {what}"));
            reply.rows -= dropped as u64;
        }
        let table: Vec<f64> =
            kept.iter().flat_map(|row| &self.table[row * width..(row + 1) * width]).copied().collect();
        if score == Score::NegLogLoss && !self.are_shares(graph, &table)? {
            return Err(Fault::input("the model's answers are no probabilities, which log loss needs")
                .hint("Choose --score accuracy"));
        }
        let judge = Judge::new(score, truth, graph.outputs)?;
        let (trees, unreadable) = trees(&self.request.model.entry, width);
        reply.warnings.extend(unreadable);
        let numbers: Vec<u64> = kept.iter().map(|row| self.numbers[*row]).collect();
        let mut subject = Subject { trees: trees.as_ref(), ..self.subject(graph, &table, &numbers) };
        let found = permutation_importance(&mut subject, &judge, &ImportanceRequest { repeats, seed })
            .map_err(|error| self.stopped(error))?;
        let first: Vec<usize> = found.features.iter().take(LOOKED_AT).map(|feature| feature.feature).collect();
        reply.correlated = correlated(Table::new(&table, width), self.features, &first);
        reply.warnings.extend(told::of_importance(&reply.correlated));
        reply.importance = Some(found);
        Ok(())
    }

    /// The answers to some rows are shares of classes.
    pub(super) fn are_shares(&self, graph: &mut Graph<'_>, table: &[f64]) -> Result<bool, Fault> {
        let first = &table[..table.len().min(256 * self.features.len())];
        let outputs = graph.outputs;
        let answers: Vec<Vec<f64>> =
            graph.predict(first).map_err(|error| self.stopped(error))?.chunks(outputs).map(<[f64]>::to_vec).collect();
        let within = answers.iter().flatten().all(|p| (-1e-6..=1.0 + 1e-6).contains(p));
        Ok(within && outputs > 1 && gives_shares(&self.request.description.operators, &answers))
    }

    /// What the outputs are called.
    fn names(graph: &Graph<'_>) -> Vec<String> {
        let classes = &graph.roles.classes;
        if classes.is_empty() { graph.columns.clone() } else { classes.clone() }
    }

    /// The outputs that are asked for.
    pub(super) fn output(graph: &Graph<'_>, asked: Option<&str>) -> Result<OutputChoice, Fault> {
        output_choice(asked, &Self::names(graph), graph.outputs, graph.roles.classes.len() == 2)
    }

    /// Names of some outputs.
    pub(super) fn output_names(graph: &Graph<'_>, outputs: &[usize]) -> Vec<String> {
        let names = Self::names(graph);
        let name = |index: &usize| names.get(*index).cloned().unwrap_or_else(|| format!("output {index}"));
        outputs.iter().map(name).collect()
    }

    /// A feature by its name.
    fn feature(&self, name: &str) -> Result<usize, Fault> {
        let names: Vec<&str> = self.features.iter().map(|feature| feature.name.as_str()).collect();
        names.iter().position(|known| *known == name).ok_or_else(|| {
            Fault::input(format!("the model reads no column {}", quoted(name)))
                .hint(format!("It reads {}", quoted_list(&names, NAMED)))
        })
    }

    /// Names of some values of a feature, where it is categorical.
    fn levels(&self, feature: usize, grid: &[f64]) -> Option<Vec<String>> {
        let FeatureKind::Categorical { levels } = &self.features[feature].kind else { return None };
        Some(grid.iter().map(|value| levels.get(*value as usize).cloned().unwrap_or_default()).collect())
    }

    /// Along two features together.
    fn pair(
        &self,
        graph: &mut Graph<'_>,
        (one, other): (&str, &str),
        (points, output): (usize, OutputChoice),
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let features = [self.feature(one)?, self.feature(other)?];
        let mut subject = self.subject(graph, self.table, self.numbers);
        let found = pair_dependence(&mut subject, &PairRequest { features, output, points });
        let pair = found.map_err(|error| self.stopped(error))?;
        let empty = pair.near.iter().flatten().filter(|rows| **rows == 0).count();
        let all = pair.near.iter().map(Vec::len).sum::<usize>();
        if 2 * empty > all {
            reply.warnings.push(format!(
                "{empty} of {all} pairs of values of {} and {} have no row near them: the model was asked about what does \
                 not occur",
                quoted(one),
                quoted(other)
            ));
        }
        reply.other_levels = self.levels(features[1], &pair.grids[1]);
        reply.pair = Some(pair);
        Ok(())
    }

    fn dependence(
        &self,
        graph: &mut Graph<'_>,
        name: &str,
        (points, curves): (usize, usize),
        output: Option<&str>,
        reply: &mut GlobalReply,
    ) -> Result<OutputChoice, Fault> {
        let feature = self.feature(name)?;
        let output = Self::output(graph, output)?;
        let asked = PartialRequest { feature, output, points, curves };
        let mut subject = self.subject(graph, self.table, self.numbers);
        let partial = partial_dependence(&mut subject, &asked).map_err(|error| self.stopped(error))?;
        reply.levels = self.levels(feature, &partial.grid);
        match &self.features[feature].kind {
            FeatureKind::Categorical { .. } => {}
            FeatureKind::Numeric if partial.grid.len() > 1 => {
                let found = accumulated_local_effects(&mut subject, feature, (output, points));
                reply.ale = Some(found.map_err(|error| self.stopped(error))?);
            }
            FeatureKind::Numeric => {
                let name = quoted(&self.features[feature].name);
                reply.warnings.push(format!("{name} has one value in all rows: nothing depends on it here"));
            }
        }
        reply.correlated = correlated(Table::new(self.table, self.features.len()), self.features, &[feature]);
        reply.warnings.extend(told::of_dependence(&reply.correlated));
        reply.curve_row_numbers = partial.curve_rows.iter().map(|row| self.numbers[*row]).collect();
        reply.output_names = Self::output_names(graph, &partial.outputs);
        reply.partial = Some(partial);
        Ok(output)
    }
}

/// The truth as the score judges it, and the rows that have one, from 0.
pub(super) fn truth(target: &Target, roles: &Roles, score: Score) -> Result<(Truth, Vec<usize>), Fault> {
    let column = quoted(&target.column);
    if !score.is_of_classes() {
        let Some(numbers) = &target.numbers else {
            return Err(Fault::input(format!("column {column} holds text, and {score} judges numbers"))
                .hint("Name another column with the truth (--target), or another --score"));
        };
        let kept: Vec<usize> = (0..numbers.len()).filter(|row| numbers[*row].is_finite()).collect();
        if kept.is_empty() {
            return Err(Fault::input(format!("column {column} holds no number")));
        }
        return Ok((Truth::Numbers(kept.iter().map(|row| numbers[*row]).collect()), kept));
    }
    if roles.classes.len() < 2 {
        return Err(Fault::input(format!("the model names no classes, which {score} judges"))
            .hint("Choose --score r2, neg_mean_squared_error or neg_mean_absolute_error"));
    }
    let label = |row: usize| match target.numbers.as_ref().filter(|_| roles.assumed) {
        Some(numbers) => Some(numbers[row].to_string()),
        None => target.labels[row].clone(),
    };
    let class = |row: usize| label(row).and_then(|label| roles.classes.iter().position(|class| *class == label));
    let found: Vec<(usize, usize)> =
        (0..target.labels.len()).filter_map(|row| class(row).map(|class| (row, class))).collect();
    if found.is_empty() {
        let mut held: Vec<&String> = target.labels.iter().flatten().collect();
        held.sort_unstable();
        held.dedup();
        return Err(Fault::input(format!(
            "no truth in column {column} is a class of the model; it holds {}, and the classes are {}",
            quoted_list(&held, TRUTHS),
            quoted_list(&roles.classes, TRUTHS)
        ))
        .hint("Name another column with the truth (--target), or spell the classes as the model does"));
    }
    let (kept, classes) = found.into_iter().unzip();
    Ok((Truth::Classes(classes), kept))
}
