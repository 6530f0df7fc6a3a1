//! How long the calls of a test took, where there were enough of them to say.

use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

#[test]
fn every_call_is_timed_and_too_few_say_so() {
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        let mut window = Window::with_samples([1280.0, 1100.0], theme);
        window.go("models/penguins/1/test");
        window.wait_for_text("Not tested yet");
        window.score();
        window.press_role(Role::RadioButton, "Side: How it ran");
        window.wait_for_text("too few to tell latencies");
        assert!(window.harness.query_by_label("Latency: copy or save").is_none());
        window.press("Options");
        window.fill("Rows in one call", "1");
        window.press("Options");
        window.score();
        window.wait_for("Latency: copy or save");
        window.wait_for_text("calls of 1 row");
        window.wait_for_text("for half;");
        window.picture(if theme == ThemeChoice::Light { "latency_light" } else { "latency_dark" });
        window.press("Latency as a table");
        window.wait_for("Milliseconds");
        window.picture(if theme == ThemeChoice::Light { "latency_table_light" } else { "latency_table_dark" });
    }
}
