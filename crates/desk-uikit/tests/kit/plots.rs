//! What can be done with a chart: hide a line, look closer, see the numbers, take it along.

use std::cell::RefCell;

use desk_uikit::plot::{Figure, Lines, Series, Wish};
use desk_uikit::table::{Cell, Column};
use egui::{Key, Modifiers, Role, Theme, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::harness;

fn curves() -> [Series; 2] {
    let curve = |power: f64| (0..=20).map(|i| f64::from(i) / 20.0).map(|x| [x, x.powf(power)]).collect::<Vec<_>>();
    [Series::new("first", curve(0.25)), Series::new("second", curve(0.5))]
}

/// A drawing's lines in their colours, as the exported picture has them.
fn lines_drawn(wish: &Wish) -> usize {
    let Wish::CopyPicture(picture) = wish else { panic!("no picture: {wish:?}") };
    picture.svg.matches("<polyline").count()
}

fn figure(wishes: &RefCell<Vec<Wish>>) -> egui_kittest::Harness<'_> {
    let series = curves();
    harness([620.0, 420.0], Theme::Dark, move |ui| {
        let paint = |ui: &mut egui::Ui| {
            Lines::new(&series, "False positive rate", "True positive rate").unit_square("chance").show(ui);
        };
        let table = || (vec![Column::number("x")], vec![vec![Cell::number(0.125)], vec![Cell::number(2.0)]]);
        let wish = Figure::new("ROC curve").caption("held out").summary("Both rise".to_owned()).show(ui, paint, table);
        wishes.borrow_mut().extend(wish);
    })
}

fn choose(h: &mut egui_kittest::Harness<'_>, item: &str) {
    h.get_by_role_and_label(Role::Button, "ROC curve: copy or save").click();
    h.run_steps(6);
    h.get_by_label(item).click();
    h.run_steps(3);
}

#[test]
fn a_chart_is_copied_and_saved_as_picture_and_as_numbers() {
    let wishes = RefCell::new(Vec::new());
    let mut h = figure(&wishes);
    h.run_steps(3);
    choose(&mut h, "Copy picture");
    let wish = wishes.borrow_mut().pop().expect("a picture");
    assert_eq!(lines_drawn(&wish), 2);
    let Wish::CopyPicture(picture) = wish else { unreachable!("looked at above") };
    for words in ["ROC curve", "held out", "Both rise", "False positive rate", "first", "chance"] {
        assert!(picture.svg.contains(&format!(">{words}<")), "{words} is missing");
    }
    choose(&mut h, "Copy numbers");
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::CopyText("0.125\n2".to_owned())));
    choose(&mut h, "Save numbers as CSV…");
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::SaveData("x\n0.125\n2".to_owned(), "roc-curve".to_owned())));
    choose(&mut h, "Copy the sentence");
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::CopyText("Both rise".to_owned())));
}

#[test]
fn a_chart_shows_its_numbers_instead_when_asked() {
    let wishes = RefCell::new(Vec::new());
    let mut h = figure(&wishes);
    h.run_steps(3);
    assert!(h.query_by_label("ROC curve, 2 rows").is_none());
    h.get_by_role_and_label(Role::Button, "ROC curve as a table").click();
    h.run_steps(3);
    h.get_by_label("ROC curve, 2 rows");
    h.get_by_role_and_label(Role::Cell, "0.125");
}

#[test]
fn a_line_is_hidden_by_its_name_and_shown_again() {
    let wishes = RefCell::new(Vec::new());
    let mut h = figure(&wishes);
    h.run_steps(3);
    let on = |h: &egui_kittest::Harness<'_>| {
        let node = h.get_by_role_and_label(Role::CheckBox, "second");
        node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    assert!(on(&h));
    h.get_by_role_and_label(Role::CheckBox, "second").click();
    h.run_steps(3);
    assert!(!on(&h));
    h.get_by_role_and_label(Role::CheckBox, "second").click();
    h.run_steps(3);
    assert!(on(&h));
}

#[test]
fn a_chart_is_looked_at_closer_and_whole_again() {
    let wishes = RefCell::new(Vec::new());
    let mut h = figure(&wishes);
    h.run_steps(3);
    let closer = |h: &egui_kittest::Harness<'_>| h.query_by_role_and_label(Role::Button, "Reset zoom").is_some();
    let chart = |h: &egui_kittest::Harness<'_>| {
        let image = h.get_all_by_role(Role::Image).find(|node| node.rect().height() > 100.0);
        image.expect("the chart").rect().center()
    };
    assert!(!closer(&h));
    h.hover_at(chart(&h));
    h.run_steps(2);
    h.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: Vec2::new(0.0, 120.0),
        modifiers: Modifiers::COMMAND,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
    });
    h.run_steps(4);
    assert!(closer(&h), "the wheel with Ctrl zooms");
    h.get_by_role_and_label(Role::Button, "Reset zoom").click();
    h.run_steps(4);
    assert!(!closer(&h), "everything is seen again");

    // The same by the keyboard.
    h.get_all_by_role(Role::Image).find(|node| node.rect().height() > 100.0).expect("the chart").focus();
    h.run_steps(2);
    h.key_press(Key::Plus);
    h.run_steps(3);
    assert!(closer(&h), "plus zooms");
    h.key_press(Key::Num0);
    h.run_steps(4);
    assert!(!closer(&h), "0 shows everything again");
    h.key_press(Key::ArrowLeft);
    h.run_steps(3);
    assert!(closer(&h), "arrows move");
}
