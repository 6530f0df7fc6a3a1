//! The Graph tab: what is drawn, found, selected and told of a node, by pointer and by keyboard.

use std::path::Path;

use desk_app::Command;
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::onnx::{Msg, graph, model, node, opset, tensor, value};
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

/// Imports a model that was made here.
fn import(window: &Window, name: &str, message: &Msg) {
    let path = window.home.path().join(format!("{name}.onnx"));
    std::fs::write(&path, &message.0).expect("written");
    window.import(path, name);
}

/// An If with two branches, and a call of a function of the model.
fn branches() -> Msg {
    let branch = |op: &str| {
        let add = node(op, &["x", "b"], &["z"]).text(3, "inner");
        let b = tensor("b", &[4], &[0; 16]);
        Msg::new().msg(1, &add).text(2, op).msg(5, &b).msg(12, &value("z", &[-1, 4]))
    };
    let held = |name: &str, op: &str| Msg::new().text(1, name).int(20, 5).msg(6, &branch(op));
    let bodies = [held("then_branch", "Add"), held("else_branch", "Sub")];
    let choose = node("If", &["c"], &["h"]).text(3, "choose").all(5, &bodies);
    let call = node("Twice", &["h"], &["y"]).text(3, "call").text(7, "local");
    let condition = Msg::new().int(2, 9).text(8, "c").bytes(9, &[1]);
    let twice = Msg::new().text(1, "Twice").text(4, "a").text(5, "b").msg(7, &node("Add", &["a", "a"], &["b"]));
    let twice = twice.msg(9, &opset("", 18)).text(10, "local");
    model(&graph(&[choose, call], &[condition])).msg(8, &opset("local", 1)).msg(25, &twice)
}

/// The node of the canvas whose name begins so.
fn on_canvas<'w>(window: &'w Window, name: &str) -> egui_kittest::Node<'w> {
    let mut nodes = window.harness.query_all_by_role(Role::GraphicsObject);
    let found = nodes.find(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with(name)));
    found.unwrap_or_else(|| panic!("{name} is on the canvas: {:#?}", crate::support::labels(&window.harness)))
}

#[test]
fn graphs_within_nodes_and_functions_are_opened_and_left() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    import(&window, "branches", &branches());
    window.go("models/branches/1/graph");
    window.wait_for_text("3 graphs within it");
    window.picture("graph_within_main_dark");
    // Enter on the selected node opens its first graph.
    on_canvas(&window, "If choose, can be opened").click();
    window.harness.run_steps(3);
    window.wait_for("Open else_branch");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait("the branch", |h| h.query_all_by_label("then_branch").next().is_some());
    assert_eq!(window.place(), "models/branches/1/graph/0.0");
    window.wait("its picture", |h| h.query_all_by_label("x from outside").next().is_some());
    on_canvas(&window, "Add inner").click();
    window.wait_for_text("Weights: float32 [4]");
    window.picture("graph_within_branch_dark");
    // Backspace leads to the node again, and its buttons to the other branch.
    press(&mut window, Modifiers::NONE, Key::Backspace);
    window.wait_for_text("selected: If choose");
    assert_eq!(window.place(), "models/branches/1/graph");
    window.press("Open else_branch");
    window.wait("the other branch", |_| true);
    assert_eq!(window.place(), "models/branches/1/graph/0.1");
    press(&mut window, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(window.place(), "models/branches/1/graph", "the way back of the whole window");
    // A double click opens what a node calls; the crumb of the node leads back to it.
    window.harness.run_steps(4);
    let at = on_canvas(&window, "Twice call").rect().center();
    window.harness.hover_at(at);
    window.harness.run_steps(2);
    // Within one frame: time goes on by a quarter of a second with each.
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        window.harness.input_mut().events.push(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
    }
    window.harness.run_steps(4);
    window.wait("the function", |h| h.query_all_by_label("local.Twice").next().is_some());
    assert_eq!(window.place(), "models/branches/1/graph/c1");
    window.press_role(Role::Button, "call");
    window.wait_for_text("selected: Twice call");
    // What is looked for is found in all graphs.
    window.fill("Find a node", "Sub");
    window.wait_for_text("1 found");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_for_text("selected: Sub inner");
    assert_eq!(window.place(), "models/branches/1/graph/0.1");
    window.press_role(Role::Button, "main");
    window.wait_for_text("selected: Twice call");
    // A place is an address; one that leads nowhere says so.
    window.go("models/branches/1/graph/f0");
    window.wait("the function", |h| h.query_all_by_label("local.Twice").next().is_some());
    window.harness.state_mut().open("models/branches/1/graph/9.9".parse().expect("a place"));
    window.wait_for_text("This model has no such graph");
}

#[test]
fn values_of_a_tensor_are_read_when_asked_for_and_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::with([1280.0, 1200.0], ThemeChoice::Dark, Some(folder.path().to_owned()));
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    window.go("models/digits/1/graph");
    window.wait("the graph", |h| h.query_all_by_role(Role::GraphicsDocument).next().is_some());
    window.harness.run_steps(3);
    window.fill("Find a node", "conv");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_for("Attributes");
    assert!(!says(&window, "Deviation"), "weights are not read until asked");
    let read = window
        .harness
        .query_all_by_role(Role::Button)
        .find_map(|button| button.accesskit_node().label().filter(|label| label.starts_with("Read values of")));
    let read = read.expect("a way to read them");
    let name = read.trim_start_matches("Read values of ").to_owned();
    window.press(&read);
    window.wait_for("Deviation");
    for told in
        ["Smallest", "Largest", "Mean", "Zeros", "Histogram", &format!("Values of {name}, 108 rows"), "[0, 0, 0, 1]"]
    {
        assert!(says(&window, told), "{told}: {:#?}", crate::support::labels(&window.harness));
    }
    window.picture("graph_values_dark");
    window.press("Hide values");
    window.wait("the button again", |h| h.query_all_by_label(&read).next().is_some());
    window.press(&read);
    window.wait_for("Deviation");
    window.press("Export tensor…");
    window.wait_for_text(" written");
    let files: Vec<_> = std::fs::read_dir(folder.path()).expect("there").flatten().map(|file| file.path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.extension(), Some("npy".as_ref()));
    assert!(shape_of(file).contains("(12, 1, 3, 3)"), "{}", shape_of(file));
}

/// The head of a NumPy file.
fn shape_of(file: &Path) -> String {
    let bytes = std::fs::read(file).expect("the file");
    String::from_utf8_lossy(&bytes[10..128.min(bytes.len())]).into_owned()
}

/// A chain of blocks with branches: so many operators.
fn chain(blocks: usize) -> Msg {
    let name = |i: usize| {
        if i == blocks {
            "y".to_owned()
        } else if i == 0 {
            "x".to_owned()
        } else {
            format!("v{i}")
        }
    };
    let mut nodes = Vec::with_capacity(3 * blocks);
    for i in 0..blocks {
        let (from, left, right) = (name(i), format!("l{i}"), format!("r{i}"));
        nodes.push(node("Relu", &[&from], &[&left]).text(3, &format!("/block.{i}/Relu")));
        nodes.push(node("Mul", &[&from, "w"], &[&right]).text(3, &format!("/block.{i}/Mul")));
        nodes.push(node("Add", &[&left, &right], &[&name(i + 1)]).text(3, &format!("/block.{i}/Add")));
    }
    model(&graph(&nodes, &[tensor("w", &[4], &[0; 16])]))
}

#[test]
fn a_graph_of_a_hundred_thousand_nodes_is_opened_and_searched() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    import(&window, "huge", &chain(33_334));
    window.go("models/huge/1/graph");
    window.wait("the picture", |h| h.query_all_by_role(Role::GraphicsDocument).next().is_some());
    let size = format!("{} operators", desk_uikit::format::count(100_002));
    assert!(says(&window, &size), "{:#?}", crate::support::labels(&window.harness));
    window.fill("Find a node", "/block.20000/add");
    window.wait_for_text("1 found");
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.wait_for_text("selected: Add /block.20000/Add");
    on_canvas(&window, "Add /block.20000/Add");
    window.picture("graph_huge_dark");
    // The map leads to the other end.
    let map = window.harness.get_by_role_and_label(Role::Canvas, "Map of the graph").rect();
    window.harness.hover_at(map.center_bottom() - egui::vec2(0.0, 7.0));
    window.harness.drag_at(map.center_bottom() - egui::vec2(0.0, 7.0));
    window.harness.drop_at(map.center_bottom() - egui::vec2(0.0, 7.0));
    window.harness.run_steps(4);
    let last = window.harness.query_all_by_role(Role::GraphicsObject);
    let names: Vec<String> = last.filter_map(|node| node.accesskit_node().label()).collect();
    assert!(names.iter().any(|name| name.contains("/block.33")), "{names:?}");
    // It can be hidden, and stays so.
    window.press("Hide the map");
    window.harness.run_steps(3);
    assert!(window.harness.query_all_by_label("Map of the graph").next().is_none());
    window.open_again(|desk| desk.setting("window/graph-map").expect("read").is_some());
    window.go("models/huge/1/graph");
    window.wait("the picture", |h| h.query_all_by_role(Role::GraphicsDocument).next().is_some());
    window.wait_for("Show the map");
    window.press("Show the map");
    window.wait_for("Map of the graph");
    window.picture("graph_huge_light");
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
