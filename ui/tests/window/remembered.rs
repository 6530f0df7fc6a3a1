//! What was chosen for a model is there the next time: the truth, the class that counts, rows and background.

use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::{Columns, Import};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

/// The sample's rows with the truth under another name, which neither the model nor its import knows.
fn renamed(window: &Window) -> PathBuf {
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let text = std::fs::read_to_string(data).expect("the sample").replacen("diagnosis", "verdict", 1);
    let path = window.home.path().join("renamed.csv");
    std::fs::write(&path, text).expect("written");
    path
}

fn choose(window: &mut Window, field: &str, option: &str) {
    window.press_role(Role::ComboBox, field);
    window.press_role(Role::ListBoxOption, option);
}

#[test]
fn the_truth_is_proposed_and_what_was_tested_and_explained_is_there_the_next_time() {
    let mut window = Window::with_samples([1280.0, 1200.0], ThemeChoice::Dark);
    let data = renamed(&window);
    window.go("models/tumour/2/test");
    window.fill("Data file", &data.to_string_lossy());
    window.wait_for_text("truth in verdict (it holds the model's classes)");
    window.press("Options");
    choose(&mut window, "Positive class", "benign");
    window.picture("test_options_dark");
    window.score();
    window.wait_for("Results");
    window.wait_for_text("of benign");

    window.go("models/tumour/2/explain");
    window.press("Options");
    let background = window.desk.samples_folder().join("tumour/background.csv");
    window.fill("Background rows", &background.to_string_lossy());
    window.fill("Row", "7");
    choose(&mut window, "Class or output", "malignant");
    window.press("Explain row 7");
    window.wait_for_text("Adds up");

    window.show_anew([1280.0, 1200.0], ThemeChoice::Dark);
    window.go("models/tumour/2/test");
    window.wait_for_text("truth in verdict, benign is positive");
    window.go("models/tumour/2/explain");
    window.wait_for("Explain row 7");
    window.wait_for_text("background: background.csv, for malignant");
    // Another file has no such column: the choice stays, and is said to be of no use.
    let sample = window.desk.samples_folder().join("tumour/heldout.csv");
    window.go("models/tumour/1/test");
    window.fill("Data file", &sample.to_string_lossy());
    window.wait_for_text("truth in diagnosis");
    window.press("Options");
    window.wait_for_text("No column verdict in this file");
    window.picture("test_options_other_file_dark");
}

/// A version knows its truth from its import, and the other one does not: both are scored with it.
#[test]
fn what_one_version_knows_of_the_truth_the_other_is_told() {
    let mut window = Window::with_samples([1280.0, 1500.0], ThemeChoice::Light);
    let data = renamed(&window);
    let file = |name: &str| format!("{}/../assets/samples/tumour/{name}", env!("CARGO_MANIFEST_DIR"));
    for (name, golden) in [("v1.onnx", None), ("v2.onnx", Some(data.clone()))] {
        let columns = Columns { target: golden.is_some().then(|| "verdict".to_owned()), ..Columns::default() };
        let import = Import {
            path: file(name).into(),
            name: Some("growth".parse().expect("a name")),
            golden,
            columns,
            note: None,
            alias: None,
            again: true,
            golden_seconds: None,
        };
        let found = window.desk.run(Command::Import(import), &Cancel::new(), &NoProgress);
        found.expect("imported");
    }
    window.go("models/growth/2/test");
    window.fill("Data file", &data.to_string_lossy());
    window.wait_for_text("truth in verdict (remembered from import)");
    window.press("Options");
    choose(&mut window, "Positive class", "benign");
    window.score();
    window.wait_for_text("of benign");
    window.go("compare/growth/1/growth/2");
    window.press("Score renamed.csv with both");
    window.wait_for_text("answered otherwise");
    window.wait_for_text("of it; for another one both are scored again");
    choose(&mut window, "Positive class", "malignant");
    window.wait("the other class", |h| {
        let field = h.query_all_by_role_and_label(Role::ComboBox, "Positive class").next();
        field.is_some_and(|field| format!("{:?}", field.value()).contains("malignant"))
    });
}

#[test]
fn both_are_scored_by_the_truth_of_the_last_test_and_by_the_class_that_is_chosen() {
    let mut window = Window::with_samples([1280.0, 1500.0], ThemeChoice::Dark);
    let data = renamed(&window);
    window.go("models/tumour/2/test");
    window.fill("Data file", &data.to_string_lossy());
    window.wait_for_text("truth in verdict");
    window.score();
    window.wait_for("Results");
    window.go("compare/tumour/1/tumour/2");
    window.press("Score renamed.csv with both");
    window.wait_for_text("answered otherwise");
    window.wait_for_text("Accuracy +");
    window.wait_for_text("of it; for another one both are scored again");
    let shown = |window: &Window, class: &str| {
        let field = window.harness.query_all_by_role_and_label(Role::ComboBox, "Positive class").next();
        field.is_some_and(|field| format!("{:?}", field.value()).contains(class))
    };
    assert!(shown(&window, "malignant"));
    choose(&mut window, "Positive class", "benign");
    window.wait("the other class", |h| {
        let field = h.query_all_by_role_and_label(Role::ComboBox, "Positive class").next();
        field.is_some_and(|field| format!("{:?}", field.value()).contains("benign"))
    });
    window.wait_for_text("not clear");
    window.picture("compare_positive_dark");
}
