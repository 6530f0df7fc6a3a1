//! Over the whole file: importance and dependence in the Explain tab, recorded and there again.

use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

const SIZE: [f32; 2] = [1280.0, 1700.0];

#[test]
fn importance_and_dependence_are_measured_shown_and_remembered() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    window.wait_for("Measure importance");
    window.wait("the data", |h| {
        h.query_by_role_and_label(Role::Button, "Measure importance").is_some_and(|b| !b.accesskit_node().is_disabled())
    });
    window.picture("whole_nothing_light");
    window.press("Measure importance");
    window.wait_for("Permutation importance: copy or save");
    window.wait_for_text("features matter beyond chance");
    // What matters most is proposed for the other chart.
    let most = {
        let runs = window.desk.version(&"tumour@1".parse().expect("a version")).expect("read").runs;
        let run = runs.iter().find(|run| run.kind == "importance").expect("recorded");
        let desk_app::Outcome::Importance(found) = window.desk.run_record(&run.id).expect("read").outcome else {
            panic!("no importance")
        };
        found.importance.features[0].name.clone()
    };
    let field = window.harness.get_by_role_and_label(Role::ComboBox, "Feature to look along");
    assert_eq!(field.accesskit_node().value(), Some(most.clone()));
    window.press("Draw dependence");
    window.wait_for("Partial dependence: copy or save");
    window.wait_for_text(&format!("along {most}"));
    window.picture("whole_light");
    window.press("Permutation importance as a table");
    window.wait_for("Beyond chance");
    window.show_anew(SIZE, ThemeChoice::Dark);
    window.go("models/tumour/1/explain");
    window.wait_for("Permutation importance: copy or save");
    window.wait_for("Partial dependence: copy or save");
    window.picture("whole_dark");
    window.harness.check_accessibility();
}

/// Presses a button that may be out of sight.
fn by_key(window: &mut Window, button: &str) {
    window.harness.get_by_role_and_label(Role::Button, button).focus();
    window.harness.run_steps(4);
    window.harness.key_press(egui::Key::Enter);
    window.harness.run_steps(3);
}

/// What is asked for at the end of a long page is brought into view when it is there; who has scrolled on is left alone.
#[test]
fn what_was_measured_is_scrolled_to_once() {
    let size = [1280.0, 800.0];
    let mut window = Window::with_samples(size, ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    ready(&mut window, "Measure importance");
    let sees = |window: &Window, label: &str| {
        let node = window.harness.query_all_by_label(label).next();
        node.is_some_and(|node| node.rect().top() >= 0.0 && node.rect().bottom() <= size[1])
    };
    window.press("Measure importance");
    window.wait_for("Permutation importance: copy or save");
    window.harness.run_steps(6);
    assert!(sees(&window, "Permutation importance: copy or save"), "its head");
    assert!(
        window.harness.query_all_by_label_contains("features matter beyond chance").any(|n| n.rect().top() < size[1])
    );
    window.picture("whole_arrived_light");
    by_key(&mut window, "Draw dependence");
    window.wait_for("Partial dependence: copy or save");
    window.harness.run_steps(6);
    assert!(sees(&window, "Partial dependence: copy or save"));
    window.picture("whole_arrived_below_light");
    by_key(&mut window, "Grow a small tree");
    window.wait_for("A small tree: copy or save");
    window.harness.run_steps(6);
    assert!(sees(&window, "A small tree: copy or save"));
    window.harness.hover_at(egui::pos2(700.0, 500.0));
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 20_000.0),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
        source: egui::MouseWheelSource::Unknown,
    });
    window.harness.run_steps(30);
    assert!(!sees(&window, "A small tree: copy or save"), "it is not scrolled to again");
}

#[test]
fn a_column_of_texts_has_a_bar_for_each_value_and_what_is_off_says_why() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models/penguins/1/explain");
    window.wait("the data", |h| {
        h.query_by_role_and_label(Role::Button, "Draw dependence").is_some_and(|b| !b.accesskit_node().is_disabled())
    });
    window.press_role(Role::ComboBox, "Feature to look along");
    window.press_role(Role::ListBoxOption, "island");
    window.press("Draw dependence");
    window.wait_for_text("along island");
    window.picture("whole_island_dark");
    window.press_role(Role::RadioButton, "Class or output: Gentoo");
    window.wait_for_text("of Gentoo along island");
    window.fill("Data file", "/nowhere/rows.csv");
    window.wait("it is off", |h| {
        h.query_by_role_and_label(Role::Button, "Draw dependence").is_some_and(|b| b.accesskit_node().is_disabled())
    });
}

fn ready(window: &mut Window, button: &str) {
    window.wait("the data", |h| {
        h.query_by_role_and_label(Role::Button, button).is_some_and(|b| !b.accesskit_node().is_disabled())
    });
}

#[test]
fn two_features_are_looked_along_together() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    ready(&mut window, "Draw dependence");
    window.press_role(Role::ComboBox, "Feature to look along");
    window.press_role(Role::ListBoxOption, "mean_concave_points");
    window.press_role(Role::ComboBox, "Together with");
    window.press_role(Role::ListBoxOption, "with mean_texture");
    window.press("Draw dependence");
    window.wait_for("Dependence on both: copy or save");
    window.wait_for_text("H is ");
    window.harness.run_steps(4);
    window.picture("whole_pair_light");
    window.harness.check_accessibility();
    window.press("Dependence on both as a table");
    window.wait_for("Rows near");
}

#[test]
fn a_small_tree_stands_for_the_model_with_how_far_it_may_be_believed() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models/penguins/1/explain");
    ready(&mut window, "Grow a small tree");
    window.press("Grow a small tree");
    window.wait_for("A small tree: copy or save");
    window.wait_for("R² of the tree");
    window.wait_for("Same class as the model");
    window.harness.run_steps(4);
    window.picture("whole_tree_dark");
    window.harness.check_accessibility();
    window.press("A small tree as a table");
    window.wait_for("Rule");
}
