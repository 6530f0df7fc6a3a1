//! The Graph tab: the model's operators and how they are connected, to look at and to search; graphs within nodes
//! and functions are opened in the same place.

mod crumbs;
mod drawn;
mod finding;
mod inspector;
mod values;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use desk_app::query::VersionView;
use desk_core::{Cancel, Fault, GraphPath, ModelFamily, VersionRef};
use desk_uikit::dag::{self, View};
use desk_uikit::progress::{self, Work};
use desk_uikit::{Button, Card, EmptyState, Icon, Loadable, error_view, format, text};
use egui::{Align, Key, Layout, Ui};

use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::kept::Kept;
use drawn::{Drawn, What};
use finding::Find;
use inspector::Asked;
use values::Values;
use whole::Whole;

/// Graphs whose pictures are kept for the way back.
const KEPT: usize = 16;

/// What the tab remembers.
pub struct Graph {
    version: Option<VersionRef>,
    whole: Slot<VersionRef, Arc<Whole>>,
    levels: HashMap<GraphPath, Level>,
    work: Reading,
    find: Find,
    values: Values,
    /// What shall be selected in a graph that is not drawn yet.
    goal: Option<(GraphPath, What)>,
    map: Kept<MapChoice>,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            version: None,
            whole: Slot::default(),
            levels: HashMap::new(),
            work: Reading::default(),
            find: Find::default(),
            values: Values::default(),
            goal: None,
            map: Kept::new("window/graph-map"),
        }
    }
}

/// Whether the small map is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
struct MapChoice {
    hidden: bool,
}

/// One graph of the model and how it is looked at.
#[derive(Default)]
struct Level {
    drawn: Slot<(), Drawn>,
    view: View,
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

impl Graph {
    /// Draws the tab into all the space there is.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, version: &VersionRef, view: Option<&VersionView>) {
        if self.version.as_ref() != Some(version) {
            // What is being read for another version is of no use any more.
            self.work.cancel.cancel();
            let map = std::mem::replace(&mut self.map, Kept::new(""));
            *self = Self { version: Some(version.clone()), map, ..Self::default() };
        }
        self.map.poll(cx.background, false);
        let path = cx.route.graph();
        self.fetch(cx, version, &path);
        let failed = match self.levels.get(&path) {
            Some(Level { drawn: Slot { value: Loadable::Failed { error, .. }, .. }, .. }) => Some(error),
            _ => match &self.whole.value {
                Loadable::Failed { error, .. } => Some(error),
                _ => None,
            },
        };
        if let Some(error) = failed {
            if self.work.cancel.is_cancelled() {
                let empty = EmptyState::new(Icon::Graph, "The graph was not drawn").body("It was cancelled");
                if empty.primary(Icon::Retry, "Draw the graph").show(ui).is_some() {
                    self.again(&path);
                }
            } else if error_view(ui, error, Some("Try again")) {
                self.again(&path);
            }
            return;
        }
        let drawn = self.levels.get(&path).is_some_and(|level| level.drawn.value.value().is_some());
        if !drawn {
            self.work.show(ui);
            return;
        }
        self.work.since = None;
        self.drawn(ui, cx, view, &path);
    }

    /// Asks for the model's graphs, and for the picture of the one on show.
    fn fetch(&mut self, cx: &Cx<'_>, version: &VersionRef, path: &GraphPath) {
        let (cancel, asked) = (self.work.cancel.clone(), version.clone());
        let whole = self.whole.ensure(cx.background, version.clone(), Topic::Fixed, move |desk| {
            Ok(Arc::new(Whole::new(desk.graph(&asked, &cancel)?)))
        });
        let Some(whole) = whole.value().cloned() else { return };
        if !self.levels.contains_key(path) {
            if self.levels.len() >= KEPT {
                self.levels.retain(|other, _| other.is_main());
            }
            self.levels.insert(path.clone(), Level::default());
        }
        let Some(level) = self.levels.get_mut(path) else { return };
        let (cancel, layout, path) = (self.work.cancel.clone(), Arc::clone(&self.work.layout), path.clone());
        level.drawn.ensure(cx.background, (), Topic::Fixed, move |_| {
            let Some(graph) = whole.graph.at(&path) else {
                return Err(Fault::input("this model has no such graph").hint("Open the Graph tab of the version"));
            };
            let nodes = graph.nodes.len() as u64;
            layout.nodes.store(nodes, Ordering::SeqCst);
            let told = |done: f32| layout.done.store((f64::from(done) * nodes as f64) as u64, Ordering::SeqCst);
            Drawn::new(whole, path, &cancel, &told).ok_or_else(|| Fault::from(desk_core::cancel::Cancelled))
        });
    }

    fn drawn(&mut self, ui: &mut Ui, cx: &Cx<'_>, version: Option<&VersionView>, path: &GraphPath) {
        let Self { whole, levels, find, goal, map, .. } = self;
        let generation = whole.generation;
        let (Some(whole), Some(level)) = (whole.value.value(), levels.get_mut(path)) else { return };
        let Some(drawn) = level.drawn.value.value() else { return };
        if let Some((_, what)) = goal.take_if(|(graph, _)| graph == path)
            && let Some(node) = drawn.node_of(what)
        {
            level.view.go(node);
        }
        let here = whole.level(path);
        let mut asked = None;
        ui.horizontal(|ui| {
            if let Some(hit) = find.show(ui, cx, whole, generation, here.unwrap_or(0)) {
                asked = whole.levels.get(hit.level as usize).map(|graph| {
                    // A function is shown where it is called when that is where the window is.
                    (if Some(hit.level) == here { path.clone() } else { graph.clone() }, Some(hit.what))
                });
            }
            tools(ui, whole, &mut level.view, map);
        });
        ui.add_space(4.0);
        if whole.levels.len() > 1
            && let Some(crumb) = crumbs::show(ui, whole, path)
        {
            asked = Some((crumb.graph, crumb.node.map(|node| What::Operator(node as usize))));
        }
        about(ui, version, whole);
        if drawn.dag.is_empty() {
            EmptyState::new(Icon::Graph, "This graph is empty").body("It has no operators, inputs or outputs").show(ui);
        } else {
            let name = label(drawn, &level.view);
            let marked = find.marked(drawn, here);
            let shown = dag::show(ui, &drawn.dag, &mut level.view, &name, marked, !map.get().hidden);
            if let Some(door) = shown.opened.and_then(|node| drawn.doors(node).into_iter().next()) {
                asked = Some((path.and(door.step), None));
            }
        }
        let free = ui.memory(egui::Memory::focused).is_none_or(|id| !typed(ui, id));
        let back = free && ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::Backspace));
        if back && let Some(crumb) = crumbs::above(whole, path) {
            asked = Some((crumb.graph, crumb.node.map(|node| What::Operator(node as usize))));
        }
        if let Some((graph, what)) = asked {
            self.go(cx, path, graph, what);
        }
    }

    /// Shows another graph, or something in it.
    fn go(&mut self, cx: &Cx<'_>, here: &GraphPath, graph: GraphPath, what: Option<What>) {
        self.goal = what.map(|what| (graph.clone(), what));
        if graph != *here {
            cx.go(cx.route.with_graph(graph));
        }
    }

    fn again(&mut self, path: &GraphPath) {
        self.work = Reading::default();
        if matches!(self.whole.value, Loadable::Failed { .. }) {
            self.whole.again();
        }
        if let Some(level) = self.levels.get_mut(path) {
            level.drawn.again();
        }
    }

    /// Draws the selected node; false when there is none.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>, version: &VersionRef) -> bool {
        let path = cx.route.graph();
        let level = self.levels.get_mut(&path).filter(|_| self.version.as_ref() == Some(version));
        let Some(Level { drawn, view }) = level else { return false };
        let (Some(drawn), Some(node)) = (drawn.value.value(), view.selected) else { return false };
        match inspector::show(ui, cx, drawn, node, &mut self.values) {
            Some(Asked::Node(next)) => view.go(next),
            Some(Asked::Open(step)) => self.go(cx, &path, path.and(step), None),
            Some(Asked::Values(place)) => self.values.read(cx, version, place),
            None => {}
        }
        true
    }
}

/// Something where keys write text has the focus.
fn typed(ui: &Ui, id: egui::Id) -> bool {
    egui::text_edit::TextEditState::load(ui.ctx(), id).is_some()
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
            _ => Work { stage: "Laying out", done, total: Some(nodes), unit: "nodes", elapsed_secs, ..Work::default() },
        };
        Card::new().show(ui, |ui| {
            if progress::work(ui, &work, true) {
                self.cancel.cancel();
            }
        });
    }
}

/// At the right of the line above the canvas: how large the model is, the scale, fit, the map.
fn tools(ui: &mut Ui, whole: &Whole, view: &mut View, map: &mut Kept<MapChoice>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if ui.add(Button::secondary("Fit").icon(Icon::Fit).tooltip("Show all of it (Home)")).clicked() {
            view.fit();
        }
        let hidden = map.get().hidden;
        let name = if hidden { "Show the map" } else { "Hide the map" };
        let toggle = Button::icon_only(Icon::Map, name).selected(!hidden);
        let tooltip = "A small picture of the whole graph, where not all of it is in sight";
        if ui.add(toggle.tooltip(tooltip)).clicked() {
            map.change(|map| map.hidden = !hidden);
        }
        let zoom = f64::from(view.zoom());
        text::caption(ui, if zoom < 0.01 { "< 1 %".to_owned() } else { format::percent(zoom) });
        let nodes = format::plural(whole.operators as u64, "operator", "operators");
        let weights = format::plural(whole.tensors as u64, "tensor", "tensors");
        let all = format!("{nodes}, {weights} of weights");
        // What was found comes first where there is not room for both.
        if let Some(size) = [all, nodes].into_iter().find(|text| room(ui, text)) {
            text::caption(ui, size);
        }
    });
}

/// A caption of this text has room in the line.
fn room(ui: &Ui, text: &str) -> bool {
    let font = desk_uikit::fonts::regular(desk_uikit::fonts::size::CAPTION);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER);
    galley.size().x + 2.0 * ui.spacing().item_spacing.x <= ui.available_width()
}

/// What the picture does not show of some families, in plain words.
fn about(ui: &mut Ui, view: Option<&VersionView>, whole: &Whole) {
    if whole.has_trees || view.is_some_and(|view| view.description.family == ModelFamily::TreeEnsemble) {
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
