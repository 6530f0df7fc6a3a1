//! The Graph tab: the model's operators and how they are connected, to look at and to search.

mod drawn;
mod inspector;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use desk_app::query::VersionView;
use desk_core::{Cancel, Fault, ModelFamily, VersionRef};
use desk_uikit::dag::{self, View};
use desk_uikit::field::Field;
use desk_uikit::progress::{self, Work};
use desk_uikit::{Button, Card, EmptyState, Icon, Loadable, error_view, format, text};
use egui::{Align, Key, Layout, Modifiers, Ui};

use crate::background::{Slot, Topic};
use crate::cx::Cx;
use drawn::Drawn;

/// What the tab remembers.
#[derive(Default)]
pub struct Graph {
    version: Option<VersionRef>,
    drawn: Slot<VersionRef, Drawn>,
    work: Reading,
    view: View,
    find: Find,
}

/// A graph that is being read and laid out.
#[derive(Default)]
struct Reading {
    cancel: Cancel,
    layout: Arc<Layouting>,
    since: Option<Instant>,
}

/// How far a layout is.
#[derive(Default)]
struct Layouting {
    /// Nodes, once they are known; the layout is under way then.
    nodes: AtomicU64,
    /// As many of them as what is done is worth.
    done: AtomicU64,
}

/// What is looked for.
#[derive(Default)]
struct Find {
    text: String,
    /// For which text and which graph it was found.
    done: (String, u64),
    found: Vec<u32>,
    at: Option<usize>,
}

impl Graph {
    /// Draws the tab into all the space there is.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, version: &VersionRef, view: Option<&VersionView>) {
        if self.version.as_ref() != Some(version) {
            // What is being read for another version is of no use any more.
            self.work.cancel.cancel();
            *self = Self { version: Some(version.clone()), ..Self::default() };
        }
        let (cancel, layout, asked) = (self.work.cancel.clone(), Arc::clone(&self.work.layout), version.clone());
        self.drawn.ensure(cx.background, version.clone(), Topic::Fixed, move |desk| {
            let graph = desk.graph(&asked, &cancel)?;
            let nodes = graph.node_count() as u64;
            layout.nodes.store(nodes, Ordering::SeqCst);
            let told = |done: f32| layout.done.store((f64::from(done) * nodes as f64) as u64, Ordering::SeqCst);
            Drawn::new(graph, &cancel, &told).ok_or_else(|| Fault::from(desk_core::cancel::Cancelled))
        });
        match &self.drawn.value {
            Loadable::Ready(drawn) if drawn.dag.is_empty() => {
                EmptyState::new(Icon::Graph, "This graph is empty")
                    .body("The file has no operators, inputs or outputs")
                    .show(ui);
            }
            Loadable::Ready(drawn) => {
                bar(ui, cx, drawn, self.drawn.generation, &mut self.find, &mut self.view);
                about(ui, view, drawn);
                let name = label(drawn, &self.view);
                dag::show(ui, &drawn.dag, &mut self.view, &name, &self.find.found);
            }
            Loadable::Failed { .. } if self.work.cancel.is_cancelled() => {
                let empty = EmptyState::new(Icon::Graph, "The graph was not drawn").body("It was cancelled");
                if empty.primary(Icon::Retry, "Draw the graph").show(ui).is_some() {
                    self.again();
                }
            }
            Loadable::Failed { error, .. } => {
                if error_view(ui, error, Some("Try again")) {
                    self.again();
                }
            }
            Loadable::Idle | Loadable::Loading { .. } => self.work.show(ui),
        }
    }

    fn again(&mut self) {
        self.work = Reading::default();
        self.drawn.again();
    }

    /// Draws the selected node; false when there is none.
    pub fn inspector(&mut self, ui: &mut Ui, version: &VersionRef) -> bool {
        let Some(drawn) = self.drawn.value.value().filter(|_| self.version.as_ref() == Some(version)) else {
            return false;
        };
        let Some(node) = self.view.selected else { return false };
        if let Some(next) = inspector::show(ui, drawn, node) {
            self.view.go(next);
        }
        true
    }
}

impl Reading {
    /// What is going on, after a moment, with a way to end it.
    fn show(&mut self, ui: &mut Ui) {
        let since = *self.since.get_or_insert_with(Instant::now);
        ui.ctx().request_repaint_after_secs(0.2);
        if since.elapsed().as_millis() < 200 {
            return;
        }
        let nodes = self.layout.nodes.load(Ordering::SeqCst);
        let done = self.layout.done.load(Ordering::SeqCst);
        let elapsed_secs = since.elapsed().as_secs_f64();
        let work = match nodes {
            0 => Work { stage: "Reading the graph; weights are left where they are", elapsed_secs, ..Work::default() },
            _ => {
                Work { stage: "Laying out", done, total: Some(nodes), unit: "nodes", elapsed_secs, cancel_keeps: None }
            }
        };
        Card::new().show(ui, |ui| {
            if progress::work(ui, &work, true) {
                self.cancel.cancel();
            }
        });
    }
}

/// The line above the canvas: find, jump, fit.
fn bar(ui: &mut Ui, cx: &Cx<'_>, drawn: &Drawn, generation: u64, find: &mut Find, view: &mut View) {
    ui.horizontal(|ui| {
        let input = Field::new("Find a node").width(260.0).show_filter(ui, &mut find.text, "Operator, name or value");
        if cx.find.take() {
            input.request_focus();
        }
        let done = (find.text.clone(), generation);
        if find.done != done {
            find.found = drawn.find(&find.text);
            find.at = None;
            find.done = done;
        }
        let enter = |modifiers| ui.input_mut(|input| input.consume_key(modifiers, Key::Enter));
        let typed = input.has_focus() || input.lost_focus();
        let (back, on) = (typed && enter(Modifiers::SHIFT), typed && enter(Modifiers::NONE));
        let none = find.found.is_empty().then_some("Nothing was found");
        let before = ui.add(Button::icon_only(Icon::Up, "Node before").disabled_if(none)).clicked() || back;
        let after = ui.add(Button::icon_only(Icon::Down, "Next node").disabled_if(none)).clicked() || on;
        if (before || after) && !find.found.is_empty() {
            let count = find.found.len();
            let at = match (find.at, before) {
                (None, false) => 0,
                (None, true) => count - 1,
                (Some(at), false) => (at + 1) % count,
                (Some(at), true) => (at + count - 1) % count,
            };
            find.at = Some(at);
            view.go(find.found[at]);
            if on || back {
                input.request_focus();
            }
        }
        if !find.text.trim().is_empty() {
            let count = format::count(find.found.len() as u64);
            let said = find
                .at
                .map_or_else(|| format!("{count} found"), |at| format!("{} of {count}", format::count(at as u64 + 1)));
            text::caption(ui, said);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Button::secondary("Fit").icon(Icon::Fit).tooltip("Show all of it (Home)")).clicked() {
                view.fit();
            }
            text::caption(ui, format::percent(f64::from(view.zoom())));
            let nodes = format::plural(drawn.operators as u64, "operator", "operators");
            let weights = format::plural(drawn.graph.tensors.len() as u64, "tensor", "tensors");
            text::caption(ui, format!("{nodes}, {weights} of weights"));
        });
    });
    ui.add_space(4.0);
}

/// What the picture does not show of some families, in plain words.
fn about(ui: &mut Ui, view: Option<&VersionView>, drawn: &Drawn) {
    if drawn.has_trees || view.is_some_and(|view| view.description.family == ModelFamily::TreeEnsemble) {
        let words = "All trees of an ensemble are settings of one operator: their splits and leaves are no nodes here";
        text::sub(ui, words);
        ui.add_space(4.0);
    }
}

/// The canvas for screen readers: what it is, and what is selected.
fn label(drawn: &Drawn, view: &View) -> String {
    let nodes = format::plural(drawn.dag.len() as u64, "node", "nodes");
    match view.selected {
        Some(node) => format!("Graph, {nodes}; selected: {}", drawn.name(node)),
        None => format!("Graph, {nodes}; arrow keys go along edges"),
    }
}
