//! A server that was killed: what a check makes of it, and how it is brought back.

use std::process::Command as Process;

use desk_app::Command;
use desk_app::command::{Deploy, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, free_port};

/// Ends the server of a local target as a crash does.
fn kill(window: &Window, target: &str, port: &str) {
    let root = window.home.path().join("home/targets").join(target);
    let status = Process::new(root.join("bin/modeldesk-serve")).args(["ctl", "status", "--root"]).arg(&root).output();
    let status: serde_json::Value = serde_json::from_slice(&status.expect("it runs").stdout).expect("its status");
    let pid = status["supervisor"]["pid"].to_string();
    assert!(Process::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
    let port: u16 = port.parse().expect("a port");
    // Its children end a moment later.
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {}
}

/// A window over a version that is live on this computer, and its port.
fn live() -> (Window, String) {
    let window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    let port = free_port();
    let set = vec![("port".to_owned(), port.clone())];
    let add = TargetAdd { name: "edge".into(), kind: "local".into(), set, credential: None, replace: false };
    let deploy = Deploy::new("tumour@1".parse().expect("a version"), "edge");
    for command in [Command::TargetAdd(add), Command::Deploy(deploy)] {
        window.desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    }
    (window, port)
}

#[test]
fn a_window_that_opens_sees_by_itself_what_has_gone_since() {
    let (mut window, port) = live();
    kill(&window, "edge", &port);
    window.open_again(|_| true);
    window.go("deployments");
    window.wait_for_text("Not answering");
    window.go("models/tumour/1/deploy");
    window.wait_for_text("v1 should be live there, and does not answer");
    window.wait_for("Deploy v1 again to edge");
}

#[test]
fn what_was_killed_is_found_not_answering_and_deployed_again() {
    let (mut window, port) = live();
    window.go("models/tumour/1/deploy");
    window.wait_for_text("v1 is live there now");
    window.wait("a request to try it with", |h| h.query_all_by_label("Copy request").next().is_some());
    window.picture("deploy_answers_light");
    kill(&window, "edge", &port);

    window.press("Check target");
    window.wait_for_text("v1 should be live there, and does not answer");
    window.wait_for_text("Not answering");
    window.picture("deploy_silent_light");
    let button = window.harness.get_by_role_and_label(Role::Button, "Deploy v1 again to edge");
    assert!(!button.accesskit_node().is_disabled(), "it is offered once more");
    window.wait("no place where it would answer", |h| h.query_all_by_label("Copy request").next().is_none());
    // Everywhere that says where it is live.
    window.wait_for_text("Not answering on edge");
    window.wait_for_text("0 live, 1 not answering");
    window.go("models");
    window.wait_for_text("1 of 1 target silent");
}
