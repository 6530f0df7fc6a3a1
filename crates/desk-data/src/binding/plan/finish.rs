//! The plan's end: types that have to fit, what is to be told, and the binding that comes of it.

use arrow::datatypes::{DataType, Field};
use desk_core::words::quoted;
use desk_core::{ElementType, ValueType};

use super::super::columns::{is_text, list_shape};
use super::super::options::{Fill, FillValue};
use super::super::report::{How, InputMapping};
use super::super::{Binding, BoundInput, Source};
use super::Planner;
use super::want::Want;
use crate::error::DataError;
use crate::table::{ColumnType, META_FIRST_TEXT, META_NO_NAMES, META_REPEATED, META_TEXT_SOURCE};

impl Planner<'_> {
    /// A column that was found by name must fit; text that comes from a text file may still turn
    /// out to be numbers with one bad cell, which the reader then names.
    pub(super) fn check_type(&mut self, input: usize, column: &str) -> Result<(), DataError> {
        let field = self.columns.field(column)?;
        let from_text = self.schema.metadata().contains_key(META_TEXT_SOURCE);
        let wants_text = self.wants[input].element == ElementType::String;
        let data_type = field.data_type();
        let plain = data_type.is_numeric() || *data_type == DataType::Boolean || is_text(data_type);
        let fits = if wants_text {
            is_text(data_type) || data_type.is_integer() || from_text && plain
        } else {
            data_type.is_numeric() || *data_type == DataType::Boolean || from_text && is_text(data_type)
        };
        if !fits {
            return Err(self.mistyped(input, field));
        }
        let kind = match self.wants[input].element {
            ElementType::String => Some(ColumnType::Text),
            _ if *data_type == DataType::Boolean => None,
            ElementType::Float64 => Some(ColumnType::Float64),
            ElementType::Float32 | ElementType::Float16 => Some(ColumnType::Float32),
            _ => is_text(data_type).then_some(ColumnType::Float64),
        };
        if from_text && !wants_text && is_text(data_type) {
            let example = field.metadata().get(META_FIRST_TEXT).map_or("", String::as_str);
            self.report.warnings.push(format!(
                "Column {column} holds text ({example}) and is read as numbers",
                column = quoted(&column)
            ));
        }
        if let Some(kind) = kind {
            // A column that feeds inputs of two types is read as the wider one.
            let wider = |old: ColumnType| if old == ColumnType::Float32 { kind } else { old };
            self.read_types.entry(column.to_owned()).and_modify(|old| *old = wider(*old)).or_insert(kind);
        }
        Ok(())
    }

    pub(super) fn mistyped(&self, input: usize, field: &Field) -> DataError {
        let want = &self.wants[input];
        let has = if is_text(field.data_type()) { "text".into() } else { field.data_type().to_string().into() };
        DataError::Mistyped {
            column: field.name().as_str().into(),
            has,
            input: want.name.as_str().into(),
            wants: want.element.name().into(),
            example: field.metadata().get(META_FIRST_TEXT).map(|text| text.as_str().into()),
        }
    }

    pub(super) fn finish(mut self) -> Result<Binding, DataError> {
        for i in 0..self.wants.len() {
            if let Some((Source::Columns(columns), How::Mapping | How::Position)) = self.wants[i].found.clone() {
                columns.iter().try_for_each(|column| self.check_type(i, column))?;
            }
        }
        let fixed: Vec<usize> = self.wants.iter().filter_map(Want::fixed_batch).collect();
        if let Some(other) = fixed.iter().find(|rows| **rows != fixed[0]) {
            let message = format!("the model's inputs take {} and {other} rows at once; that is no table", fixed[0]);
            return Err(DataError::Mismatch(message));
        }
        self.note_repeated()?;
        self.note_no_header();
        let mut inputs = Vec::with_capacity(self.wants.len());
        let unused: Vec<String> = self.columns.free().map(|field| field.name().clone()).collect();
        for (want, info) in std::mem::take(&mut self.wants).into_iter().zip(&self.signature.inputs) {
            let (mut row_shape, scalar) = (want.row_shape(), want.is_scalar());
            let Some((source, how)) = want.found else { continue };
            if let Source::List(column) = &source {
                // The array's own shape settles dimensions that the model leaves open.
                let shape = self.columns.get(column).and_then(list_shape);
                if let Some(shape) = shape.filter(|shape| shape.len() == row_shape.len()) {
                    row_shape = shape.into_iter().map(Some).collect();
                }
            }
            self.describe(&info.value_type, &want.name, &source, how);
            inputs.push(BoundInput { name: want.name, element: want.element, row_shape, scalar, source });
        }
        let fill = self.fill(&inputs)?;
        self.report.unused = unused;
        self.report.target.clone_from(&self.target);
        if let Some(rows) = fixed.first().filter(|rows| **rows > 1) {
            self.report.warnings.push(format!("The model takes exactly {rows} rows at once"));
        }
        Ok(Binding {
            inputs,
            fill,
            target: self.target,
            more_targets: self.options.more_targets.clone(),
            read_types: self.read_types,
            fixed_batch: fixed.first().copied(),
            report: self.report,
        })
    }

    /// What stands for missing cells, as what the inputs take: each column must feed one, and its value must fit.
    fn fill(&self, inputs: &[BoundInput]) -> Result<Fill, DataError> {
        let mut fill = self.options.fill.clone();
        for (column, value) in &mut fill.columns {
            self.columns.field(column)?;
            let feeds = |input: &&BoundInput| match &input.source {
                Source::Columns(names) => names.contains(column),
                Source::List(name) => name == column,
                Source::Image(..) | Source::Constant(_) => false,
            };
            let Some(input) = inputs.iter().find(feeds) else {
                let message =
                    format!("column {} feeds no input, so nothing stands for its missing cells", quoted(column));
                return Err(DataError::Mismatch(message));
            };
            let FillValue::Text(text) = &*value else { continue };
            if input.element == ElementType::String {
                continue;
            }
            let Some(number) = fitting(input.element, text.trim()) else {
                return Err(DataError::Mismatch(format!(
                    "{} is to stand for missing cells of column {}, and input {} takes {}",
                    quoted(text),
                    quoted(column),
                    quoted(&input.name),
                    wanted(input.element)
                )));
            };
            *value = number;
        }
        Ok(fill)
    }

    /// Of several columns of one name it cannot be known which one is meant; those that feed nothing, or go
    /// by position, are only told.
    fn note_repeated(&mut self) -> Result<(), DataError> {
        let Some(names) = self.schema.metadata().get(META_REPEATED) else { return Ok(()) };
        let names: Vec<String> = serde_json::from_str(names).unwrap_or_default();
        let needed = |name: &&String| {
            self.target.as_ref() == Some(*name)
                || self.wants.iter().any(|want| match &want.found {
                    Some((Source::Columns(columns), How::Name | How::FeatureNames)) => columns.contains(*name),
                    Some((Source::List(column), How::Tensor)) => column == *name,
                    _ => false,
                })
        };
        if let Some(column) = names.iter().find(needed) {
            return Err(DataError::Repeated { column: column.clone() });
        }
        let shown: Vec<String> = names.iter().take(6).map(quoted).collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        self.report.warnings.push(format!(
            "Several columns are called {}{more}; here the later ones are called `{}.1` and so on",
            shown.join(", "),
            names.first().map_or("", String::as_str)
        ));
        Ok(())
    }

    fn note_no_header(&mut self) {
        let metadata = self.schema.metadata();
        if let Some(cells) = metadata.get(META_NO_NAMES).filter(|cells| !cells.is_empty()) {
            let warning = format!(
                "The first line ({cells}) was taken for data, as it holds numbers; say so with --no-header, or with \
                 --header if it names the columns"
            );
            self.report.warnings.push(warning);
        }
    }

    fn describe(&mut self, value_type: &ValueType, name: &str, source: &Source, how: How) {
        let (columns, image) = match source {
            Source::Columns(columns) => (columns.clone(), None),
            Source::List(column) => (vec![column.clone()], None),
            Source::Image(column, mapping) => (vec![column.clone()], Some(mapping.clone())),
            Source::Constant(value) => {
                let shown = match value {
                    FillValue::Integer(number) => number.to_string(),
                    FillValue::Number(number) => number.to_string(),
                    FillValue::Text(text) => text.clone(),
                };
                self.report.warnings.push(format!("Input {name} is {shown} in every row", name = quoted(&name)));
                (Vec::new(), None)
            }
        };
        if image.as_ref().is_some_and(|image| image.assumed) {
            let warning = format!(
                "Pixels of input {name} are scaled to 0 to 1; the model does not say what it wants",
                name = quoted(&name)
            );
            self.report.warnings.push(warning);
        }
        self.report.inputs.push(InputMapping {
            input: name.to_owned(),
            wants: value_type.to_string(),
            columns,
            how,
            image,
        });
    }
}

/// A typed value as an input of this type takes it: finite, whole where it has to be, within its range.
fn fitting(element: ElementType, text: &str) -> Option<FillValue> {
    if element.is_float() {
        return text.parse().ok().filter(|number: &f64| number.is_finite()).map(FillValue::Number);
    }
    let whole = match (element, text.to_lowercase().as_str()) {
        (ElementType::Bool, "true") => 1,
        (ElementType::Bool, "false") => 0,
        _ => text.parse().ok()?,
    };
    let (low, high) = range(element)?;
    (low..=high).contains(&whole).then_some(FillValue::Integer(whole))
}

/// The least and the largest number of a type.
fn range(element: ElementType) -> Option<(i128, i128)> {
    Some(match element {
        ElementType::Bool => (0, 1),
        ElementType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        ElementType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        ElementType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        ElementType::Int64 => (i64::MIN.into(), i64::MAX.into()),
        ElementType::Uint8 => (u8::MIN.into(), u8::MAX.into()),
        ElementType::Uint16 => (u16::MIN.into(), u16::MAX.into()),
        ElementType::Uint32 => (u32::MIN.into(), u32::MAX.into()),
        ElementType::Uint64 => (u64::MIN.into(), u64::MAX.into()),
        _ => return None,
    })
}

/// What an input of this type takes, for an error.
fn wanted(element: ElementType) -> String {
    match (element, range(element)) {
        (ElementType::Bool, _) => "true or false".to_owned(),
        (_, Some((low, high))) => format!("whole numbers from {low} to {high}"),
        _ => "numbers".to_owned(),
    }
}
