//! The numbers of a test: cards, the confusion matrix and the curves, or the same as tables.

use desk_uikit::card::{self, Card};
use desk_uikit::field::segments;
use desk_uikit::plot::{Figure, Heat, Lines};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Metric, Tone, format, text};
use egui::Ui;

use super::result::{Curve, PRECISION_RECALL, ROC, TestResult};
use super::results::Choices;
use crate::cx::Cx;

/// Height of the plots, and of the cards that hold them.
const PLOT: f32 = 256.0;
const CARD: f32 = 322.0;

/// Shows cards and charts, or all of it as tables.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &TestResult, choices: &mut Choices) {
    if result.numbers.is_empty() {
        no_metrics(ui, result);
        return;
    }
    cards(ui, result);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if result.confusion.is_some() || !result.curves.is_empty() {
            segments(ui, "Show as", &mut choices.as_table, &[(false, "Charts"), (true, "Tables")]);
        }
        if result.numbers.iter().any(|number| number.interval.is_some()) {
            text::caption(ui, "Ranges are 95 % intervals; the tables say how each was made");
        }
    });
    ui.add_space(4.0);
    if choices.as_table {
        tables(ui, result);
    } else {
        charts(ui, cx, result, choices.threshold);
        if let Some(positive) = &result.positive {
            result.thresholds.show(ui, &mut choices.threshold, positive);
        }
    }
}

fn no_metrics(ui: &mut Ui, result: &TestResult) {
    Card::new().show(ui, |ui| {
        text::strong(ui, "No metrics for this test");
        let why = match &result.answer.target {
            Some(target) => format!("Nothing could be compared with column {target}; see the warnings"),
            None => {
                "No column with the truth was found. Choose one under Options to compare the answers with it".into()
            }
        };
        text::sub(ui, why);
    });
}

fn cards(ui: &mut Ui, result: &TestResult) {
    // Twelve cards would be a wall; the table has them all.
    let shown = &result.numbers[..result.numbers.len().min(6)];
    card::grid(ui, shown.len(), 132.0, |ui, i, width| {
        let number = &shown[i];
        let interval = number.interval.map(|(low, high)| format!("{} to {}", format::score(low), format::score(high)));
        let note = interval.as_deref().unwrap_or(if averaged(result, number.name) {
            "mean over classes"
        } else {
            "no interval"
        });
        Metric::new(&name(result, number.name), &format::score(number.value), "")
            .note(Tone::Neutral, note)
            .show(ui, width);
    });
}

/// With more than two classes these are the plain means of the classes' own.
fn averaged(result: &TestResult, name: &str) -> bool {
    result.per_class.len() > 2 && is_of_class(name)
}

/// With two classes these say something about one of them only.
fn is_of_class(name: &str) -> bool {
    matches!(name, "F1" | "AUC" | "Precision" | "Recall")
}

/// A metric's name, with the class that it is of where there are two: `Recall of malignant`.
fn name(result: &TestResult, name: &str) -> String {
    match result.positive.as_ref().filter(|_| is_of_class(name)) {
        Some(class) => format!("{name} of {class}"),
        None => name.to_owned(),
    }
}

fn charts(ui: &mut Ui, cx: &Cx<'_>, result: &TestResult, threshold: Option<f64>) {
    let first = usize::from(result.confusion.is_some());
    let count = first + result.curves.len();
    if count == 0 {
        return;
    }
    card::grid(ui, count, 330.0, |ui, i, width| match (&result.confusion, i.checked_sub(first)) {
        (Some((labels, counts)), None) => {
            let chart = Heat::confusion(labels, counts);
            let figure = Figure::new("Confusion").caption("rows by class").width(width).min_height(CARD);
            cx.wish(figure.summary(chart.summary()).show(
                ui,
                |ui| {
                    let wide = ui.available_width();
                    chart.show(ui, wide);
                },
                || confusion_table(labels, counts),
            ));
        }
        (_, at) => {
            if let Some(curve) = at.and_then(|at| result.curves.get(at)) {
                line(ui, cx, curve, marked(result, curve, threshold), width);
            }
        }
    });
}

/// Where the chosen threshold lies on a curve.
fn marked(result: &TestResult, curve: &Curve, threshold: Option<f64>) -> Option<[f64; 2]> {
    let point = result.thresholds.at(threshold?)?;
    match curve.title {
        ROC => Some(result.thresholds.on_roc(point)),
        PRECISION_RECALL => result.thresholds.on_precision_recall(point),
        _ => None,
    }
}

fn line(ui: &mut Ui, cx: &Cx<'_>, curve: &Curve, mark: Option<[f64; 2]>, width: f32) {
    let chart = || {
        let mut chart = Lines::new(&curve.series, curve.axes.0, curve.axes.1).height(PLOT);
        if let Some(point) = mark {
            chart = chart.mark(point, "threshold");
        }
        match curve.diagonal {
            Some(name) => chart.unit_square(name),
            None => chart,
        }
    };
    let figure = Figure::new(curve.title).caption(&curve.caption).sentence(chart().summary());
    let paint = |ui: &mut Ui| {
        chart().show(ui);
    };
    cx.wish(figure.width(width).min_height(CARD).show(ui, paint, || curve_table(curve)));
}

type Columns = (Vec<Column>, Vec<Vec<Cell<'static>>>);

fn confusion_table(labels: &[String], counts: &[Vec<u64>]) -> Columns {
    let mut columns = vec![Column::text("Actual")];
    columns.extend(labels.iter().map(|label| Column::number(format!("as {label}"))));
    let rows = labels.iter().zip(counts).map(|(label, counts)| {
        let mut cells = vec![Cell::text(label.clone())];
        cells.extend(counts.iter().map(|n| Cell::shown_as(*n as f64, format::count(*n))));
        cells
    });
    (columns, rows.collect())
}

fn curve_table(curve: &Curve) -> Columns {
    let columns = vec![Column::number(curve.axes.0), Column::number(curve.axes.1)];
    let points = curve.series.iter().flat_map(|series| &series.points);
    (columns, points.map(|[x, y]| vec![Cell::fixed(*x, 4), Cell::fixed(*y, 4)]).collect())
}

fn tables(ui: &mut Ui, result: &TestResult) {
    text::strong(ui, "All metrics");
    let columns = vec![
        Column::text("Metric"),
        Column::number("Value"),
        Column::number("Low, 95 %"),
        Column::number("High, 95 %"),
        Column::text("Interval by"),
    ];
    let cell = |value: Option<f64>| value.map_or_else(Cell::missing, |value| Cell::fixed(value, 4));
    let rows = result.numbers.iter().map(|number| {
        let (low, high) = number.interval.unzip();
        vec![
            Cell::text(name(result, number.name)),
            cell(Some(number.value)),
            cell(low),
            cell(high),
            Cell::text(number.method.clone().unwrap_or_default()),
        ]
    });
    table(ui, "all-metrics", "All metrics", (columns, rows.collect()));
    if !result.per_class.is_empty() {
        ui.add_space(8.0);
        text::strong(ui, "By class");
        let mut columns = vec![Column::text("Class"), Column::number("Rows")];
        columns.extend(["Precision", "Recall", "F1", "AUC"].map(Column::number));
        let rows = result.per_class.iter().map(|class| {
            let mut cells = vec![
                Cell::text(class.name.clone()),
                Cell::shown_as(class.support as f64, format::count(class.support)),
            ];
            cells.extend(class.scores.map(|score| cell(Some(score).filter(|score| score.is_finite()))));
            cells
        });
        table(ui, "by-class", "Metrics by class", (columns, rows.collect()));
    }
    if let Some((labels, counts)) = &result.confusion {
        ui.add_space(8.0);
        text::strong(ui, "Confusion");
        table(ui, "confusion", "Confusion", confusion_table(labels, counts));
    }
    for curve in &result.curves {
        ui.add_space(8.0);
        text::strong(ui, curve.title);
        table(ui, curve.title, curve.title, curve_table(curve));
    }
}

fn table(ui: &mut Ui, id: &str, name: &str, (columns, rows): Columns) {
    let mut table = MemTable::new(columns, rows);
    Table::data(id, name).max_height(260.0).show_mem(ui, &mut table);
}
