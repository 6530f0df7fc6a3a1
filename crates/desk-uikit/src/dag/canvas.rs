//! A canvas over a laid out graph: pan, zoom, selection. Draws what is visible, coarser when far away.

use egui::emath::TSTransform;
use egui::{
    EventFilter, Id, Key, Mesh, Painter, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2,
};

use super::Layout;
use super::edges;
use super::faces::{self, Face};
use super::map::{self, Coarse};
use crate::tokens::{RADIUS_CARD, Tokens};

/// Nearest and furthest; far enough for the height of 100,000 nodes.
const ZOOM: std::ops::RangeInclusive<f32> = 0.000_2..=2.5;
/// What is fitted is not shown larger than this.
const FIT: f32 = 1.0;
/// Free space around what is fitted.
const MARGIN: f32 = 24.0;
/// From this scale on nodes have words, can be clicked one by one, and have names for screen readers.
const WORDS: f32 = 0.45;
/// Nodes nearer together than this on the screen are drawn as one.
const COARSE: f32 = 3.0;

/// A graph that is ready to be drawn.
#[derive(Debug, Default)]
pub struct Dag {
    layout: Layout,
    faces: Vec<Face>,
    below: Vec<Vec<u32>>,
    above: Vec<Vec<u32>>,
    coarse: Coarse,
}

impl Dag {
    /// Lays out nodes with edges as (from, to). Not for the frame: `told` is given the fraction that is done again and
    /// again; `None` when it answered true.
    pub fn new(faces: Vec<Face>, edges: &[(u32, u32)], told: &dyn Fn(f32) -> bool) -> Option<Self> {
        let sizes: Vec<Vec2> = faces.iter().map(Face::size).collect();
        let layout = super::layout(&sizes, edges, told)?;
        let (mut below, mut above) = (vec![Vec::new(); faces.len()], vec![Vec::new(); faces.len()]);
        for (from, to) in edges {
            below[*from as usize].push(*to);
            above[*to as usize].push(*from);
        }
        for list in below.iter_mut().chain(&mut above) {
            list.sort_unstable();
            list.dedup();
        }
        let coarse = Coarse::new(&layout, &faces);
        Some(Self { layout, faces, below, above, coarse })
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// There is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// Nodes that a node leads to, and those that lead to it.
    pub fn neighbours(&self, node: u32) -> (&[u32], &[u32]) {
        let node = node as usize;
        let below = self.below.get(node).map_or(&[][..], Vec::as_slice);
        (below, self.above.get(node).map_or(&[][..], Vec::as_slice))
    }

    /// The node that a key leads to: along an edge, or beside it in its row.
    fn step(&self, node: u32, key: Key) -> Option<u32> {
        let (below, above) = self.neighbours(node);
        let here = self.layout.node(node)?.center();
        let nearest = |list: &[u32]| {
            let off = |node: &u32| self.layout.node(*node).map_or(f32::MAX, |rect| (rect.center().x - here.x).abs());
            list.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)))
        };
        match key {
            Key::ArrowDown => nearest(below),
            Key::ArrowUp => nearest(above),
            Key::ArrowLeft | Key::ArrowRight => {
                let at = *self.layout.places.get(node as usize)?;
                let row = self.layout.rows_between(here.y, here.y).next()?;
                let items = self.layout.rows.get(row)?.items.clone();
                let node = |item: u32| self.layout.items.get(item as usize).filter(|item| !item.bend).map(|i| i.node);
                if key == Key::ArrowLeft {
                    (items.start..at).rev().find_map(node)
                } else {
                    (at + 1..items.end).find_map(node)
                }
            }
            _ => None,
        }
    }
}

/// What a canvas remembers between frames.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The node that is selected.
    pub selected: Option<u32>,
    /// From the graph to the canvas; none until something was fitted.
    camera: Option<TSTransform>,
    /// Bring this node into sight with the next frame.
    show: Option<u32>,
}

impl View {
    /// Shows all with the next frame.
    pub fn fit(&mut self) {
        self.camera = None;
    }

    /// Selects a node and brings it into sight.
    pub fn go(&mut self, node: u32) {
        self.selected = Some(node);
        self.show = Some(node);
    }

    /// The scale, 1 for the real size.
    pub fn zoom(&self) -> f32 {
        self.camera.map_or(FIT, |camera| camera.scaling)
    }

    fn zoom_at(&mut self, rect: Rect, point: Pos2, factor: f32) {
        let Some(camera) = &mut self.camera else { return };
        let scaling = (camera.scaling * factor).clamp(*ZOOM.start(), *ZOOM.end());
        let fixed = camera.inverse() * (point - rect.min.to_vec2());
        camera.scaling = scaling;
        camera.translation = (point - rect.min) - fixed.to_vec2() * scaling;
    }
}

/// What a canvas showed.
pub struct Shown {
    /// The canvas.
    pub response: egui::Response,
    /// A node with graphs within it that was opened: by a double click, or by Enter.
    pub opened: Option<u32>,
}

/// Shows the graph over all the space there is; `marked` are nodes that were found, in their order; `map` shows a
/// small picture of all of it where not all is in sight.
pub fn show(ui: &mut Ui, dag: &Dag, view: &mut View, name: &str, marked: &[u32], map: bool) -> Shown {
    let t = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let painter = ui.painter().with_clip_rect(rect.shrink(1.0));
    ui.painter().rect(rect, f32::from(RADIUS_CARD), t.bg, Stroke::new(1.0, t.line), StrokeKind::Inside);
    response.widget_info(|| WidgetInfo::labeled(Role::GraphicsDocument, true, name));
    let camera = *view.camera.get_or_insert_with(|| fitted(dag, rect));
    if let Some(node) = view.show.take() {
        view.camera = Some(centred(dag, camera, rect, node));
    }
    moved(ui, dag, view, rect, &response);
    let mut camera = view.camera.unwrap_or(camera);
    camera.translation += rect.min.to_vec2();
    let seen = camera.inverse() * rect;
    edges::paint(&painter, t, &dag.layout, &camera, seen, view.selected);
    let mut opened = nodes(ui, &painter, dag, view, &camera, seen, marked, response.id);
    crate::paint::focus_ring(ui, &response, rect, RADIUS_CARD);
    if map {
        let dots = Dots { selected: view.selected, marked };
        if let Some(middle) = map::show(ui, &dag.layout, &dag.coarse, rect, seen, &dots, response.id) {
            view.camera = Some(TSTransform::new(rect.size() / 2.0 - middle.to_vec2() * camera.scaling, camera.scaling));
            ui.ctx().request_repaint();
        }
    }
    // Enter on what has the focus counts as a click too; it opens what is selected.
    if response.clicked_by(egui::PointerButton::Primary) {
        response.request_focus();
        let point = response.interact_pointer_pos().map(|pointer| camera.inverse() * pointer);
        view.selected = point.and_then(|point| dag.layout.at(point));
    }
    if response.has_focus() && ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::Enter)) {
        opened = opened.or(view.selected);
    }
    let opened = opened.filter(|node| dag.faces.get(*node as usize).is_some_and(|face| face.opens));
    Shown { response, opened }
}

/// Nodes that are seen on the map too.
pub(super) struct Dots<'m> {
    pub selected: Option<u32>,
    pub marked: &'m [u32],
}

/// All of it in sight, or its upper end where it would be too small to read.
fn fitted(dag: &Dag, rect: Rect) -> TSTransform {
    let space = rect.size() - Vec2::splat(2.0 * MARGIN);
    let size = dag.layout.size.max(Vec2::splat(1.0));
    let scaling = (space / size).min_elem().clamp(*ZOOM.start(), FIT);
    let left = (rect.width() - size.x * scaling) / 2.0;
    let top = ((rect.height() - size.y * scaling) / 2.0).max(MARGIN);
    TSTransform::new(vec2(left, top), scaling)
}

/// The same near enough to read, with a node in the middle unless it is in sight.
fn centred(dag: &Dag, camera: TSTransform, rect: Rect, node: u32) -> TSTransform {
    let Some(at) = dag.layout.node(node) else { return camera };
    let scaling = if camera.scaling < WORDS { FIT } else { camera.scaling };
    let inside = Rect::from_min_size(Pos2::ZERO, rect.size()).shrink(MARGIN);
    if scaling == camera.scaling && inside.contains_rect(camera * at) {
        return camera;
    }
    TSTransform::new(rect.size() / 2.0 - at.center().to_vec2() * scaling, scaling)
}

/// What pointer and keys do to the view.
fn moved(ui: &Ui, dag: &Dag, view: &mut View, rect: Rect, response: &egui::Response) {
    if response.dragged()
        && let Some(camera) = &mut view.camera
    {
        camera.translation += response.drag_delta();
    }
    if ui.rect_contains_pointer(rect)
        && let Some(pointer) = ui.input(|input| input.pointer.hover_pos())
    {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
        if zoom != 1.0 {
            view.zoom_at(rect, pointer, zoom);
        } else if let Some(camera) = &mut view.camera {
            camera.translation += scroll;
        }
    }
    if response.double_clicked() {
        view.zoom_at(rect, response.interact_pointer_pos().unwrap_or(rect.center()), 2.0);
    }
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    for key in [Key::ArrowDown, Key::ArrowUp, Key::ArrowLeft, Key::ArrowRight] {
        if ui.input(|input| input.modifiers.is_none() && input.key_pressed(key)) {
            let next = view.selected.map_or((!dag.is_empty()).then_some(0), |node| dag.step(node, key));
            if let Some(next) = next {
                view.go(next);
                ui.ctx().request_repaint();
            }
        }
    }
    let centre = rect.center();
    for (key, factor) in [(Key::Plus, 1.25), (Key::Equals, 1.25), (Key::Minus, 0.8)] {
        if ui.input(|input| input.modifiers.is_none() && input.key_pressed(key)) {
            view.zoom_at(rect, centre, factor);
        }
    }
    if ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::Home)) {
        view.fit();
        ui.ctx().request_repaint();
    }
}

/// The nodes in sight; those that lie closer than the eye can part are one.
#[expect(clippy::too_many_arguments, reason = "what one frame of one canvas has")]
fn nodes(
    ui: &Ui,
    painter: &Painter,
    dag: &Dag,
    view: &mut View,
    camera: &TSTransform,
    seen: Rect,
    marked: &[u32],
    id: Id,
) -> Option<u32> {
    let mut opened = None;
    let t = Tokens::of(ui);
    let pitch = COARSE / camera.scaling;
    let words = camera.scaling >= WORDS;
    let rows = dag.layout.rows_between(seen.top(), seen.bottom());
    let mut next_row = f32::NEG_INFINITY;
    // Tens of thousands may be in sight.
    let mut dots = Mesh::default();
    for row in &dag.layout.rows[rows] {
        if row.bottom < next_row {
            continue;
        }
        next_row = row.top + pitch;
        let items = &dag.layout.items[row.items.start as usize..row.items.end as usize];
        let mut at = items.partition_point(|item| item.rect.right() < seen.left());
        while let Some(item) = items.get(at).filter(|item| item.rect.left() <= seen.right()) {
            at += 1;
            if item.bend {
                continue;
            }
            let face = &dag.faces[item.node as usize];
            let place = *camera * item.rect;
            let selected = view.selected == Some(item.node);
            let found = marked.binary_search(&item.node).is_ok();
            match faces::dot(t, face, place, selected) {
                Some((rect, ink)) => dots.add_colored_rect(rect, ink),
                None => faces::paint(painter, t, face, place, camera.scaling, selected, found),
            }
            if words {
                let node = ui.interact(place.intersect(painter.clip_rect()), id.with(item.node), Sense::CLICK);
                node.widget_info(|| WidgetInfo::selected(Role::GraphicsObject, true, selected, face.name()));
                if node.double_clicked() {
                    opened = Some(item.node);
                }
                if node.clicked() {
                    view.selected = Some(item.node);
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
            } else {
                let end = item.rect.left() + pitch;
                at += items[at..].partition_point(|item| item.rect.right() < end);
            }
        }
    }
    painter.add(dots);
    // What was looked for is seen from far too.
    if !words {
        for node in marked.iter().take(2_000).chain(&view.selected) {
            if let Some(rect) = dag.layout.node(*node).filter(|rect| seen.intersects(*rect)) {
                let ink = if view.selected == Some(*node) { t.accent } else { t.warn };
                painter.circle_filled(*camera * rect.center(), 3.5, ink);
            }
        }
    }
    opened
}
