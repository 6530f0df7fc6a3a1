//! Texts: each word marked by what it adds.

use desk_app::outcome::WordedRow;
use desk_uikit::format;
use desk_uikit::plot::{Highlight, Mark};
use desk_uikit::table::{Cell, Column};
use egui::Ui;

use super::result::ExplainResult;
use super::row::{Titled, titled};
use crate::cx::Cx;

/// Shows one row's text; words below a part of the largest contribution are left unmarked.
pub fn row(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (row, output): (usize, usize),
    threshold: f64,
    title: Titled<'_>,
) {
    let Some((words, text)) = result.answer.text.as_ref().and_then(|words| Some((words, words.rows.get(row)?))) else {
        return;
    };
    let unit = result.unit(output);
    let number = result.answer.row_numbers.get(row).copied().unwrap_or_default();
    let caption = format!("of the words of {} in row {} to the {unit}", words.column, format::count(number));
    let marks: Vec<Mark> = text
        .spans
        .iter()
        .map(|span| Mark { start: span.start, end: span.end, amount: amount(&span.contribution, output) })
        .collect();
    let what = format!("to the {unit}");
    let chart = Highlight::new(&text.text, &marks).what(&what).threshold(threshold);
    let once = if words.bag { ". A word that stands several times counts once" } else { "" };
    let figure = titled(title).caption(&caption).source(result.source()).summary(format!("{}{once}", chart.summary()));
    let paint = |ui: &mut Ui| {
        chart.show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(text, output)));
}

fn amount(of: &[f64], output: usize) -> f64 {
    of.get(output).copied().unwrap_or(f64::NAN)
}

/// The words, the largest contributions first.
pub fn table(text: &WordedRow, output: usize) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let parts = text.strongest(output);
    let sampled = parts.iter().any(|(span, _)| span.standard_error.is_some());
    let mut columns = vec![Column::text("Word"), Column::number("Times"), Column::number("Contribution")];
    columns.extend(sampled.then(|| Column::number("Std. error")));
    let decimals = format::decimals(parts.iter().map(|(span, _)| amount(&span.contribution, output)));
    let rows = parts.into_iter().map(|(span, times)| {
        let mut cells = vec![
            Cell::text(span.text.clone()),
            Cell::shown_as(times as f64, format::count(times as u64)),
            Cell::fixed(amount(&span.contribution, output), decimals),
        ];
        if sampled {
            let error = span.standard_error.as_ref().map(|errors| amount(errors, output));
            cells.push(error.map_or_else(Cell::missing, |error| Cell::fixed(error, decimals)));
        }
        cells
    });
    (columns, rows.collect())
}
