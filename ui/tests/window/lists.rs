//! Lists: one selection that the highlight and the inspector share, archived models, notices beside them.

use desk_app::Command;
use desk_app::command::{Archive, Columns, Import};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::Window;

const SIZE: [f32; 2] = [1280.0, 800.0];

fn table(window: &mut Window, label: &str) {
    let wanted = label.to_owned();
    window.wait(label, move |h| h.query_all_by_role_and_label(Role::Table, &wanted).next().is_some());
}

/// Names of highlighted rows.
fn highlighted(window: &Window) -> Vec<String> {
    let cells = window
        .harness
        .query_all_by_role(Role::Cell)
        .filter(|cell| cell.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True));
    let names = ["digits", "penguins", "tumour"];
    cells.filter_map(|cell| cell.accesskit_node().label()).filter(|label| names.contains(&label.as_str())).collect()
}

/// The name at the head of the inspector.
fn inspected(window: &Window, name: &str) -> bool {
    window.harness.query_all_by_label(name).any(|node| node.rect().left() > SIZE[0] - 300.0)
}

#[test]
fn the_highlight_and_the_inspector_name_the_same_model_when_others_arrive_or_are_sorted() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    let import = Import {
        path: concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/samples/penguins/model.onnx").into(),
        name: Some("penguins".parse().expect("a name")),
        golden: None,
        golden_seconds: None,
        columns: Columns::default(),
        note: None,
        alias: None,
        again: false,
    };
    let run = |window: &Window, command| window.desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    run(&window, Command::Import(import));
    window.go("models");
    table(&mut window, "Models, 1 row");
    assert!(inspected(&window, "penguins"));
    // The samples bring one that stands before it and one behind it.
    run(&window, Command::Sample);
    table(&mut window, "Models, 3 rows");
    for heading in ["", "Name", "Name, smallest first", "Size"] {
        if !heading.is_empty() {
            window.press_role(Role::ColumnHeader, heading);
        }
        window.harness.run_steps(2);
        assert_eq!(highlighted(&window), ["penguins"], "{heading}");
        assert!(inspected(&window, "penguins"), "{heading}");
    }
    // What is gone leaves its place to the next one.
    let archive = Archive { model: "penguins".parse().expect("a name"), archived: true };
    run(&window, Command::Archive(archive));
    table(&mut window, "Models, 2 rows");
    let now = highlighted(&window);
    assert!(now.len() == 1 && inspected(&window, &now[0]), "{now:?}");
}

#[test]
fn archived_models_are_listed_and_restored() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    window.go("models");
    table(&mut window, "Models, 3 rows");
    assert!(!window.shows("Show: Archived"), "there are none");
    window.harness.get_by_role_and_label(Role::Cell, "penguins").click();
    window.harness.run_steps(3);
    window.press("Archive");
    table(&mut window, "Models, 2 rows");
    window.press_role(Role::RadioButton, "Show: Archived");
    table(&mut window, "Archived models, 1 row");
    window.picture("models_archived");
    window.press("Restore");
    table(&mut window, "Models, 3 rows");
    assert!(!window.shows("Show: Archived"));
}

#[test]
fn a_notice_moves_nothing_and_goes_when_asked() {
    for size in [SIZE, [900.0, 600.0]] {
        let mut window = Window::with_samples(size, ThemeChoice::Dark);
        window.go("models");
        table(&mut window, "Models, 3 rows");
        window.harness.key_press_modifiers(Modifiers::NONE, Key::Delete);
        table(&mut window, "Models, 2 rows");
        window.wait_for_text("hidden from lists");
        for place in ["models", "models/tumour/2/deploy"] {
            window.go(place);
            // Everything must have been read before it is compared.
            if place != "models" {
                window.wait_for("Use this computer");
                window.wait_for("Compare");
            }
            // A narrow window does not show it.
            if place != "models" && size == SIZE {
                window.wait_for("Readiness");
            }
            window.harness.run_steps(6);
            let shown = places(&window);
            let had = window.harness.query_all_by_role(Role::Alert).next().is_some();
            window.harness.key_press(Key::Escape);
            window.harness.run_steps(6);
            assert!(window.harness.query_all_by_role(Role::Alert).next().is_none(), "Escape takes it away");
            assert!(had || place != "models", "there was one");
            let after = places(&window);
            let moved: Vec<_> = after.iter().filter(|node| !shown.contains(node)).collect();
            assert!(moved.is_empty(), "{place} at {size:?}: {moved:?}");
        }
    }
}

/// What can be pressed, and where it is.
fn places(window: &Window) -> Vec<(String, egui::Rect)> {
    let pressable = [Role::Button, Role::Cell, Role::TextInput, Role::ListBoxOption, Role::ComboBox];
    let all = pressable.into_iter().flat_map(|role| window.harness.query_all_by_role(role));
    all.filter_map(|node| Some((node.accesskit_node().label()?, node.rect()))).collect()
}

#[test]
fn a_double_click_on_archive_archives_one_model() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models");
    table(&mut window, "Models, 3 rows");
    window.wait("the button", |h| h.query_by_role_and_label(Role::Button, "Archive").is_some());
    // However long this computer takes between the two clicks.
    window.harness.ctx.options_mut(|options| options.input_options.max_double_click_delay = 600.0);
    let at = window.harness.get_by_role_and_label(Role::Button, "Archive").rect().center();
    let click = |window: &mut Window| {
        window.harness.event(egui::Event::PointerMoved(at));
        for pressed in [true, false] {
            let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
            window.harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
            window.harness.run_steps(1);
        }
    };
    click(&mut window);
    table(&mut window, "Models, 2 rows");
    click(&mut window);
    window.harness.run_steps(4);
    let archives = |window: &Window| {
        let jobs = window.desk.jobs();
        jobs.iter().filter(|job| matches!(job.command, Command::Archive(_))).count()
    };
    assert_eq!(archives(&window), 1, "the second click lay on another model by chance");
    // A click that belongs to no double click is meant.
    window.harness.ctx.options_mut(|options| options.input_options.max_double_click_delay = 0.0);
    click(&mut window);
    table(&mut window, "Models, 1 row");
}
