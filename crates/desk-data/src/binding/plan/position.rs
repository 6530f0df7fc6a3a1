//! Columns by position, where neither names nor metadata tell.

use arrow::datatypes::Field;
use desk_core::ElementType;
use desk_core::words::quoted;

use super::super::Source;
use super::super::columns::{by_position, first_texts, is_index};
use super::super::report::How;
use super::Planner;
use super::want::{Want, list_fits, list_width};
use crate::error::DataError;
use crate::table::META_NO_NAMES;

impl<'a> Planner<'a> {
    /// The rest by position: only when the number of columns is right, and never for some inputs
    /// while others were found by name.
    pub(super) fn take_positions(&mut self) -> Result<(), DataError> {
        let open = self.open();
        if let Some(i) = open.iter().find(|i| self.wants[**i].is_scalar()) {
            let why = "it is a single value without rows, and a table holds rows".to_owned();
            return Err(DataError::Input { input: self.wants[*i].name.clone(), why });
        }
        match open[..] {
            [] => Ok(()),
            // Beside inputs that were found by name, a group of columns may go by position, one column not.
            [input] if self.found_columns() == 0 || !self.wants[input].is_narrow() => self.one_by_position(input),
            _ if self.found_columns() == 0 => self.all_by_position(&open),
            _ => Err(self.inputs_missing(&open)),
        }
    }

    pub(super) fn found_columns(&self) -> usize {
        self.wants.iter().filter(|want| matches!(want.found, Some((Source::Columns(_), _)))).count()
    }

    fn inputs_missing(&self, open: &[usize]) -> DataError {
        let missing = open.iter().map(|i| self.wants[*i].name.clone()).collect();
        let extra = self.columns.free().map(|field| field.name().clone()).collect();
        let message = format!("{} of the model's {} inputs have no column", open.len(), self.wants.len());
        DataError::Columns { message, missing, extra }
    }

    fn one_by_position(&mut self, input: usize) -> Result<(), DataError> {
        let want = &self.wants[input];
        let fits = self.positional(want, |field| by_position(want.element, field));
        let kind = if want.element == ElementType::String { "text" } else { "number" };
        let others: Vec<&Field> = self.columns.free().filter(|field| !by_position(want.element, field)).collect();
        let name = &want.name;
        let enough = want.width.map_or(!fits.is_empty(), |width| width == fits.len());
        if !enough {
            let wanted = match want.width {
                Some(1) => format!("one {kind} column"),
                Some(width) => format!("{width} {kind} columns"),
                None => format!("{kind} columns"),
            };
            let wants_lists = want.rank().is_some_and(|rank| rank > 2);
            let list = others.iter().find_map(|field| Some((field.name(), list_width(field)?)));
            let lists: Vec<String> = others
                .iter()
                .filter(|field| list_fits(want, field))
                .map(|field| format!("`{}`", field.name()))
                .collect();
            let message = if lists.len() > 1 {
                let lists = lists.join(", ");
                format!("input `{name}` could take the lists of {lists}; say which: --map {name}=COL")
            } else if let (Some((list, found)), Some(width), false) = (list, want.width, wants_lists) {
                format!(
                    "input {name} wants {width} values in a row, array {list} has {found}",
                    name = quoted(&name),
                    list = quoted(&list)
                )
            } else if wants_lists {
                let shape = &self.signature.inputs[input].value_type;
                format!(
                    "input {name} wants tensors ({shape}); no column holds pictures or arrays of that shape",
                    name = quoted(&name)
                )
            } else {
                format!(
                    "input {name} wants {wanted}, the data has {}{}",
                    fits.len(),
                    first_texts(&others),
                    name = quoted(&name)
                )
            };
            let extra = others.iter().map(|field| field.name().clone()).collect();
            return Err(DataError::Columns { message, missing: Vec::new(), extra });
        }
        if want.width.is_none() {
            let warning = format!(
                "The model does not say how many values input {name} takes; it gets {}",
                fits.len(),
                name = quoted(&name)
            );
            self.report.warnings.push(warning);
        }
        let columns: Vec<String> = fits.iter().map(|field| field.name().clone()).collect();
        self.note_position(input, &columns);
        self.give(input, columns, How::Position);
        self.note_index();
        Ok(())
    }

    /// The free columns that may go by position to one input. Row labels of pandas count only where the model
    /// takes just as many columns as there are with them.
    fn positional(&self, want: &Want, fits: impl Fn(&Field) -> bool) -> Vec<&'a Field> {
        let all: Vec<&Field> = self.columns.free().filter(|field| fits(field)).collect();
        let features: Vec<&Field> = all.iter().copied().filter(|field| !is_index(field)).collect();
        if want.width == Some(all.len()) || features.is_empty() { all } else { features }
    }

    fn note_index(&mut self) {
        let left: Vec<String> =
            self.columns.free().filter(|f| is_index(f)).map(|f| format!("`{}`", f.name())).collect();
        if !left.is_empty() {
            let warning = format!("Column {} looks like row labels of pandas and is left out", left.join(", "));
            self.report.warnings.push(warning);
        }
    }

    /// Nothing but the order says which column is which, so that must be seen.
    fn note_position(&mut self, input: usize, columns: &[String]) {
        const SHOWN: usize = 6;
        // A file without names leaves nothing to compare.
        let said = self.report.warnings.iter().any(|warning| warning.ends_with("by position"));
        if columns.len() < 2 || said || self.schema.metadata().contains_key(META_NO_NAMES) {
            return;
        }
        let shown: Vec<String> = columns.iter().take(SHOWN).map(quoted).collect();
        let more = if columns.len() > SHOWN { ", …" } else { "" };
        let (name, count) = (&self.wants[input].name, columns.len());
        let warning = format!(
            "Input {name} takes its {count} columns by position ({}{more}), as the model does not name its features; \
             in another order they would give other answers",
            shown.join(", "),
            name = quoted(&name)
        );
        self.report.warnings.push(warning);
    }

    fn all_by_position(&mut self, open: &[usize]) -> Result<(), DataError> {
        let widths: Option<Vec<usize>> = open.iter().map(|i| self.wants[*i].width).collect();
        let total = widths.as_ref().map_or(0, |widths| widths.iter().sum::<usize>());
        let mut free: Vec<&Field> = self.columns.free().collect();
        if free.len() != total {
            free.retain(|field| !is_index(field));
        }
        let Some(widths) = widths.filter(|_| total == free.len()) else {
            return Err(self.inputs_missing(open));
        };
        let mut at = 0;
        for (i, width) in open.iter().zip(widths) {
            let columns = &free[at..at + width];
            at += width;
            if let Some(misfit) = columns.iter().find(|field| !by_position(self.wants[*i].element, field)) {
                return Err(self.mistyped(*i, misfit));
            }
            self.give(*i, columns.iter().map(|field| field.name().clone()).collect(), How::Position);
        }
        let warning = "No column is called like an input; the columns were taken by position";
        self.report.warnings.push(warning.into());
        self.note_index();
        Ok(())
    }
}
