//! The options of an explanation, in their fold: units, class, seed, settings of the method, players, quality.

use desk_uikit::field::{self, Field, Range};
use egui::Ui;

use super::form::{Form, patch, samples, segments};

/// Narrower options stand in two lines.
const OPTION: f32 = 116.0;
/// The method that the quality is compared with.
const AGAINST: f32 = 230.0;

impl Form {
    /// What may be left alone; `methods` are those that the model allows.
    pub(super) fn options(&mut self, ui: &mut Ui, outputs: &[String], methods: &[(String, &str)]) {
        let gap = ui.spacing().item_spacing.x;
        let in_line = |n: f32| ((ui.available_width() - (n - 1.0) * gap) / n).floor();
        let (four, two) = (in_line(4.0), in_line(2.0));
        if four >= OPTION {
            let width = four.min(220.0);
            ui.horizontal_top(|ui| {
                self.meaning(ui, outputs, width);
                self.drawing(ui, width);
            });
        } else {
            ui.horizontal_top(|ui| self.meaning(ui, outputs, two));
            ui.horizontal_top(|ui| self.drawing(ui, two));
        }
        let usual = if self.method == "lime" { "Automatic" } else { "None: pixels" };
        if self.has_segments()
            && let Some(typed) = &mut self.segments
        {
            ui.add_space(4.0);
            let wrong = !typed.trim().is_empty() && segments(typed).is_none();
            let error = wrong.then_some("A whole number from 2 on, or 0 for pixels");
            Field::new("Segments of the picture").width(AGAINST).error(error).show_text(ui, typed, usual);
        }
        if self.has_players() {
            ui.add_space(4.0);
            let label = "Columns of one category (one-hot), date or embedding count as one";
            field::check(ui, &mut self.together, label);
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            field::check(ui, &mut self.quality, "Measure the quality of the explanation");
            if self.quality {
                let mut others = vec![(String::new(), "Compare with: automatic")];
                others.extend(methods.iter().filter(|(key, _)| *key != "auto" && *key != self.method).cloned());
                Field::new("Compare with").hide_label().width(AGAINST).show_choice(ui, &mut self.against, &others);
            }
        });
    }

    /// What is explained, in which units.
    fn meaning(&mut self, ui: &mut Ui, outputs: &[String], width: f32) {
        let mut choices: Vec<(Option<String>, &str)> = vec![(None, "Automatic")];
        choices.extend(outputs.iter().map(|name| (Some(name.clone()), name.as_str())));
        Field::new("Class or output").width(width).show_choice(ui, &mut self.output, &choices);
        let spaces = [
            (None, "The method's own"),
            (Some("raw".to_owned()), "Raw score"),
            (Some("probability".to_owned()), "Probability"),
        ];
        Field::new("In units of").width(width).show_choice(ui, &mut self.space, &spaces);
    }

    /// How samples are drawn.
    fn drawing(&mut self, ui: &mut Ui, width: f32) {
        let limits = 0..=9_007_199_254_740_991;
        Field::new("Seed").width(width).show_number(ui, &mut self.seed, Range { limits, step: 1.0 }, "");
        if self.method == "occlusion" {
            let wrong = !self.patch.trim().is_empty() && patch(&self.patch).is_none();
            let error = wrong.then_some("Not a whole number of pixels");
            Field::new("Patch, in pixels").width(width).error(error).show_text(ui, &mut self.patch, "Automatic");
            return;
        }
        if self.method == "grad-cam" {
            Field::new("Layer").width(width).show_text(ui, &mut self.layer, "Last convolution");
            return;
        }
        let wrong = !self.samples.trim().is_empty() && samples(self.samples.trim()).is_none();
        let error = wrong.then_some("Not a whole number from 16 to 10 000 000");
        Field::new("Samples").width(width).error(error).show_text(ui, &mut self.samples, "Automatic");
    }
}
