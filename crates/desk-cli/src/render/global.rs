//! Importance and dependence for people; the JSON has all of it.

use desk_app::global::{Basis, DependenceAnswer, ImportanceAnswer, PairDependence};
use desk_app::outcome::Grouped;
use desk_core::counted;
use desk_core::words::short;

use super::lines::Lines;
use super::seconds;
use super::table::Table;

/// Features that are shown; all are in the JSON.
const FEATURES: usize = 20;
/// Points of a curve that are shown.
const POINTS: usize = 15;
/// Points of each of two features that are shown.
const ACROSS: usize = 8;

/// The features by what shuffling them costs.
pub fn importance(found: &ImportanceAnswer) -> String {
    let (basis, all) = (&found.basis, &found.importance);
    let mut lines = Lines::default();
    let target = found.truth().map_or_else(String::new, |truth| format!(" against {truth}"));
    lines.line(format!(
        "{} on {}{target}: {} {}, {} each",
        basis.version,
        rows(basis),
        all.score,
        short(all.baseline),
        counted(all.repeats as u64, "shuffle")
    ));
    let mut table = Table::new(&["feature", ">costs", ">95 % interval", ">spread of shuffles"]);
    for feature in all.features.iter().take(FEATURES) {
        let interval = format!("{} to {}", short(feature.low), short(feature.high));
        let name = if feature.matters { feature.name.clone() } else { format!("{} (may be chance)", feature.name) };
        table.row(vec![name, short(feature.mean), interval, short(feature.std)]);
    }
    lines.block(table.render("The model has no feature"));
    if all.features.len() > FEATURES {
        lines.line(format!("… {}: --json has all", counted((all.features.len() - FEATURES) as u64, "more feature")));
    }
    if !found.groups.is_empty() {
        let told: Vec<String> = found.groups.iter().map(Grouped::words).collect();
        lines.line(format!("shuffled together: {}; --no-groups shuffles every column by itself", told.join(", ")));
    }
    if let Some(walked) = all.walked {
        lines.line(format!("walked again: {} of {} ways down the trees", walked.again, walked.all));
    }
    ending(&mut lines, basis, Some(all.seed), all.model_rows);
    lines.text()
}

/// Mean answers along a feature, with accumulated effects beside them.
pub fn dependence(found: &DependenceAnswer) -> String {
    let (basis, partial) = (&found.basis, &found.partial);
    let mut lines = Lines::default();
    lines.line(format!("{} on {} along {}", basis.version, rows(basis), found.feature));
    for (at, name) in found.output_names.iter().enumerate() {
        lines.line(format!("{name}:"));
        let mut table = Table::new(&[">value", ">mean answer", ">± standard error", ">accumulated effect"]);
        let n = partial.grid.len();
        let shown: Vec<usize> =
            if n <= POINTS { (0..n).collect() } else { (0..POINTS).map(|i| i * (n - 1) / (POINTS - 1)).collect() };
        for point in shown {
            let value = match &found.levels {
                Some(levels) => levels[point].clone(),
                None => short(partial.grid[point]),
            };
            let effect = found.ale.as_ref().map_or_else(String::new, |ale| {
                interpolated(&ale.edges, &ale.effects[at], partial.grid[point]).map_or_else(String::new, short)
            });
            table.row(vec![value, short(partial.mean[at][point]), short(partial.std_error[at][point]), effect]);
        }
        lines.block(table.render("There is no value"));
        if n > POINTS {
            lines.line(format!("… {POINTS} of {n} points are shown: --json has all"));
        }
        if let Some(pair) = &found.pair {
            lines.line(format!("{name}, mean answer; {} down, {} across:", pair.names[0], pair.names[1]));
            lines.block(surface(found, pair, at));
            lines.block(left_out(pair));
            lines.line(together(pair, at));
        }
    }
    ending(&mut lines, basis, None, found.model_rows);
    lines.text()
}

/// The mean answers over two features; where no row is near, they stand in brackets.
fn surface(found: &DependenceAnswer, pair: &PairDependence, output: usize) -> String {
    let shown = |n: usize| {
        if n <= ACROSS { (0..n).collect() } else { (0..ACROSS).map(|i| i * (n - 1) / (ACROSS - 1)).collect() }
    };
    let (down, across): (Vec<usize>, Vec<usize>) = (shown(pair.grids[0].len()), shown(pair.grids[1].len()));
    let value = |levels: &Option<Vec<String>>, grid: &[f64], at: usize| match levels {
        Some(levels) => levels[at].clone(),
        None => short(grid[at]),
    };
    let mut header = vec![">".to_owned()];
    header.extend(across.iter().map(|at| format!(">{}", value(&found.other_levels, &pair.grids[1], *at))));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(&header);
    for i in down {
        let mut cells = vec![value(&found.levels, &pair.grids[0], i)];
        for j in &across {
            let mean = short(pair.mean[output][i][*j]);
            cells.push(if pair.near[i][*j] == 0 { format!("({mean})") } else { mean });
        }
        table.row(cells);
    }
    table.render("There is no value")
}

/// How much of a surface is shown, and what its brackets mean, each where it is so.
fn left_out(pair: &PairDependence) -> String {
    let sides = pair.grids.each_ref().map(Vec::len);
    let mut lines = Lines::default();
    if sides.iter().any(|side| *side > ACROSS) {
        let [down, across] = sides;
        lines.line(format!(
            "… {} of {down} values down and {} of {across} across are shown: --json has all",
            down.min(ACROSS),
            across.min(ACROSS)
        ));
    }
    if pair.near.iter().flatten().any(|rows| *rows == 0) {
        lines.line("In brackets: no row is near these two values");
    }
    lines.text()
}

/// What the two features do only together.
fn together(pair: &PairDependence, output: usize) -> String {
    let (found, [one, other]) = (&pair.interaction, &pair.names);
    let size = short(found.size[output]);
    let over = counted(found.rows as u64, "row");
    match found.h[output] {
        Some(h) => format!("interaction of {one} and {other}: H {h:.3}, {size} in the answer's unit, over {over}"),
        None => format!("interaction of {one} and {other}: none, the answer does not depend on them over {over}"),
    }
}

/// The effect between two edges, on the line that joins them.
fn interpolated(edges: &[f64], effects: &[f64], value: f64) -> Option<f64> {
    let above = edges.partition_point(|edge| *edge < value);
    if edges.get(above) == Some(&value) {
        return effects.get(above).copied();
    }
    let (low, high) = (*edges.get(above.checked_sub(1)?)?, *edges.get(above)?);
    let part = (value - low) / (high - low);
    Some(effects[above - 1] + part * (effects[above] - effects[above - 1]))
}

pub(super) fn rows(basis: &Basis) -> String {
    if basis.used_rows == basis.of_rows {
        return format!("{} of {}", counted(basis.used_rows, "row"), basis.data);
    }
    format!("{} of {} of {}", basis.used_rows, counted(basis.of_rows, "row"), basis.data)
}

/// What the numbers rest on, what to know, and where they are recorded.
pub(super) fn ending(lines: &mut Lines, basis: &Basis, seed: Option<u64>, model_rows: u64) {
    let seed = seed.map(|seed| format!("seed {seed} · ")).unwrap_or_default();
    let Basis { rows_from, runtime, device, .. } = basis;
    lines.line(format!(
        "{rows_from} · {seed}{model_rows} model rows · {runtime} on {device} · {}",
        seconds(basis.seconds)
    ));
    for warning in &basis.warnings {
        lines.line(format!("warning: {warning}"));
    }
    if !basis.run.is_empty() {
        lines.line(format!("run {}", basis.run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_of_a_surface_is_said() {
        let pair = |down: usize, across: usize, near: usize| PairDependence {
            features: [0, 1],
            names: ["a".into(), "b".into()],
            outputs: vec![0],
            grids: [vec![0.0; down], vec![0.0; across]],
            mean: Vec::new(),
            near: vec![vec![near; across]; down],
            interaction: serde_json::from_value(serde_json::json!({ "rows": 1, "h": [null], "size": [0.0] }))
                .expect("an interaction"),
            rows: 1,
            model_rows: 1,
        };
        assert_eq!(left_out(&pair(8, 3, 1)), "");
        let told = left_out(&pair(10, 3, 0));
        assert!(
            told.starts_with("… 8 of 10 values down and 3 of 3 across are shown: --json has all\nIn brackets"),
            "{told}"
        );
    }

    #[test]
    fn effects_between_edges_lie_on_the_line() {
        let (edges, effects) = ([0.0, 1.0, 3.0], [-1.0, 0.0, 4.0]);
        assert_eq!(interpolated(&edges, &effects, 0.0), Some(-1.0));
        assert_eq!(interpolated(&edges, &effects, 2.0), Some(2.0));
        assert_eq!(interpolated(&edges, &effects, 3.0), Some(4.0));
        assert_eq!(interpolated(&edges, &effects, 3.5), None);
        assert_eq!(interpolated(&edges, &effects, -0.5), None);
    }
}
