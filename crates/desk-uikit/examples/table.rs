//! What a table of so many rows costs: `cargo run --release --example table -- 1000000`; one JSON line each.
//!
//! Forty columns as rows of data have them, with the menus, marks and pinned columns of the real one. Frames are drawn
//! and tessellated as in the window, without a display: still, scrolled down by the wheel, and at far places.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_uikit::table::{Cell, Column, Head, Sort, Standing, Table, TableSource};
use desk_uikit::{Icon, Tone};
use egui::{Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, pos2, vec2};

const SIZE: egui::Vec2 = vec2(1600.0, 900.0);
const COLUMNS: usize = 40;
/// Frames of each of the movements.
const FRAMES: usize = 120;

fn main() {
    let wanted: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    for rows in if wanted.is_empty() { vec![1_000, 1_000_000] } else { wanted } {
        measure(rows);
    }
}

/// Rows that are worked out when they are asked for, as texts that are parsed again: as pages of a file are.
struct Made {
    rows: usize,
    columns: Vec<Column>,
}

impl TableSource for Made {
    fn row_count(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        match column {
            0 => Cell::shown_as(row as f64 + 1.0, desk_uikit::format::count(row as u64 + 1)),
            1 if row.is_multiple_of(7) => {
                Cell { icon: Some(Icon::Warn), tone: Some(Tone::Warn), ..Cell::text("malignant") }
            }
            1 => Cell::text("benign"),
            _ if (row + column).is_multiple_of(29) => Cell::missing(),
            _ => {
                let text = ((row * 7919 + column * 104_729) % 1_000_003).to_string();
                match text.parse() {
                    Ok(number) => Cell::shown_as(number, text),
                    Err(_) => Cell::text(text),
                }
            }
        }
    }
}

fn measure(rows: usize) {
    let name = |i: usize| if i == 0 { "Row".to_owned() } else { format!("feature_{i}") };
    let columns = (0..COLUMNS).map(|i| if i == 1 { Column::text("label").narrow() } else { Column::number(name(i)) });
    let made = Made { rows, columns: columns.collect() };
    let heads: Vec<Head> = (0..COLUMNS)
        .map(|i| Head { can_sort: true, filtered: i == 5, standing: Standing::default(), width: None })
        .collect();
    let ctx = Context::default();
    desk_uikit::install(&ctx);
    // Fonts are read with the first frames.
    for _ in 0..3 {
        frame(&ctx, &made, &heads, Vec::new());
    }
    let mut times = Vec::new();
    for _ in 0..FRAMES {
        times.push(frame(&ctx, &made, &heads, Vec::new()));
    }
    for step in [120.0, 24.0 * rows as f32 / FRAMES as f32] {
        for _ in 0..FRAMES {
            times.push(frame(&ctx, &made, &heads, vec![wheel(-step)]));
        }
    }
    times.sort_by(f64::total_cmp);
    let p95 = times.get(times.len() * 95 / 100).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    println!(
        r#"{{"rows":{rows},"columns":{COLUMNS},"frame_p95_ms":{:.2},"frame_worst_ms":{:.2}}}"#,
        p95 * 1e3,
        worst * 1e3
    );
}

fn wheel(down: f32) -> Event {
    let (unit, source) = (MouseWheelUnit::Point, MouseWheelSource::Unknown);
    let delta = vec2(0.0, down);
    Event::MouseWheel { unit, delta, phase: TouchPhase::Move, source, modifiers: Modifiers::NONE }
}

/// Seconds that one frame takes, up to the triangles.
fn frame(ctx: &Context, made: &Made, heads: &[Head], mut events: Vec<Event>) -> f64 {
    events.insert(0, Event::PointerMoved(pos2(SIZE.x / 2.0, SIZE.y / 2.0)));
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SIZE));
    let input = RawInput { screen_rect, events, ..RawInput::default() };
    let start = Instant::now();
    let mut output = ctx.run_ui(input, |ui| {
        let sort = Some(Sort { column: 3, descending: true });
        Table::data("rows", "Rows").sorted(sort).heads(heads, 2).show(ui, made);
    });
    let triangles = ctx.tessellate(output.shapes, output.pixels_per_point);
    let seconds = start.elapsed().as_secs_f64();
    drop(triangles);
    // Nobody paints them here.
    output.textures_delta.clear();
    seconds
}
