//! Whoever has a keyboard alone sees where they are: each kind of component looks another way with the focus, and
//! one that is outside a scroll area's window is brought into it.

use crate::support::harness;
use desk_uikit::field::{self, Field, Range, SecretText};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Button, Icon, Row, Tabs, kv};
use egui::{Key, Modifiers, Theme, Ui};

/// Something that shows one component with the same contents each time.
type Show = fn(&mut Ui);

/// Each kind of component, and after how many presses of Tab it has the focus.
const KINDS: [(&str, usize, Show); 19] = [
    ("primary", 1, |ui| drop(ui.add(Button::primary("Run")))),
    ("secondary", 1, |ui| drop(ui.add(Button::secondary("Run")))),
    ("ghost", 1, |ui| drop(ui.add(Button::ghost("Run")))),
    ("danger", 1, |ui| drop(ui.add(Button::danger("Run")))),
    ("icon", 1, |ui| drop(ui.add(Button::icon_only(Icon::Close, "Close")))),
    ("switched on", 1, |ui| drop(ui.add(Button::icon_only(Icon::Close, "Close").selected(true)))),
    ("check", 1, |ui| drop(field::check(ui, &mut false, "Reduce motion"))),
    ("segment", 1, |ui| {
        field::segments(ui, "Theme", &mut 0, &[(0, "Dark"), (1, "Light")]);
    }),
    ("other segment", 2, |ui| {
        field::segments(ui, "Theme", &mut 0, &[(0, "Dark"), (1, "Light")]);
    }),
    ("text", 1, |ui| drop(Field::new("Name").show_text(ui, &mut String::from("churn"), ""))),
    ("wrong text", 1, |ui| drop(Field::new("Name").error(Some("No")).show_text(ui, &mut String::from("a b"), ""))),
    ("number", 1, |ui| {
        drop(Field::new("Samples").show_number(ui, &mut 16, Range { limits: 1..=64, step: 1.0 }, "rows"));
    }),
    ("secret", 1, |ui| drop(Field::new("Password").show_secret(ui, &mut SecretText::default()))),
    ("filter", 1, |ui| drop(Field::new("Filter").show_filter(ui, &mut String::new(), "Filter by name"))),
    ("choice", 1, |ui| {
        Field::new("Method").show_choice(ui, &mut 0, &[(0, "Exact"), (1, "LIME")]);
    }),
    ("tab", 2, |ui| {
        Tabs::new(&[(0, "Overview"), (1, "Test")]).show(ui, 0);
    }),
    ("row", 1, |ui| drop(ui.add(Row::new("tumour").icon(Icon::Model)))),
    ("selected row", 1, |ui| drop(ui.add(Row::new("tumour").icon(Icon::Model).selected(true)))),
    ("copyable", 1, |ui| kv::properties(ui, |kv| drop(kv.copyable("Id", "0123456789abcdef")))),
];

fn people() -> MemTable {
    let columns = vec![Column::text("name"), Column::number("age")];
    MemTable::new(
        columns,
        vec![vec![Cell::text("Ada"), Cell::number(36.0)], vec![Cell::text("Alan"), Cell::number(41.0)]],
    )
}

fn table(ui: &mut Ui) {
    Table::data("people", "People").show_mem(ui, &mut people());
}

/// Pixels that are another colour after so many presses of Tab.
fn changed(theme: Theme, tabs: usize, show: Show) -> usize {
    let mut h = harness([320.0, 160.0], theme, show);
    h.run_steps(3);
    let without = h.render().expect("rendered");
    for _ in 0..tabs {
        h.key_press(Key::Tab);
        h.run_steps(3);
    }
    let with = h.render().expect("rendered");
    without.pixels().zip(with.pixels()).filter(|(a, b)| a != b).count()
}

#[test]
fn every_kind_of_component_shows_that_it_has_the_focus() {
    let tables: [(&str, usize, Show); 2] = [("table", 1, table), ("heading", 2, table)];
    for theme in [Theme::Dark, Theme::Light] {
        for (name, tabs, show) in KINDS.into_iter().chain(tables) {
            let pixels = changed(theme, tabs, show);
            assert!(pixels >= 60, "{name} in the {theme:?}: only {pixels} pixels tell the focus");
        }
    }
}

#[test]
fn what_gets_the_focus_is_brought_into_view() {
    let fields = |ui: &mut Ui| {
        egui::ScrollArea::vertical().show(ui, |ui| {
            for i in 0..12 {
                ui.add(Button::secondary(&format!("Button {i}")));
                Field::new(&format!("Field {i}")).show_text(ui, &mut String::new(), "");
                field::check(ui, &mut false, &format!("Check {i}"));
            }
        });
    };
    let mut h = harness([300.0, 200.0], Theme::Dark, fields);
    h.run_steps(3);
    for (modifiers, stops) in [(Modifiers::NONE, 36), (Modifiers::SHIFT, 34)] {
        for stop in 0..stops {
            h.key_press_modifiers(modifiers, Key::Tab);
            h.run_steps(12);
            let focused = h.ctx.memory(egui::Memory::focused).and_then(|id| h.ctx.read_response(id));
            let focused = focused.expect("something has the focus");
            let seen = focused.interact_rect;
            assert!(
                seen.height() > focused.rect.height() - 1.0,
                "{modifiers:?}, stop {stop}: {:?}, {seen:?}",
                focused.rect
            );
        }
    }
}
