//! A cancel while the real server loads or proves is answered at once.

use std::time::{Duration, Instant};

use desk_core::{Cancel, NamedTensor, TensorData};
use desk_deploy::rollout::{self, Step};
use desk_deploy::testing::package_of;
use desk_deploy::{MemoryJournal, Package, TargetConnector};

use crate::common::{Tools, package};
use crate::{ask, deploy, here, over_ssh, plan};

/// A version whose golden row takes so many steps to answer; the server answers it once while it loads.
fn slow(tools: &Tools, steps: i64) -> Package {
    let outputs = vec![tensor("y", TensorData::Float32(vec![0.5]))];
    let golden = desk_core::GoldenRows {
        source: desk_core::GoldenSource::Generated,
        rows: 1,
        inputs: slow_inputs(steps),
        outputs,
        made_with: "a test".to_owned(),
    };
    package_of("tumour", 3, &slow_model(), golden, &tools.serve, &tools.runtime).expect("a package")
}

fn slow_model() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../desk-serve/tests/fixtures/slow.onnx")
}

fn slow_inputs(steps: i64) -> Vec<NamedTensor> {
    vec![tensor("x", TensorData::Float32(vec![0.5])), tensor("steps", TensorData::Int64(vec![steps]))]
}

fn tensor(name: &str, data: TensorData) -> NamedTensor {
    NamedTensor::new(name, desk_core::Tensor::new(vec![1], data).expect("fits"))
}

/// A cancel within a step that waits long for the far side is answered at once, and everything is undone.
fn a_cancel_within(step: Step, steps: i64, connector: &TargetConnector, tools: &Tools) {
    let one = package(tools, "tumour", 1, "tumour/v1.onnx");
    deploy(connector, &one).expect("live");
    let slow = slow(tools, steps);
    let cancel = Cancel::new();
    let (stop, asked) = (cancel.clone(), std::sync::Arc::new(std::sync::Mutex::new(None)));
    let note = std::sync::Arc::clone(&asked);
    let progress = move |progress: desk_core::Progress| {
        if progress.stage == step.title() {
            let (stop, note) = (stop.clone(), std::sync::Arc::clone(&note));
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(700));
                note.lock().expect("sound").get_or_insert_with(Instant::now);
                stop.cancel();
            });
        }
    };
    let fault = rollout::run(&plan(&slow), &slow, connector, &mut MemoryJournal::new(), &cancel, &progress)
        .expect_err("cancelled");
    let took = asked.lock().expect("sound").expect("asked").elapsed();
    assert!(fault.is_cancelled() && fault.message.contains("still serving"), "{fault:?}");
    // Undoing is part of it; the processors are shared with other tests.
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(ask(connector, &one), one.golden.outputs);
}

/// More steps than anybody waits for.
const ENDLESS: i64 = 4_000_000_000;

#[test]
fn a_cancel_while_staging_is_answered_at_once_on_this_computer() {
    here(|_, connector, tools| a_cancel_within(Step::Stage, ENDLESS, connector, tools));
}

#[test]
fn a_cancel_while_staging_is_answered_at_once_over_ssh() {
    over_ssh(|_, connector, tools| a_cancel_within(Step::Stage, ENDLESS, connector, tools));
}

/// Steps that this computer does in some seconds, which are too many to be waited for after a cancel.
fn seconds_of_steps(tools: &Tools) -> i64 {
    let steps = 200_000;
    let took = tools.time(&slow_model(), slow_inputs(steps));
    (6.0 / took.as_secs_f64() * steps as f64) as i64
}

#[test]
fn a_cancel_while_proving_is_answered_at_once_on_this_computer() {
    here(|_, connector, tools| a_cancel_within(Step::Prove, seconds_of_steps(tools), connector, tools));
}

#[test]
fn a_cancel_while_proving_is_answered_at_once_over_ssh() {
    over_ssh(|_, connector, tools| a_cancel_within(Step::Prove, seconds_of_steps(tools), connector, tools));
}
