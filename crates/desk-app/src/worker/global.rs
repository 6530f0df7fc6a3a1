//! What a model makes of each feature over a whole file: importance, dependence, a small tree in its place.

use arrow::array::RecordBatch;
use desk_core::words::{quoted, quoted_list};
use desk_core::{Fault, Predictor, Progress, ProgressSink as _, counted};
use desk_data::{Binding, DataError, FeatureSpace, Target};
use desk_explain::global::{ImportanceRequest, Judge, Score, Subject, Truth, correlated, permutation_importance};
use desk_explain::{FeatureInfo, OutputChoice, Table};
use desk_jobs::JobContext;

use super::answers::{filled_cells, given_as_nan};
use super::coarse::coarse_answers;
use super::columns::{bind, open, with_gaps};
use super::correlated as told;
use super::explain::{digest_of, gives_shares, output_choice, trees};
use super::function::Graph;
use super::given::feature;
use super::groups;
use super::protocol::{GlobalReply, GlobalRequest, Wanted};
use super::roles::{Roles, Task};
use super::sampling::{Sample, check_width, with_missing};
use super::sessions::Sessions;
use super::unseen::Unseen;
use crate::command::Grouping;

/// Truths that are named when the model does not know them.
const TRUTHS: usize = 3;

/// Features of which it is told what goes together with them: the ones that matter most.
const LOOKED_AT: usize = 20;

/// Works out importance, dependence or a small tree over rows of a file.
pub fn global(sessions: &Sessions, request: &GlobalRequest, ctx: &JobContext) -> Result<GlobalReply, Fault> {
    ctx.report(Progress::new("Reading rows", 0, None, "rows"));
    let (engine, shared) = sessions.explaining(&request.model, &request.description.operators)?;
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
    let answering = shared.take(binding.fixed_batch(), &ctx.cancel)?;
    // What stopped the model stands in the rows.
    let stopped = |fault: Fault| with_missing(unseen.explain(fault), &binding.missing(rows));
    let about = (&request.description, request.model.entry.as_path());
    let graph = Graph::new(answering, &space, about, &table, &ctx.cancel);
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
        walked_here: false,
        groups: Vec::new(),
        correlated: Vec::new(),
        target: None,
        data_digest: desk_data::digest_file(&request.data, &ctx.cancel, &desk_core::NoProgress)?,
        runtime: engine.version().to_owned(),
        warnings,
    };
    let numbers: Vec<u64> = (1..=rows.num_rows() as u64).map(|row| sample.number(row)).collect();
    let (table, features, numbers) = (table.as_slice(), features.as_slice(), numbers.as_slice());
    let asked = Asked { request, binding: &binding, rows, table, numbers, features, stopped: &stopped, ctx };
    reply.warnings.extend(coarse_answers(&asked.first_answers(&mut graph)?));
    match &request.wanted {
        Wanted::Importance { repeats, seed, score, grouping } => {
            asked.importance(&mut graph, (*repeats, *seed, score.as_deref()), grouping, &mut reply)?;
        }
        Wanted::Dependence { feature, points, curves, output, with, grouping } => {
            let along = (feature.as_str(), with.as_deref());
            let output = Asked::output(&graph, output.as_deref())?;
            asked.dependence(&mut graph, along, (*points, *curves, output), grouping, &mut reply)?;
        }
        Wanted::Surrogate { output, depth, least, seed } => {
            asked.surrogate(&mut graph, output.as_deref(), (*depth, *least, *seed), &mut reply)?;
        }
    }
    Ok(reply)
}

/// What all ways need.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub request: &'a GlobalRequest,
    binding: &'a Binding,
    rows: &'a RecordBatch,
    /// The rows as numbers, as wide as the features.
    pub table: &'a [f64],
    /// Numbers of the rows in the file.
    pub numbers: &'a [u64],
    pub features: &'a [FeatureInfo],
    /// Says beside a fault of the model what in the rows may be behind it.
    stopped: &'a dyn Fn(Fault) -> Fault,
    pub ctx: &'a JobContext,
}

impl Asked<'_> {
    pub(super) fn stopped(&self, error: impl Into<Fault>) -> Fault {
        (self.stopped)(error.into())
    }

    /// The same rows as other features see them.
    pub(super) fn seeing<'b>(&self, table: &'b [f64], features: &'b [FeatureInfo]) -> Asked<'b>
    where
        Self: 'b,
    {
        Asked { table, features, ..*self }
    }

    pub(super) fn subject<'b>(
        &'b self,
        predictor: &'b mut dyn Predictor,
        table: &'b [f64],
        row_numbers: &'b [u64],
    ) -> Subject<'b> {
        let (rows, features) = (Table::new(table, self.features.len()), self.features);
        Subject { predictor, trees: None, rows, row_numbers, features, cancel: &self.ctx.cancel, sink: self.ctx }
    }

    fn importance(
        &self,
        graph: &mut Graph<'_>,
        (repeats, seed, score): (usize, u64, Option<&str>),
        grouping: &Grouping,
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
        if score == Score::Accuracy {
            reply.warnings.extend(self.named_otherwise(graph, &table)?);
        }
        let judge = Judge::new(score, truth, graph.outputs)?;
        let groups = groups::grouped(grouping, self.features, &[Table::new(&table, width)])?;
        let (trees, unreadable) = trees(&self.request.model.entry, width);
        reply.warnings.extend(unreadable);
        let numbers: Vec<u64> = kept.iter().map(|row| self.numbers[*row]).collect();
        let mut subject = Subject { trees: trees.as_ref(), ..self.subject(graph, &table, &numbers) };
        let asked = ImportanceRequest { repeats, seed, groups };
        let found = permutation_importance(&mut subject, &judge, &asked).map_err(|error| self.stopped(error))?;
        let ImportanceRequest { groups, .. } = asked;
        let group = |feature: usize| groups.iter().position(|group| group.features.contains(&feature));
        // Columns of one group are shuffled together: that they go together is no trouble.
        let alone = found.features.iter().map(|feature| feature.feature).filter(|feature| group(*feature).is_none());
        let first: Vec<usize> = alone.take(LOOKED_AT).collect();
        reply.correlated = correlated(Table::new(&table, width), self.features, &first);
        reply.groups = groups::told(&groups, self.features, &[]);
        reply.warnings.extend(told::of_importance(&reply.correlated));
        reply.importance = Some(found);
        Ok(())
    }

    /// A warning where the model's own label is not the class with its largest score, and a refusal where it mostly is not:
    /// an SVM that was exported without probabilities has its two scores turned round.
    fn named_otherwise(&self, graph: &mut Graph<'_>, table: &[f64]) -> Result<Option<String>, Fault> {
        let first = &table[..table.len().min(256 * self.features.len())];
        let (scores, labels) = graph.answers(first).map_err(|error| self.stopped(error))?;
        let Some(labels) = labels.filter(|_| graph.outputs == graph.roles.classes.len()) else { return Ok(None) };
        let rows = scores.chunks(graph.outputs).zip(&labels);
        let other = rows.filter(|(row, label)| graph.roles.classes.get(largest(row)) != Some(*label)).count();
        let told = format!(
            "in {other} of {} the model names another class than that of its largest score",
            counted(labels.len() as u64, "row")
        );
        match other {
            0 => Ok(None),
            _ if 2 * other > labels.len() => Err(Fault::input(format!("{told}, by which importance judges accuracy"))
                .hint("Export the model with its probabilities")),
            _ => Ok(Some(format!("Accuracy is judged by the largest score, and {told}"))),
        }
    }

    /// What the model answers to the first rows.
    fn first_answers(&self, graph: &mut Graph<'_>) -> Result<Vec<Vec<f64>>, Fault> {
        let first = &self.table[..self.table.len().min(256 * self.features.len())];
        let answers = graph.predict(first).map_err(|error| self.stopped(error))?;
        Ok(answers.chunks(graph.outputs).map(<[f64]>::to_vec).collect())
    }

    /// The answers to some rows are shares of classes.
    pub(super) fn are_shares(&self, graph: &mut Graph<'_>, table: &[f64]) -> Result<bool, Fault> {
        let answers = Asked { table, ..*self }.first_answers(graph)?;
        let within = answers.iter().flatten().all(|p| (-1e-6..=1.0 + 1e-6).contains(p));
        Ok(within && graph.outputs > 1 && gives_shares(&self.request.description.operators, &answers))
    }

    /// What the outputs are called.
    pub(super) fn names(graph: &Graph<'_>) -> Vec<String> {
        let classes = &graph.roles.classes;
        if classes.is_empty() { graph.columns.clone() } else { classes.clone() }
    }

    /// The outputs that are asked for.
    pub(super) fn output(graph: &Graph<'_>, asked: Option<&str>) -> Result<OutputChoice, Fault> {
        output_choice(asked, &Self::names(graph), graph.outputs, graph.roles.classes.len() == 2)
    }

    /// Names of some outputs.
    pub(super) fn output_names(graph: &Graph<'_>, outputs: &[usize]) -> Vec<String> {
        Self::named(&Self::names(graph), outputs)
    }

    /// Of all names those of some outputs.
    pub(super) fn named(names: &[String], outputs: &[usize]) -> Vec<String> {
        let name = |index: &usize| names.get(*index).cloned().unwrap_or_else(|| format!("output {index}"));
        outputs.iter().map(name).collect()
    }
}

/// The place of the largest of some numbers, the first of equal ones.
fn largest(row: &[f64]) -> usize {
    (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0)
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
