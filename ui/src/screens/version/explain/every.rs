//! Every explained row in one chart: dots of each feature, a map of all contributions, or the ways to the answers.

use desk_app::outcome::Explained;
use desk_uikit::format;
use desk_uikit::plot::{Beeswarm, Decision, DecisionRow, Figure, Map, Swarm};
use egui::Ui;

use super::export;
use super::result::ExplainResult;
use crate::cx::Cx;

/// Ways that are drawn, evenly over all rows; more of them hide each other.
const WAYS: usize = 200;

/// How every row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Every {
    /// One dot for each row on the line of each feature.
    #[default]
    Beeswarm,
    /// Rows side by side, the highest answer first.
    Heat,
    /// The way of each answer from the base.
    Decision,
}

const EVERY: [(Every, &str); 3] =
    [(Every::Beeswarm, "Beeswarm"), (Every::Heat, "Heat map"), (Every::Decision, "Decision")];

/// The charts that an explanation has, with their names: ways lead only where contributions add up from one base, and rows
/// that were taken apart have no features in common.
pub fn charts(result: &ExplainResult) -> &'static [(Every, &'static str)] {
    match result.answer.is_additive() {
        _ if result.has_parts() => &[],
        true => &EVERY,
        false => &EVERY[..2],
    }
}

/// What the map and the ways are drawn from, for one output.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Names of the features that matter most, and of the rest together where there is one.
    lines: Vec<String>,
    /// Indices of the rows by their answers, the highest first; their numbers as text; and the answers.
    order: Vec<usize>,
    numbers: Vec<String>,
    answers: Vec<f64>,
    /// Lines x rows in that order.
    amounts: Vec<f64>,
    /// The ways in that order, where contributions add up.
    ways: Vec<DecisionRow>,
}

impl Rows {
    /// Of the features of `swarms`, the most important first; those that move nothing are among the rest.
    pub fn of(answer: &Explained, output: usize, swarms: &[Swarm]) -> Self {
        let moving = swarms.iter().filter(|swarm| swarm.amounts.iter().any(|amount| *amount != 0.0)).count();
        let swarms = &swarms[..moving.max(1).min(swarms.len())];
        let rows = answer.row_numbers.len();
        let of = |all: &[Vec<f64>], row: usize| all.get(row).and_then(|all| all.get(output)).copied();
        let said = |row: usize| of(&answer.predictions, row).unwrap_or(f64::NAN);
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|a, b| said(*b).total_cmp(&said(*a)));
        let amount = |swarm: &Swarm, row: usize| swarm.amounts.get(row).copied().unwrap_or_default();
        let others = |row: usize| {
            said(row) - answer.base(row, output) - swarms.iter().map(|swarm| amount(swarm, row)).sum::<f64>()
        };
        let hidden = answer.feature_names.len().saturating_sub(swarms.len());
        let mut lines: Vec<String> = swarms.iter().map(|swarm| swarm.name.clone()).collect();
        let mut amounts: Vec<f64> =
            swarms.iter().flat_map(|swarm| order.iter().map(|row| amount(swarm, *row))).collect();
        if hidden > 0 && answer.is_additive() {
            lines.push(format!("{hidden} other features"));
            amounts.extend(order.iter().map(|row| others(*row)));
        }
        let way = |row: &usize| DecisionRow {
            row: *row,
            number: answer.row_numbers[*row],
            amounts: swarms.iter().map(|swarm| amount(swarm, *row)).collect(),
            others: others(*row),
        };
        let ways = if answer.is_additive() { order.iter().map(way).collect() } else { Vec::new() };
        let numbers = order.iter().map(|row| format::count(answer.row_numbers[*row])).collect();
        let answers = order.iter().map(|row| said(*row)).collect();
        Self { lines, order, numbers, answers, amounts, ways }
    }

    /// The ways that are drawn: all of a few, else evenly from the highest to the lowest, with the marked one.
    fn drawn(&self, marked: usize) -> Vec<DecisionRow> {
        let n = self.ways.len();
        let step = n.div_ceil(WAYS).max(1);
        let is_drawn = |(i, way): &(usize, &DecisionRow)| i % step == 0 || *i + 1 == n || way.row == marked;
        self.ways.iter().enumerate().filter(is_drawn).map(|(_, way)| way.clone()).collect()
    }
}

/// Shows the chart with the chosen row marked; a press on another row chooses it.
pub fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (every, row): (Every, &mut usize),
    (output, width): (usize, f32),
) {
    let Some(all) = result.outputs.get(output) else { return };
    let number = result.answer.row_numbers.get(*row).copied().unwrap_or_default();
    let (unit, marked) = (result.unit(output), *row);
    let clicked = std::cell::Cell::new(None);
    let pressed = |response: &egui::Response, row: Option<usize>| clicked.set(row.filter(|_| response.clicked()));
    let ways = if every == Every::Decision { all.rows.drawn(marked) } else { Vec::new() };
    let what = match every {
        Every::Beeswarm => "one dot a row".to_owned(),
        Every::Heat => "the highest answers first".to_owned(),
        Every::Decision if ways.len() < all.rows.ways.len() => {
            format!("{} of {} ways", format::count(ways.len() as u64), format::count(all.rows.ways.len() as u64))
        }
        Every::Decision => "one line a row".to_owned(),
    };
    let caption = format!("{what}, row {} marked", format::count(number));
    let figure = Figure::new("Every row").caption(&caption).source(result.source()).width(width);
    let paint = |ui: &mut Ui| match every {
        Every::Beeswarm => {
            let swarm = Beeswarm::new(&unit, &all.swarms).numbers(&result.answer.row_numbers).marked(marked);
            let (response, under) = swarm.show(ui);
            pressed(&response, under);
        }
        Every::Heat => {
            let rows = &all.rows;
            let mut map =
                Map::new("Contribution", &rows.lines, &rows.numbers, &rows.amounts).titles("", "Row").signed();
            if let Some(at) = rows.order.iter().position(|row| *row == marked) {
                map = map.marked(at);
            }
            let about = |line: usize, column: usize| about(result, (&all.swarms, &unit), rows, (line, column));
            let (response, under) = map.above(&unit, &rows.answers).show(ui, about);
            pressed(&response, under.and_then(|(_, column)| rows.order.get(column).copied()));
        }
        Every::Decision => {
            let named = ways.first().map_or(0, |way| way.amounts.len());
            let names = &all.rows.lines[..named];
            let (response, under) = Decision::new(result.base(0, output), names, &ways, &unit).marked(marked).show(ui);
            pressed(&response, under);
        }
    };
    cx.wish(figure.show(ui, paint, || export::swarm_table(result, output)));
    *row = clicked.get().unwrap_or(*row);
}

/// One contribution in words.
fn about(
    result: &ExplainResult,
    (swarms, unit): (&[Swarm], &str),
    rows: &Rows,
    (line, column): (usize, usize),
) -> Vec<String> {
    let Some(row) = rows.order.get(column).copied() else { return Vec::new() };
    let number = result.answer.row_numbers.get(row).copied().unwrap_or_default();
    let value = swarms.get(line).and_then(|swarm| swarm.values.get(row)).filter(|value| !value.is_empty());
    let name = rows.lines.get(line).cloned().unwrap_or_default();
    let amount = rows.amounts.get(line * rows.order.len() + column).copied().unwrap_or(f64::NAN);
    vec![
        format!("Row {}: {}", format::count(number), format::number(rows.answers[column])),
        value.map_or_else(|| name.clone(), |value| format!("{name} = {value}")),
        format!("{} to the {unit}", format::signed(amount)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_ways_some_are_drawn_and_the_marked_one_always() {
        let way = |row: usize| DecisionRow { row, number: row as u64 + 1, amounts: vec![], others: 0.0 };
        let rows = Rows { ways: (0..1000).map(way).collect(), ..Rows::default() };
        let drawn: Vec<usize> = rows.drawn(123).iter().map(|way| way.row).collect();
        assert!(drawn.len() == 202 && drawn.contains(&123) && drawn.contains(&0) && drawn.contains(&999), "{drawn:?}");
        let few = Rows { ways: (0..7).map(way).collect(), ..Rows::default() };
        assert_eq!(few.drawn(2).len(), 7);
    }
}
