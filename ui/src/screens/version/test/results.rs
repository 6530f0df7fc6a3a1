//! The results of a test under the form: what was scored, then numbers, rows or the record.

use desk_uikit::field::{Field, segments};
use desk_uikit::{Badge, Tone, format, text};
use egui::{Sides, Ui};

use super::result::TestResult;
use super::{charts, proof};
use crate::ages::ago;
use crate::cx::Cx;
use crate::screens::version::warnings;

/// Which side of the results is on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// Cards and charts.
    #[default]
    Metrics,
    /// The scored rows.
    Rows,
    /// Where it ran and what it read.
    Proof,
}

/// What of the results is on show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    /// The side.
    pub side: Side,
    /// Tables instead of charts.
    pub as_table: bool,
    /// From which probability on an answer is called positive.
    pub threshold: Option<f64>,
}

/// The heading with the side's choice; gives the index of another run when one was chosen.
pub fn heading(
    ui: &mut Ui,
    result: &TestResult,
    side: &mut Side,
    runs: &[(String, String)],
    current: Option<usize>,
    beside: impl FnOnce(&mut Ui),
) -> Option<usize> {
    let mut chosen = None;
    let said = |ui: &mut Ui| {
        text::section(ui, "Results");
        let rows = format::plural(result.answer.rows, "row", "rows");
        let truth = result.answer.truth().map(|truth| format!(" against {truth}")).unwrap_or_default();
        text::caption(ui, format!("{rows} of {}{truth} · {}", file_name(&result.data), ago(&result.at)));
    };
    let choices = |ui: &mut Ui| {
        beside(ui);
        if runs.len() > 1 {
            let field = Field::new("Earlier tests").hide_label().width(270.0);
            chosen = field.show_choice_ended(ui, current, runs, "Earlier tests");
        }
    };
    Sides::new().shrink_left().truncate().show(ui, said, choices);
    ui.horizontal_wrapped(|ui| {
        let rows = format!("Rows {}", format::count(result.answer.rows));
        segments(ui, "Side", side, &[(Side::Metrics, "Metrics"), (Side::Rows, &rows), (Side::Proof, "How it ran")]);
        for line in proof::placement(result).iter().take(2) {
            ui.add(Badge::new(Tone::Ok, line).plain());
        }
    });
    chosen
}

/// Warnings, metrics or the record; rows are drawn by the tab, which pages them.
pub fn body(ui: &mut Ui, cx: &Cx<'_>, result: &TestResult, choices: &mut Choices) {
    warnings::show(ui, &result.warnings);
    match choices.side {
        Side::Metrics => charts::show(ui, cx, result, choices),
        Side::Proof => proof::show(ui, cx, result),
        Side::Rows => {}
    }
}

/// The last part of a path, for captions; the whole path when it has none.
pub fn file_name(path: &str) -> String {
    std::path::Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
