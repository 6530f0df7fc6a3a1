//! A result of the Explain tab: what was explained, the choice of view, and the view.

use desk_uikit::field::{Field, check, segments};
use desk_uikit::{Button, Icon, format, text};
use egui::{Align, Layout, Sides, Ui};

use super::cohorts::CohortsCard;
use super::dependence::DependenceCard;
use super::every::{self, Every};
use super::picture::{Look, Pixels};
use super::pins::Pins;
use super::result::ExplainResult;
use super::row::Chart;
use super::rows::RowsCard;
use super::what_if::WhatIfCard;
use super::{export, facts, global, quality, row};
use crate::ages::ago;
use crate::cx::{Action, Cx};
use crate::screens::version::arrival;
use crate::screens::version::test::file_name;
use crate::screens::version::warnings;

/// One row or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// One row's waterfall.
    #[default]
    Row,
    /// All rows together.
    Global,
}

/// What of a result is on show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    /// The view.
    pub side: Side,
    /// Tables instead of charts.
    pub as_table: bool,
    /// Index of the row.
    pub row: usize,
    /// Index of the output.
    pub output: usize,
    /// How one row is shown, and how all of them.
    pub chart: Chart,
    pub every: Every,
    /// How pictures are shown.
    pub look: Look,
    /// The row was opened just now: its view is brought into sight.
    pub opened: bool,
    /// Its quality was asked for just now.
    pub to_quality: bool,
}

impl Choices {
    /// The chosen chart of a row where the explanation has it, else the first that it has.
    fn chart(&self, result: &ExplainResult) -> Chart {
        let charts = row::charts(result);
        let has = charts.iter().any(|(chart, _)| *chart == self.chart);
        if has { self.chart } else { charts.first().map(|(chart, _)| *chart).unwrap_or_default() }
    }

    /// The view of a row was drawn from `top` on: one that was opened is brought into sight.
    fn reveal(&mut self, ui: &Ui, top: f32) {
        if std::mem::take(&mut self.opened) {
            let drawn = egui::Rect::from_x_y_ranges(ui.max_rect().x_range(), top..=ui.cursor().top());
            arrival::reveal(ui, drawn);
        }
    }

    /// The same for all rows.
    fn every(&self, result: &ExplainResult) -> Every {
        let has = every::charts(result).iter().any(|(every, _)| *every == self.every);
        if has { self.every } else { Every::default() }
    }
}

/// Parts of the views that remember something.
#[derive(Default)]
pub struct Cards {
    what_if: WhatIfCard,
    dependence: DependenceCard,
    rows: RowsCard,
    cohorts: CohortsCard,
    pixels: Pixels,
    pins: Pins,
}

impl Cards {
    /// A pinned row that shall be opened, once: its run and its number.
    pub fn opened(&mut self) -> Option<(String, u64)> {
        self.pins.opened.take()
    }
}

/// Beside the chart from this width on; below it otherwise.
const SIDE_BY_SIDE: f32 = 900.0;
const FACTS_WIDTH: f32 = 340.0;
/// The choice of a run.
const RUNS: f32 = 270.0;
/// The choice of an output.
const OUTPUT: f32 = 160.0;
/// The choice of a chart.
const CHART: f32 = 130.0;

/// The heading; gives the index of another run when one was chosen. `beside` draws at its end.
pub fn heading(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    choices: &mut Choices,
    runs: &[(String, String)],
    current: Option<usize>,
    beside: impl FnOnce(&mut Ui),
) -> Option<usize> {
    let mut chosen = None;
    let said = |ui: &mut Ui| {
        text::section(ui, "Explanation");
        let numbers = &result.answer.row_numbers;
        let rows = match (numbers.first(), numbers.last()) {
            _ if result.answer.picked.is_some() => {
                format!("{} picked", format::plural(numbers.len() as u64, "row", "rows"))
            }
            (Some(one), Some(last)) if one == last => format!("row {}", format::count(*one)),
            (Some(first), Some(last)) => format!("rows {} to {}", format::count(*first), format::count(*last)),
            _ => "no rows".to_owned(),
        };
        let method = facts::method_name(&result.answer.method);
        text::caption(ui, format!("{rows} of {} · {method} · {}", file_name(&result.data), ago(&result.at)));
    };
    let choice = |ui: &mut Ui| {
        beside(ui);
        if runs.len() > 1 {
            let field = Field::new("Earlier explanations").hide_label().width(RUNS);
            chosen = field.show_choice_ended(ui, current, runs, "Earlier explanations");
        }
    };
    Sides::new().shrink_left().truncate().show(ui, said, choice);
    ui.horizontal_wrapped(|ui| {
        segments(ui, "View", &mut choices.side, &[(Side::Row, "Row"), (Side::Global, "Global")]);
        if choices.side == Side::Row {
            row::pick(ui, result, &mut choices.row);
        }
        outputs(ui, "Class or output", &result.answer.output_names, &mut choices.output);
        chart(ui, result, choices);
        check(ui, &mut choices.as_table, "Table");
        copy_button(ui, "Copy as TSV", || export::tsv(result));
        copy_button(ui, "Copy as JSON", || export::json(result));
        save_button(ui, cx, result);
        // It stands below the charts, where nobody looks for it.
        let has_quality = result.answer.quality.is_some() && choices.side == Side::Row && !choices.as_table;
        if has_quality && ui.add(Button::ghost("Go to its quality").icon(Icon::Down)).clicked() {
            choices.to_quality = true;
        }
    });
    chosen
}

/// How the view draws what it shows.
fn chart(ui: &mut Ui, result: &ExplainResult, choices: &mut Choices) {
    if choices.as_table {
        return;
    }
    if choices.side == Side::Row {
        let charts = row::charts(result);
        let mut shown = choices.chart(result);
        if charts.len() > 1 && chart_field("Chart of the row").show_choice(ui, &mut shown, &charts) {
            choices.chart = shown;
        }
    } else if result.rows() > 1 && !every::charts(result).is_empty() {
        let mut shown = choices.every(result);
        if chart_field("Chart of every row").show_choice(ui, &mut shown, every::charts(result)) {
            choices.every = shown;
        }
    }
}

fn chart_field(name: &str) -> Field<'_> {
    Field::new(name).hide_label().width(CHART)
}

/// Outputs that stand side by side; more are a list to choose from.
const SIDE_BY_SIDE_OUTPUTS: usize = 4;

/// The choice of an output where there are several; false where there is one.
pub fn outputs(ui: &mut Ui, label: &str, names: &[String], output: &mut usize) -> bool {
    if names.len() < 2 {
        return false;
    }
    let options: Vec<(usize, &str)> = names.iter().enumerate().map(|(i, name)| (i, name.as_str())).collect();
    if names.len() <= SIDE_BY_SIDE_OUTPUTS {
        segments(ui, label, output, &options);
    } else {
        Field::new(label).hide_label().width(OUTPUT).show_choice(ui, output, &options);
    }
    true
}

/// A button that asks where to write the explanation, whole and by itself.
fn save_button(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult) {
    let answer = &result.answer;
    let told = "As a page for people (.html), a table (.parquet) or with all that it says of itself (.json)";
    if ui.add(Button::ghost("Save…").icon(Icon::Export).tooltip(told)).clicked() {
        let name = format!("{}-explained-{}", answer.version.replace('@', "-"), answer.method);
        cx.act(Action::SaveValues(answer.run.clone(), name));
    }
}

/// A button that says for a moment that it has copied.
fn copy_button(ui: &mut Ui, label: &str, text: impl FnOnce() -> String) {
    const SHOWN_SECS: f64 = 1.6;
    let id = ui.make_persistent_id(("copied", label));
    let now = ui.input(|input| input.time);
    let copied: Option<f64> = ui.data(|data| data.get_temp(id));
    let fresh = copied.is_some_and(|at| now - at < SHOWN_SECS);
    if ui.add(Button::ghost(label).icon(if fresh { Icon::Check } else { Icon::Copy })).clicked() {
        ui.ctx().copy_text(text());
        ui.data_mut(|data| data.insert_temp(id, now));
        ui.ctx().request_repaint_after_secs(SHOWN_SECS as f32);
    }
}

/// The view itself, with what it stands on beside or below it.
pub fn body(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, choices: &mut Choices, cards: &mut Cards) {
    choices.row = choices.row.min(result.rows().saturating_sub(1));
    choices.output = choices.output.min(result.answer.output_names.len().saturating_sub(1));
    warnings::show(ui, &result.answer.warnings);
    let Cards { what_if, dependence, rows, cohorts, pixels, pins } = cards;
    pins.read(cx, &result.answer.version);
    let output = choices.output;
    if choices.side == Side::Row && result.rows() > 1 {
        choices.opened |= rows.show(ui, result, (output, pins), &mut choices.row, true);
        ui.add_space(desk_uikit::card::GAP);
    }
    let row = choices.row;
    let beside = choices.side == Side::Row || choices.as_table;
    let mut main = |ui: &mut Ui| match (choices.as_table, choices.side) {
        (true, side) => {
            let top = ui.cursor().top();
            export::table(ui, result, (side == Side::Row).then_some(row), output);
            choices.reveal(ui, top);
        }
        (false, Side::Row) => {
            let top = ui.cursor().top();
            row::show(ui, cx, result, (row, output), (choices.chart(result), pixels, &mut choices.look));
            choices.reveal(ui, top);
            if std::mem::take(&mut choices.to_quality) {
                ui.scroll_to_cursor(Some(Align::Min));
            }
            quality::show(ui, cx, result, row, output);
            ui.add_space(desk_uikit::card::GAP);
            pins.of_row(ui, cx, result, row);
            what_if.show(ui, cx, result, row, output);
        }
        (false, Side::Global) => {
            let (every, look) = (choices.every(result), &mut choices.look);
            global::show(ui, cx, result, (every, &mut choices.row), (output, look));
            if result.rows() > 1 {
                ui.add_space(desk_uikit::card::GAP);
                if rows.show(ui, result, (output, pins), &mut choices.row, false) {
                    (choices.side, choices.opened) = (Side::Row, true);
                }
            }
            if !result.has_parts() {
                cohorts.show(ui, cx, result, output);
                dependence.show(ui, cx, result, output);
            }
        }
    };
    let wide = ui.available_width() >= SIDE_BY_SIDE && beside;
    if !wide {
        main(ui);
        ui.add_space(8.0);
        facts::show(ui, result, row, output);
        pins.list(ui);
        return;
    }
    ui.horizontal_top(|ui| {
        let gap = desk_uikit::card::GAP;
        ui.spacing_mut().item_spacing.x = gap;
        let width = (ui.available_width() - FACTS_WIDTH - gap).floor();
        ui.allocate_ui_with_layout(egui::vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            main(ui);
        });
        ui.allocate_ui_with_layout(egui::vec2(FACTS_WIDTH, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(FACTS_WIDTH);
            facts::show(ui, result, row, output);
        });
    });
    pins.list(ui);
}
