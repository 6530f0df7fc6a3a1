//! What the model would answer if some values of the row were others: slide, type or choose, and see it follow.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::Explain;
use desk_app::outcome::Explained;
use desk_app::query::ColumnRange;
use desk_app::what_if::WhatIf;
use desk_core::words::quoted;
use desk_core::{Cancel, Fault};
use desk_uikit::field::{Field, Typed};
use desk_uikit::plot::{Bars, Figure, Waterfall, Wish};
use desk_uikit::{Button, Card, ErrorText, Icon, Metric, Tokens, Tone, card, error_view, fonts, format, text};
use egui::{Align, Layout, ScrollArea, Ui, vec2};

use super::export;
use super::result::ExplainResult;
use crate::background::{Pending, Slot, Topic};
use crate::cx::{COPY_COMMAND, Cx};
use crate::fault::error_text;

/// More features than these are looked for by name, in a list that scrolls.
const UNSEARCHED: usize = 10;
/// Features that are seen at once in that list.
const SEEN: usize = 9;
/// More features than these are drawn only where they are seen.
const DRAWN: usize = 300;
/// Room for the mark of a changed feature.
const MARK: f32 = 16.0;
/// Features that get a bar of their own.
const SHOWN: usize = 8;
/// Of the line that takes a number.
const FIELD: f32 = 92.0;
/// What was and what is, at the end of a line.
const SAID: f32 = 150.0;

/// How wide the parts of a line are.
#[derive(Debug, Clone, Copy)]
struct Widths {
    name: f32,
    slider: f32,
    /// The slider and the line beside it, or a choice in their place.
    control: f32,
}

impl Widths {
    fn of(ui: &Ui) -> Self {
        let (room, gap) = (ui.available_width(), ui.spacing().item_spacing.x);
        let name = (room * 0.28).clamp(84.0, 190.0);
        let taken = name + FIELD + desk_uikit::tokens::control_height(ui) + SAID + 4.0 * gap;
        let slider = (room - taken).clamp(56.0, 200.0);
        Self { name, slider, control: slider + gap + FIELD }
    }
}

/// What the card remembers.
#[derive(Default)]
pub struct WhatIfCard {
    /// The run and the row it is about.
    of: Option<(String, usize)>,
    /// Cells that were changed, by their columns.
    set: BTreeMap<String, String>,
    /// Which features are looked for.
    find: String,
    ranges: Slot<String, Vec<ColumnRange>>,
    pending: Pending<WhatIf>,
    /// What the answer that is there, or on its way, was asked with.
    asked: BTreeMap<String, String>,
    answer: Option<ExplainResult>,
    error: Option<ErrorText>,
}

impl WhatIfCard {
    /// Shows controls for the features of this row, and the answer with what was changed.
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
        self.follow(ui, cx, command, (result, row, number));
        let caption = format!("change row {} and see the answer follow", format::count(number));
        let line = command.what_if_cli(number, &self.set);
        let Self { set, find, ranges, answer, error, .. } = self;
        let unchanged = set.is_empty().then_some("Nothing is changed yet");
        let (mut reset, changed) = (false, set.len() as u64);
        Card::titled("What if").caption(&caption).show_with_actions(
            ui,
            |ui| {
                let copy = Button::icon_only(Icon::Terminal, COPY_COMMAND).tooltip(&line).disabled_if(unchanged);
                if ui.add(copy).clicked() {
                    cx.wish(Some(Wish::CopyText(line.clone())));
                }
                reset = ui.add(Button::ghost("Reset all").icon(Icon::Undo).disabled_if(unchanged)).clicked();
                if changed > 0 {
                    text::caption(ui, format!("{} changed", format::count(changed)));
                }
            },
            |ui| {
                let known = ranges.value.value().map(Vec::as_slice).unwrap_or_default();
                controls(ui, result, row, output, known, set, find);
                if let Some(error) = error {
                    error_view(ui, error, None);
                }
                if let Some(answer) = answer {
                    ui.add_space(14.0);
                    // What was so before is told above.
                    let known = &result.answer.warnings;
                    let new: Vec<String> =
                        answer.answer.warnings.iter().filter(|warning| !known.contains(warning)).cloned().collect();
                    super::super::warnings::show(ui, &new);
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
    fn follow(&mut self, ui: &Ui, cx: &Cx<'_>, command: &Explain, (result, row, number): (&ExplainResult, usize, u64)) {
        match self.pending.take() {
            Some(Ok(found)) => {
                if let Some(feature) = otherwise(&result.answer, row, &found.explanation) {
                    let message =
                        format!("row {number} is not as it was explained: {} has another value now", quoted(&feature));
                    let fault = Fault::input(message).hint("The data file has changed since; explain the row again");
                    (self.answer, self.error) = (None, Some(error_text(&fault)));
                } else {
                    let (data, at) = (command.data.display().to_string(), String::new());
                    let command = Command::Explain(command.clone());
                    let (answer, outputs) = (found.explanation, Vec::new());
                    self.answer = Some(ExplainResult { answer, command, data, at, outputs, pictures: None });
                    self.error = None;
                }
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

/// A feature that the row has another value of now than when it was explained.
fn otherwise(explained: &Explained, row: usize, now: &Explained) -> Option<String> {
    let then = explained.feature_names.iter().zip(explained.feature_values.get(row)?);
    let now: HashMap<&String, &String> = now.feature_names.iter().zip(now.feature_values.first()?).collect();
    then.filter_map(|(name, value)| Some((name, value, *now.get(name)?)))
        .find_map(|(name, value, now)| (value != now).then(|| name.clone()))
}

/// One line for each feature of the row, those that matter most here first.
fn controls(
    ui: &mut Ui,
    result: &ExplainResult,
    row: usize,
    output: usize,
    ranges: &[ColumnRange],
    set: &mut BTreeMap<String, String>,
    find: &mut String,
) {
    let mut parts = result.contributions(row, output);
    parts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let known: HashMap<&str, &ColumnRange> = ranges.iter().map(|range| (range.name.as_str(), range)).collect();
    // A group's columns are changed one by one, and stand together.
    let cells = parts.iter().flat_map(|part| match result.answer.groups.iter().find(|group| group.name == part.name) {
        Some(group) => {
            let values = group.values.get(row).map(Vec::as_slice).unwrap_or_default();
            group.columns.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect::<Vec<_>>()
        }
        None => vec![(part.name.as_str(), part.value.as_str())],
    });
    let lines: Vec<Line<'_>> =
        cells.filter_map(|(name, value)| Some(Line { name, value, range: known.get(name)? })).collect();
    if lines.is_empty() {
        text::sub(ui, "The values of this row are no single cells of the data: they cannot be changed here");
        return;
    }
    if lines.len() <= UNSEARCHED {
        for line in &lines {
            line.show(ui, set);
        }
        return;
    }
    let all = format::plural(lines.len() as u64, "feature", "features");
    text::caption_wrapped(ui, format!("{all}, those that matter most in this row first"));
    let widths = Widths::of(ui);
    Field::new("Find a feature").width(widths.name + widths.control).show_filter(ui, find, "Name of a feature");
    ui.add_space(6.0);
    let wanted = find.trim().to_lowercase();
    let found: Vec<&Line<'_>> = lines.iter().filter(|line| line.name.to_lowercase().contains(&wanted)).collect();
    if found.is_empty() {
        text::sub(ui, "No feature is called so");
    }
    let height = desk_uikit::tokens::control_height(ui);
    let room = SEEN as f32 * (height + ui.spacing().item_spacing.y) - ui.spacing().item_spacing.y;
    // A page that scrolls leaves no room of its own to what scrolls within it.
    let area = ScrollArea::vertical().max_height(room).min_scrolled_height(room).auto_shrink([false, true]);
    if found.len() <= DRAWN {
        // Tab goes through all of them, and the list follows.
        area.show(ui, |ui| {
            // Room for the mark of the focus.
            ui.add_space(3.0);
            for line in &found {
                line.show(ui, set);
            }
        });
    } else {
        area.show_rows(ui, height, found.len(), |ui, visible| {
            found.get(visible).unwrap_or_default().iter().for_each(|line| line.show(ui, set));
        });
    }
}

/// A feature that can be changed: its value in the row, and the values that it has in the data.
struct Line<'a> {
    name: &'a str,
    value: &'a str,
    range: &'a ColumnRange,
}

impl Line<'_> {
    fn show(&self, ui: &mut Ui, set: &mut BTreeMap<String, String>) {
        let Self { name, value, .. } = *self;
        let widths = Widths::of(ui);
        ui.horizontal(|ui| {
            self.name(ui, widths.name, set.contains_key(name));
            let now = set.get(name).map_or(value, String::as_str).to_owned();
            let Typed { taken, wrong } = self.control(ui, widths, &now);
            // Always there, so that nothing moves when a value is changed.
            let unchanged = (!set.contains_key(name)).then_some("It is as in the data");
            let back = format!("Reset {name}");
            let mut reset = ui.add(Button::icon_only(Icon::Undo, &back).disabled_if(unchanged)).clicked();
            match (wrong, set.get(name)) {
                (Some(why), _) => {
                    ui.label(Icon::Fail.rich(12.0, Tokens::of(ui).err));
                    ui.add(egui::Label::new(egui::RichText::new(why).color(Tokens::of(ui).err)).truncate());
                }
                (None, Some(now)) => {
                    let said = egui::RichText::new(format!("{value} → {now}")).font(fonts::medium(fonts::size::BODY));
                    ui.add(egui::Label::new(said.color(Tokens::of(ui).strong)).truncate());
                }
                (None, None) => {
                    ui.add(egui::Label::new(egui::RichText::new(value).color(Tokens::of(ui).sub)).truncate());
                }
            }
            if let Some(taken) = taken {
                let number = |text: &str| text.parse::<f64>().ok();
                reset |= taken == value || number(&taken).is_some_and(|taken| number(value) == Some(taken));
                set.insert(name.to_owned(), taken);
            }
            if reset {
                set.remove(name);
            }
        });
    }

    fn name(&self, ui: &mut Ui, width: f32, changed: bool) {
        let height = desk_uikit::tokens::control_height(ui);
        ui.allocate_ui_with_layout(vec2(width, height), Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(width);
            let t = Tokens::of(ui);
            // Room for the mark, so that names stay where they are.
            let (mark, _) = ui.allocate_exact_size(vec2(MARK, height), egui::Sense::hover());
            let text = egui::RichText::new(self.name);
            if changed {
                desk_uikit::paint::icon(ui.painter(), mark.center(), Icon::Edit, 12.0, t.accent);
            }
            let text = if changed { text.color(t.strong) } else { text };
            ui.add(egui::Label::new(text).truncate());
        });
    }

    /// A slider and a line for a number, a line with known texts for a text; what becomes of the value `now`.
    fn control(&self, ui: &mut Ui, widths: Widths, now: &str) -> Typed {
        let Self { name, value, range } = *self;
        let Some((low, high)) = range.numbers else {
            // The row's own value may be too rare for the list.
            let own = (!range.values.iter().any(|known| known == value)).then_some(value);
            let known: Vec<&str> = own.into_iter().chain(range.values.iter().map(String::as_str)).collect();
            return Field::new(name).hide_label().width(widths.control).show_suggested(ui, now, &known);
        };
        let own = value.parse::<f64>().unwrap_or(f64::midpoint(low, high));
        let mut at = now.parse::<f64>().unwrap_or(own);
        // What was typed may lie beyond all that the data has.
        let (low, high) = (low.min(own).min(at), high.max(own).max(at));
        let step = if range.whole { 1.0 } else { 0.0 };
        let slider = Field::new(name).hide_label().width(widths.slider);
        let slid = slider.show_slider(ui, &mut at, low..=high, step).changed();
        let step = if range.whole { 1.0 } else { fine(high - low) };
        let typed = Field::new(name).hide_label().width(FIELD).show_typed_number(ui, now, step);
        if slid { Typed { taken: Some(shown(at, range.whole, high - low)), wrong: None } } else { typed }
    }
}

/// What an arrow key changes: the power of ten that makes fifty steps or more of the range.
fn fine(span: f64) -> f64 {
    10.0_f64.powf((span.abs().max(1e-9) / 50.0).log10().floor())
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
            let chart = Waterfall::new(answer.base(1, output), answer.prediction(1, output), &items);
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
        assert!((fine(40.0) - 0.1).abs() < 1e-12 && (fine(4254.0) - 10.0).abs() < 1e-9);
    }
}
