//! Importance in parts of the rows: those that were answered rightly and wrongly, each truth, each answer, low and high
//! values of a feature.

use desk_uikit::field::Field;
use desk_uikit::plot::{Bar, Bars, Figure};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{card, format};
use egui::Ui;

use super::result::{ExplainResult, mean_and_error};
use crate::cx::Cx;

/// Features that are compared, and parts of the rows at most.
const FEATURES: usize = 10;
const PARTS: usize = 6;
const FIELD_WIDTH: f32 = 260.0;
/// Width of a part's chart at least.
const CHART: f32 = 320.0;

/// What parts the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum By {
    #[default]
    Nothing,
    Right,
    Truth,
    Answer,
    Feature(usize),
}

/// Rows that have something in common.
#[derive(Debug, Clone, PartialEq)]
struct Cohort {
    name: String,
    rows: Vec<usize>,
}

/// A part with its bars.
type Part = (Cohort, Vec<Bar>);

/// What the card remembers.
#[derive(Default)]
pub struct CohortsCard {
    /// The run and the output it is about.
    of: Option<(String, usize)>,
    by: By,
    made: Option<(By, Vec<Part>)>,
}

impl CohortsCard {
    /// Shows the choice, and a chart for each part.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize) {
        let Some(all) = result.outputs.get(output).filter(|_| result.rows() > 1) else { return };
        let of = (result.answer.run.clone(), output);
        if self.of.as_ref() != Some(&of) {
            *self = Self { of: Some(of), by: self.by, made: None };
        }
        let options = options(result, &all.order);
        if !options.iter().any(|(by, _)| *by == self.by) {
            self.by = By::Nothing;
        }
        ui.add_space(card::GAP);
        let named: Vec<(By, &str)> = options.iter().map(|(by, name)| (*by, name.as_str())).collect();
        Field::new("Importance by").width(FIELD_WIDTH).show_choice(ui, &mut self.by, &named);
        if self.by == By::Nothing {
            return;
        }
        if self.made.as_ref().is_none_or(|(by, _)| *by != self.by) {
            let features = &all.order[..all.order.len().min(FEATURES)];
            let bars = |cohort: Cohort| {
                let bars = bars(result, output, features, &cohort.rows);
                (cohort, bars)
            };
            self.made = Some((self.by, cohorts(result, self.by).into_iter().map(bars).collect()));
        }
        let Some((_, parts)) = &self.made else { return };
        ui.add_space(4.0);
        charts(ui, cx, result, output, parts);
    }
}

fn charts(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize, parts: &[Part]) {
    let unit = result.unit(output);
    let ends = parts.iter().flat_map(|(_, bars)| bars).map(|bar| bar.interval.map_or(bar.value, |(_, high)| high));
    let longest = ends.fold(0.0, f64::max);
    card::grid(ui, parts.len(), CHART, |ui, i, width| {
        let (cohort, bars) = &parts[i];
        let rows = format::plural(cohort.rows.len() as u64, "row", "rows");
        let told = format!("Mean size of contributions to the {unit} over {rows}, with its standard error");
        let figure = Figure::new(&cohort.name).caption(&rows).source(result.source()).width(width).summary(told);
        let paint = |ui: &mut Ui| {
            Bars::new("Mean |contribution|", bars).up_to(longest).show(ui);
        };
        cx.wish(figure.show(ui, paint, || table(cohort, bars)));
    });
}

/// What can part the rows of a result.
fn options(result: &ExplainResult, order: &[usize]) -> Vec<(By, String)> {
    let answer = &result.answer;
    let mut options = vec![(By::Nothing, "All rows together".to_owned())];
    if answer.answered.is_some() && answer.truths.is_some() {
        options.push((By::Right, "Right and wrong answers".to_owned()));
    }
    options.extend(answer.truths.as_ref().map(|_| (By::Truth, "Truth".to_owned())));
    options.extend(answer.answered.as_ref().map(|_| (By::Answer, "Answer".to_owned())));
    options.extend(order.iter().map(|feature| (By::Feature(*feature), answer.feature_names[*feature].clone())));
    options
}

/// The parts, those of the same kind in one order whatever the rows.
fn cohorts(result: &ExplainResult, by: By) -> Vec<Cohort> {
    let answer = &result.answer;
    let truth = |row: usize| answer.truths.as_ref().and_then(|all| all.get(row)?.clone());
    let answered = |row: usize| answer.answered.as_ref().and_then(|all| all.get(row).cloned());
    match by {
        By::Nothing => Vec::new(),
        By::Right => named(result.rows(), |row| {
            let right = truth(row)? == answered(row)?;
            Some(if right { "Right" } else { "Wrong" }.to_owned())
        }),
        By::Truth => named(result.rows(), |row| Some(format!("Truth {}", truth(row)?))),
        By::Answer => named(result.rows(), |row| Some(format!("Answer {}", answered(row)?))),
        By::Feature(feature) => by_feature(result, feature),
    }
}

/// Parts by a name that each row has, or not; the smaller ones of many together.
fn named(rows: usize, name: impl Fn(usize) -> Option<String>) -> Vec<Cohort> {
    let mut parts: Vec<Cohort> = Vec::new();
    for row in 0..rows {
        let Some(name) = name(row) else { continue };
        match parts.iter_mut().find(|part| part.name == name) {
            Some(part) => part.rows.push(row),
            None => parts.push(Cohort { name, rows: vec![row] }),
        }
    }
    if parts.len() > PARTS {
        parts.sort_by_key(|part| std::cmp::Reverse(part.rows.len()));
        let rest = parts.split_off(PARTS - 1);
        parts.push(Cohort {
            name: format!("{} others", rest.len()),
            rows: rest.into_iter().flat_map(|p| p.rows).collect(),
        });
        return parts;
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    parts
}

/// Texts each by itself, numbers in thirds.
fn by_feature(result: &ExplainResult, feature: usize) -> Vec<Cohort> {
    let answer = &result.answer;
    let text = |row: usize| answer.feature_values.get(row).and_then(|values| values.get(feature)).cloned();
    let number = |row: usize| text(row).and_then(|text| text.trim().parse::<f64>().ok()).filter(|x| x.is_finite());
    let mut numbers: Vec<f64> = (0..result.rows()).filter_map(number).collect();
    let name = &answer.feature_names[feature];
    numbers.sort_by(f64::total_cmp);
    let mut different = numbers.clone();
    different.dedup();
    if different.len() <= PARTS {
        return named(result.rows(), |row| Some(format!("{name} = {}", text(row)?)));
    }
    let cut = |share: usize| numbers[numbers.len() * share / 3];
    let (low, high) = (cut(1), cut(2));
    let part = |wanted: &dyn Fn(f64) -> bool, name: String| Cohort {
        name,
        rows: (0..result.rows()).filter(|row| number(*row).is_some_and(wanted)).collect(),
    };
    let (below, above) = (format::number(low), format::number(high));
    let mut parts = vec![
        part(&|x| x < low, format!("{name} below {below}")),
        part(&|x| x >= low && x < high, format!("{name} from {below} to {above}")),
        part(&|x| x >= high, format!("{name} from {above} on")),
    ];
    parts.retain(|part| !part.rows.is_empty());
    parts
}

/// What some features contribute over some rows.
fn bars(result: &ExplainResult, output: usize, features: &[usize], rows: &[usize]) -> Vec<Bar> {
    let bar = |feature: &usize| {
        let amounts = rows.iter().map(|row| result.answer.value(*row, *feature, output).abs());
        let (mean, error) = mean_and_error(amounts);
        Bar {
            name: result.answer.feature_names[*feature].clone(),
            value: mean,
            interval: (rows.len() > 1).then(|| ((mean - error).max(0.0), mean + error)),
        }
    };
    features.iter().map(bar).collect()
}

fn table(cohort: &Cohort, bars: &[Bar]) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns =
        vec![Column::text(cohort.name.clone()), Column::number("Mean |contribution|"), Column::number("Std. error")];
    let decimals = format::decimals(bars.iter().map(|bar| bar.value));
    let rows = bars.iter().map(|bar| {
        let error = bar.interval.map(|(_, high)| Cell::fixed(high - bar.value, decimals));
        vec![Cell::text(bar.name.clone()), Cell::fixed(bar.value, decimals), error.unwrap_or_else(Cell::missing)]
    });
    (columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_parts_and_the_smallest_of_many_go_together() {
        let names = ["b", "a", "b", "", "a", "b"];
        let of = |row: usize| Some(names[row].to_owned()).filter(|name| !name.is_empty());
        let parts = named(names.len(), of);
        let told: Vec<(&str, &[usize])> = parts.iter().map(|part| (part.name.as_str(), part.rows.as_slice())).collect();
        assert_eq!(told, [("a", &[1, 4][..]), ("b", &[0, 2, 5])]);
        let many = named(20, |row| Some(if row < 8 { "large".to_owned() } else { format!("small {row}") }));
        assert_eq!((many.len(), many[0].name.as_str(), many[PARTS - 1].name.as_str()), (PARTS, "large", "8 others"));
        assert_eq!(many.iter().map(|part| part.rows.len()).sum::<usize>(), 20);
    }
}
