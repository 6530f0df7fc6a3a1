//! Pictures that are compared: what a fresh desk looks like, where nothing depends on the time.

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;

use crate::support::Window;

fn pictures(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with([1280.0, 800.0], theme, None);
    window.wait_for("Welcome to Modeldesk");
    window.harness.snapshot(format!("home_{suffix}"));
    for (place, says) in
        [("models", "No models yet"), ("targets", "No target yet"), ("settings/appearance", "Reduce motion")]
    {
        window.go(place);
        window.wait_for(says);
        window.harness.run_steps(4);
        window.harness.snapshot(format!("{}_{suffix}", place.replace('/', "_")));
    }
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    window.harness.run_steps(4);
    window.harness.snapshot(format!("new_target_{suffix}"));
    results.extend_harness(&mut window.harness);
}

#[test]
fn a_fresh_desk_in_the_dark() {
    pictures(ThemeChoice::Dark, "dark");
}

#[test]
fn a_fresh_desk_in_the_light() {
    pictures(ThemeChoice::Light, "light");
}
