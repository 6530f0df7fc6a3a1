//! One feature over all rows: what it contributes against its value, coloured by the feature that changes that most.

use desk_app::outcome::Explained;
use desk_uikit::field::Field;
use desk_uikit::plot::{ColoredBy, Dependence, DependencePoint, Figure};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{card, format};
use egui::Ui;

use super::facts::method_name;
use super::result::{ExplainResult, levels_of};
use crate::cx::Cx;

/// More rows than these add nothing to the choice of a colour.
const LOOKED_AT: usize = 10_000;
const FIELD_WIDTH: f32 = 220.0;

/// What gives the dots their colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum By {
    /// The feature with which the contributions change most.
    #[default]
    Chosen,
    Nothing,
    Feature(usize),
}

/// What the card remembers.
#[derive(Default)]
pub struct DependenceCard {
    /// The run and the output it is about.
    of: Option<(String, usize)>,
    feature: Option<usize>,
    by: By,
    made: Option<Made>,
}

/// A feature's dots, made when the feature or the colour is another one.
struct Made {
    key: (usize, By),
    points: Vec<DependencePoint>,
    /// For each dot, the index of its row.
    rows: Vec<usize>,
    /// Categories, where the values are text.
    names: Vec<String>,
    by: Option<usize>,
    /// What the lowest and the highest value of that are called.
    ends: [String; 2],
    sentence: String,
}

impl DependenceCard {
    /// Shows the card with the choice of the feature and of the colour.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize) {
        let Some(all) = result.outputs.get(output).filter(|_| result.rows() > 1 && !result.answer.is_lime()) else {
            return;
        };
        let of = (result.answer.run.clone(), output);
        if self.of.as_ref() != Some(&of) {
            *self = Self { of: Some(of), ..Self::default() };
        }
        let Some(feature) = self.feature.or(all.order.first().copied()) else { return };
        ui.add_space(card::GAP);
        let by = self.made(result, output, feature).by;
        let (feature, by) = choices(ui, result, &all.order, feature, self.by, by);
        (self.feature, self.by) = (Some(feature), by);
        ui.add_space(4.0);
        // In the very frame of a choice: the former feature's dots and range are not shown once more.
        figure(ui, cx, result, output, feature, self.made(result, output, feature));
    }

    /// The dots of a feature, made anew when it or the colour is another one.
    fn made(&mut self, result: &ExplainResult, output: usize, feature: usize) -> &Made {
        let key = (feature, self.by);
        let known = self.made.take().filter(|made| made.key == key);
        self.made.insert(known.unwrap_or_else(|| {
            let mut made = make(&result.answer, output, feature, self.by);
            made.sentence = chart(result, output, feature, &made).summary();
            made
        }))
    }
}

/// The feature and the colour, most important features first.
fn choices(
    ui: &mut Ui,
    result: &ExplainResult,
    order: &[usize],
    mut feature: usize,
    mut by: By,
    chosen: Option<usize>,
) -> (usize, By) {
    let names = &result.answer.feature_names;
    let name = |feature: usize| names.get(feature).map_or("", String::as_str);
    ui.horizontal_top(|ui| {
        let options: Vec<(usize, &str)> = order.iter().map(|feature| (*feature, name(*feature))).collect();
        if Field::new("Feature").width(FIELD_WIDTH).show_choice(ui, &mut feature, &options) {
            by = By::Chosen;
        }
        let by_itself = match chosen.filter(|_| by == By::Chosen) {
            Some(other) => format!("Strongest: {}", name(other)),
            None => "The strongest".to_owned(),
        };
        let mut options = vec![(By::Chosen, by_itself.as_str()), (By::Nothing, "Nothing")];
        options
            .extend(order.iter().filter(|other| **other != feature).map(|other| (By::Feature(*other), name(*other))));
        Field::new("Coloured by").width(FIELD_WIDTH).show_choice(ui, &mut by, &options);
    });
    (feature, by)
}

fn chart<'a>(result: &'a ExplainResult, output: usize, feature: usize, made: &'a Made) -> Dependence<'a> {
    let names = &result.answer.feature_names;
    let by = made.by.map(|other| ColoredBy { name: &names[other], ends: made.ends.each_ref().map(String::as_str) });
    Dependence::new(&names[feature], result.unit(output), &made.points).categories(&made.names).colored_by(by)
}

fn figure(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize, feature: usize, made: &Made) {
    let answer = &result.answer;
    let name = &answer.feature_names[feature];
    let about = |point: usize| {
        let Some(row) = made.rows.get(point).copied() else { return Vec::new() };
        let number = answer.row_numbers.get(row).copied().unwrap_or_default();
        let cell = |feature: usize| format!("{} = {}", answer.feature_names[feature], text(answer, row, feature));
        let mut lines = vec![format!("Row {}", format::count(number)), cell(feature)];
        lines.extend(made.by.map(cell));
        let amount = format::signed(answer.value(row, feature, output));
        lines.push(format!("{amount} to the {}", result.unit(output)));
        lines
    };
    let rows = format::plural(made.points.len() as u64, "row", "rows");
    let caption = format!("of {name} over {rows} · {}", method_name(&answer.method));
    let left_out = match result.rows() - made.points.len() {
        0 => String::new(),
        n => format!(". {} without a value left out", format::plural(n as u64, "row", "rows")),
    };
    let figure = Figure::new("Dependence")
        .caption(&caption)
        .source(result.source())
        .summary(format!("{}{left_out}", made.sentence));
    let paint = |ui: &mut Ui| {
        chart(result, output, feature, made).sentence(&made.sentence).about(&about).show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(answer, feature, made)));
}

fn text(answer: &Explained, row: usize, feature: usize) -> &str {
    answer.feature_values.get(row).and_then(|values| values.get(feature)).map_or("", String::as_str)
}

/// The same numbers: a line for each dot.
fn table(answer: &Explained, feature: usize, made: &Made) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let value = |name: &String, numbers: bool| if numbers { Column::number(name) } else { Column::text(name.clone()) };
    let name = |feature: usize| &answer.feature_names[feature];
    let mut columns = vec![Column::number("Row"), value(name(feature), made.names.is_empty())];
    columns.push(Column::number("Contribution"));
    columns.extend(made.by.map(|other| Column::text(name(other).clone())));
    let decimals = format::decimals(made.points.iter().map(|point| point.y));
    let rows = made.rows.iter().zip(&made.points).map(|(row, point)| {
        let number = answer.row_numbers.get(*row).copied().unwrap_or_default();
        let own = text(answer, *row, feature).to_owned();
        let own = if made.names.is_empty() { Cell::shown_as(point.x, own) } else { Cell::text(own) };
        let mut cells = vec![Cell::shown_as(number as f64, format::count(number)), own, Cell::fixed(point.y, decimals)];
        cells.extend(made.by.map(|other| Cell::text(text(answer, *row, other).to_owned())));
        cells
    });
    (columns, rows.collect())
}

/// A feature's values as numbers; those of text are the numbers of its categories.
#[derive(Debug, Clone, PartialEq)]
struct Values {
    numbers: Vec<Option<f64>>,
    /// In alphabetical order; empty for numbers.
    names: Vec<String>,
}

impl Values {
    fn of(answer: &Explained, feature: usize) -> Self {
        let cells: Vec<&str> = (0..answer.row_numbers.len()).map(|row| text(answer, row, feature).trim()).collect();
        let number = |cell: &&str| cell.parse::<f64>().ok();
        if cells.iter().all(|cell| cell.is_empty() || number(cell).is_some()) {
            let numbers = cells.iter().map(|cell| number(cell).filter(|value| value.is_finite())).collect();
            return Self { numbers, names: Vec::new() };
        }
        let mut names: Vec<&str> = cells.iter().copied().filter(|cell| !cell.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let at = |cell: &&str| names.binary_search(cell).ok().map(|i| i as f64);
        Self { numbers: cells.iter().map(at).collect(), names: names.into_iter().map(str::to_owned).collect() }
    }
}

fn make(answer: &Explained, output: usize, feature: usize, asked: By) -> Made {
    let values = Values::of(answer, feature);
    let amounts: Vec<f64> = (0..answer.row_numbers.len()).map(|row| answer.value(row, feature, output)).collect();
    let by = match asked {
        By::Nothing => None,
        By::Feature(other) => Some(other),
        By::Chosen => strongest(answer, feature, &values.numbers, &amounts),
    };
    let colors = by.map(|other| Values::of(answer, other));
    let levels = colors.as_ref().map(|values| levels_of(&values.numbers)).unwrap_or_default();
    let (mut points, mut rows) = (Vec::new(), Vec::new());
    for (row, (x, y)) in values.numbers.iter().zip(&amounts).enumerate() {
        if let Some(x) = x.filter(|_| y.is_finite()) {
            points.push(DependencePoint { x, y: *y, level: levels.get(row).copied().flatten() });
            rows.push(row);
        }
    }
    let ends = match colors.as_ref().map(|values| values.names.as_slice()) {
        Some([first, .., last]) => [first.clone(), last.clone()],
        _ => ["low", "high"].map(str::to_owned),
    };
    Made { key: (feature, asked), points, rows, names: values.names, by, ends, sentence: String::new() }
}

/// The feature with whose value the contributions change most where the feature's own value is about the same.
fn strongest(answer: &Explained, feature: usize, x: &[Option<f64>], y: &[f64]) -> Option<usize> {
    // Evenly over the rows, so that the answer is the same each time.
    let every = x.len().div_ceil(LOOKED_AT).max(1);
    let mut rows: Vec<(f64, usize)> =
        (0..x.len()).step_by(every).filter_map(|row| Some((x[row].filter(|_| y[row].is_finite())?, row))).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows: Vec<usize> = rows.into_iter().map(|(_, row)| row).collect();
    let others = (0..answer.feature_names.len()).filter(|other| *other != feature);
    let strengths = others.map(|other| (strength(&rows, y, &Values::of(answer, other).numbers), other));
    let best = strengths.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    (best.0 > 0.0).then_some(best.1)
}

/// As shap's `approximate_interactions`: over windows of rows with about the same value, the sum of the sizes of the
/// correlations between contribution and the other feature's value.
fn strength(rows: &[usize], y: &[f64], other: &[Option<f64>]) -> f64 {
    let window = (rows.len() / 10).clamp(1, 50);
    let known = |rows: &[usize]| -> Vec<(f64, f64)> {
        rows.iter().filter_map(|row| Some((y[*row], other.get(*row).copied().flatten()?))).collect()
    };
    rows.chunks(window).map(|rows| correlation(&known(rows)).abs()).sum()
}

/// Pearson's; 0 where one of the two does not change.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| of(x - a, y - b)).sum::<f64>();
    let (both, first, second) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
    if first > 0.0 && second > 0.0 { both / (first * second).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: usize, feature: usize) -> f64 {
        let value = (row as f64 * 12.9898 + feature as f64 * 78.233).sin() * 43758.5453;
        value - value.floor()
    }

    /// Features of which the third changes what the first contributes, and the fifth what the second does.
    fn data() -> Vec<[f64; 5]> {
        let row = |row| std::array::from_fn(|feature| cell(row, feature));
        let mut all: Vec<[f64; 5]> = (0..240).map(row).collect();
        for row in &mut all {
            row[4] = (row[4] * 3.0).floor();
        }
        all
    }

    fn order(data: &[[f64; 5]], feature: usize, y: &[f64]) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..data.len()).collect();
        rows.sort_by(|a, b| data[*a][feature].total_cmp(&data[*b][feature]));
        let column = |other: usize| data.iter().map(|row| Some(row[other])).collect::<Vec<_>>();
        let mut others: Vec<usize> = (0..5).filter(|other| *other != feature).collect();
        let strength = |other: usize| strength(&rows, y, &column(other));
        others.sort_by(|a, b| strength(*b).total_cmp(&strength(*a)));
        others
    }

    #[test]
    fn features_are_ranked_as_shap_ranks_them() {
        let data = data();
        let first: Vec<f64> = data.iter().map(|x| x[0] * x[2] * 2.0 - x[1] * 0.3 + 0.05 * x[4]).collect();
        let second: Vec<f64> = data.iter().map(|x| x[1] * (x[4] - 1.0)).collect();
        // What shap.utils.approximate_interactions answers, without the feature itself.
        assert_eq!(order(&data, 0, &first), [2, 1, 3, 4]);
        assert_eq!(order(&data, 1, &second), [4, 3, 2, 0]);
    }

    #[test]
    fn what_does_not_change_correlates_with_nothing() {
        assert_eq!(correlation(&[]), 0.0);
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0)]), 0.0);
        assert!((correlation(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]) - 1.0).abs() < 1e-12);
    }
}
