//! Cards: a raised surface with an optional heading and actions at its right end.

use egui::{Align, Frame, Id, Layout, Margin, Stroke, Ui, UiBuilder};

use crate::fonts;
use crate::text;
use crate::tokens::{RADIUS_CARD, Tokens, card_padding};

/// A raised surface.
#[must_use]
#[derive(Default)]
pub struct Card<'a> {
    title: Option<&'a str>,
    caption: Option<&'a str>,
    width: Option<f32>,
    min_height: f32,
}

/// The gap between cards in a grid.
pub const GAP: f32 = 12.0;
/// Between a caption and the actions.
const AIR: f32 = 12.0;

impl<'a> Card<'a> {
    /// A card without a heading.
    pub fn new() -> Self {
        Self::default()
    }

    /// A card with a heading.
    pub fn titled(title: &'a str) -> Self {
        Self { title: Some(title), ..Self::default() }
    }

    /// A quiet line after the heading.
    pub fn caption(mut self, caption: &'a str) -> Self {
        self.caption = Some(caption);
        self
    }

    /// The outer width; without it, all that is available.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// The least outer height. Cards in one row of a [`grid`] end together without it.
    pub fn min_height(mut self, height: f32) -> Self {
        self.min_height = height;
        self
    }

    /// Shows the card.
    pub fn show<R>(self, ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
        self.show_with_actions(ui, |_| {}, add)
    }

    /// Shows the card with actions in the heading's line, laid out from the right.
    pub fn show_with_actions<R>(self, ui: &mut Ui, actions: impl FnOnce(&mut Ui), add: impl FnOnce(&mut Ui) -> R) -> R {
        let t = Tokens::of(ui);
        let width = self.width.unwrap_or_else(|| ui.available_width());
        let padding = card_padding(ui);
        let inner = width - 2.0 * padding - 2.0;
        let frame = Frame::new()
            .fill(t.raised)
            .stroke(Stroke::new(1.0, t.line))
            .corner_radius(RADIUS_CARD)
            .inner_margin(Margin::same(padding as i8));
        let around = 2.0 * padding + 2.0;
        // What is inside this card stands in no row of its own.
        let row = CardRow::take(ui);
        let least = row.map_or(0.0, |row| row.least).max(self.min_height);
        let shown = frame
            .show(ui, |ui| {
                ui.set_width(inner.max(0.0));
                ui.set_min_height((least - around).max(0.0));
                ui.vertical(|ui| {
                    let mut beside = true;
                    if let Some(title) = self.title {
                        ui.horizontal(|ui| {
                            text::section(ui, title);
                            beside = head(ui, self.caption.unwrap_or_default(), actions);
                        });
                        if let Some(caption) = self.caption.filter(|_| !beside) {
                            text::caption_wrapped(ui, caption);
                        }
                        ui.add_space(4.0);
                    }
                    add(ui)
                })
            })
            .inner;
        if let Some(row) = row {
            let own = (shown.response.rect.height() + around).max(self.min_height);
            CardRow { tallest: row.tallest.max(own), ..row }.put(ui);
        }
        shown.inner
    }
}

/// The rest of a heading's line: actions at the right end, the caption between where it fits; true when it does.
fn head(ui: &mut Ui, caption: &str, actions: impl FnOnce(&mut Ui)) -> bool {
    let line = ui.available_rect_before_wrap();
    let mut right = ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::right_to_left(Align::Center)));
    actions(&mut right);
    let taken = right.min_rect();
    let font = fonts::regular(fonts::size::SMALL);
    let wide = ui.painter().layout_no_wrap(caption.to_owned(), font, egui::Color32::PLACEHOLDER).size().x;
    let fits = caption.is_empty() || line.left() + wide + AIR <= taken.left();
    if fits && !caption.is_empty() {
        text::caption(ui, caption);
    }
    ui.advance_cursor_after_rect(taken);
    fits
}

/// The row of cards that is being drawn: they end together.
#[derive(Debug, Clone, Copy, Default)]
struct CardRow {
    /// How high each of them is at least: as the tallest was before.
    least: f32,
    /// How high the tallest has to be.
    tallest: f32,
}

impl CardRow {
    fn id() -> Id {
        Id::unique("row-of-cards")
    }

    fn take(ui: &Ui) -> Option<Self> {
        ui.data_mut(|data| data.remove_temp(Self::id()))
    }

    fn put(self, ui: &Ui) {
        ui.data_mut(|data| data.insert_temp(Self::id(), self));
    }

    /// Draws a row, whose cards end together.
    fn show(ui: &mut Ui, key: Id, add: impl FnOnce(&mut Ui)) {
        let before: Option<f32> = ui.data(|data| data.get_temp(key));
        Self { least: before.unwrap_or(0.0), tallest: 0.0 }.put(ui);
        ui.horizontal_top(add);
        let Some(Self { tallest, .. }) = Self::take(ui) else { return };
        if before.is_some_and(|before| (before - tallest).abs() < 0.5) {
            return;
        }
        ui.data_mut(|data| data.insert_temp(key, tallest));
        if before.is_none() {
            ui.ctx().request_discard("the cards of a row end together");
        } else {
            ui.ctx().request_repaint();
        }
    }
}

/// Shows `count` things of equal width side by side, as many in a row as `min_width` allows. Cards of a row end
/// together.
pub fn grid(ui: &mut Ui, count: usize, min_width: f32, mut add: impl FnMut(&mut Ui, usize, f32)) {
    let available = ui.available_width();
    let per_row = (((available + GAP) / (min_width + GAP)).floor() as usize).clamp(1, count.max(1));
    // An even last row looks intended: 4 things are 4, or 2 and 2, never 3 and 1.
    let rows = count.div_ceil(per_row).max(1);
    let per_row = count.div_ceil(rows).max(1);
    let width = (available - GAP * (per_row as f32 - 1.0)) / per_row as f32;
    // Cards around this grid are in a row of their own.
    let outer = CardRow::take(ui);
    for start in (0..count).step_by(per_row) {
        let key = ui.next_auto_id().with((start, per_row));
        CardRow::show(ui, key, |ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for i in start..count.min(start + per_row) {
                add(ui, i, width.floor());
            }
        });
        ui.add_space(GAP - ui.spacing().item_spacing.y);
    }
    if let Some(outer) = outer {
        outer.put(ui);
    }
}
