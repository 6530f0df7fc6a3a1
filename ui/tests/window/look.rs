//! Pictures of every screen and state, to be looked at: set MODELDESK_PICTURES to a folder.

use std::net::TcpListener;

use desk_app::Command;
use desk_app::command::{Deploy, SetAlias, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;

use crate::support::{FRESH, PLACES, Window, free_port};

fn loaded(window: &mut Window) {
    window.harness.run_steps(2);
    // What takes longer than a moment says so from then on.
    std::thread::sleep(std::time::Duration::from_millis(250));
    window.wait("loaded", |h| !crate::support::labels(h).iter().any(|l| l.contains("Loading")));
    window.harness.run_steps(4);
}

fn keys(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_steps(4);
}

fn target(name: &str, kind: &str, set: &[(&str, &str)]) -> Command {
    Command::TargetAdd(TargetAdd {
        name: name.into(),
        kind: kind.into(),
        set: set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        credential: None,
        replace: false,
    })
}

/// A desk on which nothing was done yet, and its dialogs.
fn fresh(theme: ThemeChoice, suffix: &str) {
    let mut window = Window::with([1280.0, 800.0], theme, None);
    window.wait_for("Welcome to Modeldesk");
    window.picture(&format!("home_fresh_{suffix}"));
    for (place, _) in FRESH {
        window.go(place);
        loaded(&mut window);
        window.picture(&format!("{place}_empty_{suffix}"));
    }
    keys(&mut window, Modifiers::COMMAND, Key::O);
    window.picture(&format!("import_{suffix}"));
    let file = format!("{}/../assets/samples/penguins/model.onnx", env!("CARGO_MANIFEST_DIR"));
    window.fill("Model file", &file);
    window.wait_for_text("ONNX, opset");
    window.picture(&format!("import_read_{suffix}"));
    window.fill("Model file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    window.wait("the refusal", |h| h.query_all_by_role(Role::Alert).next().is_some());
    window.picture(&format!("import_refused_{suffix}"));
    window.press("Cancel");
    keys(&mut window, Modifiers::COMMAND, Key::N);
    window.press_role(Role::RadioButton, "Kind: By SSH");
    window.picture(&format!("new_target_{suffix}"));
    window.press("Cancel");
    window.go("credentials");
    window.press("New credential…");
    window.picture(&format!("new_credential_{suffix}"));
    window.fill("Name", "edge");
    window.press_role(Role::RadioButton, "Kind: Password");
    window.fill("Password", "secret");
    window.press("Keep credential");
    window.wait("the credential", |h| h.query_all_by_role_and_label(Role::Cell, "edge").next().is_some());
    window.picture(&format!("credentials_{suffix}"));
    window.press("Remove…");
    window.picture(&format!("credential_remove_{suffix}"));
    window.press("Cancel");
    window.harness.input_mut().hovered_files.push(egui::HoveredFile::default());
    window.harness.run_steps(2);
    window.picture(&format!("drop_{suffix}"));
}

/// A desk without a keyring: the card, and the dialogs of the encrypted file.
fn vault(theme: ThemeChoice, suffix: &str) {
    let mut window = Window::with_vault([1280.0, 800.0], theme);
    window.go("credentials");
    loaded(&mut window);
    window.picture(&format!("credentials_no_keyring_{suffix}"));
    if window.shows("Make an encrypted file…") {
        window.press("Make an encrypted file…");
        window.picture(&format!("vault_new_{suffix}"));
        window.fill("Passphrase", "one");
        window.fill("The same once more", "two");
        window.press("Make the file");
        window.picture(&format!("vault_differs_{suffix}"));
    }
}

/// The samples, before anything was done with them, and what the screens say afterwards.
fn samples(theme: ThemeChoice, suffix: &str) {
    let mut window = Window::with_samples([1280.0, 800.0], theme);
    window.wait("the samples", |h| crate::support::labels(h).iter().any(|l| l.ends_with(": penguins")));
    for place in PLACES.into_iter().chain(["models/penguins/1/overview", "models/digits/1/test"]) {
        window.go(place);
        loaded(&mut window);
        window.picture(&format!("{}_{suffix}", place.replace('/', "_")));
    }
    keys(&mut window, Modifiers::COMMAND, Key::K);
    window.picture(&format!("palette_{suffix}"));
    keys(&mut window, Modifiers::NONE, Key::Escape);
    window.go("models/tumour/2/overview");
    keys(&mut window, Modifiers::NONE, Key::F2);
    window.picture(&format!("alias_{suffix}"));
    keys(&mut window, Modifiers::NONE, Key::Escape);
    work(&mut window, suffix);
}

fn work(window: &mut Window, suffix: &str) {
    let desk = window.desk.clone();
    let run = |command| desk.run(command, &Cancel::new(), &NoProgress);
    let version = |text: &str| text.parse().expect("a version");
    for model in ["tumour/2", "penguins/1", "digits/1"] {
        window.go(&format!("models/{model}/test"));
        window.wait_for_text("column");
        keys(window, Modifiers::COMMAND, Key::Enter);
        window.wait_for("Results");
        loaded(window);
        window.picture(&format!("test_{}_{suffix}", model.replace('/', "_")));
        window.go(&format!("models/{model}/explain"));
        loaded(window);
        keys(window, Modifiers::COMMAND, Key::Enter);
        window.wait_for("Explanation");
        loaded(window);
        window.picture(&format!("explain_{}_{suffix}", model.replace('/', "_")));
    }
    run(target("here", "local", &[("port", &free_port())])).expect("a target");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    run(target("busy", "local", &[("port", &port)])).expect("a target");
    let ssh = [("host", "127.0.0.1"), ("port", "9"), ("user", "deploy")];
    run(target("edge-01", "ssh", &ssh)).expect("a target");
    drop(run(Command::TargetCheck(desk_app::command::TargetName { name: "edge-01".into() })));
    run(Command::Deploy(Deploy::new(version("tumour@1"), "here"))).expect("deployed");
    run(Command::Deploy(Deploy::new(version("tumour@2"), "here"))).expect("deployed");
    run(Command::Deploy(Deploy::new(version("penguins@1"), "busy"))).expect_err("the port is taken");
    run(Command::Alias(SetAlias { version: version("tumour@2"), alias: "challenger".into() })).expect("moved");
    let failed = desk.deployments(None).expect("a list")[0].id.clone();
    for place in [
        "home".to_owned(),
        "models".to_owned(),
        "models/tumour".to_owned(),
        "models/tumour/2/overview".to_owned(),
        "models/tumour/2/deploy".to_owned(),
        "models/penguins/1/deploy".to_owned(),
        "deployments".to_owned(),
        format!("deployments/{failed}"),
        "targets".to_owned(),
        "activity".to_owned(),
    ] {
        window.go(&place);
        loaded(window);
        let name = place.replace(&failed, "failed").replace('/', "_");
        window.picture(&format!("full_{name}_{suffix}"));
    }
    window.press_role(Role::RadioButton, "List: Changes");
    loaded(window);
    window.picture(&format!("changes_{suffix}"));
    window.go("models/tumour/2/deploy");
    window.press("Roll back to v1…");
    window.picture(&format!("roll_back_{suffix}"));
    window.press("Cancel");
    // A toast, the drawer, a job that runs with its cancel button.
    window.go("models");
    loaded(window);
    keys(window, Modifiers::NONE, Key::Delete);
    window.wait_for_text("hidden from lists");
    keys(window, Modifiers::COMMAND, Key::J);
    window.picture(&format!("toast_and_jobs_{suffix}"));
    window.go("models/tumour/2/explain");
    window.press("Options");
    window.press_role(Role::ComboBox, "Method");
    window.press_role(Role::ListBoxOption, "Kernel SHAP");
    window.press_role(Role::RadioButton, "Rows: Several");
    window.fill("Samples", "1000000");
    keys(window, Modifiers::COMMAND, Key::Enter);
    window.wait("the running job", |h| h.query_all_by_role_and_label(Role::Button, "Cancel").next().is_some());
    std::thread::sleep(std::time::Duration::from_secs(2));
    window.harness.run_steps(3);
    window.picture(&format!("running_{suffix}"));
    window.press("Cancel");
    window.wait_for_text("cancelled");
    window.picture(&format!("cancelled_{suffix}"));
}

/// Other sizes and looks of the same screens.
fn looks(suffix: &str, size: [f32; 2], look: desk_uikit::Appearance) {
    let mut window = Window::with_samples(size, look.theme);
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().set_look(&ctx, look);
    for place in ["home", "models", "models/tumour/2/overview", "models/tumour/2/test", "settings/appearance"] {
        window.go(place);
        loaded(&mut window);
        window.picture(&format!("look_{}_{suffix}", place.replace('/', "_")));
    }
}

fn wanted() -> bool {
    std::env::var_os("MODELDESK_PICTURES").is_some()
}

fn all(theme: ThemeChoice, suffix: &str) {
    if wanted() {
        crate::support::FINE.set(if suffix.ends_with("2x") { 2.0 } else { 1.0 });
        fresh(theme, suffix);
        vault(theme, suffix);
        samples(theme, suffix);
    }
}

#[test]
fn dark() {
    all(ThemeChoice::Dark, "dark");
}

#[test]
fn light() {
    all(ThemeChoice::Light, "light");
}

#[test]
fn twice_as_fine() {
    all(ThemeChoice::Light, "light_2x");
}

#[test]
fn other_looks() {
    if !wanted() {
        return;
    }
    let base = desk_uikit::Appearance { reduce_motion: true, ..desk_uikit::Appearance::default() };
    let dark = desk_uikit::Appearance { theme: ThemeChoice::Dark, ..base };
    let light = desk_uikit::Appearance { theme: ThemeChoice::Light, ..base };
    looks("narrow", [900.0, 600.0], dark);
    looks("contrast_dark", [1280.0, 800.0], desk_uikit::Appearance { high_contrast: true, ..dark });
    looks("contrast_light", [1280.0, 800.0], desk_uikit::Appearance { high_contrast: true, ..light });
    looks("compact", [1280.0, 800.0], desk_uikit::Appearance { compact: true, ..light });
    looks("large", [1280.0, 800.0], desk_uikit::Appearance { zoom: 2.0, ..light });
    looks("wide", [1920.0, 1080.0], dark);
}
