//! Pictures of every screen, to be looked at: set MODELDESK_PICTURES to a folder.

use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers};

use crate::support::Window;

fn pictures(theme: ThemeChoice, suffix: &str) {
    if std::env::var_os("MODELDESK_PICTURES").is_none() {
        return;
    }
    let mut fresh = Window::with([1280.0, 800.0], theme, None);
    fresh.wait_for("Welcome to Modeldesk");
    fresh.picture(&format!("home_fresh_{suffix}"));
    for place in ["models", "deployments", "targets", "credentials", "activity"] {
        fresh.go(place);
        fresh.wait("loaded", |h| !crate::support::labels(h).iter().any(|l| l.contains("Loading")));
        fresh.picture(&format!("{place}_empty_{suffix}"));
    }
    fresh.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    fresh.harness.run_steps(3);
    fresh.picture(&format!("import_{suffix}"));
    let file = format!("{}/../assets/samples/penguins/model.onnx", env!("CARGO_MANIFEST_DIR"));
    fresh.fill("Model file", &file);
    fresh.wait_for_text("ONNX, opset");
    fresh.picture(&format!("import_read_{suffix}"));
    fresh.harness.key_press(Key::Escape);
    fresh.harness.run_steps(3);
    fresh.harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
    fresh.harness.run_steps(3);
    fresh.press_role(egui::Role::RadioButton, "Kind: By SSH");
    fresh.picture(&format!("new_target_{suffix}"));

    let mut window = Window::with_samples([1280.0, 800.0], theme);
    window.wait("the samples", |h| crate::support::labels(h).iter().any(|l| l.ends_with(": penguins")));
    for place in [
        "home",
        "models",
        "models/tumour",
        "models/tumour/2/overview",
        "models/tumour/2/test",
        "models/tumour/2/explain",
        "models/tumour/2/deploy",
        "activity",
        "settings/appearance",
        "settings/runtime",
        "settings/storage",
        "settings/shortcuts",
        "settings/about",
    ] {
        window.go(place);
        window.wait("loaded", |h| !crate::support::labels(h).iter().any(|l| l.contains("Loading")));
        window.harness.run_steps(4);
        window.picture(&format!("{}_{suffix}", place.replace('/', "_")));
    }
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window.picture(&format!("palette_{suffix}"));
}

#[test]
fn dark() {
    pictures(ThemeChoice::Dark, "dark");
}

#[test]
fn light() {
    pictures(ThemeChoice::Light, "light");
}
