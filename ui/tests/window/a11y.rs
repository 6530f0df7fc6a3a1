//! For those who do not see the window: everything has a name, and what is switched off says why.

use desk_app::Command;
use desk_app::command::{Deploy, Explain, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;

use crate::support::{FRESH, PLACES, Window, free_port, labels};

/// Fails on a control without a name, and on a disabled one that does not say why.
#[track_caller]
fn check(window: &mut Window, place: &str) {
    window.wait("loaded", |h| !labels(h).iter().any(|label| label.contains("Loading")));
    window.harness.run_steps(2);
    window.harness.check_accessibility();
    let silent: Vec<String> = window
        .harness
        .root()
        .children_recursive()
        .filter(|node| node.accesskit_node().is_disabled())
        .filter(|node| node.accesskit_node().data().description().is_none_or(str::is_empty))
        .map(|node| format!("{:?} {:?}", node.accesskit_node().role(), node.accesskit_node().label()))
        .collect();
    assert!(silent.is_empty(), "{place}: disabled without a reason: {silent:#?}");
}

#[test]
fn every_place_names_its_controls_and_says_why_some_are_off() {
    let mut fresh = Window::new();
    for (place, says) in FRESH {
        fresh.go(place);
        fresh.wait_for(says);
        check(&mut fresh, place);
    }
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    for place in PLACES {
        window.go(place);
        check(&mut window, place);
    }
    // With something to show: a deployment, an explanation, a job.
    let desk = window.desk.clone();
    let run = |command| desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    run(Command::TargetAdd(TargetAdd {
        name: "here".into(),
        kind: "local".into(),
        set: vec![("port".into(), free_port())],
        credential: None,
        replace: false,
    }));
    run(Command::Deploy(Deploy::new("tumour@1".parse().expect("a version"), "here")));
    run(Command::Explain(Explain {
        version: "tumour@2".parse().expect("a version"),
        data: desk.samples_folder().join("tumour/heldout.csv"),
        first_row: Some(1),
        last_row: Some(20),
        background: None,
        columns: desk_app::command::Columns::default(),
        method: "auto".into(),
        samples: None,
        seed: 0,
        output: None,
        space: None,
        out: None,
    }));
    let deployment = format!("deployments/{}", desk.deployments(None).expect("a list")[0].id);
    let job = format!("activity/{}", desk.stored_jobs(1).expect("a list").first().expect("a job").id);
    for place in PLACES.into_iter().chain([deployment.as_str(), job.as_str(), "models/nothing/1/test"]) {
        window.go(place);
        check(&mut window, place);
    }
    // Dialogs, before anything was filled in.
    window.go("models");
    for (modifiers, key) in [
        (Modifiers::COMMAND, Key::O),
        (Modifiers::COMMAND, Key::N),
        (Modifiers::NONE, Key::F2),
        (Modifiers::COMMAND, Key::K),
    ] {
        window.harness.key_press_modifiers(modifiers, key);
        window.harness.run_steps(3);
        check(&mut window, &format!("{key:?}"));
        window.harness.key_press(Key::Escape);
        window.harness.run_steps(3);
    }
}
