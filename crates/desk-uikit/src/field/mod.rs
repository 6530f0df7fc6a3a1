//! Form fields: a label above, the input, and a hint or the error below it.

mod choice;
mod list;
mod number;
mod path;
mod secret;
mod slider;
mod text_input;
mod toggle;
mod typed;

pub use number::{Range, finite, is_typed_wrong};
pub use path::PathOutput;
pub use secret::SecretText;
pub use text_input::LONGEST;
pub use toggle::{check, segments};
pub use typed::Typed;

use egui::{Id, Label, RichText, Ui};

use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::tokens::Tokens;

/// What all fields share: label, help, error and width.
#[must_use]
#[derive(Clone, Copy)]
pub struct Field<'a> {
    label: &'a str,
    help: Option<&'a str>,
    error: Option<&'a str>,
    width: Option<f32>,
    hide_label: bool,
}

impl<'a> Field<'a> {
    /// A field with a label.
    pub fn new(label: &'a str) -> Self {
        Self { label, help: None, error: None, width: None, hide_label: false }
    }

    /// A quiet line below the input; the error takes its place.
    pub fn help(mut self, help: &'a str) -> Self {
        self.help = Some(help);
        self
    }

    /// What is wrong with the value, if something is.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// The width of the input; without it, all that is available.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Keeps the label for screen readers only, where the input says it itself (filters).
    pub fn hide_label(mut self) -> Self {
        self.hide_label = true;
        self
    }

    /// Label above, `input` below it, then help or error. `input` gets the label's id and the width.
    fn frame<R>(self, ui: &mut Ui, input: impl FnOnce(&mut Ui, Id, f32) -> R) -> R {
        let t = Tokens::of(ui);
        let width = self.width.unwrap_or_else(|| ui.available_width());
        // Without a label the field is one line, which a row of things centres.
        let height = if self.hide_label { crate::tokens::control_height(ui) } else { 0.0 };
        ui.allocate_ui_with_layout(egui::vec2(width, height), egui::Layout::top_down(egui::Align::Min), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 4.0;
            let label = if self.hide_label {
                ui.scope_id().with("label")
            } else {
                ui.label(RichText::new(self.label).font(fonts::medium(size::SMALL)).color(t.sub)).id
            };
            let result = input(ui, label, width);
            if let Some(error) = self.error {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    ui.label(Icon::Fail.rich(12.0, t.err));
                    ui.add(Label::new(RichText::new(error).font(fonts::regular(size::SMALL)).color(t.err)).wrap());
                });
            } else if let Some(help) = self.help {
                ui.add(Label::new(RichText::new(help).font(fonts::regular(size::SMALL)).color(t.sub)).wrap());
            }
            result
        })
        .inner
    }

    /// Outline of the input: red when there is an error.
    fn outline(self, ui: &mut Ui) {
        if self.error.is_some() {
            let err = Tokens::of(ui).err;
            let widgets = &mut ui.visuals_mut().widgets;
            for state in [&mut widgets.inactive, &mut widgets.hovered] {
                state.bg_stroke.color = err;
            }
        }
        let widgets = &mut ui.visuals_mut().widgets;
        for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active, &mut widgets.open] {
            state.corner_radius = egui::CornerRadius::same(crate::tokens::RADIUS_INPUT);
        }
    }
}
