//! Import: a path, what the file says before anything is stored, a name, a note, an alias.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use desk_app::Command;
use desk_app::command::{Columns, Import};
use desk_app::query::{DataHead, ImportPreview};
use desk_app::similar::Similar;
use desk_core::{Fault, ModelName, Severity};
use desk_uikit::field::{self, Field};
use desk_uikit::loadable::loadable_view;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Badge, Button, ErrorText, Icon, Loadable, Tone, error_view, format, kv, text};
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::columns::{ColumnsForm, Seen};
use crate::cx::Cx;
use crate::fault::error_text;
use crate::intent::{Intent, Next};
use crate::picker::{Picked, Purpose};

/// So many inputs and outputs are named before the import.
const LISTED: usize = 6;
/// A path is read once it has not changed for this long.
const SETTLED: Duration = Duration::from_millis(350);
/// Of the dialog's body once a usual file has been read.
const READ_HEIGHT: f32 = 420.0;

/// The state of the dialog.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "two are check boxes, two say what was done once")]
pub struct ImportDialog {
    path: String,
    changed: Option<Instant>,
    name: String,
    name_edited: bool,
    /// The file for which a model was proposed that it may be a new version of.
    proposed: Option<PathBuf>,
    /// That model, or the one that was chosen in its place.
    version_of: Option<ModelName>,
    golden: String,
    /// What was filled in as the golden rows of the former version: it goes when another model is chosen.
    golden_of: Option<String>,
    columns: ColumnsForm,
    golden_page: GoldenPage,
    note: String,
    alias: bool,
    again: bool,
    preview: Slot<PathBuf, ImportPreview>,
    picked_model: Picked,
    picked_golden: Picked,
    focused: bool,
    /// Pressed while a file was being read.
    intent: Intent,
    /// Why it failed the last time.
    failed: Option<ErrorText>,
    /// The error is to be brought into view.
    reveal: bool,
}

impl ImportDialog {
    /// A dialog over a file that was dropped or named.
    pub fn for_path(path: &Path) -> Self {
        Self { path: path.to_string_lossy().into_owned(), focused: true, ..Self::default() }
    }

    /// The form as it was when this import was started, with what went wrong.
    pub fn again(import: &Import, fault: &Fault) -> Self {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        Self {
            path: path(&import.path),
            name: import.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            name_edited: import.name.is_some(),
            proposed: Some(import.path.clone()),
            golden: import.golden.as_deref().map(path).unwrap_or_default(),
            columns: ColumnsForm::of(&import.columns),
            note: import.note.clone().unwrap_or_default(),
            alias: import.alias.is_some(),
            again: import.again,
            focused: true,
            failed: Some(error_text(fault).titled("The import did not succeed")),
            reveal: true,
            ..Self::default()
        }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        self.take_picked(cx);
        self.look_at_file(ctx, cx);
        let mut done = false;
        let output = Frame::new("import", "Import model").width(560.0).from_top().show_with(
            ctx,
            self,
            |ui, this| this.body(ui, cx),
            |ui, this, ()| {
                let label = this.button_label();
                let next = this.next();
                done = super::footer_soon(
                    ui,
                    cx,
                    Button::primary(&label).icon(Icon::Import),
                    next,
                    "Cancel",
                    &mut this.intent,
                );
            },
        );
        done || output.closed
    }

    fn take_picked(&mut self, cx: &Cx<'_>) {
        if let Some(path) = self.picked_model.take().or_else(|| cx.take_dropped(|_| true)) {
            self.path = path.to_string_lossy().into_owned();
            self.changed = None;
        }
        if let Some(path) = self.picked_golden.take() {
            self.golden = path.to_string_lossy().into_owned();
        }
    }

    /// Reads the file in the background once its path has settled.
    fn look_at_file(&mut self, ctx: &egui::Context, cx: &Cx<'_>) {
        let path = self.path.trim();
        if path.is_empty() {
            return;
        }
        if let Some(changed) = self.changed {
            let left = SETTLED.saturating_sub(changed.elapsed());
            if !left.is_zero() {
                ctx.request_repaint_after(left);
                return;
            }
            self.changed = None;
        }
        let path = PathBuf::from(path);
        let key = path.clone();
        self.preview.ensure(cx.background, key, Topic::Models, move |desk| desk.inspect(&path));
        self.propose();
    }

    /// Fills in what the file says and, once for each file, which model it may be a new version of.
    fn propose(&mut self) {
        let Some(preview) = self.preview.value.value().filter(|_| !self.preview.value.is_loading()) else { return };
        let path = PathBuf::from(self.path.trim());
        if self.proposed.as_ref() != Some(&path) {
            let likeliest = if preview.same_as.is_some() { None } else { Similar::likeliest(&preview.similar, &path) };
            let likeliest = likeliest.map(|similar| similar.model.clone()).filter(|_| !self.name_edited);
            self.proposed = Some(path);
            self.belongs_to(likeliest);
        } else if !self.name_edited && self.version_of.is_none() {
            self.name = preview.suggested_name.to_string();
        }
    }

    /// The file is to be a new version of that model, or a model of its own.
    fn belongs_to(&mut self, model: Option<ModelName>) {
        let Some(preview) = self.preview.value.value() else { return };
        if self.golden_of.take().is_some_and(|filled_in| filled_in == self.golden) {
            self.golden.clear();
            self.columns = ColumnsForm::default();
        }
        let similar = model.as_ref().and_then(|model| preview.similar.iter().find(|one| one.model == *model));
        if let Some(golden) = similar.and_then(|similar| similar.golden.as_ref()).filter(|_| self.golden.is_empty()) {
            self.golden = golden.to_string_lossy().into_owned();
            self.golden_of = Some(self.golden.clone());
        }
        if let Some(similar) = similar.filter(|_| self.golden_of.is_some()) {
            self.columns = ColumnsForm::of(&similar.columns);
        }
        match &model {
            Some(model) => self.name = model.to_string(),
            None if !self.name_edited => self.name = preview.suggested_name.to_string(),
            None => {}
        }
        self.version_of = model;
    }

    fn preview(&self) -> Option<&ImportPreview> {
        self.preview.value.value().filter(|_| !self.preview.value.is_loading() && self.changed.is_none())
    }

    fn name(&self) -> Result<ModelName, String> {
        let hint = "Use letters, digits, dots, underscores and hyphens, starting with a letter or digit";
        self.name.trim().parse().ok().ok_or_else(|| hint.to_owned())
    }

    /// The number that the import would get: the preview knows it for its own name only.
    fn next_version(&self, cx: &Cx<'_>) -> Option<u32> {
        let name = self.name().ok()?;
        let known = cx.lists.models.value.value()?.iter().find(|model| model.name == name);
        Some(known.map_or(1, |model| model.latest + 1))
    }

    fn button_label(&self) -> String {
        match self.preview() {
            Some(preview) if preview.same_as.is_some() && !self.again => "Open the version there is".to_owned(),
            _ if self.failed.is_some() => "Try again".to_owned(),
            _ => "Import".to_owned(),
        }
    }

    /// The import, or what it waits for.
    fn next(&self) -> Next<'static> {
        if self.path.trim().is_empty() {
            return Next::Not("Choose a model file first".into());
        }
        if self.changed.is_some() || self.preview.value.is_loading() {
            return Next::Soon("The file is being read".into());
        }
        if self.preview().is_none() {
            return Next::Not("This file cannot be imported".into());
        }
        if !self.golden.trim().is_empty() {
            if !self.golden_page.value.is_settled() {
                return Next::Soon("The golden rows are being read".into());
            }
            if self.golden_error().is_some() {
                return Next::Not("The golden rows cannot be read".into());
            }
        }
        self.command().into()
    }

    fn golden_error(&self) -> Option<String> {
        match &self.golden_page.value {
            Loadable::Failed { error, .. } if !self.golden.trim().is_empty() => Some(error.message.clone()),
            _ => None,
        }
    }

    fn command(&self) -> Result<Command, String> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Command::Import(Import {
            path: PathBuf::from(self.path.trim()),
            name: Some(self.name()?),
            golden: text(&self.golden).map(PathBuf::from),
            columns: if self.golden.trim().is_empty() {
                Columns::default()
            } else {
                self.columns.columns(seen(&self.golden_page))
            },
            note: text(&self.note),
            alias: self.alias.then(|| "champion".to_owned()),
            again: self.again,
            golden_seconds: None,
        }))
    }

    fn body(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.spacing_mut().item_spacing.y = 10.0;
        if let Some(failed) = &self.failed {
            if std::mem::take(&mut self.reveal) {
                // The form was scrolled down to its button.
                ui.scroll_to_cursor(Some(egui::Align::Min));
            }
            error_view(ui, failed, None);
        }
        let field =
            Field::new("Model file").help("An ONNX file, or a folder with one and its external data; or drop it here");
        let output = field.show_path(ui, &mut self.path, "/path/to/model.onnx");
        if !std::mem::replace(&mut self.focused, true) {
            output.response.request_focus();
        }
        if output.response.changed() {
            self.changed = Some(Instant::now());
        }
        if output.browse {
            self.picked_model.wait(cx.pick(ui.ctx(), Purpose::Model));
        }
        if self.path.trim().is_empty() {
            if ui.add(Button::ghost("Choose a folder instead…").icon(Icon::Browse)).clicked() {
                self.picked_model.wait(cx.pick(ui.ctx(), Purpose::Folder));
            }
            return;
        }
        if !self.preview.value.is_settled() {
            // About as high as it will be: the buttons below shall not run away from the pointer.
            ui.set_min_height(READ_HEIGHT);
        }
        let mut retry = false;
        if self.changed.is_none() {
            retry = loadable_view(ui, &self.preview.value, description);
        }
        if retry {
            self.preview.again();
        }
        if self.preview().is_some() {
            self.naming(ui, cx);
        }
    }

    fn naming(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let same_as = self.preview().and_then(|preview| preview.same_as.clone());
        if let Some((model, number)) = &same_as {
            let text = format!("These bytes are {model} v{number} already");
            ui.add(Badge::new(Tone::Warn, &text).plain());
            field::check(ui, &mut self.again, "Make a new version all the same");
        }
        if same_as.is_none() || self.again {
            self.kinship(ui);
        }
        let error = self.name().err();
        let next = self
            .next_version(cx)
            .map(|n| if n == 1 { "A new model, version 1".to_owned() } else { format!("Becomes version {n}") });
        ui.horizontal_top(|ui| {
            let half = (ui.available_width() - 12.0) / 2.0;
            let mut name = Field::new("Name").width(half).error(error.as_deref());
            if let Some(next) = next.as_ref().filter(|_| same_as.is_none() || self.again) {
                name = name.help(next);
            }
            if name.show_text(ui, &mut self.name, "churn-gbt").changed() {
                self.name_edited = true;
                let named = self.name.trim();
                self.version_of = self.version_of.take().filter(|model| model.as_str() == named);
            }
            ui.add_space(4.0);
            Field::new("Note").width(half).show_text(ui, &mut self.note, "What changed");
        });
        let golden_error = self.golden_error();
        let help = match (&self.golden_of, &self.version_of) {
            (Some(filled_in), Some(model)) if *filled_in == self.golden => format!("As for the last version of {model}"),
            _ => "The first rows of this file travel with the version and prove each deployment; without it they are generated".to_owned(),
        };
        let golden = Field::new("Golden rows from").error(golden_error.as_deref()).help(&help);
        let output = golden.show_path(ui, &mut self.golden, "optional: /path/to/heldout.csv");
        if output.browse {
            self.picked_golden.wait(cx.pick(ui.ctx(), Purpose::Data));
        }
        self.golden_columns(ui, cx);
        field::check(ui, &mut self.alias, "Point the alias champion at it");
    }
}

impl ImportDialog {
    /// Where other models take and give the same: whether it is a new version of one of them.
    fn kinship(&mut self, ui: &mut Ui) {
        let similar = self.preview().map(|preview| preview.similar.clone()).unwrap_or_default();
        if similar.is_empty() {
            return;
        }
        let label = |one: &Similar| {
            let other = if one.changes.is_empty() { "" } else { ", with other outputs" };
            format!("Version {} of {}{other}", one.version + 1, one.model)
        };
        let labels: Vec<String> = similar.iter().map(label).collect();
        let mut choices: Vec<(Option<ModelName>, &str)> = vec![(None, "A model of its own")];
        choices.extend(similar.iter().zip(&labels).map(|(one, label)| (Some(one.model.clone()), label.as_str())));
        // Whoever types the name of one of them chooses it, too.
        let named = self.name.trim();
        let one = similar.iter().find(|one| one.model.as_str() == named);
        let mut chosen = one.map(|one| one.model.clone());
        let help = kin(&similar, one);
        if Field::new("Import as").help(&help).show_choice(ui, &mut chosen, &choices) {
            self.name_edited = false;
            self.belongs_to(chosen);
        }
    }

    /// How the columns of the golden file become inputs, once it can be read.
    fn golden_columns(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let path = self.golden.trim().to_owned();
        if path.is_empty() {
            return;
        }
        let file = PathBuf::from(&path);
        let reading = self.columns.reading();
        let preview = self.preview.value.value();
        let model = preview.map(|_| self.path.trim().to_owned());
        self.golden_page.ensure_with(cx.background, (path, reading.clone(), model), Topic::Files, || {
            let description = preview.map(|preview| preview.description.clone());
            move |desk| desk.data_head(&file, &reading, description.as_ref(), 1)
        });
        let inputs = self.preview().map(|preview| preview.description.signature.inputs.clone()).unwrap_or_default();
        if self.golden_error().is_some() {
            return;
        }
        // The fields are there from the start, so that the button below stays where it is.
        let seen = seen(&self.golden_page);
        self.columns.truth(ui, 260.0, seen);
        self.columns.rest(ui, seen, &inputs);
    }
}

/// What speaks for a new version of a model: of the chosen one, or of all that take the same.
fn kin(similar: &[Similar], chosen: Option<&Similar>) -> String {
    let whose = match (chosen, similar) {
        (Some(one), _) | (None, [one]) => one.model.to_string(),
        (None, many) => format::plural(many.len() as u64, "model", "models"),
    };
    let of_one = chosen.or(if let [one] = similar { Some(one) } else { None });
    match of_one.and_then(|one| one.changes.first()) {
        Some(change) => crate::fault::words(&format!("It takes the same as {whose} and answers otherwise: {change}")),
        None if of_one.is_none() && similar.iter().any(|one| !one.changes.is_empty()) => {
            format!("It takes the same as {whose}")
        }
        None => format!("It takes and gives the same as {whose}"),
    }
}

/// The first row of the golden file, read in one way for one model file.
type GoldenPage = Slot<(String, Columns, Option<String>), DataHead>;

/// What is known of the golden file.
fn seen(page: &GoldenPage) -> Seen<'_> {
    let head = page.value.value();
    Seen {
        columns: head.map(|head| head.page.columns.as_slice()).unwrap_or_default(),
        truth: head.and_then(|head| head.truth.as_ref()),
    }
}

fn description(ui: &mut Ui, preview: &ImportPreview) {
    let d = &preview.description;
    let opset = d.opsets.iter().find(|(domain, _)| domain.is_empty()).or(d.opsets.first());
    let opset = opset.map(|(_, version)| format!(", opset {version}")).unwrap_or_default();
    kv::properties(ui, |kv| {
        kv.status("Format", Tone::Ok, &format!("ONNX{opset}, {}", format::bytes(preview.size_bytes)));
        kv.text(
            "Kind",
            &format!("{}, {}", d.family.words(), format::plural(d.parameter_count, "parameter", "parameters")),
        );
        if !d.producer.is_empty() {
            kv.text("Made by", &d.producer);
        }
        for (label, values) in [("Input", &d.signature.inputs), ("Output", &d.signature.outputs)] {
            for value in values.iter().take(LISTED) {
                kv.text(label, &format!("{}  {} ({})", value.name, value.value_type.in_words(), value.value_type));
            }
            if values.len() > LISTED {
                kv.text("", &format!("and {} more", values.len() - LISTED));
            }
        }
        for finding in &d.findings {
            let (tone, label) = match finding.severity {
                Severity::Info => (Tone::Neutral, "Note"),
                Severity::Warning => (Tone::Warn, "Look at"),
                Severity::Error => (Tone::Err, "Problem"),
            };
            kv.row(label, |ui| {
                ui.horizontal_top(|ui| {
                    ui.label(tone.icon().rich(14.0, tone.colors(desk_uikit::Tokens::of(ui)).0));
                    text::body(ui, &finding.message);
                })
            });
        }
    });
}
