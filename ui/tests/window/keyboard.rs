//! Everything can be reached and done from the keyboard.

use std::collections::BTreeSet;

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{PLACES, Window};

const SIZE: [f32; 2] = [1280.0, 800.0];

fn keys(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_steps(4);
}

/// The label and place of what has the focus.
fn focused(window: &Window) -> Option<(String, egui::Rect)> {
    let node = window.harness.root().children_recursive().find(|node| node.accesskit_node().is_focused())?;
    Some((node.accesskit_node().label().unwrap_or_default(), node.rect()))
}

#[test]
fn f6_goes_from_region_to_region_and_back() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models");
    window.wait("the list", |h| h.query_all_by_role_and_label(Role::Table, "Models, 3 rows").next().is_some());
    let mut visited = Vec::new();
    for _ in 0..4 {
        keys(&mut window, Modifiers::NONE, Key::F6);
        let (label, rect) = focused(&window).expect("something has the focus");
        visited.push((label, rect));
    }
    let at = |i: usize| visited[i].1.center();
    assert!(at(0).y < 44.0, "the top bar: {visited:?}");
    assert!(at(1).x < 220.0 && at(1).y > 44.0, "the navigation: {visited:?}");
    assert!(at(2).x > 220.0 && at(2).x < 980.0, "the view: {visited:?}");
    assert!(at(3).x > 980.0, "the inspector: {visited:?}");
    keys(&mut window, Modifiers::SHIFT, Key::F6);
    let back = focused(&window).expect("something has the focus").1.center();
    assert!(back.x > 220.0 && back.x < 980.0, "the view again: {back:?}");
}

#[test]
fn f2_delete_and_undo_work_on_what_is_selected() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    let shows = |window: &mut Window, what: &str| {
        let label = what.to_owned();
        window.wait(what, move |h| h.query_all_by_role_and_label(Role::Table, &label).next().is_some());
    };
    window.go("models");
    shows(&mut window, "Models, 3 rows");
    keys(&mut window, Modifiers::NONE, Key::F2);
    window.wait_for("Move alias");
    keys(&mut window, Modifiers::NONE, Key::Escape);
    keys(&mut window, Modifiers::NONE, Key::Delete);
    shows(&mut window, "Models, 2 rows");
    keys(&mut window, Modifiers::COMMAND, Key::Z);
    shows(&mut window, "Models, 3 rows");
    keys(&mut window, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
    shows(&mut window, "Models, 2 rows");
    keys(&mut window, Modifiers::COMMAND, Key::Z);
    shows(&mut window, "Models, 3 rows");
    assert_eq!(window.desk.models(&desk_app::query::ModelFilter::default()).expect("a list").len(), 3);
}

#[test]
fn keys_that_edit_text_stay_with_the_text() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models");
    window.wait("the list", |h| h.query_all_by_role_and_label(Role::Table, "Models, 3 rows").next().is_some());
    keys(&mut window, Modifiers::COMMAND, Key::F);
    window.harness.get_by_role_and_label(Role::TextInput, "Filter models").type_text("pen");
    window.wait("the filter", |h| h.query_all_by_role_and_label(Role::Table, "Models, 1 row").next().is_some());
    keys(&mut window, Modifiers::NONE, Key::Delete);
    keys(&mut window, Modifiers::COMMAND, Key::Z);
    window.wait("all models", |h| h.query_all_by_role_and_label(Role::Table, "Models, 3 rows").next().is_some());
    let archived = window.desk.operations(50).expect("a list");
    assert!(archived.iter().all(|operation| operation.kind != "model.archive"), "Delete belongs to the text");
}

#[test]
fn selected_rows_are_copied() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models");
    window.wait("the list", |h| h.query_all_by_role_and_label(Role::Cell, "tumour").next().is_some());
    window.harness.get_by_role_and_label(Role::Cell, "tumour").click();
    window.harness.run_steps(3);
    window.harness.event(egui::Event::Copy);
    window.harness.step();
    let copied = window.harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("something is in the clipboard");
    assert!(copied.lines().any(|line| line.starts_with("tumour\t")), "{copied}");
}

/// What somebody with a keyboard alone must reach.
fn wanted(window: &Window) -> BTreeSet<String> {
    let roles = [Role::Button, Role::TextInput, Role::CheckBox, Role::RadioButton, Role::ComboBox, Role::Tab];
    let screen = window.harness.ctx.content_rect();
    let nodes = window.harness.root().children_recursive();
    let usable = nodes.filter(|node| {
        let inner = node.accesskit_node();
        roles.contains(&inner.role()) && !inner.is_disabled() && screen.contains(node.rect().center())
    });
    usable.map(|node| name(&node)).collect()
}

fn name(node: &egui_kittest::Node<'_>) -> String {
    let inner = node.accesskit_node();
    format!("{:?} {}", inner.role(), inner.label().unwrap_or_default())
}

#[test]
fn tab_reaches_everything_that_can_be_used_and_nothing_is_without_a_name() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    // Home is another one until the samples are seen.
    window.wait("the samples", |h| crate::support::labels(h).iter().any(|label| label.ends_with(": tumour")));
    for place in PLACES {
        window.go(place);
        // Names change once what is read has been.
        let busy = |label: &String| label.contains("Loading") || label == "Button: Score";
        window.wait("loaded", |h| !crate::support::labels(h).iter().any(busy));
        window.harness.run_steps(4);
        window.harness.check_accessibility();
        let mut missing = wanted(&window);
        for _ in 0..150 {
            keys(&mut window, Modifiers::NONE, Key::Tab);
            let here = window.harness.root().children_recursive().find(|node| node.accesskit_node().is_focused());
            let Some(here) = here.map(|node| name(&node)) else { continue };
            missing.remove(&here);
            if missing.is_empty() {
                break;
            }
        }
        assert!(missing.is_empty(), "{place}: Tab does not reach {missing:#?}");
    }
}

#[test]
fn what_is_typed_with_the_palettes_keys_in_one_slow_frame_is_typed_into_it() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models/tumour/1/test");
    window.wait_for_text("Not tested yet");
    window.fill("Data file", "");
    let key = |key, modifiers| egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    let typed = ["peng", "uins v1 expl", "ain"].map(|text| egui::Event::Text(text.to_owned()));
    // All of it in one frame, as when the window was busy.
    let events = &mut window.harness.input_mut().events;
    events.push(key(Key::K, Modifiers::COMMAND));
    events.extend(typed);
    events.push(key(Key::Enter, Modifiers::NONE));
    window.harness.run_steps(3);
    window.wait_for_text("Not explained yet");
    assert_eq!(window.place(), "models/penguins/1/explain");
}
