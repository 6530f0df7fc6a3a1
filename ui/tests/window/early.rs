//! What is pressed while a file is being read is not lost: it is kept, told, and can be taken back.

use std::path::PathBuf;

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

const WAITS: &str = "The file is being read; it starts then. Escape takes it back";

fn model() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/penguins/model.onnx")
}

/// The import dialog over a path that was typed just now: it is read only when it has settled.
fn typed() -> Window {
    let mut window = Window::new();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.harness.run_steps(3);
    window.fill("Model file", &model().to_string_lossy());
    let import = window.harness.query_all_by_role_and_label(Role::Button, "Import").last().expect("the button");
    assert!(!import.accesskit_node().is_disabled(), "it can be pressed while the file is being read");
    window
}

fn models(window: &Window) -> usize {
    window.desk.models(&desk_app::query::ModelFilter::default()).expect("the list").len()
}

#[test]
fn an_import_that_is_pressed_too_early_starts_by_itself() {
    let mut window = typed();
    window.press("Import");
    window.wait("the import", |h| h.state().route().to_string() == "models/penguins/1/overview");
    assert_eq!(models(&window), 1);
}

#[test]
fn another_press_or_escape_takes_an_early_import_back() {
    let mut window = typed();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(2);
    assert!(window.shows(WAITS), "the press is told");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(2);
    assert!(!window.shows(WAITS));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(2);
    assert!(window.shows(WAITS));
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(2);
    assert!(!window.shows(WAITS) && window.shows("Model file"), "the press is taken back, the dialog stays");
    window.wait_for_text("ONNX, opset");
    window.harness.run_steps(8);
    assert_eq!(models(&window), 0);
}

#[cfg(unix)]
#[test]
fn a_score_waits_for_its_file_and_is_dropped_with_a_file_that_cannot_be_read() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    let rows = window.home.path().join("rows.csv");
    let made = std::process::Command::new("mkfifo").arg(&rows).status().expect("mkfifo starts");
    assert!(made.success(), "{made}");
    window.go("models/penguins/1/test");
    window.wait_for_text("columns");
    window.harness.state_mut().hold_answers(true);
    window.fill("Data file", &rows.to_string_lossy());
    window.fill("Data file", &rows.to_string_lossy());
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(3);
    assert!(window.shows(WAITS), "the key is kept");
    assert!(window.desk.jobs().iter().all(|job| !matches!(job.command, desk_app::Command::Predict(_))));
    // Whoever opened a pipe without a writer would wait for ever.
    window.harness.state_mut().hold_answers(false);
    window.wait_for_text("it is a pipe");
    window.wait("the refusal", |h| {
        h.query_all_by_role_and_label(Role::Button, "Score").any(|node| node.accesskit_node().is_disabled())
    });
    assert!(!window.shows(WAITS));
    assert!(window.desk.jobs().iter().all(|job| !matches!(job.command, desk_app::Command::Predict(_))));
}

#[test]
fn the_key_is_kept_while_the_version_itself_is_being_read() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    window.harness.state_mut().open("models/tumour/2/test".parse().expect("a place"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(1);
    window.wait_for("Results");
}
