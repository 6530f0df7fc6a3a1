//! Column widths: as wide as their contents, then filling what is left; dragging overrides. Where there is no room
//! for all, lesser columns are hidden.

use egui::Painter;

use super::source::TableSource;
use crate::fonts::{self, size};

/// Space at both sides of a cell.
pub const PAD: f32 = 12.0;
const NARROWEST: f32 = 48.0;
const WIDEST: f32 = 360.0;
/// A flexible column gives nothing away below this: names must stay to be read.
const READABLE: f32 = 140.0;
/// Room for the mark of a heading's menu, or that it is filtered.
const MARKS: f32 = 14.0;
/// How many rows are looked at to find the width of a column.
const SAMPLE: usize = 40;

/// What is known of the widths of a table's columns.
#[derive(Debug, Clone, Default)]
pub struct Widths {
    natural: Vec<f32>,
    dragged: Vec<Option<f32>>,
    measured_for: (u64, bool),
    /// Of which rows: see [`super::Table::generation`].
    measured_of: u64,
    /// Letters in the rows that were looked at.
    letters: usize,
    /// Room for the marks of a heading that has a menu.
    marks: f32,
}

impl Widths {
    /// The columns of this frame with their widths: natural or dragged, with the rest shared out by flex.
    pub fn for_width(
        &mut self,
        painter: &Painter,
        source: &dyn TableSource,
        available: f32,
        generation: u64,
    ) -> Vec<(usize, f32)> {
        let columns = source.columns();
        let has_rows = source.row_count() > 0;
        // Without rows the widths stay as they were with them.
        let key = (named(columns), has_rows || self.measured_for == (named(columns), true));
        if self.measured_for != key {
            self.natural = (0..columns.len()).map(|c| measure(painter, source, c, self.marks)).collect();
            self.dragged.resize(columns.len(), None);
            self.measured_for = key;
            self.measured_of = generation;
            self.letters = letters(source);
        } else if letters(source) != self.letters || self.measured_of != generation {
            self.measured_of = generation;
            // Contents have changed: columns grow with them and do not jump back.
            for (column, width) in self.natural.iter_mut().enumerate() {
                *width = width.max(measure(painter, source, column, self.marks));
            }
            self.letters = letters(source);
        }
        let lesser: Vec<u8> = columns.iter().map(|column| column.lesser).collect();
        let least: Vec<f32> = (columns.iter().zip(&self.natural))
            .map(|(column, width)| if column.flex > 0.0 { width - at_most(*width) } else { *width })
            .collect();
        let shown = fitting(&least, &lesser, available);
        let flex: Vec<f32> = shown.iter().map(|column| columns[*column].flex).collect();
        let natural: Vec<f32> = shown.iter().map(|column| self.natural[*column]).collect();
        let dragged: Vec<Option<f32>> =
            shown.iter().map(|column| self.dragged.get(*column).copied().flatten()).collect();
        let widths = share(&natural, &dragged, &flex, available);
        shown.into_iter().zip(widths).collect()
    }

    /// The widths that the caller keeps; none for columns that have their own.
    pub fn give(&mut self, widths: Vec<Option<f32>>) {
        self.dragged = widths;
        self.marks = MARKS;
    }

    /// The user dragged a column to a width, or reset it with `None`.
    pub fn drag(&mut self, column: usize, width: Option<f32>) {
        if let Some(slot) = self.dragged.get_mut(column) {
            *slot = width;
        }
    }
}

/// Tells whether the columns are others.
fn named(columns: &[super::Column]) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for column in columns {
        column.name.hash(&mut hasher);
    }
    hasher.finish()
}

/// Tells that a short list has changed; long data is not looked through on each frame.
fn letters(source: &dyn TableSource) -> usize {
    let rows = source.row_count();
    (0..if rows > SAMPLE { 0 } else { rows })
        .flat_map(|row| (0..source.columns().len()).map(move |column| source.cell(row, column).text.len()))
        .sum()
}

fn measure(painter: &Painter, source: &dyn TableSource, column: usize, marks: f32) -> f32 {
    let width = |text: &str, font| painter.layout_no_wrap(text.to_owned(), font, egui::Color32::WHITE).size().x;
    // The heading needs room for its sort arrow.
    let head = width(&source.columns()[column].name, fonts::medium(size::SMALL)) + 16.0 + marks;
    let cells = (0..source.row_count().min(SAMPLE)).map(|row| {
        let cell = source.cell(row, column);
        let icon = if cell.icon.is_some() || source.columns()[column].marks { 20.0 } else { 0.0 };
        let font = match (cell.mono, cell.strong) {
            (true, _) => fonts::mono(size::MONO),
            (_, true) => fonts::medium(size::BODY),
            _ => fonts::regular(size::BODY),
        };
        width(&cell.text, font) + icon
    });
    (cells.fold(head, f32::max) + 2.0 * PAD).ceil().clamp(NARROWEST, WIDEST)
}

/// The columns that are shown, as not all have room in their least widths; the last of the least weight goes first.
fn fitting(least: &[f32], lesser: &[u8], available: f32) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..least.len()).collect();
    while shown.iter().map(|column| least[*column]).sum::<f32>() > available {
        let weight = |at: &usize| lesser[shown[*at]];
        let Some(at) = (0..shown.len()).filter(|at| weight(at) > 0).max_by_key(weight) else { break };
        shown.remove(at);
    }
    shown
}

/// What a flexible column gives away at most.
fn at_most(width: f32) -> f32 {
    (width / 2.0).min(width - READABLE).max(0.0)
}

/// Shares the width out: what is left over goes to flexible columns, what is missing comes from
/// them down to half of their contents as long as that can be read; beyond that the table scrolls.
fn share(natural: &[f32], dragged: &[Option<f32>], flex: &[f32], available: f32) -> Vec<f32> {
    let mut widths: Vec<f32> = natural.iter().zip(dragged).map(|(n, d)| d.unwrap_or(*n)).collect();
    let free: Vec<f32> = flex.iter().zip(dragged).map(|(f, d)| if d.is_some() { 0.0 } else { *f }).collect();
    let total: f32 = widths.iter().sum();
    let spare = available - total;
    let weight: f32 = free.iter().sum();
    if spare > 0.0 {
        if weight > 0.0 {
            for (width, flex) in widths.iter_mut().zip(&free) {
                *width += spare * flex / weight;
            }
        } else if let Some(last) = widths.last_mut() {
            *last += spare;
        }
    } else if spare < 0.0 && weight > 0.0 {
        let give: Vec<f32> = widths.iter().zip(&free).map(|(w, f)| if *f > 0.0 { at_most(*w) } else { 0.0 }).collect();
        let can: f32 = give.iter().sum();
        let fraction = if can > 0.0 { (-spare / can).min(1.0) } else { 0.0 };
        for (width, give) in widths.iter_mut().zip(&give) {
            *width -= give * fraction;
        }
    }
    // Whole points keep the columns' edges sharp; the last one takes the rounding.
    let rounded: Vec<f32> = widths.iter().map(|w| w.floor()).collect();
    let lost = widths.iter().sum::<f32>() - rounded.iter().sum::<f32>();
    let mut widths = rounded;
    if let Some(last) = widths.last_mut() {
        *last += lost;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lesser_columns_are_hidden_where_there_is_no_room() {
        let least = [100.0, 60.0, 60.0, 60.0];
        assert_eq!(fitting(&least, &[0, 1, 2, 2], 280.0), [0, 1, 2, 3]);
        assert_eq!(fitting(&least, &[0, 1, 2, 2], 279.0), [0, 1, 2]);
        assert_eq!(fitting(&least, &[0, 1, 2, 2], 170.0), [0, 1]);
        assert_eq!(fitting(&least, &[0, 1, 2, 0], 165.0), [0, 3]);
        // What is never hidden scrolls.
        assert_eq!(fitting(&least, &[0; 4], 10.0), [0, 1, 2, 3]);
    }

    #[track_caller]
    fn check(natural: &[f32], dragged: &[Option<f32>], flex: &[f32], available: f32, want: &[f32]) {
        assert_eq!(share(natural, dragged, flex, available), want);
    }

    #[test]
    fn the_width_is_filled_and_given_back() {
        let none = [None; 3];
        check(&[100.0, 60.0, 60.0], &none, &[1.0, 0.0, 0.0], 400.0, &[280.0, 60.0, 60.0]);
        check(&[100.0, 60.0, 60.0], &none, &[0.0, 0.0, 0.0], 400.0, &[100.0, 60.0, 240.0]);
        check(&[200.0, 60.0, 60.0], &none, &[1.0, 0.0, 0.0], 300.0, &[180.0, 60.0, 60.0]);
        // Too narrow: no less than half, and no less than can be read; then it scrolls.
        check(&[340.0, 60.0, 60.0], &none, &[1.0, 0.0, 0.0], 100.0, &[170.0, 60.0, 60.0]);
        check(&[100.0, 60.0, 60.0], &none, &[1.0, 0.0, 0.0], 180.0, &[100.0, 60.0, 60.0]);
        // A dragged column keeps its width.
        check(&[100.0, 60.0, 60.0], &[Some(80.0), None, None], &[1.0, 0.0, 1.0], 300.0, &[80.0, 60.0, 160.0]);
    }
}
