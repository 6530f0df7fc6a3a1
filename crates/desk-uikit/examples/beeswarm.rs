//! What a chart of so many dots costs: `cargo run --release --example beeswarm -- 100000`; one JSON line each.
//!
//! Frames are drawn and tessellated as in the window, without a display: at rest with the pointer over the dots, and
//! while somebody zooms, when all of them are painted anew.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_uikit::plot::{Beeswarm, Dependence, DependencePoint, Swarm};
use egui::{Context, Event, Pos2, RawInput, Rect, Ui, pos2, vec2};

const SIZE: egui::Vec2 = vec2(1200.0, 700.0);
/// Frames of each movement.
const FRAMES: usize = 120;
const FEATURES: usize = 10;

fn main() {
    let wanted: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    for points in if wanted.is_empty() { vec![1_000, 100_000] } else { wanted } {
        let swarms: Vec<Swarm> = (0..FEATURES).map(|feature| swarm(feature, points / FEATURES)).collect();
        measure("beeswarm", points, &mut |ui| drop(Beeswarm::new("probability of yes", &swarms).show(ui)));
        let dots: Vec<DependencePoint> = (0..points).map(dot).collect();
        measure("dependence", points, &mut |ui| drop(Dependence::new("tenure", "score", &dots).show(ui)));
    }
}

/// A number between 0 and 1 that looks like chance and is the same each time.
fn noise(i: usize) -> f64 {
    let value = (i as f64 * 12.989_8).sin() * 43_758.545_3;
    value - value.floor()
}

fn swarm(feature: usize, rows: usize) -> Swarm {
    let at = |row: usize| noise(row * FEATURES + feature);
    // Bell-shaped, as contributions are.
    let amount = |row: usize| (at(row) + at(row + rows) + at(row + 2 * rows) - 1.5) / (1.0 + feature as f64);
    Swarm {
        name: format!("feature {feature}"),
        amounts: (0..rows).map(amount).collect(),
        levels: (0..rows).map(|row| Some(at(row) as f32)).collect(),
        values: (0..rows).map(|row| format!("{:.3}", at(row))).collect(),
    }
}

fn dot(i: usize) -> DependencePoint {
    let x = noise(i) * 72.0;
    DependencePoint { x, y: x / 72.0 - 0.5 + 0.3 * (noise(i + 7) - 0.5), level: Some(noise(i + 31) as f32) }
}

fn measure(chart: &str, points: usize, paint: &mut dyn FnMut(&mut Ui)) {
    let ctx = Context::default();
    desk_uikit::install(&ctx);
    let middle = SIZE.to_pos2() / 2.0;
    // Fonts are read with the first frames.
    for _ in 0..3 {
        frame(&ctx, paint, middle, None);
    }
    let around = |i: usize| middle + vec2((i % 40) as f32 * 6.0 - 120.0, (i % 17) as f32 * 5.0);
    let still: Vec<f64> = (0..FRAMES).map(|i| frame(&ctx, paint, around(i), None)).collect();
    let zooming: Vec<f64> = (0..FRAMES)
        .map(|i| frame(&ctx, paint, middle, Some(if i / 20 % 2 == 0 { 1.04 } else { 1.0 / 1.04 })))
        .collect();
    for (movement, mut times) in [("pointer", still), ("zoom", zooming)] {
        times.sort_by(f64::total_cmp);
        let p95 = times.get(times.len() * 95 / 100).copied().unwrap_or_default();
        let worst = times.last().copied().unwrap_or_default();
        println!(
            r#"{{"chart":"{chart}","points":{points},"movement":"{movement}","frame_p95_ms":{:.2},"frame_worst_ms":{:.2}}}"#,
            p95 * 1e3,
            worst * 1e3
        );
    }
}

/// Seconds that one frame takes, up to the triangles.
fn frame(ctx: &Context, paint: &mut dyn FnMut(&mut Ui), pointer: Pos2, zoom: Option<f32>) -> f64 {
    let mut events = vec![Event::PointerMoved(pos2(pointer.x, pointer.y.min(200.0)))];
    events.extend(zoom.map(Event::Zoom));
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SIZE));
    let input = RawInput { screen_rect, events, ..RawInput::default() };
    let start = Instant::now();
    let mut output = ctx.run_ui(input, &mut *paint);
    let triangles = ctx.tessellate(output.shapes, output.pixels_per_point);
    let seconds = start.elapsed().as_secs_f64();
    drop(triangles);
    // Nobody paints them here.
    output.textures_delta.clear();
    seconds
}
