//! Text in the house's sizes and colours, and shortening that keeps what tells things apart.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Color32, FontId, Label, Response, RichText, Ui};

use crate::fonts::{self, size};
use crate::tokens::Tokens;

/// The heading of a screen.
pub fn title(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).strong;
    ui.label(RichText::new(text).font(fonts::semibold(size::TITLE)).color(color))
}

/// The heading of a section or card.
pub fn section(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).strong;
    ui.label(RichText::new(text).font(fonts::semibold(size::SECTION)).color(color))
}

/// A paragraph with the house's line height; wraps.
pub fn body(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).text;
    ui.add(Label::new(coded(&text.into(), &fonts::regular(size::BODY), color)).wrap())
}

/// A secondary paragraph; wraps.
pub fn sub(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.add(Label::new(coded(&text.into(), &fonts::regular(size::BODY), color)).wrap())
}

/// A small secondary line.
pub fn caption(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.label(RichText::new(text).font(fonts::regular(size::SMALL)).color(color))
}

/// A small secondary line in a row that wraps: beside what stands there, or below it where it has no room.
pub fn caption_beside(ui: &mut Ui, text: impl Into<String>) -> Response {
    let (text, color) = (text.into(), Tokens::of(ui).sub);
    let width = ui.painter().layout_no_wrap(text.clone(), fonts::regular(size::SMALL), color).size().x;
    if width > ui.available_size_before_wrap().x {
        ui.end_row();
    }
    caption(ui, text)
}

/// A small secondary text that wraps.
pub fn caption_wrapped(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.add(Label::new(coded(&text.into(), &fonts::regular(size::SMALL), color)).wrap())
}

/// A value in the fixed-width face.
pub fn mono(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).text;
    ui.label(RichText::new(text).font(fonts::mono(size::MONO)).color(color))
}

/// Emphasised body text (real medium weight, not only another colour).
pub fn strong(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).strong;
    ui.label(RichText::new(text).font(fonts::medium(size::BODY)).color(color))
}

/// The same over several lines.
pub fn strong_wrapped(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).strong;
    ui.add(Label::new(coded(&text.into(), &fonts::medium(size::BODY), color)).wrap())
}

/// A paragraph with the house's line height; what stands between backticks is in the fixed-width face instead.
pub fn coded(text: &str, font: &FontId, color: Color32) -> LayoutJob {
    let line_height = Some((font.size * size::LINE).round());
    let code = fonts::mono(font.size - 0.5);
    let mut job = LayoutJob::default();
    for (part, is_code) in parts(text) {
        let font_id = if is_code { code.clone() } else { font.clone() };
        job.append(part, 0.0, TextFormat { font_id, color, line_height, valign: Align::Center, ..Default::default() });
    }
    job
}

/// The same text for those who hear it or read it in one face: quotes for backticks.
pub fn spoken(text: &str) -> String {
    parts(text).map(|(part, is_code)| if is_code { format!("“{part}”") } else { part.to_owned() }).collect()
}

/// The parts of a text, each with whether it stood between backticks. One that has no partner is a character.
fn parts(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let paired = text.matches('`').count().is_multiple_of(2);
    let split = if paired { text.split('`') } else { text.split('\0') };
    split.enumerate().map(|(i, part)| (part, i % 2 == 1)).filter(|(part, is_code)| *is_code || !part.is_empty())
}

/// Shortens to at most `max` characters, keeping both ends: `/home/…/churn.onnx`.
///
/// The end gets the larger share, because file names end in what tells them apart.
pub fn elide_middle(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max {
        return text.to_owned();
    }
    if max <= 1 {
        return "…".repeat(max);
    }
    let keep = max - 1;
    let head = keep / 3;
    let tail = keep - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// Shortens a path or digest to at most `max` characters.
///
/// Of a digest its first digits stay, by which it is known in tables and on the command line.
pub fn elide_value(text: &str, max: usize) -> String {
    let digits = text.rsplit(':').next().unwrap_or_default();
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match digits.get(..DIGEST_DIGITS) {
        Some(first) if is_digest && text.len() > max => format!("{first}…"),
        _ => elide_middle(text, max),
    }
}

/// So many digits of a digest are shown where there is no room for all of it.
const DIGEST_DIGITS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_backticks_is_code() {
        let said = "there is no model named `nothing`";
        let job = coded(said, &fonts::regular(size::BODY), Color32::WHITE);
        assert_eq!(job.text, "there is no model named nothing");
        assert_eq!(job.sections.len(), 2);
        assert_eq!(job.sections[1].format.font_id.family, fonts::mono(size::MONO).family);
        assert_eq!(spoken(said), "there is no model named “nothing”");
        assert_eq!(spoken("a lone ` stays"), "a lone ` stays");
        assert_eq!(coded("`a` and `b`", &fonts::regular(size::BODY), Color32::WHITE).text, "a and b");
    }

    #[test]
    fn a_digest_keeps_the_digits_by_which_it_is_known() {
        let digest = format!("sha256:3bfc1fb0f91a{}", "0".repeat(52));
        assert_eq!(elide_value(&digest, 20), "3bfc1fb0f91a…");
        assert_eq!(elide_value(&digest, 71), digest);
        assert_eq!(elide_value("/home/anna/projects/models/churn.onnx", 18), "/home…s/churn.onnx");
    }

    #[test]
    fn eliding_keeps_both_ends_and_the_length() {
        assert_eq!(elide_middle("churn.onnx", 10), "churn.onnx");
        let short = elide_middle("/home/anna/projects/models/churn.onnx", 18);
        assert_eq!(short, "/home…s/churn.onnx");
        assert_eq!(short.chars().count(), 18);
        assert_eq!(elide_middle("abc", 1), "…");
        assert_eq!(elide_middle("ééééé", 3).chars().count(), 3);
    }
}
