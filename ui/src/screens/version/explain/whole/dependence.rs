//! How the answers change along one feature: partial dependence, single rows' curves, accumulated local effects.

use desk_app::Command;
use desk_app::global::DependenceAnswer;
use desk_app::outcome::Outcome;
use desk_app::query::RunView;
use desk_core::Fault;
use desk_uikit::format;
use desk_uikit::plot::{Bar, Bars, Figure, Lines, Series};
use desk_uikit::table::{Cell, Column};
use egui::Ui;

use super::pair::{self, PairResult};
use crate::ages::ago;
use crate::cx::Cx;
use crate::fault::sentence;
use crate::screens::version::explain::view::outputs;
use crate::screens::version::warnings;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
const HEIGHT: f32 = 300.0;

/// A recorded result made ready to draw.
pub struct DependenceResult {
    answer: DependenceAnswer,
    command: Command,
    at: String,
    outputs: Vec<Drawn>,
    /// Along another feature, too.
    pair: Option<PairResult>,
}

/// One output's lines.
struct Drawn {
    /// Partial dependence, the ends of its interval, and the effects raised to its mean.
    series: Vec<Series>,
    /// Single rows' curves.
    curves: Vec<Vec<[f64; 2]>>,
    /// The same of a categorical feature, a bar for each value.
    bars: Vec<Bar>,
}

impl DependenceResult {
    /// Reads a recorded run.
    pub fn new(run: RunView) -> Result<Self, Fault> {
        let Outcome::Dependence(mut answer) = run.outcome else {
            return Err(Fault::bug(format!("run {} is no dependence", run.item.id)));
        };
        answer.basis.run.clone_from(&run.item.id);
        let outputs = (0..answer.partial.mean.len()).map(|output| drawn(&answer, output)).collect();
        let pair = PairResult::of(&answer);
        Ok(Self { answer: *answer, command: run.command, at: run.item.at, outputs, pair })
    }

    fn name(&self, output: usize) -> &str {
        self.answer.output_names.get(output).map_or("answer", String::as_str)
    }

    fn sentence(&self, output: usize) -> String {
        let partial = &self.answer.partial;
        let Some(means) = partial.mean.get(output).filter(|means| !means.is_empty()) else { return String::new() };
        let end = |better: fn(f64, f64) -> bool| {
            (0..means.len()).fold(0, |best, at| if better(means[at], means[best]) { at } else { best })
        };
        let (low, high) = (end(|a, b| a < b), end(|a, b| a > b));
        let value = |at: usize| match &self.answer.levels {
            Some(levels) => levels.get(partial.grid[at] as usize).cloned().unwrap_or_default(),
            None => format::number(partial.grid[at]),
        };
        format!(
            "The mean {} is lowest, {}, at {} and highest, {}, at {}",
            self.name(output),
            format::number(means[low]),
            value(low),
            format::number(means[high]),
            value(high)
        )
    }
}

fn drawn(answer: &DependenceAnswer, output: usize) -> Drawn {
    let partial = &answer.partial;
    let (means, errors) = (&partial.mean[output], &partial.std_error[output]);
    let line = |of: &dyn Fn(usize) -> f64| (0..partial.grid.len()).map(|i| [partial.grid[i], of(i)]).collect();
    if let Some(levels) = &answer.levels {
        let bar = |i: usize| Bar {
            name: levels.get(partial.grid[i] as usize).cloned().unwrap_or_default(),
            value: means[i],
            interval: Some((means[i] - Z * errors[i], means[i] + Z * errors[i])),
        };
        let bars = (0..partial.grid.len()).map(bar).collect();
        return Drawn { series: Vec::new(), curves: Vec::new(), bars };
    }
    let mut series = vec![
        Series::new("Partial dependence", line(&|i| means[i])),
        Series::new("Low end, 95 %", line(&|i| means[i] - Z * errors[i])).bound(),
        Series::new("High end, 95 %", line(&|i| means[i] + Z * errors[i])).bound(),
    ];
    if let Some(ale) = answer.ale.as_ref().filter(|ale| ale.effects.len() > output) {
        // Effects are differences, with mean 0 over the rows: at the level of the other line they can be compared.
        let mean = over_rows(&partial.grid, means, (&ale.edges, &ale.counts));
        let points = ale.edges.iter().zip(&ale.effects[output]).map(|(x, effect)| [*x, mean + effect]).collect();
        series.push(Series::new("Accumulated local effects, raised", points));
    }
    let curve = |values: &Vec<f64>| partial.grid.iter().zip(values).map(|(x, y)| [*x, *y]).collect();
    let curves = partial.curves.get(output).map(|rows| rows.iter().map(curve).collect()).unwrap_or_default();
    Drawn { series, curves, bars: Vec::new() }
}

/// The mean of a line over rows that lie between edges, at the middle of each two: grid points stand apart as quantiles
/// do or evenly, and say nothing of where the rows are.
fn over_rows(grid: &[f64], line: &[f64], (edges, counts): (&[f64], &[usize])) -> f64 {
    let at = |x: f64| match grid.partition_point(|g| *g < x) {
        0 => line.first().copied(),
        i if i == grid.len() => line.last().copied(),
        i => {
            let part = (x - grid[i - 1]) / (grid[i] - grid[i - 1]);
            Some(line[i - 1] + part * (line[i] - line[i - 1]))
        }
    };
    let middles = edges.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    let weighed = middles.zip(counts).filter_map(|(x, n)| Some((at(x)? * *n as f64, *n as f64)));
    let (sum, rows) = weighed.fold((0.0, 0.0), |(sum, rows), (y, n)| (sum + y, rows + n));
    if rows > 0.0 { sum / rows } else { line.iter().sum::<f64>() / line.len().max(1) as f64 }
}

/// Shows the chart of one output with what it rests on.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &DependenceResult, output: &mut usize) {
    let (answer, basis) = (&result.answer, &result.answer.basis);
    *output = (*output).min(result.outputs.len().saturating_sub(1));
    let Some(drawn) = result.outputs.get(*output) else { return };
    warnings::show(ui, &basis.warnings);
    if outputs(ui, "Class or output", &answer.output_names, output) {
        ui.add_space(4.0);
    }
    if let Some(both) = &result.pair {
        pair::show(ui, cx, (answer, both), *output, super::source(basis, &result.at));
    }
    let rows = format::plural(basis.used_rows, "row", "rows");
    let caption = format!("of {} along {}, {rows}", result.name(*output), answer.feature);
    let what = format!("Mean {}", result.name(*output));
    let single = match drawn.curves.len() {
        0 => String::new(),
        n => format!(". Faint: {}", format::plural(n as u64, "single row", "single rows")),
    };
    let raised = if drawn.bars.is_empty() && answer.ale.is_some() {
        ". Accumulated effects are differences: they stand at the level of the partial dependence's mean over the rows"
    } else {
        ""
    };
    let figure = Figure::new("Partial dependence")
        .caption(&caption)
        .aside(ago(&result.at))
        .source(super::source(basis, &result.at));
    let figure = figure.summary(format!("{}{single}{raised}", result.sentence(*output)));
    let paint = |ui: &mut Ui| {
        if drawn.bars.is_empty() {
            Lines::new(&drawn.series, &answer.feature, &what).faint(&drawn.curves).height(HEIGHT).show(ui);
        } else {
            Bars::new(&what, &drawn.bars).show(ui);
        }
    };
    cx.wish(figure.show(ui, paint, || table(result, *output)));
    super::rests_on(ui, cx, basis, &result.command, &sentence(&basis.method_reason));
}

fn table(result: &DependenceResult, output: usize) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let partial = &result.answer.partial;
    let value = match result.answer.levels {
        Some(_) => Column::text(result.answer.feature.clone()),
        None => Column::number(result.answer.feature.clone()),
    };
    let columns = vec![value, Column::number(format!("Mean {}", result.name(output))), Column::number("Std. error")];
    let row = |i: usize| {
        let x = partial.grid[i];
        let at = match &result.answer.levels {
            Some(levels) => Cell::text(levels.get(x as usize).cloned().unwrap_or_default()),
            None => Cell::shown_as(x, format::number(x)),
        };
        let number = |value: f64| Cell::shown_as(value, format::number(value));
        vec![at, number(partial.mean[output][i]), number(partial.std_error[output][i])]
    };
    (columns, (0..partial.grid.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_weighed_by_where_the_rows_are() {
        let (grid, line) = ([0.0, 1.0, 10.0], [1.0, 2.0, 11.0]);
        // Nine rows around 0.5 and one around 5.5.
        let mean = over_rows(&grid, &line, (&[0.0, 1.0, 10.0], &[9, 1]));
        assert!((mean - (9.0 * 1.5 + 6.5) / 10.0).abs() < 1e-12, "{mean}");
        assert_eq!(over_rows(&grid, &line, (&[20.0, 30.0], &[4])), 11.0, "beyond the grid");
        assert_eq!(over_rows(&[], &[], (&[], &[])), 0.0);
    }
}
