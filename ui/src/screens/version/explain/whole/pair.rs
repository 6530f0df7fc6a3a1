//! How the answers change along two features together, and how much of that neither does alone.

use desk_app::global::{DependenceAnswer, PairDependence};
use desk_uikit::format;
use desk_uikit::plot::{Figure, Map};
use desk_uikit::table::{Cell, Column};
use egui::Ui;

use crate::cx::Cx;

/// The map of one output, made ready off the frame: the first feature from left to right, the second upwards.
pub struct PairResult {
    outputs: Vec<Vec<f64>>,
    /// Values of the first feature, and of the second from the highest to the lowest.
    columns: Vec<String>,
    lines: Vec<String>,
    known: Vec<bool>,
}

impl PairResult {
    /// Of an answer that has a pair.
    pub fn of(answer: &DependenceAnswer) -> Option<Self> {
        let pair = answer.pair.as_ref()?;
        let name = |levels: &Option<Vec<String>>, value: f64| match levels {
            Some(levels) => levels.get(value as usize).cloned().unwrap_or_default(),
            None => format::number(value),
        };
        let [across, up] = &pair.grids;
        let places = || (0..up.len()).rev().flat_map(|y| (0..across.len()).map(move |x| (x, y)));
        Some(Self {
            outputs: pair.mean.iter().map(|mean| places().map(|(x, y)| mean[x][y]).collect()).collect(),
            columns: across.iter().map(|value| name(&answer.levels, *value)).collect(),
            lines: up.iter().rev().map(|value| name(&answer.other_levels, *value)).collect(),
            known: places().map(|(x, y)| pair.near[x][y] > 0).collect(),
        })
    }

    /// Rows near a cell of the map.
    fn near(&self, pair: &PairDependence, line: usize, column: usize) -> usize {
        pair.near.get(column).and_then(|near| near.get(self.lines.len() - 1 - line)).copied().unwrap_or(0)
    }
}

/// Shows the map of one output with what the two do only together.
pub fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    (answer, result): (&DependenceAnswer, &PairResult),
    output: usize,
    source: String,
) {
    let (Some(pair), Some(values)) = (&answer.pair, result.outputs.get(output)) else { return };
    let name = answer.output_names.get(output).map_or("answer", String::as_str);
    let [one, other] = &pair.names;
    let what = format!("Mean {name}");
    let map = Map::new(&what, &result.lines, &result.columns, values).titles(other, one).known(&result.known);
    let empty = result.known.iter().filter(|known| !**known).count() as u64;
    let crossed = if empty > 0 {
        format!(". {} crossed out: no row is near", format::plural(empty, "cell is", "cells are"))
    } else {
        String::new()
    };
    let caption = format!("of {name} on {one} and {other}, {}", format::plural(pair.rows as u64, "row", "rows"));
    let told = format!("{}. {}{crossed}", map.summary(), together(pair, output));
    let figure = Figure::new("Dependence on both").caption(&caption).source(source).summary(told);
    let about = |line: usize, column: usize| {
        let value = values.get(line * result.columns.len() + column).copied().unwrap_or(f64::NAN);
        let near = result.near(pair, line, column) as u64;
        vec![
            format!("{one} = {}", result.columns[column]),
            format!("{other} = {}", result.lines[line]),
            format!("{what} {}", format::number(value)),
            format!("{} near", format::plural(near, "row", "rows")),
        ]
    };
    let paint = |ui: &mut Ui| {
        Map::new(&what, &result.lines, &result.columns, values).titles(other, one).known(&result.known).show(ui, about);
    };
    cx.wish(figure.show(ui, paint, || table(pair, result, (values, &what))));
    ui.add_space(8.0);
}

/// Friedman's H in words.
fn together(pair: &PairDependence, output: usize) -> String {
    let (found, rows) = (&pair.interaction, format::plural(pair.interaction.rows as u64, "row", "rows"));
    let size = found.size.get(output).copied().unwrap_or(f64::NAN);
    match found.h.get(output).copied().flatten() {
        Some(h) => format!(
            "H is {} over {rows}: that part of their joint effect is not the sum of their own ones, {} of the answer",
            format::fixed(h, 3),
            format::number(size)
        ),
        None => format!("The answer does not depend on the two over {rows}"),
    }
}

fn table(
    pair: &PairDependence,
    result: &PairResult,
    (values, what): (&[f64], &str),
) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = vec![
        Column::text(pair.names[0].clone()),
        Column::text(pair.names[1].clone()),
        Column::number(what),
        Column::number("Rows near"),
    ];
    let decimals = format::decimals(values.iter().copied());
    let line = |at: usize| {
        let (line, column) = (at / result.columns.len(), at % result.columns.len());
        let near = result.near(pair, line, column);
        vec![
            Cell::text(result.columns[column].clone()),
            Cell::text(result.lines[line].clone()),
            Cell::fixed(values[at], decimals),
            Cell::shown_as(near as f64, format::count(near as u64)),
        ]
    };
    (columns, (0..values.len()).map(line).collect())
}
