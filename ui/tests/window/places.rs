//! Navigation, keyboard, states: what every place must do, without a runtime.

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use modeldesk_workbench::Workbench;

use crate::support::{FRESH, Window};

#[test]
fn a_fresh_desk_says_what_to_do_in_every_place() {
    let mut window = Window::new();
    window.wait_for("Welcome to Modeldesk");
    for (place, says) in FRESH {
        window.go(place);
        window.wait_for(says);
    }
    for (place, says) in [
        ("settings/appearance", "Reduce motion"),
        ("settings/storage", "Verify everything"),
        ("settings/shortcuts", "Shortcuts, 28 rows"),
        ("settings/about", "MIT or Apache-2.0"),
    ] {
        window.go(place);
        window.wait_for_text(says.split(',').next().expect("a part"));
    }
}

#[test]
fn what_does_not_exist_says_so_and_leads_on() {
    let mut window = Window::new();
    window.go("models/nothing/1/overview");
    window.wait_for("Try again");
    window.wait_for_text("There is no model named nothing");
    window.wait_for("There is nothing to show");
    for typed in ["`", "modeldesk list"] {
        let said = window.harness.query_all_by_label_contains(typed).next();
        assert!(said.is_none(), "{typed} is for a terminal");
    }
    let deploy = window.harness.query_all_by_role_and_label(Role::Button, "Deploy").next();
    assert!(deploy.is_none(), "there is nothing to deploy");
    window.press("All models");
    assert_eq!(window.place(), "models");
    window.go("deployments/none");
    window.wait_for("There is no such deployment");
    window.press("All deployments");
    assert_eq!(window.place(), "deployments");
    window.go("activity/none");
    window.wait_for("There is no such job");
}

#[test]
fn the_palette_and_the_keys_lead_everywhere() {
    let mut window = Window::new();
    window.wait_for("Welcome to Modeldesk");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window.harness.get_by_label("Search commands").type_text("go to targ");
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "targets");
    window.harness.key_press_modifiers(Modifiers::ALT, Key::ArrowLeft);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "home");
    window.harness.key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "targets");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "settings/appearance");
    window.harness.key_press_modifiers(Modifiers::SHIFT, Key::F1);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "settings/shortcuts");
}

#[test]
fn f1_explains_the_view_and_leaves_an_open_dialog_alone() {
    let mut window = Window::new();
    for (place, says) in [
        ("models", "Lists all models"),
        ("targets", "Lists the machines to deploy to"),
        ("settings/storage", "Says where everything is kept"),
    ] {
        window.go(place);
        window.harness.key_press(Key::F1);
        window.harness.run_steps(3);
        window.wait_for_text(says);
        window.harness.key_press(Key::Escape);
        window.harness.run_steps(3);
        assert!(window.harness.query_by_label_contains(says).is_none(), "{place}: Escape closes it");
    }
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.fill("Name", "half typed");
    for (modifiers, key) in [(Modifiers::NONE, Key::F1), (Modifiers::COMMAND, Key::O), (Modifiers::COMMAND, Key::Comma)]
    {
        window.harness.key_press_modifiers(modifiers, key);
        window.harness.run_steps(3);
        assert!(window.shows("Add target"), "{key:?} takes the dialog away");
        assert_eq!(window.place(), "settings/storage");
    }
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(3);
    window.harness.key_press(Key::F1);
    window.harness.run_steps(3);
    window.press("All shortcuts");
    assert_eq!(window.place(), "settings/shortcuts");
}

#[test]
fn a_list_is_filtered_from_the_keyboard() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("models");
    window.wait("the list", |h| h.query_all_by_role_and_label(Role::Table, "Models, 3 rows").next().is_some());
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    window.harness.run_steps(3);
    window.harness.get_by_role_and_label(Role::TextInput, "Filter models").type_text("PEN");
    window.wait("the filter", |h| h.query_all_by_role_and_label(Role::Table, "Models, 1 row").next().is_some());
    window.press("Clear filter");
    window.wait("all", |h| h.query_all_by_role_and_label(Role::Table, "Models, 3 rows").next().is_some());
    window.harness.get_by_role_and_label(Role::Cell, "tumour").click();
    window.harness.run_steps(3);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "models/tumour");
}

#[test]
fn zoom_and_theme_are_kept_for_the_next_time() {
    let mut window = Window::new();
    window.go("settings/appearance");
    window.press("Zoom in");
    window.press_role(Role::RadioButton, "Theme: Light");
    window.wait("the setting", |_| true);
    let desk = window.desk.clone();
    window.wait("the setting in the store", |_| {
        let kept = desk.setting("window/appearance").expect("readable");
        kept.is_some_and(|look| {
            look["theme"] == "light" && look["zoom"].as_f64().is_some_and(|z| (z - 1.1).abs() < 1e-3)
        })
    });
    assert_eq!(window.harness.ctx.theme(), egui::Theme::Light);
    // A link says where to begin, not how the window looks.
    window.open_by_link("targets");
    window.wait("the looks of the last time", |h| h.ctx.theme() == egui::Theme::Light);
    assert_eq!(window.place(), "targets");
}

#[test]
fn a_local_target_is_added_by_its_dialog_and_removed_again() {
    let mut window = Window::new();
    window.go("targets");
    window.press("New target…");
    window.wait_for("Add target");
    window.fill("Name", "bad name");
    window.wait_for_text("Use letters, digits");
    window.fill("Name", "here");
    window.press("Add target");
    window.wait("the target", |h| h.query_all_by_role_and_label(Role::Cell, "here").next().is_some());
    assert_eq!(window.desk.targets().expect("the list").len(), 1);
    window.press("Remove…");
    window.wait_for("Remove target here?");
    window.press("Remove target");
    window.wait_for("No target yet");
}

#[test]
fn a_port_that_another_target_has_is_told_at_its_field() {
    let mut window = Window::new();
    window.go("targets");
    let add = |window: &mut Window, name: &str, port: &str| {
        window.press("New target…");
        window.fill("Name", name);
        window.fill("Port", port);
    };
    add(&mut window, "here", "8123");
    window.press("Add target");
    window.wait("the target", |h| h.query_all_by_role_and_label(Role::Cell, "here").next().is_some());
    add(&mut window, "second", "8123");
    window.wait_for_text("The target here has this port");
    window.picture("target_port_taken_dark");
    let add = window.harness.get_by_role_and_label(Role::Button, "Add target");
    assert!(add.accesskit_node().is_disabled(), "what is refused cannot be pressed");
    window.fill("Port", "8124");
    window.press("Add target");
    window.wait("the second", |h| h.query_all_by_role_and_label(Role::Cell, "second").next().is_some());
}

#[test]
fn a_target_that_is_added_for_a_deployment_is_the_one_that_is_meant() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("models/tumour/1/deploy");
    window.press("Use this computer");
    window.wait("this computer", |h| chosen_target(h).starts_with("here"));
    window.press("New target…");
    window.fill("Name", "second");
    window.press("Add target");
    window.wait("the new one is chosen", |h| chosen_target(h).starts_with("second"));
    assert_eq!(window.desk.targets().expect("the list").len(), 2);
}

fn chosen_target(h: &Harness<'static, Workbench>) -> String {
    let field = h.query_by_role_and_label(Role::ComboBox, "Target");
    field.and_then(|field| field.accesskit_node().value()).unwrap_or_default()
}

#[test]
fn a_password_is_kept_and_shown_nowhere() {
    let mut window = Window::new();
    window.go("credentials");
    window.press("New credential…");
    window.press_role(Role::RadioButton, "Kind: Password");
    window.fill("Name", "edge");
    window.fill("Password", "hunter2-planted");
    window.press("Keep credential");
    window.wait("the credential", |h| h.query_all_by_role_and_label(Role::Cell, "edge").next().is_some());
    assert_eq!(window.desk.credentials().expect("the list")[0].kind, "password");
    let everything = crate::support::labels(&window.harness).join("\n");
    assert!(!everything.contains("hunter2"), "{everything}");
}

#[test]
fn a_file_that_is_no_model_is_refused_before_anything_is_stored() {
    let mut window = Window::new();
    let notes = window.home.path().join("notes.onnx");
    std::fs::write(&notes, "these are my notes, not a model").expect("written");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.harness.run_steps(3);
    window.fill("Model file", &notes.to_string_lossy());
    window.wait("the refusal", |h| h.query_all_by_role(Role::Alert).next().is_some());
    let import = window.harness.query_all_by_role_and_label(Role::Button, "Import").last().expect("the button");
    assert!(import.accesskit_node().is_disabled());
    assert!(window.desk.models(&desk_app::query::ModelFilter::default()).expect("the list").is_empty());
}

#[test]
fn nothing_is_cut_off_at_twice_the_size() {
    let mut window = Window::new();
    let look = desk_uikit::Appearance { zoom: 2.0, reduce_motion: true, ..desk_uikit::Appearance::default() };
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().set_look(&ctx, look);
    for place in ["home", "models", "targets", "settings/appearance"] {
        window.go(place);
        window.harness.run_steps(3);
        window.picture(&format!("zoom_{}", place.replace('/', "_")));
        let screen = window.harness.ctx.content_rect();
        let outside: Vec<String> = window
            .harness
            .query_all_by_role(Role::Button)
            .filter(|node| node.rect().width() > 1.0 && node.rect().left() > screen.right())
            .map(|node| format!("{:?}", node.rect()))
            .collect();
        assert!(outside.is_empty(), "{place}: {outside:?} is outside {screen:?}");
    }
}

#[test]
fn another_runtime_is_tried_before_it_is_used_and_the_choice_can_be_forgotten() {
    let mut window = Window::new();
    window.go("settings/runtime");
    if std::env::var_os("MODELDESK_ORT_LIB").is_some() {
        // It goes before every choice, and is said to.
        window.wait_for_text("By the environment variable MODELDESK_ORT_LIB");
        return;
    }
    window.wait_for_text("By itself");
    let notes = window.home.path().join("libonnxruntime.so");
    std::fs::write(&notes, "these are my notes, not a library").expect("written");
    window.fill("Library file or folder", &notes.to_string_lossy());
    window.press("Try and use it");
    window.wait_for("This library cannot be used");
    window.picture("runtime_refused");
    assert_eq!(window.desk.chosen_runtime().expect("readable"), None, "what does not work is not kept");
    window.press("Dismiss");
    let found = desk_app::DeskOptions::for_home("unused").runtime_library().expect("the tests have a library");
    window.fill("Library file or folder", &found.to_string_lossy());
    window.press("Try and use it");
    window.wait_for_text("In these settings");
    assert_eq!(window.desk.chosen_runtime().expect("readable"), Some(found));
    window.press("Forget the choice");
    window.wait_for_text("By itself");
    assert_eq!(window.desk.chosen_runtime().expect("readable"), None);
}
