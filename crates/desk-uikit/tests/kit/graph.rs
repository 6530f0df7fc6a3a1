//! The canvas of a graph: pan, zoom at the pointer, fit.

use desk_uikit::dag::{self, Dag, Face, Sort, View};
use egui::{Event, Key, MouseWheelSource, MouseWheelUnit, Pos2, Rect, Role, Theme, TouchPhase, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use crate::support::harness;

fn face(title: &str) -> Face {
    Face { title: title.into(), lines: Vec::new(), called: String::new(), sort: Sort::Plain, opens: false }
}

/// A diamond of four nodes, fitted at its real size.
fn canvas() -> Harness<'static> {
    let faces = ["Top", "Left", "Right", "End"].map(face).to_vec();
    let dag = Dag::new(faces, &[(0, 1), (0, 2), (1, 3), (2, 3)], &|_| false).expect("not stopped");
    let mut view = View::default();
    let mut h = harness([600.0, 500.0], Theme::Dark, move |ui| {
        dag::show(ui, &dag, &mut view, "Graph", &[], true);
    });
    h.run_steps(3);
    h
}

#[track_caller]
fn at(h: &Harness<'_>, name: &str) -> Rect {
    h.get_by_role_and_label(Role::GraphicsObject, name).rect()
}

#[track_caller]
fn near(found: Pos2, wanted: Pos2) {
    assert!((found - wanted).length() < 1.0, "{found:?} instead of {wanted:?}");
}

#[test]
fn it_is_fitted_in_the_middle() {
    let h = canvas();
    let all = ["Top", "Left", "Right", "End"].map(|name| at(&h, name)).into_iter().fold(Rect::NOTHING, Rect::union);
    let space = h.get_by_role(Role::GraphicsDocument).rect();
    assert!((all.center() - space.center()).length() < 2.0 && space.contains_rect(all), "{all:?} in {space:?}");
}

#[test]
fn it_is_zoomed_at_the_pointer_and_fitted_again() {
    let mut h = canvas();
    let (before, other) = (at(&h, "Left"), at(&h, "Right"));
    h.hover_at(before.center());
    h.run_steps(1);
    h.event(Event::Zoom(1.5));
    h.run_steps(3);
    near(at(&h, "Left").center(), before.center());
    assert!((at(&h, "Left").width() - 1.5 * before.width()).abs() < 1.0);
    near(at(&h, "Right").center(), before.center() + 1.5 * (other.center() - before.center()));
    h.event(Event::Zoom(1.0 / 1.5));
    h.run_steps(3);
    near(at(&h, "Right").center(), other.center());
    h.event(Event::Zoom(1.5));
    h.run_steps(2);
    h.get_by_role(Role::GraphicsDocument).focus();
    h.run_steps(2);
    h.key_press(Key::Home);
    h.run_steps(3);
    near(at(&h, "Left").center(), before.center());
    near(at(&h, "Right").center(), other.center());
}

#[test]
fn it_is_moved_by_the_wheel_and_by_dragging() {
    let mut h = canvas();
    let before = at(&h, "Top").center();
    let empty = h.get_by_role(Role::GraphicsDocument).rect().left_top() + Vec2::splat(30.0);
    h.hover_at(empty);
    h.run_steps(1);
    let (unit, phase, source) = (MouseWheelUnit::Point, TouchPhase::Move, MouseWheelSource::Unknown);
    h.event(Event::MouseWheel { unit, delta: vec2(-20.0, 45.0), phase, source, modifiers: egui::Modifiers::NONE });
    // A wheel's step is spread over some frames.
    h.run_steps(60);
    near(at(&h, "Top").center(), before + vec2(-20.0, 45.0));
    h.drag_at(empty);
    h.run_steps(1);
    h.hover_at(empty + vec2(70.0, -10.0));
    h.run_steps(2);
    h.drop_at(empty + vec2(70.0, -10.0));
    h.run_steps(2);
    near(at(&h, "Top").center(), before + vec2(50.0, 35.0));
}
