//! What other processes do to the home is on the screen a moment later, all parts of it alike.

use desk_app::command::{Deploy, TargetAdd, TargetName, Undeploy};
use desk_app::{Command, Desk};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui_kittest::kittest::Queryable as _;

use crate::support::{Window, free_port};

fn run(desk: &Desk, command: Command) {
    desk.run(command, &Cancel::new(), &NoProgress).expect("it is done");
}

#[test]
fn the_window_follows_what_the_command_line_does() {
    let mut window = Window::new();
    window.wait_for("Welcome to Modeldesk");
    let other = window.another_desk();
    run(&other, Command::Sample);
    window.wait("the models", |h| h.query_all_by_label("tumour").next().is_some());

    let set = vec![("port".to_owned(), free_port())];
    let add = TargetAdd { name: "edge".into(), kind: "local".into(), set, credential: None, replace: false };
    run(&other, Command::TargetAdd(add));
    window.go("models/tumour/1/deploy");
    window.wait_for_text("Nothing is live there");
    run(&other, Command::Deploy(Deploy::new("tumour@1".parse().expect("a version"), "edge")));
    window.wait("all parts say that it is live", |h| {
        let says = |text: &str| h.query_all_by_label_contains(text).next().is_some();
        says("v1 is live there now") && says("Live on edge") && says("Proven: ") && !says("Nothing is live there")
    });

    run(&other, Command::Undeploy(Undeploy { deployment: "edge/tumour".into(), gone: false, replace_other: false }));
    window.wait("all parts say that it is not", |h| {
        let says = |text: &str| h.query_all_by_label_contains(text).next().is_some();
        says("Nothing is live there") && !says("Live on edge")
    });
    window.go("targets");
    window.wait_for("edge");
    run(&other, Command::TargetRemove(TargetName { name: "edge".into() }));
    window.wait_for("No target yet");
    assert!(window.desk.jobs().is_empty(), "nothing of this was a job of the window");
}

#[test]
fn a_window_at_rest_stays_at_rest() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("models");
    window.wait("the models", |h| h.query_all_by_label("tumour").next().is_some());
    let events = window.desk.subscribe();
    window.desk.look_elsewhere();
    for _ in 0..5 {
        window.harness.run_steps(2);
        window.desk.look_elsewhere();
    }
    assert!(events.try_recv().is_err(), "what this window wrote itself is no news");
}

#[test]
fn a_data_file_that_another_program_changed_is_read_again_when_one_comes_back() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    let sample = window.desk.samples_folder().join("penguins/heldout.csv");
    let text = std::fs::read_to_string(sample).expect("read");
    let data = window.home.path().join("mine.csv");
    std::fs::write(&data, &text).expect("written");
    window.go("models/penguins/1/test");
    window.fill("Data file", &data.to_string_lossy());
    window.wait_for("Score 103 rows");
    let less: Vec<&str> = text.lines().take(51).collect();
    std::fs::write(&data, less.join("\n")).expect("written");
    window.harness.event(egui::Event::WindowFocused(false));
    window.harness.run_steps(2);
    window.harness.event(egui::Event::WindowFocused(true));
    window.wait_for("Score 50 rows");
}
