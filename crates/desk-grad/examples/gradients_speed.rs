//! How long a model takes forward alone, and forward and back with its gradient.
//!
//! `gradients_speed MODEL.onnx OUTPUT [ROWS] [THREADS]` runs generated rows and prints one JSON object. The library is looked for
//! as the programs do; `ORT_DISABLE_TELEMETRY=1` must be set. `gradients_speed --write MODEL.onnx OUTPUT OUT.onnx` writes the built
//! model instead.

use std::path::Path;
use std::time::Instant;

use desk_core::{Cancel, NamedTensor, Tensor, TensorData};
use desk_grad::{Side, Through, Wanted, build};
use desk_runtime::{Device, Engine, ModelSession, SessionSpec, locate, make_golden_inputs};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["--write", model, output, to] = words.as_slice() {
        std::fs::write(
            to,
            build(Path::new(model), Wanted { output, side: Side::Scores, through: Through::Gradient, layer: None })?
                .model,
        )?;
        return Ok(());
    }
    let [model, output, more @ ..] = words.as_slice() else {
        return Err("usage: gradients_speed MODEL OUTPUT [ROWS]".into());
    };
    let rows: usize = more.first().map_or(Ok(1), |rows| rows.parse())?;
    let threads: usize = more.get(1).map_or(Ok(1), |threads| threads.parse())?;
    let engine = Engine::load(&locate::library(None)?)?;
    let open = |spec: SessionSpec| engine.session(&spec.on(Device::Cpu).with_threads(threads));
    let mut forward = open(SessionSpec::new(*model))?;
    let inputs = make_golden_inputs(forward.signature(), rows, 7)?;

    let began = Instant::now();
    let built =
        build(Path::new(model), Wanted { output, side: Side::Scores, through: Through::Gradient, layer: None })?;
    let seconds = began.elapsed().as_secs_f64();
    let mut both = open(SessionSpec::new(*model).of_bytes(built.model.as_slice()))?;
    let answers = forward.run(inputs.clone(), &Cancel::new())?;
    let shape = answers.iter().find(|answer| answer.name == *output).map(|answer| answer.tensor.shape.clone());
    let shape = shape.ok_or("the model has no such output")?;
    let mut with_seed: Vec<NamedTensor> = inputs.clone();
    let ones = TensorData::Float32(vec![1.0; shape.iter().product()]);
    with_seed.push(NamedTensor::new(&built.seed, Tensor::new(shape, ones)?));
    let report = json!({
        "rows": rows,
        "threads": threads,
        "build_ms": seconds * 1e3,
        "forward_ms": best(&mut forward, &inputs)? * 1e3,
        "forward_and_back_ms": best(&mut both, &with_seed)? * 1e3,
    });
    #[expect(clippy::print_stdout, reason = "the program's answer")]
    {
        println!("{report}");
    }
    Ok(())
}

/// The shortest of several runs.
fn best(session: &mut ModelSession, inputs: &[NamedTensor]) -> Result<f64, Box<dyn std::error::Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..40 {
        let inputs = inputs.to_vec();
        let began = Instant::now();
        session.run(inputs, &Cancel::new())?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}
