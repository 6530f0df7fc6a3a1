//! Do a model's answers belong to the rows it was asked about?

use desk_core::words::quoted;
use desk_core::{Fault, NamedTensor, counted};

/// What to do where they do not; also how such a fault is known again.
const BY_ROW: &str = "Export the model again so that each of its outputs has one answer for each row of input";

/// Refuses answers that are more or fewer than the rows: nobody could tell which belongs to which.
pub fn one_answer_each(rows: usize, outputs: &[NamedTensor]) -> Result<(), Fault> {
    match outputs.iter().find(|output| output.tensor.rows() != rows) {
        Some(output) => {
            let (answers, rows) = (counted(output.tensor.rows() as u64, "row"), counted(rows as u64, "row"));
            Err(Fault::input(format!("output {} has {answers} for {rows} of input", quoted(&output.name))).hint(BY_ROW))
        }
        None => Ok(()),
    }
}

/// The fault is that of [`one_answer_each`].
pub fn is_not_by_row(fault: &Fault) -> bool {
    fault.hints.iter().any(|hint| hint == BY_ROW)
}

#[cfg(test)]
mod tests {
    use desk_core::{Tensor, TensorData};

    use super::*;

    #[test]
    fn answers_are_counted_against_the_rows() {
        let column = Tensor::new(vec![3, 1], TensorData::Float32(vec![0.0; 3])).expect("fits");
        let outputs = [NamedTensor::new("y", column)];
        assert_eq!(one_answer_each(3, &outputs), Ok(()));
        let fault = one_answer_each(1, &outputs).expect_err("three answers to one row");
        assert_eq!(fault.message, "output `y` has 3 rows for 1 row of input");
        assert!(is_not_by_row(&fault) && !is_not_by_row(&Fault::input("another one")));
    }
}
