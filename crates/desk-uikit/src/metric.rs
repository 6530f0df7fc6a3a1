//! One number on a card: what, how much, in what unit, and how that compares.

use egui::{RichText, Ui};

use crate::badge::Tone;
use crate::card::Card;
use crate::fonts::{self, size};
use crate::tokens::Tokens;

/// A number with its name, unit and a comparison.
#[must_use]
pub struct Metric<'a> {
    name: &'a str,
    value: &'a str,
    unit: &'a str,
    note: Option<(Tone, &'a str)>,
}

/// The height of a metric card, the same with and without a note.
pub const HEIGHT: f32 = 94.0;

impl<'a> Metric<'a> {
    /// A number as text, already formatted.
    pub fn new(name: &'a str, value: &'a str, unit: &'a str) -> Self {
        Self { name, value, unit, note: None }
    }

    /// A comparison or explanation under the number.
    pub fn note(mut self, tone: Tone, note: &'a str) -> Self {
        self.note = Some((tone, note));
        self
    }

    /// Shows the card at the given outer width.
    pub fn show(self, ui: &mut Ui, width: f32) {
        let t = Tokens::of(ui);
        Card::new().width(width).min_height(HEIGHT).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            // Without this each line is as high as a button.
            ui.spacing_mut().interact_size.y = 16.0;
            let name = RichText::new(self.name).font(fonts::regular(size::SMALL)).color(t.sub);
            ui.add(egui::Label::new(name).truncate());
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                ui.label(RichText::new(self.value).font(fonts::semibold(22.0)).color(t.strong));
                if !self.unit.is_empty() {
                    ui.label(RichText::new(self.unit).font(fonts::regular(size::BODY)).color(t.sub));
                }
            });
            if let Some((tone, note)) = self.note {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    let ink = tone.colors(t).0;
                    if tone != Tone::Neutral {
                        ui.label(tone.icon().rich(12.0, ink));
                    }
                    let note = RichText::new(note).font(fonts::regular(size::SMALL)).color(ink);
                    ui.add(egui::Label::new(note).truncate());
                });
            }
        });
    }
}
