//! A locked file of secrets is no dead end, and dialogs are answered from the keyboard.

use desk_app::command::{Deploy, TargetAdd, TargetName, TargetTrust};
use desk_app::secrets::{CredentialSecret, Secret};
use desk_app::{Command, Desk, DeskOptions, SecretsChoice};
use desk_core::{Cancel, NoProgress};
use desk_deploy::testing::TestSshd;
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role, pos2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, free_port};

const SIZE: [f32; 2] = [1280.0, 800.0];

/// Another process that makes an encrypted file with a secret in it, which this window has not opened.
fn another(window: &Window, secret: &CredentialSecret) -> Desk {
    let options =
        DeskOptions { secrets: SecretsChoice::System, ..DeskOptions::for_home(window.home.path().join("home")) };
    let other = Desk::open(options).expect("the desk opens");
    other.create_vault(&Secret::new("a long passphrase")).expect("made");
    other.set_credential("edge", secret).expect("kept");
    other
}

/// A window whose secrets are locked, with a target that needs one.
fn locked() -> Window {
    let window = Window::with_vault(SIZE, ThemeChoice::Dark);
    let other = another(&window, &CredentialSecret::Password(Secret::new("hunter2")));
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
fn a_deployment_asks_for_the_passphrase_and_goes_on() {
    let sshd = match TestSshd::start() {
        Ok(sshd) => sshd,
        Err(why) => panic!("{why}"),
    };
    let mut window = Window::with_vault(SIZE, ThemeChoice::Dark);
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    let far = sshd.dir().join("far");
    window.stops.push(far.clone());
    let key = std::fs::read_to_string(sshd.key_file()).expect("the key");
    let secret = CredentialSecret::SshKey { private_key: Secret::new(key), passphrase: None };
    let other = another(&window, &secret);
    let set = [
        ("host", "127.0.0.1".to_owned()),
        ("port", sshd.port().to_string()),
        ("user", sshd.user().to_owned()),
        ("folder", far.to_string_lossy().into_owned()),
        ("serve-port", free_port()),
    ];
    let add = TargetAdd {
        name: "edge-01".into(),
        kind: "ssh".into(),
        set: set.map(|(key, value)| (key.to_owned(), value)).to_vec(),
        credential: Some("edge".into()),
        replace: false,
    };
    let run = |command| other.run(command, &Cancel::new(), &NoProgress);
    run(Command::TargetAdd(add)).expect("added");
    run(Command::TargetCheck(TargetName { name: "edge-01".into() })).expect("asked");
    let fingerprint = other.targets().expect("a list")[0].offered_key.clone().expect("a key is offered");
    run(Command::TargetTrust(TargetTrust { name: "edge-01".into(), fingerprint })).expect("trusted");
    drop(other);

    window.go("models/tumour/1/deploy");
    window.press("Deploy v1 to edge-01");
    window.wait_for("Open the encrypted file");
    assert!(window.desk.jobs().iter().all(|job| !matches!(job.command, Command::Deploy(_))), "nothing has started");
    window.wait_for_text("goes on once the file is open");
    window.fill("Passphrase", "a long passphrase");
    enter(&mut window);
    window.wait_for_text("v1 is live there now");
    assert!(!window.shows("Open the encrypted file"));
    window.wait_for_text("Proven: 16 golden rows");
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
