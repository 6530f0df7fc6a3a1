//! An inference request: JSON, with tensors as JSON or as bytes behind it.

use desk_core::{NamedTensor, Signature, Tensor};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::JsonData;
use super::metadata::data_type_and_shape;
use super::{DataType, ProtocolError, binary, refuse};

/// What a request may ask for.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Largest outermost dimension of an input.
    pub max_rows: usize,
}

/// A request, decoded and checked against the signature.
#[derive(Debug, Clone, PartialEq)]
pub struct InferRequest {
    /// The sender's id, echoed.
    pub id: Option<String>,
    /// The inputs.
    pub inputs: Vec<NamedTensor>,
    /// Rows: the outermost dimension of the first input.
    pub rows: usize,
    /// Outputs that were asked for, in that order; all of them as JSON or bytes when `None`.
    pub outputs: Option<Vec<WantedOutput>>,
    /// Outputs without a wish of their own come as bytes.
    pub binary_by_default: bool,
}

/// One output that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedOutput {
    /// Its name.
    pub name: String,
    /// As bytes behind the JSON.
    pub binary: bool,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
    inputs: Vec<Input>,
    #[serde(default)]
    outputs: Option<Vec<Output>>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
    #[serde(default)]
    data: Option<JsonData>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
}

/// Parameters of the protocol's other extensions: ignoring them would give a wrong answer.
const NOT_SUPPORTED: [&str; 4] =
    ["classification", "shared_memory_region", "shared_memory_byte_size", "shared_memory_offset"];

/// Reads a request body. `json_bytes` is the value of [`super::BINARY_HEADER`], where it was sent: that many bytes
/// are JSON and the rest are tensors; 0 means that the whole body is the only input's tensor.
///
/// # Errors
/// One sentence on the first thing that is wrong: not JSON, an unknown or missing input, a datatype
/// or shape that does not fit the signature, sizes that do not add up, too many rows.
pub fn parse(
    body: &[u8],
    json_bytes: Option<usize>,
    signature: &Signature,
    limits: RequestLimits,
) -> Result<InferRequest, ProtocolError> {
    if json_bytes == Some(0) {
        return raw(body, signature, limits);
    }
    let length = json_bytes.unwrap_or(body.len());
    let (text, mut tensors) = body
        .split_at_checked(length)
        .ok_or_else(|| refuse!("the body has {} bytes, fewer than its header says are JSON ({length})", body.len()))?;
    let parsed: Body = serde_json::from_slice(text).map_err(|error| refuse!("the request is not valid: {error}"))?;
    let binary_by_default = flag(parsed.parameters.as_ref(), "binary_data_output")?.unwrap_or(false);
    let mut inputs = Vec::with_capacity(parsed.inputs.len());
    for input in parsed.inputs {
        inputs.push(read_input(input, &mut tensors, signature)?);
    }
    if !tensors.is_empty() {
        return Err(refuse!("{} bytes follow the last input", tensors.len()));
    }
    let outputs = parsed.outputs.filter(|list| !list.is_empty());
    let outputs = outputs.map(|list| wanted(list, signature, binary_by_default)).transpose()?;
    finish(InferRequest { id: parsed.id, inputs, rows: 0, outputs, binary_by_default }, signature, limits)
}

/// The whole body is one tensor; its shape follows from its size.
fn raw(body: &[u8], signature: &Signature, limits: RequestLimits) -> Result<InferRequest, ProtocolError> {
    let [info] = signature.inputs.as_slice() else {
        return Err(refuse!(
            "a body without JSON needs a model with one input; this one has {}",
            signature.inputs.len()
        ));
    };
    let unknown = || refuse!("the shape of input `{}` does not follow from the size of the body", info.name);
    let (data_type, dims) = data_type_and_shape(&info.value_type).ok_or_else(unknown)?;
    let size = data_type.size().ok_or_else(unknown)?;
    let fixed = dims.iter().filter(|dim| **dim >= 0).try_fold(size, |all, dim| {
        usize::try_from(*dim).ok().and_then(|dim| all.checked_mul(dim)).filter(|product| *product > 0)
    });
    let fixed = fixed.ok_or_else(unknown)?;
    if dims.iter().filter(|dim| **dim < 0).count() > 1 || !body.len().is_multiple_of(fixed) {
        return Err(unknown());
    }
    let open = body.len() / fixed;
    let shape: Vec<usize> = dims.iter().map(|dim| usize::try_from(*dim).unwrap_or(open)).collect();
    let count = body.len() / size;
    let tensor = named(&info.name, shape, binary::decode(data_type, count, body)?)?;
    let request = InferRequest { id: None, inputs: vec![tensor], rows: 0, outputs: None, binary_by_default: true };
    finish(request, signature, limits)
}

fn read_input(input: Input, tensors: &mut &[u8], signature: &Signature) -> Result<NamedTensor, ProtocolError> {
    let Input { name, shape, datatype, parameters, data } = input;
    let of = |error: ProtocolError| refuse!("input `{name}`: {error}");
    refuse_other_extensions(parameters.as_ref()).map_err(of)?;
    let info = signature.inputs.iter().find(|info| info.name == name).ok_or_else(|| unknown_input(&name, signature))?;
    let data_type = DataType::parse(&datatype).ok_or_else(|| of(refuse!("`{datatype}` is not a datatype")))?;
    if let Some((wanted, _)) = data_type_and_shape(&info.value_type)
        && wanted != data_type
    {
        return Err(of(refuse!("the model takes {wanted} and the request has {data_type}")));
    }
    let count = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    let count = count.ok_or_else(|| of(refuse!("the shape {shape:?} is far too large")))?;
    let size = parameters.as_ref().and_then(|p| p.get("binary_data_size"));
    let values = match (data, size) {
        (Some(_), Some(_)) => return Err(of(refuse!("it has both `data` and `binary_data_size`"))),
        (Some(data), None) => {
            data.check_elements(&shape).map_err(of)?;
            if data.len() != count {
                return Err(of(refuse!("the shape {shape:?} needs {count} elements and `data` has {}", data.len())));
            }
            data.check_nesting(&shape).and_then(|()| data.into_tensor_data(data_type, &shape)).map_err(of)?
        }
        (None, Some(size)) => {
            let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
            let size = size.ok_or_else(|| of(refuse!("`binary_data_size` must be a number of bytes")))?;
            let (bytes, rest) = tensors.split_at_checked(size).ok_or_else(|| {
                of(refuse!("`binary_data_size` is {size} and the body has {} bytes left", tensors.len()))
            })?;
            *tensors = rest;
            binary::decode(data_type, count, bytes).map_err(of)?
        }
        (None, None) => return Err(of(refuse!("it has neither `data` nor the parameter `binary_data_size`"))),
    };
    named(&name, shape, values)
}

fn named(name: &str, shape: Vec<usize>, data: desk_core::TensorData) -> Result<NamedTensor, ProtocolError> {
    let tensor = Tensor::new(shape, data).map_err(|error| refuse!("input `{name}`: {error}"))?;
    Ok(NamedTensor::new(name, tensor))
}

fn unknown_input(name: &str, signature: &Signature) -> ProtocolError {
    let known: Vec<String> = signature.inputs.iter().map(|info| format!("`{}`", info.name)).collect();
    refuse!("the model has no input `{name}`; its inputs are {}", known.join(", "))
}

fn wanted(list: Vec<Output>, signature: &Signature, binary: bool) -> Result<Vec<WantedOutput>, ProtocolError> {
    let mut outputs: Vec<WantedOutput> = Vec::with_capacity(list.len());
    for Output { name, parameters } in list {
        let of = |error: ProtocolError| refuse!("output `{name}`: {error}");
        refuse_other_extensions(parameters.as_ref()).map_err(of)?;
        let known = |info: &&desk_core::ValueInfo| info.name == name && data_type_and_shape(&info.value_type).is_some();
        if signature.outputs.iter().find(known).is_none() {
            return Err(refuse!("the model has no output `{name}`"));
        }
        if outputs.iter().any(|other| other.name == name) {
            return Err(refuse!("output `{name}` is asked for twice"));
        }
        let binary = flag(parameters.as_ref(), "binary_data").map_err(of)?.unwrap_or(binary);
        outputs.push(WantedOutput { name, binary });
    }
    Ok(outputs)
}

fn flag(parameters: Option<&Map<String, Value>>, name: &str) -> Result<Option<bool>, ProtocolError> {
    match parameters.and_then(|p| p.get(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(other) => Err(refuse!("the parameter `{name}` must be true or false and is {other}")),
    }
}

fn refuse_other_extensions(parameters: Option<&Map<String, Value>>) -> Result<(), ProtocolError> {
    match NOT_SUPPORTED.iter().find(|name| parameters.is_some_and(|p| p.contains_key(**name))) {
        Some(name) => Err(refuse!("the parameter `{name}` is not supported")),
        None => Ok(()),
    }
}

/// Checks that need all inputs.
fn finish(
    mut request: InferRequest,
    signature: &Signature,
    limits: RequestLimits,
) -> Result<InferRequest, ProtocolError> {
    for (i, input) in request.inputs.iter().enumerate() {
        let name = &input.name;
        if request.inputs[..i].iter().any(|other| other.name == *name) {
            return Err(refuse!("input `{name}` is given twice"));
        }
        let shape = &input.tensor.shape;
        if let Some(info) = signature.inputs.iter().find(|info| info.name == *name) {
            check_shape(info, shape)?;
        }
        if input.tensor.data.is_empty() {
            return Err(refuse!("input `{name}` has no elements (shape {shape:?})"));
        }
        if shape.first().is_some_and(|rows| *rows > limits.max_rows) {
            let rows = input.tensor.rows();
            return Err(refuse!("input `{name}` has {rows} rows; at most {} are answered at once", limits.max_rows));
        }
    }
    if let Some(missing) = signature.inputs.iter().find(|info| !request.inputs.iter().any(|i| i.name == info.name)) {
        return Err(refuse!("input `{}` ({}) is missing", missing.name, missing.value_type));
    }
    request.rows = request.inputs.first().map_or(0, |input| input.tensor.rows());
    Ok(request)
}

/// Inputs whose sizes most likely should be equal and are not, in a sentence: a dimension of one name, else
/// the numbers of rows. Not an error by itself: a model may well take them, or repeat the smaller one.
pub fn sizes_that_differ(inputs: &[NamedTensor], signature: &Signature) -> Option<String> {
    let mut seen: Vec<(&str, &str, usize)> = Vec::new();
    for input in inputs {
        let info = signature.inputs.iter().find(|info| info.name == input.name)?;
        let Some((_, Some(dims))) = info.value_type.as_tensor() else { continue };
        for (dim, size) in dims.iter().zip(&input.tensor.shape) {
            let desk_core::Dim::Symbol(symbol) = dim else { continue };
            match seen.iter().find(|(name, _, other)| name == symbol && other != size) {
                Some((_, other, other_size)) => {
                    return Some(format!(
                        "inputs `{other}` and `{}` must have the same size `{symbol}` and have {other_size} and {size}",
                        input.name
                    ));
                }
                None => seen.push((symbol, &input.name, *size)),
            }
        }
    }
    let (first, rest) = inputs.split_first()?;
    let other = rest.iter().find(|input| input.tensor.rows() != first.tensor.rows())?;
    Some(format!(
        "the inputs have different numbers of rows: `{}` has {} and `{}` has {}",
        first.name,
        first.tensor.rows(),
        other.name,
        other.tensor.rows()
    ))
}

fn check_shape(info: &desk_core::ValueInfo, shape: &[usize]) -> Result<(), ProtocolError> {
    let Some((_, Some(dims))) = info.value_type.as_tensor() else { return Ok(()) };
    let fits = |(dim, size): (&desk_core::Dim, &usize)| match dim {
        desk_core::Dim::Fixed(fixed) => usize::try_from(*fixed).is_ok_and(|fixed| fixed == *size),
        desk_core::Dim::Symbol(_) | desk_core::Dim::Unknown => true,
    };
    if dims.len() == shape.len() && dims.iter().zip(shape).all(fits) {
        return Ok(());
    }
    Err(refuse!("input `{}`: the model takes {} and the request has the shape {shape:?}", info.name, info.value_type))
}

#[cfg(test)]
mod tests {
    use desk_core::{Dim, ElementType, TensorData, ValueInfo, ValueType};

    use super::*;

    fn signature() -> Signature {
        let info = |name: &str, element, dims| ValueInfo {
            name: name.into(),
            value_type: ValueType::Tensor { element, shape: Some(dims) },
        };
        Signature {
            inputs: vec![
                info("x", ElementType::Float32, vec![Dim::Symbol("n".into()), Dim::Fixed(2)]),
                info("s", ElementType::String, vec![Dim::Unknown, Dim::Fixed(1)]),
            ],
            outputs: vec![info("y", ElementType::Float32, vec![Dim::Unknown])],
        }
    }

    const X: &str = r#"{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}"#;
    const S: &str = r#"{"name":"s","shape":[2,1],"datatype":"BYTES","data":[["a"],["b"]]}"#;

    fn read(text: &str) -> Result<InferRequest, ProtocolError> {
        parse(text.as_bytes(), None, &signature(), RequestLimits { max_rows: 3 })
    }

    #[test]
    fn json_request() {
        let text = format!(
            r#"{{"id":"7","inputs":[{X},{S}],"outputs":[{{"name":"y","parameters":{{"binary_data":true}}}}],"more":1}}"#
        );
        let request = read(&text).expect("valid");
        assert_eq!(request.id.as_deref(), Some("7"));
        assert_eq!(request.rows, 2);
        assert_eq!(request.inputs[0].tensor.data, TensorData::Float32(vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(request.inputs[1].tensor.data, TensorData::String(vec!["a".into(), "b".into()]));
        assert_eq!(request.outputs, Some(vec![WantedOutput { name: "y".into(), binary: true }]));
    }

    #[test]
    fn binary_request() {
        let json = r#"{"inputs":[{"name":"s","shape":[1,1],"datatype":"BYTES","parameters":{"binary_data_size":6}},
            {"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}],
            "parameters":{"binary_data_output":true}}"#;
        let mut body = json.as_bytes().to_vec();
        body.extend([2, 0, 0, 0, b'h', b'i']);
        body.extend(1.5f32.to_le_bytes());
        body.extend(2.5f32.to_le_bytes());
        let go = |body: &[u8], length| parse(body, Some(length), &signature(), RequestLimits { max_rows: 3 });
        let request = go(&body, json.len()).expect("valid");
        assert_eq!(request.inputs[0].tensor.data, TensorData::String(vec!["hi".into()]));
        assert_eq!(request.inputs[1].tensor.data, TensorData::Float32(vec![1.5, 2.5]));
        assert!(request.binary_by_default);
        assert!(go(&body[..body.len() - 1], json.len()).is_err());
        assert!(go(&[&body[..], &[0]].concat(), json.len()).expect_err("refused").0.contains("follow"));
        assert!(go(&body, body.len() + 1).is_err());
        assert!(go(&body, json.len() - 1).is_err());
    }

    #[test]
    fn a_body_that_is_one_tensor() {
        let mut signature = signature();
        let body: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let limits = RequestLimits { max_rows: 3 };
        assert!(parse(&body, Some(0), &signature, limits).is_err(), "two inputs");
        signature.inputs.truncate(1);
        let request = parse(&body, Some(0), &signature, limits).expect("valid");
        assert_eq!(request.inputs[0].tensor.shape, [2, 2]);
        assert!(parse(&body[..12], Some(0), &signature, limits).is_err());
        assert!(parse(&[], Some(0), &signature, limits).is_err());
    }

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let error = read(text).expect_err("refused");
        assert!(error.0.contains(says), "{error}");
    }

    #[test]
    fn bad_requests_say_what_is_wrong() {
        let with = |x: &str| format!(r#"{{"inputs":[{x},{S}]}}"#);
        refused("", "not valid");
        refused("{}", "inputs");
        refused("[1]", "not valid");
        refused(&format!(r#"{{"inputs":[{X}]}}"#), "`s`");
        refused(&format!(r#"{{"inputs":[{X},{X},{S}]}}"#), "twice");
        refused(&with(r#"{"name":"z","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}"#), "no input `z`");
        refused(&with(r#"{"name":"x","shape":[2,2],"datatype":"FP64","data":[1,2,3,4]}"#), "takes FP32");
        refused(&with(r#"{"name":"x","shape":[2,2],"datatype":"FLOAT","data":[1,2,3,4]}"#), "not a datatype");
        refused(&with(r#"{"name":"x","shape":[2,3],"datatype":"FP32","data":[1,2,3,4,5,6]}"#), "takes float32 [n, 2]");
        refused(&with(r#"{"name":"x","shape":[4],"datatype":"FP32","data":[1,2,3,4]}"#), "takes float32 [n, 2]");
        refused(&with(r#"{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3]}"#), "needs 4 elements");
        refused(&with(r#"{"name":"x","shape":[-1,2],"datatype":"FP32","data":[1,2]}"#), "not valid");
        refused(&with(r#"{"name":"x","shape":[0,2],"datatype":"FP32","data":[]}"#), "no elements");
        refused(&with(r#"{"name":"x","shape":[4,2],"datatype":"FP32","data":[1,2,3,4,5,6,7,8]}"#), "at most 3");
        refused(&with(r#"{"name":"x","shape":[18446744073709551615,2],"datatype":"FP32","data":[]}"#), "too large");
        refused(&with(r#"{"name":"x","shape":[2,2],"datatype":"FP32"}"#), "neither");
        refused(
            &with(
                r#"{"name":"x","shape":[2,2],"datatype":"FP32","parameters":{"shared_memory_region":"a"},"data":[]}"#,
            ),
            "not supported",
        );
        refused(&format!(r#"{{"inputs":[{X},{S}],"outputs":[{{"name":"q"}}]}}"#), "no output `q`");
        refused(&format!(r#"{{"inputs":[{X},{S}],"parameters":{{"binary_data_output":1}}}}"#), "true or false");
        let deep = "[".repeat(200) + "1" + &"]".repeat(200);
        refused(&format!(r#"{{"inputs":[],"parameters":{{"a":{deep}}}}}"#), "recursion");
    }
}
