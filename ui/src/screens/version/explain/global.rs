//! All rows together: which features matter, and how their values push.

use desk_uikit::plot::{Bars, Beeswarm};
use desk_uikit::{Card, card, format, text};
use egui::Ui;

use super::result::{ExplainResult, SHOWN};

/// Shows importances and, for several rows, the beeswarm.
pub fn show(ui: &mut Ui, result: &ExplainResult, output: usize) {
    let Some(all) = result.outputs.get(output) else { return };
    let rows = format::plural(result.rows() as u64, "row", "rows");
    if result.rows() < 2 {
        Card::new().show(ui, |ui| {
            text::strong(ui, "One row says little about the model");
            text::sub(ui, "Explain several rows to see which features matter over all of them");
        });
        ui.add_space(8.0);
    }
    let unit = result.unit(output);
    let bars = &all.bars[..all.bars.len().min(SHOWN)];
    let hidden = all.bars.len() - bars.len();
    let count = if result.rows() < 2 { 1 } else { 2 };
    card::grid(ui, count, 420.0, |ui, i, width| {
        if i == 0 {
            Card::titled("Importance").caption(&format!("over {rows}")).width(width).show(ui, |ui| {
                let chart = Bars::new("Mean |contribution|", bars);
                chart.show(ui);
                let error = if result.rows() > 1 { ", with its standard error over the rows" } else { "" };
                let more = if hidden > 0 { format!(". {hidden} smaller ones are in the table") } else { String::new() };
                text::sub(ui, format!("Mean size of a feature's contribution to the {unit}{error}{more}"));
            });
        } else {
            Card::titled("Every row").caption("one dot a row").width(width).show(ui, |ui| {
                Beeswarm::new(&unit, &all.swarms).show(ui);
            });
        }
    });
    ui.add_space(2.0);
    text::body(ui, sentence(result, output));
}

/// The most important features in words.
pub fn sentence(result: &ExplainResult, output: usize) -> String {
    let Some(all) = result.outputs.get(output) else { return String::new() };
    let total: f64 = all.bars.iter().map(|bar| bar.value).sum();
    let top: Vec<&str> = all.bars.iter().take(3).filter(|bar| bar.value > 0.0).map(|bar| bar.name.as_str()).collect();
    if top.is_empty() || total <= 0.0 {
        return format!("No feature moves the {}", result.unit(output));
    }
    let share = all.bars.iter().take(3).map(|bar| bar.value).sum::<f64>() / total;
    format!("{} make up {} of all contributions to the {}", top.join(", "), format::percent(share), result.unit(output))
}
