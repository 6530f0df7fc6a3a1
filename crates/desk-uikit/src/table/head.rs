//! Headings: sorting by a press, a menu for everything else, moving by dragging, widths.

use egui::{CornerRadius, Key, Modifiers, Order, Popup, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_table::HeaderCellInfo;

use super::draw::Delegate;
use super::layout::PAD;
use super::{HeadAction, Sort, Standing, next_sort, next_then};
use crate::Row;
use crate::fonts::{self, size};
use crate::icon::Icon;
use crate::paint;
use crate::tokens::{RADIUS_CARD, Tokens};

/// How far a column can be dragged.
pub(super) const NARROWEST: f32 = 40.0;
pub(super) const WIDEST: f32 = 2000.0;
/// Width of what is dragged, at the end of a heading.
const HANDLE: f32 = 7.0;
/// Width of the mark that opens the menu.
const MARK: f32 = 18.0;

impl Delegate<'_, '_> {
    pub(super) fn heading(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let Some((column, _)) = self.memory.shown.get(cell.col_range.start).copied() else { return };
        let Some(head) = self.source.columns().get(column) else { return };
        let (name, numeric) = (head.name.clone(), head.numeric);
        let rect = ui.max_rect();
        self.memory.heads.push((column, rect.x_range()));
        let movable =
            self.table.heads.and_then(|heads| heads.get(column)).is_some_and(|head| head.standing != Standing::Fixed);
        let sense = match (self.table.sortable, movable) {
            (true, true) => Sense::click_and_drag(),
            (true, false) => Sense::click(),
            (false, _) => Sense::hover(),
        };
        let response = ui.interact(rect.shrink2(vec2(4.0, 0.0)), self.id.with(("head", column)), sense);
        let sort = self.key(column);
        let hot = self.table.sortable && (response.hovered() || response.has_focus());
        let last = cell.col_range.start + 1 == self.memory.shown.len();
        paint_back(ui, rect, cell.col_range.start == 0, last, hot);
        self.title(ui, rect, &response, column, hot);
        response.widget_info(|| {
            let order = match sort {
                Some((_, sort)) if sort.descending => ", largest first",
                Some(_) => ", smallest first",
                None => "",
            };
            let rank = sort.and_then(|(rank, _)| self.rank(rank)).map(|rank| format!(", key {rank}"));
            let rank = rank.unwrap_or_default();
            let filtered = if self.is_filtered(column) { ", filtered" } else { "" };
            WidgetInfo::labeled(Role::ColumnHeader, true, format!("{name}{order}{rank}{filtered}"))
        });
        if !head.about.is_empty() {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(head.about.clone()));
        }
        paint::focus_ring(ui, &response, rect.shrink(1.0), 4);
        let can_sort = self.table.heads.and_then(|heads| heads.get(column)).is_none_or(|head| head.can_sort);
        if response.clicked() && can_sort {
            let shift = self.table.heads.is_some() && ui.input(|input| input.modifiers.shift);
            if shift && self.table.sort.is_some() {
                let next = next_then(sort.map(|(_, sort)| sort), column, numeric);
                self.output.head = Some((column, HeadAction::Then(next)));
            } else {
                self.output.sort = Some(next_sort(self.table.sort, column, numeric));
            }
        }
        if self.table.heads.is_some() {
            self.menu(ui, rect, &response, column, &name, sort.map(|(_, sort)| sort));
            self.drag(ui, &response, column);
        }
        self.resize(ui, column, rect);
    }

    /// How rows are sorted by a column, and after how many others.
    fn key(&self, column: usize) -> Option<(usize, Sort)> {
        let keys = self.table.sort.iter().chain(self.table.then).copied().enumerate();
        keys.into_iter().find(|(_, sort)| sort.column == column)
    }

    /// The number of a key, from 1, where there are several.
    fn rank(&self, rank: usize) -> Option<usize> {
        (!self.table.then.is_empty()).then_some(rank + 1)
    }

    fn is_filtered(&self, column: usize) -> bool {
        self.table.heads.and_then(|heads| heads.get(column)).is_some_and(|head| head.filtered)
    }

    /// The name with its marks: how it is sorted, that it is filtered, that it has a menu.
    fn title(&self, ui: &Ui, rect: Rect, response: &egui::Response, column: usize, hot: bool) {
        let t = Tokens::of(ui);
        let Some(head) = self.source.columns().get(column) else { return };
        let sort = self.key(column);
        let rank = sort.and_then(|(rank, _)| self.rank(rank));
        let ink = if sort.is_some() { t.strong } else { t.sub };
        let has_menu = self.table.heads.is_some();
        let marked = has_menu && (hot || self.is_filtered(column));
        let numbered = if rank.is_some() { 9.0 } else { 0.0 };
        let beside = numbered + if sort.is_some() || hot { 16.0 } else { 0.0 } + if marked { MARK - 6.0 } else { 0.0 };
        let room = (rect.width() - 2.0 * PAD - beside).max(12.0);
        let galley = paint::one_line(ui.painter(), &head.name, fonts::medium(size::SMALL), ink, room);
        if head.about.is_empty() {
            paint::tooltip_if_elided(response, &galley, &head.name);
        } else if response.hovered() {
            response.show_tooltip_text(&head.about);
        }
        let y = rect.center().y;
        let arrow = sort.map(|(_, sort)| if sort.descending { Icon::SortDown } else { Icon::SortUp });
        let arrow = arrow.or(hot.then_some(Icon::Sort));
        let arrow_x = if head.numeric {
            paint::galley_right(ui.painter(), rect.right() - PAD, y, galley).left() - 9.0
        } else {
            paint::galley_left(ui.painter(), rect.left() + PAD, y, galley).right() + 9.0
        };
        if let Some(arrow) = arrow {
            paint::icon(ui.painter(), pos2(arrow_x, y), arrow, 12.0, ink);
        }
        if let Some(rank) = rank {
            let way = if head.numeric { -1.0 } else { 1.0 };
            let at = pos2(arrow_x + way * 10.0, y);
            ui.painter().text(at, egui::Align2::CENTER_CENTER, rank, fonts::medium(size::CAPTION), t.accent);
        }
        if marked {
            let (icon, ink) = match (hot, self.is_filtered(column)) {
                (true, _) => (Icon::More, t.sub),
                (false, _) => (Icon::Filter, t.accent),
            };
            paint::icon(ui.painter(), mark(rect, head.numeric).center(), icon, 13.0, ink);
        }
    }

    /// The menu: by its mark, by a secondary click, and by Alt and the arrow down.
    fn menu(&mut self, ui: &Ui, rect: Rect, response: &egui::Response, column: usize, name: &str, sort: Option<Sort>) {
        let Some(head) = self.table.heads.and_then(|heads| heads.get(column)) else { return };
        let numeric = self.source.columns().get(column).is_some_and(|column| column.numeric);
        // Not a stop of Tab: the heading is one.
        let opener = ui.interact(mark(rect, numeric), self.id.with(("menu", column)), Sense::CLICK);
        let popup = Popup::default_response_id(&opener);
        let key = response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::ALT, Key::ArrowDown));
        let asked = self.memory.open_menu.take_if(|asked| *asked == column).is_some();
        let by_key = key || asked;
        if response.secondary_clicked() || by_key {
            Popup::open_id(ui.ctx(), popup);
        }
        let last = self.source.columns().len();
        let place = self.memory.shown.iter().position(|(other, _)| *other == column).unwrap_or(column);
        let mut chosen = None;
        Popup::menu(&opener).width(196.0).accessible_name(format!("Column {name}")).show(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut first = true;
            let mut offer = |ui: &mut Ui, icon: Icon, label: &str, on: bool, action: HeadAction| {
                let row = ui.add(Row::new(label).icon(icon).selected(on));
                if std::mem::take(&mut first) && by_key {
                    row.request_focus();
                }
                if row.clicked() {
                    chosen = Some(action);
                    ui.close();
                }
            };
            let sorted = |descending| sort.is_some_and(|sort| sort.descending == descending);
            if head.can_sort {
                offer(ui, Icon::SortUp, "Sort ascending", sorted(false), HeadAction::Sort(Some(false)));
                offer(ui, Icon::SortDown, "Sort descending", sorted(true), HeadAction::Sort(Some(true)));
                // Beside what sorts the rows now.
                if self.table.sort.is_some_and(|first| first.column != column) {
                    offer(ui, Icon::SortUp, "Then by this ascending", false, HeadAction::Then(Some(false)));
                    offer(ui, Icon::SortDown, "Then by this descending", false, HeadAction::Then(Some(true)));
                }
                if sort.is_some() {
                    offer(ui, Icon::Sort, "Do not sort", false, HeadAction::Then(None));
                }
            }
            offer(ui, Icon::Filter, "Filter…", head.filtered, HeadAction::Filter);
            if head.standing != Standing::Fixed {
                let pinned = head.standing == Standing::Pinned;
                let (label, icon) = if pinned { ("Unpin", Icon::Unpin) } else { ("Pin first", Icon::Pin) };
                offer(ui, icon, label, false, HeadAction::Pin(!pinned));
                if place > 0 {
                    offer(ui, Icon::Back, "Move left", false, HeadAction::MoveTo(place - 1));
                }
                if place + 1 < last {
                    offer(ui, Icon::Forward, "Move right", false, HeadAction::MoveTo(place + 2));
                }
                offer(ui, Icon::Hide, "Hide", false, HeadAction::Hide);
            }
            offer(ui, Icon::Undo, "Reset columns", false, HeadAction::Reset);
        });
        if let Some(action) = chosen {
            self.output.head = Some((column, action));
            // Whoever works by keys goes on where the menu was opened.
            ui.memory_mut(|memory| memory.request_focus(self.id));
        }
    }

    /// A heading is dragged to another place.
    fn drag(&mut self, ui: &Ui, response: &egui::Response, column: usize) {
        if !(response.dragged() || response.drag_stopped()) {
            return;
        }
        let Some(at) = ui.input(|input| input.pointer.interact_pos()) else { return };
        // Of the frame before: those behind this one have not been drawn yet.
        let heads = &self.memory.heads_before;
        let to = heads.iter().position(|(_, x)| at.x < x.center()).unwrap_or(heads.len());
        if response.drag_stopped() {
            let from = heads.iter().position(|(other, _)| *other == column);
            let place = heads.get(to).map_or(self.source.columns().len(), |(other, _)| *other);
            if from.is_some_and(|from| to != from && to != from + 1) {
                self.output.head = Some((column, HeadAction::MoveTo(place)));
            }
            return;
        }
        ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
        let Some(x) = heads.get(to).map(|(_, x)| x.min).or(heads.last().map(|(_, x)| x.max)) else { return };
        let t = Tokens::of(ui);
        let over = ui.ctx().layer_painter(egui::LayerId::new(Order::Foreground, self.id.with("drop")));
        over.vline(x, response.rect.y_range(), Stroke::new(2.0, t.accent));
    }

    /// The end of a heading is dragged to make its column wider; a double click gives it its own width again.
    ///
    /// Handles of the underlying table would be stops of Tab without a name, one for each column.
    fn resize(&mut self, ui: &Ui, column: usize, heading: Rect) {
        let at = heading.with_min_x(heading.right() - HANDLE);
        let handle = ui.interact(at, self.id.with(("resize", column)), Sense::CLICK | Sense::DRAG);
        if handle.hovered() || handle.dragged() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeColumn);
            let line = Stroke::new(2.0, Tokens::of(ui).accent);
            ui.painter().vline(heading.right() - 1.0, heading.y_range(), line);
        }
        let width = if handle.double_clicked() {
            None
        } else if handle.dragged() {
            Some((heading.width() + handle.drag_delta().x).clamp(NARROWEST, WIDEST))
        } else {
            return;
        };
        if self.table.heads.is_some() {
            self.output.head = Some((column, HeadAction::Width(width)));
        } else {
            self.memory.layout.drag(column, width);
        }
    }
}

/// Where the mark of the menu is: opposite of where the name stands.
fn mark(rect: Rect, numeric: bool) -> Rect {
    let x = if numeric { rect.left() + 2.0 + MARK / 2.0 } else { rect.right() - HANDLE - 1.0 - MARK / 2.0 };
    Rect::from_center_size(pos2(x, rect.center().y), vec2(MARK, rect.height() - 8.0))
}

fn paint_back(ui: &Ui, rect: Rect, first: bool, last: bool, hot: bool) {
    let t = Tokens::of(ui);
    let corner = |yes: bool| if yes { RADIUS_CARD - 1 } else { 0 };
    let radius = CornerRadius { nw: corner(first), ne: corner(last), sw: 0, se: 0 };
    ui.painter().rect_filled(rect, radius, if hot { t.line } else { t.hover });
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line));
    if !last {
        let inset = rect.y_range().shrink(9.0);
        ui.painter().vline(rect.right() - 0.5, inset, Stroke::new(1.0, t.line_strong.gamma_multiply(0.6)));
    }
}
