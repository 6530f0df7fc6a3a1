//! The Graph tab: what is drawn, found, selected and told of a node, by pointer and by keyboard.

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

const SIZE: [f32; 2] = [1280.0, 800.0];

fn digits(theme: ThemeChoice) -> Window {
    let mut window = Window::with_samples(SIZE, theme);
    window.go("models/digits/1/graph");
    window.wait("the graph", |h| h.query_all_by_role(Role::GraphicsDocument).next().is_some());
    window.harness.run_steps(3);
    window
}

fn says(window: &Window, text: &str) -> bool {
    window.harness.query_all_by_label_contains(text).next().is_some()
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_steps(4);
}

#[test]
fn a_node_is_found_told_and_left_along_its_edges() {
    let mut window = digits(ThemeChoice::Dark);
    press(&mut window, Modifiers::COMMAND, Key::F);
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Find a node");
    assert!(field.accesskit_node().is_focused(), "Ctrl+F leads to the search");
    field.type_text("conv");
    window.wait_for_text(" found");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_for_text("1 of ");
    window.wait_for("Attributes");
    for told in ["kernel_shape", "Inputs", "Weights: float32 [", "from Input image", "Goes to"] {
        assert!(says(&window, told), "{told}: {:#?}", crate::support::labels(&window.harness));
    }
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_for_text("2 of ");
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    window.wait_for_text("1 of ");
    window.harness.get_by_role(Role::GraphicsDocument).focus();
    window.harness.run_steps(2);
    assert!(says(&window, "selected: Conv"));
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert!(!says(&window, "selected: Conv") && says(&window, "selected: "), "down an edge");
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    assert!(says(&window, "selected: Conv"), "and back");
    window.press("Fit");
    assert!(says(&window, "selected: Conv"), "another view of the same node");
}

#[test]
fn a_tree_ensemble_is_said_to_be_one_operator() {
    let mut window = digits(ThemeChoice::Light);
    window.go("models/tumour/2/graph");
    window.wait_for_text("All trees of an ensemble are settings of one operator");
    window.wait("its operator", |h| h.query_all_by_label_contains("TreeEnsemble").next().is_some());
    let node = window
        .harness
        .query_all_by_role(Role::GraphicsObject)
        .find(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with("TreeEnsemble")));
    node.expect("it is on the canvas").click();
    window.harness.run_steps(3);
    window.wait_for("Attributes");
    window.wait_for_text(" more");
}

#[test]
fn a_version_whose_file_is_gone_says_so_and_can_be_tried_again() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    let blobs = window.home.path().join("home/blobs");
    let away = window.home.path().join("away");
    std::fs::rename(&blobs, &away).expect("moved");
    window.harness.state_mut().open("models/digits/1/graph".parse().expect("a place"));
    window.wait("the error", |h| h.query_all_by_role(Role::Alert).next().is_some());
    std::fs::remove_dir_all(&blobs).ok();
    std::fs::rename(&away, &blobs).expect("back");
    window.press("Try again");
    window.wait("the graph", |h| h.query_all_by_role(Role::GraphicsDocument).next().is_some());
}

fn looks(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = digits(theme);
    window.compare(&format!("graph_digits_{suffix}"));
    window.fill("Find a node", "conv");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.compare(&format!("graph_found_{suffix}"));
    window.go("models/penguins/1/graph");
    window.wait_for_text("operators");
    window.compare(&format!("graph_penguins_{suffix}"));
    results.extend_harness(&mut window.harness);
}

#[test]
fn it_looks_well_in_the_dark() {
    looks(ThemeChoice::Dark, "dark");
}

#[test]
fn it_looks_well_in_the_light() {
    looks(ThemeChoice::Light, "light");
}
