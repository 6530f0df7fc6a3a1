//! A value of a row is changed, and the answer follows with its reasons.

use desk_uikit::ThemeChoice;
use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;

use crate::support::{Window, labels};

#[test]
fn a_slider_moves_the_answer_and_reset_brings_it_back() {
    let mut window = Window::with_samples([1280.0, 2200.0], ThemeChoice::Light);
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let command = crate::lime::explain("tumour@1", data, "auto", 4..=4, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait_for_text("change row 4 and see the answer follow");
    window.wait("the sliders", |h| h.query_by_role_and_label(Role::Slider, "worst_area").is_some());
    let follows = |h: &_| labels(h).iter().any(|label| label.contains("Contributions with these values"));
    assert!(!follows(&window.harness));
    window.harness.get_by_role_and_label(Role::Slider, "worst_area").focus();
    window.harness.run_steps(2);
    for _ in 0..12 {
        window.harness.key_press(Key::ArrowLeft);
        window.harness.run_steps(1);
    }
    window.wait_for_text("928.2 →");
    window.wait("the answer", follows);
    window.wait_for_text("from 0.005188");
    window.picture("what_if_light");
    // Another feature, found by its name; each can be taken back alone.
    window.wait_for_text("30 features, those that matter most in this row first");
    window.fill("Find a feature", "Smoothness_error");
    window.wait("only that one", |h| h.query_by_role_and_label(Role::Slider, "worst_area").is_none());
    window.harness.get_by_role_and_label(Role::Slider, "smoothness_error").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::End);
    window.harness.key_press(Key::ArrowRight);
    window.wait_for_text("2 changed");
    window.picture("what_if_found_light");
    window.press("Reset smoothness_error");
    window.wait_for_text("1 changed");
    assert!(follows(&window.harness), "the other one is still changed");
    window.fill("Find a feature", "nothing of that name");
    window.wait_for_text("No feature is called so");
    window.fill("Find a feature", "");
    window.press("Reset all");
    window.wait("nothing changed", |h| !follows(h));
}

#[test]
fn a_category_is_chosen_from_those_of_the_data() {
    let mut window = Window::with_samples([1280.0, 2200.0], ThemeChoice::Dark);
    window.go("models/penguins/1/explain");
    window.wait_for_text("Not explained yet");
    window.press("Explain row 1");
    window.wait_for_text("change row 1 and see the answer follow");
    window.wait("the lists", |h| h.query_by_role_and_label(Role::EditableComboBox, "island").is_some());
    window.press("Values of island");
    window.harness.run_steps(4);
    let data = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("the sample");
    let first = data.lines().nth(1).expect("a row");
    let other = ["Biscoe", "Dream"].into_iter().find(|island| !first.contains(island)).expect("another island");
    window.harness.query_all_by_label(other).last().expect("in the list").click();
    window.harness.run_steps(3);
    window.wait("the answer", |h| labels(h).iter().any(|l| l.contains("Contributions with these values")));
    window.picture("what_if_dark");
}

#[test]
fn numbers_and_texts_are_typed_and_a_press_on_the_rail_jumps_there() {
    let mut window = Window::with_samples([1280.0, 2200.0], ThemeChoice::Light);
    window.go("models/penguins/1/explain");
    window.wait_for_text("Not explained yet");
    window.press("Explain row 1");
    window.wait_for_text("change row 1 and see the answer follow");
    let name = "body_mass_g";
    window.wait("the slider", |h| h.query_by_role_and_label(Role::Slider, name).is_some());
    // Enter takes it, also beyond what the data has; the slider follows.
    type_into(&mut window, Role::TextInput, name, "9999");
    window.harness.key_press(Key::Enter);
    window.wait_for_text("→ 9999");
    window.wait("the answer", |h| labels(h).iter().any(|l| l.contains("Contributions with these values")));
    window.harness.key_press(Key::ArrowUp);
    window.wait_for_text("→ 10000");
    // What is no number says so, and changes nothing.
    type_into(&mut window, Role::TextInput, name, "heavy");
    window.harness.key_press(Key::Tab);
    window.wait_for_text("heavy is not a number");
    window.press("Reset all");
    let says = |h: &egui_kittest::Harness<'_, _>, text| h.query_all_by_label_contains(text).next().is_some();
    window.wait("taken back", |h| !says(h, "is not a number") && !says(h, "→"));
    // A press so short that no frame saw the button down; the page is shorter now and stands still again.
    window.harness.run_steps(12);
    let rail = window.harness.get_by_role_and_label(Role::Slider, name).rect();
    let at = rail.left_center() + egui::vec2(rail.width() * 0.9, 0.0);
    window.harness.event(egui::Event::PointerMoved(at));
    window.harness.run_steps(2);
    let button = egui::PointerButton::Primary;
    let press = |pressed| egui::Event::PointerButton { pos: at, button, pressed, modifiers: egui::Modifiers::NONE };
    window.harness.input_mut().events.extend([press(true), press(false)]);
    window.harness.run_steps(2);
    window.wait_for_text("→");
    window.press("Reset all");
    // A text that no row of the data has.
    type_into(&mut window, Role::EditableComboBox, "island", "Nowhere");
    window.harness.key_press(Key::Enter);
    window.wait_for_text("→ Nowhere");
}

fn type_into(window: &mut Window, role: Role, label: &str, text: &str) {
    window.harness.get_by_role_and_label(role, label).focus();
    window.harness.run_steps(2);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    window.harness.run_steps(1);
    window.harness.event(egui::Event::Text(text.to_owned()));
    window.harness.run_steps(2);
}

#[test]
fn a_row_that_has_changed_since_is_not_answered_as_the_one_on_the_screen() {
    let mut window = Window::with_samples([1280.0, 2200.0], ThemeChoice::Light);
    let text = std::fs::read_to_string(window.desk.samples_folder().join("tumour/heldout.csv")).expect("the sample");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("mine.csv");
    std::fs::write(&data, &text).expect("written");
    let command = crate::lime::explain("tumour@1", data.clone(), "auto", 4..=4, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait("the sliders", |h| h.query_by_role_and_label(Role::Slider, "worst_area").is_some());
    // Row 4 becomes row 5, as when a line above it is removed.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(4);
    std::fs::write(&data, lines.join("\n")).expect("written again");
    window.harness.get_by_role_and_label(Role::Slider, "worst_area").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::ArrowLeft);
    window.wait_for_text("Row 4 is not as it was explained");
    assert!(!labels(&window.harness).iter().any(|label| label.contains("Contributions with these values")));
}

#[test]
fn the_list_of_features_has_its_height_in_a_page_that_scrolls() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let command = crate::lime::explain("tumour@1", data, "auto", 4..=4, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait("the sliders", |h| h.query_by_role_and_label(Role::Slider, "worst_area").is_some());
    let top = window.harness.get_by_role_and_label(Role::TextInput, "Find a feature").rect().bottom();
    let below = window.harness.get_by_label("What this stands on").rect().top();
    assert!(below - top > 280.0, "nine features are seen at once: {} points", below - top);
    window.harness.get_by_role_and_label(Role::TextInput, "Find a feature").focus();
    window.harness.run_steps(4);
    window.picture("what_if_low_dark");
}
