//! Overview: signature, findings, golden rows, what was done with the version.

use desk_app::query::VersionView;
use desk_core::{GoldenSource, Severity, ValueInfo};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Badge, Button, Card, Icon, Row, Tone, card, format, kv, text};
use egui::Ui;

use crate::ages::ago;
use crate::cx::Cx;
use crate::fault::{deployment_state, run_summary};
use crate::route::{Route, VersionTab};

/// Draws the tab.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    next_step(ui, cx, view);
    let description = &view.description;
    let both = [("Inputs", &description.signature.inputs), ("Outputs", &description.signature.outputs)];
    card::grid(ui, both.len(), 300.0, |ui, i, width| {
        let (title, values) = both[i];
        let count = format::count(values.len() as u64);
        Card::titled(title).caption(&count).width(width).show(ui, |ui| signature(ui, title, values));
    });
    card::grid(ui, 2, 300.0, |ui, i, width| {
        if i == 0 {
            Card::titled("Findings").width(width).show(ui, |ui| findings(ui, view));
        } else {
            Card::titled("Travels with it").width(width).show(ui, |ui| travels_with(ui, view));
        }
    });
    card::grid(ui, 2, 300.0, |ui, i, width| {
        if i == 0 {
            Card::titled("Runs").width(width).show(ui, |ui| runs(ui, cx, view));
        } else {
            Card::titled("Deployments").width(width).show(ui, |ui| deployments(ui, cx, view));
        }
    });
    operators(ui, view);
}

/// The one next step of a version, from what has been done with it.
fn next_step(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    let did = |kind: &str| view.runs.iter().any(|run| run.kind == kind);
    let (tab, icon, label, why) = if !did("predict") {
        (VersionTab::Test, Icon::Test, "Test this version", "Score a file and see how good the answers are")
    } else if !did("explain") {
        (VersionTab::Explain, Icon::Explain, "Explain its answers", "See which features decide, for a row and for all")
    } else if view.item.live_on.is_empty() {
        (
            VersionTab::Deploy,
            Icon::Deploy,
            "Deploy this version",
            "Push it to a target, prove it there and switch to it",
        )
    } else {
        return;
    };
    ui.horizontal(|ui| {
        if ui.add(Button::primary(label).icon(icon)).clicked() || cx.primary.take() {
            cx.go(cx.route.with_tab(tab));
        }
        text::caption(ui, why);
    });
    ui.add_space(10.0);
}

/// So many inputs or outputs are lines; more are a table that scrolls.
const AS_LINES: usize = 8;

fn signature(ui: &mut Ui, title: &str, values: &[ValueInfo]) {
    if values.len() <= AS_LINES {
        let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
        kv::named(ui, &names, |kv| {
            for value in values {
                kv.row(&value.name, |ui| {
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 1.0;
                        text::body(ui, value.value_type.in_words());
                        text::mono(ui, value.value_type.to_string());
                    })
                });
            }
        });
        return;
    }
    let columns = vec![Column::text("Name"), Column::text("Holds").lesser(1), Column::text("Type").narrow()];
    let row = |value: &ValueInfo| {
        vec![
            Cell::text(value.name.clone()).strong(),
            Cell::text(value.value_type.in_words()),
            Cell::text(value.value_type.to_string()).mono(),
        ]
    };
    let mut table = MemTable::new(columns, values.iter().map(row).collect());
    Table::data(title, title).unsortable().max_height(180.0).show_mem(ui, &mut table);
}

fn findings(ui: &mut Ui, view: &VersionView) {
    if view.findings.is_empty() {
        ui.add(Badge::new(Tone::Ok, "Nothing unusual was found at import").plain());
    }
    for finding in &view.findings {
        let tone = match finding.severity {
            Severity::Info => Tone::Neutral,
            Severity::Warning => Tone::Warn,
            Severity::Error => Tone::Err,
        };
        ui.horizontal_top(|ui| {
            let t = desk_uikit::Tokens::of(ui);
            let icon = if finding.severity == Severity::Info { Icon::Info } else { tone.icon() };
            ui.label(icon.rich(14.0, tone.colors(t).0).line_height(Some(18.0)));
            text::body(ui, &finding.message);
        });
    }
}

fn travels_with(ui: &mut Ui, view: &VersionView) {
    kv::properties(ui, |kv| {
        for (name, size) in &view.files {
            kv.text("File", &format!("{name}, {}", format::bytes(*size)));
        }
        match &view.golden {
            Some(golden) => {
                let source = match golden.source {
                    GoldenSource::UserData => "from your data",
                    GoldenSource::Generated => "generated from the signature",
                };
                kv.text("Golden rows", &format!("{} {source}", golden.rows));
                kv.text("Made with", &golden.made_with);
            }
            None => drop(kv.status("Golden rows", Tone::Warn, "None")),
        }
        if let Some(labels) = &view.description.labels {
            kv.text("Classes", &labels.join(", "));
        }
    });
}

fn runs(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    ui.spacing_mut().item_spacing.y = 2.0;
    if view.runs.is_empty() {
        text::sub(ui, "Nothing has been run with this version yet");
    }
    for run in view.runs.iter().take(5) {
        let (icon, word, tab) = if run.kind == "predict" {
            (Icon::Test, "Scored", VersionTab::Test)
        } else {
            (Icon::Explain, "Explained", VersionTab::Explain)
        };
        let age = ago(&run.at);
        if ui.add(Row::new(word).icon(icon).detail(&run_summary(run)).trailing(&age)).clicked() {
            cx.go(cx.route.with_tab(tab));
        }
    }
}

fn deployments(ui: &mut Ui, cx: &Cx<'_>, view: &VersionView) {
    ui.spacing_mut().item_spacing.y = 2.0;
    if view.deployments.is_empty() {
        text::sub(ui, "This version has not been deployed yet");
    }
    for deployment in view.deployments.iter().take(5) {
        let (tone, word) = match deployment.not_answering_since {
            Some(_) => (Tone::Err, "Not answering"),
            None => deployment_state(deployment.state),
        };
        let age = ago(&deployment.at);
        let row = Row::new(&deployment.target).icon(tone.icon()).tone(tone).detail(word).trailing(&age);
        if ui.add(row).clicked() {
            cx.go(Route::Deployment(deployment.id.clone()));
        }
    }
}

fn operators(ui: &mut Ui, view: &VersionView) {
    let d = &view.description;
    let caption = format!("{}, graph {}", format::plural(d.node_count, "node", "nodes"), d.graph_name);
    Card::titled("Operators").caption(&caption).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            for operator in d.operators.iter().take(24) {
                let text = format!("{} × {}", operator.name, format::count(operator.count));
                ui.add(Badge::new(Tone::Neutral, &text).icon(Icon::Explain));
            }
        });
    });
}
