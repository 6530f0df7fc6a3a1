//! What a reviewer does in the Explain tab: picks rows, walks through them, parts them.

use desk_uikit::ThemeChoice;
use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

const SIZE: [f32; 2] = [1440.0, 2200.0];

/// Explains the rows furthest from the truth.
fn worst(window: &mut Window) {
    window.go("models/tumour/1/explain");
    window.wait_for_text("171 rows");
    window.press_role(Role::RadioButton, "Rows: Picked");
    window.press("Explain 20 rows");
    window.wait_for_text("20 of 171 rows, those with the largest log loss first");
}

#[test]
fn the_worst_rows_are_picked_and_walked_through() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    worst(&mut window);
    window.wait_for("Log loss");
    window.picture("picked_global_light");
    window.harness.check_accessibility();

    // Of several rows the chosen one is shown under the list.
    window.press_role(Role::RadioButton, "View: Row");
    window.wait_for_text("1 of 20");
    let first = window.desk.version(&"tumour@1".parse().expect("a version")).expect("read").runs[0].id.clone();
    let desk_app::Outcome::Explain(answer) = window.desk.run_record(&first).expect("read").outcome else {
        panic!("no explanation")
    };
    let sentence = |row: usize| format!("Row {}: ", answer.row_numbers[row]);
    window.wait_for_text(&sentence(0));
    window.press("Row after");
    window.wait_for_text(&sentence(1));
    window.wait_for_text("2 of 20");
    window.picture("picked_row_light");
    window.show_anew(SIZE, ThemeChoice::Dark);
    window.go("models/tumour/1/explain");
    window.wait_for_text("20 of 171 rows");
    window.picture("picked_global_dark");
}

#[test]
fn rows_are_parted_by_right_and_wrong_and_by_a_feature() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    worst(&mut window);
    window.press_role(Role::ComboBox, "Importance by");
    window.press_role(Role::ListBoxOption, "Right and wrong answers");
    window.wait_for("Right");
    window.wait_for("Wrong");
    window.picture("cohorts_dark");
    window.press_role(Role::ComboBox, "Importance by");
    window.press_role(Role::ListBoxOption, "worst_area");
    window.wait_for_text("worst_area below");
    window.wait_for_text("worst_area from");
    window.harness.key_press(Key::Escape);
    window.picture("cohorts_feature_dark");
    let field = window.harness.get_by_role_and_label(Role::ComboBox, "Importance by");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("worst_area"));
}

#[test]
fn the_form_says_what_is_wrong_with_a_threshold() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    window.wait_for_text("171 rows");
    window.press_role(Role::RadioButton, "Rows: Picked");
    window.press_role(Role::ComboBox, "Which");
    window.press_role(Role::ListBoxOption, "Nearest to a threshold");
    window.fill("Threshold", "half");
    window.wait_for_text("No number");
    window.picture("picked_form_light");
    window.fill("Threshold", "0.3");
    window.press("Explain 20 rows");
    window.wait_for_text("smallest distance of the answer for `malignant` from 0.3 first");
}

#[test]
fn the_quality_of_an_explanation_is_measured_and_told() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models/tumour/1/explain");
    window.wait_for_text("171 rows");
    window.press("Options");
    window.press_role(Role::CheckBox, "Measure the quality of the explanation");
    window.picture("quality_form_dark");
    window.press("Options");
    window.wait_for_text("with its quality");
    window.press("Explain row 1");
    window.wait_for("Quality of this explanation");
    for measure in ["Insertion − deletion", "Infidelity", "Max-sensitivity", "Top features shared"] {
        window.wait_for_text(measure);
    }
    window.wait_for_text("in random orders");
    window.picture("quality_dark");
    window.harness.check_accessibility();
    window.press("Insertion and deletion as a table");
    window.wait_for("Features taken away");
}

/// A group's columns are there to be changed, each with its own value.
#[test]
fn columns_of_a_group_are_changed_one_by_one() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/");
    let file = std::fs::read_to_string(format!("{reference}shap/groups.json")).expect("there");
    let file: serde_json::Value = serde_json::from_str(&file).expect("JSON");
    let texts = |list: &serde_json::Value| -> Vec<String> {
        let all = list.as_array().expect("a list").iter();
        all.map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect()
    };
    let rows = ["rows", "background"].into_iter().flat_map(|part| file[part].as_array().expect("rows").clone());
    let lines: Vec<String> = std::iter::once(texts(&file["feature_names"]))
        .chain(rows.map(|row| texts(&row)))
        .map(|cells| cells.join(","))
        .collect();
    let data = window.home.path().join("passengers.csv");
    std::fs::write(&data, lines.join("\n")).expect("written");
    window.import(format!("{reference}models/groups.onnx"), "groups");
    let (cancel, silent) = (desk_core::Cancel::new(), desk_core::NoProgress);
    let mut command = crate::lime::explain("groups@1", data, "auto", 1..=1, None);
    if let desk_app::Command::Explain(explain) = &mut command {
        explain.columns.map = vec![("X".to_owned(), texts(&file["feature_names"]).join(","))];
    }
    window.desk.run(command, &cancel, &silent).expect("explained");
    window.go("models/groups/1/explain");
    window.wait_for_text("Count as one");
    for column in ["sex_female", "sex_male", "boarded_month", "class_third"] {
        window.wait_for_text(column);
    }
    window.picture("what_if_groups_light");
    // The category is offered to look along, as the command line takes it; not beside its own columns.
    window.press_role(Role::ComboBox, "Feature to look along");
    window.wait("the category", |h| h.query_by_role_and_label(Role::ListBoxOption, "sex").is_some());
    window.picture("dependence_categories_light");
    window.press_role(Role::ListBoxOption, "sex");
    window.press_role(Role::ComboBox, "Together with");
    let beside = |h: &egui_kittest::Harness<'static, modeldesk_workbench::Workbench>, name: &str| {
        h.query_by_role_and_label(Role::ListBoxOption, name).is_some()
    };
    assert!(beside(&window.harness, "with age") && !beside(&window.harness, "with sex_male"));
    window.harness.key_press(Key::Escape);
    window.press("Draw dependence");
    window.wait_for_text("along sex");
}

#[test]
fn a_row_is_pinned_as_evidence_with_a_note_and_found_again() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    worst(&mut window);
    window.press_role(Role::RadioButton, "View: Row");
    window.wait_for_text("1 of 20");
    window.press("Row after");
    window.wait_for_text("2 of 20");
    let run = window.desk.version(&"tumour@1".parse().expect("a version")).expect("read").runs[0].id.clone();
    let desk_app::Outcome::Explain(answer) = window.desk.run_record(&run).expect("read").outcome else {
        panic!("no explanation")
    };
    let number = answer.row_numbers[1];
    window.fill("Note", "The largest area of all, and still called benign");
    window.press(&format!("Pin row {number}"));
    window.wait_for("Pinned evidence");
    window.wait_for("Unpin");
    window.picture("pinned_light");
    window.harness.check_accessibility();
    let pins = |window: &Window| window.desk.pins(&"tumour@1".parse().expect("a version")).expect("read");
    assert_eq!(
        (pins(&window)[0].row, pins(&window)[0].note.as_str()),
        (number, "The largest area of all, and still called benign")
    );
    // Undo takes it back, and redo brings it again.
    window.press("Undo");
    window.wait("it is unpinned", |h| h.query_all_by_label("Unpin").next().is_none());
    assert!(pins(&window).is_empty());
    window.press(&format!("Pin row {number}"));
    window.wait_for("Unpin");
    // It is marked among the explained rows, for those who cannot see the mark, too.
    let marked = format!("{number}, pinned as evidence: The largest area of all, and still called benign");
    assert!(window.harness.query_all_by_role_and_label(Role::Cell, &marked).next().is_some());
    let first = pins(&window)[0].at.clone();
    window.fill("Note", "The largest area of all, and called benign by both versions");
    window.press("Change the note");
    window.wait_for_text("note changed just now");
    assert_eq!((&pins(&window)[0].at, pins(&window)[0].changed.is_some()), (&first, true), "pinned since before");
    window.picture("pinned_changed_light");
    // From another view the pinned row is opened by its line, which stands below all else.
    window.harness.set_size([SIZE[0], 3_200.0].into());
    window.harness.run_steps(3);
    window.press("Row before");
    window.wait_for_text("1 of 20");
    window.wait_for("Pinned evidence, 1 row");
    let line = format!("{number}");
    // What stands above it is read in the background, and moves it.
    let place = |window: &Window| {
        let cells = window.harness.query_all_by_role_and_label(Role::Cell, &line);
        cells.map(|cell| cell.rect()).next_back().expect("in the list of evidence").center()
    };
    let (mut pos, mut same) = (place(&window), 0);
    while same < 5 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        window.harness.run_steps(2);
        let now = place(&window);
        same = if now == pos { same + 1 } else { 0 };
        pos = now;
    }
    window.harness.event(egui::Event::PointerMoved(pos));
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        window.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        window.harness.run_steps(1);
    }
    window.harness.key_press(egui::Key::Enter);
    window.wait_for_text("2 of 20");
}

/// What is opened is brought into view, by Enter in the list above it and from the global view, and the list of runs keeps
/// how old they are.
#[test]
fn a_row_that_is_opened_is_seen_on_a_small_screen() {
    let size = [1280.0, 800.0];
    let mut window = Window::with_samples(size, ThemeChoice::Light);
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    for rows in [1..=1, 1..=40] {
        let command = crate::lime::explain("tumour@1", data.clone(), "permutation", rows, None);
        window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    }
    window.go("models/tumour/1/explain");
    window.wait_for("Explained rows, 40 rows");
    let runs = window.harness.get_by_role_and_label(Role::ComboBox, "Earlier explanations");
    let value = runs.accesskit_node().value().expect("a value");
    assert!(value.starts_with("40 rows, ") && value.ends_with(", just now"), "{value}");
    window.picture("runs_light");
    let seen = |window: &Window| {
        let node = window.harness.query_all_by_label("Contributions: copy or save").next();
        node.is_some_and(|node| node.rect().top() >= 0.0 && node.rect().top() <= size[1] - 300.0)
    };
    window.harness.get_by_label("Explained rows, 40 rows").focus();
    window.harness.run_steps(2);
    assert!(!seen(&window));
    window.harness.key_press(Key::ArrowDown);
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.wait_for_text("Row 2: ");
    window.harness.run_steps(6);
    assert!(seen(&window), "the view of the row");
    window.picture("row_opened_light");
}
