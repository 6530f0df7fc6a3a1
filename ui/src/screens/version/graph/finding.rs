//! What is looked for in all graphs of a model, and which of what was found is on show.

use desk_uikit::{Button, Icon, field::Field, format, text};
use egui::{Key, Modifiers, Ui};

use super::drawn::Drawn;
use super::whole::{Hit, Whole};
use crate::cx::Cx;

/// What is looked for.
#[derive(Default)]
pub struct Find {
    text: String,
    /// For which text and which model it was found.
    done: (String, u64),
    hits: Vec<Hit>,
    at: Option<usize>,
    /// Nodes of the graph on show, and of which answer and graph they are.
    marked: Vec<u32>,
    marked_of: (u64, Option<u32>),
    answer: u64,
}

impl Find {
    /// The field, the ways to what was found, and how much that is; gives what shall be shown now.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, whole: &Whole, generation: u64, level: u32) -> Option<Hit> {
        let input = Field::new("Find a node").width(260.0).show_filter(ui, &mut self.text, "Operator, name or value");
        if cx.find.take() {
            input.request_focus();
        }
        let wanted = (self.text.clone(), generation);
        if self.done != wanted {
            self.hits = whole.find(&self.text);
            self.at = None;
            self.answer += 1;
            self.done = wanted;
        }
        let enter = |modifiers| ui.input_mut(|input| input.consume_key(modifiers, Key::Enter));
        let typed = input.has_focus();
        let (back, on) = (typed && enter(Modifiers::SHIFT), typed && enter(Modifiers::NONE));
        let none = self.hits.is_empty().then_some("Nothing was found");
        let before = ui.add(Button::icon_only(Icon::Up, "Node before").disabled_if(none)).clicked() || back;
        let after = ui.add(Button::icon_only(Icon::Down, "Next node").disabled_if(none)).clicked() || on;
        let go = (before || after) && !self.hits.is_empty();
        if go {
            self.at = Some(self.next(before, level));
        }
        if !self.text.trim().is_empty() {
            let count = format::count(self.hits.len() as u64);
            let said = self
                .at
                .map_or_else(|| format!("{count} found"), |at| format!("{} of {count}", format::count(at as u64 + 1)));
            text::caption(ui, said);
        }
        self.at.filter(|_| go).and_then(|at| self.hits.get(at).copied())
    }

    /// The one after, or before, the one on show; the first ones are those of the graph on show.
    fn next(&self, before: bool, level: u32) -> usize {
        let count = self.hits.len();
        let first = self.hits.iter().position(|hit| hit.level == level).unwrap_or(0);
        match (self.at, before) {
            (None, false) => first,
            (None, true) => (first + count - 1) % count,
            (Some(at), false) => (at + 1) % count,
            (Some(at), true) => (at + count - 1) % count,
        }
    }

    /// Nodes of a drawn graph that were found.
    pub fn marked(&mut self, drawn: &Drawn, level: Option<u32>) -> &[u32] {
        let of = (self.answer, level);
        if self.marked_of != of {
            let here = self.hits.iter().filter(|hit| Some(hit.level) == level);
            self.marked = here.filter_map(|hit| drawn.node_of(hit.what)).collect();
            self.marked_of = of;
        }
        &self.marked
    }
}
