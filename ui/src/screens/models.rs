//! All models: a list to filter and sort, and the selected one at the right.

use desk_app::Command;
use desk_app::command::Archive;
use desk_app::query::ModelItem;
use desk_core::{ModelName, VersionRef};
use desk_uikit::empty::EmptyAction;
use desk_uikit::field::{self, Field};
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Button, EmptyState, Icon, Loadable, Tone, format, kv, text};
use egui::{Align, Layout, Ui};

use crate::ages::{self, AgedTable, ago};
use crate::background::Slot;
use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::dialogs::Dialog;
use crate::route::{Route, VersionTab};

/// What the list remembers.
#[derive(Default)]
pub struct Models {
    filter: String,
    /// The archived ones are on show, not those in use.
    archived: bool,
    table: AgedTable<(bool, u64, u64, String)>,
    names: Vec<ModelName>,
    selected: Option<ModelName>,
}

/// Archived models are listed once there are some.
fn has_archived(cx: &Cx<'_>) -> bool {
    cx.lists.archived.value.value().is_some_and(|list| !list.is_empty())
}

/// Known to have no model at all.
pub fn is_empty(cx: &Cx<'_>) -> bool {
    cx.lists.models.value.value().is_some_and(Vec::is_empty) && !has_archived(cx)
}

impl Models {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let nothing = is_empty(cx);
        let actions = |ui: &mut Ui| {
            if nothing {
                return;
            }
            let keys = UiCommand::Import.shortcut_text(ui.ctx());
            if ui.add(Button::primary("Import model…").icon(Icon::Import).shortcut(keys)).clicked() {
                cx.act(Action::Ui(UiCommand::Import));
            }
        };
        self.archived &= has_archived(cx);
        super::filled_page(ui, "Models", actions, |ui| {
            let models = self.slot(cx);
            if let Loadable::Ready(_) = &models.value
                && nothing
            {
                return empty(ui, cx);
            }
            let retry = loadable_view(ui, &models.value, |ui, list| self.list(ui, cx, list, models.generation));
            if retry {
                cx.background.refresh_all();
            }
        });
    }

    /// The list on show.
    fn slot<'c>(&self, cx: &'c Cx<'_>) -> &'c Slot<(), Vec<ModelItem>> {
        if self.archived { &cx.lists.archived } else { &cx.lists.models }
    }

    fn list(&mut self, ui: &mut Ui, cx: &Cx<'_>, list: &[ModelItem], generation: u64) {
        // The other list is on show from the next frame on.
        let archived = self.archived;
        ui.horizontal(|ui| {
            let field = Field::new("Filter models").width(260.0);
            let input = field.show_filter(ui, &mut self.filter, "Filter by name");
            if cx.find.take() {
                input.request_focus();
            }
            let shown = self.names.len();
            let text = if self.filter.is_empty() {
                format::plural(list.len() as u64, "model", "models")
            } else {
                format!("{} of {}", format::count(shown as u64), format::plural(list.len() as u64, "model", "models"))
            };
            text::caption(ui, text);
            if has_archived(cx) {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    field::segments(ui, "Show", &mut self.archived, &[(false, "In use"), (true, "Archived")]);
                });
            }
        });
        ui.add_space(4.0);
        let key = (archived, generation, cx.lists.deployments.generation, self.filter.to_lowercase());
        let (names, filter) = (&mut self.names, key.3.clone());
        let shown = self.table.ensure(key, || {
            let fits = |model: &&ModelItem| model.name.as_str().to_lowercase().contains(&filter);
            let some: Vec<&ModelItem> = list.iter().filter(fits).collect();
            *names = some.iter().map(|model| model.name.clone()).collect();
            table(&some, cx)
        });
        let none = if list.is_empty() { "Every model is archived" } else { "No model has such a name" };
        let list_of = if archived {
            Table::list("archived", "Archived models").empty(none)
        } else {
            Table::list("models", "Models").empty(none)
        };
        let output = list_of.show_keyed(ui, shown, &self.names, &mut self.selected);
        if let Some(name) = output.activated.and_then(|row| self.names.get(row)) {
            cx.go(Route::Model(name.clone()));
        }
        if let Some(model) = list.iter().find(|model| Some(&model.name) == self.selected.as_ref()) {
            keys(cx, model);
        }
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let list = self.slot(cx).value.value().map(Vec::as_slice).unwrap_or_default();
        match list.iter().find(|model| Some(&model.name) == self.selected.as_ref()) {
            Some(model) => about(ui, cx, model),
            None => super::nothing_selected(ui, "a model"),
        }
    }
}

/// Hides a model from lists, or brings it back.
pub fn archive(model: &ModelName, archived: bool) -> Command {
    Command::Archive(Archive { model: model.clone(), archived })
}

/// F2 moves an alias to the newest version, Delete archives the model.
pub fn keys(cx: &Cx<'_>, model: &ModelItem) {
    if model.archived {
        return;
    }
    if cx.rename.take() {
        let newest = VersionRef::numbered(model.name.clone(), model.latest);
        cx.open(Dialog::alias(newest, model.aliases.clone()));
    }
    if cx.remove.take() {
        cx.run(archive(&model.name, true));
    }
}

fn empty(ui: &mut Ui, cx: &Cx<'_>) {
    let chosen = EmptyState::new(Icon::Models, "No models yet")
        .body("Import an ONNX file to test, explain and deploy it")
        .primary(Icon::Import, "Import model…")
        .secondary("Add the sample models")
        .hint("or drop a file anywhere in this window")
        .show(ui);
    match chosen.or_else(|| cx.primary.take().then_some(EmptyAction::Primary)) {
        Some(EmptyAction::Primary) => cx.act(Action::Ui(UiCommand::Import)),
        Some(EmptyAction::Secondary) => cx.act(Action::Ui(UiCommand::AddSamples)),
        None => {}
    }
}

fn table(models: &[&ModelItem], cx: &Cx<'_>) -> MemTable {
    let columns = vec![
        Column::text("Name"),
        Column::text("Kind").narrow().lesser(2),
        Column::number("Latest"),
        Column::text("Aliases").narrow().lesser(1),
        Column::text("Live").narrow(),
        Column::number("Size").lesser(3),
        Column::text("Updated").narrow(),
    ];
    let row = |model: &&ModelItem| {
        let aliases: Vec<String> = model.aliases.iter().map(|(alias, n)| format!("{alias} v{n}")).collect();
        let live = match live(cx, model) {
            (Tone::Neutral, _) => Cell::missing(),
            (tone, words) => Cell::status(tone, words),
        };
        vec![
            Cell::text(model.name.to_string()).strong().icon(Icon::Model),
            model.family.map_or_else(Cell::missing, |f| Cell::text(f.words())),
            Cell::sorted_by(f64::from(model.latest), format!("v{}", model.latest)),
            if aliases.is_empty() { Cell::missing() } else { Cell::text(aliases.join(", ")) },
            live,
            Cell::shown_as(model.size_bytes as f64, format::bytes(model.size_bytes)),
            ages::cell(&model.updated_at),
        ]
    };
    MemTable::new(columns, models.iter().map(row).collect())
}

/// Where a model is live, and whether it answers there as far as that is known.
fn live(cx: &Cx<'_>, model: &ModelItem) -> (Tone, String) {
    let targets = |n: usize| format::plural(n as u64, "target", "targets");
    match (model.live as usize, cx.lists.silent_on(&model.name, None).len()) {
        (0, _) => (Tone::Neutral, "Nowhere".to_owned()),
        (n, 0) => (Tone::Ok, targets(n)),
        (n, silent) => (Tone::Err, format!("{silent} of {} silent", targets(n))),
    }
}

/// A model in the inspector.
pub fn about(ui: &mut Ui, cx: &Cx<'_>, model: &ModelItem) {
    text::section(ui, model.name.to_string());
    ui.add_space(6.0);
    kv::properties(ui, |kv| {
        kv.text("Latest", &format!("v{}", model.latest));
        kv.text("Versions", &model.versions.to_string());
        if let Some(kind) = model.family {
            kv.text("Kind", kind.words());
        }
        for (alias, number) in &model.aliases {
            kv.text(alias, &format!("v{number}"));
        }
        kv.text("Size", &format::bytes(model.size_bytes));
        kv.text("Updated", &ago(&model.updated_at));
        if model.archived {
            kv.status("State", Tone::Neutral, "Archived");
        }
        let (tone, words) = live(cx, model);
        kv.status("Live", tone, &words);
    });
    ui.add_space(10.0);
    let version = |tab| Route::Version { model: model.name.clone(), number: model.latest, tab };
    if ui.add(Button::secondary("Open").icon(Icon::Model).full_width()).clicked() {
        cx.go(version(VersionTab::Overview));
    }
    if model.archived {
        if ui.add(Button::secondary("Restore").icon(Icon::Undo).full_width()).clicked() {
            cx.run(archive(&model.name, false));
        }
        return;
    }
    if ui.add(Button::secondary("Test").icon(Icon::Test).full_width()).clicked() {
        cx.go(version(VersionTab::Test));
    }
    if ui.add(Button::secondary("Deploy").icon(Icon::Deploy).full_width()).clicked() {
        cx.go(version(VersionTab::Deploy));
    }
    if ui.add(Button::secondary("Archive").icon(Icon::Archive).full_width()).clicked() {
        cx.run(archive(&model.name, true));
    }
}

#[cfg(test)]
mod tests {
    use desk_uikit::ThemeChoice;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::cx::Lists;
    use crate::fixtures::{model, stage};

    #[test]
    fn ages_in_a_list_go_on_without_anything_new() {
        for archived in [false, true] {
            let updated_at = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(43)).to_string();
            let young = ModelItem { updated_at, archived, ..model("tumour", 2) };
            let mut lists = Lists::default();
            let (none, one) = (Loadable::Ready(Vec::new()), Loadable::Ready(vec![young]));
            (lists.models.value, lists.archived.value) = if archived { (none, one) } else { (one, none) };
            let mut screen = Models { archived, ..Models::default() };
            let mut harness = stage([1060.0, 300.0], ThemeChoice::Dark, lists, move |ui, cx| screen.show(ui, cx));
            harness.run_steps(2);
            let began = std::time::Instant::now();
            while harness.query_by_label("1 min ago").is_none() {
                assert!(harness.query_by_label("just now").is_some(), "archived: {archived}");
                assert!(began.elapsed().as_secs() < 30, "archived: {archived}");
                harness.step();
            }
        }
    }
}
