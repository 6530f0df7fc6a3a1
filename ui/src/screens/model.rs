//! One model: its versions, newest first, and where its aliases point.

use desk_app::query::VersionItem;
use desk_core::ModelName;
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Button, Icon, Tone, format};
use egui::Ui;

use crate::ages::{self, AgedTable};
use crate::background::{Slot, Topic};
use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::route::{Route, VersionTab};

/// What the screen remembers.
#[derive(Default)]
pub struct Model {
    versions: Slot<ModelName, Vec<VersionItem>>,
    table: AgedTable<(u64, u64, ModelName)>,
    numbers: Vec<u32>,
}

impl Model {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, name: &ModelName) {
        let model = name.clone();
        self.versions.ensure(cx.background, name.clone(), Topic::Models, move |desk| desk.versions(&model));
        let latest = self.versions.value.value().and_then(|list| list.iter().map(|v| v.version).max());
        let newest_two = self.versions.value.value().and_then(|list| newest_two(list));
        let item = cx.lists.model(name);
        let archived = item.is_some_and(|model| model.archived);
        let actions = |ui: &mut Ui| {
            if let Some(number) = latest {
                let open = Button::primary("Open the latest").icon(Icon::Version);
                if ui.add(open).clicked() || cx.primary.take() {
                    cx.go(Route::Version { model: name.clone(), number, tab: VersionTab::Overview });
                }
            }
            if ui.add(Button::secondary("Import a version…").icon(Icon::Import)).clicked() {
                cx.act(Action::Ui(UiCommand::Import));
            }
            let compare = Button::secondary("Compare").icon(Icon::Differs).tooltip("Compare the newest two versions");
            let compare = compare.disabled_if(newest_two.is_none().then_some("There is only one version yet"));
            if ui.add(compare).clicked()
                && let Some((former, newest)) = newest_two
            {
                let side = |number: u32| (name.clone(), number);
                cx.go(Route::Compare { first: side(former), second: side(newest) });
            }
            if archived {
                if ui.add(Button::secondary("Restore").icon(Icon::Undo)).clicked() {
                    cx.run(super::models::archive(name, false));
                }
            } else if ui.add(Button::icon_only(Icon::Archive, "Archive this model")).clicked() || cx.remove.take() {
                cx.run(super::models::archive(name, true));
                cx.go(Route::Models);
            }
        };
        super::filled_page(ui, name.as_str(), actions, |ui| {
            let generation = self.versions.generation;
            let slot = &self.versions.value;
            let (table, numbers) = (&mut self.table, &mut self.numbers);
            let retry = loadable_view(ui, slot, |ui, list| {
                let table = table.ensure((generation, cx.lists.deployments.generation, name.clone()), || {
                    let mut list: Vec<&VersionItem> = list.iter().collect();
                    list.sort_by_key(|version| std::cmp::Reverse(version.version));
                    *numbers = list.iter().map(|version| version.version).collect();
                    versions_table(&list, cx)
                });
                let output = Table::list("versions", "Versions").show_mem(ui, table);
                if let Some(number) = output.activated.and_then(|row| numbers.get(row)) {
                    cx.go(Route::Version { model: name.clone(), number: *number, tab: VersionTab::Overview });
                }
            });
            if retry {
                self.versions.again();
            }
        });
        if let Some(item) = item {
            super::models::keys(cx, item);
        }
    }

    /// Draws the inspector.
    pub fn inspector(ui: &mut Ui, cx: &Cx<'_>, name: &ModelName) {
        match cx.lists.model(name) {
            Some(model) => super::models::about(ui, cx, model),
            None => desk_uikit::loadable::loadable_aside(ui, &cx.lists.models.value, |ui, _| {
                drop(desk_uikit::text::sub(ui, "There is nothing to show"));
            }),
        }
    }
}

/// The numbers of the newest two versions.
fn newest_two(versions: &[VersionItem]) -> Option<(u32, u32)> {
    let mut numbers: Vec<u32> = versions.iter().map(|version| version.version).collect();
    numbers.sort_unstable();
    match numbers.as_slice() {
        [.., former, newest] => Some((*former, *newest)),
        _ => None,
    }
}

fn versions_table(versions: &[&VersionItem], cx: &Cx<'_>) -> MemTable {
    let columns = vec![
        Column::text("Version").narrow(),
        Column::text("Aliases").narrow(),
        Column::text("Live on").narrow(),
        Column::text("Last test").narrow().lesser(4),
        Column::text("Note").lesser(1),
        Column::number("Size").lesser(2),
        Column::text("Imported").narrow(),
        Column::text("Digest").narrow().lesser(3),
    ];
    let row = |version: &&VersionItem| {
        let or_missing = |text: String| if text.is_empty() { Cell::missing() } else { Cell::text(text) };
        let live = version.live_on.join(", ");
        vec![
            Cell::sorted_by(f64::from(version.version), format!("v{}", version.version)).strong(),
            or_missing(version.aliases.join(", ")),
            match cx.lists.silent_on(&version.model, Some(version.version)).as_slice() {
                _ if live.is_empty() => Cell::missing(),
                [] => Cell::status(Tone::Ok, live),
                silent => Cell::status(Tone::Err, format!("{}, silent", silent.join(", "))),
            },
            or_missing(version.tested.clone().unwrap_or_default()),
            or_missing(version.note.clone()),
            Cell::shown_as(version.size_bytes as f64, format::bytes(version.size_bytes)),
            ages::cell(&version.created_at),
            Cell::text(version.digest.short()).mono(),
        ]
    };
    MemTable::new(columns, versions.iter().map(row).collect())
}
