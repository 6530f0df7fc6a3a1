//! The explained rows in a table: what each was answered with, what it is, and what moved it most. The chosen one is the
//! one that the views show.

use std::collections::BTreeMap;

use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Card, Icon, Tone, format};
use egui::Ui;

use super::pins::Pins;
use super::result::ExplainResult;

/// Height of the table, and where it stands above the view of its row.
const HEIGHT: f32 = 320.0;
const ABOVE: f32 = 190.0;

/// What the card remembers.
#[derive(Default)]
pub struct RowsCard {
    /// The run and the output it is about, and the notes of the rows that are pinned.
    of: Option<(String, usize, BTreeMap<u64, String>)>,
    table: Option<MemTable>,
    /// Indices of the rows.
    keys: Vec<usize>,
}

impl RowsCard {
    /// Shows the table, `above` the view of its row or below all; `row` is the index of the chosen one. True when a row was
    /// opened.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        result: &ExplainResult,
        (output, pins): (usize, &Pins),
        row: &mut usize,
        above: bool,
    ) -> bool {
        if result.rows() < 2 {
            return false;
        }
        let of = (result.answer.run.clone(), output, pins.of_run(&result.answer.run));
        if self.of.as_ref() != Some(&of) {
            let keys = (0..result.rows()).collect();
            let table = table(result, output, &of.2);
            *self = Self { of: Some(of), table: Some(table), keys };
        }
        let Some(table) = &mut self.table else { return false };
        let caption = match &result.answer.picked {
            Some(picked) => picked.words(result.rows()),
            None => format::plural(result.rows() as u64, "row", "rows"),
        };
        let mut chosen = Some(*row);
        let mut opened = false;
        Card::titled("Explained rows").caption(&caption).show(ui, |ui| {
            let height = if above { ABOVE } else { HEIGHT };
            let shown = Table::list("explained rows", "Explained rows").max_height(height);
            let output = shown.show_keyed(ui, table, &self.keys, &mut chosen);
            opened = output.activated.is_some();
        });
        *row = chosen.unwrap_or(*row);
        opened
    }
}

/// One line for each row.
fn table(result: &ExplainResult, output: usize, pinned: &BTreeMap<u64, String>) -> MemTable {
    let answer = &result.answer;
    let mut columns =
        vec![Column::number("Row").with_marks(), Column::number(crate::fault::sentence(&result.unit(output)))];
    columns.extend(answer.answered.as_ref().map(|_| Column::text("Answer")));
    columns.extend(answer.truths.as_ref().map(|_| Column::text("Truth")));
    let measure = answer.picked.as_ref().filter(|picked| picked.values.len() == result.rows());
    columns.extend(measure.map(|picked| Column::number(crate::fault::sentence(&picked.measure))));
    columns.extend([Column::text("Pushes up most"), Column::text("Pulls down most")]);
    let decimals = format::decimals((0..result.rows()).map(|row| result.prediction(row, output)));
    let of_measure = format::decimals(measure.iter().flat_map(|picked| picked.values.iter().copied()));
    let line = |row: usize| {
        let number = answer.row_numbers[row];
        let named = Cell::shown_as(number as f64, format::count(number));
        let mut cells = vec![
            match pinned.get(&number).map(String::as_str) {
                None => named,
                Some("") => named.marked(Icon::Pin, "pinned as evidence"),
                Some(note) => named.marked(Icon::Pin, format!("pinned as evidence: {note}")),
            },
            Cell::fixed(result.prediction(row, output), decimals),
        ];
        let answered = answer.answered.as_ref().and_then(|all| all.get(row));
        let truth = answer.truths.as_ref().and_then(|all| all.get(row)?.clone());
        cells.extend(answered.map(|class| Cell::text(class.clone())));
        if answer.truths.is_some() {
            cells.push(match (truth, answered) {
                (None, _) => Cell::missing(),
                (Some(truth), Some(answered)) if truth != *answered => Cell::status(Tone::Warn, truth),
                (Some(truth), Some(_)) => Cell::status(Tone::Ok, truth),
                (Some(truth), None) => Cell::text(truth),
            });
        }
        cells.extend(measure.map(|picked| Cell::fixed(picked.values[row], of_measure)));
        let [up, down] = strongest(result, row, output);
        cells.extend([up, down].map(|text| text.map_or_else(Cell::missing, Cell::text)));
        cells
    };
    MemTable::new(columns, (0..result.rows()).map(line).collect())
}

/// The features, or the words, that push a row's answer up most and pull it down most.
fn strongest(result: &ExplainResult, row: usize, output: usize) -> [Option<String>; 2] {
    let answer = &result.answer;
    let words = answer.text.as_ref().and_then(|text| text.rows.get(row)).map(|text| text.strongest(output));
    let amount = |of: &[f64]| of.get(output).copied().unwrap_or(f64::NAN);
    let segments = answer.segments.as_ref().and_then(|segments| segments.rows.get(row));
    let named: Vec<(String, f64)> = match (&words, segments) {
        (Some(words), _) => words.iter().map(|(word, _)| (word.text.clone(), amount(&word.contribution))).collect(),
        // A pixel has what its segment adds.
        (None, Some(segments)) => {
            let values = segments.of.values.iter().enumerate();
            values.map(|(at, of)| (format!("segment {}", at + 1), amount(of))).collect()
        }
        (None, None) => answer.feature_names.iter().cloned().zip(values(result, row, output)).collect(),
    };
    let parts = || named.iter().map(|(name, amount)| (name.as_str(), *amount));
    let told = |(name, amount): (&str, f64)| format!("{} {name}", format::signed(amount));
    let up = parts().filter(|(_, amount)| *amount > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
    let down = parts().filter(|(_, amount)| *amount < 0.0).min_by(|a, b| a.1.total_cmp(&b.1));
    [up.map(told), down.map(told)]
}

fn values(result: &ExplainResult, row: usize, output: usize) -> impl Iterator<Item = f64> {
    (0..result.answer.feature_names.len()).map(move |feature| result.answer.value(row, feature, output))
}
