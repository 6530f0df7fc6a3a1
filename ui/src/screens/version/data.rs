//! Choosing a data file: typed, browsed, or one that was used before; and its first rows.

use std::path::PathBuf;

use desk_app::LastUse;
use desk_app::command::Columns;
use desk_app::query::{DataHead, TablePage, VersionView};
use desk_core::{ModelName, VersionRef};
use desk_uikit::field::Field;
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::columns::Seen;
use crate::cx::Cx;
use crate::picker::{Picked, Purpose};

/// Files that go with a model, from what was used before and from the samples.
#[derive(Debug, Clone, Default)]
pub struct Suggestions {
    last: LastUse,
    data: Vec<String>,
    background: Option<String>,
}

/// A chosen data file.
#[derive(Default)]
pub struct DataChoice {
    /// The path as typed.
    pub path: String,
    /// Background rows for explanations.
    pub background: String,
    touched: bool,
    /// Somebody is typing: nothing is filled in under the cursor.
    focused: bool,
    suggestions: Slot<ModelName, Suggestions>,
    /// The first rows, for the names of its columns.
    pub preview: Slot<(String, Columns, u32), DataHead>,
    picked: Picked,
    picked_background: Picked,
}

impl DataChoice {
    /// Draws the field with its pick list; `reading` says how the file is read. Once, what was used the last time.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, view: &VersionView, reading: Columns) -> Option<LastUse> {
        let recalled = self.suggest(cx, view);
        if let Some(path) = self.picked.take().or_else(|| cx.take_dropped(is_data)) {
            self.path = path.to_string_lossy().into_owned();
            self.touched = true;
        }
        let error = self.error();
        // There is a line below the field all the time, so that nothing moves when the file has been read.
        let known = self.known();
        let field = Field::new("Data file").error(error.as_deref()).help(&known);
        let output = field.show_path(ui, &mut self.path, "/path/to/rows.csv");
        self.touched |= output.response.changed();
        self.focused = output.response.has_focus();
        if output.browse {
            self.picked.wait(cx.pick(ui.ctx(), Purpose::Data));
        }
        self.used_before(ui);
        let path = self.path.trim().to_owned();
        if !path.is_empty() {
            let (file, read) = (PathBuf::from(&path), reading.clone());
            // Which column is the truth depends on the version's classes.
            let key = (path, reading, view.item.version);
            self.preview.ensure_with(cx.background, key, Topic::Files, || {
                let of = view.description.clone();
                move |desk| desk.data_head(&file, &read, Some(&of), 5)
            });
        }
        recalled
    }

    /// Files to choose with one press. The chosen one stays among them: nothing moves under a pointer that has just left
    /// the field.
    fn used_before(&mut self, ui: &mut Ui) {
        let paths: Vec<String> = self.suggested().iter().take(3).cloned().collect();
        if paths.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            desk_uikit::text::caption(ui, "Used before:");
            for path in &paths {
                let name = desk_uikit::text::elide_middle(file_name(path), 36);
                let chosen = *path == self.path;
                if ui.add(desk_uikit::Button::ghost(&name).selected(chosen).tooltip(path)).clicked() {
                    self.path.clone_from(path);
                    self.touched = true;
                }
            }
        });
    }

    /// Draws the field for background rows.
    pub fn show_background(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if let Some(path) = self.picked_background.take() {
            self.background = path.to_string_lossy().into_owned();
        }
        let field =
            Field::new("Background rows").help("Rows that stand for “nothing known”; a sample of the data when empty");
        if field.show_path(ui, &mut self.background, "optional: /path/to/background.csv").browse {
            self.picked_background.wait(cx.pick(ui.ctx(), Purpose::Data));
        }
    }

    /// Fills in what was used before, until the user chooses; what that was, when it has just been filled in.
    fn suggest(&mut self, cx: &Cx<'_>, view: &VersionView) -> Option<LastUse> {
        let model = view.item.model.clone();
        let version = VersionRef::numbered(model.clone(), view.item.version);
        self.suggestions.ensure(cx.background, model.clone(), Topic::Models, move |desk| {
            let last = desk.last_use(&version)?;
            let mut data = last.data.clone();
            let samples = desk.samples_folder().join(model.as_str());
            for name in ["heldout.csv", "heldout.npz"] {
                let path = samples.join(name);
                let text = path.to_string_lossy().into_owned();
                if path.is_file() && !data.contains(&text) {
                    data.push(text);
                }
            }
            let imported = last.import.as_ref().map(|(path, _)| path.to_string_lossy().into_owned());
            data.extend(imported.filter(|path| !data.contains(path)));
            let background = samples.join("background.csv");
            let background = background.is_file().then(|| background.to_string_lossy().into_owned());
            Ok(Suggestions { last, data, background })
        });
        if self.touched || self.focused || !self.path.is_empty() {
            return None;
        }
        let found = self.suggestions.value.value()?;
        self.path.clone_from(found.data.first()?);
        self.touched = true;
        self.background = match &found.last.explain {
            Some(last) => last.background.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
            None => found.background.clone().unwrap_or_default(),
        };
        Some(found.last.clone())
    }

    fn suggested(&self) -> &[String] {
        self.suggestions.value.value().map(|found| found.data.as_slice()).unwrap_or_default()
    }

    fn error(&self) -> Option<String> {
        match &self.preview.value {
            desk_uikit::Loadable::Failed { error, .. } if !self.path.trim().is_empty() => {
                // What helps, too: there is no other place for it.
                let hint = error.hints.first().map(|hint| format!(". {hint}")).unwrap_or_default();
                Some(format!("{}{hint}", error.message))
            }
            _ => None,
        }
    }

    /// `171 rows, 31 columns`, once the file has been looked at.
    fn known(&self) -> String {
        if self.path.trim().is_empty() {
            return "CSV, Parquet, Arrow, JSON lines, NPY, NPZ, an image or a folder of images".to_owned();
        }
        let Some(page) = self.head() else { return "Reading the file…".to_owned() };
        let columns = desk_uikit::format::plural(page.columns.len() as u64, "column", "columns");
        match page.total {
            Some(total) => format!("{}, {columns}", desk_uikit::format::plural(total, "row", "rows")),
            None => columns,
        }
    }

    /// What the data still waits for, in a moment.
    pub fn waits(&self) -> Option<&'static str> {
        if self.path.trim().is_empty() {
            let looking = !self.touched && !self.focused && !self.suggestions.value.is_settled();
            return looking.then_some("Data of this model is being looked for");
        }
        (!self.preview.value.is_settled()).then_some("The file is being read")
    }

    /// The path to use, or why there is none yet.
    pub fn chosen(&self) -> Result<PathBuf, &'static str> {
        match self.path.trim() {
            "" => Err("Choose a data file first"),
            _ if self.error().is_some() => Err("This data file cannot be read"),
            path => Ok(PathBuf::from(path)),
        }
    }

    /// The background file, when one is named.
    pub fn chosen_background(&self) -> Option<PathBuf> {
        let path = self.background.trim();
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// Names of the data's columns, once known.
    pub fn columns(&self) -> &[String] {
        self.head().map(|page| page.columns.as_slice()).unwrap_or_default()
    }

    /// Its rows, once they are counted.
    pub fn rows(&self) -> Option<u64> {
        self.head().and_then(|page| page.total)
    }

    /// What the file is, and its truth: what the version knows of it first, then what its values tell.
    pub fn seen<'s>(&'s self, view: &'s VersionView) -> Seen<'s> {
        let columns = self.columns();
        let known = view.truth.as_ref().filter(|truth| columns.contains(&truth.column));
        let proposed = || self.preview.value.value().and_then(|head| head.truth.as_ref());
        Seen { columns, truth: known.or_else(proposed) }
    }

    fn head(&self) -> Option<&TablePage> {
        self.preview.value.value().map(|head| &head.page)
    }
}

fn is_data(path: &std::path::Path) -> bool {
    !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
