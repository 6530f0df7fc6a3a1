//! How a test ran: where, how fast, with which columns, and the digests that prove it.

use desk_uikit::card::{self, Card};
use desk_uikit::{Tone, format, kv};
use egui::Ui;

use super::latency;
use super::result::TestResult;
use crate::cx::Cx;
use crate::fault::date_time;

/// Shows all of it.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &TestResult) {
    card::grid(ui, 2, 360.0, |ui, i, width| {
        let heading = ["How it ran", "Columns and inputs"][i];
        Card::titled(heading).width(width).show(ui, |ui| if i == 0 { ran(ui, result) } else { columns(ui, result) });
    });
    ui.add_space(4.0);
    if let Some(found) = &result.answer.latency {
        latency::chart(ui, cx, found);
        ui.add_space(4.0);
    }
    Card::titled("Record").caption("the same record gives the same answers").show(ui, |ui| {
        kv::properties(ui, |kv| {
            kv.copyable("Run", &result.answer.run);
            kv.copyable("Data", &result.data);
            kv.copyable("Data digest", &result.answer.data_digest.to_string());
            kv.copyable("Answers", &result.answer.result_digest.to_string());
            kv.copyable("Version", &result.answer.digest.to_string());
            if let Some(out) = &result.answer.out {
                kv.copyable("Written to", &out.to_string_lossy());
            }
        });
    });
}

fn ran(ui: &mut Ui, result: &TestResult) {
    let answer = &result.answer;
    kv::properties(ui, |kv| {
        if answer.provider_nodes.is_empty() {
            kv.status("Ran on", Tone::Warn, "Not known: no profile of this run");
        }
        for line in placement(result) {
            kv.status("Ran on", Tone::Ok, &line);
        }
        kv.text("Device", &crate::fault::device_name(&answer.device));
        kv.text("Rows", &format::count(answer.rows));
        let rate = answer.rows as f64 / answer.model_seconds;
        let rate = if rate.is_finite() { format!(", {} rows/s", format::count(rate as u64)) } else { String::new() };
        kv.text("In the model", &format!("{}{rate}", format::duration(answer.model_seconds)));
        latency::fact(kv, answer.latency.as_ref());
        kv.text("In all", &format::duration(answer.seconds));
        kv.text("When", &date_time(&result.at));
    });
}

/// Which provider ran how many nodes, the proof of where the model ran.
pub fn placement(result: &TestResult) -> Vec<String> {
    let nodes = &result.answer.provider_nodes;
    nodes.iter().map(|(provider, n)| format!("{} on {provider}", format::plural(*n, "node", "nodes"))).collect()
}

fn columns(ui: &mut Ui, result: &TestResult) {
    kv::properties(ui, |kv| {
        for (input, from) in &result.mapping {
            kv.text(input, from);
        }
        let truth = result.answer.truth().map(|truth| truth.to_string());
        kv.text("Truth", truth.as_deref().unwrap_or("No column with the truth"));
        kv.text("Answers", &result.answer.output_columns.join(", "));
    });
}
