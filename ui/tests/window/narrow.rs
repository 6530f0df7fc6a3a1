//! The smallest window, everything enlarged to twice its size: nothing lies over anything else. And links.

use desk_uikit::{Appearance, ThemeChoice};
use egui::{Key, Modifiers, Rect, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, labels};

/// Pairs of things that can be pressed or read in the top bar and lie over each other.
fn overlaps(window: &Window) -> Vec<String> {
    let roles =
        [Role::Button, Role::TextInput, Role::ComboBox, Role::RadioButton, Role::Link, Role::CheckBox, Role::Slider];
    let nodes: Vec<(String, Rect)> = roles
        .into_iter()
        .flat_map(|role| window.harness.query_all_by_role(role))
        .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
        .collect();
    let mut found = Vec::new();
    for (i, (one, a)) in nodes.iter().enumerate() {
        for (other, b) in &nodes[i + 1..] {
            let both = a.intersect(*b);
            let nested = a.contains_rect(*b) || b.contains_rect(*a);
            if both.width() > 2.0 && both.height() > 2.0 && !nested {
                found.push(format!("{one} {a:?} and {other} {b:?}"));
            }
        }
    }
    found
}

#[test]
fn nothing_lies_over_anything_in_the_smallest_window_at_twice_the_size() {
    let mut window = Window::with_samples([900.0, 600.0], ThemeChoice::Light);
    let ctx = window.harness.ctx.clone();
    let look = Appearance { zoom: 2.0, reduce_motion: true, ..Appearance::default() };
    window.harness.state_mut().set_look(&ctx, look);
    window.go("models/tumour/1/explain");
    window.wait_for_text("Not explained yet");
    window.picture("narrow_explain_light");
    assert_eq!(overlaps(&window), Vec::<String>::new(), "the form");
    window.press_role(Role::RadioButton, "Rows: Several");
    window.press("Options");
    window.harness.run_steps(4);
    window.picture("narrow_explain_options_light");
    assert_eq!(overlaps(&window), Vec::<String>::new(), "the form with all its fields");

    window.desk.submit(desk_app::Command::Sample).expect("it begins");
    let desk = window.desk.clone();
    window.wait("its end", |_| desk.jobs().iter().any(|job| job.state.is_final()));
    let job = desk.jobs().first().expect("it was one").id.clone();
    window.go(&format!("activity/{job}"));
    window.wait_for("Run again");
    window.harness.run_steps(4);
    window.picture("narrow_job_light");
    assert_eq!(overlaps(&window), Vec::<String>::new(), "a job");
}

#[test]
fn a_link_that_leads_nowhere_says_so_and_its_scheme_is_of_any_case() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("home");
    let follow = |window: &mut Window, url: &str| {
        window.harness.ctx.open_url(egui::OpenUrl::same_tab(url));
        window.harness.run_steps(4);
    };
    follow(&mut window, "ModelDesk://targets");
    assert_eq!(window.place(), "targets");
    follow(&mut window, "modeldesk://nonsense");
    assert_eq!(window.place(), "targets");
    let told = |h: &_| labels(h).iter().any(|label| label.contains("leads to no place of this window"));
    assert!(told(&window.harness));
}

#[test]
fn a_place_that_the_keyboard_leads_to_takes_the_focus() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    window.go("models/tumour/1/overview");
    window.wait_for("Explain");
    window.harness.get_by_role_and_label(Role::Button, "Notices").focus();
    window.harness.run_steps(2);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    window.harness.run_steps(6);
    assert_eq!(window.place(), "models/tumour/1/explain");
    let focused = window.harness.root().children_recursive().find(|node| node.accesskit_node().is_focused());
    let at = focused.expect("something has the focus").rect().center();
    assert!(at.x > 220.0 && at.y > 44.0, "{at:?}");
}
