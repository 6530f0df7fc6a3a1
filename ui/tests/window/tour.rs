//! The first run: three cards, a tour over the samples that notices by itself what was done, and what was visited.

use desk_app::Command;
use desk_app::command::{Deploy, Rollback, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, free_port, labels};
use crate::walk;

/// The step on show is done.
#[track_caller]
fn done(window: &mut Window) {
    window.wait("Next step", |h| h.query_by_role_and_label(Role::Button, "Next step").is_some());
}

#[test]
fn the_tour_notices_what_was_done_wherever_it_was_done() {
    let mut window = Window::with([1280.0, 800.0], ThemeChoice::Dark, None);
    window.wait_for("Welcome to Modeldesk");
    for card in ["Try the samples", "Import a model"] {
        assert!(window.shows(card), "{card}");
    }
    window.press("Take the tour");
    window.wait_for("Tour, step 1 of 7");
    window.picture("tour_first_dark");
    window.press("Do it");
    done(&mut window);
    assert_eq!(window.place(), "models");
    window.press("Next step");

    window.wait_for("Test version 1 on rows it has never seen");
    window.press("Show me");
    assert_eq!(window.place(), "models/tumour/1/test");
    window.wait_for_text("31 columns");
    window.score();
    done(&mut window);
    window.wait_for("Results");
    window.picture("tour_test_dark");
    // A toast goes away by itself, also in the middle of a walk.
    window.wait("no toast", |h| h.query_all_by_label("Dismiss").next().is_none());
    let found = walk::problems(&mut window.harness);
    assert!(found.is_empty(), "{found:#?}");
    window.press("Next step");

    window.press("Do it");
    done(&mut window);
    assert_eq!(window.place(), "models/tumour/1/explain");
    window.press("Leave the tour");
    assert!(!window.shows("Tour, step 3 of 7"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window.harness.get_by_label("Search commands").type_text("take the tour");
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.wait_for("Tour, step 3 of 7");
    done(&mut window);
    window.press("Next step");

    window.press("Do it");
    done(&mut window);
    assert_eq!(window.place(), "compare/tumour/1/tumour/2");
    window.wait_for("4 of 7 done");
    window.picture("tour_compare_dark");
    window.press("Next step");

    // From here on it is done elsewhere, as on the command line.
    let desk = window.desk.clone();
    let run = |command| desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    window.press("Show me");
    assert_eq!(window.place(), "models/tumour/1/deploy");
    let set = vec![("port".to_owned(), free_port())];
    let (name, kind) = ("here".to_owned(), "local".to_owned());
    run(Command::TargetAdd(TargetAdd { name, kind, set, credential: None, replace: false }));
    run(Command::Deploy(Deploy::new("tumour@1".parse().expect("a version"), "here")));
    done(&mut window);
    window.press("Next step");
    run(Command::Deploy(Deploy::new("tumour@2".parse().expect("a version"), "here")));
    done(&mut window);
    window.press("Next step");
    window.press("Show me");
    run(Command::Rollback(Rollback { deployment: "here".into(), to: None }));
    done(&mut window);
    window.picture("tour_rolled_back_dark");
    window.press("Next step");
    window.wait_for("That was the whole way");
    window.press("Close the tour");
    window.go("home");
    window.wait_for("Visited last");
    assert!(!window.shows("Take the tour"), "it is over");
    window.picture("home_after_tour_dark");
}

#[test]
fn the_tour_stands_where_it_stood_the_next_time_and_fits_small_and_enlarged_windows() {
    let mut window = Window::with_samples([900.0, 600.0], ThemeChoice::Light);
    window.go("home");
    window.press("Take the tour");
    done(&mut window);
    window.press("Next step");
    window.wait_for("Tour, step 2 of 7");
    let found = walk::problems(&mut window.harness);
    assert!(found.is_empty(), "{found:#?}");
    window.picture("tour_small_light");
    window.open_again(|desk| {
        let kept = desk.setting("window/tour").expect("readable");
        kept.is_some_and(|place| place["step"] == 1 && place["open"] == true)
    });
    window.wait_for("Tour, step 2 of 7");
    let ctx = window.harness.ctx.clone();
    let look = desk_uikit::Appearance { zoom: 2.0, reduce_motion: true, ..desk_uikit::Appearance::default() };
    window.harness.state_mut().set_look(&ctx, look);
    window.harness.run_steps(4);
    window.picture("tour_large");
    let found = walk::problems(&mut window.harness);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_was_visited_last_stands_on_home_and_first_in_the_palette() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    window.go("home");
    assert!(!window.shows("Visited last"));
    for place in ["models/tumour/1/test", "models/tumour/1/explain", "compare/tumour/1/tumour/2", "models/penguins"] {
        window.go(place);
    }
    window.go("home");
    window.wait_for("Visited last");
    window.picture("home_visited_light");
    window.open_again(|desk| {
        let kept = desk.setting("window/recent").expect("readable");
        kept.and_then(|all| all.as_array().map(Vec::len)) == Some(3)
    });
    window.go("home");
    window.wait_for("Visited last");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    let dialog = window.harness.get_by_role_and_label(Role::Dialog, "Command palette");
    let rows = dialog.children_recursive().filter(|node| node.accesskit_node().role() == Role::ListBoxOption);
    let first: Vec<String> = rows.take(3).map(|node| node.accesskit_node().label().unwrap_or_default()).collect();
    assert_eq!(first, ["penguins", "Compare tumour v1 and v2", "tumour v1"], "{:?}", labels(&window.harness));
    window.picture("palette_visited_light");
    window.harness.key_press(Key::ArrowDown);
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    assert_eq!(window.place(), "compare/tumour/1/tumour/2");
}
