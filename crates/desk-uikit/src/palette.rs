//! The command palette: type a few letters of anything, press Enter.

use egui::{Align2, Area, Context, Frame, Id, Key, Margin, Modifiers, Order, ScrollArea, Stroke, TextEdit, Ui, vec2};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::fonts;
use crate::icon::Icon;
use crate::tokens::{RADIUS_CARD, Tokens};
use crate::{Row, text};

/// One thing that can be chosen.
#[derive(Debug, Clone)]
pub struct Entry<A> {
    /// What choosing it means to the caller.
    pub action: A,
    /// The icon in front.
    pub icon: Icon,
    /// What it is called; this is what is searched first.
    pub title: String,
    /// Where it is or what kind of thing it is; searched too.
    pub detail: String,
    /// Its shortcut, shown at the end.
    pub shortcut: String,
}

/// The palette's state while it is open.
#[derive(Debug, Default)]
pub struct Palette {
    query: String,
    cursor: usize,
    fresh: bool,
    /// What was found, for which query and how many entries.
    found: Vec<usize>,
    found_for: Option<(String, usize)>,
}

/// What became of the palette this frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<A> {
    /// Still open.
    Open,
    /// Closed without a choice.
    Closed,
    /// Something was chosen.
    Chosen(A),
}

const WIDTH: f32 = 580.0;
/// What stays free below the list.
const MARGIN: f32 = 24.0;

impl Palette {
    /// A palette that has just been opened.
    pub fn open() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    /// A palette over which somebody has typed already, in the frame that opened it.
    pub fn open_with(typed: String) -> Self {
        Self { query: typed, ..Self::open() }
    }

    /// Shows the palette over the window.
    pub fn show<A: Clone>(&mut self, ctx: &Context, entries: &[Entry<A>]) -> Outcome<A> {
        let t = Tokens::of_ctx(ctx);
        let style = ctx.global_style();
        let frame = Frame::new()
            .fill(t.raised)
            .stroke(Stroke::new(1.0, t.line_strong))
            .shadow(style.visuals.window_shadow)
            .corner_radius(RADIUS_CARD + 2)
            .inner_margin(Margin::same(8));
        let id = Id::unique("command-palette");
        let area = Area::new(id)
            .kind(egui::UiKind::Modal)
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, 72.0))
            .accessible_name("Command palette")
            .role(egui::Role::Dialog);
        let width = WIDTH.min(ctx.content_rect().width() - 48.0);
        // Taken before the text input sees them, so that it does not move its own cursor.
        let (up, down, enter) = ctx.input_mut(|i| {
            (
                i.count_and_consume_key(Modifiers::NONE, Key::ArrowUp),
                i.count_and_consume_key(Modifiers::NONE, Key::ArrowDown),
                i.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        let modal = egui::Modal::new(id).area(area).frame(frame).backdrop_color(t.shadow.gamma_multiply(0.4));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(width);
            let fresh = self.fresh;
            self.input(ui, width);
            let key = (self.query.clone(), entries.len());
            if self.found_for.as_ref() != Some(&key) {
                self.found = search(entries, &self.query);
                self.found_for = Some(key);
            }
            self.cursor = self.cursor.min(self.found.len().saturating_sub(1));
            // Several presses may come in one frame.
            for (times, by_one) in [(up, move_up as fn(usize, usize) -> usize), (down, move_down)] {
                self.cursor = (0..times).fold(self.cursor, |cursor, _| by_one(cursor, self.found.len()));
            }
            ui.separator();
            let clicked = self.list(ui, entries, up + down > 0, fresh);
            let index = if enter { self.found.get(self.cursor).copied() } else { clicked };
            index.map(|i| entries[i].action.clone())
        });
        match (shown.inner.clone(), shown.should_close()) {
            (Some(action), _) => Outcome::Chosen(action),
            (None, true) => Outcome::Closed,
            (None, false) => Outcome::Open,
        }
    }

    fn input(&mut self, ui: &mut Ui, width: f32) {
        let t = Tokens::of(ui);
        ui.spacing_mut().interact_size.y = 32.0;
        ui.horizontal(|ui| {
            ui.add_space(6.0);
            ui.label(Icon::Search.rich(15.0, t.sub));
            let edit = TextEdit::singleline(&mut self.query)
                .frame(Frame::NONE)
                .background_color(egui::Color32::TRANSPARENT)
                .hint_text(egui::RichText::new("Type a command, a model or a target").color(t.sub))
                .font(fonts::regular(15.0))
                .align(egui::Align2::LEFT_CENTER)
                .min_size(vec2(0.0, 32.0))
                .desired_width(width - 48.0);
            let response = ui.add(edit).accessible_name("Search commands");
            if self.fresh {
                response.request_focus();
                self.fresh = false;
            }
            if response.changed() {
                self.cursor = 0;
            }
        });
    }

    fn list<A>(&self, ui: &mut Ui, entries: &[Entry<A>], moved: bool, fresh: bool) -> Option<usize> {
        let mut clicked = None;
        let found = &self.found;
        if found.is_empty() {
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                ui.add_space(8.0);
                text::sub(ui, format!("Nothing matches “{}”", self.query));
            });
            ui.add_space(8.0);
            return None;
        }
        let height = (ui.ctx().content_rect().bottom() - ui.cursor().top() - MARGIN).clamp(80.0, 380.0);
        let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
        // One that is opened again begins at the top.
        let area = if fresh { area.vertical_scroll_offset(0.0) } else { area };
        area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            // Room for the scroll bar.
            ui.set_max_width(ui.available_width() - 10.0);
            for (rank, &i) in found.iter().enumerate() {
                let entry = &entries[i];
                let here = rank == self.cursor;
                let row = Row::new(&entry.title)
                    .icon(entry.icon)
                    .detail(&entry.detail)
                    .trailing(&entry.shortcut)
                    .selected(here);
                let response = ui.add(row);
                if here && moved {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    clicked = Some(i);
                }
            }
        });
        clicked
    }
}

fn move_up(cursor: usize, len: usize) -> usize {
    cursor.checked_sub(1).unwrap_or(len.saturating_sub(1))
}

fn move_down(cursor: usize, len: usize) -> usize {
    if cursor + 1 < len { cursor + 1 } else { 0 }
}

/// Indices of the entries that match, best first; all in their order for an empty query.
pub fn search<A>(entries: &[Entry<A>], query: &str) -> Vec<usize> {
    if query.trim().is_empty() {
        return (0..entries.len()).collect();
    }
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
    let mut found: Vec<(u32, usize)> = entries
        .iter()
        .enumerate()
        .filter_map(|(i, entry)| {
            // A match in the title counts for more than one across title and detail.
            let title = score(&entry.title).map(|points| points * 2);
            let both = score(&format!("{} {}", entry.title, entry.detail));
            Some((title.max(both)?, i))
        })
        .collect();
    found.sort_by_key(|(points, i)| (std::cmp::Reverse(*points), *i));
    found.into_iter().map(|(_, i)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry<usize>> {
        ["Import model…", "Go to models", "Switch theme", "churn-gbt", "Open churn-gbt v2"]
            .iter()
            .enumerate()
            .map(|(i, title)| Entry {
                action: i,
                icon: Icon::Command,
                title: (*title).to_owned(),
                detail: if i == 3 { "model".to_owned() } else { String::new() },
                shortcut: String::new(),
            })
            .collect()
    }

    #[test]
    fn finds_by_scattered_letters_best_first() {
        let list = entries();
        assert_eq!(search(&list, "").len(), 5);
        assert_eq!(search(&list, "impmod").first(), Some(&0));
        assert_eq!(search(&list, "churn").first(), Some(&3));
        assert_eq!(search(&list, "churn v2").first(), Some(&4));
        assert!(search(&list, "zzz").is_empty());
    }

    #[test]
    fn the_cursor_goes_round() {
        assert_eq!(move_up(0, 3), 2);
        assert_eq!(move_down(2, 3), 0);
        assert_eq!((move_up(2, 3), move_down(0, 3)), (1, 1));
        assert_eq!((move_up(0, 0), move_down(0, 0)), (0, 0));
    }
}
