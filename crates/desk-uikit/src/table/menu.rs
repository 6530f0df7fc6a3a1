//! The menu of a cell: what can be done with its row, its value and its column, and copying what is selected.

use egui::{Popup, Response, SetOpenCommand, Ui};

use super::draw::Delegate;
use super::{Format, HeadAction, Place, Standing};
use crate::Row;
use crate::icon::Icon;
use crate::text::elide_middle;

/// As wide as its longest line needs; a menu without a width would take all that the window has.
const WIDTH: f32 = 236.0;
/// Longer values are cut in the menu.
const FITS: usize = 20;

/// Something that can be done with a row; see [`super::Table::row_actions`].
#[derive(Debug, Clone, Copy)]
pub struct RowAction<'a> {
    /// What it is called.
    pub label: &'a str,
    /// Before its name.
    pub icon: Icon,
}

/// How the menu of a cell was asked for: it stands where the pointer was, or below the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum By {
    /// With a secondary click.
    #[default]
    Pointer,
    /// With a key, in this frame or before.
    Keys {
        /// It is to be opened.
        asked: bool,
    },
}

impl Delegate<'_, '_> {
    /// Shows the menu of a cell while it is open; true while it is.
    pub(super) fn cell_menu(&mut self, ui: &Ui, response: &Response, place: Place) -> bool {
        let mut done = false;
        let mut by_key = false;
        let popup = match std::mem::take(&mut self.memory.menu_by) {
            By::Pointer => Popup::context_menu(response),
            By::Keys { asked } => {
                by_key = asked;
                self.memory.menu_by = By::Keys { asked: false };
                Popup::menu(response).open_memory(asked.then_some(SetOpenCommand::Bool(true)))
            }
        };
        let shown = popup.width(WIDTH).show(|ui| {
            ui.set_min_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 2.0;
            let focus = &mut by_key;
            done |= self.row_lines(ui, focus, place);
            done |= self.column_lines(ui, focus, place);
            for format in Format::ALL {
                if line(ui, focus, Icon::Copy, format.label()) {
                    self.table.copy(self.memory, self.source, format, self.output);
                    done = true;
                }
            }
            if done {
                ui.close();
            }
        });
        if done {
            // What was pressed is gone: the keyboard is where it was before.
            ui.memory_mut(|memory| memory.request_focus(self.id));
        }
        shown.is_some()
    }

    fn row_lines(&mut self, ui: &mut Ui, focus: &mut bool, place: Place) -> bool {
        let mut done = false;
        for (i, action) in self.table.row_actions.iter().enumerate() {
            if line(ui, focus, action.icon, action.label) {
                self.output.row_action = Some((place.row, i));
                done = true;
            }
        }
        if !self.table.row_actions.is_empty() {
            ui.separator();
        }
        done
    }

    fn column_lines(&mut self, ui: &mut Ui, focus: &mut bool, place: Place) -> bool {
        let Some(head) = self.table.heads.and_then(|heads| heads.get(place.column)) else { return false };
        let mut asked = None;
        let mut done = false;
        if head.can_sort {
            let name = self.source.columns().get(place.column).map(|column| column.name.as_str()).unwrap_or_default();
            let cell = self.source.cell(place.row, place.column);
            let only = format!("Only {} = {}", elide_middle(name, FITS), elide_middle(&cell.text, FITS));
            if line(ui, focus, Icon::Filter, &only) {
                self.output.only = Some(place);
                done = true;
            }
            for (descending, label, icon) in
                [(false, "Sort ascending", Icon::SortUp), (true, "Sort descending", Icon::SortDown)]
            {
                if line(ui, focus, icon, label) {
                    asked = Some(HeadAction::Sort(Some(descending)));
                }
            }
        }
        if head.standing != Standing::Fixed && line(ui, focus, Icon::Hide, "Hide column") {
            asked = Some(HeadAction::Hide);
        }
        ui.separator();
        if let Some(action) = asked {
            self.output.head = Some((place.column, action));
        }
        done || asked.is_some()
    }
}

/// A line of the menu; the first one takes the focus where the menu was opened by a key.
fn line(ui: &mut Ui, focus: &mut bool, icon: Icon, label: &str) -> bool {
    let line = ui.add(Row::new(label).icon(icon));
    if std::mem::take(focus) {
        line.request_focus();
    }
    line.clicked()
}
