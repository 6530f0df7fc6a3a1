//! Two versions side by side in the window: from not tested to which rows changed.

use desk_app::command::Columns;
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

#[test]
fn two_versions_are_scored_and_compared() {
    let mut window = Window::with_samples([1280.0, 1500.0], ThemeChoice::Dark);
    window.go("models/tumour/2/overview");
    window.press("Compare");
    assert_eq!(window.place(), "compare/tumour/1/tumour/2");
    window.wait_for_text("tumour v1 was not tested yet. Score the same file with both");
    let alert = window.harness.query_all_by_role(Role::Alert).next();
    assert!(alert.is_none(), "what was not done yet is no error");
    window.picture("compare_untested_dark");
    let data = format!("{}/../assets/samples/tumour/heldout.csv", env!("CARGO_MANIFEST_DIR"));
    window.press("Choose data to test with");
    assert_eq!(window.place(), "models/tumour/2/test");
    window.fill("Data file", &data);
    window.score();
    window.wait_for("Results");

    window.go("compare/tumour/1/tumour/2");
    window.press("Score heldout.csv with both");
    window.wait_for_text("answered otherwise");
    window.wait_for_text("Accuracy +");
    for name in ["Metrics of both, 8 rows", "Right and wrong of both, 2 rows", "Facts of both"] {
        window.wait_for_text(name);
    }
    window.harness.run_steps(4);
    window.picture("compare_dark");

    window.press("Swap the two");
    assert_eq!(window.place(), "compare/tumour/2/tumour/1");
    window.wait_for_text("Accuracy −");
    assert!(window.harness.query_all_by_role_and_label(Role::Cell, "became wrong").next().is_some());
    window.press("Open v1");
    assert_eq!(window.place(), "models/tumour/1/overview");

    // The palette leads to a comparison, the one that was visited last first, and to what was run.
    for (typed, place) in [("compare tumour", "compare/tumour/2/tumour/1"), ("score heldout v2", "activity/")] {
        window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
        window.harness.run_steps(3);
        window.harness.get_by_label("Search commands").type_text(typed);
        window.harness.run_steps(2);
        window.harness.key_press(Key::Enter);
        window.harness.run_steps(3);
        assert!(window.place().starts_with(place), "{typed} leads to {}", window.place());
    }
}

fn score(window: &Window, number: u32, columns: Columns) {
    let command = desk_app::Command::Predict(desk_app::command::Predict {
        version: format!("tumour@{number}").parse().expect("a version"),
        data: window.desk.samples_folder().join("tumour/heldout.csv"),
        out: None,
        device: "auto".to_owned(),
        batch: None,
        positive: None,
        columns,
        echo: desk_app::command::Echo::None,
    });
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("scored");
}

#[test]
fn tests_that_read_their_file_differently_are_compared_with_a_warning() {
    let mut window = Window::with_samples([1280.0, 1100.0], ThemeChoice::Dark);
    score(&window, 1, Columns::default());
    score(&window, 2, Columns { missing: vec!["?".into()], ..Columns::default() });
    window.go("compare/tumour/1/tumour/2");
    window.wait_for_text("The two tests read the file differently");
    window.wait_for_text("--missing");
    window.harness.run_steps(4);
    window.picture("compare_otherwise_dark");
}

#[test]
fn the_same_rows_are_explained_with_both_and_what_moved_is_told() {
    let mut window = Window::with_samples([1280.0, 2300.0], ThemeChoice::Light);
    for number in [1, 2] {
        score(&window, number, Columns::default());
    }
    window.go("compare/tumour/1/tumour/2");
    window.wait_for_text("tumour v1 was not explained yet");
    window.press("Explain rows 1 to 100 of heldout.csv with both");
    window.wait_for_text("What moved");
    window.wait_for_text("100 rows of heldout.csv, Tree SHAP");
    window.wait_for_text("Spearman");
    window.harness.run_steps(4);
    window.picture("compare_explained_light");
    window.harness.check_accessibility();
    // A heading that does not explain itself says what it is, and in which units.
    let head = window.harness.get_by_role_and_label(Role::ColumnHeader, "Moved by");
    let about = head.accesskit_node().description().expect("what it is");
    assert!(about.contains("sum over the features") && about.contains("in units of the"), "{about}");
    // The row that moved most is there in both; another one is a key away, and Enter goes to it.
    let moved = {
        let [a, b] = ["tumour@1", "tumour@2"].map(|version| version.parse().expect("a version"));
        let found = window.desk.compare(&a, &b, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("compared");
        found.explanations.expect("explained").outputs[0].moved.clone()
    };
    window.wait_for(&format!("Row {} in both", moved[0].row));
    window.wait_for("Contributions in v1: copy or save");
    window.wait_for("Contributions in v2: copy or save");
    window.wait_for_text("Feature by feature");
    window.harness.set_size([1280.0, 800.0].into());
    window.harness.run_steps(3);
    window.harness.get_by_label("Rows that moved most, 100 rows").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::ArrowDown);
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    let second = format!("Row {} in both", moved[1].row);
    window.wait_for(&second);
    window.harness.run_steps(6);
    let top = window.harness.get_by_label(&second).rect().top();
    assert!((0.0..400.0).contains(&top), "it is in view: {top}");
    window.picture("compare_row_light");
    // Both are explained from another background.
    let background = window.desk.samples_folder().join("tumour/background.csv");
    window.fill("Background rows of both", &background.display().to_string());
    window.press("Explain rows 1 to 100 of heldout.csv with both");
    let desk = window.desk.clone();
    let explained_so = move |number: u32| {
        let runs = desk.version(&format!("tumour@{number}").parse().expect("a version")).expect("read").runs;
        let newest = runs.iter().find(|run| run.kind == "explain").expect("explained");
        let desk_app::Command::Explain(asked) = desk.run_record(&newest.id).expect("read").command else {
            return false;
        };
        asked.background.as_ref() == Some(&background)
    };
    window.wait("both from it", move |_| explained_so(1) && explained_so(2));
    window.show_anew([1280.0, 2300.0], ThemeChoice::Dark);
    window.go("compare/tumour/1/tumour/2");
    window.wait_for_text("What moved");
    window.wait_for_text("Feature by feature");
    window.harness.run_steps(4);
    window.picture("compare_explained_dark");
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_comparison_says_how_far_it_is_and_can_be_cancelled() {
    let mut window = Window::with_samples([1280.0, 1000.0], ThemeChoice::Dark);
    for number in [1, 2] {
        score(&window, number, Columns::default());
    }
    let held = crate::held::Held::newest_answers(window.home.path());
    window.harness.state_mut().open("compare/tumour/1/tumour/2".parse().expect("a place"));
    window.wait("a way to end it", |h| h.query_all_by_role_and_label(Role::Button, "Cancel").next().is_some());
    window.wait_for("Reading the answers");
    window.picture("compare_slow_dark");
    window.press("Cancel");
    drop(held);
    window.wait_for("The two were not compared");
    window.picture("compare_cancelled_dark");
    window.press("Compare them");
    window.wait_for_text("answered otherwise");
}
