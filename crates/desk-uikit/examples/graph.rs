//! What a graph of so many nodes costs: `cargo run --release --example graph -- 100000`; one JSON line each.
//!
//! A chain of blocks with branches, one node with all others side by side below it, and as many rows as columns. Frames are drawn and
//! tessellated as in the window, without a display: the fitted view, zooming in to where words are read, panning there.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_uikit::dag::{self, Dag, Face, Sort, View};
use egui::{Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, pos2, vec2};

const SIZE: egui::Vec2 = vec2(1200.0, 700.0);
/// Frames of each of the three movements.
const FRAMES: usize = 60;

fn main() {
    let wanted: Vec<u32> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    for nodes in if wanted.is_empty() { vec![1_000, 10_000, 100_000] } else { wanted } {
        measure("chain", nodes, &chain(nodes));
        measure("wide", nodes, &wide(nodes));
        measure("square", nodes, &square(nodes));
    }
}

fn chain(nodes: u32) -> Vec<(u32, u32)> {
    let block = |i: u32| [(i, i + 1), (i, i + 2), (i + 1, i + 3), (i + 2, i + 3), (i, i + 3)];
    (0..nodes.saturating_sub(3)).step_by(3).flat_map(block).collect()
}

fn wide(nodes: u32) -> Vec<(u32, u32)> {
    (1..nodes.saturating_sub(1)).flat_map(|i| [(0, i), (i, nodes - 1)]).collect()
}

/// As many rows as columns, each node led to by two of the row above.
fn square(nodes: u32) -> Vec<(u32, u32)> {
    let side = nodes.isqrt().max(2);
    let above = |i: u32| [(i - side, i), (i - side - i % side + (i + 1) % side, i)];
    (side..nodes).flat_map(above).collect()
}

fn face(i: u32) -> Face {
    let called = format!("/encoder/layer.{i}/attention/self/query/MatMul");
    Face {
        title: "MatMul".into(),
        lines: vec!["float32 [768, 768]".into()],
        called,
        sort: Sort::Weights,
        opens: i.is_multiple_of(9),
    }
}

fn measure(shape: &str, nodes: u32, edges: &[(u32, u32)]) {
    let start = Instant::now();
    let Some(dag) = Dag::new((0..nodes).map(face).collect(), edges, &|_| false) else { return };
    let layout = start.elapsed().as_secs_f64();
    let ctx = Context::default();
    desk_uikit::install(&ctx);
    let mut view = View::default();
    // Fonts are read with the first frames.
    for _ in 0..3 {
        frame(&ctx, &dag, &mut view, Vec::new());
    }
    let mut times = Vec::new();
    for _ in 0..FRAMES {
        times.push(frame(&ctx, &dag, &mut view, Vec::new()));
    }
    while view.zoom() < 0.999 && times.len() < 10 * FRAMES {
        times.push(frame(&ctx, &dag, &mut view, vec![Event::Zoom(1.1)]));
    }
    view.go(nodes / 2);
    for _ in 0..FRAMES {
        let delta = vec2(-40.0, -40.0);
        let (unit, source) = (MouseWheelUnit::Point, MouseWheelSource::Unknown);
        let wheel = Event::MouseWheel { unit, delta, phase: TouchPhase::Move, source, modifiers: Modifiers::NONE };
        times.push(frame(&ctx, &dag, &mut view, vec![wheel]));
    }
    times.sort_by(f64::total_cmp);
    let p95 = times.get(times.len() * 95 / 100).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    println!(
        r#"{{"shape":"{shape}","nodes":{nodes},"layout_seconds":{layout:.4},"frame_p95_ms":{:.2},"frame_worst_ms":{:.2}}}"#,
        p95 * 1e3,
        worst * 1e3
    );
}

/// Seconds that one frame takes, up to the triangles.
fn frame(ctx: &Context, dag: &Dag, view: &mut View, mut events: Vec<Event>) -> f64 {
    events.insert(0, Event::PointerMoved(pos2(SIZE.x / 2.0, SIZE.y / 2.0)));
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SIZE));
    let input = RawInput { screen_rect, events, ..RawInput::default() };
    let start = Instant::now();
    let mut output = ctx.run_ui(input, |ui| {
        dag::show(ui, dag, view, "Graph", &[], true);
    });
    let triangles = ctx.tessellate(output.shapes, output.pixels_per_point);
    let seconds = start.elapsed().as_secs_f64();
    drop(triangles);
    // Nobody paints them here.
    output.textures_delta.clear();
    seconds
}
