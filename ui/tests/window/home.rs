//! The home goes away while the window is open: it says so, writes nothing there and never makes it anew.

use egui::Role;
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

#[test]
fn a_home_that_vanishes_is_told_and_left_alone_until_it_is_back() {
    let mut window = Window::with_samples([1280.0, 800.0], desk_uikit::ThemeChoice::Dark);
    window.go("models");
    window.wait("the list", |h| h.query_all_by_role_and_label(Role::Cell, "tumour").next().is_some());
    let (home, away) = (window.home.path().join("home"), window.home.path().join("away"));
    std::fs::rename(&home, &away).expect("moved away");
    window.wait_for_text("The home folder is gone");
    window.wait_for_text("move the folder back");
    window.picture("home_gone");
    assert!(window.harness.query_all_by_role_and_label(Role::Cell, "tumour").next().is_some(), "what was read stays");
    for (place, button) in [("models", "Archive"), ("settings/storage", "Verify everything")] {
        window.go(place);
        window.press(button);
        window.wait_for_text("could not be started");
        window.harness.key_press(egui::Key::Escape);
        window.harness.run_steps(3);
    }
    // What is missing in a home that is away is not missing from it.
    window.go("models/tumour/2/overview");
    window.wait_for_text("cannot be read while the home folder is gone");
    window.wait_for("There is nothing to show");
    for wrong in ["is missing", "Import the model again"] {
        let said = window.harness.query_all_by_label_contains(wrong).next();
        assert!(said.is_none(), "{wrong}");
    }
    window.go("settings/appearance");
    window.press_role(Role::RadioButton, "Theme: Light");
    window.harness.run_steps(3);
    let refused = window.desk.submit(desk_app::Command::Sample).expect_err("its files would make the home anew");
    assert!(refused.message.contains("is gone"), "{}", refused.message);
    assert!(!home.exists(), "nothing makes it anew");
    std::fs::rename(&away, &home).expect("moved back");
    window.wait("the window goes on", |h| h.query_all_by_label_contains("The home folder is gone").next().is_none());
    window.go("models");
    window.press("Archive");
    window
        .wait("the archived model", |h| h.query_all_by_role_and_label(Role::Table, "Models, 2 rows").next().is_some());
}
