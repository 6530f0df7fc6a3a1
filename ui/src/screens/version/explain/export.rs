//! The numbers as a table, and as data for the clipboard.

use desk_uikit::format;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use egui::Ui;

use super::result::ExplainResult;
use super::{across, words};

/// A table's columns and rows.
type Columns = (Vec<Column>, Vec<Vec<Cell<'static>>>);

/// Every dot of the beeswarm: one line for each row, the contribution of each feature beside its value.
pub fn swarm_table(result: &ExplainResult, output: usize) -> Columns {
    let swarms = result.outputs.get(output).map(|all| all.swarms.as_slice()).unwrap_or_default();
    let mut columns = vec![Column::number("Row")];
    for swarm in swarms {
        columns.extend([Column::text(swarm.name.clone()), Column::number(format!("to {}", swarm.name))]);
    }
    let decimals = format::decimals(swarms.iter().flat_map(|swarm| swarm.amounts.iter().copied()));
    let rows = result.answer.row_numbers.iter().enumerate().map(|(row, number)| {
        let mut cells = vec![Cell::shown_as(*number as f64, format::count(*number))];
        for swarm in swarms {
            cells.push(swarm.values.get(row).map_or_else(Cell::missing, |value| Cell::text(value.clone())));
            cells.push(swarm.amounts.get(row).map_or_else(Cell::missing, |amount| Cell::fixed(*amount, decimals)));
        }
        cells
    });
    (columns, rows.collect())
}

/// The table under the toggle: one row's features, or all rows' importances.
pub fn table(ui: &mut Ui, result: &ExplainResult, row: Option<usize>, output: usize) {
    let (columns, rows) = match row {
        Some(row) => row_table(result, row, output),
        None => match result.outputs.get(output) {
            Some(all) if result.answer.text.is_some() => across::table(&all.words),
            _ => global_table(result, output),
        },
    };
    let mut table = MemTable::new(columns, rows);
    let name = if row.is_some() { "Contributions" } else { "Importances" };
    Table::data(name, name).max_height(560.0).show_mem(ui, &mut table);
}

/// One row's features.
pub fn row_table(result: &ExplainResult, row: usize, output: usize) -> Columns {
    let answer = &result.answer;
    if let Some(text) = answer.text.as_ref().and_then(|text| text.rows.get(row)) {
        return words::table(text, output);
    }
    let sampled = answer.std_error.is_some();
    let mut columns = vec![Column::text("Feature"), Column::text("Value"), Column::number("Contribution")];
    if sampled {
        columns.push(Column::number("Std. error"));
    }
    let mut parts: Vec<_> = result.contributions(row, output).into_iter().enumerate().collect();
    parts.sort_by(|(_, a), (_, b)| b.amount.abs().total_cmp(&a.amount.abs()));
    let decimals = format::decimals(parts.iter().map(|(_, part)| part.amount));
    let rows = parts.into_iter().map(|(feature, part)| {
        let mut cells = vec![Cell::text(part.name), Cell::text(part.value), Cell::fixed(part.amount, decimals)];
        if sampled {
            let error = answer.std_error(row, feature, output);
            cells.push(error.map_or_else(Cell::missing, |error| Cell::fixed(error, decimals)));
        }
        cells
    });
    (columns, rows.collect())
}

/// All rows' importances.
pub fn global_table(result: &ExplainResult, output: usize) -> Columns {
    let columns = vec![Column::text("Feature"), Column::number("Mean |contribution|"), Column::number("Std. error")];
    let bars = result.outputs.get(output).map(|all| all.bars.as_slice()).unwrap_or_default();
    let decimals = format::decimals(bars.iter().map(|bar| bar.value));
    let fixed = |value: f64| Cell::fixed(value, decimals);
    let rows = bars.iter().map(|bar| {
        let error = bar.interval.map(|(_, high)| high - bar.value);
        vec![Cell::text(bar.name.clone()), fixed(bar.value), error.map_or_else(Cell::missing, fixed)]
    });
    (columns, rows.collect())
}

/// Every value, one a line: row, output, feature, value, contribution and, where sampled, error.
pub fn tsv(result: &ExplainResult) -> String {
    let answer = &result.answer;
    let sampled = answer.std_error.is_some();
    let mut text = String::from("row\toutput\tfeature\tvalue\tcontribution");
    if sampled {
        text += "\tstd_error";
    }
    text.push('\n');
    // Tabs and line breaks in the data would break the table.
    let plain = |cell: &str| cell.replace(['\t', '\n', '\r'], " ");
    for (row, number) in answer.row_numbers.iter().enumerate() {
        for (output, name) in answer.output_names.iter().enumerate() {
            for (feature, part) in result.contributions(row, output).into_iter().enumerate() {
                let (feature_name, value) = (plain(&part.name), plain(&part.value));
                let output_name = plain(name);
                text.push_str(
                    &[number.to_string(), output_name, feature_name, value, part.amount.to_string()].join("\t"),
                );
                if let Some(error) = answer.std_error(row, feature, output) {
                    text.push('\t');
                    text.push_str(&error.to_string());
                }
                text.push('\n');
            }
        }
    }
    text
}

/// The whole record as JSON.
pub fn json(result: &ExplainResult) -> String {
    serde_json::to_string_pretty(&result.answer).unwrap_or_default()
}
