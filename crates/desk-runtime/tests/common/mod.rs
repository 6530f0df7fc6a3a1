//! The engine and the models of the tests.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use desk_core::{Cancel, NamedTensor, Tensor, TensorData};
use desk_runtime::{Device, Engine, ModelSession, SessionSpec, TELEMETRY_SWITCH, locate};

/// The engine of this test program. The library comes from where set-up puts it.
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

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A model of the repository, outside this crate.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub fn open(model: &Path) -> ModelSession {
    engine().session(&SessionSpec::new(model).on(Device::Cpu)).expect("opens")
}

pub fn named(name: &str, shape: &[usize], data: TensorData) -> NamedTensor {
    NamedTensor::new(name, Tensor::new(shape.to_vec(), data).expect("fits"))
}

pub fn run(session: &mut ModelSession, inputs: Vec<NamedTensor>) -> Vec<NamedTensor> {
    session.run(inputs, &Cancel::new()).expect("runs")
}
