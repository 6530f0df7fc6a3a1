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
    window.wait("the lists", |h| h.query_by_role_and_label(Role::ComboBox, "island").is_some());
    window.harness.get_by_role_and_label(Role::ComboBox, "island").click();
    window.harness.run_steps(4);
    let data = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("the sample");
    let first = data.lines().nth(1).expect("a row");
    let other = ["Biscoe", "Dream"].into_iter().find(|island| !first.contains(island)).expect("another island");
    window.harness.query_all_by_label(other).last().expect("in the list").click();
    window.harness.run_steps(3);
    window.wait("the answer", |h| labels(h).iter().any(|l| l.contains("Contributions with these values")));
    window.picture("what_if_dark");
}
