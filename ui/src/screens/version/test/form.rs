//! What a test needs: the data, the column with the truth, and where to run.

use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::{Columns, Predict};
use desk_app::query::VersionView;
use desk_core::VersionRef;
use desk_uikit::field::Field;
use desk_uikit::{Button, Card, Icon, format, text};
use egui::Ui;

use crate::columns::{ColumnsForm, Seen, third};
use crate::cx::Cx;
use crate::intent::{Intent, Next};
use crate::screens::version::Forms;

const DEVICES: [(&str, &str); 5] = [
    ("auto", "Automatic"),
    ("cpu", "CPU"),
    ("cuda", "NVIDIA GPU (CUDA)"),
    ("webgpu", "Any GPU (WebGPU)"),
    ("openvino", "Intel (OpenVINO)"),
];

/// What was filled in for a model, beside its data.
pub struct Form {
    /// Where the model runs, as the command line says it.
    pub device: String,
    /// Rows in one call of the model, as typed; chosen when empty.
    pub batch: String,
    /// The class of two that counts as positive; the second one when empty.
    positive: String,
    options: bool,
    /// Pressed while the data was being read.
    pub intent: Intent,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            device: "auto".into(),
            batch: String::new(),
            positive: String::new(),
            options: false,
            intent: Intent::default(),
        }
    }
}

/// Shows the form in a card; `busy` while a test of this version runs.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, forms: &mut Forms, version: &VersionRef, busy: bool) {
    Card::new().show(ui, |ui| {
        forms.data_field(ui, cx, view);
        ui.add_space(4.0);
        let seen = forms.data.seen(view);
        let classes = view.description.labels.as_deref().unwrap_or_default();
        if forms.test.options {
            let inputs = &view.description.signature.inputs;
            forms.test.options(ui, &mut forms.columns, seen, classes);
            ui.add_space(4.0);
            forms.columns.rest(ui, seen, inputs);
            ui.add_space(4.0);
        }
        ui.horizontal_wrapped(|ui| {
            let data = forms.data.chosen();
            let rows = forms.data.rows().filter(|_| data.is_ok());
            let label =
                rows.map_or_else(|| "Score".to_owned(), |n| format!("Score {}", format::plural(n, "row", "rows")));
            let next = match forms.data.waits() {
                _ if busy => Next::Not(BUSY.into()),
                Some(reason) => Next::Soon(reason.into()),
                None => {
                    let judged = forms.columns.has_truth(seen);
                    forms.test.command(version, data, forms.columns.columns(seen), judged).into()
                }
            };
            cx.primary_soon(ui, Icon::Run, &label, next, &mut forms.test.intent);
            let columns = forms.columns.summary(seen);
            forms.test.options_button(ui, columns);
        });
    });
}

const BUSY: &str = "A test of this version is under way";

impl Form {
    /// As a test had them.
    pub fn recall(&mut self, test: &Predict) {
        self.device.clone_from(&test.device);
        self.batch = test.batch.map(|rows| rows.to_string()).unwrap_or_default();
        self.positive = test.positive.clone().unwrap_or_default();
    }

    /// The form as a command, or why it is none yet; `judged` where there is a truth.
    fn command(
        &self,
        version: &VersionRef,
        data: Result<PathBuf, &'static str>,
        columns: Columns,
        judged: bool,
    ) -> Result<Command, &'static str> {
        let batch = match self.batch.trim() {
            "" => None,
            typed => Some(batch(typed).ok_or("The rows in one call are not a whole number from 1 to 1 000 000")?),
        };
        Ok(Command::Predict(Predict {
            version: version.clone(),
            data: data?,
            out: None,
            device: self.device.clone(),
            batch,
            columns,
            echo: desk_app::command::Echo::None,
            // Without a truth nothing is positive.
            positive: Some(self.positive.trim().to_owned()).filter(|class| judged && !class.is_empty()),
        }))
    }

    /// Opens and closes the fold; a closed one says what differs from the defaults.
    fn options_button(&mut self, ui: &mut Ui, columns: Vec<String>) {
        let icon = if self.options { Icon::Down } else { Icon::Right };
        if ui.add(Button::ghost("Options").icon(icon)).clicked() {
            self.options = !self.options;
        }
        if let Some(summary) = self.summary(columns).filter(|_| !self.options) {
            text::caption_beside(ui, summary);
        }
    }

    fn options(&mut self, ui: &mut Ui, form: &mut ColumnsForm, seen: Seen<'_>, classes: &[String]) {
        let width = third(ui);
        ui.horizontal_top(|ui| {
            form.truth(ui, width, seen);
            self.positive(ui, width, classes);
        });
        ui.add_space(4.0);
        ui.horizontal_top(|ui| {
            let devices: Vec<(String, &str)> = DEVICES.iter().map(|(key, name)| ((*key).to_owned(), *name)).collect();
            let device = Field::new("Run on").width(width).help("Which nodes ran where is proven in the result");
            device.show_choice(ui, &mut self.device, &devices);
            let wrong = !self.batch.trim().is_empty() && batch(self.batch.trim()).is_none();
            let error = wrong.then_some("Not a whole number from 1 to 1 000 000");
            Field::new("Rows in one call").width(width).error(error).show_text(ui, &mut self.batch, "Automatic");
        });
    }

    /// Which of two classes precision, recall, F1, AUC and the threshold are of.
    fn positive(&mut self, ui: &mut Ui, width: f32, classes: &[String]) {
        let field = Field::new("Positive class").width(width);
        match classes {
            [_, second] => {
                let automatic = format!("Automatic: {second}");
                let mut choices: Vec<(String, &str)> = vec![(String::new(), &automatic)];
                choices.extend(classes.iter().map(|class| (class.clone(), class.as_str())));
                let field = field.help("Precision, recall, F1, AUC and the threshold are of it");
                field.show_choice(ui, &mut self.positive, &choices);
            }
            [] => {
                let field = field.help("For one probability and no names: the class of the truth that it is of");
                field.show_text(ui, &mut self.positive, "Automatic: 1");
            }
            _ => self.positive.clear(),
        }
    }

    /// What differs from the defaults, so that a closed fold hides nothing.
    fn summary(&self, mut parts: Vec<String>) -> Option<String> {
        if let Some((_, name)) = DEVICES.iter().find(|(key, _)| *key == self.device).filter(|(key, _)| *key != "auto") {
            parts.push(format!("on {name}"));
        }
        if !self.positive.trim().is_empty() {
            parts.push(format!("{} is positive", self.positive.trim()));
        }
        if !self.batch.trim().is_empty() {
            let rows = if self.batch.trim() == "1" { "row" } else { "rows" };
            parts.push(format!("{} {rows} in one call", self.batch.trim()));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn batch(typed: &str) -> Option<usize> {
    typed.parse().ok().filter(|n| (1..=1_000_000).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_command_that_is_typed() {
        let version: VersionRef = "tumour@1".parse().expect("a version");
        let data = || Ok(PathBuf::from("held out.csv"));
        let mut form = Form::default();
        assert_eq!(
            form.command(&version, Err("Choose a data file first"), Columns::default(), true),
            Err("Choose a data file first")
        );
        form.batch = "0".into();
        assert!(form.command(&version, data(), Columns::default(), true).is_err());
        form.batch = "64".into();
        form.device = "cpu".into();
        let columns = ColumnsForm::with_target("diagnosis");
        let line = |form: &Form, judged| {
            let command = form.command(&version, data(), columns.columns(Seen::default()), judged);
            command.map(|command| command.to_cli()).expect("a command")
        };
        let scored = "modeldesk predict tumour@1 --data 'held out.csv' --device cpu --batch 64 --target diagnosis";
        assert_eq!(line(&form, true), scored);
        form.positive = "malignant".into();
        assert_eq!(line(&form, true), format!("{scored} --positive malignant"));
        assert_eq!(line(&form, false), scored, "nothing is positive without a truth");
        assert_eq!(
            form.summary(columns.summary(Seen::default())).as_deref(),
            Some("truth in diagnosis, on CPU, malignant is positive, 64 rows in one call")
        );
        let Ok(Command::Predict(test)) = form.command(&version, data(), Columns::default(), true) else {
            panic!("a test");
        };
        let mut again = Form::default();
        again.recall(&test);
        assert_eq!(line(&again, true), line(&form, true), "what was used before is used again");
    }
}
