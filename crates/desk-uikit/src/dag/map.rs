//! The whole graph as a small picture in the corner of the canvas: what is in sight, and a way to another part.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egui::{
    Color32, ColorImage, EventFilter, Id, Key, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle,
    TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::Layout;
use super::canvas::Dots;
use super::faces::{self, Face, Sort};
use crate::tokens::Tokens;

/// Room that the picture has at most.
const MOST: Vec2 = vec2(168.0, 132.0);
/// A graph that is much higher than wide, or wider than high, is drawn at least this wide and high.
const LEAST: f32 = 28.0;
/// Free space around the picture, and between it and the corner.
const PAD: f32 = 6.0;
const AWAY: f32 = 12.0;
/// What is in sight is marked at least this large.
const LEAST_SEEN: f32 = 5.0;
/// Found nodes that are marked.
const MARKED: usize = 400;
/// Sorts that have a colour of their own.
const SORTS: [Sort; 5] = [Sort::End, Sort::Plain, Sort::Weights, Sort::Shape, Sort::Bend];

/// The graph in as many dots as the small picture has: made once, off the frame.
#[derive(Debug, Default)]
pub(super) struct Coarse {
    /// Another number for each graph.
    serial: u64,
    width: usize,
    height: usize,
    /// For each dot 0, or one more than the sort of a node that lies there.
    dots: Vec<u8>,
}

impl Coarse {
    pub fn new(layout: &Layout, faces: &[Face]) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let size = layout.size.max(Vec2::splat(1.0));
        let room = (size * (MOST / size).min_elem()).max(Vec2::splat(LEAST));
        let (width, height) = (room.x.ceil() as usize, room.y.ceil() as usize);
        let mut dots = vec![0; width * height];
        let scale = vec2(width as f32, height as f32) / size;
        for (node, face) in (0u32..).zip(faces) {
            let Some(rect) = layout.node(node) else { continue };
            let sort = 1 + face.sort as u8;
            let first = |at: f32, scale: f32, end: usize| ((at * scale) as usize).min(end - 1);
            let last = |at: f32, scale: f32, first: usize, end: usize| ((at * scale) as usize).clamp(first + 1, end);
            let (left, top) = (first(rect.left(), scale.x, width), first(rect.top(), scale.y, height));
            let (right, bottom) = (last(rect.right(), scale.x, left, width), last(rect.bottom(), scale.y, top, height));
            for row in top..bottom {
                dots[row * width + left..row * width + right].fill(sort);
            }
        }
        Self { serial: SERIAL.fetch_add(1, Ordering::Relaxed), width, height, dots }
    }

    fn image(&self, inks: &[Color32; SORTS.len()]) -> ColorImage {
        let ink = |dot: &u8| match dot {
            0 => Color32::TRANSPARENT,
            sort => inks.get(usize::from(*sort) - 1).copied().unwrap_or_default(),
        };
        ColorImage::new([self.width, self.height], self.dots.iter().map(ink).collect())
    }
}

/// A picture that the graphics card has, and of what it is.
type Held = Arc<(u64, [Color32; SORTS.len()], TextureHandle)>;

/// Shows the picture, unless all is in sight; gives the point of the graph that shall be in the middle.
pub(super) fn show(
    ui: &Ui,
    layout: &Layout,
    coarse: &Coarse,
    canvas: Rect,
    seen: Rect,
    dots: &Dots<'_>,
    id: Id,
) -> Option<Pos2> {
    let whole = Rect::from_min_size(Pos2::ZERO, layout.size.max(Vec2::splat(1.0)));
    let size = vec2(coarse.width as f32, coarse.height as f32);
    let frame = Rect::from_min_size(
        canvas.max - Vec2::splat(AWAY) - size - Vec2::splat(2.0 * PAD),
        size + Vec2::splat(2.0 * PAD),
    );
    if seen.contains_rect(whole) || !canvas.shrink(AWAY).contains_rect(frame) {
        return None;
    }
    let t = Tokens::of(ui);
    let map = frame.shrink(PAD);
    let response = ui.interact(frame, id.with("map"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Map of the graph"));
    let painter = ui.painter().with_clip_rect(canvas.shrink(1.0));
    painter.rect(frame, 6.0, t.panel, Stroke::new(1.0, t.line_strong), StrokeKind::Inside);
    let inks = SORTS.map(|sort| faces::far(t, sort));
    let id = id.with("map picture");
    let held = ui.data(|data| data.get_temp::<Held>(id)).filter(|held| held.0 == coarse.serial && held.1 == inks);
    let held = held.unwrap_or_else(|| {
        let texture = ui.ctx().load_texture("map of a graph", coarse.image(&inks), TextureOptions::NEAREST);
        let held = Arc::new((coarse.serial, inks, texture));
        ui.data_mut(|data| data.insert_temp(id, Arc::clone(&held)));
        held
    });
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(held.2.id(), map, uv, Color32::WHITE);
    let scale = map.size() / whole.size();
    let to_map = |point: Pos2| map.min + point.to_vec2() * scale;
    for node in dots.marked.iter().take(MARKED) {
        if let Some(rect) = layout.node(*node) {
            painter.circle_filled(to_map(rect.center()), 1.5, t.warn);
        }
    }
    if let Some(rect) = dots.selected.and_then(|node| layout.node(node)) {
        painter.circle_filled(to_map(rect.center()), 2.5, t.accent);
    }
    let shown = seen.intersect(whole);
    if shown.is_positive() {
        let mark = Rect::from_min_max(to_map(shown.min), to_map(shown.max));
        let mark = Rect::from_center_size(mark.center(), mark.size().max(Vec2::splat(LEAST_SEEN)));
        painter.rect(mark, 2.0, t.accent.gamma_multiply(0.12), Stroke::new(1.5, t.accent), StrokeKind::Outside);
    }
    crate::paint::focus_ring(ui, &response, frame, 6);
    let pointed = (response.clicked() || response.dragged()).then(|| response.interact_pointer_pos()).flatten();
    if let Some(pointer) = pointed {
        let within = pointer.clamp(map.min, map.max);
        return Some(((within - map.min) / scale).to_pos2());
    }
    response.has_focus().then(|| by_keys(ui, response.id, seen)).flatten()
}

/// Where the arrow keys lead: half of what is in sight further.
fn by_keys(ui: &Ui, id: Id, seen: Rect) -> Option<Pos2> {
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let ways = [
        (Key::ArrowDown, vec2(0.0, 0.5)),
        (Key::ArrowUp, vec2(0.0, -0.5)),
        (Key::ArrowLeft, vec2(-0.5, 0.0)),
        (Key::ArrowRight, vec2(0.5, 0.0)),
    ];
    let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
    let way = ways.into_iter().find(|(key, _)| pressed(*key))?.1;
    Some(seen.center() + way * seen.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coarse(nodes: u32, edges: &[(u32, u32)]) -> Coarse {
        let faces: Vec<Face> = (0..nodes).map(|_| Face { title: "Add".into(), ..Face::default() }).collect();
        let sizes: Vec<Vec2> = faces.iter().map(Face::size).collect();
        let layout = super::super::layout(&sizes, edges, &|_| false).expect("not ended");
        Coarse::new(&layout, &faces)
    }

    #[test]
    fn the_picture_is_small_however_large_the_graph_is() {
        let chain: Vec<(u32, u32)> = (1..50_000).map(|i| (i - 1, i)).collect();
        let found = coarse(50_000, &chain);
        assert_eq!((found.width, found.height), (28, 132), "a chain is a strip");
        assert!(found.dots.iter().all(|dot| *dot == 1 + Sort::Plain as u8), "without gaps");
        let side_by_side = coarse(3, &[]);
        assert_eq!((side_by_side.width, side_by_side.height), (168, 28));
        let filled = |x: usize| side_by_side.dots[14 * 168 + x] != 0;
        assert!(filled(10) && filled(84) && filled(160));
        let edges = (0..168).filter(|x| *x > 0 && filled(*x) != filled(x - 1)).count();
        assert_eq!(edges, 4, "three nodes with two gaps");
        let none = coarse(0, &[]);
        assert!(none.dots.iter().all(|dot| *dot == 0));
    }
}
