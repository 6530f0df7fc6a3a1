//! What the model would answer if some values of the row were others: slide or choose, and see the answer follow.

use std::collections::BTreeMap;
use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::Explain;
use desk_app::query::ColumnRange;
use desk_app::what_if::WhatIf;
use desk_core::Cancel;
use desk_uikit::field::Field;
use desk_uikit::plot::{Bars, Figure, Waterfall, Wish};
use desk_uikit::{Button, Card, ErrorText, Icon, Metric, Tone, card, error_view, format, text};
use egui::{Align, Layout, Ui, vec2};

use super::export;
use super::result::ExplainResult;
use crate::background::{Pending, Slot, Topic};
use crate::cx::{COPY_COMMAND, Cx};
use crate::fault::error_text;

/// Features that have a control; the others keep their values.
const CONTROLS: usize = 8;
/// Features that get a bar of their own.
const SHOWN: usize = 8;
const NAME_WIDTH: f32 = 190.0;
const CONTROL_WIDTH: f32 = 240.0;

/// What the card remembers.
#[derive(Default)]
pub struct WhatIfCard {
    /// The run and the row it is about.
    of: Option<(String, usize)>,
    /// Cells that were changed, by their columns.
    set: BTreeMap<String, String>,
    ranges: Slot<String, Vec<ColumnRange>>,
    pending: Pending<WhatIf>,
    /// What the answer that is there, or on its way, was asked with.
    asked: BTreeMap<String, String>,
    answer: Option<ExplainResult>,
    error: Option<ErrorText>,
}

impl WhatIfCard {
    /// Shows controls for the features that matter most in this row, and the answer with what was changed.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, row: usize, output: usize) {
        let Command::Explain(command) = &result.command else { return };
        let of = (result.answer.run.clone(), row);
        if self.of.as_ref() != Some(&of) {
            *self = Self { of: Some(of), ..Self::default() };
        }
        let path = result.data.clone();
        self.ranges
            .ensure(cx.background, path.clone(), Topic::Fixed, move |desk| desk.column_ranges(&PathBuf::from(path)));
        let number = result.answer.row_numbers.get(row).copied().unwrap_or(1);
        self.follow(ui, cx, command, number);
        let caption = format!("change row {} and see the answer follow", format::count(number));
        let line = command.what_if_cli(number, &self.set);
        let Self { set, ranges, answer, error, .. } = self;
        let unchanged = set.is_empty().then_some("Nothing is changed yet");
        let mut reset = false;
        Card::titled("What if").caption(&caption).show_with_actions(
            ui,
            |ui| {
                let copy = Button::icon_only(Icon::Terminal, COPY_COMMAND).tooltip(&line).disabled_if(unchanged);
                if ui.add(copy).clicked() {
                    cx.wish(Some(Wish::CopyText(line.clone())));
                }
                reset = ui.add(Button::ghost("Reset").icon(Icon::Undo).disabled_if(unchanged)).clicked();
            },
            |ui| {
                let known = ranges.value.value().map(Vec::as_slice).unwrap_or_default();
                controls(ui, result, row, output, known, set);
                if let Some(error) = error {
                    error_view(ui, error, None);
                }
                if let Some(answer) = answer {
                    ui.add_space(8.0);
                    becomes(ui, answer, output);
                }
            },
        );
        if reset {
            set.clear();
        }
        if let Some(answer) = answer {
            ui.add_space(card::GAP);
            contributions(ui, cx, answer, output);
        }
    }

    /// Takes what was answered, and asks again when something else is wanted by then: the newest wish counts.
    fn follow(&mut self, ui: &Ui, cx: &Cx<'_>, command: &Explain, number: u64) {
        match self.pending.take() {
            Some(Ok(found)) => {
                let (data, at) = (command.data.display().to_string(), String::new());
                let command = Command::Explain(command.clone());
                self.answer = Some(ExplainResult { answer: found.explanation, command, data, at, outputs: Vec::new() });
                self.error = None;
            }
            Some(Err(fault)) => self.error = Some(error_text(&fault)),
            None => {}
        }
        if self.pending.is_running() || self.set == self.asked {
            return;
        }
        self.asked.clone_from(&self.set);
        if self.set.is_empty() {
            self.answer = None;
            self.error = None;
            return;
        }
        let asked = Explain { first_row: Some(number), last_row: Some(number), out: None, ..command.clone() };
        let set: Vec<(String, String)> = self.set.clone().into_iter().collect();
        self.pending.start(cx.background, move |desk| desk.what_if(&asked, &set, &Cancel::new()));
        if !self.pending.is_running() {
            // The queue is full: once more in a moment.
            self.asked.clear();
            ui.ctx().request_repaint();
        }
    }
}

/// One line for each of the features that matter most here.
fn controls(
    ui: &mut Ui,
    result: &ExplainResult,
    row: usize,
    output: usize,
    ranges: &[ColumnRange],
    set: &mut BTreeMap<String, String>,
) {
    let mut parts = result.contributions(row, output);
    parts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let known = parts.iter().filter_map(|part| Some((part, ranges.iter().find(|range| range.name == part.name)?)));
    let mut any = false;
    for (part, range) in known.take(CONTROLS) {
        any = true;
        ui.horizontal(|ui| {
            let height = desk_uikit::tokens::control_height(ui);
            ui.allocate_ui_with_layout(vec2(NAME_WIDTH, height), Layout::left_to_right(Align::Center), |ui| {
                ui.set_width(NAME_WIDTH);
                ui.add(egui::Label::new(egui::RichText::new(&part.name)).truncate());
            });
            control(ui, &part.name, &part.value, range, set);
            let changed = set.get(&part.name);
            match changed {
                Some(value) => text::strong(ui, format!("{} → {value}", part.value)),
                None => text::sub(ui, part.value.as_str()),
            };
        });
    }
    if !any {
        text::sub(ui, "The values of this row are no single cells of the data: they cannot be changed here");
    }
}

fn control(ui: &mut Ui, name: &str, value: &str, range: &ColumnRange, set: &mut BTreeMap<String, String>) {
    let now = set.get(name).map_or(value, String::as_str);
    let mut wanted = None;
    if let Some((low, high)) = range.numbers {
        let own = value.parse::<f64>().unwrap_or(f64::midpoint(low, high));
        let (low, high) = (low.min(own), high.max(own));
        let mut at = now.parse::<f64>().unwrap_or(own);
        let step = if range.whole { 1.0 } else { 0.0 };
        let field = Field::new(name).hide_label().width(CONTROL_WIDTH);
        if field.show_slider(ui, &mut at, low..=high, step).changed() {
            wanted = Some(shown(at, range.whole, high - low));
        }
    } else {
        let options: Vec<&str> = range.values.iter().map(String::as_str).collect();
        let current = options.iter().position(|option| *option == now);
        let field = Field::new(name).hide_label().width(CONTROL_WIDTH);
        if let Some(i) = field.show_choice_index(ui, current, &options, "Choose a value") {
            wanted = options.get(i).map(|option| (*option).to_owned());
        }
    }
    if let Some(wanted) = wanted {
        if wanted == value {
            set.remove(name);
        } else {
            set.insert(name.to_owned(), wanted);
        }
    }
}

/// A thousandth of the range is fine enough for a slider.
fn shown(value: f64, whole: bool, span: f64) -> String {
    if whole {
        return format!("{value:.0}");
    }
    let decimals = (3.0 - span.abs().max(1e-9).log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

/// What the answer becomes.
fn becomes(ui: &mut Ui, answer: &ExplainResult, output: usize) {
    let (was, is) = (answer.prediction(0, output), answer.prediction(1, output));
    let mut numbers = vec![("Prediction", format::number(is), was, is, answer.unit(output))];
    if let Some((was, is)) = answer.probability(0, output).zip(answer.probability(1, output)) {
        numbers.push(("Probability", format::number(is), was, is, "of the same".to_owned()));
    }
    card::grid(ui, numbers.len(), 180.0, |ui, i, width| {
        let (name, value, was, is, unit) = &numbers[i];
        let note = format!("{} from {} · {unit}", format::signed(is - was), format::number(*was));
        Metric::new(name, value, "").note(Tone::Neutral, &note).show(ui, width);
    });
}

/// Why: the parts of the answer with the changed values.
fn contributions(ui: &mut Ui, cx: &Cx<'_>, answer: &ExplainResult, output: usize) {
    let unit = answer.unit(output);
    let summary = answer.sentence(1, output);
    let figure = Figure::new("Contributions with these values").summary(summary);
    let additive = answer.answer.is_additive();
    let paint = |ui: &mut Ui| {
        if additive {
            let items = answer.contributions(1, output);
            let chart = Waterfall::new(answer.base(output), answer.prediction(1, output), &items);
            chart.at_most(SHOWN).unit(&unit).show(ui);
        } else {
            Bars::new("Contribution", &answer.bars(1, output, SHOWN)).show(ui);
        }
    };
    cx.wish(figure.show(ui, paint, || export::row_table(answer, 1, output)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_as_many_digits_as_a_slider_can_tell() {
        assert_eq!(shown(0.123_456, false, 0.5), "0.1235");
        assert_eq!(shown(1234.567, false, 4000.0), "1235");
        assert_eq!(shown(12.6, true, 40.0), "13");
    }
}
