//! What a view says when there is nothing in it: why, and what to do.

use egui::{Align, Layout, RichText, Ui};

use crate::Button;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::text;
use crate::tokens::Tokens;

/// An empty view: icon, sentence, actions.
#[must_use]
pub struct EmptyState<'a> {
    icon: Icon,
    title: &'a str,
    body: &'a str,
    primary: Option<(Icon, &'a str)>,
    secondary: Option<&'a str>,
    disabled: Option<&'a str>,
    hint: Option<&'a str>,
}

/// Which of an empty view's actions was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyAction {
    /// The primary button.
    Primary,
    /// The quieter one.
    Secondary,
}

impl<'a> EmptyState<'a> {
    /// An icon and a short title, such as `No models yet`.
    pub fn new(icon: Icon, title: &'a str) -> Self {
        Self { icon, title, body: "", primary: None, secondary: None, disabled: None, hint: None }
    }

    /// One sentence: what would be here, or why it is not.
    pub fn body(mut self, body: &'a str) -> Self {
        self.body = body;
        self
    }

    /// The next step.
    pub fn primary(mut self, icon: Icon, label: &'a str) -> Self {
        self.primary = Some((icon, label));
        self
    }

    /// Another way on.
    pub fn secondary(mut self, label: &'a str) -> Self {
        self.secondary = Some(label);
        self
    }

    /// Greys the next step out and says why, when there is a reason.
    pub fn disabled_if(mut self, reason: Option<&'a str>) -> Self {
        self.disabled = reason;
        self
    }

    /// A last quiet line, such as `or drop a file anywhere in this window`.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Shows it in the middle of the width; returns the action that was chosen.
    pub fn show(self, ui: &mut Ui) -> Option<EmptyAction> {
        let t = Tokens::of(ui);
        let mut chosen = None;
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.add_space(32.0);
            ui.label(self.icon.rich(30.0, t.sub));
            ui.add_space(4.0);
            ui.label(RichText::new(self.title).font(fonts::semibold(16.0)).color(t.strong));
            if !self.body.is_empty() {
                ui.scope(|ui| {
                    ui.set_max_width(440.0_f32.min(ui.available_width()));
                    text::sub(ui, self.body);
                });
            }
            ui.add_space(6.0);
            if let Some((icon, label)) = self.primary
                && ui.add(Button::primary(label).icon(icon).disabled_if(self.disabled)).clicked()
            {
                chosen = Some(EmptyAction::Primary);
            }
            if let Some(label) = self.secondary
                && ui.add(Button::ghost(label)).clicked()
            {
                chosen = Some(EmptyAction::Secondary);
            }
            if let Some(hint) = self.hint {
                ui.label(RichText::new(hint).font(fonts::regular(size::SMALL)).color(t.sub));
            }
            ui.add_space(24.0);
        });
        chosen
    }
}
