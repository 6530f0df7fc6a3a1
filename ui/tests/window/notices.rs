//! Notices: told in the corner, kept below the bell, read when somebody turned to them, and there the next time.

use desk_app::Command;
use desk_app::command::{Columns, Echo, Predict, TargetName};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, labels};
use crate::walk;

/// Scores a file that is not there.
fn fails(window: &mut Window, file: &str) {
    let command = Command::Predict(Predict {
        version: "tumour@1".parse().expect("a version"),
        data: window.home.path().join(file),
        out: None,
        device: "auto".into(),
        batch: None,
        columns: Columns::default(),
        echo: Echo::None,
        positive: None,
    });
    window.desk.submit(command).expect("it begins");
    window.wait_for(&format!("Score {file} with tumour v1 failed"));
}

/// The notices of the list, as they are heard.
fn listed(window: &Window) -> Vec<String> {
    let dialog = window.harness.get_by_role_and_label(Role::Dialog, "Notices");
    let entries = dialog.children_recursive().filter(|node| node.accesskit_node().data().is_expanded().is_some());
    let said = entries.map(|node| {
        let node = node.accesskit_node();
        let more = node.data().description().unwrap_or_default().to_owned();
        format!("{} ({more})", node.label().unwrap_or_default())
    });
    said.collect()
}

#[test]
fn failures_are_counted_on_the_bell_and_open_to_what_to_do() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("home");
    window.wait("the bell", |h| h.query_by_role_and_label(Role::Button, "Notices").is_some());
    for file in ["a.csv", "b.csv", "c.csv"] {
        fails(&mut window, file);
    }
    window.wait_for("Notices, 3 unread");
    window.picture("notices_toasts_dark");
    // Escape takes the newest out of the corner: it was seen.
    window.harness.key_press(Key::Escape);
    window.wait_for("Notices, 2 unread");

    window.harness.get_by_role_and_label(Role::Button, "Notices, 2 unread").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(4);
    let entries = listed(&window);
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert_eq!(entries[0], "Score c.csv with tumour v1 failed (Error, just now)");
    assert_eq!(entries[2], "Score a.csv with tumour v1 failed (Error, unread · just now)");
    window.harness.check_accessibility();
    let found = walk::problems(&mut window.harness);
    assert!(found.is_empty(), "{found:#?}");

    window.press("Score a.csv with tumour v1 failed");
    window.wait_for("Notices, 1 unread");
    window.wait_for("What you can do");
    window.picture("notices_open_dark");
    window.press_role(Role::RadioButton, "Show: Warnings");
    window.wait_for("No warnings among the notices");
    window.press_role(Role::RadioButton, "Show: Errors");
    assert_eq!(listed(&window).len(), 3);
    window.press("Mark all read");
    window.wait("no number", |h| h.query_by_role_and_label(Role::Button, "Notices").is_some());
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(4);
    assert!(window.harness.query_by_role(Role::Dialog).is_none(), "Escape closes the list");
    let bell = window.harness.get_by_role_and_label(Role::Button, "Notices");
    assert!(bell.accesskit_node().is_focused(), "and the focus is on the bell again");

    window.harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::N);
    window.harness.run_steps(4);
    // It is still unfolded in no other time: each is folded when the list opens.
    window.press("Score b.csv with tumour v1 failed");
    window.harness.run_steps(2);
    let lead = window.harness.query_all_by_role_and_label(Role::Button, "Show what to do").last();
    lead.expect("in the list").click();
    window.wait("the job", |h| h.query_by_role(Role::Dialog).is_none());
    assert!(window.place().starts_with("activity/"), "{}", window.place());
}

#[test]
fn notices_are_there_the_next_time_until_they_are_cleared() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    window.go("home");
    fails(&mut window, "a.csv");
    let check = Command::TargetCheck(TargetName { name: "nowhere".into() });
    window.desk.submit(check).expect("it begins");
    window.wait_for("Notices, 2 unread");
    window.open_again(|desk| {
        let kept = desk.setting("window/notices").expect("readable");
        kept.and_then(|all| all.as_array().map(Vec::len)) == Some(2)
    });
    window.wait_for("Notices, 2 unread");
    let toasts = labels(&window.harness).iter().filter(|label| label.contains("failed")).count();
    assert_eq!(toasts, 0, "what was told is not told again");
    window.press("Notices, 2 unread");
    assert_eq!(listed(&window).len(), 2);
    window.picture("notices_light");
    // In a small window, enlarged, all of it can still be reached and seen.
    let ctx = window.harness.ctx.clone();
    let look = desk_uikit::Appearance { zoom: 2.0, reduce_motion: true, ..desk_uikit::Appearance::default() };
    window.harness.state_mut().set_look(&ctx, look);
    window.press("Score a.csv with tumour v1 failed");
    window.wait_for("What you can do");
    window.press("Show details");
    window.wait_for("Copy details");
    window.picture("notices_large");
    let found = walk::problems(&mut window.harness);
    assert!(found.is_empty(), "{found:#?}");
    window.press("Clear");
    window.wait_for("No notices");
    window.picture("notices_empty_light");
    assert!(listed(&window).is_empty());
    window.open_again(|desk| {
        let kept = desk.setting("window/notices").expect("readable");
        kept.and_then(|all| all.as_array().map(Vec::len)) == Some(0)
    });
    window.wait("the bell", |h| h.query_by_role_and_label(Role::Button, "Notices").is_some());
}
