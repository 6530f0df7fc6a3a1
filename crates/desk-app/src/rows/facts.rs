//! What a column holds, for those who filter by it.

use std::collections::HashMap;

use desk_core::{Cancel, Fault};

use super::kept::{Cells, Kept};

/// Different texts that are counted; a column with more has no most common ones worth a list.
const COUNTED: usize = 100_000;
/// Texts that are listed.
const LISTED: usize = 200;

/// What a column holds in all rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnFacts {
    /// Rows in which it is missing: nothing, not a number, an empty text.
    pub missing: u64,
    /// The smallest and the largest number.
    pub numbers: Option<(f64, f64)>,
    /// Different texts, or true and false, the most common first, and how often each comes; not all of very many.
    pub values: Vec<(String, u64)>,
    /// More different texts than are listed.
    pub more: bool,
}

/// Looks through a column.
pub(super) fn of(kept: &Kept, column: &str, cancel: &Cancel) -> Result<ColumnFacts, Fault> {
    let at = kept.position(column)?;
    let mut facts = ColumnFacts::default();
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut count = |text: &str, more: &mut bool| {
        if let Some(count) = counts.get_mut(text) {
            *count += 1;
        } else if counts.len() < COUNTED {
            counts.insert(text.to_owned(), 1);
        } else {
            *more = true;
        }
    };
    kept.scan(&[at], cancel, |_, part| {
        let cells = Cells::of(part.column(at)?)?;
        for row in 0..part.num_rows() {
            match &cells {
                cells if cells.is_missing(row) => facts.missing += 1,
                Cells::Texts(cells) => count(cells.value(row), &mut facts.more),
                Cells::Bools(cells) => count(if cells.value(row) { "true" } else { "false" }, &mut facts.more),
                cells => {
                    if let Some(x) = cells.number(row) {
                        let (low, high) = facts.numbers.unwrap_or((x, x));
                        facts.numbers = Some((low.min(x), high.max(x)));
                    }
                }
            }
        }
        Ok(())
    })?;
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    facts.more |= values.len() > LISTED;
    values.truncate(LISTED);
    facts.values = values;
    Ok(facts)
}
