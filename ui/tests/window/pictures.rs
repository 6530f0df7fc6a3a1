//! Pictures that are compared: every screen whose contents are the same on each run. Ages, paths of
//! temporary folders and the like are masked.

use desk_app::Command;
use desk_app::command::{Deploy, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::{Appearance, ThemeChoice};
use egui::{Key, Modifiers, Role};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{FRESH, Window};

const SIZE: [f32; 2] = [1280.0, 800.0];

/// Parts of labels and values that differ from run to run.
const VARYING: [&str; 4] = ["just now", " ago", "/tmp", "sha256"];

/// How long something took: `12 ms`, `1.5 s`.
fn is_time(text: &str) -> bool {
    let (number, unit) = text.rsplit_once([' ', '\u{202f}', '\u{a0}']).unwrap_or_default();
    ["ms", "s", "µs"].contains(&unit) && number.parse::<f64>().is_ok()
}

/// A port that was free; counts have their digits grouped.
fn is_port(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Window {
    /// Compares the window with its picture, without what differs from run to run.
    pub fn compare(&mut self, name: &str) {
        self.compare_without(name, &[]);
    }

    /// The same without what else differs, such as a port.
    fn compare_without(&mut self, name: &str, more: &[&str]) {
        self.harness.run_steps(4);
        self.mask_varying(more);
        self.harness.snapshot(name.to_owned());
    }

    /// Covers what differs from run to run, in the picture that is taken next.
    pub fn mask_varying(&mut self, more: &[&str]) {
        let nodes = self.harness.root().children_recursive();
        let varying = nodes.filter_map(|node| {
            let inner = node.accesskit_node();
            let texts = [inner.label(), inner.value(), inner.data().description().map(str::to_owned)];
            let text = texts.into_iter().flatten().find(|text| {
                is_time(text) || is_port(text) || VARYING.iter().chain(more).any(|part| text.contains(part))
            })?;
            let mut rect = node.rect();
            // As wide on each run: a time ends at the right, a sentence with a path goes on there.
            if is_time(&text) {
                rect.min.x = rect.max.x - 64.0;
            } else if text.contains(' ') && text.contains("/tmp") {
                let least = if text.contains("notes.csv. ") { 690.0 } else { 480.0 };
                rect.max.x = rect.max.x.max(rect.min.x + least);
            } else if more.iter().any(|part| text.contains(part)) {
                // It ends where a time beside it begins.
                rect.max.x = (rect.max.x / 64.0).ceil() * 64.0;
            }
            Some(rect)
        });
        let rects: Vec<egui::Rect> = varying.filter(|rect| rect.height() < 60.0).collect();
        for rect in rects {
            self.harness.mask(rect);
        }
    }

    fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(4);
    }
}

fn fresh(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with(SIZE, theme, None);
    window.wait_for("Try the samples");
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

/// As high as it takes to see whole charts.
const TALL: [f32; 2] = [1280.0, 1296.0];

/// The views of an explanation: one row, many rows, and LIME.
fn explanations(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with_samples(TALL, theme);
    for (name, method, last) in [("row", "auto", 3), ("rows", "auto", 100), ("lime", "lime", 3)] {
        window.go("models");
        let data = window.desk.samples_folder().join("tumour/heldout.csv");
        let command = crate::lime::explain("tumour@1", data, method, 3..=last, None);
        window.desk.run(command, &Cancel::new(), &NoProgress).expect("explained");
        window.go("models/tumour/1/explain");
        let says = match name {
            "row" => "Base value",
            "rows" => "Every row",
            _ => "Local prediction",
        };
        window.wait_for(says);
        window.wait_for_text("31 columns");
        if name != "rows" {
            window.wait("the sliders", |h| h.query_all_by_role(Role::Slider).next().is_some());
        }
        window.compare(&format!("explained_{name}_{suffix}"));
    }
    results.extend_harness(&mut window.harness);
}

/// What does not work: a file that is none, a file of another model, and a rollout that fails.
fn errors(theme: ThemeChoice, suffix: &str) {
    let mut results = SnapshotResults::new();
    let mut window = Window::with_samples(SIZE, theme);
    let file = window.home.path().join("notes.csv");
    std::fs::write(&file, "\u{0}\u{1}\u{2}%PDF").expect("written");
    window.go("models/tumour/1/test");
    window.fill("Data file", &file.to_string_lossy());
    window.wait("the refusal", |h| h.query_all_by_label("Reading the file…").next().is_none());
    window.compare(&format!("error_no_table_{suffix}"));
    let other = window.desk.samples_folder().join("penguins/heldout.csv");
    window.fill("Data file", &other.to_string_lossy());
    window.wait_for_text("6 columns");
    window.keys(Modifiers::COMMAND, Key::Enter);
    window.wait("the failed test", |h| h.query_all_by_role(Role::Alert).next().is_some());
    window.compare(&format!("error_other_columns_{suffix}"));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let set = vec![("port".to_owned(), port.clone())];
    let add = TargetAdd { name: "edge".into(), kind: "local".into(), set, credential: None, replace: false };
    let run = |command| window.desk.run(command, &Cancel::new(), &NoProgress);
    run(Command::TargetAdd(add)).expect("a target");
    run(Command::Deploy(Deploy::new("tumour@1".parse().expect("a version"), "edge"))).expect_err("the port is taken");
    window.go("models/tumour/1/deploy");
    window.wait_for("Try again");
    window.compare_without(&format!("error_rollout_{suffix}"), &[&port]);
    results.extend_harness(&mut window.harness);
}

#[test]
fn explanations_in_the_dark() {
    explanations(ThemeChoice::Dark, "dark");
}

#[test]
fn explanations_in_the_light() {
    explanations(ThemeChoice::Light, "light");
}

#[test]
fn errors_in_the_dark() {
    errors(ThemeChoice::Dark, "dark");
}

#[test]
fn errors_in_the_light() {
    errors(ThemeChoice::Light, "light");
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
