//! What is read.

use super::Painting;
use crate::table::{Cell, Column, MemTable, Table};
use crate::{Button, Card, Icon, Metric, Tone, card, code, kv, text};

/// Cards and metrics.
pub(super) fn card_and_metric() -> Painting {
    Box::new(move |ui| {
        let metrics = [
            ("Accuracy", "0.931", "", Tone::Ok, "+0.007 against v1"),
            ("Rows", "12 400", "rows", Tone::Neutral, "in 1.2 s"),
            ("Latency p95", "4.62", "ms", Tone::Warn, "92 % of budget"),
            ("Log loss", "0.214", "", Tone::Err, "worse than v1"),
        ];
        card::grid(ui, metrics.len(), 150.0, |ui, i, width| {
            let (name, value, unit, tone, note) = metrics[i];
            Metric::new(name, value, unit).note(tone, note).show(ui, width);
        });
        Card::titled("Signature").caption("2 inputs, 1 output").show_with_actions(
            ui,
            |ui| {
                ui.add(Button::ghost("Copy as command").icon(Icon::Terminal));
            },
            |ui| text::body(ui, "The body of a card is at the left, under its heading."),
        );
    })
}

/// Properties.
pub(super) fn properties() -> Painting {
    Box::new(move |ui| {
        kv::properties(ui, |kv| {
            kv.text("Format", "ONNX opset 17");
            kv.text("Size", "18.4 MB");
            kv.text("Producer", "skl2onnx 1.19.1, converted from scikit-learn 1.9.1");
            kv.status("Parity", Tone::Ok, "Within 1e-5");
            kv.copyable("Digest", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        });
    })
}

/// Code.
pub(super) fn code_block() -> Painting {
    Box::new(move |ui| {
        code::line(ui, "command", "modeldesk deploy churn@2 --to edge-01 --wait");
        code::block(ui, "details", "error: not an ONNX file\n  caused by: wire type 7 at byte 3\n  in: a.onnx", 80.0);
    })
}

/// Tables.
pub(super) fn table() -> Painting {
    let mut table = list();
    let columns = vec![
        Column::number("Row").narrow(),
        Column::text("segment"),
        Column::text("prediction"),
        Column::number("p(churn)"),
        Column::number("tenure"),
    ];
    let rows = (0..200)
        .map(|i: u32| {
            vec![
                Cell::shown_as(f64::from(i + 1), (i + 1).to_string()),
                Cell::text(["retail", "smb", "enterprise"][i as usize % 3]),
                Cell::text(if i * 7 % 5 < 2 { "churn" } else { "stay" }),
                Cell::fixed(f64::from(i * 37 % 1000) / 1000.0, 4),
                if i == 2 { Cell::missing() } else { Cell::number(f64::from(i * 13 % 70)) },
            ]
        })
        .collect();
    let mut data = MemTable::new(columns, rows);
    let mut nothing = MemTable::new(vec![Column::text("Name"), Column::text("State")], vec![]);
    Box::new(move |ui| {
        crate::table::select_row(ui, "list", 0);
        Table::list("list", "Models").max_height(140.0).show_mem(ui, &mut table);
        ui.add_space(8.0);
        crate::table::select_row(ui, "data", 3);
        Table::data("data", "Rows").max_height(190.0).show_mem(ui, &mut data);
        ui.add_space(8.0);
        ui.columns(2, |columns| {
            let empty = Table::list("empty", "Models").max_height(130.0).empty("Nothing matches the filter");
            empty.show_mem(&mut columns[0], &mut nothing);
            Table::list("loading", "Models").max_height(130.0).loading(true).show_mem(&mut columns[1], &mut nothing);
        });
    })
}

fn list() -> MemTable {
    let columns = vec![
        Column::text("Name"),
        Column::text("Latest").narrow(),
        Column::text("Alias").narrow(),
        Column::text("State").narrow(),
        Column::number("Size"),
        Column::text("Updated").narrow(),
    ];
    let row = |name: &'static str, latest: &'static str, tone, state: &'static str, bytes: f64, size: &'static str| {
        vec![
            Cell::text(name).strong().icon(Icon::Model),
            Cell::text(latest),
            if latest == "v7" { Cell::text("champion") } else { Cell::missing() },
            Cell::status(tone, state),
            Cell::shown_as(bytes, size),
            Cell::text("12 min ago"),
        ]
    };
    let rows = vec![
        row("churn-gbt", "v7", Tone::Ok, "Live on 2", 18.4e6, "18.4 MB"),
        row("fraud-net", "v3", Tone::Accent, "Deploying", 2.1e6, "2.1 MB"),
        row("digits-cnn", "v1", Tone::Neutral, "Draft", 48e3, "48 kB"),
    ];
    MemTable::new(columns, rows)
}
