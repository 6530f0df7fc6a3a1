//! The engine, and a built model that is run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use desk_core::{Cancel, NamedTensor, Tensor, TensorData};
use desk_grad::{GradError, Gradient, Side, Through, Wanted};
use desk_runtime::{Device, Engine, ModelSession, SessionSpec, TELEMETRY_SWITCH, locate};
use serde::Deserialize;

pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE
        .get_or_init(|| {
            turn_telemetry_off();
            let library = locate::library(None).expect("a library: run `cargo xtask setup` first");
            Engine::load(&library).expect("loads")
        })
        .clone()
}

/// Programs that start workers set the switch in the child's environment instead.
#[expect(unsafe_code, clippy::disallowed_methods, reason = "a test has no parent that could set the variable for it")]
fn turn_telemetry_off() {
    // SAFETY: the first thing that a test does; no native code runs yet that reads variables.
    unsafe { std::env::set_var(TELEMETRY_SWITCH, "1") };
}

/// A file of the reference values.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/gradients").join(name)
}

/// Numbers with their shape, as the reference files have them.
#[derive(Debug, Clone, Deserialize)]
pub struct Numbers {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

impl Numbers {
    pub fn tensor(&self, name: &str) -> NamedTensor {
        let data = match self.kind.as_deref() {
            Some("int64") => TensorData::Int64(self.data.iter().map(|v| *v as i64).collect()),
            Some("bool") => TensorData::Bool(self.data.iter().map(|v| *v != 0.0).collect()),
            _ => TensorData::Float32(self.data.iter().map(|v| *v as f32).collect()),
        };
        NamedTensor::new(name, Tensor::new(self.shape.clone(), data).expect("fits"))
    }
}

/// The gradient of one input: its name, its shape and its numbers.
pub type Found = (String, Vec<usize>, Vec<f64>);

/// A built model, opened.
pub struct Opened {
    pub built: Gradient,
    session: ModelSession,
}

pub fn open(path: &Path, output: &str, side: Side) -> Result<Opened, GradError> {
    open_by(path, output, side, Through::Gradient)
}

pub fn open_by(path: &Path, output: &str, side: Side, through: Through) -> Result<Opened, GradError> {
    let built = desk_grad::build(path, Wanted { output, side, through, layer: None })?;
    let spec = SessionSpec::new(path).of_bytes(built.model.as_slice()).on(Device::Cpu).with_threads(1);
    let session = engine().session(&spec).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Ok(Opened { built, session })
}

impl Opened {
    /// The value and the gradients, by the name of their input.
    pub fn run(&mut self, mut inputs: Vec<NamedTensor>, seed: &Numbers) -> (Vec<f64>, Vec<Found>) {
        inputs.push(seed.tensor(&self.built.seed));
        let outputs = self.session.run(inputs, &Cancel::new()).expect("runs");
        let find = |name: &str| outputs.iter().find(|output| output.name == name).expect("an output");
        let numbers = |output: &NamedTensor| output.tensor.data.to_f64().expect("numbers");
        let gradients = self.built.gradients.iter().map(|of| {
            let output = find(&of.output);
            (of.input.clone(), output.tensor.shape.clone(), numbers(output))
        });
        (numbers(find(&self.built.value)), gradients.collect())
    }
}

/// The largest difference, as a share of the largest expected size.
pub fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "numbers");
    let size = expected.iter().fold(1e-3, |most: f64, v| most.max(v.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / size)
        .fold(0.0, |most, d| if d.is_nan() { f64::NAN } else { most.max(d) })
}
