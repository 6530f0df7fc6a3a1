//! Charts: painted with the tokens, exact values on hover, and a sentence that says the same.
//!
//! Each chart is a struct with `show` and `summary`; the summary is the chart's accessible label
//! and may be shown beside it. A view offers the same numbers as a table.

mod axes;
mod bars;
mod beeswarm;
mod branches;
mod decision;
mod dependence;
mod dots;
mod figure;
mod force;
mod heat;
mod highlight;
mod histogram;
mod latency;
mod lines;
mod map;
mod overlay;
mod picture;
mod ramp;
mod raster;
mod span;
mod stage;
mod svg;
mod waterfall;

pub use axes::{Scale, ticks};
pub use bars::{Bar, Bars};
pub use beeswarm::{Beeswarm, Swarm};
pub use branches::{Branch, Branches};
pub use decision::{Decision, DecisionRow};
pub use dependence::{ColoredBy, Dependence, DependencePoint};
pub use figure::{Figure, PictureFormat, Wish};
pub use force::Force;
pub use heat::Heat;
pub use highlight::{Highlight, Mark};
pub use histogram::Histogram;
pub use latency::{Latency, Percentile};
pub use lines::{Lines, Series};
pub use map::Map;
pub use overlay::Overlay;
pub use picture::{NoPicture, Picture, draw};
pub use waterfall::{Contribution, Waterfall};

use egui::{Color32, Painter, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use crate::tokens::Tokens;

/// The colour of the n-th series.
pub fn series_color(ui: &Ui, n: usize) -> Color32 {
    let series = Tokens::of(ui).series;
    series[n % series.len()]
}

/// A surface of the full width to paint on, named by the chart's summary.
fn surface(ui: &mut Ui, height: f32, summary: &str) -> (Rect, Response, Painter) {
    surface_of(ui, vec2(ui.available_width(), height), summary)
}

/// A surface of a size of its own.
fn surface_of(ui: &mut Ui, size: Vec2, summary: &str) -> (Rect, Response, Painter) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary));
    let painter = ui.painter_at(rect.expand(1.0));
    (rect, response, painter)
}

/// Shows exact values beside the pointer.
fn hover(response: &Response, lines: &[String]) {
    let text = lines.join("\n");
    response.clone().on_hover_ui_at_pointer(|ui| {
        ui.label(text);
    });
}
