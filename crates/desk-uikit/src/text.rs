//! Text in the house's sizes and colours, and shortening that keeps what tells things apart.

use egui::{Label, Response, RichText, Ui};

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
    ui.add(Label::new(paragraph(text, size::BODY).color(color)).wrap())
}

/// A secondary paragraph; wraps.
pub fn sub(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.add(Label::new(paragraph(text, size::BODY).color(color)).wrap())
}

/// A small secondary line.
pub fn caption(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.label(RichText::new(text).font(fonts::regular(size::SMALL)).color(color))
}

/// A small secondary text that wraps.
pub fn caption_wrapped(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = Tokens::of(ui).sub;
    ui.add(Label::new(paragraph(text, size::SMALL).color(color)).wrap())
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
    ui.add(Label::new(paragraph(text, size::BODY).font(fonts::medium(size::BODY)).color(color)).wrap())
}

fn paragraph(text: impl Into<String>, points: f32) -> RichText {
    RichText::new(text).font(fonts::regular(points)).line_height(Some((points * size::LINE).round()))
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

#[cfg(test)]
mod tests {
    use super::*;

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
