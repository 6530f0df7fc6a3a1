//! The charts of an explanation: pictures with what their pixels add, forces, maps and ways of many rows.

use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, labels};

const SIZE: [f32; 2] = [1440.0, 1400.0];

fn choose(window: &mut Window, field: &str, option: &str) {
    window.press_role(Role::ComboBox, field);
    window.press_role(Role::ListBoxOption, option);
}

/// Explains rows of the digits by a method.
fn digits(theme: ThemeChoice, method: &str, last: &str) -> Window {
    let mut window = Window::with_samples(SIZE, theme);
    window.go("models/digits/1/explain");
    window.wait_for_text("Explain row 1");
    choose(&mut window, "Method", method);
    if last != "1" {
        window.press_role(Role::RadioButton, "Rows: Several");
        window.fill("To row", last);
    }
    let button = if last == "1" { "Explain row 1".to_owned() } else { format!("Explain rows 1 to {last}") };
    window.press(&button);
    window.wait_for_text("What this stands on");
    window
}

#[test]
fn what_pixels_add_is_laid_over_the_picture() {
    let mut window = digits(ThemeChoice::Light, "Integrated gradients", "1");
    window.wait_for_text("What the model saw, and what each pixel adds");
    let overlay = |window: &Window| {
        let told =
            labels(&window.harness).into_iter().find(|label| label.contains("pixels") && label.contains("together"));
        told.expect("the picture in a sentence")
    };
    let before = overlay(&window);
    assert!(before.contains("of 64 pixels move it"), "{before}");
    window.picture("overlay_row_light");
    window.harness.check_accessibility();
    let slider = window.harness.get_by_role(Role::Slider);
    slider.focus();
    for _ in 0..30 {
        window.harness.key_press(egui::Key::ArrowRight);
    }
    window.harness.run_steps(2);
    window.wait_for_text("of all contributions");
    assert_ne!(overlay(&window), before);
    window.picture("overlay_threshold_light");
    // The same as bars, and as a table of pixels.
    choose(&mut window, "Chart of the row", "Bars");
    window.wait_for_text("Contribution of");
    choose(&mut window, "Chart of the row", "Picture");
    window.press("Contributions as a table");
    window.wait_for("Pixel's row");
}

#[test]
fn which_pixels_matter_over_many_rows_is_a_picture_too() {
    let mut window = digits(ThemeChoice::Dark, "Expected gradients", "12");
    window.wait_for_text("The mean picture, and what each pixel adds");
    window.picture("overlay_global_dark");
    // A picture has no feature to look along, and it is said.
    window.wait("it is off", |h| {
        h.query_by_role_and_label(Role::Button, "Draw dependence").is_some_and(|b| b.accesskit_node().is_disabled())
    });
    let field = window.harness.get_by_role_and_label(Role::ComboBox, "Feature to look along");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("Feature to look along"), "nothing is offered");
    window.harness.check_accessibility();
}

#[test]
fn one_row_is_shown_by_steps_by_forces_and_by_bars() {
    let mut window = Window::with_samples([1440.0, 1000.0], ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    window.wait_for_text("171 rows");
    window.press("Explain row 1");
    window.wait_for_text("What this stands on");
    choose(&mut window, "Chart of the row", "Force");
    window.wait_for_text("features add +");
    window.picture("force_light");
    window.harness.check_accessibility();
    choose(&mut window, "Chart of the row", "Bars");
    window.wait_for_text("Contribution of");
    window.show_anew([1440.0, 1000.0], ThemeChoice::Dark);
    window.go("models/tumour/1/explain");
    window.wait_for_text("What this stands on");
    choose(&mut window, "Chart of the row", "Force");
    window.picture("force_dark");
}

#[test]
fn every_row_is_a_map_or_a_way_and_a_press_chooses_it() {
    let mut window = Window::with_samples([1440.0, 1500.0], ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    window.wait_for_text("171 rows");
    window.press_role(Role::RadioButton, "Rows: Several");
    window.fill("To row", "80");
    window.press("Explain rows 1 to 80");
    window.wait_for_text("row 1 marked");
    choose(&mut window, "Chart of every row", "Heat map");
    window.wait_for_text("the highest answers first, row 1 marked");
    window.picture("every_heat_light");
    window.harness.check_accessibility();
    let name = found(&window, "Contribution is lowest");
    let rect = window.harness.get_by_role_and_label(Role::Canvas, &name).rect();
    // The first column is the row with the highest answer.
    window.harness.hover_at(rect.left_center() + egui::vec2(rect.width() * 0.32, 0.0));
    window.harness.run_steps(2);
    press_at(&mut window, rect.left_center() + egui::vec2(rect.width() * 0.6, 0.0));
    assert!(!labels(&window.harness).iter().any(|label| label.contains("row 1 marked")), "another row was chosen");
    choose(&mut window, "Chart of every row", "Decision");
    window.wait_for_text("one line a row");
    window.picture("every_decision_light");
}

fn found(window: &Window, begins: &str) -> String {
    let begins = format!("Canvas: {begins}");
    let found = labels(&window.harness).into_iter().find(|label| label.starts_with(&begins)).expect("there");
    found["Canvas: ".len()..].to_owned()
}

fn press_at(window: &mut Window, at: egui::Pos2) {
    for pressed in [true, false] {
        window.harness.event(egui::Event::PointerMoved(at));
        window.harness.event(egui::Event::PointerButton {
            pos: at,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
        window.harness.run_steps(2);
    }
}

#[test]
fn pictures_are_explained_by_their_segments() {
    let mut window = digits(ThemeChoice::Dark, "LIME", "1");
    window.wait_for_text("segments of row 1");
    window.wait_for_text("so pixels have no sum");
    window.picture("overlay_segments_dark");
    window.press("Options");
    window.fill("Segments of the picture", "1");
    window.wait_for_text("A whole number from 2 on, or 0 for pixels");
    window.fill("Segments of the picture", "9");
    window.press("Options");
    window.wait_for_text("9 segments");
}

/// Segments of one picture are not those of another: what cannot be followed over all rows is not drawn.
#[test]
fn segments_of_many_pictures_have_no_features_in_common() {
    let mut window = digits(ThemeChoice::Light, "LIME", "3");
    window.wait_for_text("Each picture has segments of its own");
    for absent in ["Every row: copy or save", "Importance by", "Coloured by"] {
        assert!(!window.shows(absent), "{absent}");
    }
    window.picture("segments_global_light");
    window.harness.check_accessibility();
}

#[test]
fn words_of_a_text_are_marked_by_what_they_add() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/models/text.onnx");
    let review = "A great film: great actors, a story that holds, and not one boring minute. The end was bad, though; \
                  bad as the worst of them, and still I would see it again.";
    let data = window.home.path().join("reviews.jsonl");
    std::fs::write(&data, format!("{}\n{}\n", serde_json::json!({ "review": review }), r#"{"review":"bad"}"#))
        .expect("written");
    window.import(model, "reviews");
    let (cancel, silent) = (desk_core::Cancel::new(), desk_core::NoProgress);
    let command = crate::lime::explain("reviews@1", data, "kernel", 1..=2, None);
    window.desk.run(command, &cancel, &silent).expect("explained");
    window.go("models/reviews/1/explain");
    window.press_role(Role::RadioButton, "View: Row");
    window.wait_for_text("adds most to the");
    window.wait_for_text("A word that stands several times counts once");
    window.picture("words_light");
    window.harness.check_accessibility();
    window.press("Contributions as a table");
    window.wait_for("Times");
    window.show_anew(SIZE, ThemeChoice::Dark);
    window.go("models/reviews/1/explain");
    window.press_role(Role::RadioButton, "View: Row");
    window.wait_for_text("adds most to the");
    window.picture("words_dark");
    // Over all rows the words are told, not the one column that they stand in.
    window.press_role(Role::RadioButton, "View: Global");
    window.wait_for("Which way words push: copy or save");
    window.wait_for_text("different words to the");
    assert!(
        window.harness.query_all_by_label_contains("bad (2 rows)").next().is_some()
            || window.shows("Importance: copy or save")
    );
    for absent in ["Every row: copy or save", "Importance by", "Coloured by"] {
        assert!(!window.shows(absent), "{absent}");
    }
    window.picture("words_global_dark");
    window.harness.check_accessibility();
    window.press("Which way words push as a table");
    window.wait_for("Mean contribution");
}
