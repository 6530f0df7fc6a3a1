//! Rows with some cells changed, beside the rows as they stand.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::DataType;
use desk_core::words::{quoted, quoted_list, same_value};
use desk_core::{Fault, FaultKind};
use desk_explain::FeatureInfo;
use desk_explain::global::Category;

/// Columns that are named when one is not there.
const NAMED: usize = 20;

/// The rows, and after them the same rows with the changes; only the rows when there is no change.
pub fn beside(rows: RecordBatch, changes: &[(String, String)]) -> Result<RecordBatch, Fault> {
    if changes.is_empty() {
        return Ok(rows);
    }
    let schema = rows.schema();
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    for (name, text) in changes {
        let at = schema.fields().iter().position(|field| field.name() == name).ok_or_else(|| {
            let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            Fault::input(format!("the model reads no column {}", quoted(name)))
                .hint(format!("It reads {}", quoted_list(&known, NAMED)))
        })?;
        columns[at] = cells(name, text, columns[at].data_type(), rows.num_rows())?;
    }
    let bug = |error: arrow::error::ArrowError| Fault::bug("the changed row cannot be made").detail(error.to_string());
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let copy = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(bug)?;
    let rows = RecordBatch::try_new(Arc::clone(&schema), rows.columns().to_vec()).map_err(bug)?;
    concat_batches(&schema, [&rows, &copy]).map_err(bug)
}

/// What makes a row be of a level: 1 in that level's column, 0 in the others of the category.
///
/// # Errors
/// There is no such level.
pub fn flags(category: &Category, text: &str, features: &[FeatureInfo]) -> Result<Vec<(String, String)>, Fault> {
    let Some(wanted) = category.levels.iter().position(|level| same_value(level, text.trim())) else {
        return Err(Fault::input(format!("{} has no level {}", quoted(&category.name), quoted(text)))
            .hint(format!("Its levels are {}", quoted_list(&category.levels, NAMED))));
    };
    let flag = |at: usize| if at == wanted { "1" } else { "0" }.to_owned();
    Ok(category.columns.iter().enumerate().map(|(at, column)| (features[*column].name.clone(), flag(at))).collect())
}

/// Refuses a change of a column that the model does not read, such as that of the truth.
pub fn read(changes: &[(String, String)], features: &[FeatureInfo]) -> Result<(), Fault> {
    let known: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    match changes.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(Fault::input(format!("the model reads no column {}", quoted(name)))
            .hint(format!("It reads {}", quoted_list(&known, NAMED)))),
    }
}

/// A column of one value, in the type that the column has.
fn cells(name: &str, text: &str, wanted: &DataType, rows: usize) -> Result<ArrayRef, Fault> {
    if text.is_empty() {
        return Ok(new_null_array(wanted, rows));
    }
    if wanted.is_nested() || matches!(wanted, DataType::Binary | DataType::LargeBinary) {
        return Err(Fault::input(format!("column {} holds pictures or lists, which cannot be set", quoted(name))));
    }
    if wanted.is_floating() && text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite()) {
        return Err(Fault::input(format!("{} is no finite number: column {}", quoted(text), quoted(name)))
            .hint("Leave the value empty for a missing one"));
    }
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&texts, wanted, &strict).map_err(|error| {
        let what = match wanted {
            DataType::Boolean => "true or false",
            wanted if wanted.is_integer() => "a whole number",
            _ => "a number",
        };
        Fault::new(FaultKind::Input, format!("{} is not {what}: column {}", quoted(text), quoted(name)))
            .detail(error.to_string())
            .hint("Leave the value empty for a missing one")
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, Float64Array, Int64Array};
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn row() -> RecordBatch {
        let age: ArrayRef = Arc::new(Int64Array::from(vec![41]));
        let size: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
        let place: ArrayRef = Arc::new(StringArray::from(vec!["north"]));
        RecordBatch::try_from_iter([("age", age), ("size", size), ("place", place)]).expect("a batch")
    }

    fn set(changes: &[(&str, &str)]) -> Result<RecordBatch, Fault> {
        let changes: Vec<(String, String)> = changes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        beside(row(), &changes)
    }

    #[test]
    fn the_row_stands_first_as_it_is_and_then_as_it_would_be() {
        let both = set(&[("age", "50"), ("size", "-2.25"), ("place", "")]).expect("changed");
        let cell = |row: usize, column: usize| array_value_to_string(both.column(column), row).expect("a text");
        assert_eq!((cell(0, 0), cell(0, 1), cell(0, 2)), ("41".into(), "1.5".into(), "north".into()));
        assert_eq!((cell(1, 0), cell(1, 1)), ("50".into(), "-2.25".into()));
        assert!(both.column(2).is_null(1) && !both.column(2).is_null(0), "an empty text is a missing value");
        assert_eq!(set(&[]).expect("as it is").num_rows(), 1);
    }

    #[test]
    fn a_category_is_set_by_one_of_its_levels() {
        let features: Vec<FeatureInfo> = ["age", "rank_1", "rank_2"].map(FeatureInfo::numeric).into();
        let levels = vec!["1".to_owned(), "2".to_owned()];
        let rank = Category { name: "rank".into(), columns: vec![1, 2], levels };
        let set = |text: &str| flags(&rank, text, &features);
        let second = vec![("rank_1".to_owned(), "0".to_owned()), ("rank_2".into(), "1".into())];
        assert_eq!((set("2"), set(" 2.0")), (Ok(second.clone()), Ok(second)));
        for none in ["3", ""] {
            let fault = set(none).expect_err("no level");
            assert!(fault.message.contains("`rank` has no level") && fault.hints[0].contains("`1`, `2`"), "{fault:?}");
        }
        let change = |name: &str| read(&[(name.to_owned(), String::new())], &features);
        assert!(change("age").is_ok() && change("truth").expect_err("not read").message.contains("`truth`"));
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        let no_column = set(&[("weight", "1")]).expect_err("no such column");
        assert!(no_column.message.contains("`weight`") && no_column.hints[0].contains("`age`"), "{no_column:?}");
        let no_number = set(&[("age", "old")]).expect_err("not a number");
        for text in ["1e400", "NaN", "-inf"] {
            let endless = set(&[("size", text)]).expect_err("not finite").message;
            assert_eq!(endless, format!("`{text}` is no finite number: column `size`"));
        }
        assert!(no_number.message.contains("`old` is not a whole number: column `age`"), "{}", no_number.message);
    }
}
