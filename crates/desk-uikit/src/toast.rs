//! Short notices at the lower right: quiet ones go by themselves, errors stay until closed.

use std::time::Duration;

use egui::{Align2, Area, Context, Frame, Id, Label, Margin, Order, RichText, Role, Stroke, Ui, WidgetInfo, vec2};

use crate::badge::Tone;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::tokens::{RADIUS_CARD, Tokens};
use crate::{Button, text};

const WIDTH: f32 = 340.0;
const AT_MOST: usize = 4;

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
}

impl<A> Toast<A> {
    /// A notice without body and action.
    pub fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { tone, title: title.into(), body: String::new(), action: None }
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
            _ => Some(Duration::from_secs(6)),
        }
    }
}

/// The notices on show, newest last.
#[derive(Debug)]
pub struct Toasts<A> {
    next: u64,
    shown: Vec<(u64, Toast<A>, f64)>,
}

impl<A> Default for Toasts<A> {
    fn default() -> Self {
        Self { next: 0, shown: Vec::new() }
    }
}

impl<A: Clone> Toasts<A> {
    /// Adds a notice; the oldest goes when there are too many.
    pub fn push(&mut self, toast: Toast<A>) {
        if self.shown.len() >= AT_MOST {
            self.shown.remove(0);
        }
        self.shown.push((self.next, toast, 0.0));
        self.next += 1;
    }

    /// True when nothing is on show.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Shows the notices above everything; returns the action of a pressed button.
    pub fn show(&mut self, ctx: &Context) -> Option<A> {
        let mut acted = None;
        let mut bottom = -40.0;
        let dt = f64::from(ctx.input(|input| input.stable_dt.min(0.5)));
        let mut gone = Vec::new();
        for (id, toast, age) in self.shown.iter_mut().rev() {
            let area = Area::new(Id::unique(("toast", *id)))
                .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, bottom))
                .order(Order::Foreground)
                .show(ctx, |ui| toast_ui(ui, toast));
            let (close, action) = area.inner;
            bottom -= area.response.rect.height() + 8.0;
            if action.is_some() {
                acted = action;
            }
            if let Some(life) = toast.lifetime() {
                // A notice under the pointer is being read.
                if !area.response.contains_pointer() {
                    *age += dt;
                }
                if *age >= life.as_secs_f64() {
                    gone.push(*id);
                }
                ctx.request_repaint_after_secs(0.25);
            }
            if close || acted.is_some() {
                gone.push(*id);
            }
        }
        self.shown.retain(|(id, ..)| !gone.contains(id));
        acted
    }
}

fn toast_ui<A: Clone>(ui: &mut Ui, toast: &Toast<A>) -> (bool, Option<A>) {
    let t = Tokens::of(ui);
    let mut close = false;
    let mut action = None;
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
                let title = RichText::new(&toast.title).font(fonts::medium(size::BODY)).color(t.strong);
                ui.add(Label::new(title).wrap());
                if !toast.body.is_empty() {
                    text::sub(ui, &toast.body);
                }
                if let Some((label, value)) = &toast.action
                    && ui.add(Button::secondary(label)).clicked()
                {
                    action = Some(value.clone());
                }
            });
            close = ui.add(Button::icon_only(Icon::Close, "Dismiss")).clicked();
        });
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &toast.title));
    (close, action)
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
