//! Charts: painted with the tokens, exact values on hover, and a sentence that says the same.
//!
//! Each chart is a struct with `show` and `summary`; the summary is the chart's accessible label
//! and may be shown beside it. A view offers the same numbers as a table.

mod axes;
mod bars;
mod beeswarm;
mod dependence;
mod dots;
mod figure;
mod heat;
mod histogram;
mod latency;
mod lines;
mod picture;
mod span;
mod stage;
mod svg;
mod waterfall;

pub use axes::{Scale, ticks};
pub use bars::{Bar, Bars};
pub use beeswarm::{Beeswarm, Swarm};
pub use dependence::{ColoredBy, Dependence, DependencePoint};
pub use figure::{Figure, PictureFormat, Wish};
pub use heat::Heat;
pub use histogram::Histogram;
pub use latency::{Latency, Percentile};
pub use lines::{Lines, Series};
pub use picture::{NoPicture, Picture, draw};
pub use waterfall::{Contribution, Waterfall};

use egui::{Color32, Painter, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::tokens::Tokens;

/// The colour of the n-th series.
pub fn series_color(ui: &Ui, n: usize) -> Color32 {
    let series = Tokens::of(ui).series;
    series[n % series.len()]
}

/// A surface of the full width to paint on, named by the chart's summary.
fn surface(ui: &mut Ui, height: f32, summary: &str) -> (Rect, Response, Painter) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
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
