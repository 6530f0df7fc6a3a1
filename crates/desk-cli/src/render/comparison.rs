//! Two versions side by side.

use desk_app::compare::{AnswersCompared, Better, Comparison, ExplanationsCompared, Metric, MetricPair, OutputMoved};
use desk_core::counted;
use desk_core::words::short;

use crate::output::one_line;

use super::bytes;
use super::table::Table;

/// Operators and rows that are listed; all are in the JSON.
const LISTED: usize = 12;

/// What differs first, then how both answer the same rows.
pub fn comparison(found: &Comparison) -> String {
    let mut parts = vec![what(found)];
    if !found.breaks.is_empty() {
        let broken: Vec<String> = found.breaks.iter().map(|change| format!("  {change}")).collect();
        parts.push(format!("Clients of {} fail with {}:\n{}", found.first, found.second, broken.join("\n")));
    }
    match (&found.answers, &found.no_answers) {
        (Some(answers), _) => parts.push(self::answers(answers)),
        (None, Some(why)) => {
            parts.push(format!("{why}: add --data FILE to score the same file with both"));
        }
        (None, None) => {}
    }
    match (&found.explanations, &found.no_explanations) {
        (Some(explanations), _) => parts.extend(explanations.outputs.iter().map(|of| moved(explanations, of))),
        (None, Some(why)) => parts.push(format!("{why}: run modeldesk explain on the same rows with both")),
        (None, None) => {}
    }
    parts.join("\n\n")
}

/// Which features gained and lost, and which rows moved most.
fn moved(found: &ExplanationsCompared, of: &OutputMoved) -> String {
    let rows = counted(found.rows, "row");
    let [one, other] = &found.methods;
    let method = if one == other { one.clone() } else { format!("{one} and {other}") };
    let mut parts: Vec<String> =
        found.warnings.iter().map(|warning| one_line(&format!("warning: {warning}"))).collect();
    let order = of.rank_correlation.map(|r| format!("; order of features, Spearman {r:.2}")).unwrap_or_default();
    parts.push(format!("Explanations of {} over {rows} of both, {method}{order}", of.unit));
    let runs = [("first", &found.run_first), ("second", &found.run_second)];
    for ((which, run), (background, seed)) in runs.into_iter().zip(found.backgrounds.iter().zip(&found.seeds)) {
        parts.push(one_line(&format!("  {which}: run {run}, background {background}, seed {seed}")));
    }
    let mut table = Table::new(&["feature", ">first", ">second", ">difference", ">95 %", ">moved by"]);
    for feature in of.features.iter().take(LISTED) {
        let moved = &feature.moved;
        let interval =
            moved.interval.map_or_else(String::new, |(low, high)| format!("{} to {}", short(low), short(high)));
        let sure = if moved.is_sure() { format!("{interval} *") } else { interval };
        table.row(vec![
            feature.feature.clone(),
            short(moved.first),
            short(moved.second),
            short(moved.difference),
            sure,
            short(moved.moved),
        ]);
    }
    parts.push(table.render(""));
    let mut table = Table::new(&[">row", ">first", ">second", ">moved by", "most in"]);
    for row in of.moved.iter().take(LISTED) {
        let [a, b] = row.predictions.map(short);
        let [from, to] = row.contributions.map(short);
        table.row(vec![row.row.to_string(), a, b, short(row.moved), format!("{} {from} → {to}", row.feature)]);
    }
    parts.push(format!("Rows that moved most\n{}", table.render("")));
    parts.join("\n")
}

fn what(found: &Comparison) -> String {
    let mut table = Table::new(&["", "first", "second", ""]);
    let mark = |same: bool| if same { "" } else { "differs" }.to_owned();
    table.row(vec!["Version".into(), found.first.clone(), found.second.clone(), mark(found.same)]);
    let [first, second] = found.size_bytes;
    table.row(vec!["Size".into(), bytes(first), bytes(second), mark(first == second)]);
    for fact in &found.facts {
        table.row(vec![fact.name.clone(), fact.first.clone(), fact.second.clone(), mark(fact.first == fact.second)]);
    }
    for (part, values) in [("Input", &found.inputs), ("Output", &found.outputs)] {
        for value in values {
            let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
            let name = format!("{part} {}", value.name);
            table.row(vec![name, text(&value.first), text(&value.second), mark(value.first == value.second)]);
        }
    }
    for pair in found.operators.iter().filter(|pair| pair.first != pair.second).take(LISTED) {
        let name = format!("{} nodes", pair.operator);
        table.row(vec![name, pair.first.to_string(), pair.second.to_string(), mark(false)]);
    }
    table.render("")
}

fn answers(found: &AnswersCompared) -> String {
    let mut parts: Vec<String> =
        found.warnings.iter().map(|warning| one_line(&format!("warning: {warning}"))).collect();
    let mut table = Table::new(&["metric", ">first", ">second", "which is better"]);
    for pair in &found.metrics {
        let value = |metric: &Metric| match (metric.value, metric.low.zip(metric.high)) {
            (Some(value), Some((low, high))) => format!("{} ({} to {})", short(value), short(low), short(high)),
            (Some(value), None) => short(value),
            (None, _) => "undefined".to_owned(),
        };
        table.row(vec![pair.metric.replace('_', " "), value(&pair.first), value(&pair.second), better(found, pair)]);
    }
    if !found.metrics.is_empty() {
        let of = found.positive.as_ref().map(|class| format!(", of {class}")).unwrap_or_default();
        parts.push(format!("On {}{of}, with 95 % intervals:\n{}", found.data, table.render("")));
    }
    if found.rows > 0 {
        parts.push(rows(found));
    } else {
        parts.push("Row by row nothing is compared: the answers were written to files and are not kept here".into());
    }
    if !found.changes.is_empty() {
        let mut table = Table::new(&[">row", "first", "second", "truth", ""]);
        for change in found.changes.iter().take(LISTED) {
            let truth = change.truth.clone().unwrap_or_default();
            let kind = if change.kind == "other" { "" } else { &change.kind };
            table.row(vec![
                change.row.to_string(),
                change.first.clone(),
                change.second.clone(),
                truth,
                kind.to_owned(),
            ]);
        }
        parts.push(table.render(""));
        if found.changed > LISTED as u64 {
            parts.push(format!("{} more; the first thousand are in --json", found.changed - LISTED as u64));
        }
    }
    parts.join("\n\n")
}

fn better(found: &AnswersCompared, pair: &MetricPair) -> String {
    match found.better(pair) {
        Better::Same => "the same",
        Better::First => "first",
        Better::Second => "second",
        Better::Unclear => "not clear",
    }
    .to_owned()
}

fn rows(found: &AnswersCompared) -> String {
    let mut parts = vec![format!("{} of {} answered otherwise", found.changed, counted(found.rows, "row"))];
    parts.extend(found.largest.map(|largest| format!(", by {} at most", short(largest))));
    if let (Some(paired), Some(difference)) = (&found.paired, &found.difference) {
        parts.push(format!("; {} became wrong, {} became right", paired.only_first, paired.only_second));
        if let (Some(value), Some(low), Some(high)) = (difference.value, difference.low, difference.high) {
            let sign = if value > 0.0 { "+" } else { "" };
            parts.push(format!("\nAccuracy {sign}{} ({} to {}), same rows", short(value), short(low), short(high)));
        }
        parts.extend(found.p_value.map(|p| format!("; McNemar's exact test: p = {}", short(p))));
    }
    parts.concat()
}
