//! What an explanation needs: rows, what stands for "no information", and the method.

use std::path::{Path, PathBuf};

use desk_app::command::{
    Columns, Explain, Method, MethodSettings, PICKED, PartSettings, Pick, PickBy, QualitySettings,
};
use desk_app::quality::Replacement;
use desk_app::query::VersionView;
use desk_app::{Command, gradients, methods as allowed};
use desk_core::{ValueInfo, ValueType, VersionRef};
use desk_uikit::field::{self, Field, Range};
use desk_uikit::{Button, Card, Icon, format, text};
use egui::Ui;

use super::methods::{about, methods};
use crate::cx::Cx;
use crate::intent::{Intent, Next};
use crate::screens::version::Forms;

/// Widths of the choice between one row and several, of a row's number, and of a method at least.
const ROWS: f32 = 214.0;
const NUMBER: f32 = 86.0;
/// What makes rows worth a look.
const PICK: f32 = 190.0;
const METHOD: f32 = 150.0;

/// Which rows are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// One.
    #[default]
    One,
    /// A range.
    Several,
    /// Those of the whole file that are worth a look.
    Picked,
}

/// What makes rows worth a look, with their names for people.
const PICKS: [(PickBy, &str); 5] = [
    (PickBy::Worst, "Furthest from the truth"),
    (PickBy::Threshold, "Nearest to a threshold"),
    (PickBy::Random, "At random"),
    (PickBy::Highest, "Highest answers"),
    (PickBy::Lowest, "Lowest answers"),
];

/// What was filled in for a model, beside its data.
pub struct Form {
    /// One row or several.
    pub which: Which,
    /// The row, or the first of them, from 1.
    pub first: u64,
    /// The last of several, inclusive.
    pub last: u64,
    /// What makes rows worth a look, and how many of them.
    by: PickBy,
    count: u64,
    /// Where an answer becomes another, as typed; one half for classes when empty.
    threshold: String,
    /// The method, as the command line says it.
    pub method: String,
    /// The class or output; every one when absent.
    pub output: Option<String>,
    /// `raw` or `probability`; what the method is exact in when absent.
    pub space: Option<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// Samples as typed; chosen when empty.
    pub samples: String,
    /// The side of occlusion's windows on pictures, as typed; chosen when empty.
    pub patch: String,
    /// The layer of Grad-CAM as typed; the last convolution when empty.
    pub layer: String,
    /// Segments that pictures are cut into, as typed, chosen when empty; none where the model takes no pictures.
    pub(super) segments: Option<String>,
    /// How parts of rows are explained; the window has no fields for what else stands there.
    parts: PartSettings,
    /// Columns that belong together are one player.
    pub(super) together: bool,
    /// Groups of columns that a command named; the window has no fields for them.
    groups: Vec<(String, String)>,
    /// How far explanations may be believed is measured, too, by comparison with this method among others.
    pub(super) quality: bool,
    pub(super) against: String,
    options: bool,
    /// Pressed while the data was being read.
    pub intent: Intent,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            which: Which::One,
            first: 1,
            last: 100,
            by: PickBy::Worst,
            count: PICKED as u64,
            threshold: String::new(),
            method: "auto".into(),
            output: None,
            space: None,
            seed: 0,
            samples: String::new(),
            patch: String::new(),
            layer: String::new(),
            segments: None,
            parts: PartSettings::default(),
            together: true,
            groups: Vec::new(),
            quality: false,
            against: String::new(),
            options: false,
            intent: Intent::default(),
        }
    }
}

/// Shows the form in a card; `busy` while an explanation of this version runs.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, forms: &mut Forms, version: &VersionRef, busy: bool) {
    Card::new().show(ui, |ui| {
        forms.data_field(ui, cx, view);
        ui.add_space(4.0);
        let total = forms.data.rows();
        let methods = methods(|key| allowed::refused(&view.description, key).is_none());
        forms.explain.for_pictures(takes_pictures(view));
        forms.explain.rows_and_method(ui, total, &methods);
        ui.add_space(4.0);
        if forms.explain.options {
            forms.data.show_background(ui, cx);
            let seen = forms.data.seen(view);
            ui.add_space(4.0);
            forms.explain.options(ui, &outputs(view), &methods);
            if let Some(why) = gradients::refused(&view.description, "ig") {
                text::caption(ui, format!("Methods for networks are not offered: {why}"));
            }
            ui.add_space(4.0);
            forms.columns.truth(ui, 240.0, seen);
            ui.add_space(4.0);
            forms.columns.rest(ui, seen, &view.description.signature.inputs);
            ui.add_space(4.0);
        }
        let seen = forms.data.seen(view);
        ui.horizontal_wrapped(|ui| {
            let command = forms.explain.command(
                version,
                forms.data.chosen(),
                forms.data.chosen_background(),
                forms.columns.columns(seen),
            );
            let label = forms.explain.label();
            let next = match forms.data.waits() {
                _ if busy => Next::Not(BUSY.into()),
                _ if field::is_typed_wrong(ui) => {
                    Next::Not("The number that is being typed is none that counts".into())
                }
                Some(reason) => Next::Soon(reason.into()),
                None => command.into(),
            };
            cx.primary_soon(ui, Icon::Run, &label, next, &mut forms.explain.intent);
            let background = forms.data.chosen_background();
            forms.explain.options_button(ui, background.as_deref(), forms.columns.summary(seen));
        });
    });
}

const BUSY: &str = "An explanation of this version is under way";

/// An input is height x width x channels, or channels first, for each row.
fn takes_pictures(view: &VersionView) -> bool {
    let is_picture =
        |input: &ValueInfo| matches!(&input.value_type, ValueType::Tensor { shape: Some(dims), .. } if dims.len() == 4);
    view.description.signature.inputs.iter().any(is_picture)
}

/// Classes, or the names of the outputs where there are none.
fn outputs(view: &VersionView) -> Vec<String> {
    match view.description.labels.as_deref().unwrap_or_default() {
        [] => view.description.signature.outputs.iter().map(|output| output.name.clone()).collect(),
        labels => labels.to_vec(),
    }
}

impl Form {
    /// As an explanation had them.
    pub fn recall(&mut self, explain: &Explain) {
        self.first = explain.first_row.unwrap_or(1);
        self.which = match &explain.pick {
            Some(pick) => {
                (self.by, self.count) = (pick.by, pick.count as u64);
                self.threshold = pick.threshold.map(|threshold| threshold.to_string()).unwrap_or_default();
                Which::Picked
            }
            None if explain.last_row == explain.first_row => Which::One,
            None => Which::Several,
        };
        self.last = explain.last_row.unwrap_or(self.first.saturating_add(99));
        self.method.clone_from(&explain.method);
        self.output.clone_from(&explain.output);
        self.space.clone_from(&explain.space);
        self.seed = explain.seed;
        self.samples = explain.samples.map(|samples| samples.to_string()).unwrap_or_default();
        self.layer = explain.settings.layer.clone().unwrap_or_default();
        self.patch = explain.settings.patch.map(|patch| patch.to_string()).unwrap_or_default();
        self.together = !explain.settings.no_groups;
        self.parts.clone_from(&explain.settings.parts);
        self.segments = self.segments.as_ref().map(|_| typed_segments(&self.parts));
        self.groups.clone_from(&explain.settings.groups);
        self.quality = explain.settings.quality.is_some();
        self.against = explain.settings.quality.as_ref().and_then(|of| of.against.clone()).unwrap_or_default();
    }

    /// Asks for one row, by its number from 1.
    pub fn only_row(&mut self, row: u64) {
        self.which = Which::One;
        self.first = row;
    }

    /// The form as a command, or why it is none yet.
    fn command(
        &self,
        version: &VersionRef,
        data: Result<PathBuf, &'static str>,
        background: Option<PathBuf>,
        columns: Columns,
    ) -> Result<Command, &'static str> {
        let (first, last) = match self.which {
            Which::One => (Some(self.first), Some(self.first)),
            Which::Several => (Some(self.first), Some(self.last)),
            Which::Picked => (None, None),
        };
        if last < first {
            return Err("The last row stands before the first");
        }
        let pick = if self.which == Which::Picked { Some(self.picked()?) } else { None };
        if self.method == "occlusion" && !self.patch.trim().is_empty() && patch(&self.patch).is_none() {
            return Err("The patch is not a whole number of pixels");
        }
        let typed = self.segments.as_deref().filter(|_| self.has_segments()).unwrap_or_default();
        if !typed.trim().is_empty() && segments(typed).is_none() {
            return Err("The segments are not a whole number from 2 on, or 0 for none");
        }
        let samples = match self.samples.trim() {
            "" => None,
            typed => Some(samples(typed).ok_or("The samples are not a whole number from 16 to 10 000 000")?),
        };
        Ok(Command::Explain(Explain {
            version: version.clone(),
            data: data?,
            first_row: first,
            last_row: last,
            pick,
            background,
            columns,
            method: self.method.clone(),
            samples,
            seed: self.seed,
            output: self.output.clone(),
            space: self.space.clone(),
            settings: self.settings(),
            interactions: false,
            finished: false,
            out: None,
        }))
    }

    /// What is picked, or what is wrong with it.
    fn picked(&self) -> Result<Pick, &'static str> {
        let threshold = match self.threshold.trim() {
            typed if self.by == PickBy::Threshold && !typed.is_empty() => {
                Some(number(typed).ok_or("The threshold is no number")?)
            }
            _ => None,
        };
        Ok(Pick { by: self.by, count: self.count as usize, threshold })
    }

    /// Settings of the chosen method.
    fn settings(&self) -> MethodSettings {
        let layer = Some(self.layer.trim().to_owned()).filter(|name| self.method == "grad-cam" && !name.is_empty());
        let patch = patch(&self.patch).filter(|_| self.method == "occlusion");
        let (groups, no_groups) =
            if self.has_players() { (self.groups.clone(), !self.together) } else { (Vec::new(), false) };
        let against = Some(self.against.clone()).filter(|method| !method.is_empty());
        let quality = self.quality.then_some(QualitySettings { replaced_by: Replacement::default(), against });
        let parts = PartSettings {
            segments: self.segments.as_deref().filter(|_| self.has_segments()).and_then(segments),
            hide: self.parts.hide.filter(|_| self.method == "lime"),
            ..self.parts.clone()
        };
        MethodSettings { patch, layer, groups, no_groups, quality, parts, ..MethodSettings::default() }
    }

    /// Whether the model takes pictures.
    fn for_pictures(&mut self, pictures: bool) {
        let kept = self.segments.take().unwrap_or_else(|| typed_segments(&self.parts));
        self.segments = pictures.then_some(kept);
    }

    /// The method explains segments of pictures, and there are some.
    pub(super) fn has_segments(&self) -> bool {
        self.segments.is_some() && (self.method == "lime" || self.has_players())
    }

    /// The method shares the prediction out among players, which may be several columns.
    pub(super) fn has_players(&self) -> bool {
        self.method.parse().is_ok_and(Method::has_players)
    }

    /// Opens and closes the fold; a closed one says what differs from the defaults.
    fn options_button(&mut self, ui: &mut Ui, background: Option<&Path>, columns: Vec<String>) {
        let icon = if self.options { Icon::Down } else { Icon::Right };
        if ui.add(Button::ghost("Options").icon(icon)).clicked() {
            self.options = !self.options;
        }
        if !self.options {
            let mut parts = vec![self.summary(background)];
            parts.extend(columns);
            text::caption_beside(ui, parts.join(", "));
        }
    }

    /// The button says what it will do.
    fn label(&self) -> String {
        match self.which {
            Which::One => format!("Explain row {}", format::count(self.first)),
            Which::Several => format!("Explain rows {} to {}", format::count(self.first), format::count(self.last)),
            Which::Picked => format!("Explain {}", format::plural(self.count, "row", "rows")),
        }
    }

    fn rows_and_method(&mut self, ui: &mut Ui, total: Option<u64>, methods: &[(String, &str)]) {
        let gap = ui.spacing().item_spacing.x;
        let limits = 1..=total.unwrap_or(1_000_000_000).max(1);
        if !methods.iter().any(|(key, _)| *key == self.method) {
            "auto".clone_into(&mut self.method);
        }
        let taken = match self.which {
            Which::One => NUMBER + gap,
            Which::Several => 2.0 * (NUMBER + gap),
            Which::Picked => PICK + NUMBER + 2.0 * gap + if self.by == PickBy::Threshold { NUMBER + gap } else { 0.0 },
        };
        let left = ui.available_width() - ROWS - taken - gap;
        let method = |ui: &mut Ui, method: &mut String, width: f32| {
            let help = about(method);
            Field::new("Method").width(width).help(help).show_choice(ui, method, methods);
        };
        ui.horizontal_top(|ui| {
            let rows = Field::new("Rows").width(ROWS);
            let others = rows.show_segments(
                ui,
                &mut self.which,
                &[(Which::One, "One row"), (Which::Several, "Several"), (Which::Picked, "Picked")],
            );
            if others && self.last < self.first {
                self.last = self.first.saturating_add(99).min(*limits.end());
            }
            let range = || Range { limits: limits.clone(), step: 1.0 };
            if self.which == Which::One {
                Field::new("Row").width(NUMBER).show_number(ui, &mut self.first, range(), "");
            } else if self.which == Which::Picked {
                self.picking(ui, total);
            } else {
                Field::new("From row").width(NUMBER).show_number(ui, &mut self.first, range(), "");
                let wrong = (self.last < self.first).then_some("Stands before the first row");
                Field::new("To row").width(NUMBER).error(wrong).show_number(ui, &mut self.last, range(), "");
            }
            if left >= METHOD {
                method(ui, &mut self.method, left.min(300.0));
            }
        });
        // Where there is no room beside the rows it has a line of its own.
        if left < METHOD {
            method(ui, &mut self.method, ui.available_width().min(300.0));
        }
    }

    /// What makes rows worth a look, and how many.
    fn picking(&mut self, ui: &mut Ui, total: Option<u64>) {
        Field::new("Which").width(PICK).show_choice(ui, &mut self.by, &PICKS);
        let limits = 1..=total.unwrap_or(100_000).clamp(1, 100_000);
        Field::new("How many").width(NUMBER).show_number(ui, &mut self.count, Range { limits, step: 1.0 }, "");
        if self.by == PickBy::Threshold {
            let wrong = !self.threshold.trim().is_empty() && number(self.threshold.trim()).is_none();
            let error = wrong.then_some("No number");
            Field::new("Threshold").width(NUMBER).error(error).show_text(ui, &mut self.threshold, "Automatic");
        }
    }

    /// The background, and what differs from the defaults, so that a closed fold hides nothing.
    fn summary(&self, background: Option<&Path>) -> String {
        let name = background.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let mut parts = vec![format!("background: {}", name.as_deref().unwrap_or("up to 100 rows of the data"))];
        parts.extend(self.output.as_ref().map(|output| format!("for {output}")));
        parts.extend(self.space.as_ref().map(|space| format!("as {space}")));
        parts.extend((self.seed != 0).then(|| format!("seed {}", self.seed)));
        let settings = self.settings();
        parts.extend(settings.patch.map(|patch| format!("patches of {patch} pixels")));
        parts.extend(settings.layer.map(|layer| format!("layer {layer}")));
        parts.extend(settings.parts.segments.map(|n| format!("{n} segments")));
        parts.extend(settings.no_groups.then(|| "each column by itself".to_owned()));
        parts.extend(settings.quality.as_ref().map(|_| "with its quality".to_owned()));
        parts.extend(settings.groups.iter().map(|(name, _)| format!("{name} as one")));
        parts.extend((!self.samples.trim().is_empty()).then(|| format!("{} samples", self.samples.trim())));
        parts.join(", ")
    }
}

/// Pixels of a side as typed.
pub(super) fn patch(typed: &str) -> Option<usize> {
    typed.trim().parse().ok().filter(|side| *side > 0)
}

fn number(typed: &str) -> Option<f64> {
    typed.parse().ok().filter(|number: &f64| number.is_finite())
}

fn typed_segments(parts: &PartSettings) -> String {
    parts.segments.map(|segments| segments.to_string()).unwrap_or_default()
}

/// Segments as typed: 0 for none, or at least two.
pub(super) fn segments(typed: &str) -> Option<usize> {
    typed.trim().parse().ok().filter(|n| *n != 1)
}

/// Samples as typed.
pub(super) fn samples(typed: &str) -> Option<usize> {
    typed.parse().ok().filter(|n| (16..=10_000_000).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_command_that_is_typed() {
        let version: VersionRef = "tumour@2".parse().expect("a version");
        let data = || Ok(PathBuf::from("a.csv"));
        let mut form = Form::default();
        form.only_row(5);
        let line = |form: &Form, background: Option<&str>| {
            form.command(&version, data(), background.map(PathBuf::from), Columns::default())
                .map(|command| command.to_cli())
        };
        assert_eq!(line(&form, None).as_deref(), Ok("modeldesk explain tumour@2 --data a.csv --rows 5..5"));
        form.which = Which::Several;
        form.last = 4;
        assert_eq!(line(&form, None).as_deref(), Err(&"The last row stands before the first"));
        form.last = 60;
        form.which = Which::Picked;
        assert_eq!(line(&form, None).as_deref(), Ok("modeldesk explain tumour@2 --data a.csv --pick worst"));
        (form.by, form.count, form.threshold) = (PickBy::Threshold, 5, "0.3".into());
        let picked = "modeldesk explain tumour@2 --data a.csv --pick threshold --count 5 --threshold 0.3";
        assert_eq!(line(&form, None).as_deref(), Ok(picked));
        form.threshold = "half".into();
        assert_eq!(line(&form, None).as_deref(), Err(&"The threshold is no number"));
        form.which = Which::Several;
        form.method = "kernel".into();
        form.samples = "500".into();
        form.seed = 7;
        assert_eq!(
            line(&form, Some("b.csv")).as_deref(),
            Ok(
                "modeldesk explain tumour@2 --data a.csv --rows 5..60 --background b.csv --method kernel --samples 500 --seed 7"
            )
        );
        form.patch = "4".into();
        assert!(!form.summary(None).contains("patches"), "of another method");
        form.method = "occlusion".into();
        assert!(line(&form, None).is_ok_and(|line| line.contains("--method occlusion") && line.ends_with("--patch 4")));
        form.patch = "wide".into();
        assert_eq!(line(&form, None).as_deref(), Err(&"The patch is not a whole number of pixels"));
        form.method = "kernel".into();
        assert_eq!(form.summary(None), "background: up to 100 rows of the data, seed 7, 500 samples");
        form.quality = true;
        assert!(line(&form, None).is_ok_and(|line| line.ends_with("--seed 7 --quality")));
        form.against = "lime".into();
        assert!(line(&form, None).is_ok_and(|line| line.ends_with("--quality --against lime")));
        assert!(form.summary(None).contains("with its quality"));
        (form.quality, form.against) = (false, String::new());
        form.together = false;
        assert!(line(&form, None).is_ok_and(|line| line.ends_with("--seed 7 --no-groups")));
        assert!(form.summary(None).contains("each column by itself"));
        form.method = "lime".into();
        assert!(line(&form, None).is_ok_and(|line| !line.contains("--no-groups")), "LIME has no players");
        assert!(form.summary(Some(Path::new("/data/b.csv"))).starts_with("background: b.csv"));
    }
}
