//! What a model answered, as a table.
//!
//! Names of the columns:
//! - one text or integer for each row beside scores: `label` (`label_<output>` when there are
//!   several such outputs);
//! - scores of classes (an output with class labels, or called something with `prob`):
//!   `probability_<class>`, classes counted from 0 where the model does not name them;
//! - every other output: `<output>`, or `<output>_0`, `<output>_1`, … for several values in a row.
//!
//! - the class worked out from the scores, where the model itself names none: `predicted`, last.
//!
//! A name that the echoed inputs have already gets `predicted_` in front.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use desk_core::words::quoted;
use desk_core::{NamedTensor, TensorData};

use crate::error::DataError;

/// What an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Label,
    Probabilities,
    Raw,
}

/// Joins the echoed columns and the outputs of the same rows to one table.
pub fn predictions_batch(echo: Option<&RecordBatch>, outputs: &[NamedTensor]) -> Result<RecordBatch, DataError> {
    let rows = echo.map(RecordBatch::num_rows).or_else(|| outputs.first().map(|o| o.tensor.rows())).unwrap_or(0);
    let mut fields: Vec<Arc<Field>> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    if let Some(echo) = echo {
        fields.extend(echo.schema().fields().iter().cloned());
        columns.extend(echo.columns().iter().cloned());
    }
    let mut taken: HashSet<String> = fields.iter().map(|field| field.name().clone()).collect();
    let labels = outputs.iter().filter(|output| role(output, outputs) == Role::Label).count();
    for output in outputs {
        if output.tensor.rows() != rows {
            let (name, found) = (&output.name, output.tensor.rows());
            return Err(DataError::Mismatch(format!(
                "output {name} has {found} rows instead of {rows}",
                name = quoted(&name)
            )));
        }
        for (name, column) in split(output, role(output, outputs), labels) {
            let name = unique(name, &mut taken);
            fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
            columns.push(column);
        }
    }
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|e| DataError::Mismatch(e.to_string()))
}

/// The table with the class of each row behind it, in a column of a name that no other has.
pub fn with_classes(table: &RecordBatch, classes: &[Option<String>]) -> Result<RecordBatch, DataError> {
    let schema = table.schema();
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let name = unique("predicted".to_owned(), &mut taken);
    let fields = schema.fields().iter().cloned().chain([Arc::new(Field::new(name, DataType::Utf8, true))]);
    let classes: ArrayRef = Arc::new(classes.iter().map(Option::as_deref).collect::<StringArray>());
    let columns = table.columns().iter().cloned().chain([classes]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
        .map_err(|e| DataError::Mismatch(e.to_string()))
}

/// What the columns of one of the outputs are called.
pub fn names(outputs: &[NamedTensor], at: usize) -> Vec<String> {
    let labels = outputs.iter().filter(|output| role(output, outputs) == Role::Label).count();
    let Some(output) = outputs.get(at) else { return Vec::new() };
    split(output, role(output, outputs), labels).into_iter().map(|(name, _)| name).collect()
}

fn role(output: &NamedTensor, all: &[NamedTensor]) -> Role {
    let element = output.tensor.data.element();
    if element.is_float() && (output.labels.is_some() || output.name.to_lowercase().contains("prob")) {
        return Role::Probabilities;
    }
    let single = output.tensor.row_len() == 1;
    let has_scores = all.iter().any(|other| other.name != output.name && other.tensor.data.element().is_float());
    let named = output.name.to_lowercase().contains("label");
    let discrete = element == desk_core::ElementType::String || element.is_integer();
    if single && discrete && (has_scores || named || element == desk_core::ElementType::String) {
        Role::Label
    } else {
        Role::Raw
    }
}

fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let mut name = name;
    while !taken.insert(name.clone()) {
        name = format!("predicted_{name}");
    }
    name
}

/// The columns of one output with their names.
fn split(output: &NamedTensor, role: Role, labels: usize) -> Vec<(String, ArrayRef)> {
    let width = output.tensor.row_len();
    let classes = output.labels.as_ref().filter(|labels| labels.len() == width);
    let name = |j: usize| match role {
        Role::Label if labels == 1 => "label".to_owned(),
        Role::Label => format!("label_{}", output.name),
        Role::Probabilities => match classes {
            Some(classes) => format!("probability_{}", classes[j]),
            None if width == 1 => "probability".to_owned(),
            None => format!("probability_{j}"),
        },
        Role::Raw if width == 1 => output.name.clone(),
        Role::Raw => format!("{}_{j}", output.name),
    };
    (0..width).map(|j| (name(j), strided(&output.tensor.data, j, width))).collect()
}

/// Every `width`-th element from `j` on.
fn strided(data: &TensorData, j: usize, width: usize) -> ArrayRef {
    macro_rules! pick {
        ($array:ty, $values:expr) => {
            Arc::new(<$array>::from_iter_values($values.iter().skip(j).step_by(width).copied()))
        };
    }
    match data {
        TensorData::Bool(v) => Arc::new(v.iter().skip(j).step_by(width).map(|x| Some(*x)).collect::<BooleanArray>()),
        TensorData::Int8(v) => pick!(Int8Array, v),
        TensorData::Int16(v) => pick!(Int16Array, v),
        TensorData::Int32(v) => pick!(Int32Array, v),
        TensorData::Int64(v) => pick!(Int64Array, v),
        TensorData::Uint8(v) => pick!(UInt8Array, v),
        TensorData::Uint16(v) => pick!(UInt16Array, v),
        TensorData::Uint32(v) => pick!(UInt32Array, v),
        TensorData::Uint64(v) => pick!(UInt64Array, v),
        // Writers need no half precision; float32 holds it exactly.
        TensorData::Float16(v) => Arc::new(Float32Array::from_iter_values(
            v.iter().skip(j).step_by(width).map(|bits| half::f16::from_bits(*bits).to_f32()),
        )),
        TensorData::Float32(v) => pick!(Float32Array, v),
        TensorData::Float64(v) => pick!(Float64Array, v),
        TensorData::String(v) => Arc::new(StringArray::from_iter_values(v.iter().skip(j).step_by(width))),
    }
}

#[cfg(test)]
mod tests {
    use desk_core::Tensor;

    use super::*;

    fn output(name: &str, shape: &[usize], data: TensorData) -> NamedTensor {
        NamedTensor::new(name, Tensor::new(shape.to_vec(), data).expect("fits"))
    }

    #[track_caller]
    fn check(echo: Option<&RecordBatch>, outputs: &[NamedTensor], expect: &[&str]) {
        let batch = predictions_batch(echo, outputs).expect("joins");
        let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn names_of_classifiers_and_regressions() {
        let label = output("output_label", &[2], TensorData::Int64(vec![0, 1]));
        let mut scores = output("output_probability", &[2, 2], TensorData::Float32(vec![0.9, 0.1, 0.2, 0.8]));
        check(None, &[label.clone(), scores.clone()], &["label", "probability_0", "probability_1"]);
        scores.labels = Some(vec!["no".into(), "yes".into()]);
        check(None, &[label, scores], &["label", "probability_no", "probability_yes"]);
        check(None, &[output("variable", &[2, 1], TensorData::Float32(vec![1.0, 2.0]))], &["variable"]);
        check(None, &[output("y", &[1, 2, 2], TensorData::Float32(vec![1.0; 4]))], &["y_0", "y_1", "y_2", "y_3"]);
    }

    #[test]
    fn values_are_taken_by_column_and_names_stay_unique() {
        let echo =
            RecordBatch::try_from_iter([("y", Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef)]).expect("valid");
        let y = output("y", &[2], TensorData::Float32(vec![0.5, 1.5]));
        check(Some(&echo), std::slice::from_ref(&y), &["y", "predicted_y"]);
        let wide = output("z", &[2, 2], TensorData::Float32(vec![1.0, 2.0, 3.0, 4.0]));
        let batch = predictions_batch(Some(&echo), &[wide]).expect("joins");
        assert_eq!(**batch.column(2), Float32Array::from(vec![2.0, 4.0]));
        let classes = [Some("no".to_owned()), None];
        let table = with_classes(&with_classes(&batch, &classes).expect("joins"), &classes).expect("joins");
        let names: Vec<String> = table.schema().fields().iter().skip(3).map(|f| f.name().clone()).collect();
        assert_eq!(names, ["predicted", "predicted_predicted"]);
        let short = output("y", &[1], TensorData::Float32(vec![0.5]));
        assert!(predictions_batch(Some(&echo), &[short]).is_err());
    }
}
