//! Charts and numbers leave the window: as files where somebody said, and into the clipboard.

use desk_app::Command;
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{NO_DIALOG, Window};

fn choose(window: &mut Window, figure: &str, item: &str) {
    window.press(&format!("{figure}: copy or save"));
    window.wait_for(item);
    window.harness.get_by_label(item).click();
    window.harness.run_steps(2);
}

#[test]
fn a_chart_is_saved_as_drawing_as_pixels_and_as_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::with([1280.0, 1300.0], ThemeChoice::Light, Some(folder.path().to_owned()));
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    window.go("models/tumour/1/test");
    window.wait_for_text("Not tested yet");
    window.score();
    window.wait_for("ROC curve");

    choose(&mut window, "ROC curve", "Save as SVG…");
    window.wait_for_text("Saved");
    let svg = std::fs::read_to_string(folder.path().join("roc-curve.svg")).expect("the drawing");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "it is whole");
    for words in ["ROC curve", "False positive rate", "malignant"] {
        assert!(svg.contains(words), "{words} is missing");
    }
    choose(&mut window, "ROC curve", "Save as PNG…");
    let png = folder.path().join("roc-curve.png");
    window.wait("the pixels", |_| png.exists());
    let picture = image::open(&png).expect("a picture").to_rgba8();
    assert!(picture.width() >= 960, "two pixels for a point: {}", picture.width());
    Window::keep("figure_roc_light.png", &png);

    choose(&mut window, "Confusion", "Save numbers as CSV…");
    let csv = folder.path().join("confusion.csv");
    window.wait("the numbers", |_| csv.exists());
    let text = std::fs::read_to_string(csv).expect("the numbers");
    assert!(text.starts_with("Actual,as benign,as malignant\nbenign,"), "{text}");

    choose(&mut window, "Confusion", "Copy picture");
    window.wait_for_text("The picture is in the clipboard");
    choose(&mut window, "Confusion", "Copy numbers");
    window.wait_for_text("Copied");
}

#[test]
fn an_explanation_is_saved_as_a_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::with([1280.0, 800.0], ThemeChoice::Light, Some(folder.path().to_owned()));
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let command = crate::lime::explain("tumour@1", data, "tree", 2..=4, None);
    window.desk.run(command, &Cancel::new(), &NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait_for("Save…");
    window.press("Save…");
    window.wait_for_text("Saved");
    window.picture("explanation_saved_light");
    let page = std::fs::read_to_string(folder.path().join("tumour-1-explained-tree.html")).expect("the page");
    assert!(page.contains("Row 2") && page.contains("heldout.csv"), "it says what it is of");
    // So does a chart that leaves the window.
    choose(&mut window, "Importance", "Save as SVG…");
    let chart = folder.path().join("importance.svg");
    window.wait("the drawing", |_| chart.exists());
    let svg = std::fs::read_to_string(chart).expect("the drawing");
    assert!(svg.contains("tumour@1 · heldout.csv · Tree SHAP") && !svg.contains("ago"), "what it is of, and no age");
    choose(&mut window, "Importance", "Save as PNG…");
    let png = folder.path().join("importance.png");
    window.wait("the pixels", |_| png.exists());
    Window::keep("figure_importance_light.png", &png);
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = folder.path().join("not").join("there");
    let mut window = Window::with([1280.0, 1300.0], ThemeChoice::Dark, Some(gone));
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    window.go("models/tumour/1/test");
    window.wait_for_text("Not tested yet");
    window.score();
    window.wait_for("ROC curve");
    choose(&mut window, "ROC curve", "Save as SVG…");
    window.wait_for_text("The file was not saved");
    assert!(window.harness.query_by_role_and_label(Role::Button, "ROC curve: copy or save").is_some());
}

/// As on a machine without a desktop portal: the window asks for the place itself, and before a file is replaced.
#[test]
fn where_no_file_dialog_comes_the_window_asks_where_to_save() {
    NO_DIALOG.set(true);
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::with([1280.0, 1300.0], ThemeChoice::Light, Some(folder.path().to_owned()));
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    window.go("models/tumour/1/test");
    window.wait_for_text("Not tested yet");
    window.score();
    window.wait_for("ROC curve");
    choose(&mut window, "ROC curve", "Save as SVG…");
    window.wait_for("Save as");
    window.fill("File", &folder.path().join("no/where.svg").to_string_lossy());
    window.wait_for_text("There is no such folder");
    window.picture("save_as_error_light");
    window.fill("File", "mine.svg");
    window.wait("the button", |h| {
        h.query_by_role_and_label(Role::Button, "Save").is_some_and(|b| !b.accesskit_node().is_disabled())
    });
    window.picture("save_as_light");
    window.press("Save");
    window.wait_for_text("Saved");
    assert!(folder.path().join("mine.svg").exists());

    choose(&mut window, "ROC curve", "Save as SVG…");
    window.wait_for("Save as");
    window.fill("File", "mine.svg");
    window.wait_for_text("Replaces the file that is there");
    window.picture("save_as_replace_light");
    window.press("Cancel");
    choose(&mut window, "Confusion", "Save numbers as CSV…");
    window.wait_for("Save as");
    // Enter at once, before anybody can have looked at the disk: it is meant for what stands in the field.
    let quick = folder.path().join("quick.csv");
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Paste(quick.to_string_lossy().into_owned()));
    window.harness.key_press(egui::Key::Enter);
    window.wait("the numbers", |_| quick.exists());
    assert!(!folder.path().join("confusion.csv").exists(), "nothing at the place that was proposed");
    // A file that is there is replaced only by who has seen that it will be.
    let there = folder.path().join("there.csv");
    std::fs::write(&there, "mine").expect("written");
    choose(&mut window, "Confusion", "Save numbers as CSV…");
    window.wait_for("Save as");
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Paste(there.to_string_lossy().into_owned()));
    window.harness.key_press(egui::Key::Enter);
    window.wait_for("Replace");
    window.harness.run_steps(4);
    assert_eq!(std::fs::read_to_string(&there).expect("read"), "mine");
    window.press("Replace");
    window.wait("the numbers", |_| std::fs::read_to_string(&there).is_ok_and(|text| text.starts_with("Actual")));
}
