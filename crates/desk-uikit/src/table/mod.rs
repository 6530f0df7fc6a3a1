//! The data table: fills its width, a million rows, selection, sorting, copying, keyboard.

mod arrange;
mod copy;
mod draw;
mod head;
mod layout;
mod menu;
mod select;
mod source;

pub use arrange::Arrangement;
pub use copy::{Copied, CopyLater, Format, copied_rows, copy_all, render};
pub use menu::RowAction;
pub use select::{Block, Mode, Place, Selection};
pub use source::{Cell, Column, MemTable, Sort, TableSource, Value};

use egui::{EventFilter, Id, Key, Modifiers, Role, Sense, Ui, WidgetInfo, vec2};

use crate::format;
use crate::tokens::{Marks, RADIUS_CARD, Tokens};
use select::Extent;

/// Height of the heading strip.
pub const HEADER: f32 = 32.0;

/// Room for a scroll bar along the lower end, where not all columns can be seen.
const SCROLL_BAR: f32 = 10.0;

/// Height of a row: lower for data than for a list of things, lower still when compact.
pub fn row_height(ui: &Ui, mode: Mode) -> f32 {
    match (mode, Marks::of(ui.ctx()).compact) {
        (Mode::Cells, false) => 24.0,
        (Mode::Cells, true) => 20.0,
        (Mode::Rows, false) => 32.0,
        (Mode::Rows, true) => 26.0,
    }
}

/// A table; what it remembers between frames lives in egui's memory under `id`.
#[must_use]
#[derive(Clone)]
pub struct Table<'a> {
    id: &'a str,
    name: &'a str,
    mode: Mode,
    sort: Option<Sort>,
    then: &'a [Sort],
    sortable: bool,
    row_height: f32,
    max_height: Option<f32>,
    empty: &'a str,
    loading: bool,
    heads: Option<&'a [Head]>,
    pinned: usize,
    generation: u64,
    row_actions: &'a [RowAction<'a>],
}

/// What the menu of a heading offers; see [`Table::heads`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Head {
    /// Rows can be sorted by the column.
    pub can_sort: bool,
    /// Not all rows are shown because of this column.
    pub filtered: bool,
    /// Where it stands.
    pub standing: Standing,
    /// The width that was given to it.
    pub width: Option<f32>,
}

/// Where a column stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Anywhere.
    #[default]
    Free,
    /// Before those that are not pinned.
    Pinned,
    /// Where it is: it can neither be moved nor hidden.
    Fixed,
}

/// What was asked of a column in its heading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeadAction {
    /// Sort by it, `true` for descending; or no more.
    Sort(Option<bool>),
    /// Sort rows that are alike in what sorts them now by it; or no more.
    Then(Option<bool>),
    /// Change its filter.
    Filter,
    /// Put it before all others, or back.
    Pin(bool),
    /// Put it before the column that stands at this place now; behind all when there is none.
    MoveTo(usize),
    /// Show it no more.
    Hide,
    /// Give it a width, or its own again.
    Width(Option<f32>),
    /// All columns as they were at first.
    Reset,
}

/// What happened in a table this frame.
#[derive(Debug, Default)]
pub struct TableOutput {
    /// The row under the keyboard's cursor.
    pub cursor: Option<usize>,
    /// A row was clicked twice, or Enter was pressed on it.
    pub activated: Option<usize>,
    /// A heading was pressed: sort like this from now on.
    pub sort: Option<Option<Sort>>,
    /// Something was copied.
    pub copied: Option<Copied>,
    /// Something is to be copied that must be fetched first.
    pub copy_later: Option<CopyLater>,
    /// The selection changed.
    pub changed: bool,
    /// Something was asked of a column, where [`Table::heads`] offers it.
    pub head: Option<(usize, HeadAction)>,
    /// Only rows with the value of this cell are to be shown.
    pub only: Option<Place>,
    /// Something was asked of a row: which of [`Table::row_actions`].
    pub row_action: Option<(usize, usize)>,
}

/// What a table remembers between frames.
#[derive(Debug, Clone, Default)]
struct Memory {
    selection: Selection,
    layout: layout::Widths,
    /// Columns that are shown this frame, with their widths.
    shown: Vec<(usize, f32)>,
    menu: Option<Place>,
    /// How the menu of that cell was asked for.
    menu_by: menu::By,
    /// Headings as they are drawn, and as they were in the frame before: the column and where it is.
    heads: Vec<(usize, egui::Rangef)>,
    heads_before: Vec<(usize, egui::Rangef)>,
    /// The menu of this column's heading shall open.
    open_menu: Option<usize>,
    generation: u64,
}

impl<'a> Table<'a> {
    /// A table of data: cells are selected, rows are low.
    pub fn data(id: &'a str, name: &'a str) -> Self {
        Self {
            id,
            name,
            mode: Mode::Cells,
            sort: None,
            then: &[],
            sortable: true,
            row_height: 0.0,
            max_height: None,
            empty: "Nothing here yet",
            loading: false,
            heads: None,
            pinned: 0,
            generation: 0,
            row_actions: &[],
        }
    }

    /// A list of things: rows are selected, and a bit higher.
    pub fn list(id: &'a str, name: &'a str) -> Self {
        Self { mode: Mode::Rows, ..Self::data(id, name) }
    }

    /// By what rows are sorted that are alike in [`Self::sorted`]; for tables with [`Self::heads`].
    pub fn then_sorted(mut self, then: &'a [Sort]) -> Self {
        self.then = then;
        self
    }

    /// How it is sorted now; the caller sorts when [`TableOutput::sort`] asks.
    pub fn sorted(mut self, sort: Option<Sort>) -> Self {
        self.sort = sort;
        self
    }

    /// Headings cannot be pressed.
    pub fn unsortable(mut self) -> Self {
        self.sortable = false;
        self
    }

    /// No higher than this; without it, as high as there is space.
    pub fn max_height(mut self, height: f32) -> Self {
        self.max_height = Some(height);
        self
    }

    /// What to say when there are no rows.
    pub fn empty(mut self, text: &'a str) -> Self {
        self.empty = text;
        self
    }

    /// Each heading has a menu, for columns that can be sorted, filtered, moved and hidden; one for each column.
    ///
    /// The first `pinned` columns stay when the others scroll. Widths and order are the caller's then.
    pub fn heads(mut self, heads: &'a [Head], pinned: usize) -> Self {
        self.heads = Some(heads);
        self.pinned = pinned;
        self
    }

    /// What the menu of a cell offers for its row.
    pub fn row_actions(mut self, actions: &'a [RowAction<'a>]) -> Self {
        self.row_actions = actions;
        self
    }

    /// Grows when the rows are others: nothing is selected then, and the first one is at the top.
    pub fn generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// Rows are being fetched.
    pub fn loading(mut self, loading: bool) -> Self {
        self.loading = loading;
        self
    }

    /// Shows a table in memory, sorting it by its headings.
    pub fn show_mem(self, ui: &mut Ui, table: &mut MemTable) -> TableOutput {
        let sort = self.chosen_sort(ui);
        table.sort(sort);
        let mut output = Self { sort, ..self.clone() }.show(ui, table);
        if let Some(sort) = output.sort {
            let id = self.sort_id(ui);
            ui.data_mut(|data| data.insert_temp(id, sort));
        }
        output.cursor = output.cursor.and_then(|row| table.original(row));
        output.activated = output.activated.and_then(|row| table.original(row));
        output
    }

    fn sort_id(&self, ui: &Ui) -> Id {
        ui.make_persistent_id((self.id, "sort"))
    }

    fn chosen_sort(&self, ui: &Ui) -> Option<Sort> {
        let id = self.sort_id(ui);
        ui.data(|data| data.get_temp(id)).flatten()
    }

    /// Shows a list of things of which one is selected, whatever is added, removed or sorted meanwhile.
    ///
    /// `selected` alone knows which one: the highlight follows it, clicks and keys change it, and when it is
    /// gone the thing that took its place is selected. `keys` are the things in the order of the table's rows.
    pub fn show_keyed<K: Clone + PartialEq>(
        self,
        ui: &mut Ui,
        table: &mut MemTable,
        keys: &[K],
        selected: &mut Option<K>,
    ) -> TableOutput {
        table.sort(self.chosen_sort(ui));
        let id = ui.make_persistent_id(self.id);
        let memory: Memory = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        let marked = memory.selection.cursor().map(|place| place.row);
        let at = selected.as_ref().and_then(|key| keys.iter().position(|other| other == key));
        let row = match at {
            Some(original) => table.shown(original),
            None => table.row_count().checked_sub(1).map(|last| marked.unwrap_or(0).min(last)),
        };
        if let Some(row) = row.filter(|row| marked != Some(*row)) {
            select_row(ui, self.id, row);
        }
        if at.is_none() {
            *selected = row.and_then(|row| table.original(row)).and_then(|row| keys.get(row)).cloned();
        }
        let output = self.show_mem(ui, table);
        if let Some(key) = output.cursor.filter(|_| output.changed).and_then(|row| keys.get(row)) {
            *selected = Some(key.clone());
        }
        output
    }

    /// Shows the table.
    pub fn show(mut self, ui: &mut Ui, source: &dyn TableSource) -> TableOutput {
        self.row_height = row_height(ui, self.mode);
        let id = ui.make_persistent_id(self.id);
        let mut memory: Memory = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        let rows = source.row_count();
        let columns = source.columns().len();
        // An empty table has room for its message.
        let shown = if rows == 0 { 3 } else { rows };
        let width = ui.available_width();
        let others = memory.generation != self.generation;
        memory.generation = self.generation;
        memory.heads_before = std::mem::take(&mut memory.heads);
        if let Some(heads) = self.heads {
            memory.layout.give(heads.iter().map(|head| head.width).collect());
        }
        memory.shown = memory.layout.for_width(ui.painter(), source, width - 2.0, self.generation);
        let scrolls = memory.shown.iter().map(|(_, width)| width).sum::<f32>() > width - 1.0;
        let bar = if scrolls { SCROLL_BAR } else { 0.0 };
        let content = HEADER + self.row_height * shown as f32 + 2.0 + bar;
        let space = self.max_height.unwrap_or_else(|| ui.available_height()).max(HEADER + self.row_height * 3.0);
        let size = vec2(width, content.min(space));
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let table = ui.interact(rect, id, Sense::focusable_noninteractive());
        table.widget_info(|| {
            let label = format!("{}, {}", self.name, format::plural(rows as u64, "row", "rows"));
            WidgetInfo::labeled(Role::Table, true, label)
        });
        let page = ((size.y - HEADER) / self.row_height) as usize;
        let extent = Extent { rows, columns, page };
        memory.selection.clamp(extent);
        let before = memory.selection.clone();

        let mut output = TableOutput::default();
        let mut scroll_to = None;
        if others {
            memory.selection.clear();
        }
        if table.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
            scroll_to = self.keys(ui, &mut memory, extent, source, &mut output);
        }
        let t = Tokens::of(ui);
        let radius = f32::from(RADIUS_CARD);
        ui.painter().rect_filled(rect, radius, t.raised);
        let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink(1.0)).id_salt(self.id));
        inner.shrink_clip_rect(rect.shrink(1.0));
        // A bar along the lower end must not lie over the last row.
        inner.spacing_mut().scroll.floating_allocated_width = bar;
        let scroll_to = if others && rows > 0 { Some(Place::default()) } else { scroll_to };
        draw::show(&self, &mut inner, &mut memory, source, scroll_to, id, &mut output);
        ui.painter().rect_stroke(rect, radius, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Inside);
        crate::paint::focus_ring(ui, &table, rect, RADIUS_CARD);

        // A click on a cell is a click beside the table to egui, which then takes the focus away.
        let pressed = ui.input(|input| input.pointer.any_pressed() || input.pointer.any_released());
        if pressed && ui.rect_contains_pointer(rect.with_min_y(rect.top() + HEADER)) {
            ui.memory_mut(|memory| memory.request_focus(id));
        }

        output.changed = memory.selection != before;
        output.cursor = memory.selection.cursor().map(|place| place.row);
        if let Some(copied) = &output.copied {
            ui.ctx().copy_text(copied.text.clone());
        }
        ui.data_mut(|data| data.insert_temp(id, memory));
        output
    }

    /// Keys while the table has the focus; returns the row to scroll to.
    fn keys(
        &self,
        ui: &Ui,
        memory: &mut Memory,
        extent: Extent,
        source: &dyn TableSource,
        output: &mut TableOutput,
    ) -> Option<Place> {
        let events = ui.input(|input| input.events.clone());
        let mut scroll_to = None;
        for event in events {
            match event {
                egui::Event::Key { key: Key::A, pressed: true, modifiers, .. } if modifiers.command => {
                    memory.selection.all(extent);
                }
                egui::Event::Key { key: Key::Enter, pressed: true, modifiers: Modifiers::NONE, .. } => {
                    output.activated = memory.selection.cursor().map(|place| place.row);
                }
                egui::Event::Key { key: Key::Escape, pressed: true, .. } => memory.selection.clear(),
                egui::Event::Key { key: Key::ArrowDown, pressed: true, modifiers: Modifiers::ALT, .. }
                    if self.heads.is_some() =>
                {
                    memory.open_menu = memory.selection.cursor().map(|place| place.column);
                }
                egui::Event::Key { key: Key::Menu, pressed: true, modifiers: Modifiers::NONE, .. }
                | egui::Event::Key { key: Key::F10, pressed: true, modifiers: Modifiers::SHIFT, .. } => {
                    memory.menu = memory.selection.cursor();
                    memory.menu_by = menu::By::Keys { asked: true };
                    scroll_to = memory.menu;
                }
                egui::Event::Key { key, pressed: true, modifiers, .. } => {
                    scroll_to = memory.selection.key(key, modifiers, extent).or(scroll_to);
                }
                egui::Event::Copy if !memory.selection.is_empty() => {
                    let as_csv = ui.input(|input| input.modifiers.shift);
                    let format = if as_csv { Format::Csv } else { Format::Tsv };
                    self.copy(memory, source, format, output);
                }
                _ => {}
            }
        }
        scroll_to
    }

    fn copy(&self, memory: &Memory, source: &dyn TableSource, format: Format, output: &mut TableOutput) {
        let blocks = memory.selection.blocks(self.mode, source.columns().len());
        if copied_rows(&blocks).0.into_iter().all(|row| source.is_here(row)) {
            output.copied = Some(render(source, &blocks, format));
        } else {
            output.copy_later = Some(CopyLater { blocks, format });
        }
    }
}

/// Selects a row of a table from outside, as when a view is restored.
pub fn select_row(ui: &Ui, id: &str, row: usize) {
    let id = ui.make_persistent_id(id);
    let mut memory: Memory = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    memory.selection.click(Place { row, column: 0 }, Modifiers::NONE);
    ui.data_mut(|data| data.insert_temp(id, memory));
}

/// The heading's next state when it is pressed: up, down, unsorted.
fn next_sort(current: Option<Sort>, column: usize, numeric: bool) -> Option<Sort> {
    // Numbers are usually wanted largest first.
    let first = numeric;
    match current.filter(|sort| sort.column == column) {
        None => Some(Sort { column, descending: first }),
        Some(sort) if sort.descending == first => Some(Sort { column, descending: !first }),
        Some(_) => None,
    }
}

/// The same for a column that sorts what others leave alike.
fn next_then(current: Option<Sort>, column: usize, numeric: bool) -> Option<bool> {
    next_sort(current, column, numeric).map(|sort| sort.descending)
}

/// The id that a column has in the underlying table.
fn column_id(table: Id, column: usize) -> Id {
    table.with(("column", column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_cycles_through_both_orders_and_none() {
        let up = next_sort(None, 1, false);
        assert_eq!(up, Some(Sort { column: 1, descending: false }));
        let down = next_sort(up, 1, false);
        assert_eq!(down, Some(Sort { column: 1, descending: true }));
        assert_eq!(next_sort(down, 1, false), None);
        assert_eq!(next_sort(down, 2, true), Some(Sort { column: 2, descending: true }));
    }
}
