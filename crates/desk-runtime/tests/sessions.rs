//! Real sessions of a real library: what goes in comes out, and mistakes are named.

mod common;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use common::{engine, fixture, named, open, repository, run};
use desk_core::{Cancel, Diagnose as _, Dim, ElementType, FaultKind, NamedTensor, TensorData, ValueType};
use desk_runtime::{Device, Optimisation, RuntimeError, SessionPool, SessionSpec, make_golden_inputs};

#[test]
fn every_element_type_comes_back_as_it_went_in() {
    use TensorData as D;
    let values = vec![
        ("bool", D::Bool(vec![true, false, false, true])),
        ("int8", D::Int8(vec![i8::MIN, -1, 0, i8::MAX])),
        ("int16", D::Int16(vec![i16::MIN, -1, 0, i16::MAX])),
        ("int32", D::Int32(vec![i32::MIN, -1, 0, i32::MAX])),
        ("int64", D::Int64(vec![i64::MIN, -1, 0, i64::MAX])),
        ("uint8", D::Uint8(vec![0, 1, 2, u8::MAX])),
        ("uint16", D::Uint16(vec![0, 1, 2, u16::MAX])),
        ("uint32", D::Uint32(vec![0, 1, 2, u32::MAX])),
        ("uint64", D::Uint64(vec![0, 1, 2, u64::MAX])),
        ("float16", D::Float16(vec![0x3c00, 0xc000, 0x0001, 0x7bff])),
        ("bfloat16", D::Float32(vec![1.0, -2.5, 0.0, 256.0])),
        ("float32", D::Float32(vec![1.5, -0.0, f32::INFINITY, f32::MIN_POSITIVE])),
        ("float64", D::Float64(vec![1.5, -0.0, f64::NEG_INFINITY, 1e-300])),
        ("string", D::String(vec![String::new(), "Köln".into(), "日本".into(), "a\nb".into()])),
    ];
    let mut session = open(&fixture("types.onnx"));
    let inputs = values.iter().map(|(name, data)| named(name, &[2, 2], data.clone())).collect();
    let outputs = run(&mut session, inputs);
    assert_eq!(outputs.len(), values.len());
    for ((name, data), output) in values.iter().zip(&outputs) {
        assert_eq!(output.name, format!("{name}_out"));
        assert_eq!(output.tensor.shape, [2, 2]);
        assert_eq!(&output.tensor.data, data, "{name}");
    }
    let empty: Vec<NamedTensor> = values.iter().map(|(name, data)| named(name, &[0, 2], data.slice(0, 0))).collect();
    let outputs = run(&mut session, empty);
    assert!(outputs.iter().all(|output| output.tensor.shape == [0, 2]));
}

#[test]
fn bfloat16_is_rounded_on_its_way_in() {
    let mut session = open(&fixture("types.onnx"));
    let mut inputs = make_golden_inputs(session.signature(), 1, 1).expect("made");
    let at = inputs.iter().position(|input| input.name == "bfloat16").expect("there");
    inputs[at].tensor.data = TensorData::Float32(vec![1.001, 3.0]);
    let outputs = run(&mut session, inputs);
    assert_eq!(outputs[at].tensor.data, TensorData::Float32(vec![1.0, 3.0]));
}

#[test]
fn class_maps_become_a_table_in_the_order_of_their_keys() {
    let scores = || vec![named("scores", &[2, 3], TensorData::Float32(vec![0.1, 0.2, 0.7, 0.6, 0.3, 0.1]))];
    let outputs = run(&mut open(&fixture("zipmap_int.onnx")), scores());
    assert_eq!(outputs[0].labels.as_deref(), Some(&["2".to_owned(), "7".into(), "10".into()][..]));
    assert_eq!(outputs[0].tensor.shape, [2, 3]);
    assert_eq!(outputs[0].tensor.data, TensorData::Float32(vec![0.2, 0.7, 0.1, 0.3, 0.1, 0.6]));
    let outputs = run(&mut open(&fixture("zipmap_string.onnx")), scores());
    assert_eq!(outputs[0].labels.as_deref(), Some(&["blue".to_owned(), "green".into(), "red".into()][..]));
    assert_eq!(outputs[0].tensor.data, TensorData::Float32(vec![0.2, 0.7, 0.1, 0.3, 0.1, 0.6]));
}

#[test]
fn several_inputs_in_any_order() {
    let mut session = open(&fixture("mixed.onnx"));
    let age = named("age", &[2, 1], TensorData::Float32(vec![30.0, 40.0]));
    let city = named("city", &[2, 1], TensorData::String(vec!["Köln".into(), "Ulm".into()]));
    let outputs = run(&mut session, vec![city.clone(), age]);
    assert_eq!(outputs[0].tensor.data, TensorData::Float32(vec![230.0, 39.0]));
    assert_eq!(outputs[1].tensor.data, city.tensor.data);
}

#[test]
fn scalars() {
    let mut session = open(&fixture("scalar.onnx"));
    let x = named("x", &[3], TensorData::Float32(vec![1.0, 2.0, 3.0]));
    let outputs = run(&mut session, vec![x, named("factor", &[], TensorData::Int64(vec![10]))]);
    assert_eq!(outputs[0].tensor.data, TensorData::Float32(vec![10.0, 20.0, 30.0]));
    assert_eq!(
        (outputs[1].tensor.shape.as_slice(), &outputs[1].tensor.data),
        (&[][..], &TensorData::Float32(vec![60.0]))
    );
}

#[test]
fn signatures_say_names_types_and_sizes() {
    let session = open(&fixture("mixed.onnx"));
    let age = &session.signature().inputs[0];
    let batch = Dim::Symbol("batch".into());
    let expect = ValueType::Tensor { element: ElementType::Float32, shape: Some(vec![batch, Dim::Fixed(1)]) };
    assert_eq!((age.name.as_str(), &age.value_type), ("age", &expect));
    let session = open(&fixture("zipmap_string.onnx"));
    let ValueType::Sequence { item } = &session.signature().outputs[0].value_type else { panic!("a sequence") };
    assert!(matches!(**item, ValueType::Map { key: ElementType::String, .. }));
}

#[test]
fn outputs_that_cannot_be_given_back_are_said_and_left_out() {
    let mut session = open(&fixture("sequence.onnx"));
    assert_eq!(session.unsupported_outputs()[0].name, "pair");
    let outputs = run(&mut session, vec![named("x", &[1], TensorData::Float32(vec![4.0]))]);
    assert_eq!((outputs.len(), outputs[0].name.as_str()), (1, "negative"));
    let refused = engine().session(&SessionSpec::new(fixture("sequence_only.onnx")));
    assert!(matches!(refused, Err(RuntimeError::UnsupportedOutputs { .. })), "{refused:?}");
}

#[test]
fn mistakes_are_named_before_the_runtime_sees_them() {
    let mut session = open(&fixture("mixed.onnx"));
    let cancel = Cancel::new();
    let refused = session.run(vec![named("age", &[1, 1], TensorData::Float64(vec![1.0]))], &cancel);
    let text = refused.expect_err("refused").to_string();
    assert_eq!(text, "The input `age` needs float32 and got float64");
    let age = named("age", &[1, 1], TensorData::Float32(vec![1.0]));
    let city = named("city", &[1, 1], TensorData::String(vec!["a\0b".into()]));
    let error = session.run(vec![age.clone(), city], &cancel).expect_err("refused");
    assert!(matches!(error, RuntimeError::NulInText { index: 0, .. }), "{error}");
    assert_eq!(error.kind(), FaultKind::Input);
    // And the session still works.
    run(&mut session, vec![age, named("city", &[1, 1], TensorData::String(vec!["Bern".into()]))]);
}

/// The model is refused with these words and this advice.
#[track_caller]
fn refused(model: &Path, reason: &str, hint: &str) {
    let error = engine().session(&SessionSpec::new(model).on(Device::Cpu)).expect_err("refused");
    let text = error.to_string();
    assert!(text.contains(reason) && text.ends_with(&format!(": {}", model.display())), "{text}");
    assert!(!text.contains("onnxruntime_src"), "{text}");
    assert!(error.hints()[0].contains(hint), "{text}: {:?}", error.hints());
    assert_eq!(error.kind(), FaultKind::Input);
}

#[test]
fn models_that_cannot_be_loaded() {
    refused(
        &fixture("opset_99.onnx"),
        "it needs opset 99, and this runtime knows opsets up to",
        "newer than the runtime",
    );
    refused(&fixture("ir_99.onnx"), "IR version 99", "newer than the runtime");
    refused(&fixture("custom_operator.onnx"), "Frobnicate", "custom operators");
    refused(&fixture("cycle.onnx"), "acyclic", "ONNX checker");
    refused(Path::new("/nowhere/model.onnx"), "does not exist", "");
    let folder = tempfile::tempdir().expect("folder");
    let copy = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("writes");
        path
    };
    let whole = std::fs::read(fixture("types.onnx")).expect("reads");
    refused(&copy("truncated.onnx", &whole[..whole.len() / 2]), "not a whole ONNX model", "damaged");
    refused(&copy("text.onnx", b"not a model at all"), "not a whole ONNX model", "damaged");
    let lonely = copy("lonely.onnx", &std::fs::read(fixture("external.onnx")).expect("reads"));
    refused(&lonely, "external", "external data files");
}

#[test]
fn external_data_is_found_beside_the_model() {
    let outputs =
        run(&mut open(&fixture("external.onnx")), vec![named("x", &[1, 4], TensorData::Float32(vec![10.0; 4]))]);
    assert_eq!(outputs[0].tensor.data, TensorData::Float32(vec![10.0, 11.0, 12.0, 13.0]));
}

#[test]
fn a_long_run_is_cancelled_at_once_and_the_session_works_again() {
    let spec = SessionSpec::new(fixture("long.onnx")).on(Device::Cpu).with_threads(1);
    let mut session = engine().session(&spec).expect("opens");
    let inputs = |rows: usize| {
        vec![
            named("x", &[rows, 512], TensorData::Float32(vec![0.5; rows * 512])),
            named("w", &[512, 512], TensorData::Float32(vec![0.001; 512 * 512])),
        ]
    };
    let mut cancelled_after = || {
        let cancel = Cancel::new();
        let setter = cancel.clone();
        let set = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            setter.cancel();
            Instant::now()
        });
        let outcome = session.run(inputs(128), &cancel);
        let back = Instant::now();
        assert!(matches!(outcome, Err(RuntimeError::Cancelled(_))), "{outcome:?}");
        back - set.join().expect("joins")
    };
    // The best of three: other tests keep the processors busy, and the whole run takes a second.
    let took = (0..3).map(|_| cancelled_after()).min().expect("three");
    assert!(took < Duration::from_millis(50), "{took:?}");
    assert_eq!(run(&mut session, inputs(1))[0].tensor.shape, [1, 512]);
    let cancelled = Cancel::new();
    cancelled.cancel();
    assert!(matches!(session.run(inputs(1), &cancelled), Err(RuntimeError::Cancelled(_))));
}

#[test]
fn the_device_is_proven_and_never_exchanged() {
    let auto = engine().session(&SessionSpec::new(repository("assets/samples/tumour/v1.onnx"))).expect("opens");
    assert_ne!(auto.device_used(), Device::Auto);
    let session = open(&repository("assets/samples/digits/model.onnx"));
    assert_eq!(session.device_used(), Device::Cpu);
    let sample = make_golden_inputs(session.signature(), 2, 1).expect("made");
    let nodes = session.provider_nodes(sample).expect("counted");
    assert!(nodes.get("CPUExecutionProvider").is_some_and(|count| *count > 1), "{nodes:?}");
    let left = std::fs::read_dir(std::env::temp_dir()).expect("lists");
    let mark = format!("modeldesk-profile-{}-", std::process::id());
    let profiles: Vec<_> =
        left.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&mark)).collect();
    assert!(profiles.is_empty(), "{profiles:?}");
}

#[test]
fn a_device_that_is_missing_is_an_error_and_not_the_cpu() {
    // The library of the tests is the one for the CPU.
    let openvino = (!has_openvino()).then_some(Device::OpenVino);
    for device in [Device::Cuda(0), Device::WebGpu].into_iter().chain(openvino) {
        let error = engine().session(&SessionSpec::new(fixture("mixed.onnx")).on(device)).expect_err("missing");
        assert!(matches!(error, RuntimeError::DeviceUnusable { .. }), "{error}");
        assert_eq!(error.kind(), FaultKind::Environment);
        assert!(error.hints()[0].contains("--device cpu"));
    }
}

/// OpenVINO's library is large: it is used where somebody names it.
fn has_openvino() -> bool {
    std::env::var_os("MODELDESK_OPENVINO_LIB").is_some()
}

#[test]
fn openvino_is_proven_and_computes_as_the_cpu_does() {
    if !has_openvino() {
        eprintln!("skipped: MODELDESK_OPENVINO_LIB does not name OpenVINO's provider library");
        return;
    }
    let model = repository("assets/samples/digits/model.onnx");
    let mut session = engine().session(&SessionSpec::new(&model).on(Device::OpenVino)).expect("opens");
    let inputs = make_golden_inputs(session.signature(), 3, 5).expect("made");
    let nodes = session.provider_nodes(inputs.clone()).expect("counted");
    assert!(nodes.contains_key("OpenVINOExecutionProvider"), "{nodes:?}");
    // With the provider registered the CPU is still the CPU.
    let mut cpu = open(&model);
    let nodes = cpu.provider_nodes(inputs.clone()).expect("counted");
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["CPUExecutionProvider"]);
    let (there, here) = (run(&mut session, inputs.clone()), run(&mut cpu, inputs));
    let parity = desk_core::Parity::compare(&here, &there, desk_core::Tolerance::default());
    assert!(parity.ok, "{parity:?}");
}

#[test]
fn golden_inputs_run_on_every_model_of_the_repository() {
    let mut seen = 0;
    for folder in
        ["assets/samples/tumour", "assets/samples/penguins", "assets/samples/digits", "tests/reference/models"]
    {
        let entries = std::fs::read_dir(repository(folder)).expect("the samples are there");
        let models = entries.flatten().map(|entry| entry.path());
        // Texts that are made up are no categories of `rents_mixed`, which stops at every other.
        let takes_any = |path: &PathBuf| path.file_stem().is_some_and(|name| name != "rents_mixed");
        for model in models.filter(|path| takes_any(path) && path.extension().is_some_and(|end| end == "onnx")) {
            let mut session = open(&model);
            let inputs = make_golden_inputs(session.signature(), 3, 5).expect("made");
            let first = run(&mut session, inputs.clone());
            assert_eq!(first, run(&mut session, inputs.clone()), "{}", model.display());
            assert!(first.iter().all(|output| output.tensor.rows() == 3), "{}", model.display());
            // Rewriting the graph does not change the answers.
            let plain = SessionSpec::new(&model).on(Device::Cpu).with_threads(1).with_optimisation(Optimisation::None);
            let mut plain = engine().session(&plain).expect("opens");
            let parity = desk_core::Parity::compare(&first, &run(&mut plain, inputs), desk_core::Tolerance::default());
            assert!(parity.ok, "{}: {parity:?}", model.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} models");
}

#[test]
fn a_pool_serves_several_at_a_time_and_no_more_than_its_size() {
    let spec = SessionSpec::new(fixture("long.onnx")).on(Device::Cpu).with_threads(1);
    let pool = SessionPool::open(&engine(), &spec, 2).expect("opens");
    assert_eq!((pool.open_sessions(), pool.device_used()), (1, Device::Cpu));
    let first = pool.get(&Cancel::new()).expect("first");
    let second = pool.get(&Cancel::new()).expect("second");
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.get(&cancel).map(drop));
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        cancel.cancel();
        let begun = Instant::now();
        assert!(matches!(waiting.join().expect("joins"), Err(RuntimeError::Cancelled(_))));
        assert!(begun.elapsed() < Duration::from_millis(50));
        let patient = scope.spawn(|| {
            pool.get(&Cancel::new()).map(|mut session| {
                let inputs = make_golden_inputs(session.signature(), 1, 1).expect("made");
                run(&mut session, inputs).len()
            })
        });
        drop(second);
        assert_eq!(patient.join().expect("joins").expect("served"), 1);
    });
    drop(first);
    assert_eq!(pool.open_sessions(), 2);
}
