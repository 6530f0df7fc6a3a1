//! The rows whose answer differs from the truth, the most certain mistakes first.

use desk_app::Desk;
use desk_core::Fault;
use desk_uikit::table::{Cell, Column, MemTable, Value};
use desk_uikit::{Icon, Tone, format};

use super::rows::{order, same};

/// Rows read at a time.
const CHUNK: usize = 20_000;
/// So many rows are looked through; a larger test says so.
const LOOKED_AT: u64 = 1_000_000;
/// So many mistakes are listed.
const KEPT: usize = 5_000;

/// The mistakes of a test.
#[derive(Debug, Default)]
pub struct WrongRows {
    /// Names of the columns and whether they hold numbers: answers, truth, data.
    columns: Vec<(String, bool)>,
    /// Row number from 1, how sure the model was, and the cells.
    rows: Vec<(u64, Option<f64>, Vec<String>)>,
    /// How many there are, listed or not.
    pub count: u64,
    /// How many rows were looked at.
    pub looked_at: u64,
    /// Where the label stands among the columns.
    label: Option<usize>,
}

impl WrongRows {
    /// Looks through the kept answers of a run.
    pub fn find(desk: &Desk, run: &str, answers: &[String], target: &str) -> Result<Self, Fault> {
        let mut found = Self::default();
        loop {
            let page = desk.result_page(run, found.looked_at, CHUNK)?;
            let names: Vec<&str> = page.columns.iter().map(String::as_str).collect();
            if !found.take(&names, &page.numeric, page.rows, answers, target) || found.looked_at >= LOOKED_AT {
                found.sort();
                return Ok(found);
            }
        }
    }

    /// Takes a page; false when it was the last one.
    fn take(
        &mut self,
        names: &[&str],
        numeric: &[bool],
        rows: Vec<Vec<String>>,
        answers: &[String],
        target: &str,
    ) -> bool {
        // The table's own first column is the row's number.
        let with_row: Vec<&str> = std::iter::once("Row").chain(names.iter().copied()).collect();
        let (order, truth) = order(&with_row, answers, Some(target));
        let order: Vec<usize> = order.into_iter().skip(1).map(|i| i - 1).collect();
        let truth = truth.map(|i| i - 1);
        let label = answers.first().and_then(|name| names.iter().rposition(|other| other == name));
        let (Some(label), Some(truth)) = (label, truth) else { return false };
        if self.columns.is_empty() {
            let column = |i: &usize| (names[*i].to_owned(), numeric.get(*i).copied().unwrap_or(false));
            self.columns = order.iter().map(column).collect();
            self.label = order.iter().position(|i| *i == label);
        }
        let scores: Vec<usize> = answers[1..].iter().filter_map(|a| names.iter().rposition(|n| n == a)).collect();
        let more = rows.len() == CHUNK;
        for cells in rows {
            self.looked_at += 1;
            let cell = |i: usize| cells.get(i).map(String::as_str).unwrap_or_default();
            if cell(truth).is_empty() || same(cell(label), cell(truth)) {
                continue;
            }
            self.count += 1;
            let probability = |i: &usize| cell(*i).parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p));
            let sure = scores.iter().filter_map(probability).max_by(f64::total_cmp);
            self.rows.push((self.looked_at, sure, order.iter().map(|i| cell(*i).to_owned()).collect()));
            if self.rows.len() >= 2 * KEPT {
                self.sort();
            }
        }
        more
    }

    fn sort(&mut self) {
        self.rows.sort_by(|a, b| b.1.unwrap_or(-1.0).total_cmp(&a.1.unwrap_or(-1.0)).then(a.0.cmp(&b.0)));
        self.rows.truncate(KEPT);
    }

    /// The number of a listed row in the file, from 1.
    pub fn number(&self, listed: usize) -> Option<u64> {
        self.rows.get(listed).map(|(number, ..)| *number)
    }

    /// `7 of 171 rows, the most certain first`.
    pub fn summary(&self) -> String {
        let rows = format::plural(self.looked_at, "row", "rows");
        let first = if self.looked_at >= LOOKED_AT { "the first " } else { "" };
        let listed =
            if self.count > KEPT as u64 { format!(", {} listed", format::count(KEPT as u64)) } else { String::new() };
        format!("{} of {first}{rows}, the most certain first{listed}", format::count(self.count))
    }

    /// The table, made once.
    pub fn table(&self) -> MemTable {
        let mut columns = vec![Column::number("Row")];
        let column = |(name, numeric): &(String, bool)| {
            if *numeric { Column::number(name.clone()).narrow() } else { Column::text(name.clone()).narrow() }
        };
        columns.extend(self.columns.iter().map(column));
        let row = |(number, _, cells): &(u64, Option<f64>, Vec<String>)| {
            let mut line = vec![Cell::shown_as(*number as f64, format::count(*number))];
            line.extend(cells.iter().zip(&self.columns).enumerate().map(|(i, (text, (_, numeric)))| {
                let cell = match text.parse::<f64>() {
                    _ if text.is_empty() => Cell::missing(),
                    Ok(number) if *numeric => Cell { value: Value::Number(number), ..Cell::text(text.clone()) },
                    _ => Cell::text(text.clone()),
                };
                if self.label == Some(i) {
                    Cell { icon: Some(Icon::Warn), tone: Some(Tone::Warn), ..cell }
                } else {
                    cell
                }
            }));
            line
        };
        MemTable::new(columns, self.rows.iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_certain_mistake_comes_first() {
        let names = ["x", "truth", "label", "p_no", "p_yes"];
        let answers = ["label".to_owned(), "p_no".to_owned(), "p_yes".to_owned()];
        let rows = [
            ["1", "yes", "yes", "0.1", "0.9"],
            ["2", "no", "yes", "0.4", "0.6"],
            ["3", "yes", "no", "0.95", "0.05"],
            ["4", "", "no", "0.9", "0.1"],
        ];
        let rows = rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        let mut found = WrongRows::default();
        assert!(!found.take(&names, &[true, false, false, true, true], rows, &answers, "truth"));
        found.sort();
        assert_eq!((found.count, found.looked_at), (2, 4), "a row without the truth is no mistake");
        assert_eq!((found.number(0), found.number(1), found.number(2)), (Some(3), Some(2), None));
        let shown: Vec<&str> = found.columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(shown, ["label", "p_no", "p_yes", "truth", "x"]);
    }
}
