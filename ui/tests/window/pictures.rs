//! Pictures that are compared: every screen whose contents are the same on each run. Ages, paths of
//! temporary folders and the like are masked.

use desk_uikit::{Appearance, ThemeChoice};
use egui::{Key, Modifiers, Role};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{FRESH, Window};

const SIZE: [f32; 2] = [1280.0, 800.0];

/// Parts of labels and values that differ from run to run.
const VARYING: [&str; 4] = ["just now", " ago", "/tmp", "sha256"];

impl Window {
    /// Compares the window with its picture, without what differs from run to run.
    fn compare(&mut self, name: &str) {
        self.harness.run_steps(4);
        let nodes = self.harness.root().children_recursive();
        let varying = nodes.filter(|node| {
            let inner = node.accesskit_node();
            let texts = [inner.label(), inner.value(), inner.data().description().map(str::to_owned)];
            texts.iter().flatten().any(|text| VARYING.iter().any(|part| text.contains(part)))
        });
        let rects: Vec<egui::Rect> = varying.map(|node| node.rect()).filter(|rect| rect.height() < 60.0).collect();
        for rect in rects {
            self.harness.mask(rect);
        }
        self.harness.snapshot(name.to_owned());
    }

    fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(4);
    }
}

fn fresh(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with(SIZE, theme, None);
    window.wait_for("Welcome to Modeldesk");
    window.compare(&format!("home_{suffix}"));
    for (place, says) in FRESH.into_iter().chain([("settings/appearance", "Reduce motion")]) {
        window.go(place);
        window.wait_for(says);
        window.compare(&format!("{}_{suffix}", place.replace('/', "_")));
    }
    window.keys(Modifiers::COMMAND, Key::N);
    window.compare(&format!("new_target_{suffix}"));
    window.press_role(Role::RadioButton, "Kind: By SSH");
    window.compare(&format!("new_target_ssh_{suffix}"));
    window.press("Cancel");
    window.keys(Modifiers::COMMAND, Key::O);
    window.compare(&format!("import_{suffix}"));
    window.press("Cancel");
    window.keys(Modifiers::COMMAND, Key::K);
    window.compare(&format!("palette_{suffix}"));
    window.keys(Modifiers::NONE, Key::Escape);
    window.go("credentials");
    window.press("New credential…");
    window.compare(&format!("new_credential_{suffix}"));
    window.press("Cancel");
    window.harness.input_mut().hovered_files.push(egui::HoveredFile::default());
    window.compare(&format!("drop_{suffix}"));
    results.extend_harness(&mut window.harness);
}

fn samples(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with_samples(SIZE, theme);
    for (place, says) in [
        ("models", "digits"),
        ("models/penguins/1/overview", "Nothing unusual was found at import"),
        ("models/tumour/2/deploy", "What will happen"),
        ("models/tumour/2/test", "Not tested yet"),
    ] {
        window.go(place);
        window.wait_for(says);
        if place.ends_with("test") {
            window.wait_for_text("31 columns");
        }
        window.compare(&format!("sample_{}_{suffix}", place.replace('/', "_")));
    }
    window.keys(Modifiers::COMMAND, Key::Enter);
    window.wait_for("Results");
    window.wait("the end of the job", |h| h.query_all_by_label("Cancel").next().is_none());
    window.compare(&format!("sample_tested_{suffix}"));
    window.go("models/tumour/2/explain");
    window.wait_for_text("31 columns");
    window.keys(Modifiers::COMMAND, Key::Enter);
    window.wait_for("Explanation");
    window.wait("the end of the job", |h| h.query_all_by_label("Cancel").next().is_none());
    window.compare(&format!("sample_explained_{suffix}"));
    results.extend_harness(&mut window.harness);
}

#[test]
fn a_fresh_desk_in_the_dark() {
    fresh(ThemeChoice::Dark, "dark");
}

#[test]
fn a_fresh_desk_in_the_light() {
    fresh(ThemeChoice::Light, "light");
}

#[test]
fn the_samples_in_the_dark() {
    samples(ThemeChoice::Dark, "dark");
}

#[test]
fn the_samples_in_the_light() {
    samples(ThemeChoice::Light, "light");
}

#[test]
fn other_looks() {
    let mut results = SnapshotResults::new();
    let base = Appearance { reduce_motion: true, ..Appearance::default() };
    let looks = [
        ("contrast_dark", SIZE, Appearance { theme: ThemeChoice::Dark, high_contrast: true, ..base }),
        ("contrast_light", SIZE, Appearance { theme: ThemeChoice::Light, high_contrast: true, ..base }),
        ("compact", SIZE, Appearance { theme: ThemeChoice::Light, compact: true, ..base }),
        ("large", SIZE, Appearance { theme: ThemeChoice::Dark, zoom: 2.0, ..base }),
        ("narrow", [900.0, 600.0], Appearance { theme: ThemeChoice::Light, ..base }),
    ];
    for (name, size, look) in looks {
        let mut window = Window::with_samples(size, look.theme);
        let ctx = window.harness.ctx.clone();
        window.harness.state_mut().set_look(&ctx, look);
        window.go("models");
        window.wait("the list", |h| h.query_all_by_role_and_label(Role::Cell, "tumour").next().is_some());
        window.compare(&format!("look_{name}"));
        results.extend_harness(&mut window.harness);
    }
}
