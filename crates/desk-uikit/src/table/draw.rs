//! Painting of rows and cells, and what the pointer does to them.

use egui::{Color32, Id, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_table::{CellInfo, HeaderCellInfo, HeaderRow, TableDelegate, TableState};

use super::head::{NARROWEST, WIDEST};
use super::layout::PAD;
use super::{Block, HEADER, Memory, Place, Table, TableOutput, TableSource, column_id};
use crate::fonts::{self, size};
use crate::paint;
use crate::tokens::Tokens;

/// Shows the table's inside: headings and the rows that are visible.
pub(super) fn show(
    table: &Table<'_>,
    ui: &mut Ui,
    memory: &mut Memory,
    source: &dyn TableSource,
    scroll_to: Option<Place>,
    id: Id,
    output: &mut TableOutput,
) {
    // The underlying table draws lines between columns with this stroke.
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;

    let shown = memory.shown.clone();
    let state_id = TableState::id(ui, egui::IdSalt::new("cells"));
    let mut state = TableState::load(ui.ctx(), state_id).unwrap_or_default();
    for (i, width) in &shown {
        state.col_widths.insert(column_id(id, *i), *width);
    }
    state.parent_width = Some(ui.available_width());
    state.store(ui.ctx(), state_id);

    let columns: Vec<egui_table::Column> = shown
        .iter()
        .map(|(i, width)| {
            egui_table::Column::new(*width).range(NARROWEST..=WIDEST).id(column_id(id, *i)).resizable(false)
        })
        .collect();
    // Pinned columns leave room for one that scrolls.
    let room = ui.available_width() - 120.0;
    let mut taken = 0.0;
    let pinned = (shown.iter().take(table.pinned))
        .take_while(|(_, width)| {
            taken += width;
            taken <= room
        })
        .count();
    let blocks = memory.selection.blocks(table.mode, source.columns().len());
    let mut delegate = Delegate { table, source, memory, blocks, id, output };
    let mut view = egui_table::Table::new()
        .id_salt("cells")
        .num_rows(source.row_count() as u64)
        .columns(columns)
        .num_sticky_cols(pinned)
        .headers([HeaderRow::new(HEADER)]);
    if let Some(place) = scroll_to {
        view = view.scroll_to_row(place.row as u64, None);
        if let Some(column) = shown.iter().position(|(column, _)| *column == place.column) {
            view = view.scroll_to_column(column, None);
        }
    }
    view.show(ui, &mut delegate);
    if source.row_count() == 0 {
        below_header(table, ui);
    }
}

/// The message or the skeleton where rows would be.
fn below_header(table: &Table<'_>, ui: &mut Ui) {
    let t = Tokens::of(ui);
    let space = ui.max_rect().with_min_y(ui.max_rect().top() + HEADER);
    if table.loading {
        let inside = space.shrink2(vec2(PAD, 6.0));
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(inside));
        crate::loadable::skeleton(&mut child, ((inside.height() / 26.0) as usize).clamp(1, 8));
    } else {
        let label = egui::RichText::new(table.empty).font(fonts::regular(size::BODY)).color(t.sub);
        let mut child = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(space)
                .layout(egui::Layout::centered_and_justified(egui::Direction::TopDown)),
        );
        child.label(label);
    }
}

pub(super) struct Delegate<'d, 'a> {
    pub table: &'d Table<'a>,
    pub source: &'d dyn TableSource,
    pub memory: &'d mut Memory,
    pub blocks: Vec<Block>,
    pub id: Id,
    pub output: &'d mut TableOutput,
}

impl TableDelegate for Delegate<'_, '_> {
    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        self.heading(ui, cell);
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let t = Tokens::of(ui);
        let rect = ui.max_rect();
        let visible = rect.intersect(ui.clip_rect());
        if ui.rect_contains_pointer(visible) {
            ui.painter().rect_filled(rect, 0.0, t.hover.gamma_multiply(0.7));
        }
        let line = Stroke::new(1.0, t.line.gamma_multiply(0.6));
        if row + 1 < self.source.row_count() as u64 {
            ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, line);
        }
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let Some((column, _)) = self.memory.shown.get(cell.col_nr).copied() else { return };
        let place = Place { row: cell.row_nr as usize, column };
        let t = Tokens::of(ui);
        let rect = ui.max_rect();
        let selected = self.blocks.iter().any(|block| block.contains(place));
        if selected {
            ui.painter().rect_filled(rect, 0.0, t.accent_weak);
        }
        if self.table.mode == super::Mode::Cells && self.memory.selection.cursor() == Some(place) {
            ui.painter().rect_stroke(rect.shrink(0.5), 0.0, Stroke::new(1.0, t.accent), egui::StrokeKind::Inside);
        }
        let content = self.source.cell(place.row, place.column);
        let numeric = self.source.columns().get(place.column).is_some_and(|column| column.numeric);
        let response = ui.interact(rect, self.id.with(("cell", place.row, place.column)), Sense::CLICK | Sense::DRAG);
        let galley = paint_cell(ui, rect, &content, numeric, selected);
        match &content.mark {
            Some(mark) if response.hovered() => response.show_tooltip_text(mark.as_ref()),
            _ => paint::tooltip_if_elided(&response, &galley, &content.text),
        }
        let text: &str = &content.text;
        response.widget_info(|| match &content.mark {
            Some(mark) => WidgetInfo::selected(Role::Cell, true, selected, format!("{text}, {mark}")),
            None => WidgetInfo::selected(Role::Cell, true, selected, text),
        });
        self.pointer(ui, &response, place);
    }

    fn default_row_height(&self) -> f32 {
        self.table.row_height
    }
}

impl Delegate<'_, '_> {
    fn pointer(&mut self, ui: &Ui, response: &egui::Response, place: Place) {
        let pressed = response.is_pointer_button_down_on() && ui.input(|input| input.pointer.any_pressed());
        let secondary = response.secondary_clicked();
        let inside = self.blocks.iter().any(|block| block.contains(place));
        if (pressed && ui.input(|input| input.pointer.primary_down())) || response.clicked() && !inside {
            let modifiers = ui.input(|input| input.modifiers);
            self.memory.selection.click(place, modifiers);
        }
        if secondary {
            if !inside {
                self.memory.selection.click(place, egui::Modifiers::NONE);
            }
            self.memory.menu = Some(place);
            self.memory.menu_by = super::menu::By::Pointer;
        }
        let dragging = ui.input(|input| input.pointer.primary_down() && !input.pointer.any_pressed());
        let from_here = ui.ctx().dragged_id().is_some_and(|dragged| self.is_cell(dragged));
        if dragging && from_here && ui.rect_contains_pointer(response.rect) {
            self.memory.selection.drag_to(place);
        }
        if response.double_clicked() {
            self.output.activated = Some(place.row);
        }
        if self.memory.menu == Some(place) {
            let shown = self.cell_menu(ui, response, place);
            if !shown && !secondary {
                self.memory.menu = None;
                // Who opened it by a key and left it by another one is in the table again.
                if self.memory.menu_by != super::menu::By::Pointer && ui.memory(|memory| memory.focused().is_none()) {
                    ui.memory_mut(|memory| memory.request_focus(self.id));
                }
            }
        }
    }

    /// True when what is being dragged is a cell of this table (not its scroll bar or a column edge).
    fn is_cell(&self, dragged: Id) -> bool {
        self.memory.selection.anchor().is_some_and(|at| self.id.with(("cell", at.row, at.column)) == dragged)
    }
}

fn paint_cell(
    ui: &Ui,
    rect: egui::Rect,
    cell: &super::Cell<'_>,
    numeric: bool,
    selected: bool,
) -> std::sync::Arc<egui::Galley> {
    let t = Tokens::of(ui);
    let ink = match (cell.icon, cell.tone) {
        (None, Some(tone)) => tone.colors(t).0,
        _ if selected || cell.strong => t.strong,
        _ => t.text,
    };
    let font = match (cell.mono, cell.strong) {
        (true, _) => fonts::mono(size::MONO),
        (_, true) => fonts::medium(size::BODY),
        _ => fonts::regular(size::BODY),
    };
    let painter = ui.painter();
    let mut left = rect.left() + PAD;
    if let Some(icon) = cell.icon {
        let ink = cell.tone.map_or(t.sub, |tone| tone.colors(t).0);
        paint::icon(painter, pos2(left + 7.0, rect.center().y), icon, 14.0, ink);
        left += 20.0;
    }
    let galley = paint::one_line(painter, &cell.text, font, ink, rect.right() - PAD - left);
    let x = if numeric { rect.right() - PAD - galley.size().x } else { left };
    painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley.clone(), Color32::PLACEHOLDER);
    galley
}
