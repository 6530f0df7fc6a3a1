//! Which columns are shown: chosen in a list or in the headings, remembered for each version.

use desk_app::rows::{ColumnKind, ROW, RowColumn, RowView, Rows};
use desk_core::VersionRef;
use desk_uikit::field::{self, Field};
use desk_uikit::table::{Arrangement, Head, HeadAction, Standing};
use desk_uikit::{Button, Icon, format, text};
use egui::{Popup, PopupCloseBehavior, ScrollArea, Ui};

use super::source::Shown;
use crate::background::Background;
use crate::kept::Kept;

/// The chosen columns of a version's rows.
pub struct Columns {
    kept: Kept<Arrangement>,
    find: String,
}

impl Columns {
    /// Those that were chosen for a version before.
    pub fn new(version: &VersionRef) -> Self {
        Self { kept: Kept::new(format!("window/columns/{version}")), find: String::new() }
    }

    /// Reads what was chosen before, and keeps what is chosen now; true once it is known.
    pub fn poll(&mut self, ui: &Ui, background: &Background) -> bool {
        // A column that is being dragged has no width yet.
        self.kept.poll(background, ui.input(|input| input.pointer.any_down()))
    }

    /// The choice as it is.
    pub fn arrangement(&self) -> Arrangement {
        self.kept.get()
    }

    fn change(&mut self, change: impl FnOnce(&mut Arrangement)) {
        self.kept.change(change);
    }

    fn show_all(&mut self, names: &[&str], shown: bool) {
        self.change(|chosen| {
            for name in names {
                chosen.show(name, shown);
            }
        });
    }

    /// What the headings of the shown columns offer.
    pub fn heads(&self, rows: &Rows, shown: &Shown, view: &RowView) -> Vec<Head> {
        let chosen = self.arrangement();
        let head = |i: usize| {
            let column: Option<&RowColumn> = shown.column(i).map(|i| &rows.columns()[i]);
            let name = column.map_or(ROW, |column| column.name.as_str());
            Head {
                can_sort: column.is_none_or(|column| column.kind != ColumnKind::Other),
                filtered: view.filters.iter().any(|filter| filter.column == name),
                standing: match column {
                    None => Standing::Fixed,
                    Some(_) if chosen.is_pinned(name) => Standing::Pinned,
                    Some(_) => Standing::Free,
                },
                width: chosen.width(name),
            }
        };
        (0..shown.columns().len()).map(head).collect()
    }

    /// Does what was asked of a shown column's place, width or being there.
    pub fn act(&mut self, rows: &Rows, shown: &Shown, column: usize, action: HeadAction) {
        let columns = rows.columns();
        let usual = rows.usual_order();
        let names: Vec<&str> = usual.iter().map(|i| columns[*i].name.as_str()).collect();
        let name = |i: usize| shown.column(i).map(|i| columns[i].name.as_str());
        let this = name(column).unwrap_or(ROW);
        self.change(|chosen| match action {
            HeadAction::Pin(pinned) => chosen.pin(this, pinned),
            HeadAction::Hide => chosen.show(this, false),
            // The row's number stays first.
            HeadAction::MoveTo(place) => chosen.move_before(&names, this, name(place.max(1))),
            HeadAction::Width(width) => chosen.set_width(this, width),
            HeadAction::Reset => *chosen = Arrangement::default(),
            HeadAction::Sort(_) | HeadAction::Then(_) | HeadAction::Filter => {}
        });
    }

    /// The button with the list of all columns.
    pub fn chooser(&mut self, ui: &mut Ui, rows: &Rows) {
        let columns = rows.columns();
        let usual = rows.usual_order();
        let names: Vec<&str> = usual.iter().map(|i| columns[*i].name.as_str()).collect();
        let chosen = self.arrangement();
        let hidden = names.iter().filter(|name| !chosen.is_shown(name)).count();
        let label = match hidden {
            0 => "Columns".to_owned(),
            _ => format!("Columns {} of {}", format::count((names.len() - hidden) as u64), names.len()),
        };
        let button = ui.add(Button::secondary(&label).icon(Icon::Columns).tooltip("Choose the columns that are shown"));
        let mut find = std::mem::take(&mut self.find);
        Popup::menu(&button)
            .width(280.0)
            .gap(4.0)
            .accessible_name("Columns")
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                ui.set_min_width(280.0);
                Field::new("Find a column").width(264.0).show_filter(ui, &mut find, "Find a column");
                let wanted = find.to_lowercase();
                let listed: Vec<&str> = chosen
                    .all(&names)
                    .into_iter()
                    .map(|i| names[i])
                    .filter(|name| name.to_lowercase().contains(&wanted))
                    .collect();
                let height = desk_uikit::tokens::control_height(ui);
                ui.spacing_mut().item_spacing.y = 2.0;
                let area = ScrollArea::vertical().max_height(300.0).auto_shrink([false, true]);
                area.show_rows(ui, height, listed.len(), |ui, visible| {
                    for name in listed.get(visible).unwrap_or_default() {
                        let mut on = chosen.is_shown(name);
                        if field::check(ui, &mut on, name).changed() {
                            self.change(|chosen| chosen.show(name, on));
                        }
                    }
                });
                if listed.is_empty() {
                    text::caption(ui, "No column is called so");
                }
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    if ui.add(Button::ghost("Show these")).clicked() {
                        self.show_all(&listed, true);
                    }
                    if ui.add(Button::ghost("Hide these")).clicked() {
                        self.show_all(&listed, false);
                    }
                    let reset = Button::ghost("Reset columns");
                    let same = chosen.is_default().then_some("All columns are as they were at first");
                    if ui.add(reset.disabled_if(same)).clicked() {
                        self.change(|chosen| *chosen = Arrangement::default());
                    }
                });
            });
        self.find = find;
    }
}
