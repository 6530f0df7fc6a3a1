//! The library itself: missing, wrong, old, twice; and that it keeps quiet. Each case needs a process
//! of its own, since a process holds one library for life: the test program starts itself again.

#![cfg(target_os = "linux")]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use desk_core::{Cancel, Diagnose as _, FaultKind};
use desk_runtime::{Device, Engine, RuntimeError, SessionSpec, TELEMETRY_SWITCH, locate, make_golden_inputs};

const CASE: &str = "DESK_RUNTIME_TEST_CASE";
const FILE: &str = "DESK_RUNTIME_TEST_FILE";

/// Runs in the child: what happens there goes to its exit status.
#[test]
fn child_entry() {
    let Some(case) = env::var_os(CASE) else { return };
    let file = PathBuf::from(env::var_os(FILE).unwrap_or_default());
    match case.to_str() {
        Some("no-switch") => {
            let error = Engine::load(&file).expect_err("refused");
            assert!(matches!(error, RuntimeError::TelemetryNotDisabled), "{error}");
        }
        Some("twice") => twice(&file),
        Some("after-failure") => {
            Engine::load(Path::new("/nowhere.so")).expect_err("missing");
            Engine::load(&fs::canonicalize("/proc/self/exe").expect("exists")).expect_err("no library");
            Engine::load(&file).expect("loads after all");
        }
        Some("quiet") => quiet(&file),
        Some("cache") => assert_eq!(locate::library(None).expect("found"), file),
        other => panic!("no case {other:?}"),
    }
}

fn twice(file: &Path) {
    let first = Engine::load(file).expect("loads");
    let again = Engine::load(file).expect("the same");
    assert_eq!(first.library(), again.library());
    assert!(first.version().starts_with("1."), "{}", first.version());
    let other = tempfile::tempdir().expect("folder");
    let copy = other.path().join("libonnxruntime.so");
    fs::copy(file, &copy).expect("copies");
    let error = Engine::load(&copy).expect_err("another");
    assert!(matches!(error, RuntimeError::OtherLibraryLoaded { .. }), "{error}");
}

/// Loads and runs; the parent looks at what is left in the home.
fn quiet(file: &Path) {
    let engine = Engine::load(file).expect("loads");
    let spec = SessionSpec::new(common::fixture("mixed.onnx")).on(Device::Cpu);
    let mut session = engine.session(&spec).expect("opens");
    let inputs = make_golden_inputs(session.signature(), 2, 1).expect("made");
    session.run(inputs, &Cancel::new()).expect("runs");
    let open: Vec<PathBuf> = fs::read_dir("/proc/self/fd")
        .expect("lists")
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect();
    assert!(!open.iter().any(|to| to.to_string_lossy().starts_with("socket:")), "{open:?}");
}

/// The library that set-up installed.
fn library() -> PathBuf {
    locate::library(None).expect("a library: run `cargo xtask setup` first")
}

/// This program again, for one case, with a home of its own.
fn child(case: &str, file: &Path, home: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("own path"));
    command.args(["--exact", "child_entry", "--nocapture"]);
    command.env(CASE, case).env(FILE, file).env(TELEMETRY_SWITCH, "1");
    command.env("HOME", home).env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME");
    command
}

#[track_caller]
fn passes(command: &mut Command) -> Output {
    let output = command.output().expect("starts");
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
    output
}

#[test]
fn without_the_switch_nothing_is_loaded() {
    let home = tempfile::tempdir().expect("folder");
    passes(child("no-switch", &library(), home.path()).env_remove(TELEMETRY_SWITCH));
    passes(child("no-switch", &library(), home.path()).env(TELEMETRY_SWITCH, "0"));
}

#[test]
fn one_library_for_life() {
    let home = tempfile::tempdir().expect("folder");
    passes(&mut child("twice", &library(), home.path()));
}

#[test]
fn a_failure_can_be_tried_again() {
    let home = tempfile::tempdir().expect("folder");
    passes(&mut child("after-failure", &library(), home.path()));
}

#[test]
fn the_newest_library_of_the_cache_is_found_when_none_is_named() {
    let home = tempfile::tempdir().expect("folder");
    let cache = home.path().join("cache");
    for version in ["1.9.0", "1.31.1", "1.30.0"] {
        let folder = cache.join("modeldesk/onnxruntime").join(version);
        fs::create_dir_all(&folder).expect("makes");
        fs::write(folder.join(format!("libonnxruntime.so.{version}")), b"").expect("writes");
    }
    let newest = cache.join("modeldesk/onnxruntime/1.31.1/libonnxruntime.so.1.31.1");
    passes(child("cache", &newest, home.path()).env_remove(locate::LIBRARY_VARIABLE).env("XDG_CACHE_HOME", &cache));
    // The variable goes first.
    let named = home.path().join("libonnxruntime.so");
    fs::write(&named, b"").expect("writes");
    let mut command = child("cache", &named, home.path());
    passes(command.env(locate::LIBRARY_VARIABLE, &named).env("XDG_CACHE_HOME", &cache));
}

#[test]
fn nothing_is_recorded_and_nothing_is_dialled() {
    let home = tempfile::tempdir().expect("folder");
    let output = passes(&mut child("quiet", &library(), home.path()));
    let left: Vec<_> = fs::read_dir(home.path()).expect("lists").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
    // The library's log goes to `tracing`, not to the terminal.
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A file that is no usable library is refused with these words.
#[track_caller]
fn refused(file: &Path, words: &str) {
    let error = Engine::inspect(file).expect_err("refused");
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    assert_eq!(error.kind(), FaultKind::Environment);
    assert!(error.hints().iter().any(|hint| hint.contains("cargo xtask setup")), "{:?}", error.hints());
}

#[test]
fn files_that_are_not_the_library() {
    let folder = tempfile::tempdir().expect("folder");
    let text = folder.path().join("text.so");
    fs::write(&text, b"hello").expect("writes");
    // The loader's own words are in the message.
    refused(&text, "file too short");
    refused(&folder.path().join("missing.so"), "There is no");
    refused(&built(folder.path(), "other", ""), "no function OrtGetApiBase");
    let old = r#"
        #[repr(C)] pub struct Base(usize, extern "C" fn() -> *const u8);
        unsafe impl Sync for Base {}
        extern "C" fn version() -> *const u8 { c"1.16.3".as_ptr().cast() }
        static BASE: Base = Base(0, version);
        #[unsafe(no_mangle)] pub extern "C" fn OrtGetApiBase() -> *const Base { &BASE }
    "#;
    refused(&built(folder.path(), "old", old), "ONNX Runtime 1.16.3 is too old, 1.24 or later is needed");
    assert_eq!(Engine::inspect(&library()).expect("the real one"), common::engine().version());
}

/// A library made of `source`.
fn built(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (input, output) = (folder.join(format!("{name}.rs")), folder.join(format!("{name}.so")));
    fs::write(&input, source).expect("writes");
    let mut compiler = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition=2024", "--crate-type=cdylib", "-o"]).arg(&output).arg(&input);
    assert!(compiler.status().expect("rustc runs").success());
    output
}
