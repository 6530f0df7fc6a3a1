//! Lists of fields and lines that are typed, under the keyboard.

use std::cell::RefCell;

use crate::support::harness;
use desk_uikit::field::{Field, LONGEST, Range};
use desk_uikit::modal::Dialog;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

const ISLANDS: [&str; 4] = ["Biscoe", "Dream", "Drift", "Torgersen"];

fn open(h: &Harness<'_>) -> bool {
    h.query_all_by_role(Role::ListBoxOption).next().is_some()
}

fn press(h: &mut Harness<'_>, key: Key) {
    h.key_press(key);
    h.run_steps(4);
}

#[test]
fn a_list_begins_at_what_is_chosen_and_enter_chooses_and_closes() {
    let at = RefCell::new(1_usize);
    let mut h = harness([300.0, 300.0], Theme::Dark, |ui| {
        let chosen = Field::new("Island").width(200.0).show_choice_index(ui, Some(*at.borrow()), &ISLANDS, "");
        if let Some(chosen) = chosen {
            *at.borrow_mut() = chosen;
        }
    });
    h.get_by_role_and_label(Role::ComboBox, "Island").focus();
    h.run_steps(2);
    press(&mut h, Key::Enter);
    assert!(open(&h), "Enter opens it");
    press(&mut h, Key::ArrowDown);
    press(&mut h, Key::Enter);
    assert_eq!(*at.borrow(), 2, "the first step goes on from what was chosen");
    assert!(!open(&h), "and Enter closes it");
    let combo = h.get_by_role_and_label(Role::ComboBox, "Island");
    assert!(combo.accesskit_node().is_focused(), "the keyboard stays with the field");
    press(&mut h, Key::ArrowDown);
    assert!(open(&h), "an arrow opens it, too");
    h.event(egui::Event::Text("t".into()));
    h.run_steps(3);
    press(&mut h, Key::Enter);
    assert_eq!(*at.borrow(), 3, "a letter jumps");
    press(&mut h, Key::Space);
    press(&mut h, Key::Home);
    press(&mut h, Key::Escape);
    assert!(!open(&h) && *at.borrow() == 3, "Escape chooses nothing");
    assert!(h.get_by_role_and_label(Role::ComboBox, "Island").accesskit_node().is_focused());
}

#[test]
fn escape_closes_the_list_and_then_the_dialog_behind_it() {
    let closed = RefCell::new(false);
    let mut h = harness([400.0, 400.0], Theme::Dark, |ui| {
        let output = Dialog::new("d", "Settings").width(300.0).show(
            ui.ctx(),
            |ui| {
                Field::new("Island").width(200.0).show_choice_index(ui, Some(0), &ISLANDS, "");
            },
            |_, ()| {},
        );
        *closed.borrow_mut() |= output.closed;
    });
    h.run_steps(2);
    h.get_by_role_and_label(Role::ComboBox, "Island").click();
    h.run_steps(4);
    assert!(open(&h));
    press(&mut h, Key::Escape);
    assert!(!open(&h) && !*closed.borrow(), "only the list");
    press(&mut h, Key::Escape);
    assert!(*closed.borrow());
}

#[test]
fn a_line_counts_when_it_is_left_and_escape_takes_it_back() {
    let state = RefCell::new((String::from("5"), String::from("Biscoe"), None::<String>));
    let mut h = harness([400.0, 300.0], Theme::Dark, |ui| {
        let mut state = state.borrow_mut();
        let typed = Field::new("Mass").width(100.0).show_typed_number(ui, &state.0.clone(), 0.5);
        state.2 = typed.wrong;
        state.0 = typed.taken.unwrap_or_else(|| state.0.clone());
        let typed = Field::new("Island").width(200.0).show_suggested(ui, &state.1.clone(), &ISLANDS);
        state.1 = typed.taken.unwrap_or_else(|| state.1.clone());
    });
    let write = |h: &mut Harness<'_>, role: Role, label: &str, text: &str| {
        h.get_by_role_and_label(role, label).focus();
        h.run_steps(2);
        h.key_press_modifiers(Modifiers::COMMAND, Key::A);
        h.run_steps(2);
        h.event(egui::Event::Text(text.into()));
        h.run_steps(2);
    };
    write(&mut h, Role::TextInput, "Mass", "7,25");
    assert_eq!(state.borrow().0, "5", "not while it is typed");
    press(&mut h, Key::Enter);
    assert_eq!(state.borrow().0, "7.25");
    press(&mut h, Key::ArrowUp);
    assert_eq!(state.borrow().0, "7.75");
    write(&mut h, Role::TextInput, "Mass", "much");
    press(&mut h, Key::Tab);
    assert_eq!(state.borrow().2.as_deref(), Some("much is not a number"));
    write(&mut h, Role::TextInput, "Mass", "9");
    press(&mut h, Key::Escape);
    assert_eq!((state.borrow().0.as_str(), state.borrow().2.as_deref()), ("7.75", None));
    write(&mut h, Role::EditableComboBox, "Island", "Elsewhere");
    press(&mut h, Key::Enter);
    assert_eq!(state.borrow().1, "Elsewhere");
    press(&mut h, Key::ArrowDown);
    assert!(open(&h));
    press(&mut h, Key::ArrowDown);
    press(&mut h, Key::Enter);
    assert_eq!(state.borrow().1, "Biscoe");
    assert!(!open(&h));
}

#[test]
fn a_number_that_does_not_count_says_so_after_it_was_left() {
    let row = RefCell::new(4_u64);
    let mut h = harness([400.0, 200.0], Theme::Dark, |ui| {
        let range = Range { limits: 1..=171, step: 1.0 };
        Field::new("Row").width(200.0).show_number(ui, &mut *row.borrow_mut(), range, "");
        // Somewhere to go on to.
        ui.add(desk_uikit::Button::secondary("Run"));
    });
    for (text, says) in [("0", true), ("99999", true), ("7", false)] {
        h.get_by_role_and_label(Role::TextInput, "Row").focus();
        h.run_steps(2);
        h.key_press_modifiers(Modifiers::COMMAND, Key::A);
        h.run_steps(2);
        h.event(egui::Event::Text(text.into()));
        h.run_steps(2);
        press(&mut h, Key::Tab);
        let told = h.query_by_label(&format!("{text} is not a number between 1 and 171: 4 stays")).is_some();
        assert_eq!(told, says, "{text}");
    }
    assert_eq!(*row.borrow(), 7);
}

#[test]
fn what_is_too_long_for_a_line_is_cut_and_says_so() {
    let text = RefCell::new(String::new());
    let mut h = harness([400.0, 200.0], Theme::Dark, |ui| {
        Field::new("Filter").show_filter(ui, &mut text.borrow_mut(), "");
    });
    h.get_by_role_and_label(Role::TextInput, "Filter").focus();
    h.run_steps(2);
    h.event(egui::Event::Paste("x".repeat(1_000_000)));
    h.run_steps(3);
    assert_eq!(text.borrow().len(), LONGEST);
    h.get_by_label_contains("Cut after 4\u{202f}096 characters");
}

#[test]
fn a_press_between_two_frames_moves_a_slider() {
    let value = RefCell::new(0.0);
    let mut h = harness([300.0, 100.0], Theme::Dark, |ui| {
        Field::new("Mass").hide_label().width(200.0).show_slider(ui, &mut value.borrow_mut(), 0.0..=10.0, 1.0);
    });
    let rail = h.get_by_role_and_label(Role::Slider, "Mass").rect();
    let pos = rail.left_center() + egui::vec2(rail.width() * 0.8, 0.0);
    let button = |pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    h.event(egui::Event::PointerMoved(pos));
    h.run_steps(1);
    h.input_mut().events.extend([button(true), button(false)]);
    h.run_steps(2);
    assert!((7.0..=9.0).contains(&*value.borrow()), "{}", value.borrow());
}
