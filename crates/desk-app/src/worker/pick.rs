//! Picking the rows that are worth a look: the model answers to all of them first.

use desk_core::words::quoted;
use desk_core::{Fault, FaultKind, Predictor as _, Progress, ProgressSink as _};
use desk_data::Target;
use desk_explain::OutputChoice;
use desk_explain::global::{Judge, Score, Truth};
use desk_jobs::JobContext;

use super::explain::gives_shares;
use super::function::Graph;
use super::global::truth;
use super::roles::Task;
use crate::command::{Pick, PickBy, Picked};

/// Rows that are answered at once.
const CHUNK: usize = 2048;

/// What rows are picked from.
pub(super) struct From<'a> {
    /// The rows as numbers, as wide as the model's features.
    pub table: &'a [f64],
    pub width: usize,
    /// The columns with the truth.
    pub truths: &'a [Target],
    /// Operators of the model, which tell whether its answers are shares of classes.
    pub operators: &'a [desk_core::OperatorUse],
    /// The output whose answer is looked at.
    pub output: OutputChoice,
    pub seed: u64,
    /// The file has more rows.
    pub partly: bool,
    /// The first of them in the file, from 0.
    pub first: u64,
}

/// The places of the rows that were picked, in their order, and why.
pub(super) fn pick(
    pick: Pick,
    from: &From<'_>,
    graph: &mut Graph<'_>,
    ctx: &JobContext,
) -> Result<(Vec<usize>, Picked), Fault> {
    let n = from.table.len() / from.width.max(1);
    let of = |by: PickBy, measure: String, without_truth: usize| Picked {
        by,
        measure,
        values: Vec::new(),
        of_rows: n as u64,
        without_truth: without_truth as u64,
        partly: from.partly,
        from_row: from.first + 1,
    };
    if pick.by == PickBy::Random {
        return Ok((desk_explain::draw(pick.count, n, from.seed), of(pick.by, String::new(), 0)));
    }
    let answers = answers(from, graph, ctx)?;
    let (mut keys, measure, without) = match pick.by {
        PickBy::Worst => worst(from, graph, &answers)?,
        PickBy::Threshold => near(from, graph, &answers, pick.threshold)?,
        _ => high_or_low(from, graph, &answers),
    };
    let largest_first = matches!(pick.by, PickBy::Worst | PickBy::Highest);
    // Rows that are alike keep their order; what is no number stands last.
    keys.sort_by(|(_, a), (_, b)| match (a.is_nan(), b.is_nan()) {
        (false, false) if largest_first => b.total_cmp(a),
        (false, false) => a.total_cmp(b),
        (a, b) => a.cmp(&b),
    });
    keys.truncate(pick.count);
    let picked = Picked { values: keys.iter().map(|(_, key)| *key).collect(), ..of(pick.by, measure, without) };
    Ok((keys.into_iter().map(|(row, _)| row).collect(), picked))
}

/// The model's answers to all rows, rows x outputs.
fn answers(from: &From<'_>, graph: &mut Graph<'_>, ctx: &JobContext) -> Result<Vec<f64>, Fault> {
    let mut answers = Vec::new();
    let total = from.table.len() / from.width;
    for (at, part) in from.table.chunks(CHUNK * from.width).enumerate() {
        ctx.cancel.check()?;
        ctx.report(Progress::new("Looking for rows", (at * CHUNK) as u64, Some(total as u64), "rows"));
        answers.extend(graph.predict(part)?);
    }
    Ok(answers)
}

/// Rows with a number, what the number is, and how many rows have none.
type Keys = (Vec<(usize, f64)>, String, usize);

/// How far each answer is from the truth.
fn worst(from: &From<'_>, graph: &Graph<'_>, answers: &[f64]) -> Result<Keys, Fault> {
    let [target] = from.truths else {
        let what =
            if from.truths.is_empty() { "no column with the truth is known" } else { "several truths are named" };
        return Err(Fault::input(format!("the worst rows are those furthest from one truth, and {what}"))
            .hint("Name the column with the truth (--target)"));
    };
    let outputs = graph.outputs;
    let classes = graph.roles.task == Task::Classification;
    let rows: Vec<Vec<f64>> = answers.chunks(outputs).map(<[f64]>::to_vec).collect();
    let shares = outputs > 1 && gives_shares(from.operators, &rows);
    let score = match (classes, shares) {
        (false, _) => Score::NegMeanAbsoluteError,
        (true, true) => Score::NegLogLoss,
        (true, false) => Score::Accuracy,
    };
    let (truth, kept) = truth(target, &graph.roles, score)?;
    let without = rows.len() - kept.len();
    if let (Truth::Classes(classes), false) = (&truth, shares) {
        let behind = |(row, class): (&usize, &usize)| {
            let others = rows[*row].iter().enumerate().filter(|(at, _)| at != class).map(|(_, score)| *score);
            (*row, others.fold(f64::NEG_INFINITY, f64::max) - rows[*row][*class])
        };
        let keys = kept.iter().zip(classes).map(behind).collect();
        return Ok((keys, "lead of another class over the truth".to_owned(), without));
    }
    let judge = Judge::new(score, truth, outputs)?;
    let keys = kept.iter().enumerate().map(|(at, row)| (*row, -judge.of(at, &rows[*row]))).collect();
    let measure = if classes { "log loss" } else { "absolute error" };
    Ok((keys, measure.to_owned(), without))
}

/// How far each answer is from being another.
fn near(from: &From<'_>, graph: &Graph<'_>, answers: &[f64], threshold: Option<f64>) -> Result<Keys, Fault> {
    let outputs = graph.outputs;
    let classes = graph.roles.task == Task::Classification && outputs > 1;
    if !classes && threshold.is_none() {
        return Err(Fault::new(FaultKind::Usage, "the model answers with a number, and no threshold was named")
            .hint("Name the number from which on it matters: the threshold, --threshold on the command line"));
    }
    let rows = || answers.chunks(outputs).map(<[f64]>::to_vec).collect::<Vec<_>>();
    if let Some(limit) = threshold.filter(|limit| !(0.0..=1.0).contains(limit))
        && classes
        && gives_shares(from.operators, &rows())
    {
        return Err(Fault::new(FaultKind::Usage, format!("the model answers with probabilities, and {limit} is none"))
            .hint("Give a threshold from 0 to 1"));
    }
    if let (true, None) = (outputs > 2, threshold) {
        let lead = |row: &[f64]| {
            let mut sorted = row.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted[0] - sorted[1]
        };
        let keys = answers.chunks(outputs).map(lead).enumerate().collect();
        return Ok((keys, "lead of the first class over the second".to_owned(), 0));
    }
    let limit = threshold.unwrap_or(0.5);
    if outputs > 2 && from.output == OutputChoice::All {
        let nearest = |row: &[f64]| row.iter().map(|answer| (answer - limit).abs()).fold(f64::INFINITY, f64::min);
        let keys = answers.chunks(outputs).map(nearest).enumerate().collect();
        return Ok((keys, format!("distance of an answer from {limit}"), 0));
    }
    let output = one_output(from, graph);
    let keys = answers.chunks(outputs).map(|row| (row[output] - limit).abs()).enumerate().collect();
    Ok((keys, format!("distance of the {} from {limit}", name_of(graph, output)), 0))
}

/// The answers themselves; of several outputs that are all explained the largest one.
fn high_or_low(from: &From<'_>, graph: &Graph<'_>, answers: &[f64]) -> Keys {
    let rows = answers.chunks(graph.outputs);
    if graph.outputs > 2 && from.output == OutputChoice::All {
        let keys = rows.map(|row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max)).enumerate().collect();
        return (keys, "largest answer".to_owned(), 0);
    }
    let output = one_output(from, graph);
    (rows.map(|row| row[output]).enumerate().collect(), name_of(graph, output), 0)
}

/// The output that rows are looked at by: the one that is explained, of two classes the second one.
fn one_output(from: &From<'_>, graph: &Graph<'_>) -> usize {
    match from.output {
        OutputChoice::One(output) => output,
        OutputChoice::All if graph.outputs == 2 => 1,
        OutputChoice::All => 0,
    }
}

/// What an answer is called.
fn name_of(graph: &Graph<'_>, output: usize) -> String {
    match graph.roles.classes.get(output) {
        Some(class) => format!("answer for {}", quoted(class)),
        None => "answer".to_owned(),
    }
}
