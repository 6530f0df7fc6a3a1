//! How long the calls of a test took.

use desk_app::outcome::{Latency, Percentile};
use desk_uikit::plot::{self, Figure};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{format, kv};
use egui::Ui;

use crate::cx::Cx;

/// The chart with its table; nothing where too few calls were timed.
pub fn chart(ui: &mut Ui, cx: &Cx<'_>, latency: &Latency) {
    let (curve, told) = (shown(&latency.curve), shown(&latency.percentiles));
    let chart = || plot::Latency::new(&curve, &told);
    let caption = calls(latency);
    let figure = Figure::new("Latency").caption(&caption).summary(format!("{}.", chart().summary()));
    let paint = |ui: &mut Ui| {
        chart().show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(&latency.percentiles)));
}

/// A line among the facts of the run.
pub fn fact(kv: &mut kv::Kv<'_>, latency: Option<&Latency>) {
    match latency {
        Some(latency) => kv.text("Calls", &calls(latency)),
        None => {
            kv.text("Calls", "Fewer than 20 of one size: too few to tell latencies. One row in one call times each")
        }
    };
}

/// `568 calls of 1 row, 2 at once`.
fn calls(latency: &Latency) -> String {
    let calls = format::plural(latency.calls, "call", "calls");
    let rows = format::plural(latency.rows_per_call, "row", "rows");
    let at_once = match latency.at_once {
        0 | 1 => String::new(),
        n => format!(", {n} side by side"),
    };
    let left_out = match latency.left_out {
        0 => String::new(),
        n => format!("; {} to warm up or of other sizes left out", format::plural(n, "call", "calls")),
    };
    format!("{calls} of {rows}{at_once}{left_out}")
}

fn shown(percentiles: &[Percentile]) -> Vec<plot::Percentile> {
    let one = |p: &Percentile| plot::Percentile { percent: p.percent, ms: p.ms, interval: [p.low_ms, p.high_ms] };
    percentiles.iter().map(one).collect()
}

fn table(percentiles: &[Percentile]) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = ["Percentile", "Milliseconds", "Low, 95 %", "High, 95 %"].map(Column::number);
    let cell = |ms: Option<f64>| ms.map_or_else(Cell::missing, |ms| Cell::shown_as(ms, format::number(ms)));
    let row = |p: &Percentile| {
        let percent = Cell::shown_as(p.percent, format::number(p.percent));
        vec![percent, cell(Some(p.ms)), cell(p.low_ms), cell(p.high_ms)]
    };
    (columns.into(), percentiles.iter().map(row).collect())
}
