//! A row as it stands, and as it would be.

use desk_app::what_if::WhatIf;
use desk_core::words::short;

use super::lines::Lines;
use super::table::Table;

/// Features whose parts are shown; all are in the JSON.
const FEATURES: usize = 10;

/// What was changed, what the answer becomes, and which parts of it move.
pub fn what_if(found: &WhatIf) -> String {
    let a = &found.explanation;
    let mut lines = Lines::default();
    for change in &found.changes {
        let text = |value: &str| if value.is_empty() { "missing".to_owned() } else { value.to_owned() };
        lines.line(format!("Row {}: {} {} → {}", found.row, change.feature, text(&change.was), text(&change.is)));
    }
    if found.changes.is_empty() {
        lines.line(format!("Row {} has these values already: nothing changes", found.row));
    }
    for o in 0..a.output_names.len() {
        let prediction = |row: usize| a.predictions.get(row).and_then(|all| all.get(o)).copied().unwrap_or(f64::NAN);
        let (was, is) = (prediction(0), prediction(1));
        lines.line(format!("{}: {} → {} ({}{})", a.unit(o), short(was), short(is), sign(is - was), short(is - was)));
        let probability = |row: usize| a.probabilities.as_ref().and_then(|all| all.get(row)?.get(o).copied());
        if let (Some(was), Some(is)) = (probability(0), probability(1)) {
            lines.line(format!("probability: {} → {}", short(was), short(is)));
        }
        lines.block(parts(found, o));
    }
    for warning in &a.warnings {
        lines.line(format!("warning: {warning}"));
    }
    lines.text()
}

fn sign(value: f64) -> &'static str {
    if value > 0.0 { "+" } else { "" }
}

/// Contributions before and after, those that move most first.
fn parts(found: &WhatIf, output: usize) -> String {
    let a = &found.explanation;
    let mut moved: Vec<(usize, f64, f64)> = (0..a.feature_names.len())
        .map(|feature| (feature, a.value(0, feature, output), a.value(1, feature, output)))
        .filter(|(_, was, is)| was.is_finite() && is.is_finite() && (*was != 0.0 || *is != 0.0))
        .collect();
    moved.sort_by(|a, b| (b.2 - b.1).abs().total_cmp(&(a.2 - a.1).abs()));
    let mut table = Table::new(&["feature", ">adds", ">would add", ">moves by"]);
    for (feature, was, is) in moved.into_iter().take(FEATURES) {
        let name = a.feature_names[feature].clone();
        table.row(vec![name, short(was), short(is), format!("{}{}", sign(is - was), short(is - was))]);
    }
    table.render("No feature adds anything")
}
