//! The search for each input's columns.

mod finish;
mod position;
mod want;

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::{Field, Schema};
use desk_core::Signature;
use desk_core::words::quoted;

use self::want::{Want, list_fits};
use super::columns::{Columns, is_image, is_list};
use super::image::ImageMapping;
use super::options::BindOptions;
use super::report::{How, MappingReport};
use super::{Binding, Source};
use crate::error::DataError;
use crate::table::ColumnType;

/// Finds columns for all inputs.
pub struct Planner<'a> {
    schema: &'a Schema,
    options: &'a BindOptions,
    signature: &'a Signature,
    wants: Vec<Want>,
    columns: Columns<'a>,
    target: Option<String>,
    read_types: BTreeMap<String, ColumnType>,
    report: MappingReport,
}

impl<'a> Planner<'a> {
    pub fn new(signature: &'a Signature, schema: &'a Schema, options: &'a BindOptions) -> Result<Self, DataError> {
        let wants = signature.inputs.iter().map(Want::of).collect::<Result<Vec<_>, _>>()?;
        let mut columns = Columns::new(schema);
        if let Some(name) = &options.target {
            columns.field(name)?;
        }
        let hinted = options.target_hint.clone().filter(|name| columns.get(name).is_some());
        let hinted = hinted.filter(|name| !wants.iter().any(|want| want.name == *name));
        let target = options.target.clone().or(hinted);
        if let Some(name) = &target {
            super::target::check(columns.field(name)?)?;
        }
        for name in &options.more_targets {
            super::target::check(columns.field(name)?)?;
        }
        for name in options.drop.iter().chain(&target).chain(&options.more_targets) {
            columns.field(name)?;
            columns.leave_out(name);
        }
        let (report, read_types) = (MappingReport::default(), BTreeMap::new());
        Ok(Self { schema, options, signature, wants, columns, target, read_types, report })
    }

    pub fn run(mut self) -> Result<Binding, DataError> {
        self.take_mapping()?;
        self.take_pictures()?;
        self.take_lists();
        self.take_names()?;
        self.take_feature_names()?;
        self.take_defaults();
        self.take_positions()?;
        self.finish()
    }

    fn open(&self) -> Vec<usize> {
        (0..self.wants.len()).filter(|i| self.wants[*i].found.is_none()).collect()
    }

    fn give(&mut self, input: usize, columns: Vec<String>, how: How) {
        for column in &columns {
            self.columns.give(column);
        }
        self.wants[input].found = Some((Source::Columns(columns), how));
    }

    fn take_mapping(&mut self) -> Result<(), DataError> {
        for (input, columns) in self.options.mapping.iter().flatten() {
            let Some(i) = self.wants.iter().position(|want| want.name == *input) else {
                let names: Vec<&str> = self.wants.iter().map(|w| w.name.as_str()).collect();
                let message =
                    format!("the model has no input {input}; it has {}", names.join(", "), input = quoted(&input));
                return Err(DataError::Mismatch(message));
            };
            let fields: Result<Vec<&Field>, DataError> = columns.iter().map(|name| self.columns.field(name)).collect();
            let fields = fields?;
            if let Some(name) = columns.iter().find(|name| self.columns.is_left_out(name)) {
                let why = if self.target.as_ref() == Some(name) { "is the target" } else { "is to be left out" };
                return Err(DataError::Mismatch(format!(
                    "column {name} {why} and cannot feed input {input} too",
                    name = quoted(&name),
                    input = quoted(&input)
                )));
            }
            if let [field] = fields[..]
                && let Some(source) = self.whole_source(i, field)?
            {
                self.columns.give(field.name());
                self.wants[i].found = Some((source, How::Mapping));
                continue;
            }
            let want = &self.wants[i];
            if want.width.is_some_and(|width| width != columns.len()) {
                let message = format!(
                    "input {input} wants {} values in a row, the mapping gives {}",
                    want.width.unwrap_or(0),
                    columns.len(),
                    input = quoted(&input)
                );
                return Err(DataError::Mismatch(message));
            }
            self.give(i, columns.clone(), How::Mapping);
        }
        Ok(())
    }

    /// The source when one column holds whole rows: pictures or lists.
    fn whole_source(&self, input: usize, field: &Field) -> Result<Option<Source>, DataError> {
        let want = &self.wants[input];
        if is_image(field) {
            return self.picture(want, field).map(Some);
        }
        Ok(is_list(field).then(|| Source::List(field.name().clone())))
    }

    fn picture(&self, want: &Want, field: &Field) -> Result<Source, DataError> {
        let dims = want.dims.as_deref().unwrap_or_default();
        let mapping = ImageMapping::plan(dims, want.element, &self.options.image)
            .map_err(|why| DataError::Input { input: want.name.clone(), why })?;
        Ok(Source::Image(field.name().clone(), mapping))
    }

    fn take_pictures(&mut self) -> Result<(), DataError> {
        for i in self.open() {
            if !matches!(self.wants[i].rank(), Some(3 | 4)) {
                continue;
            }
            let image = self.columns.free().find(|field| is_image(field));
            let Some(field) = image else { return Ok(()) };
            let source = self.picture(&self.wants[i], field)?;
            self.columns.give(field.name());
            self.wants[i].found = Some((source, How::Image));
        }
        Ok(())
    }

    /// List columns by name, then the only one that fits by shape.
    fn take_lists(&mut self) {
        if !self.columns.free().any(is_list) {
            return;
        }
        for i in self.open() {
            let want = &self.wants[i];
            let fitting: Vec<&Field> = self.columns.free().filter(|field| list_fits(want, field)).collect();
            let named = fitting.iter().find(|field| *field.name() == want.name);
            let field = match (named, &fitting[..]) {
                (Some(field), _) => field,
                (None, [only]) => only,
                _ => continue,
            };
            self.columns.give(field.name());
            self.wants[i].found = Some((Source::List(field.name().clone()), How::Tensor));
        }
    }

    /// Inputs of one value a row, by the column of the same name; spelling may differ in case and
    /// punctuation where that is unique.
    fn take_names(&mut self) -> Result<(), DataError> {
        for i in self.open() {
            let want = &self.wants[i];
            if want.is_scalar() || !want.is_narrow() && want.width.is_some() {
                continue;
            }
            if let Some(column) = self.named(&want.name) {
                self.check_type(i, &column)?;
                self.note_spelling(i, &column);
                self.give(i, vec![column], How::Name);
            }
        }
        Ok(())
    }

    fn named(&self, name: &str) -> Option<String> {
        self.columns.named(name).map(|field| field.name().clone())
    }

    fn note_spelling(&mut self, input: usize, column: &str) {
        let name = &self.wants[input].name;
        if name != column {
            self.report.warnings.push(format!(
                "Column {column} is taken for input {name}",
                column = quoted(&column),
                name = quoted(&name)
            ));
        }
    }

    /// By the names that the model was trained with: all columns of one input, or one each.
    fn take_feature_names(&mut self) -> Result<(), DataError> {
        let Some(mut names) = self.options.feature_names.clone() else { return Ok(()) };
        names.retain(|name| !self.columns.is_used(name));
        let open: Vec<usize> = self.open().into_iter().filter(|i| !self.wants[*i].is_scalar()).collect();
        let [input] = open[..] else { return self.share_feature_names(&open, &names) };
        let want = &self.wants[input];
        if want.rank().is_some_and(|rank| rank < 2) || want.width.is_some_and(|width| width != names.len()) {
            if !want.is_narrow() {
                let (count, width) = (names.len(), want.width.unwrap_or(0));
                let name = &want.name;
                let warning = format!(
                    "The model names {count} features, but input {name} takes {width}; the names were not used",
                    name = quoted(&name)
                );
                self.report.warnings.push(warning);
            }
            return Ok(());
        }
        let found: Vec<Option<String>> = names.iter().map(|name| self.named(name)).collect();
        let missing: Vec<String> =
            names.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(n, _)| n.clone()).collect();
        if missing.len() == names.len() {
            let warning = "None of the model's feature names is a column; the columns were taken by position";
            self.report.warnings.push(warning.into());
            return Ok(());
        }
        if !missing.is_empty() {
            let found: HashSet<&String> = found.iter().flatten().collect();
            let extra = self.columns.free().map(|field| field.name().clone()).filter(|name| !found.contains(name));
            let extra = extra.collect();
            let message = format!("the data lacks {} of the model's {} features", missing.len(), names.len());
            return Err(DataError::Columns { message, missing, extra });
        }
        let columns: Vec<String> = found.into_iter().flatten().collect();
        for column in &columns {
            self.check_type(input, column)?;
        }
        self.give(input, columns, How::FeatureNames);
        Ok(())
    }

    /// Several inputs, none of them named like a column: the features in the model's order, cut by
    /// the widths of the inputs.
    fn share_feature_names(&mut self, open: &[usize], names: &[String]) -> Result<(), DataError> {
        let widths: Option<Vec<usize>> = open.iter().map(|i| self.wants[*i].width).collect();
        let columns: Option<Vec<String>> = names.iter().map(|name| self.named(name)).collect();
        let (Some(widths), Some(columns)) = (widths, columns) else { return Ok(()) };
        if self.found_columns() > 0 || open.is_empty() || widths.iter().sum::<usize>() != columns.len() {
            return Ok(());
        }
        let mut rest = &columns[..];
        for (i, width) in open.iter().zip(widths) {
            let (mine, others) = rest.split_at(width);
            mine.iter().try_for_each(|column| self.check_type(*i, column))?;
            self.give(*i, mine.to_vec(), How::FeatureNames);
            rest = others;
        }
        Ok(())
    }

    fn take_defaults(&mut self) {
        for i in self.open() {
            if let Some(value) = self.options.defaults.get(&self.wants[i].name) {
                self.wants[i].found = Some((Source::Constant(value.clone()), How::Default));
            }
        }
    }
}
