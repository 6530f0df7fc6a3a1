//! Rows of a file that stand for all of it, how much is read for them, and what to say when the model stops at them.

use arrow::array::{RecordBatch, UInt32Array};
use desk_core::words::quoted;
use desk_core::{Fault, counted};
use desk_data::{Binding, FeatureSpace, TableReader};

/// Rows of a file that a sample is taken from; pictures take more memory each.
const SAMPLED_FROM: u64 = 100_000;
const PICTURES_SAMPLED_FROM: u64 = 1_000;
/// Features at most: what is explained must be readable, and attributions are rows x features.
const MAX_FEATURES: usize = 20_000;

/// Features of pictures that are explained by their segments.
const MAX_PIXELS: usize = 1_000_000;

/// Refuses models with more features than can be looked at one by one; in `segments` there may be more.
pub fn check_width(space: &FeatureSpace, segments: bool) -> Result<(), Fault> {
    let most = if segments { MAX_PIXELS } else { MAX_FEATURES };
    if space.width() <= most {
        return Ok(());
    }
    let pictures = space.shapes().any(|(first, dims)| desk_explain::Picture::of(first, dims).is_some());
    if pictures && !segments && space.width() <= MAX_PIXELS {
        return Err(Fault::input(format!("{} pixels and channels are too many to explain one by one", space.width()))
            .hint("Explain the picture by segments: --method lime, or --segments 50 with Shapley values"));
    }
    Err(Fault::input(format!("{} features are too many to explain one by one", space.width()))
        .hint(format!("Up to {most} features are; explain a model of a smaller input")))
}

/// Rows spread over those that were read, one drawn of each stretch: the same each time, without a seed to remember. Rows at
/// equal distances would be in step with files that repeat themselves, such as twelve months of one customer after another.
pub struct Sample {
    /// The rows.
    pub rows: RecordBatch,
    /// Where they came from, for people.
    pub origin: String,
    /// The rows that were read.
    pub of: usize,
    /// The file has more rows than those.
    pub partly: bool,
    /// Of each row of the sample its place among those that were read; none where it is all of them.
    places: Option<Vec<usize>>,
}

/// Rows of a file that are read to choose among.
pub fn most_rows(binding: &Binding) -> u64 {
    let pictures = binding.report().inputs.iter().any(|input| input.image.is_some());
    if pictures { PICTURES_SAMPLED_FROM } else { SAMPLED_FROM }
}

impl Sample {
    /// At most `wanted` rows of a reader that stands at the beginning of the file `name`.
    pub fn read(reader: &mut dyn TableReader, binding: &Binding, wanted: usize, name: &str) -> Result<Self, Fault> {
        let most = most_rows(binding);
        let all = desk_data::read_rows(reader, 0, most)?;
        // What stands behind the rows that are read, an error too, is not asked for.
        let partly = all.num_rows() as u64 >= most && !matches!(reader.next_batch(1), Ok(None));
        Self::of(&all, partly, wanted, name)
    }

    fn of(rows: &RecordBatch, partly: bool, wanted: usize, name: &str) -> Result<Self, Fault> {
        let of = rows.num_rows();
        let read = if partly { format!("the first {} of {name}", counted(of as u64, "row")) } else { name.to_owned() };
        if of <= wanted {
            let origin = if partly { read } else { format!("all rows of {name}") };
            return Ok(Self { rows: rows.clone(), origin, of, partly, places: None });
        }
        let places = desk_explain::spread(wanted, of, 0);
        let indices = UInt32Array::from_iter_values(places.iter().map(|place| *place as u32));
        let taken = arrow::compute::take_record_batch(rows, &indices)
            .map_err(|error| Fault::bug("rows of a sample cannot be taken").detail(error.to_string()))?;
        let origin = format!("{} drawn evenly over {read}", counted(wanted as u64, "row"));
        Ok(Self { rows: taken, origin, of, partly, places: Some(places) })
    }

    /// The number in the file, from 1, of a row of the sample, from 1 as well.
    pub fn number(&self, row: u64) -> u64 {
        let at = row.saturating_sub(1);
        self.places.as_ref().and_then(|places| places.get(at as usize)).map_or(at, |place| *place as u64) + 1
    }
}

/// What may be behind an answer that is no number: cells that the model got as NaN.
pub fn with_missing(fault: Fault, missing: &[(String, u64)]) -> Fault {
    match missing.first().filter(|_| fault.message.contains("NaN")) {
        None => fault,
        Some((column, _)) => fault.hint(format!(
            "Cells are missing, of column {} among others, and were given as NaN: say what stands for them, \"Fill \
             missing cells\" in the window, --fill on the command line",
            quoted(column)
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array as _, Int64Array};

    use super::*;

    /// Of a file with twelve months again and again, each month has its share.
    #[test]
    fn a_sample_is_not_in_step_with_what_repeats_itself() {
        let column: Arc<Int64Array> = Arc::new((0..2_400).map(|row| row % 12).collect());
        let all = RecordBatch::try_from_iter([("month", column as _)]).expect("a batch");
        let sample = Sample::of(&all, false, 100, "d.csv").expect("taken");
        let months = sample.rows.column(0).as_any().downcast_ref::<Int64Array>().expect("numbers");
        for month in 0..12 {
            let rows = months.values().iter().filter(|value| **value == month).count();
            assert!((2..=18).contains(&rows), "month {month} in {rows} of 100 rows");
        }
    }

    #[test]
    fn a_row_of_a_sample_is_known_by_its_number_in_the_file() {
        let column: Arc<Int64Array> = Arc::new((1..=10).collect());
        let all = RecordBatch::try_from_iter([("row", column as _)]).expect("a batch");
        for wanted in [1, 3, 7, 10, 50] {
            let sample = Sample::of(&all, false, wanted, "d.csv").expect("taken");
            let numbers = sample.rows.column(0).as_any().downcast_ref::<Int64Array>().expect("numbers");
            assert_eq!(numbers.len(), wanted.min(10));
            for (at, number) in numbers.values().iter().enumerate() {
                assert_eq!(sample.number(at as u64 + 1), *number as u64, "{wanted}");
            }
        }
        let origin = |partly, wanted| Sample::of(&all, partly, wanted, "d.csv").expect("taken").origin;
        assert_eq!([origin(false, 4), origin(false, 10)], ["4 rows drawn evenly over d.csv", "all rows of d.csv"]);
        let first = ["4 rows drawn evenly over the first 10 rows of d.csv", "the first 10 rows of d.csv"];
        assert_eq!([origin(true, 4), origin(true, 10)], first, "not more than was read");
    }
}
