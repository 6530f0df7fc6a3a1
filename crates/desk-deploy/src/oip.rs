//! A client of the Open Inference Protocol v2 over REST.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use desk_core::{Cancel, NamedTensor, Tensor, TensorData};
use reqwest::blocking::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{DeployError, Result};

/// The HTTP header that says how long the JSON part of a binary request is.
const JSON_LENGTH: &str = "inference-header-content-length";

/// How often a cancel is looked at while an answer is waited for.
const CANCEL_TICK: Duration = Duration::from_millis(20);

/// Requests to one model server.
#[derive(Clone)]
pub struct OipClient {
    base: String,
    client: Client,
    token: Option<SecretString>,
}

/// What a server says of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModelMetadata {
    /// The model's name.
    pub name: String,
    /// Versions that it serves.
    #[serde(default)]
    pub versions: Option<Vec<String>>,
}

impl OipClient {
    /// A client of `http://host:port`. No proxy, no redirects: the address is meant literally.
    pub fn new(base: impl Into<String>) -> Result<Self> {
        let base = base.into().trim_end_matches('/').to_owned();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_mins(2))
            .build()
            .map_err(|e| http(&base, &e.to_string()))?;
        Ok(Self { base, client, token: None })
    }

    /// Sends a bearer token with every request.
    #[must_use]
    pub fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// True when the model says that it is ready; false on any other answer or none.
    pub fn is_ready(&self, model: &str) -> bool {
        let url = self.url(&["v2", "models", model, "ready"]);
        self.signed(self.client.get(url))
            .timeout(Duration::from_secs(5))
            .send()
            .is_ok_and(|response| response.status().is_success())
    }

    /// What the server says of a model.
    pub fn metadata(&self, model: &str) -> Result<ModelMetadata> {
        let url = self.url(&["v2", "models", model]);
        let response = self.signed(self.client.get(&url)).send().map_err(|e| failed(&url, &e))?;
        let (_, body) = checked(&url, response)?;
        serde_json::from_slice(&body).map_err(|e| http(&url, &format!("its metadata cannot be read: {e}")))
    }

    /// As [`OipClient::infer`], given up as soon as somebody cancels: the request then goes on without anybody
    /// who waits for it, until the far side closes the connection.
    pub fn infer_until(
        &self,
        model: &str,
        version: Option<&str>,
        inputs: &[NamedTensor],
        outputs: &[NamedTensor],
        cancel: &Cancel,
    ) -> Result<Vec<NamedTensor>> {
        let (client, model, version) = (self.clone(), model.to_owned(), version.map(str::to_owned));
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        let (answer, answers) = std::sync::mpsc::channel();
        let spawned = std::thread::Builder::new().name("infer".into()).spawn(move || {
            // Nobody reads what comes after a cancel.
            drop(answer.send(client.infer(&model, version.as_deref(), &inputs, &outputs)));
        });
        spawned.map_err(|e| http(&self.base, &format!("no thread for the request: {e}")))?;
        loop {
            cancel.check()?;
            match answers.recv_timeout(CANCEL_TICK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(http(&self.base, "the request ended without an answer"));
                }
            }
        }
    }

    /// Runs the model on inputs. Values that JSON cannot carry (NaN, infinities, half precision)
    /// go and come as binary tensors.
    ///
    /// With a version only that version answers; a server that serves another one refuses.
    pub fn infer(
        &self,
        model: &str,
        version: Option<&str>,
        inputs: &[NamedTensor],
        outputs: &[NamedTensor],
    ) -> Result<Vec<NamedTensor>> {
        let url = match version {
            Some(version) => self.url(&["v2", "models", model, "versions", version, "infer"]),
            None => self.url(&["v2", "models", model, "infer"]),
        };
        let binary = inputs.iter().chain(outputs).any(|tensor| needs_binary(&tensor.tensor.data));
        let mut request = self.signed(self.client.post(&url));
        if binary {
            let (header, body) = binary_request(inputs, outputs);
            request = request.header(JSON_LENGTH, header).header("content-type", "application/octet-stream").body(body);
        } else {
            request = request.json(&json_request(inputs, outputs));
        }
        let response = request.send().map_err(|e| failed(&url, &e))?;
        let (json_length, body) = checked(&url, response)?;
        read_response(&body, json_length).map_err(|problem| http(&url, &problem))
    }

    fn url(&self, parts: &[&str]) -> String {
        joined(&self.base, parts)
    }
}

fn joined(base: &str, parts: &[&str]) -> String {
    let mut url = base.to_owned();
    for part in parts {
        url.push('/');
        url.push_str(&percent_encode(part));
    }
    url
}

/// Where a server answers about a model.
pub(crate) fn model_url(base: &str, model: &str) -> String {
    joined(base.trim_end_matches('/'), &["v2", "models", model])
}

/// RFC 3986: everything but unreserved characters is encoded. Model names may hold any letter.
fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        out
    })
}

fn http(url: &str, problem: &str) -> DeployError {
    DeployError::Http { problem: problem.to_owned(), url: url.to_owned() }
}

fn failed(url: &str, error: &reqwest::Error) -> DeployError {
    let mut problem = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        problem = cause.to_string();
        source = cause.source();
    }
    http(url, &problem)
}

/// The body of a successful answer and the length of its JSON part, if it has a binary one.
fn checked(url: &str, response: Response) -> Result<(Option<usize>, Vec<u8>)> {
    let status = response.status();
    let json_length = response.headers().get(JSON_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.bytes().map_err(|e| failed(url, &e))?.to_vec();
    if status.is_success() {
        return Ok((json_length, body));
    }
    let said = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|value| Some(value.get("error")?.as_str()?.to_owned()))
        .unwrap_or_else(|| String::from_utf8_lossy(&body).chars().take(500).collect());
    Err(http(url, &format!("{status}: {said}")))
}

/// JSON has no word for some of the values.
pub(crate) fn needs_binary(data: &TensorData) -> bool {
    match data {
        TensorData::Float16(_) => true,
        TensorData::Float32(values) => values.iter().any(|v| !v.is_finite()),
        TensorData::Float64(values) => values.iter().any(|v| !v.is_finite()),
        _ => false,
    }
}

/// The protocol's name of an element type.
pub(crate) fn datatype(data: &TensorData) -> &'static str {
    match data {
        TensorData::Bool(_) => "BOOL",
        TensorData::Int8(_) => "INT8",
        TensorData::Int16(_) => "INT16",
        TensorData::Int32(_) => "INT32",
        TensorData::Int64(_) => "INT64",
        TensorData::Uint8(_) => "UINT8",
        TensorData::Uint16(_) => "UINT16",
        TensorData::Uint32(_) => "UINT32",
        TensorData::Uint64(_) => "UINT64",
        TensorData::Float16(_) => "FP16",
        TensorData::Float32(_) => "FP32",
        TensorData::Float64(_) => "FP64",
        TensorData::String(_) => "BYTES",
    }
}

fn head(tensor: &NamedTensor) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("name".into(), json!(tensor.name));
    head.insert("shape".into(), json!(tensor.tensor.shape));
    head.insert("datatype".into(), json!(datatype(&tensor.tensor.data)));
    head
}

fn json_request(inputs: &[NamedTensor], outputs: &[NamedTensor]) -> Value {
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|tensor| {
            let mut head = head(tensor);
            head.insert("data".into(), json_data(&tensor.tensor.data));
            Value::Object(head)
        })
        .collect();
    let outputs: Vec<Value> = outputs.iter().map(|tensor| json!({ "name": tensor.name })).collect();
    json!({ "inputs": inputs, "outputs": outputs })
}

fn json_data(data: &TensorData) -> Value {
    match data {
        TensorData::Bool(v) => json!(v),
        TensorData::Int8(v) => json!(v),
        TensorData::Int16(v) => json!(v),
        TensorData::Int32(v) => json!(v),
        TensorData::Int64(v) => json!(v),
        TensorData::Uint8(v) => json!(v),
        TensorData::Uint16(v) | TensorData::Float16(v) => json!(v),
        TensorData::Uint32(v) => json!(v),
        TensorData::Uint64(v) => json!(v),
        TensorData::Float32(v) => json!(v),
        TensorData::Float64(v) => json!(v),
        TensorData::String(v) => json!(v),
    }
}

/// The binary tensor extension: a JSON head without data, then the tensors' bytes one after the
/// other; numbers little-endian, strings with a 4-byte length each.
fn binary_request(inputs: &[NamedTensor], outputs: &[NamedTensor]) -> (usize, Vec<u8>) {
    let mut tail = Vec::new();
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|tensor| {
            let bytes = to_bytes(&tensor.tensor.data);
            let mut head = head(tensor);
            head.insert("parameters".into(), json!({ "binary_data_size": bytes.len() }));
            tail.extend(bytes);
            Value::Object(head)
        })
        .collect();
    let outputs: Vec<Value> =
        outputs.iter().map(|t| json!({ "name": t.name, "parameters": { "binary_data": true } })).collect();
    let mut body = json!({ "inputs": inputs, "outputs": outputs }).to_string().into_bytes();
    let length = body.len();
    body.extend(tail);
    (length, body)
}

fn to_bytes(data: &TensorData) -> Vec<u8> {
    match data {
        TensorData::Bool(v) => v.iter().map(|x| u8::from(*x)).collect(),
        TensorData::Int8(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Int16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Int32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Int64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Uint8(v) => v.clone(),
        TensorData::Uint16(v) | TensorData::Float16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Uint32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Uint64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Float32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::Float64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::String(v) => {
            v.iter().flat_map(|text| (text.len() as u32).to_le_bytes().into_iter().chain(text.bytes())).collect()
        }
    }
}

#[derive(Deserialize)]
struct InferResponse {
    outputs: Vec<OutputTensor>,
}

#[derive(Deserialize)]
struct OutputTensor {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
}

/// Reads an answer; the error says what is wrong with it.
fn read_response(body: &[u8], json_length: Option<usize>) -> std::result::Result<Vec<NamedTensor>, String> {
    let split = json_length.unwrap_or(body.len());
    let (head, mut rest) = body.split_at_checked(split).ok_or("its JSON part is shorter than announced")?;
    let response: InferResponse =
        serde_json::from_slice(head).map_err(|e| format!("its answer cannot be read: {e}"))?;
    let mut tensors = Vec::with_capacity(response.outputs.len());
    for output in response.outputs {
        let name = output.name.clone();
        let size = output.parameters.as_ref().and_then(|p| p.get("binary_data_size")).and_then(Value::as_u64);
        let data = match (size, &output.data) {
            (Some(size), _) => {
                let (bytes, after) = rest
                    .split_at_checked(size as usize)
                    .ok_or_else(|| format!("output `{name}` is shorter than announced"))?;
                rest = after;
                from_bytes(&output.datatype, bytes)
            }
            (None, Some(data)) => {
                let mut flat = Vec::new();
                flatten(data, &mut flat);
                from_json(&output.datatype, &flat)
            }
            (None, None) => None,
        };
        let data = data.ok_or_else(|| format!("output `{name}` holds no {} values", output.datatype))?;
        let tensor = Tensor::new(output.shape, data).map_err(|e| format!("output `{name}`: {e}"))?;
        tensors.push(NamedTensor::new(name, tensor));
    }
    Ok(tensors)
}

/// The protocol allows nested and flat arrays.
fn flatten<'v>(value: &'v Value, into: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        other => into.push(other),
    }
}

fn from_json(datatype: &str, values: &[&Value]) -> Option<TensorData> {
    fn ints<T: TryFrom<i64>>(values: &[&Value]) -> Option<Vec<T>> {
        values.iter().map(|v| T::try_from(v.as_i64()?).ok()).collect()
    }
    // JSON has no NaN and no infinity; servers write null or a text for them.
    let float = |value: &&Value| match value {
        Value::Null => Some(f64::NAN),
        Value::String(text) => ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()).then(|| text.parse().ok())?,
        value => value.as_f64(),
    };
    let floats = || values.iter().map(float).collect::<Option<Vec<f64>>>();
    Some(match datatype {
        "BOOL" => TensorData::Bool(values.iter().map(|v| v.as_bool()).collect::<Option<_>>()?),
        "INT8" => TensorData::Int8(ints(values)?),
        "INT16" => TensorData::Int16(ints(values)?),
        "INT32" => TensorData::Int32(ints(values)?),
        "INT64" => TensorData::Int64(ints(values)?),
        "UINT8" => TensorData::Uint8(ints(values)?),
        "UINT16" => TensorData::Uint16(ints(values)?),
        "UINT32" => TensorData::Uint32(ints(values)?),
        "UINT64" => TensorData::Uint64(values.iter().map(|v| v.as_u64()).collect::<Option<_>>()?),
        "FP32" => TensorData::Float32(floats()?.into_iter().map(|v| v as f32).collect()),
        "FP64" => TensorData::Float64(floats()?),
        "BYTES" => TensorData::String(values.iter().map(|v| Some(v.as_str()?.to_owned())).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn from_bytes(datatype: &str, bytes: &[u8]) -> Option<TensorData> {
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {{
            let (chunks, rest) = bytes.as_chunks::<{ size_of::<$type>() }>();
            rest.is_empty().then(|| TensorData::$variant(chunks.iter().map(|c| <$type>::from_le_bytes(*c)).collect()))
        }};
    }
    match datatype {
        "BOOL" => Some(TensorData::Bool(bytes.iter().map(|b| *b != 0).collect())),
        "INT8" => numbers!(Int8, i8),
        "INT16" => numbers!(Int16, i16),
        "INT32" => numbers!(Int32, i32),
        "INT64" => numbers!(Int64, i64),
        "UINT8" => Some(TensorData::Uint8(bytes.to_vec())),
        "UINT16" => numbers!(Uint16, u16),
        "UINT32" => numbers!(Uint32, u32),
        "UINT64" => numbers!(Uint64, u64),
        "FP16" => numbers!(Float16, u16),
        "FP32" => numbers!(Float32, f32),
        "FP64" => numbers!(Float64, f64),
        "BYTES" => {
            let mut texts = Vec::new();
            let mut rest = bytes;
            while !rest.is_empty() {
                let (length, after) = rest.split_first_chunk::<4>()?;
                let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                texts.push(String::from_utf8(text.to_vec()).ok()?);
                rest = after;
            }
            Some(TensorData::String(texts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: Vec<usize>, data: TensorData) -> NamedTensor {
        NamedTensor::new(name, Tensor::new(shape, data).expect("fits"))
    }

    #[test]
    fn a_json_answer_may_be_nested_or_flat_and_null_is_nan() {
        let body = br#"{"outputs":[{"name":"p","shape":[2,2],"datatype":"FP32","data":[[0.5,"-Infinity"],[1,null]]},
            {"name":"l","shape":[2],"datatype":"BYTES","data":["a","b"]}]}"#;
        let tensors = read_response(body, None).expect("reads");
        let TensorData::Float32(values) = &tensors[0].tensor.data else { panic!("{tensors:?}") };
        assert_eq!(values[..3], [0.5, f32::NEG_INFINITY, 1.0]);
        assert!(values[3].is_nan());
        assert_eq!(tensors[1], tensor("l", vec![2], TensorData::String(vec!["a".into(), "b".into()])));
    }

    #[test]
    fn wrong_answers_are_told_apart() {
        let read = |text: &str| read_response(text.as_bytes(), None).expect_err("must be refused");
        assert!(read("{}").contains("outputs"));
        assert!(read(r#"{"outputs":[{"name":"p","shape":[3],"datatype":"FP32","data":[1]}]}"#).contains("shape"));
        assert!(read(r#"{"outputs":[{"name":"p","shape":[1],"datatype":"INT8","data":[300]}]}"#).contains("INT8"));
        assert!(read(r#"{"outputs":[{"name":"p","shape":[1],"datatype":"FP32"}]}"#).contains("no FP32"));
        assert!(read_response(b"{}", Some(3)).is_err());
    }

    #[test]
    fn binary_tensors_come_back_as_they_went() {
        let inputs = [
            tensor("x", vec![2], TensorData::Float32(vec![f32::NAN, -0.0])),
            tensor("s", vec![2], TensorData::String(vec!["é".into(), String::new()])),
            tensor("h", vec![1], TensorData::Float16(vec![0x3c00])),
        ];
        assert!(needs_binary(&inputs[0].tensor.data));
        let (length, body) = binary_request(&inputs, &[]);
        let head = String::from_utf8(body[..length].to_vec()).expect("text");
        let head = head.replacen("outputs", "ignored", 1).replacen("inputs", "outputs", 1);
        let answer_body = [head.as_bytes(), &body[length..]].concat();
        let length = head.len();
        let back = read_response(&answer_body, Some(length)).expect("reads");
        assert_eq!(back[1..], inputs[1..]);
        let TensorData::Float32(values) = &back[0].tensor.data else { panic!("{back:?}") };
        assert!(values[0].is_nan() && values[1] == 0.0 && values[1].is_sign_negative());
    }

    #[test]
    fn names_are_encoded_for_the_address() {
        assert_eq!(percent_encode("größe_1.x"), "gr%C3%B6%C3%9Fe_1.x");
    }
}
