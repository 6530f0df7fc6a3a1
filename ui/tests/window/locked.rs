//! A locked file of secrets is no dead end, and dialogs are answered from the keyboard.

use desk_app::command::{Deploy, TargetAdd};
use desk_app::secrets::{CredentialSecret, Secret};
use desk_app::{Command, Desk, DeskOptions, SecretsChoice};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role, pos2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, free_port};

const SIZE: [f32; 2] = [1280.0, 800.0];

/// A window whose secrets lie in an encrypted file that another process made and this one has not opened.
fn locked() -> Window {
    let window = Window::with_vault(SIZE, ThemeChoice::Dark);
    let options =
        DeskOptions { secrets: SecretsChoice::System, ..DeskOptions::for_home(window.home.path().join("home")) };
    let other = Desk::open(options).expect("the desk opens");
    other.create_vault(&Secret::new("a long passphrase")).expect("made");
    other.set_credential("edge", &CredentialSecret::Password(Secret::new("hunter2"))).expect("kept");
    let set = [("host", "127.0.0.1"), ("port", &free_port()), ("user", "nobody")];
    let add = TargetAdd {
        name: "edge-01".into(),
        kind: "ssh".into(),
        set: set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        credential: Some("edge".into()),
        replace: false,
    };
    other.run(Command::TargetAdd(add), &Cancel::new(), &NoProgress).expect("added");
    window
}

fn passphrase_has_focus(h: &egui_kittest::Harness<'static, modeldesk_workbench::Workbench>) -> bool {
    let fields = h.query_all_by_role_and_label(Role::PasswordInput, "Passphrase");
    fields.last().is_some_and(|field| field.accesskit_node().is_focused())
}

fn enter(window: &mut Window) {
    window.harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
    window.harness.run_steps(4);
}

#[test]
fn a_check_asks_for_the_passphrase_and_goes_on() {
    let mut window = locked();
    window.go("targets");
    window.press_role(Role::Cell, "edge-01");
    window.press("Check");
    window.wait_for("Open the encrypted file");
    assert!(window.desk.jobs().is_empty(), "nothing has started, so nothing has failed");

    window.fill("Passphrase", "a wrong passphrase");
    enter(&mut window);
    window.wait("the error, with the cursor back in the field", |h| {
        h.query_all_by_role(Role::Alert).next().is_some() && passphrase_has_focus(h)
    });
    window.fill("Passphrase", "a long passphrase");
    window.harness.drag_at(pos2(40.0, 600.0));
    window.harness.run_steps(1);
    window.harness.drop_at(pos2(40.0, 600.0));
    window.harness.run_steps(3);
    assert!(window.shows("Open the encrypted file"), "a click beside the dialog does not discard what was typed");
    window.wait("the field", |h| h.query_all_by_role_and_label(Role::PasswordInput, "Passphrase").next().is_some());
    enter(&mut window);
    window.wait("the check, which nobody asked for again", |h| {
        h.query_all_by_label("Open the encrypted file").next().is_none()
    });
    let desk = window.desk.clone();
    window.wait("its answer", |_| desk.jobs().first().is_some_and(|job| job.state.is_final()));
    let jobs = format!("{:?}", window.desk.jobs());
    assert_eq!(window.desk.jobs().len(), 1, "{jobs}");
    assert!(!jobs.contains("locked"), "{jobs}");
}

#[test]
fn locked_secrets_are_said_to_be_locked() {
    let mut window = locked();
    window.go("credentials");
    window.wait_for("The secrets are locked");
    assert!(!window.shows("There is no place to keep secrets yet"));
    window.press("New credential…");
    window.wait_for("Open the encrypted file");
    window.fill("Passphrase", "a long passphrase");
    enter(&mut window);
    window.wait_for("Keep credential");
    window.harness.key_press_modifiers(Modifiers::NONE, Key::Escape);
    window.wait("the dialog is closed", |h| h.query_all_by_label("Keep credential").next().is_none());
    window.wait_for_text("Secrets are kept in");
}

#[test]
fn enter_rolls_back_and_escape_does_not() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    let set = vec![("port".to_owned(), free_port())];
    let add = TargetAdd { name: "here".into(), kind: "local".into(), set, credential: None, replace: false };
    let run = |window: &Window, command| window.desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    run(&window, Command::TargetAdd(add));
    for version in ["tumour@1", "tumour@2"] {
        run(&window, Command::Deploy(Deploy::new(version.parse().expect("a version"), "here")));
    }
    window.go("models/tumour/2/deploy");
    window.press("Roll back to v1…");
    window.wait_for("Roll back tumour to v1?");
    window.harness.key_press_modifiers(Modifiers::NONE, Key::Escape);
    window.wait("it is closed", |h| h.query_all_by_label("Roll back tumour to v1?").next().is_none());
    assert!(window.desk.jobs().is_empty(), "Escape leaves it");
    window.press("Roll back to v1…");
    window.wait_for("Roll back tumour to v1?");
    enter(&mut window);
    window.wait_for_text("v1 is live there now");
}
