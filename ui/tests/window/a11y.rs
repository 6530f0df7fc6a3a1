//! For those who do not see the window: everything has a name, and what is switched off says why.

use desk_app::Command;
use desk_app::command::{Deploy, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;

use crate::lime::explain;
use crate::support::{FRESH, PLACES, Window, free_port, labels};
use crate::walk;

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
    let mut samples = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    for place in PLACES {
        samples.go(place);
        check(&mut samples, place);
    }
    let (mut window, places) = worked();
    for place in places {
        window.go(&place);
        check(&mut window, &place);
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

/// A desk with something in every place: a deployment, an explanation, a job.
pub fn worked() -> (Window, Vec<String>) {
    let window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
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
    run(explain("tumour@2", desk.samples_folder().join("tumour/heldout.csv"), "auto", 1..=20, None));
    let deployment = format!("deployments/{}", desk.deployments(None).expect("a list")[0].id);
    let job = format!("activity/{}", desk.stored_jobs(1).expect("a list").first().expect("a job").id);
    let mut places: Vec<String> = PLACES.map(str::to_owned).to_vec();
    places.extend([deployment, job, "models/nothing/1/test".to_owned()]);
    (window, places)
}

/// Waits until what is read in the background has arrived.
pub fn at_rest(window: &mut Window) {
    let (mut before, mut same) = (Vec::new(), 0);
    while same < 6 {
        std::thread::sleep(std::time::Duration::from_millis(40));
        window.harness.run_steps(2);
        let now = labels(&window.harness);
        same = if now == before && !now.iter().any(|label| label.contains("Loading")) { same + 1 } else { 0 };
        before = now;
    }
}

/// Walks every place at a size and zoom.
fn walk_every_place(size: [f32; 2], zoom: f32) {
    let (mut window, places) = worked();
    window.harness.set_size(size.into());
    let ctx = window.harness.ctx.clone();
    let look = desk_uikit::Appearance { zoom, reduce_motion: true, ..desk_uikit::Appearance::default() };
    window.harness.state_mut().set_look(&ctx, look);
    let mut found = Vec::new();
    for place in places {
        window.go(&place);
        at_rest(&mut window);
        found.extend(walk::problems(&mut window.harness).into_iter().map(|problem| format!("{place}: {problem}")));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn tab_walks_through_every_place_and_back_and_sees_each_stop() {
    walk_every_place([1280.0, 800.0], 1.0);
}

#[test]
fn tab_walks_through_every_place_in_the_smallest_window() {
    walk_every_place([900.0, 600.0], 1.0);
}

#[test]
fn tab_walks_through_every_place_at_twice_the_size() {
    walk_every_place([1280.0, 800.0], 2.0);
}
