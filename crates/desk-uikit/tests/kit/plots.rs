//! What can be done with a chart: hide a line, look closer, see the numbers, take it along.

use std::cell::RefCell;

use desk_uikit::plot::{Beeswarm, ColoredBy, Dependence, DependencePoint, Figure, Lines, Series, Swarm, Wish};
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
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::CopyText("x\n0.125\n2".to_owned())));
    choose(&mut h, "Save numbers as CSV…");
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::SaveData("x\n0.125\n2".to_owned(), "roc-curve".to_owned())));
    choose(&mut h, "Copy the sentence");
    assert_eq!(wishes.borrow_mut().pop(), Some(Wish::CopyText("ROC curve, held out: Both rise".to_owned())));
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

/// Two features in five rows.
fn swarms() -> [Swarm; 2] {
    let swarm = |name: &str, amounts: &[f64]| Swarm {
        name: name.to_owned(),
        amounts: amounts.to_vec(),
        levels: (0..amounts.len()).map(|i| Some(i as f32 / 4.0)).collect(),
        values: (0..amounts.len()).map(|i| format!("value {i}")).collect(),
    };
    [swarm("first", &[-1.0, -0.5, 0.0, 0.5, 1.0]), swarm("second", &[0.1, 0.2, 0.3, 0.4, 0.5])]
}

#[test]
fn a_beeswarm_is_looked_at_closer_from_the_keyboard_and_by_the_wheel() {
    let swarms = swarms();
    let mut h = harness([620.0, 200.0], Theme::Light, move |ui| {
        Beeswarm::new("yes", &swarms).numbers(&[11, 12, 13, 14, 15]).show(ui);
    });
    h.run_steps(3);
    let chart = |h: &egui_kittest::Harness<'_>| h.get_by_role(Role::Canvas).rect();
    let whole = h.render().expect("rendered");
    assert!(h.query_by_label("Reset zoom").is_none());
    h.get_by_role(Role::Canvas).focus();
    h.run_steps(2);
    for _ in 0..4 {
        h.key_press(Key::Plus);
        h.run_steps(2);
    }
    h.get_by_label("Reset zoom");
    let closer = h.render().expect("rendered");
    h.key_press(Key::ArrowRight);
    h.run_steps(2);
    assert_ne!(h.render().expect("rendered"), closer, "the arrow moves");
    h.key_press(Key::Num0);
    h.run_steps(3);
    assert!(h.query_by_label("Reset zoom").is_none());
    let rect = chart(&h);
    // The ring round it tells the focus; without it, it looks as before.
    h.hover_at(rect.center());
    h.event(egui::Event::Zoom(2.0));
    h.run_steps(3);
    h.get_by_label("Reset zoom").click();
    h.run_steps(3);
    assert!(h.query_by_label("Reset zoom").is_none());
    assert_eq!(h.render().expect("rendered").dimensions(), whole.dimensions());
}

#[test]
fn a_dot_says_its_row_and_a_picture_has_a_circle_for_each() {
    // A line of dots through the middle, and two that make it the middle.
    let line = (0..=400).map(|i| (f64::from(i) / 200.0 + 1.0, 0.0)).chain([(1.0, -0.5), (3.0, 0.5)]);
    let points: Vec<_> = line.map(|(x, y)| DependencePoint { x, y, level: None }).collect();
    let wishes = RefCell::new(Vec::new());
    let about = |point: usize| vec![format!("Row {}", point + 40)];
    let mut h = harness([620.0, 460.0], Theme::Dark, |ui| {
        let by = ColoredBy { name: "charges", ends: ["low", "high"] };
        let chart = Dependence::new("tenure", "yes", &points).colored_by(Some(by)).about(&about);
        let table = || (vec![Column::number("x")], vec![vec![Cell::number(0.125)]]);
        let figure = Figure::new("Dependence").summary(chart.summary());
        wishes.borrow_mut().extend(figure.show(ui, |ui| drop(chart.show(ui)), table));
    });
    h.run_steps(3);
    let sentence = "tenure from 1 to 3: moves the yes by −0.5 to +0.5 over 403 rows, coloured by charges";
    let chart = h.get_by_role_and_label(Role::Image, sentence).rect();
    let told = (0..12).any(|step| {
        h.hover_at(chart.center() - egui::vec2(0.0, step as f32 * 4.0));
        h.run_steps(8);
        h.query_all_by_label_contains("Row ").next().is_some()
    });
    assert!(told, "a dot says its row");
    h.get_by_role_and_label(Role::Button, "Dependence: copy or save").click();
    h.run_steps(6);
    h.get_by_label("Copy picture").click();
    h.run_steps(3);
    let wish = wishes.borrow_mut().pop().expect("a picture");
    let Wish::CopyPicture(picture) = wish else { panic!("no picture: {wish:?}") };
    assert_eq!(picture.svg.matches("<circle").count(), 403);
    for words in ["tenure", "charges", "Contribution to the yes"] {
        assert!(picture.svg.contains(&format!(">{words}<")), "{words} is missing");
    }
}

#[test]
fn very_many_dots_arrive_a_moment_later_and_nothing_waits_for_them() {
    let points: Vec<_> = (0..20_000)
        .map(|i| f64::from(i) / 20_000.0)
        .map(|x| DependencePoint { x, y: (x * 40.0).sin(), level: Some(1.0) })
        .collect();
    let mut h = harness([620.0, 400.0], Theme::Dark, |ui| drop(Dependence::new("tenure", "yes", &points).show(ui)));
    let ink = desk_uikit::Tokens::for_theme(Theme::Dark, false).value_high.to_array();
    let start = std::time::Instant::now();
    let mut inked = 0;
    while inked < 2_000 && start.elapsed().as_secs() < 60 {
        h.run_steps(2);
        inked = h.render().expect("rendered").pixels().filter(|pixel| pixel.0 == ink).count();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(inked >= 2_000, "the dots are there: {inked} pixels");
}
