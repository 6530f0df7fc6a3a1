//! A text whose words are marked by what they add to the answer and take from it.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, Galley, Rect, Response, ScrollArea, Ui, pos2, vec2};

use super::ramp::diverging;
use super::{hover, surface_of};
use crate::contrast;
use crate::fonts::{self, size};
use crate::format;
use crate::paint;
use crate::tokens::Tokens;

/// A word of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// First character, from 0.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What it adds.
    pub amount: f64,
}

/// A text with its marked words.
#[derive(Clone, Copy)]
#[must_use]
pub struct Highlight<'a> {
    text: &'a str,
    /// In the order of the text, none within another.
    marks: &'a [Mark],
    what: &'a str,
    threshold: f64,
}

/// A long text is scrolled.
const TALLEST: f32 = 320.0;
const LINE: f32 = 24.0;
const LEGEND: f32 = 30.0;
/// What a text of one mark has at least of the colour, so that it is seen.
const LEAST: f32 = 0.1;

impl<'a> Highlight<'a> {
    /// A text and its words.
    pub fn new(text: &'a str, marks: &'a [Mark]) -> Self {
        Self { text, marks, what: "to the answer", threshold: 0.0 }
    }

    /// What an amount is: `to the probability of spam`.
    pub fn what(mut self, what: &'a str) -> Self {
        self.what = what;
        self
    }

    /// Words whose amount is less than this part of the largest one are left unmarked.
    pub fn threshold(mut self, part: f64) -> Self {
        self.threshold = part;
        self
    }

    fn most(&self) -> f64 {
        self.marks.iter().map(|mark| mark.amount.abs()).filter(|amount| amount.is_finite()).fold(0.0, f64::max)
    }

    /// The chart in a sentence.
    pub fn summary(&self) -> String {
        let word = |mark: &Mark| self.text.chars().skip(mark.start).take(mark.end - mark.start).collect::<String>();
        let end = |up: bool| {
            let same = self.marks.iter().filter(|mark| mark.amount != 0.0 && (mark.amount > 0.0) == up);
            same.max_by(|a, b| a.amount.abs().total_cmp(&b.amount.abs()))
        };
        let told = |mark: &Mark| format!("“{}” ({})", word(mark), format::signed(mark.amount));
        let words = format::plural(self.marks.len() as u64, "word", "words");
        match (end(true), end(false)) {
            (Some(up), Some(down)) => {
                format!("Of {words} {} adds most {}, and {} takes most", told(up), self.what, told(down))
            }
            (Some(up), None) => format!("Of {words} {} adds most {}", told(up), self.what),
            (None, Some(down)) => format!("Of {words} {} takes most {}", told(down), self.what),
            (None, None) => format!("None of {words} moves it"),
        }
    }

    /// Shows the text.
    pub fn show(&self, ui: &mut Ui) -> Response {
        if super::picture::is_picture(ui.ctx()) {
            return self.paint(ui);
        }
        // A page that scrolls leaves no room of its own to what scrolls within it.
        let area = ScrollArea::vertical().max_height(TALLEST).min_scrolled_height(TALLEST);
        area.id_salt((self.what, "highlight")).show(ui, |ui| self.paint(ui)).inner
    }

    fn paint(&self, ui: &mut Ui) -> Response {
        let t = Tokens::of(ui);
        let most = self.most();
        let colors: Vec<Option<Color32>> = self.marks.iter().map(|mark| self.color(t, mark.amount, most)).collect();
        let width = ui.available_width();
        let galley = ui.painter().layout_job(self.job(t, &colors, width));
        let own = vec2(width, galley.size().y + LEGEND);
        let (rect, response, painter) = surface_of(ui, own, &self.summary());
        let places = places(&galley, self.marks);
        for (at, place) in &places {
            if let Some(color) = colors[*at] {
                painter.rect_filled(place.translate(rect.min.to_vec2()), 3.0, color);
            }
        }
        painter.galley(rect.min, galley, t.text);
        diverging(&painter, t, pos2(rect.right() - 4.0, rect.bottom() - 10.0), most);
        let pointed = response.hover_pos().and_then(|at| {
            let at = at - rect.min.to_vec2();
            places.iter().find(|(_, place)| place.contains(at)).map(|(mark, _)| self.marks[*mark])
        });
        if let Some(mark) = pointed {
            let word: String = self.text.chars().skip(mark.start).take(mark.end - mark.start).collect();
            hover(&response, &[word, format!("{} {}", format::signed(mark.amount), self.what)]);
        }
        response
    }

    fn color(&self, t: &Tokens, amount: f64, most: f64) -> Option<Color32> {
        if amount == 0.0 || !amount.is_finite() || amount.abs() < self.threshold * most {
            return None;
        }
        let full = if amount > 0.0 { t.positive } else { t.negative };
        Some(paint::mix(t.raised, full, ((amount.abs() / most) as f32).max(LEAST)))
    }

    /// The text with an ink for each word that can be read on its colour.
    fn job(&self, t: &Tokens, colors: &[Option<Color32>], width: f32) -> LayoutJob {
        let mut job = LayoutJob { wrap: egui::text::TextWrapping::wrap_at_width(width), ..LayoutJob::default() };
        let format =
            |color| TextFormat { line_height: Some(LINE), ..TextFormat::simple(fonts::regular(size::BODY), color) };
        let places: Vec<usize> = self.text.char_indices().map(|(at, _)| at).collect();
        let byte = |of: usize| places.get(of).copied().unwrap_or(self.text.len());
        let mut from = 0;
        for (mark, color) in self.marks.iter().zip(colors) {
            // A mark that begins within the one before it has what is left of it.
            let start = byte(mark.start).max(from);
            let end = byte(mark.end).max(start);
            job.append(&self.text[from..start], 0.0, format(t.text));
            let ink = color.map_or(t.text, |color| contrast::ink_on(color, t.strong, t.on_accent));
            job.append(&self.text[start..end], 0.0, format(ink));
            from = end;
        }
        job.append(&self.text[from..], 0.0, format(t.text));
        job
    }
}

/// The marks with their areas; one that is broken over lines has one in each.
fn places(galley: &Arc<Galley>, marks: &[Mark]) -> Vec<(usize, Rect)> {
    let mut places: Vec<(usize, Rect)> = Vec::new();
    let (mut at, mut next) = (0, 0);
    for row in &galley.rows {
        for glyph in &row.row.glyphs {
            while marks.get(next).is_some_and(|mark| mark.end <= at) {
                next += 1;
            }
            if marks.get(next).is_some_and(|mark| mark.start <= at) {
                let left = row.pos.x + glyph.pos.x;
                let middle = row.pos.y + LINE / 2.0;
                let area =
                    Rect::from_min_max(pos2(left, middle - 9.0), pos2(left + glyph.advance_width, middle + 10.0));
                match places.last_mut() {
                    Some((mark, place)) if *mark == next && (place.top() - area.top()).abs() < 1.0 => {
                        *place = place.union(area);
                    }
                    _ => places.push((next, area)),
                }
            }
            at += 1;
        }
        at += usize::from(row.ends_with_newline);
    }
    for (_, place) in &mut places {
        *place = place.expand2(vec2(1.0, 0.0));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: usize, end: usize, amount: f64) -> Mark {
        Mark { start, end, amount }
    }

    #[test]
    fn the_words_at_both_ends_are_told() {
        let marks = [mark(0, 4, 0.25), mark(5, 10, -0.5), mark(11, 14, 0.0)];
        let text = Highlight::new("größ naïve end", &marks);
        assert_eq!(text.summary(), "Of 3 words “größ” (+0.25) adds most to the answer, and “naïve” (−0.5) takes most");
        assert_eq!(Highlight::new("a", &[mark(0, 1, 0.0)]).summary(), "None of 1 word moves it");
    }

    #[test]
    fn sections_cover_the_whole_text_once() {
        let t = Tokens::for_theme(egui::Theme::Light, false);
        let marks = [mark(1, 3, 0.2), mark(3, 4, -0.1), mark(6, 7, 0.0)];
        let text = Highlight::new("aäöb\n cd", &marks);
        let colors: Vec<_> = marks.iter().map(|mark| text.color(t, mark.amount, 0.2)).collect();
        assert_eq!(colors[0], Some(t.positive));
        assert_eq!(colors[2], None);
        let job = text.job(t, &colors, 100.0);
        assert_eq!(job.text, "aäöb\n cd");
        assert_eq!(text.threshold(0.6).color(t, -0.1, 0.2), None, "too small to be marked");
    }
}
