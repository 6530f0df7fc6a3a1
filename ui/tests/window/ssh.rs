//! The remote half through the window: a key in the vault, a machine by SSH, its host key compared
//! by the dialog, two rollouts proven there, and the way back.

use desk_app::Command;
use desk_app::command::{TargetAdd, TargetTrust};
use desk_app::secrets::Secret;
use desk_core::state::DeploymentState;
use desk_core::{Cancel, NoProgress};
use desk_deploy::testing::{TestSshd, free_port};
use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

/// Keeps secrets in an encrypted file; by the dialog where this computer has no keyring.
fn make_vault(window: &mut Window) {
    window.go("credentials");
    window.wait("where secrets go", |h| {
        h.query_all_by_label("Make an encrypted file…").next().is_some()
            || h.query_all_by_label_contains("Secrets are kept in").next().is_some()
    });
    if !window.shows("Make an encrypted file…") {
        // The tests' secrets have no business in somebody's own keyring.
        window.desk.create_vault(&Secret::new("a long passphrase")).expect("made");
        return;
    }
    window.press("Make an encrypted file…");
    window.fill("Passphrase", "a long passphrase");
    window.fill("The same once more", "a long passphrase");
    window.press("Make the file");
    window.wait_for_text("encrypted file");
}

/// The fingerprint as the machine itself says it.
fn fingerprint(sshd: &TestSshd) -> String {
    let line = std::process::Command::new("ssh-keygen").arg("-lf").arg(sshd.dir().join("host_key.pub")).output();
    let line = String::from_utf8(line.expect("ssh-keygen runs").stdout).expect("text");
    line.split_whitespace().nth(1).expect("a fingerprint").to_owned()
}

#[test]
fn a_machine_by_ssh_is_trusted_deployed_to_and_rolled_back() {
    let sshd = match TestSshd::start() {
        Ok(sshd) => sshd,
        Err(why) => panic!("{why}"),
    };
    let mut window = Window::with_vault([1280.0, 800.0], ThemeChoice::Dark);
    let far = sshd.dir().join("far");
    window.stops.push(far.clone());
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    make_vault(&mut window);

    window.press("New credential…");
    window.fill("Name", "edge");
    window.fill("Private key file", &sshd.key_file().to_string_lossy());
    window.press("Keep credential");
    window.wait("the credential", |h| h.query_all_by_role_and_label(Role::Cell, "edge").next().is_some());
    assert_eq!(window.desk.credentials().expect("a list")[0].stored_in, "encrypted file");
    window.picture("ssh_1_credential");

    window.go("targets");
    window.press("New target…");
    window.fill("Name", "edge-01");
    window.press_role(Role::RadioButton, "Kind: By SSH");
    window.fill("Host", "127.0.0.1");
    window.fill("SSH port", &sshd.port().to_string());
    window.fill("User", sshd.user());
    window.fill("Folder there", &far.to_string_lossy());
    window.fill("Port of the model server", &free_port().to_string());
    window.press_role(Role::ComboBox, "Credential");
    window.press_role(Role::ListBoxOption, "edge (ssh-key)");
    window.picture("ssh_2_target");
    window.press("Add target");
    window.wait("the target", |h| h.query_all_by_role_and_label(Role::Cell, "edge-01").next().is_some());
    window.press("Check");
    window.press("Compare its host key…");
    let offered = window.desk.targets().expect("a list")[0].offered_key.clone().expect("a key is offered");
    assert_eq!(offered, fingerprint(&sshd), "what somebody at the machine's console reads");
    window.wait_for_text(&offered);
    window.picture("ssh_3_trust");
    window.press("Trust this key");
    window.wait("the target answers", |h| h.query_all_by_role_and_label(Role::Cell, "Reachable").next().is_some());
    assert_eq!(window.desk.targets().expect("a list")[0].trusted_key.as_deref(), Some(offered.as_str()));
    window.picture("ssh_4_trusted");

    window.go("models/tumour/1/deploy");
    window.press("Deploy v1 to edge-01");
    window.wait_for_text("Proven: 16 golden rows");
    window.wait_for_text("v1 is live there now");
    window.picture("ssh_5_live");
    window.go("models/tumour/2/deploy");
    window.press("Deploy v2 to edge-01");
    window.wait_for_text("v2 is live there now");
    window.press("Roll back to v1…");
    window.press("Roll back to v1");
    window.wait_for_text("v1 is live there now; you can roll back to it later");
    window.picture("ssh_6_rolled_back");

    let deployments = window.desk.deployments(None).expect("the list");
    let live: Vec<_> = deployments.iter().filter(|d| d.state == DeploymentState::Live).collect();
    assert_eq!(live.len(), 1, "{deployments:#?}");
    assert_eq!((live[0].version, live[0].action.as_str()), (1, "rollback"));
    assert!(live[0].parity.as_ref().is_some_and(|parity| parity.ok && parity.rows == 16));
    let screen = crate::support::labels(&window.harness).join("\n");
    assert!(!screen.contains("a long passphrase") && !screen.contains("PRIVATE KEY"), "{screen}");
}

#[test]
fn a_changed_host_key_is_asked_about_with_both_fingerprints() {
    let mut sshd = match TestSshd::start() {
        Ok(sshd) => sshd,
        Err(why) => panic!("{why}"),
    };
    let mut window = Window::new();
    let set = [
        ("host", "127.0.0.1".to_owned()),
        ("port", sshd.port().to_string()),
        ("user", sshd.user().to_owned()),
        ("folder", sshd.dir().join("far").display().to_string()),
        ("serve-port", free_port().to_string()),
    ];
    let former = fingerprint(&sshd);
    let run = |command| window.desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    run(Command::TargetAdd(TargetAdd {
        name: "edge-01".into(),
        kind: "ssh".into(),
        set: set.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        credential: None,
        replace: false,
    }));
    run(Command::TargetTrust(TargetTrust { name: "edge-01".into(), fingerprint: former.clone() }));
    let trusted = |window: &Window| window.desk.targets().expect("a list")[0].trusted_key.clone();
    assert_eq!(trusted(&window).as_deref(), Some(former.as_str()));

    sshd.change_host_key().expect("another key");
    let now = fingerprint(&sshd);
    window.go("targets");
    window.press("Check");
    window.wait("the change", |h| h.query_all_by_role_and_label(Role::Cell, "Host key changed").next().is_some());
    assert_eq!(trusted(&window).as_deref(), Some(former.as_str()), "looking trusts nothing");
    window.picture("ssh_changed_check");
    window.press("Compare its new host key…");
    window.wait_for("The host key of edge-01 has changed");
    for shown in ["Trusted until now", &former, "Shown by the machine now", &now] {
        assert!(window.shows(shown), "{shown}: {:#?}", crate::support::labels(&window.harness));
    }
    window.picture("ssh_changed_trust");
    window.press("Not now");
    assert_eq!(trusted(&window).as_deref(), Some(former.as_str()));
    window.press("Compare its new host key…");
    window.press("Trust this key");
    // Nobody can log in there without a key, but it is the machine that is meant.
    window.wait("the question is settled", |h| {
        h.query_all_by_role_and_label(Role::Cell, "Not reachable").next().is_some()
    });
    assert_eq!(trusted(&window).as_deref(), Some(now.as_str()));
    assert!(!window.shows("Compare its new host key…"));
}
