//! The features of a file by their names, without the model.

use std::path::Path;

use desk_core::{Description, Fault};
use desk_data::FeatureSpace;
use desk_explain::global::Category;
use desk_explain::{FeatureInfo, Table};

use super::columns::{bind, open};
use super::given::feature;
use super::groups;
use super::text::is_one_text;
use crate::command::{Columns, Grouping};
use crate::query::FeatureList;

/// Rows that tell which columns are flags of one category.
const ROWS: u64 = 1_000;
/// A row of an input with so many dimensions is a picture, not numbers with names.
const PICTURE: usize = 3;

/// The features of a file that a model's answers can be looked along.
pub fn readable_features(description: &Description, path: &Path, columns: &Columns) -> Result<FeatureList, Fault> {
    let mut reader = open(path, columns)?;
    let binding = bind(columns, description, reader.as_ref())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let rows = desk_data::read_rows(reader.as_mut(), 0, ROWS)?;
    if rows.num_rows() == 0 {
        return Err(Fault::input(format!("there is no row in {}", path.display())));
    }
    let space = FeatureSpace::from(&binding, std::slice::from_ref(&rows))?;
    let features: Vec<FeatureInfo> = space.features().iter().map(feature).collect();
    let table = space.encode(std::slice::from_ref(&rows))?;
    if is_one_text(&features, &table) {
        let none =
            "The model reads one text: its words have no values to look along. Explain rows to see what words do";
        return Ok(FeatureList { none: Some(none.to_owned()), ..FeatureList::default() });
    }
    let ends = space.shapes().map(|(first, _)| first).skip(1).chain([features.len()]);
    let is_picture = |dims: &[usize]| dims.len() >= PICTURE;
    let named: Vec<usize> = space
        .shapes()
        .zip(ends)
        .filter(|((_, dims), _)| !is_picture(dims))
        .flat_map(|((first, _), end)| first..end)
        .collect();
    if named.is_empty() {
        let none = "The model reads pictures: a pixel is no feature to look along. Explain rows to see what regions do";
        return Ok(FeatureList { none: Some(none.to_owned()), ..FeatureList::default() });
    }
    let whole = Table::new(&table, features.len());
    let mut found = groups::grouped(&Grouping::default(), &features, &[whole])?;
    found.retain(|group| Category::of(group, &features, whole).is_some());
    Ok(FeatureList {
        names: named.into_iter().map(|at| features[at].name.clone()).collect(),
        categories: groups::told(&found, &features, &[]),
        none: None,
    })
}
