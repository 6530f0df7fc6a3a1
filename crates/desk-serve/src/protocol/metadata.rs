//! What the server and the model say about themselves.

use desk_core::{Digest, Dim, ElementType, Signature, ValueInfo, ValueType};
use serde_json::{Value, json};

use super::DataType;

/// `GET /v2`.
pub fn server_metadata() -> Value {
    json!({
        "name": "modeldesk-serve",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    })
}

/// `GET /v2/models/NAME`: inputs and outputs with datatypes and shapes, `-1` where a size varies.
///
/// Outputs that cannot be represented are left out. A table of class probabilities (ZipMap) is an
/// `FP32` tensor of `[rows, classes]`. The digest tells apart what a number may name on different desks. Where the
/// names of the classes are known, `labels`, the outputs that have a column for each class name them.
pub fn model_metadata(
    name: &str,
    versions: &[String],
    digest: Digest,
    signature: &Signature,
    labels: Option<&[String]>,
) -> Value {
    let list = |infos: &[ValueInfo]| infos.iter().filter_map(tensor_metadata).collect::<Vec<_>>();
    let mut outputs = list(&signature.outputs);
    let labels = labels.filter(|labels| !labels.is_empty());
    for output in &mut outputs {
        if let Some(labels) = labels.filter(|labels| has_a_column_each(output, labels.len())) {
            output["parameters"] = json!({"labels": labels});
        }
    }
    json!({
        "name": name,
        "versions": versions,
        "platform": "onnxruntime_onnx",
        "parameters": {"digest": digest.to_string()},
        "inputs": list(&signature.inputs),
        "outputs": outputs,
    })
}

/// Numbers in rows of one column for each class; a table of class probabilities has them without saying how many.
fn has_a_column_each(output: &Value, classes: usize) -> bool {
    let is_float = output["datatype"].as_str().is_some_and(|name| name.starts_with("FP"));
    let shape = output["shape"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [_, width] = shape else { return false };
    is_float && width.as_i64().is_some_and(|width| width == classes as i64 || width == -1)
}

fn tensor_metadata(info: &ValueInfo) -> Option<Value> {
    let (data_type, shape) = data_type_and_shape(&info.value_type)?;
    Some(json!({"name": info.name, "datatype": data_type.name(), "shape": shape}))
}

/// The datatype of a value and its shape with `-1` for sizes that vary.
pub fn data_type_and_shape(value_type: &ValueType) -> Option<(DataType, Vec<i64>)> {
    match value_type {
        ValueType::Tensor { element, shape } => {
            let dims = shape.as_ref().map_or_else(|| vec![-1], |dims| dims.iter().map(dim).collect());
            Some((DataType::of(*element)?, dims))
        }
        ValueType::Sequence { item } => match item.as_ref() {
            ValueType::Map { .. } => data_type_and_shape(item),
            _ => None,
        },
        ValueType::Map { value, .. } => match value.as_tensor() {
            Some((ElementType::Float32, _)) => Some((DataType::Fp32, vec![-1, -1])),
            _ => None,
        },
        ValueType::Optional { .. } | ValueType::Unsupported { .. } => None,
    }
}

fn dim(dim: &Dim) -> i64 {
    match dim {
        Dim::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        Dim::Symbol(_) | Dim::Unknown => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_class_tables() {
        let tensor = |element, shape| ValueType::Tensor { element, shape };
        let info = |name: &str, value_type| ValueInfo { name: name.into(), value_type };
        let map = ValueType::Map { key: ElementType::Int64, value: Box::new(tensor(ElementType::Float32, None)) };
        let signature = Signature {
            inputs: vec![info("x", tensor(ElementType::Float32, Some(vec![Dim::Symbol("n".into()), Dim::Fixed(4)])))],
            outputs: vec![
                info("label", tensor(ElementType::String, Some(vec![Dim::Unknown]))),
                info("probabilities", ValueType::Sequence { item: Box::new(map) }),
                info("odd", tensor(ElementType::Complex64, None)),
            ],
        };
        let found = model_metadata("churn", &["3".into()], Digest::of("x"), &signature, None);
        let expect = json!({
            "name": "churn", "versions": ["3"], "platform": "onnxruntime_onnx",
            "parameters": {"digest": Digest::of("x").to_string()},
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": [
                {"name": "label", "datatype": "BYTES", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP32", "shape": [-1, -1]},
            ],
        });
        assert_eq!(found, expect);
        let labels = ["no".to_owned(), "yes".to_owned()];
        let named = model_metadata("churn", &["3".into()], Digest::of("x"), &signature, Some(&labels));
        assert_eq!(named["outputs"][1]["parameters"], json!({"labels": ["no", "yes"]}));
        assert_eq!(named["outputs"][0].get("parameters"), None, "one label a row is no column for each class");
    }

    #[test]
    fn classes_are_named_where_an_output_has_a_column_for_each() {
        let output = |datatype: &str, shape: &[i64]| json!({"datatype": datatype, "shape": shape});
        assert!(has_a_column_each(&output("FP32", &[-1, 3]), 3));
        assert!(has_a_column_each(&output("FP64", &[1, -1]), 3));
        assert!(!has_a_column_each(&output("FP32", &[-1, 4]), 3), "other numbers");
        assert!(!has_a_column_each(&output("INT64", &[-1, 3]), 3));
        assert!(!has_a_column_each(&output("FP32", &[-1]), 3));
    }
}
