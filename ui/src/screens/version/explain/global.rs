//! All rows together: which features matter, and how their values push.

use desk_uikit::plot::{Bars, Beeswarm, Figure};
use desk_uikit::{Card, card, format, text};
use egui::Ui;

use super::export;
use super::result::{ExplainResult, SHOWN};
use crate::cx::Cx;

/// Shows importances and, for several rows, the beeswarm with the chosen one marked; a click on a dot chooses its row.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, row: &mut usize, output: usize) {
    let Some(all) = result.outputs.get(output) else { return };
    let rows = match result.answer.picked {
        // They are not like the others.
        Some(_) => format::plural(result.rows() as u64, "picked row", "picked rows"),
        None => format::plural(result.rows() as u64, "row", "rows"),
    };
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
            let error = if result.rows() > 1 { ", with its standard error over the rows" } else { "" };
            let more = if hidden > 0 { format!(". {hidden} smaller ones are in the table") } else { String::new() };
            let over = format!("over {rows}");
            let figure = Figure::new("Importance").caption(&over).width(width);
            let figure = figure.summary(format!("Mean size of a feature's contribution to the {unit}{error}{more}"));
            let paint = |ui: &mut Ui| {
                let bars = Bars::new("Mean |contribution|", bars);
                if count == 2 { bars.beside_beeswarm() } else { bars }.show(ui);
            };
            cx.wish(figure.show(ui, paint, || export::global_table(result, output)));
        } else {
            let number = result.answer.row_numbers.get(*row).copied().unwrap_or_default();
            let caption = format!("one dot a row, row {} marked", format::count(number));
            let figure = Figure::new("Every row").caption(&caption).width(width);
            let (marked, clicked) = (*row, std::cell::Cell::new(None));
            let paint = |ui: &mut Ui| {
                let swarm = Beeswarm::new(&unit, &all.swarms).numbers(&result.answer.row_numbers).marked(marked);
                let (response, under) = swarm.show(ui);
                clicked.set(under.filter(|_| response.clicked()));
            };
            cx.wish(figure.show(ui, paint, || export::swarm_table(result, output)));
            *row = clicked.get().unwrap_or(*row);
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
