//! Progress of long work: a bar, the stage, how much, how long still, and a cancel button.

use egui::{Align, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::Button;
use crate::fonts::{self, size};
use crate::format;
use crate::text;
use crate::tokens::Tokens;

/// A thin bar; `None` when it is not known how much there is to do.
pub fn bar(ui: &mut Ui, fraction: Option<f32>, width: f32, height: f32) -> Response {
    let t = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let value = fraction.map(|f| f.clamp(0.0, 1.0));
    response.widget_info(|| {
        let mut info = WidgetInfo::new(Role::ProgressIndicator);
        info.value = value.map(f64::from);
        info.label = Some(value.map_or_else(|| "Working".to_owned(), |f| format::percent(f64::from(f))));
        info
    });
    if ui.is_rect_visible(rect) {
        let radius = height / 2.0;
        ui.painter().rect_filled(rect, radius, t.line);
        let filled = if let Some(fraction) = value {
            rect.with_max_x(rect.left() + (rect.width() * fraction).max(if fraction > 0.0 { height } else { 0.0 }))
        } else if ui.style().animation_time == 0.0 {
            // Reduced motion: a still bar in the middle says "working" as well.
            rect.shrink2(vec2(rect.width() / 3.0, 0.0))
        } else {
            let phase = (ui.input(|input| input.time) * 0.6).fract() as f32;
            let left = rect.left() + (phase * 1.3 - 0.3) * rect.width();
            ui.ctx().request_repaint_after_secs(0.033);
            egui::Rect::from_min_size(egui::pos2(left, rect.top()), vec2(rect.width() * 0.3, height)).intersect(rect)
        };
        ui.painter().rect_filled(filled, radius, t.accent);
    }
    response
}

/// What a piece of long work says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work<'a> {
    /// What is being done, such as `Measure`.
    pub stage: &'a str,
    /// Units done.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// That is an estimate.
    pub about: bool,
    /// What a unit is, in the plural: `rows`, `bytes`.
    pub unit: &'a str,
    /// Seconds since the start.
    pub elapsed_secs: f64,
    /// What is kept when the work is cancelled, such as `Finished rows are kept`.
    pub cancel_keeps: Option<&'a str>,
}

impl Work<'_> {
    /// How much is done, 0 to 1.
    pub fn fraction(&self) -> Option<f32> {
        self.total.filter(|total| *total > 0).map(|total| (self.done as f64 / total as f64).min(1.0) as f32)
    }

    /// `620 of 1 000 batches · 8 412 batches/s`.
    pub fn amount(&self) -> String {
        let is_bytes = self.unit == "bytes";
        let show = |n: u64| if is_bytes { format::bytes(n) } else { format::count(n) };
        let rate = if self.elapsed_secs > 0.5 && self.done > 0 { self.done as f64 / self.elapsed_secs } else { 0.0 };
        let unit = if is_bytes { String::new() } else { format!(" {}", self.unit) };
        let mut text = match self.total {
            Some(total) => {
                let about = if self.about { "about " } else { "" };
                format!("{} of {about}{}{unit}", show(self.done), show(total))
            }
            None if self.done > 0 => format!("{}{unit}", show(self.done)),
            None => return String::new(),
        };
        if rate >= 1.0 {
            text += &format!(" · {}{unit}/s", show(rate as u64)).replace(" /s", "/s");
        }
        text
    }

    /// `about 1 min left`, once 5 % or 3 s have passed and a guess means something.
    pub fn remaining(&self) -> Option<String> {
        let fraction = f64::from(self.fraction()?);
        if fraction <= 0.0 || fraction >= 1.0 || (fraction < 0.05 && self.elapsed_secs < 3.0) || self.elapsed_secs < 1.0
        {
            return None;
        }
        let secs = self.elapsed_secs * (1.0 - fraction) / fraction;
        let rounded = if secs < 10.0 {
            secs.ceil()
        } else if secs < 60.0 {
            (secs / 5.0).ceil() * 5.0
        } else {
            (secs / 60.0).ceil() * 60.0
        };
        Some(format!("about {} left", format::duration(rounded)))
    }
}

/// Shows running work; returns true when the user pressed cancel.
pub fn work(ui: &mut Ui, work: &Work<'_>, can_cancel: bool) -> bool {
    let t = Tokens::of(ui);
    let mut cancel = false;
    ui.horizontal(|ui| {
        text::strong(ui, work.stage);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(remaining) = work.remaining() {
                text::caption(ui, remaining);
            }
        });
    });
    let width = ui.available_width();
    bar(ui, work.fraction(), width, 6.0);
    ui.horizontal(|ui| {
        let amount = RichText::new(work.amount()).font(fonts::regular(size::SMALL)).color(t.sub);
        ui.label(amount);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if can_cancel {
                cancel = ui.add(Button::secondary("Cancel")).clicked();
            }
            if let Some(keeps) = work.cancel_keeps.filter(|_| can_cancel) {
                text::caption(ui, keeps);
            }
        });
    });
    cancel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_much_and_how_long() {
        let w = Work { done: 620, total: Some(1000), unit: "batches", elapsed_secs: 62.0, ..Work::default() };
        assert_eq!(w.amount().replace('\u{202f}', " "), "620 of 1 000 batches · 10 batches/s");
        assert_eq!(w.remaining().as_deref(), Some("about 40\u{a0}s left"));
        let guessed = Work { about: true, elapsed_secs: 0.0, ..w.clone() };
        assert_eq!(guessed.amount().replace('\u{202f}', " "), "620 of about 1 000 batches");
        let early = Work { done: 1, elapsed_secs: 0.9, ..w.clone() };
        assert_eq!(early.remaining(), None);
        let bytes =
            Work { done: 2_000_000, total: Some(18_400_000), unit: "bytes", elapsed_secs: 1.0, ..Work::default() };
        assert_eq!(bytes.amount(), "2\u{a0}MB of 18.4\u{a0}MB · 2\u{a0}MB/s");
        assert_eq!(Work { unit: "rows", ..Work::default() }.amount(), "");
    }
}
