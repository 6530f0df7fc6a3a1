//! What an explanation starts from: rows and background, as they stand in their files and as the model's features.

use arrow::array::RecordBatch;
use desk_core::words::quoted;
use desk_core::{Fault, FaultKind};
use desk_data::{Binding, DataError, FeatureKind, FeatureSpace, Target};
use desk_explain::{FeatureInfo, Method, Picture, Table};

use super::answers::{filled_cells, given_as_nan};
use super::background::Background;
use super::changed;
use super::columns::{bind, open, with_gaps};
use super::groups;
use super::protocol::ExplainRequest;
use super::sampling::{check_width, most_rows, with_missing};
use super::segments::Cut;
use super::unseen::Unseen;

/// Rows and background.
pub(super) struct Given {
    /// How the columns of the data become inputs.
    pub binding: Binding,
    /// The rows that were asked for; where values are changed by hand, before those the same rows with the changes.
    rows: RecordBatch,
    /// Rows of the file that were asked for.
    pub asked: usize,
    /// The file has more, and nobody said where to stop.
    pub partly: bool,
    pub background: Background,
    /// The model's features.
    pub space: FeatureSpace,
    /// How pictures are cut, where their segments are explained.
    pub cut: Option<Cut>,
    /// The features for the engine.
    pub features: Vec<FeatureInfo>,
    /// The rows as numbers, as wide as the features.
    pub table: Vec<f64>,
    /// The background as numbers, as wide as the features.
    pub reference: Vec<f64>,
    /// Categories of the rows and of the background that the model does not know.
    unseen: Unseen,
    behind: Unseen,
}

impl Given {
    /// Reads what an explanation is asked of.
    pub fn read(request: &ExplainRequest, method: Method) -> Result<Self, Fault> {
        let Read { binding, rows, partly } = read_range(request)?;
        let asked = rows.num_rows();
        let background = Background::read(request, &binding)?;
        let changes = changes(request, &binding, &rows, &background)?;
        let rows = changed::beside(rows, &changes)?;
        let placed = |error| placed(error, request, &binding, &rows.slice(0, asked), &background);
        let description = &request.description;
        let unseen = Unseen::among(description, &binding, &told(&rows, asked), request.first_row).map_err(placed)?;
        let behind = Unseen::among(description, &background.binding, &background.rows, 0).map_err(placed)?;
        let behind = behind.numbered(|row| background.number(row));
        let tables = [(&binding, &rows), (&background.binding, &background.rows)];
        let space = FeatureSpace::of_tables(&binding, &tables).map_err(placed)?;
        let cut = Cut::of(&request.settings, method, &space, &binding)?;
        check_width(&space, cut.is_some())?;
        let table = space.encode(std::slice::from_ref(&rows))?;
        let reference = space.encode_with(&background.binding, std::slice::from_ref(&background.rows))?;
        let features: Vec<FeatureInfo> = space.features().iter().map(feature).collect();
        changed::read(&changes, &features)?;
        Ok(Self { binding, rows, asked, partly, background, space, cut, features, table, reference, unseen, behind })
    }

    /// Features of a row.
    pub fn width(&self) -> usize {
        self.space.width()
    }

    /// The features that are a picture, where an input is one.
    pub fn picture(&self) -> Option<Picture> {
        self.space.shapes().find_map(|(first, dims)| Picture::of(first, dims))
    }

    /// Numbers in the file, from 1, of the rows of the table.
    pub fn numbers(&self, first_row: u64) -> Vec<u64> {
        (0..self.rows.num_rows() as u64).map(|row| first_row + row % self.asked as u64 + 1).collect()
    }

    /// The truths that the rows' file has.
    pub fn truths(&self) -> Result<Vec<Target>, Fault> {
        Ok(self.binding.truths(&self.rows)?)
    }

    /// The rows as the file has them. Not the rows as they were changed by hand: a category may have
    /// two levels there for a while.
    pub fn own(&self) -> &[f64] {
        &self.table[..self.asked * self.width()]
    }

    /// The same rows and the background.
    pub fn tables(&self) -> [Table<'_>; 2] {
        [self.own(), &self.reference].map(|table| Table::new(table, self.width()))
    }

    /// A fault of the model, with what in the rows, or else in the background, may have stopped it.
    pub fn stopped(&self, fault: Fault) -> Fault {
        let background = &self.background;
        let missing = [self.binding.missing(&self.rows), background.binding.missing(&background.rows)].concat();
        let fault = if self.unseen.is_empty() { self.behind.explain(fault) } else { self.unseen.explain(fault) };
        with_missing(fault, &missing)
    }

    /// What to know of how columns were found, of unknown categories, and of what stands for missing cells.
    pub fn warnings(&self, fill: &[(String, String)]) -> Vec<String> {
        let told = told(&self.rows, self.asked);
        let mut warnings = self.binding.report().warnings.clone();
        warnings.extend(self.unseen.warnings());
        warnings.extend(given_as_nan(&self.binding.missing(&told)));
        warnings.extend(filled_cells(fill, &self.binding.filled(&told)));
        warnings.extend(self.background.warnings(fill));
        warnings
    }

    /// The first cells of a row of the table as they stood in the data.
    pub fn texts(&self, row: &[f64]) -> Vec<String> {
        row.iter().enumerate().map(|(f, value)| shown(&self.space, f, *value)).collect()
    }
}

/// The cells to change, by their columns: a category that several columns of flags make sets all of them.
fn changes(
    request: &ExplainRequest,
    binding: &Binding,
    rows: &RecordBatch,
    background: &Background,
) -> Result<Vec<(String, String)>, Fault> {
    let column = |name: &str| rows.schema_ref().field_with_name(name).is_ok();
    if request.changes.iter().all(|(name, _)| column(name)) {
        return Ok(request.changes.clone());
    }
    let tables = [(binding, rows), (&background.binding, &background.rows)];
    // What cannot be read is told where the rows are read with their changes.
    let Ok(space) = FeatureSpace::of_tables(binding, &tables) else { return Ok(request.changes.clone()) };
    let mut table = space.encode(std::slice::from_ref(rows))?;
    table.extend(space.encode_with(&background.binding, std::slice::from_ref(&background.rows))?);
    let features: Vec<FeatureInfo> = space.features().iter().map(feature).collect();
    let all = Table::new(&table, space.width());
    let groups = groups::groups(&request.settings, &features, &[all])?;
    let mut changes: Vec<(String, String)> = Vec::new();
    for (name, text) in &request.changes {
        match groups::category(name, &groups, &features, all)?.filter(|_| !column(name)) {
            None => changes.push((name.clone(), text.clone())),
            Some(category) => changes.extend(changed::flags(&category, text, &features)?),
        }
    }
    match (1..changes.len()).find(|at| changes[..*at].iter().any(|(name, _)| *name == changes[*at].0)) {
        None => Ok(changes),
        Some(at) => Err(Fault::new(FaultKind::Usage, format!("column {} is set twice", quoted(&changes[at].0)))
            .hint("Set a category by its name or by its columns, not by both")),
    }
}

/// Of rows with changes it is those that are told of: they are the same rows of the file.
fn told(rows: &RecordBatch, asked: usize) -> RecordBatch {
    rows.slice(rows.num_rows() - asked, asked)
}

/// A value as it stood in the data: what the model reads as float32 has few digits again.
fn shown(space: &FeatureSpace, feature: usize, value: f64) -> String {
    let short = value as f32;
    let numeric = space.features().get(feature).is_none_or(|f| f.kind == FeatureKind::Numeric);
    if numeric && f64::from(short) == value { short.to_string() } else { space.display(feature, value) }
}

/// A feature in the engine's terms.
pub(super) fn feature(feature: &desk_data::Feature) -> FeatureInfo {
    match &feature.kind {
        FeatureKind::Numeric => FeatureInfo::numeric(&feature.name),
        FeatureKind::Categorical { levels } => FeatureInfo::categorical(&feature.name, levels.clone()),
    }
}

/// The rows that were asked for.
struct Read {
    binding: Binding,
    rows: RecordBatch,
    /// The file has more, and nobody said where to stop.
    partly: bool,
}

fn read_range(request: &ExplainRequest) -> Result<Read, Fault> {
    let (path, first) = (&request.data, request.first_row);
    let mut reader = open(path, &request.columns)?;
    let binding = bind(&request.columns, &request.description, reader.as_ref())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let end = request.end_row.unwrap_or_else(|| first.saturating_add(most_rows(&binding)));
    let rows = desk_data::read_rows(reader.as_mut(), first, end)?;
    if rows.num_rows() == 0 {
        return Err(Fault::input(format!("there is no row {} in {}", first + 1, path.display()))
            .hint("Rows are counted from 1; look how many there are with modeldesk predict"));
    }
    // What stands behind the rows that are read, an error too, is not asked for.
    let partly =
        request.usual_end && first + rows.num_rows() as u64 >= end && !matches!(reader.next_batch(1), Ok(None));
    Ok(Read { binding, rows, partly })
}

/// An error of a cell, by its place in the file that it comes from: rows are read from the middle of one, and a
/// background is a sample.
fn placed(
    error: DataError,
    request: &ExplainRequest,
    binding: &Binding,
    rows: &RecordBatch,
    background: &Background,
) -> Fault {
    if let Err(error) = binding.tensors(rows, request.first_row) {
        return with_gaps(error, &request.data, &request.columns, binding).into();
    }
    match background.binding.tensors(&background.rows, 0) {
        Err(error) => {
            Fault::from(background.placed(error, request)).context(format!("background ({})", background.origin))
        }
        Ok(_) => error.into(),
    }
}
