//! All rows together: which features matter, and how their values push.

use desk_uikit::plot::{Bars, Figure};
use desk_uikit::{Card, card, format, text};
use egui::Ui;

use super::across;
use super::every::{self, Every};
use super::export;
use super::picture::{self, Look};
use super::result::{ExplainResult, SHOWN};
use crate::cx::Cx;

/// Shows importances and, for several rows, every row with the chosen one marked; a press on another chooses it.
pub fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (every, row): (Every, &mut usize),
    (output, look): (usize, &mut Look),
) {
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
    if result.answer.text.is_some() {
        across::show(ui, cx, result, output);
        return;
    }
    if result.answer.segments.is_some() {
        segments(ui, cx, result, output, look);
        return;
    }
    if result.pictures.is_some() {
        picture::look(ui, look);
    }
    let unit = result.unit(output);
    let bars = &all.bars[..all.bars.len().min(SHOWN)];
    let hidden = all.bars.len() - bars.len();
    let count = if result.rows() < 2 { 1 } else { 2 };
    card::grid(ui, count, 420.0, |ui, i, width| {
        if let (0, Some(pictures)) = (i, &result.pictures) {
            picture::all(ui, cx, (result, pictures), output, (*look, width));
        } else if i == 0 {
            let error = if result.rows() > 1 { ", with its standard error over the rows" } else { "" };
            let more = if hidden > 0 { format!(". {hidden} smaller ones are in the table") } else { String::new() };
            let over = format!("over {rows}");
            let figure = Figure::new("Importance").caption(&over).source(result.source()).width(width);
            let figure = figure.summary(format!("Mean size of a feature's contribution to the {unit}{error}{more}"));
            let paint = |ui: &mut Ui| {
                let bars = Bars::new("Mean |contribution|", bars);
                if count == 2 && every == Every::Beeswarm { bars.beside_beeswarm() } else { bars }.show(ui);
            };
            cx.wish(figure.show(ui, paint, || export::global_table(result, output)));
        } else {
            every::show(ui, cx, result, (every, row), (output, width));
        }
    });
    ui.add_space(2.0);
    text::body(ui, sentence(result, output));
}

/// Pictures that were cut into segments have no part in common: it is told what can be seen all the same.
fn segments(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize, look: &mut Look) {
    let told = "Each picture has segments of its own, so no feature can be followed over all rows. Open a row to see what its \
                segments do";
    let Some(pictures) = &result.pictures else {
        text::body(ui, told);
        return;
    };
    picture::look(ui, look);
    picture::all(ui, cx, (result, pictures), output, (*look, ui.available_width()));
    ui.add_space(2.0);
    text::body(
        ui,
        format!("{told}; the mean says something only where things stand in the same place in every picture"),
    );
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
