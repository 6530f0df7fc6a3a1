//! The order of rows: stable, missing values last, texts by their Unicode code points.

use std::collections::HashMap;

use desk_core::{Cancel, Fault, Progress, ProgressSink};

use super::RowView;
use super::filter::SortKey;
use super::kept::{Cells, ColumnKind, Kept, Part, Role};
use super::matching::{Matching, Place, numbers};

/// Different texts up to this many are numbered as they come; columns with more keep each text.
const FEW: usize = 4_096;
/// Bits that one pass sorts by.
const DIGIT: u32 = 11;
/// Below this many rows a pass costs more than it saves.
const SMALL: usize = 4_096;

/// The numbers (from 0) of the rows that a view shows, in its order; none for all rows as they stand.
pub(super) fn order(
    kept: &Kept,
    view: &RowView,
    cancel: &Cancel,
    progress: &dyn ProgressSink,
) -> Result<Option<Vec<u32>>, Fault> {
    let matching = Matching::new(kept, view)?;
    let mut keys = view.sort.iter().map(|key| Key::new(kept, key)).collect::<Result<Vec<_>, _>>()?;
    if view.wrong && keys.is_empty() {
        keys.push(Key::certainty(kept));
    }
    if view.filters.is_empty() && !view.wrong && keys.is_empty() {
        return Ok(None);
    }
    let columns: Vec<usize> = matching.columns().chain(keys.iter().flat_map(Key::columns)).collect();
    let mut rows: Vec<u32> = Vec::new();
    kept.scan(&columns, cancel, |first, part| {
        progress.report(Progress::new("Looking through the rows", first, Some(kept.total), "rows"));
        let keep = matching.keep(first, part)?;
        let kept_rows = (0u32..).zip(&keep).filter(|(_, keep)| **keep).map(|(row, _)| row);
        let here: Vec<u32> = kept_rows.collect();
        for key in &mut keys {
            key.take(first, part, &here)?;
        }
        rows.extend(here.iter().map(|row| first as u32 + row));
        Ok(())
    })?;
    progress.report(Progress::new("Sorting", rows.len() as u64, Some(rows.len() as u64), "rows"));
    let mut places: Vec<u32> = (0..rows.len() as u32).collect();
    // From the last key to the first, each time stably.
    for key in keys.into_iter().rev() {
        places = sorted(places, &key.values(), cancel)?;
    }
    Ok(Some(places.into_iter().map(|place| rows[place as usize]).collect()))
}

/// What rows are sorted by: one number each, in the order that is wanted; none for missing ones.
struct Values {
    values: Vec<u64>,
    missing: Vec<bool>,
}

/// A sort key while its values are collected.
struct Key {
    looks_at: LooksAt,
    descending: bool,
    values: Vec<u64>,
    missing: Vec<bool>,
    texts: Texts,
}

enum LooksAt {
    Place(Place),
    /// The largest score of the row, of these columns.
    Certainty(Vec<usize>),
}

impl Key {
    fn new(kept: &Kept, key: &SortKey) -> Result<Self, Fault> {
        let place = Place::of(kept, &key.column)?;
        if let Place::Column(i) = place
            && kept.columns[i].kind == ColumnKind::Other
        {
            let name = desk_core::words::quoted(&key.column);
            return Err(Fault::input(format!("column {name} holds what has no order")).hint("Sort by another column"));
        }
        Ok(Self::of(LooksAt::Place(place), key.descending))
    }

    /// How sure the model was, the surest first.
    fn certainty(kept: &Kept) -> Self {
        let label = kept.judged.map(|(label, _)| label);
        let scores = kept.columns.iter().enumerate().filter(|(i, column)| {
            column.role == Role::Answer && column.kind == ColumnKind::Number && Some(*i) != label
        });
        Self::of(LooksAt::Certainty(scores.map(|(i, _)| i).collect()), true)
    }

    fn of(looks_at: LooksAt, descending: bool) -> Self {
        Self { looks_at, descending, values: Vec::new(), missing: Vec::new(), texts: Texts::default() }
    }

    /// The columns that it looks at.
    fn columns(&self) -> Vec<usize> {
        match &self.looks_at {
            LooksAt::Place(Place::Number) => Vec::new(),
            LooksAt::Place(Place::Column(i)) => vec![*i],
            LooksAt::Certainty(columns) => columns.clone(),
        }
    }

    /// Collects the values of some rows of a chunk.
    fn take(&mut self, first: u64, part: &Part, rows: &[u32]) -> Result<(), Fault> {
        let cells = match &self.looks_at {
            LooksAt::Place(Place::Number) => numbers(first, part.num_rows()),
            LooksAt::Place(Place::Column(column)) => Cells::of(part.column(*column)?)?,
            LooksAt::Certainty(columns) => certainty(part, columns)?,
        };
        for &row in rows {
            let row = row as usize;
            let missing = cells.is_missing(row);
            self.missing.push(missing);
            let value = match &cells {
                _ if missing => 0,
                Cells::Floats(cells) => ordered(cells.value(row)),
                Cells::Ints(cells) => cells.value(row) as u64 ^ (1 << 63),
                Cells::Large(cells) => cells.value(row),
                Cells::Bools(cells) => u64::from(cells.value(row)),
                Cells::Texts(cells) => {
                    self.texts.push(cells.value(row));
                    continue;
                }
                Cells::Other(_) => 0,
            };
            if matches!(cells, Cells::Texts(_)) {
                self.texts.push("");
            } else {
                self.values.push(value);
            }
        }
        Ok(())
    }

    fn values(self) -> Values {
        let mut values = if self.values.is_empty() { self.texts.ranks() } else { self.values };
        if self.descending {
            for value in &mut values {
                *value = !*value;
            }
        }
        Values { values, missing: self.missing }
    }
}

/// The largest probability among some columns of each row.
fn certainty(part: &Part, columns: &[usize]) -> Result<Cells, Fault> {
    let scores = columns.iter().map(|i| Cells::of(part.column(*i)?)).collect::<Result<Vec<_>, _>>()?;
    let largest = |row: usize| {
        let likely = scores.iter().filter_map(|cells| cells.number(row)).filter(|p| (0.0..=1.0).contains(p));
        likely.max_by(f64::total_cmp)
    };
    Ok(Cells::Floats((0..part.num_rows()).map(largest).collect()))
}

/// A number that is ordered as the float is; both zeros are the same.
fn ordered(value: f64) -> u64 {
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) }
}

/// Texts that get ranks: numbered while few differ, one after another when many do.
enum Texts {
    Few { known: HashMap<Box<str>, u32>, codes: Vec<u32> },
    Many { bytes: Vec<u8>, ends: Vec<usize> },
}

impl Default for Texts {
    fn default() -> Self {
        Self::Few { known: HashMap::new(), codes: Vec::new() }
    }
}

impl Texts {
    fn push(&mut self, text: &str) {
        if let Self::Few { known, codes } = self {
            if let Some(code) = known.get(text) {
                return codes.push(*code);
            }
            if known.len() < FEW {
                let code = known.len() as u32;
                known.insert(text.into(), code);
                return codes.push(code);
            }
            let words = Self::words(known);
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for code in codes.iter() {
                bytes.extend_from_slice(words[*code as usize].as_bytes());
                ends.push(bytes.len());
            }
            *self = Self::Many { bytes, ends };
        }
        if let Self::Many { bytes, ends } = self {
            bytes.extend_from_slice(text.as_bytes());
            ends.push(bytes.len());
        }
    }

    /// The different texts by their codes.
    fn words(known: &HashMap<Box<str>, u32>) -> Vec<&str> {
        let mut words = vec![""; known.len()];
        for (word, code) in known {
            words[*code as usize] = word;
        }
        words
    }

    /// A number for each text, ordered as the texts are: bytes of UTF-8 have the order of code points.
    fn ranks(self) -> Vec<u64> {
        match self {
            Self::Few { known, codes } => {
                let words = Self::words(&known);
                let ranks = ranked(words.len(), |i| words[i].as_bytes());
                codes.iter().map(|code| ranks[*code as usize]).collect()
            }
            Self::Many { bytes, ends } => {
                let start = |i: usize| if i == 0 { 0 } else { ends[i - 1] };
                ranked(ends.len(), |i| &bytes[start(i)..ends[i]])
            }
        }
    }
}

/// Ranks of texts; equal ones have the same.
fn ranked<'t>(count: usize, text: impl Fn(usize) -> &'t [u8]) -> Vec<u64> {
    // Most texts differ in their first letters, which are compared without a look at the text.
    let begins = |text: &[u8]| {
        let mut begin = [0; 8];
        begin.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(begin)
    };
    let mut all: Vec<(u64, u32)> = (0..count).map(|i| (begins(text(i)), i as u32)).collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| text(a.1 as usize).cmp(text(b.1 as usize))));
    let mut ranks = vec![0; count];
    let mut rank = 0;
    for pair in 0..all.len() {
        if pair > 0 && text(all[pair].1 as usize) != text(all[pair - 1].1 as usize) {
            rank += 1;
        }
        ranks[all[pair].1 as usize] = rank;
    }
    ranks
}

/// Places by their values, stably, those without one last.
fn sorted(places: Vec<u32>, key: &Values, cancel: &Cancel) -> Result<Vec<u32>, Fault> {
    let (missing, known): (Vec<u32>, Vec<u32>) = places.into_iter().partition(|place| key.missing[*place as usize]);
    let mut pairs: Vec<(u64, u32)> = known.into_iter().map(|place| (key.values[place as usize], place)).collect();
    if pairs.len() < SMALL {
        pairs.sort_by_key(|(value, _)| *value);
    } else {
        by_digits(&mut pairs, cancel)?;
    }
    Ok(pairs.into_iter().map(|(_, place)| place).chain(missing).collect())
}

/// Sorts by digits from the last to the first, which is stable; a cancel is heard between two of them.
fn by_digits(pairs: &mut Vec<(u64, u32)>, cancel: &Cancel) -> Result<(), Fault> {
    const SIZE: usize = 1 << DIGIT;
    let digit = |value: u64, shift: u32| (value >> shift) as usize & (SIZE - 1);
    let mut other = vec![(0, 0); pairs.len()];
    for shift in (0..u64::BITS).step_by(DIGIT as usize) {
        cancel.check()?;
        let mut starts = [0usize; SIZE];
        for (value, _) in pairs.iter() {
            starts[digit(*value, shift)] += 1;
        }
        if starts.contains(&pairs.len()) {
            continue;
        }
        let mut at = 0;
        for start in &mut starts {
            at += std::mem::replace(start, at);
        }
        for pair in pairs.iter() {
            let place = &mut starts[digit(pair.0, shift)];
            other[*place] = *pair;
            *place += 1;
        }
        std::mem::swap(pairs, &mut other);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_texts_get_numbers_of_their_order() {
        let floats = [f64::NEG_INFINITY, -1e300, -1.5, -1e-300, -0.0, 1e-300, 1.5, f64::INFINITY];
        assert!(floats.is_sorted_by_key(|x| ordered(*x)), "{floats:?}");
        assert_eq!(ordered(0.0), ordered(-0.0));
        for many in [false, true] {
            let words = ["b", "", "Zebra", "äpfel", "apfel", "b", "apfelbaum", "apfelbaun", "\u{10ffff}", "z\0", "z"];
            let mut texts = Texts::default();
            if many {
                texts = Texts::Many { bytes: Vec::new(), ends: Vec::new() };
            }
            for word in &words {
                texts.push(word);
            }
            let ranks = texts.ranks();
            for (i, a) in words.iter().enumerate() {
                for (j, b) in words.iter().enumerate() {
                    assert_eq!(ranks[i].cmp(&ranks[j]), a.cmp(b), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn many_texts_keep_what_was_numbered_before() {
        let mut texts = Texts::default();
        let word = |i: usize| format!("{:05}", i * 7919 % 10_007);
        (0..10_000).for_each(|i| texts.push(&word(i)));
        assert!(matches!(texts, Texts::Many { .. }));
        let ranks = texts.ranks();
        assert!((1..10_000).all(|i| ranks[i - 1].cmp(&ranks[i]) == word(i - 1).cmp(&word(i))));
    }

    #[test]
    fn digits_sort_stably_and_hear_a_cancel() {
        // A fixed sequence without order, in which each value comes several times.
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % 5_000 * 0x0123_4567_89ab
        };
        let pairs: Vec<(u64, u32)> = (0..20_000).map(|i| (next(), i)).collect();
        let (mut found, mut wanted) = (pairs.clone(), pairs);
        by_digits(&mut found, &Cancel::new()).expect("sorted");
        wanted.sort_by_key(|(value, _)| *value);
        assert_eq!(found, wanted);
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(by_digits(&mut found, &cancel).is_err());
    }
}
