//! The search for each input's columns.

use desk_core::words::quoted;
use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::{DataType, Field, Schema};
use desk_core::{Dim, ElementType, Signature, ValueInfo, ValueType};

use super::columns::{Columns, by_position, first_texts, is_image, is_index, is_list, is_text, list_shape};
use super::image::ImageMapping;
use super::options::{BindOptions, FillValue};
use super::report::{How, InputMapping, MappingReport};
use super::{Binding, BoundInput, Source};
use crate::error::DataError;
use crate::table::{ColumnType, META_FIRST_TEXT, META_NO_NAMES, META_REPEATED, META_TEXT_SOURCE};

/// What an input wants, in short.
struct Want {
    name: String,
    element: ElementType,
    dims: Option<Vec<Dim>>,
    /// Values in a row where the model says it.
    width: Option<usize>,
    found: Option<(Source, How)>,
}

impl Want {
    fn of(info: &ValueInfo) -> Result<Self, DataError> {
        let refuse = |why: String| Err(DataError::Input { input: info.name.clone(), why });
        let Some((element, shape)) = info.value_type.as_tensor() else {
            return refuse(format!("it is a {}, not a tensor", info.value_type));
        };
        let supported = element.is_integer()
            || matches!(
                element,
                ElementType::Bool
                    | ElementType::String
                    | ElementType::Float16
                    | ElementType::Float32
                    | ElementType::Float64
            );
        if !supported {
            return refuse(format!("elements of type {element} are not supported"));
        }
        if shape.is_some_and(|dims| dims.contains(&Dim::Fixed(0))) {
            return refuse(format!("its shape, {}, holds no values", info.value_type));
        }
        let width = shape.and_then(|dims| {
            dims.iter().skip(1).try_fold(1usize, |product, dim| match dim {
                Dim::Fixed(n) => product.checked_mul(usize::try_from(*n).ok()?),
                _ => None,
            })
        });
        Ok(Self { name: info.name.clone(), element, dims: shape.map(<[Dim]>::to_vec), width, found: None })
    }

    /// One value in a row.
    fn is_narrow(&self) -> bool {
        self.width == Some(1) && !self.is_scalar()
    }

    /// One value and no rows.
    fn is_scalar(&self) -> bool {
        self.rank() == Some(0)
    }

    fn rank(&self) -> Option<usize> {
        self.dims.as_ref().map(Vec::len)
    }

    fn row_shape(&self) -> Vec<Option<usize>> {
        let open = |dim: &Dim| match dim {
            Dim::Fixed(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        // Without a shape the rows are taken as vectors.
        self.dims.as_ref().map_or_else(|| vec![None], |dims| dims.iter().skip(1).map(open).collect())
    }

    fn fixed_batch(&self) -> Option<usize> {
        match self.dims.as_ref()?.first()? {
            Dim::Fixed(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }
}

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

    /// The rest by position: only when the number of columns is right, and never for some inputs
    /// while others were found by name.
    fn take_positions(&mut self) -> Result<(), DataError> {
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

    fn found_columns(&self) -> usize {
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

    /// A column that was found by name must fit; text that comes from a text file may still turn
    /// out to be numbers with one bad cell, which the reader then names.
    fn check_type(&mut self, input: usize, column: &str) -> Result<(), DataError> {
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

    fn mistyped(&self, input: usize, field: &Field) -> DataError {
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

    fn finish(mut self) -> Result<Binding, DataError> {
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
        self.report.unused = unused;
        self.report.target.clone_from(&self.target);
        if let Some(rows) = fixed.first().filter(|rows| **rows > 1) {
            self.report.warnings.push(format!("The model takes exactly {rows} rows at once"));
        }
        Ok(Binding {
            inputs,
            fill: self.options.fill.clone(),
            target: self.target,
            more_targets: self.options.more_targets.clone(),
            read_types: self.read_types,
            fixed_batch: fixed.first().copied(),
            report: self.report,
        })
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

fn list_width(field: &Field) -> Option<usize> {
    match field.data_type() {
        DataType::FixedSizeList(_, width) => usize::try_from(*width).ok(),
        _ => None,
    }
}

fn list_fits(want: &Want, field: &Field) -> bool {
    let width = match field.data_type() {
        DataType::FixedSizeList(_, width) => *width as usize,
        DataType::List(_) => return want.rank().is_none_or(|rank| rank >= 2),
        _ => return false,
    };
    if want.rank().is_some_and(|rank| rank < 2) {
        return false;
    }
    let fits_width = want.width.is_none_or(|wanted| wanted == width);
    // With open dimensions the array's own shape decides; with fixed ones the number of values.
    let open = want.row_shape();
    let fits_shape = match list_shape(field) {
        Some(shape) if shape.len() == open.len() => open.iter().zip(&shape).all(|(a, b)| a.is_none_or(|a| a == *b)),
        _ => want.width.is_some(),
    };
    fits_width && fits_shape
}
