//! One row as two versions explain it: either's contributions side by side, and what each feature moved.

use desk_core::Fault;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Card, Icon, Loadable, Tone, card, format, loadable_view, text};
use egui::{Rect, Ui};

use super::picture::{Look, Pixels};
use super::result::ExplainResult;
use super::row;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::screens::version::arrival;

/// Width of one version's chart at least, and height of the table at most.
const CHART: f32 = 420.0;
const HEIGHT: f32 = 320.0;

/// Which row of which output, in which recorded explanations of which versions.
pub struct Which<'a> {
    /// The runs of both.
    pub runs: [&'a str; 2],
    /// Both versions, as they are named on the screen.
    pub sides: &'a [String; 2],
    /// The row's number, from 1.
    pub row: u64,
    /// The output's name.
    pub output: &'a str,
}

/// What the view remembers.
#[derive(Default)]
pub struct Beside {
    results: [Slot<String, ExplainResult>; 2],
    pixels: [Pixels; 2],
    table: Option<([String; 2], u64, String, MemTable)>,
}

impl Beside {
    /// Shows the row in both, and scrolls to it where it was `opened` just now.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, which: &Which<'_>, opened: &mut bool) {
        for (slot, run) in self.results.iter_mut().zip(which.runs) {
            let asked = run.to_owned();
            slot.ensure(cx.background, run.to_owned(), Topic::Fixed, move |desk| {
                ExplainResult::new(desk.run_record(&asked)?).map_err(|fault: Fault| fault.context("explanation"))
            });
        }
        let top = ui.cursor().top();
        text::section(ui, format!("Row {} in both", format::count(which.row)));
        ui.add_space(4.0);
        let Self { results, pixels, .. } = self;
        card::grid(ui, 2, CHART, |ui, i, width| {
            ui.allocate_ui(egui::vec2(width, 0.0), |ui| {
                ui.set_width(width);
                let retry = loadable_view(ui, &results[i].value, |ui, result| {
                    side(ui, cx, result, (which, i), (&mut pixels[i], width));
                });
                if retry {
                    results[i].again();
                }
            });
        });
        let [Loadable::Ready(first), Loadable::Ready(second)] = self.results.each_ref().map(|slot| &slot.value) else {
            return;
        };
        let of = (which.runs.map(str::to_owned), which.row, which.output.to_owned());
        if self.table.as_ref().is_none_or(|(runs, row, output, _)| (runs, row, output) != (&of.0, &of.1, &of.2)) {
            self.table = Some((of.0, of.1, of.2, table([first, second], which)));
        }
        if let Some((.., table)) = &mut self.table {
            Card::titled("Feature by feature").caption("the largest differences first").show(ui, |ui| {
                Table::data("row-in-both", "Feature by feature").max_height(HEIGHT).show_mem(ui, table);
            });
        }
        if std::mem::take(opened) {
            arrival::reveal(ui, Rect::from_x_y_ranges(ui.max_rect().x_range(), top..=ui.cursor().top()));
        }
    }
}

/// Places of the row and of the output in one of the explanations.
fn place(result: &ExplainResult, which: &Which<'_>) -> Option<(usize, usize)> {
    let row = result.answer.row_numbers.iter().position(|number| *number == which.row)?;
    let output = result.answer.output_names.iter().position(|name| name == which.output)?;
    Some((row, output))
}

fn side(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (which, at): (&Which<'_>, usize),
    (pixels, width): (&mut Pixels, f32),
) {
    let Some(place) = place(result, which) else {
        text::sub(ui, format!("{} was not explained on this row", which.sides[at]));
        return;
    };
    let title = format!("Contributions in {}", which.sides[at]);
    let chart = row::charts(result).first().map(|(chart, _)| *chart).unwrap_or_default();
    row::chart(ui, cx, result, place, (chart, pixels, Look::default()), (&title, Some(width)));
}

/// Every feature of either, with its contributions to both.
fn table(results: [&ExplainResult; 2], which: &Which<'_>) -> MemTable {
    let columns = vec![
        Column::text("Feature"),
        Column::text("Value"),
        Column::number(which.sides[0].as_str()),
        Column::number(which.sides[1].as_str()),
        Column::number("Difference"),
    ];
    let parts = results.map(|result| place(result, which).map(|(row, output)| result.parts(row, output)));
    let [first, second] = parts.map(Option::unwrap_or_default);
    let mut lines: Vec<(String, String, [Option<f64>; 2])> = Vec::new();
    for part in first {
        lines.push((part.name, part.value, [Some(part.amount), None]));
    }
    for part in second {
        match lines.iter_mut().find(|(name, ..)| *name == part.name) {
            Some((.., amounts)) => amounts[1] = Some(part.amount),
            None => lines.push((part.name, part.value, [None, Some(part.amount)])),
        }
    }
    let moved = |[a, b]: [Option<f64>; 2]| Some(b? - a?);
    lines.sort_by(|a, b| {
        let size = |of: [Option<f64>; 2]| moved(of).map_or(-1.0, f64::abs);
        size(b.2).total_cmp(&size(a.2))
    });
    let decimals = format::decimals(lines.iter().flat_map(|(.., amounts)| *amounts).flatten());
    let line = |(name, value, amounts): (String, String, [Option<f64>; 2])| {
        let turned = matches!(amounts, [Some(a), Some(b)] if a * b < 0.0);
        let [a, b] = amounts.map(|amount| amount.map_or_else(Cell::missing, |amount| Cell::fixed(amount, decimals)));
        let by = moved(amounts).map_or_else(Cell::missing, |by| Cell::shown_as(by, format::signed(by)));
        let by = if turned {
            Cell { tone: Some(Tone::Warn), ..by.marked(Icon::Differs, "it pushes the other way") }
        } else {
            by
        };
        vec![Cell::text(name).strong(), Cell::text(value), a, b, by]
    };
    MemTable::new(columns, lines.into_iter().map(line).collect())
}
