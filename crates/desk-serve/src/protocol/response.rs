//! An inference response: JSON, with tensors as JSON or as bytes behind it.

use desk_core::NamedTensor;
use serde::Serialize;

use super::flat::Flat;
use super::request::InferRequest;
use super::{DataType, ProtocolError, binary, refuse};

/// A response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// JSON, then the binary tensors.
    pub body: Vec<u8>,
    /// Length of the JSON part; `None` when everything is JSON.
    pub json_bytes: Option<usize>,
}

#[derive(Serialize)]
struct Body<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    shape: &'a [usize],
    datatype: &'static str,
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    parameters: Parameters<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Flat<'a>>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_data_size: Option<usize>,
    /// Class labels of the columns, for tables of class probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a [String]>,
}

impl Parameters<'_> {
    fn is_empty(&self) -> bool {
        self.binary_data_size.is_none() && self.labels.is_none()
    }
}

/// The answer to a request: the outputs it wanted, in its order, each as JSON or as bytes.
pub fn encode(
    model_name: &str,
    model_version: &str,
    request: &InferRequest,
    outputs: &[NamedTensor],
) -> Result<Encoded, ProtocolError> {
    let chosen: Vec<(&NamedTensor, bool)> = match &request.outputs {
        None => outputs.iter().map(|tensor| (tensor, request.binary_by_default)).collect(),
        Some(wanted) => wanted
            .iter()
            .map(|want| {
                let found = outputs.iter().find(|tensor| tensor.name == want.name);
                found
                    .map(|tensor| (tensor, want.binary))
                    .ok_or_else(|| refuse!("the model gave no output `{}`", want.name))
            })
            .collect::<Result<_, _>>()?,
    };
    let mut tensors = Vec::new();
    let mut list = Vec::with_capacity(chosen.len());
    for (NamedTensor { name, tensor, labels }, as_bytes) in chosen {
        let element = tensor.data.element();
        let data_type = DataType::of(element).ok_or_else(|| refuse!("output `{name}` is {element}"))?;
        let binary_data_size = as_bytes.then(|| binary::encode(&tensor.data, &mut tensors));
        list.push(Output {
            name,
            shape: &tensor.shape,
            datatype: data_type.name(),
            parameters: Parameters { binary_data_size, labels: labels.as_deref() },
            data: (!as_bytes).then_some(Flat(&tensor.data)),
        });
    }
    let any_binary = list.iter().any(|output| output.parameters.binary_data_size.is_some());
    let body = Body { model_name, model_version, id: request.id.as_deref(), outputs: list };
    let mut body = serde_json::to_vec(&body).map_err(|error| refuse!("the answer cannot be written: {error}"))?;
    let json_bytes = any_binary.then_some(body.len());
    body.append(&mut tensors);
    Ok(Encoded { body, json_bytes })
}

#[cfg(test)]
mod tests {
    use desk_core::{Tensor, TensorData};
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::request::WantedOutput;

    fn outputs() -> Vec<NamedTensor> {
        let labels = Tensor::new(vec![2], TensorData::Int64(vec![1, 0])).expect("fits");
        let table = Tensor::new(vec![2, 2], TensorData::Float32(vec![0.25, 0.75, 1.0, 0.0])).expect("fits");
        let mut table = NamedTensor::new("probabilities", table);
        table.labels = Some(vec!["no".into(), "yes".into()]);
        vec![NamedTensor::new("label", labels), table]
    }

    fn request(outputs: Option<Vec<WantedOutput>>) -> InferRequest {
        InferRequest { id: Some("7".into()), inputs: vec![], rows: 2, outputs, binary_by_default: false }
    }

    #[test]
    fn json_response() {
        let encoded = encode("churn", "3", &request(None), &outputs()).expect("fits");
        assert_eq!(encoded.json_bytes, None);
        let found: Value = serde_json::from_slice(&encoded.body).expect("JSON");
        let expect = json!({
            "model_name": "churn", "model_version": "3", "id": "7",
            "outputs": [
                {"name": "label", "shape": [2], "datatype": "INT64", "data": [1, 0]},
                {"name": "probabilities", "shape": [2, 2], "datatype": "FP32",
                 "parameters": {"labels": ["no", "yes"]}, "data": [0.25, 0.75, 1.0, 0.0]},
            ],
        });
        assert_eq!(found, expect);
    }

    #[test]
    fn binary_outputs_follow_in_the_order_asked_for() {
        let want = |name: &str, binary| WantedOutput { name: name.into(), binary };
        let request = request(Some(vec![want("probabilities", true), want("label", true)]));
        let encoded = encode("churn", "3", &request, &outputs()).expect("fits");
        let (json, bytes) = encoded.body.split_at(encoded.json_bytes.expect("binary"));
        let json: Value = serde_json::from_slice(json).expect("JSON");
        assert_eq!(json["outputs"][0]["parameters"]["binary_data_size"], 16);
        assert_eq!(json["outputs"][1]["parameters"]["binary_data_size"], 16);
        assert!(json["outputs"][0].get("data").is_none());
        assert_eq!(bytes[..4], 0.25f32.to_le_bytes());
        assert_eq!(bytes[16..24], 1i64.to_le_bytes());
        assert_eq!(bytes.len(), 32);
    }
}
