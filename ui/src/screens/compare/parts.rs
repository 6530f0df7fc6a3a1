//! What both take, give and are made of; what differs stands out.

use desk_app::compare::{Comparison, Value};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Card, Icon, Tone, format, text};
use egui::Ui;

/// Shows facts, inputs and outputs, and operators.
pub fn show(ui: &mut Ui, comparison: &Comparison) {
    if !comparison.breaks.is_empty() {
        Card::titled("Clients would fail").show(ui, |ui| {
            text::body(ui, format!("Who calls {} today fails with {}:", comparison.first, comparison.second));
            for change in &comparison.breaks {
                text::body(ui, format!("• {change}"));
            }
        });
        ui.add_space(desk_uikit::card::GAP);
    }
    Card::titled("What they are").show(ui, |ui| {
        let mut rows: Vec<(String, String, String)> = Vec::new();
        let [first, second] = comparison.size_bytes;
        rows.push(("Size".to_owned(), format::bytes(first), format::bytes(second)));
        rows.extend(
            comparison.facts.iter().map(|fact| (fact.name.clone(), grouped(&fact.first), grouped(&fact.second))),
        );
        rows.extend(comparison.inputs.iter().map(|value| side("Input", value)));
        rows.extend(comparison.outputs.iter().map(|value| side("Output", value)));
        table(ui, "compared-facts", "Facts of both", comparison, rows);
    });
    ui.add_space(desk_uikit::card::GAP);
    let differ = comparison.operators.iter().filter(|pair| pair.first != pair.second).count();
    let caption = if differ == 0 { "the same in both".to_owned() } else { format!("{differ} differ") };
    Card::titled("Operators").caption(&caption).show(ui, |ui| {
        let rows = comparison
            .operators
            .iter()
            .map(|pair| (pair.operator.clone(), format::count(pair.first), format::count(pair.second)));
        table(ui, "compared-operators", "Operators of both", comparison, rows.collect());
    });
}

/// A count with its digits in groups, as everywhere; other texts stay.
fn grouped(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), format::count)
}

fn side(part: &str, value: &Value) -> (String, String, String) {
    let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
    (format!("{part} {}", value.name), text(&value.first), text(&value.second))
}

fn table(ui: &mut Ui, id: &str, name: &str, comparison: &Comparison, rows: Vec<(String, String, String)>) {
    let version = |name: &str| name.rsplit_once('@').map_or_else(|| name.to_owned(), |(_, n)| format!("v{n}"));
    let columns = vec![
        Column::text(""),
        Column::text(version(&comparison.first)),
        Column::text(version(&comparison.second)),
        Column::text("Differs").narrow(),
    ];
    let rows = rows.into_iter().map(|(what, first, second)| {
        let mark = if first == second {
            Cell::text("")
        } else {
            Cell { icon: Some(Icon::Differs), tone: Some(Tone::Warn), ..Cell::text("differs") }
        };
        vec![Cell::text(what).strong(), Cell::text(first), Cell::text(second), mark]
    });
    let mut table = MemTable::new(columns, rows.collect());
    Table::data(id, name).max_height(420.0).show_mem(ui, &mut table);
}
