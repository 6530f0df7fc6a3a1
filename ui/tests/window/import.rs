//! Importing: a form that failed comes back, and a second file of the same kind is a new version.

use std::path::PathBuf;

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

fn near(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn open_dialog(window: &mut Window, file: &str) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.harness.run_steps(3);
    window.fill("Model file", &near(file).to_string_lossy());
    window.wait_for_text("ONNX, opset");
}

/// What stands in a field or a choice of the dialog.
fn value(window: &Window, role: Role, label: &str) -> String {
    let node = window.harness.query_all_by_role_and_label(role, label).last().expect("the field");
    node.accesskit_node().value().unwrap_or_default()
}

#[test]
fn an_import_that_fails_comes_back_with_its_form_and_why() {
    let mut window = Window::with([1280.0, 800.0], ThemeChoice::Light, None);
    window.wait_for("Welcome to Modeldesk");
    open_dialog(&mut window, "tests/fixtures/unknown_locale.onnx");
    window.fill("Name", "texts");
    window.fill("Note", "the first try");
    window.press_role(Role::CheckBox, "Point the alias champion at it");
    window.press("Import");
    window.wait_for("The import did not succeed");
    window.wait_for_text("need the locale");
    window.picture("import_failed_light");
    window.wait("the form", |h| h.query_all_by_role_and_label(Role::TextInput, "Note").next().is_some());
    assert_eq!(value(&window, Role::TextInput, "Name"), "texts");
    assert_eq!(value(&window, Role::TextInput, "Note"), "the first try");
    let raw = "Failed to construct locale";
    assert!(window.harness.query_all_by_label_contains(raw).next().is_none(), "what was said is folded away");
    window.harness.check_accessibility();
    let jobs = window.desk.jobs().len();
    window.press("Try again");
    let desk = window.desk.clone();
    window.wait("its end", move |_| desk.jobs().len() > jobs && desk.jobs().iter().all(|job| job.state.is_final()));
    window.wait_for("The import did not succeed");
    window.wait("the form", |h| h.query_all_by_role_and_label(Role::TextInput, "Note").next().is_some());
    assert_eq!(value(&window, Role::TextInput, "Note"), "the first try");
}

#[test]
fn a_second_file_of_the_same_kind_is_proposed_as_a_new_version() {
    let mut window = Window::with([1280.0, 800.0], ThemeChoice::Dark, None);
    window.wait_for("Welcome to Modeldesk");
    let golden = near("assets/samples/tumour/heldout.csv").to_string_lossy().into_owned();
    open_dialog(&mut window, "assets/samples/tumour/v1.onnx");
    assert!(window.harness.query_by_label("Import as").is_none(), "there is nothing like it yet");
    window.fill("Name", "tumour");
    window.fill("Golden rows from", &golden);
    window.press("Import");
    window.wait("the first version", |h| h.state().route().to_string() == "models/tumour/1/overview");

    open_dialog(&mut window, "assets/samples/tumour/v2.onnx");
    window.wait("the proposal", |h| h.query_all_by_role_and_label(Role::ComboBox, "Import as").next().is_some());
    assert_eq!(value(&window, Role::ComboBox, "Import as"), "Version 2 of tumour");
    assert_eq!(value(&window, Role::TextInput, "Name"), "tumour");
    assert_eq!(value(&window, Role::TextInput, "Golden rows from"), golden);
    window.picture("import_version_dark");
    window.press_role(Role::ComboBox, "Import as");
    window.press_role(Role::ListBoxOption, "A model of its own");
    assert_eq!(value(&window, Role::TextInput, "Name"), "v2");
    assert_eq!(value(&window, Role::TextInput, "Golden rows from"), "");
    window.press_role(Role::ComboBox, "Import as");
    window.press_role(Role::ListBoxOption, "Version 2 of tumour");
    window.press("Import");
    window.wait("the second version", |h| h.state().route().to_string() == "models/tumour/2/overview");
    let again = window.desk.deployments(None).expect("a list");
    assert!(again.is_empty());
}
