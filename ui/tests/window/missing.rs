//! Cells that are missing where the model takes none: what the window says, and how one gets on from there.

use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::{Columns, Import};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

/// The penguins without the island in two rows.
fn without_islands(window: &Window) -> PathBuf {
    let text = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("read");
    let lines = text.lines().enumerate().map(|(row, line)| match (row, line.split_once(',')) {
        (2 | 5, Some((_, rest))) => format!(",{rest}\n"),
        _ => format!("{line}\n"),
    });
    let path = window.home.path().join("gaps.csv");
    std::fs::write(&path, lines.collect::<String>()).expect("written");
    path
}

#[test]
fn a_value_stands_for_missing_cells_where_that_is_said() {
    let mut window = Window::with_samples([1280.0, 1200.0], ThemeChoice::Light);
    let data = without_islands(&window);
    window.go("models/penguins/1/test");
    window.fill("Data file", &data.to_string_lossy());
    window.score();
    window.wait_for_text("2 of 103 rows lack a value");
    window.picture("missing_refused_light");
    window.press("Options");
    window.press_role(Role::ComboBox, "Fill missing cells");
    window.press_role(Role::ListBoxOption, "island");
    window.picture("missing_asked_light");
    window.fill("Fill missing cells of island", "Dream");
    window.picture("missing_options_light");
    window.press("Options");
    window.wait_for_text("Dream for missing cells of island");
    window.score();
    window.wait_for_text("2 missing cells in column island were given to the model as Dream, as asked");
    window.picture("missing_filled_light");
    // The next time it is there, and can be taken back.
    window.show_anew([1280.0, 1200.0], ThemeChoice::Light);
    window.go("models/penguins/1/test");
    window.wait_for_text("Dream for missing cells of island");
    window.press("Options");
    window.press("Leave missing cells of island as they are");
    window.score();
    window.wait_for_text("2 of 103 rows lack a value");
}

/// A press with the pointer, on whatever lies on top there.
fn pointed(window: &mut Window, at: egui::Pos2) {
    window.harness.hover_at(at);
    window.harness.run_steps(2);
    window.harness.drag_at(at);
    window.harness.run_steps(1);
    window.harness.drop_at(at);
    window.harness.run_steps(3);
}

/// What was said stays where it was when the import fails, and the next column can be said.
#[test]
fn a_failed_import_lets_the_next_column_be_said() {
    let mut window = Window::with_samples([1280.0, 1500.0], ThemeChoice::Light);
    let text = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("read");
    // Neither the island nor the sex of the first two rows is known.
    let lines = text.lines().enumerate().map(|(row, line)| match (row, line.splitn(3, ',').nth(2)) {
        (1 | 2, Some(rest)) => format!(",,{rest}\n"),
        _ => format!("{line}\n"),
    });
    let golden = window.home.path().join("gaps.csv");
    std::fs::write(&golden, lines.collect::<String>()).expect("written");
    let model = window.desk.samples_folder().join("penguins/model.onnx");
    window.go("models");
    window.press("Import model…");
    window.fill("Model file", &model.to_string_lossy());
    window.press_role(Role::CheckBox, "Make a new version all the same");
    window.fill("Golden rows from", &golden.to_string_lossy());
    window.press_role(Role::ComboBox, "Fill missing cells");
    window.press_role(Role::ListBoxOption, "island");
    window.fill("Fill missing cells of island", "Dream");
    window.press("Import");
    window.wait_for_text("The import did not succeed");
    window.wait_for_text("2 of 103 rows lack a value");
    window.picture("missing_import_light");
    // A press on the dialog brings it to the top; the list that is opened next lies over it all the same.
    let text = window.harness.get_by_label_contains("The import did not succeed").rect().center();
    pointed(&mut window, text);
    window.press_role(Role::ComboBox, "Fill missing cells");
    window.harness.run_steps(4);
    window.picture("missing_import_list_light");
    let sex = window.harness.get_by_role_and_label(Role::ListBoxOption, "sex").rect().center();
    pointed(&mut window, sex);
    window.wait_for("Fill missing cells of sex");
    window.press("Leave missing cells of sex as they are");
    window.press_role(Role::ComboBox, "Fill missing cells");
    window.harness.run_steps(4);
    window.press_role(Role::ListBoxOption, "sex");
    window.fill("Fill missing cells of sex", "male");
    window.press("Try again");
    window.wait_for_text("Imported");
}

/// What was said for the golden rows is what the first test of the version begins with.
#[test]
fn a_test_begins_with_what_the_import_was_told() {
    let mut window = Window::with_samples([1280.0, 1500.0], ThemeChoice::Light);
    let golden = without_islands(&window);
    let model = window.desk.samples_folder().join("penguins/model.onnx");
    let columns = Columns { fill: vec![("island".into(), "Dream".into())], ..Columns::default() };
    let import = Import {
        path: model,
        name: Some("birds".parse().expect("a name")),
        golden: Some(golden),
        columns,
        note: None,
        alias: None,
        again: true,
        golden_seconds: None,
    };
    window.desk.run(Command::Import(import), &Cancel::new(), &NoProgress).expect("imported");
    window.go("models/birds/1/test");
    window.wait_for("Score 103 rows");
    window.wait_for_text("Dream for missing cells of island");
    window.score();
    window.wait_for_text("2 missing cells in column island were given to the model as Dream, as asked");
}
