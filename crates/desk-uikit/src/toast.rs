//! Short notices over a corner of the page: quiet ones go by themselves, errors stay until closed.

use std::time::Duration;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Area, Color32, Context, FontId, Frame, Id, Margin, Order, Pos2, Role, Sense, Stroke, Ui, WidgetInfo,
};

use crate::badge::Tone;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::tokens::{RADIUS_CARD, Tokens};
use crate::{Button, text};

/// Of a notice's contents.
const WIDTH: f32 = 266.0;
/// Around a notice.
const GAP: f32 = 8.0;
const AT_MOST: usize = 4;
/// Lines of a title, and of a body that can be read nowhere else.
const TITLE_LINES: usize = 2;
const BODY_LINES: usize = 4;
/// A tooltip has no more characters.
const LONG: usize = 600;

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast<A> {
    /// Good, bad, or just a fact.
    pub tone: Tone,
    /// One short sentence.
    pub title: String,
    /// More, if there is more.
    pub body: String,
    /// A button and what it stands for.
    pub action: Option<(String, A)>,
    /// All of it can be read elsewhere: its body is one line, and a button leads there when that is not all.
    pub kept: bool,
    /// There is more than its body.
    pub more: bool,
}

impl<A> Toast<A> {
    /// A notice without body and action.
    pub fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { tone, title: title.into(), body: String::new(), action: None, kept: false, more: false }
    }

    /// Adds a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a button.
    #[must_use]
    pub fn action(mut self, label: impl Into<String>, action: A) -> Self {
        self.action = Some((label.into(), action));
        self
    }

    fn lifetime(&self) -> Option<Duration> {
        match (self.tone, &self.action) {
            (Tone::Err, _) => None,
            (_, Some(_)) => Some(Duration::from_secs(10)),
            _ => Some(Duration::from_secs(5)),
        }
    }
}

/// How a notice went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody pressed it, its button or Escape.
    ByHand,
    /// It was on show for its whole time.
    ByItself,
    /// Newer ones took its place; nobody may have seen it.
    PushedOut,
}

/// The notices on show, newest last.
#[derive(Debug)]
pub struct Toasts<A> {
    next: u64,
    /// Those that went since this was asked for.
    ended: Vec<(u64, Ended)>,
    shown: Vec<(u64, Toast<A>, f64)>,
    /// The one of which all is to be shown.
    details: Option<u64>,
    /// When they were drawn last.
    drawn: f64,
}

impl<A> Default for Toasts<A> {
    fn default() -> Self {
        Self { next: 0, ended: Vec::new(), shown: Vec::new(), details: None, drawn: 0.0 }
    }
}

impl<A: Clone> Toasts<A> {
    /// Adds a notice and gives its number; the oldest goes when there are too many.
    pub fn push(&mut self, toast: Toast<A>) -> u64 {
        if self.shown.len() >= AT_MOST {
            let (id, ..) = self.shown.remove(0);
            self.ended.push((id, Ended::PushedOut));
        }
        self.shown.push((self.next, toast, 0.0));
        self.next += 1;
        self.next - 1
    }

    /// The numbers of the notices that went since the last time, and how.
    pub fn take_ended(&mut self) -> Vec<(u64, Ended)> {
        std::mem::take(&mut self.ended)
    }

    /// True when nothing is on show.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The number of the notice of which all is to be shown, when that was asked for.
    pub fn take_details(&mut self) -> Option<u64> {
        self.details.take()
    }

    /// Takes a notice away: what it says is known.
    pub fn remove(&mut self, number: u64) {
        self.shown.retain(|(id, ..)| *id != number);
    }

    /// Takes the newest notice away, as Escape does.
    pub fn dismiss(&mut self) {
        if let Some((id, ..)) = self.shown.pop() {
            self.ended.push((id, Ended::ByHand));
        }
    }

    /// Shows the notices above `corner`, their lower right one; returns the action of a pressed button.
    ///
    /// A click on a notice dismisses it; while the pointer or the focus is on it, it stays.
    pub fn show(&mut self, ctx: &Context, corner: Pos2) -> Option<A> {
        let mut acted = None;
        let mut bottom = corner.y - GAP;
        let now = ctx.input(|input| input.time);
        let passed = (now - self.drawn).clamp(0.0, 0.5);
        self.drawn = now;
        let mut gone = Vec::new();
        for (id, toast, age) in self.shown.iter_mut().rev() {
            let area = Area::new(Id::unique(("toast", *id)))
                .pivot(Align2::RIGHT_BOTTOM)
                .fixed_pos(Pos2::new(corner.x - GAP, bottom))
                .order(Order::Foreground)
                .sense(Sense::CLICK)
                .show(ctx, |ui| toast_ui(ui, toast));
            let Pressed { close, action, details, focused } = area.inner;
            if details {
                self.details = Some(*id);
            }
            let rect = area.response.rect;
            bottom -= rect.height() + GAP;
            let by_hand = close || action.is_some() || area.response.clicked();
            acted = acted.or(action);
            if by_hand {
                gone.push((*id, Ended::ByHand));
                continue;
            }
            if let Some(life) = toast.lifetime() {
                // A notice under the pointer is being read.
                if !area.response.contains_pointer() && !focused {
                    *age += passed;
                }
                if *age >= life.as_secs_f64() {
                    gone.push((*id, Ended::ByItself));
                }
                ctx.request_repaint_after_secs(0.25);
            }
        }
        self.shown.retain(|(id, ..)| !gone.iter().any(|(ended, _)| ended == id));
        self.ended.append(&mut gone);
        acted
    }
}

/// A text of a few lines at most; true when that is not all of it.
fn lines(ui: &mut Ui, text: &str, font: FontId, color: Color32, most: usize) -> bool {
    let line_height = Some((font.size * size::LINE).round());
    let format = TextFormat { font_id: font, color, line_height, ..TextFormat::default() };
    // One paragraph: a list of causes would be cut after its first line otherwise.
    let mut job = LayoutJob::single_section(text.split_whitespace().collect::<Vec<_>>().join(" "), format);
    job.wrap = TextWrapping { max_rows: most, ..TextWrapping::wrap_at_width(ui.available_width()) };
    let galley = ui.painter().layout_job(job);
    let cut = galley.elided;
    let label = ui.label(galley);
    if cut {
        label.on_hover_text(text::elide_middle(text, LONG));
    }
    cut
}

/// What was done with a notice.
struct Pressed<A> {
    close: bool,
    action: Option<A>,
    details: bool,
    /// One of its buttons has the focus.
    focused: bool,
}

fn toast_ui<A: Clone>(ui: &mut Ui, toast: &Toast<A>) -> Pressed<A> {
    let t = Tokens::of(ui);
    let mut pressed = Pressed { close: false, action: None, details: false, focused: false };
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line_strong))
        .shadow(ui.visuals().popup_shadow)
        .corner_radius(RADIUS_CARD)
        .inner_margin(Margin { left: 12, right: 6, top: 8, bottom: 10 });
    let shown = frame.show(ui, |ui| {
        ui.set_width(WIDTH);
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.add_space(4.0);
                ui.label(toast.tone.icon().rich(16.0, toast.tone.colors(t).0));
            });
            ui.vertical(|ui| {
                ui.set_width(WIDTH - 66.0);
                ui.add_space(4.0);
                let mut cut = lines(ui, &toast.title, fonts::medium(size::BODY), t.strong, TITLE_LINES);
                if !toast.body.is_empty() {
                    let most = if toast.kept { 1 } else { BODY_LINES };
                    cut |= lines(ui, &toast.body, fonts::regular(size::BODY), t.sub, most);
                }
                let details = toast.kept && (cut || toast.more);
                if toast.action.is_none() && !details {
                    return;
                }
                ui.horizontal(|ui| {
                    if let Some((label, value)) = &toast.action {
                        let button = ui.add(Button::secondary(label));
                        pressed.action = button.clicked().then(|| value.clone());
                        pressed.focused = button.has_focus();
                    }
                    if details {
                        let button = ui.add(Button::ghost("Details"));
                        pressed.details = button.clicked();
                        pressed.focused |= button.has_focus();
                    }
                });
            });
            let button = ui.add(Button::icon_only(Icon::Close, "Dismiss"));
            pressed.close = button.clicked();
            pressed.focused |= button.has_focus();
        });
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &toast.title));
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut toasts = Toasts::<u8>::default();
        for i in 0..6 {
            toasts.push(Toast::new(Tone::Ok, format!("{i}")));
        }
        let titles: Vec<&str> = toasts.shown.iter().map(|(_, toast, _)| toast.title.as_str()).collect();
        assert_eq!(titles, ["2", "3", "4", "5"]);
    }
}
