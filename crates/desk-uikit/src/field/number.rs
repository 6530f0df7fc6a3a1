//! A number with a unit and limits: typed, or stepped with the arrow keys.

use std::ops::RangeInclusive;

use egui::{Id, Key, Modifiers, Response, RichText, Ui, emath};

use super::{Field, text_input};
use crate::fonts::{self, size};
use crate::tokens::Tokens;

/// The limits and step of a number.
#[derive(Debug, Clone)]
pub struct Range<N> {
    /// Smallest and largest value.
    pub limits: RangeInclusive<N>,
    /// How much an arrow key changes it.
    pub step: f64,
}

impl Field<'_> {
    /// A number; `unit` stands after it. What is typed counts once it is a number within the limits.
    pub fn show_number<N: emath::Numeric>(self, ui: &mut Ui, value: &mut N, range: Range<N>, unit: &str) -> Response {
        let Range { limits, step: one_step } = range;
        let (low, high) = limits.into_inner();
        let (low, high) = (low.to_f64(), high.to_f64());
        let edit_id = ui.make_persistent_id(("number", self.label));
        let editing: Option<String> = ui.data(|data| data.get_temp(edit_id)).flatten();
        let typed = editing.as_deref().map(|text| parse(text, low, high, N::INTEGRAL));
        let complaint = format!("Not a number between {} and {}", plain(low), plain(high));
        let wrong = matches!(typed, Some(None));
        // What was left there and did not count is told until it is typed anew, or something else counts.
        let left_id = edit_id.with("left");
        let left: Option<(String, f64)> = ui.data(|data| data.get_temp(left_id)).flatten();
        // The limits may have moved since.
        let still = |text: &str| parse(text, low, high, N::INTEGRAL).is_none();
        let left = left.filter(|(text, stays)| editing.is_none() && *stays == value.to_f64() && still(text)).map(
            |(text, stays)| {
                let text = crate::text::elide_middle(&text, 12);
                format!("{text} is not a number between {} and {}: {} stays", plain(low), plain(high), plain(stays))
            },
        );
        let said = if wrong { Some(complaint.as_str()) } else { left.as_deref() };
        let field = if said.is_some() { self.error(said) } else { self };
        field.frame(ui, |ui, label, width| {
            field.outline(ui);
            let mut text = editing.unwrap_or_else(|| plain(value.to_f64()));
            let suffix = RichText::new(unit).font(fonts::regular(size::BODY)).color(Tokens::of(ui).sub);
            // A single-line input has no use for these keys; while it has the focus they step.
            let focused = ui.memory(|memory| memory.has_focus(edit_id));
            let step = if focused { steps(ui) * one_step } else { 0.0 };
            let mut response = text_input::line(ui, &mut text, "", width, |edit| {
                let edit = edit.id(edit_id);
                if unit.is_empty() { edit } else { edit.suffix(suffix) }
            });
            let before = value.to_f64();
            // What the field had when somebody came to it: the beginning of a number that does not count is none.
            let had_id = edit_id.with("had");
            if response.gained_focus() {
                ui.data_mut(|data| data.insert_temp(had_id, before));
            }
            if step != 0.0 {
                *value = N::from_f64((before + step).clamp(low, high));
                text = plain(value.to_f64());
            } else if response.changed()
                && let Some(number) =
                    parse(&text, low, high, N::INTEGRAL).or_else(|| ui.data(|data| data.get_temp(had_id)))
            {
                *value = N::from_f64(number);
            }
            if response.has_focus() && parse(&text, low, high, N::INTEGRAL).is_none() {
                let frame = ui.ctx().cumulative_frame_nr();
                ui.data_mut(|data| data.insert_temp(Id::unique(TYPED_WRONG), frame));
            }
            let escape = ui.input(|input| input.key_pressed(Key::Escape));
            if response.lost_focus() && wrong && !escape && !text.trim().is_empty() {
                let left = Some((text.trim().to_owned(), value.to_f64()));
                ui.data_mut(|data| data.insert_temp(left_id, left));
            } else if response.changed() {
                ui.data_mut(|data| data.insert_temp(left_id, None::<(String, f64)>));
            }
            let keep = response.has_focus().then_some(text);
            ui.data_mut(|data| data.insert_temp(edit_id, keep));
            if value.to_f64() != before {
                response.mark_changed();
            }
            text_input::name(response, label, field)
        })
    }
}

/// Where the last frame is kept in which a number was being typed that does not count.
const TYPED_WRONG: &str = "a number that does not count";

/// True while somebody types a number that does not count: what is started now would not be what is to be read there.
pub fn is_typed_wrong(ui: &Ui) -> bool {
    let frame: Option<u64> = ui.data(|data| data.get_temp(Id::unique(TYPED_WRONG)));
    frame.is_some_and(|frame| frame + 1 >= ui.ctx().cumulative_frame_nr())
}

/// How often the arrow keys were pressed, upwards counted.
pub(super) fn steps(ui: &Ui) -> f64 {
    ui.input_mut(|input| {
        let up = input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp) as f64;
        let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown) as f64;
        up - down
    })
}

/// The number as typed text, without grouping, so that it can be edited and copied.
fn plain(value: f64) -> String {
    value.to_string()
}

/// What was typed as a number; grouping spaces and a decimal comma are understood.
fn read(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.replace('\u{2212}', "-").replace(',', ".").parse().ok()
}

/// A number within the limits.
fn parse(text: &str, low: f64, high: f64, whole: bool) -> Option<f64> {
    let number = read(text)?;
    let fits = (low..=high).contains(&number) && (!whole || number.fract() == 0.0);
    fits.then_some(number)
}

/// A number as it was typed, or why it is none that can be computed with.
pub fn finite(text: &str) -> Result<f64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Type a number".to_owned());
    }
    let shown = || crate::text::elide_middle(text, 24);
    match read(text) {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => Err(format!("{} is no finite number", shown())),
        None => Err(format!("{} is not a number", shown())),
    }
}

/// A number some steps on, with no more digits than it had or than the step has.
pub(super) fn stepped(from: f64, by: f64) -> String {
    let places = |n: f64| n.to_string().split_once('.').map_or(0, |(_, digits)| digits.len());
    let decimals = places(from).max(places(by)).min(12);
    let text = format!("{:.decimals$}", from + by);
    text.parse::<f64>().map_or(text, |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_what_people_type_and_refuses_the_rest() {
        assert_eq!(parse("2 048", 16.0, 65536.0, true), Some(2048.0));
        assert_eq!(parse("0,5", 0.0, 1.0, false), Some(0.5));
        assert_eq!(parse("0.5", 0.0, 1.0, true), None);
        for text in ["", "abc", "8", "1e9", "NaN", "inf"] {
            assert_eq!(parse(text, 16.0, 65536.0, true), None, "{text}");
        }
    }

    #[test]
    fn says_what_is_no_number_to_compute_with() {
        assert_eq!(finite(" 1 200,5 "), Ok(1200.5));
        assert_eq!(finite("-3e2"), Ok(-300.0));
        assert_eq!(finite("1e400"), Err("1e400 is no finite number".to_owned()));
        assert_eq!(finite("much"), Err("much is not a number".to_owned()));
        assert!(finite("  ").is_err() && finite("NaN").is_err());
        assert!(finite(&"x".repeat(5000)).expect_err("no number").len() < 80);
    }

    #[test]
    fn a_step_adds_no_digits_of_its_own() {
        assert_eq!(stepped(0.1, 0.2), "0.3");
        assert_eq!(stepped(928.2, -1.0), "927.2");
        assert_eq!(stepped(3.0, 1.0), "4");
    }
}
