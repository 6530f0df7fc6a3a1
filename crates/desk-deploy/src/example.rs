//! A request that a version answers, ready to be sent by hand.

use desk_core::words::shell_word;
use desk_core::{GoldenRows, NamedTensor, TensorData};

use crate::oip::{datatype, model_url, needs_binary};

/// The command line that asks the model at an address for one of its golden rows; of a model whose size of a batch
/// is fixed for as many. `None` where JSON cannot carry the values.
pub fn example(base: &str, model: &str, golden: &GoldenRows, batch: Option<usize>) -> Option<String> {
    let rows = batch.unwrap_or(1);
    let by_row = golden.inputs.iter().all(|input| input.tensor.rows() == golden.rows);
    let fits = |inputs: &Vec<NamedTensor>| !inputs.iter().any(|input| needs_binary(&input.tensor.data));
    let inputs = if by_row && rows > 0 {
        let starts = (0..golden.rows).step_by(rows).filter(|start| start + rows <= golden.rows);
        let cut = |start: usize| -> Vec<NamedTensor> {
            let part =
                |input: &NamedTensor| NamedTensor::new(&input.name, input.tensor.slice_rows(start, start + rows));
            golden.inputs.iter().map(part).collect()
        };
        starts.map(cut).find(fits)?
    } else {
        Some(golden.inputs.clone()).filter(fits)?
    };
    let inputs: Option<Vec<String>> = inputs.iter().map(input).collect();
    let body = format!(r#"{{"inputs":[{}]}}"#, inputs?.join(","));
    let url = format!("{}/infer", model_url(base, model));
    Some(format!("curl -s {} -H 'Content-Type: application/json' -d {}", shell_word(&url), shell_word(&body)))
}

/// Numbers as short as they can be written: as values of JSON they would all be doubles.
fn input(input: &NamedTensor) -> Option<String> {
    let name = serde_json::to_string(&input.name).ok()?;
    let (shape, kind) = (serde_json::to_string(&input.tensor.shape).ok()?, datatype(&input.tensor.data));
    let data = numbers(&input.tensor.data)?;
    Some(format!(r#"{{"name":{name},"shape":{shape},"datatype":"{kind}","data":{data}}}"#))
}

fn numbers(data: &TensorData) -> Option<String> {
    let text = match data {
        TensorData::Bool(v) => serde_json::to_string(v),
        TensorData::Int8(v) => serde_json::to_string(v),
        TensorData::Int16(v) => serde_json::to_string(v),
        TensorData::Int32(v) => serde_json::to_string(v),
        TensorData::Int64(v) => serde_json::to_string(v),
        TensorData::Uint8(v) => serde_json::to_string(v),
        TensorData::Uint16(v) => serde_json::to_string(v),
        TensorData::Float16(_) => return None,
        TensorData::Uint32(v) => serde_json::to_string(v),
        TensorData::Uint64(v) => serde_json::to_string(v),
        TensorData::Float32(v) => serde_json::to_string(v),
        TensorData::Float64(v) => serde_json::to_string(v),
        TensorData::String(v) => serde_json::to_string(v),
    };
    text.ok()
}

#[cfg(test)]
mod tests {
    use desk_core::{GoldenSource, Tensor};

    use super::*;

    fn golden(values: Vec<f32>) -> GoldenRows {
        let rows = values.len() / 2;
        let input = NamedTensor::new("X", Tensor { shape: vec![rows, 2], data: TensorData::Float32(values) });
        let (source, outputs) = (GoldenSource::Generated, Vec::new());
        GoldenRows { source, rows, inputs: vec![input], outputs, made_with: String::new() }
    }

    #[test]
    fn the_first_row_that_json_can_carry_is_asked_for() {
        let golden = golden(vec![f32::NAN, 1.0, 0.1, -2.5]);
        let line = example("http://127.0.0.1:8080", "it's", &golden, None).expect("a line");
        assert_eq!(
            line,
            "curl -s http://127.0.0.1:8080/v2/models/it%27s/infer -H 'Content-Type: application/json' -d \
             '{\"inputs\":[{\"name\":\"X\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[0.1,-2.5]}]}'"
        );
    }

    #[test]
    fn a_fixed_batch_is_kept_whole_and_what_json_cannot_carry_is_left() {
        let line = example("http://h:1", "m", &golden(vec![1.0; 8]), Some(4)).expect("a line");
        assert!(line.contains("\"shape\":[4,2]"), "{line}");
        assert!(example("http://h:1", "m", &golden(vec![1.0; 8]), Some(5)).is_none(), "too few rows");
        assert!(example("http://h:1", "m", &golden(vec![f32::INFINITY; 2]), None).is_none());
    }
}
