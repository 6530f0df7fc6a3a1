//! What the components do under keyboard, pointer and screen reader.

use std::cell::Cell as Shared;

use crate::support::harness;
use desk_uikit::field::{Field, Range};
use desk_uikit::palette::{Entry, Outcome, Palette};
use desk_uikit::table::{Cell, Column, Copied, HEADER, MemTable, Sort, Table, TableSource};
use desk_uikit::{Button, Card, Icon, Tabs, modal, text};
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

#[test]
fn a_disabled_button_does_nothing_and_says_why() {
    let clicks = Shared::new(0);
    let mut h = harness([300.0, 100.0], Theme::Dark, |ui| {
        if ui.add(Button::primary("Deploy").disabled_because("There is no target yet")).clicked() {
            clicks.set(clicks.get() + 1);
        }
    });
    let button = h.get_by_role_and_label(Role::Button, "Deploy");
    assert!(button.accesskit_node().is_disabled());
    assert_eq!(button.accesskit_node().data().description(), Some("There is no target yet"));
    button.hover();
    h.run_steps(8);
    h.get_by_label("There is no target yet");
    h.get_by_role_and_label(Role::Button, "Deploy").click();
    h.run_steps(2);
    assert_eq!(clicks.get(), 0);
}

#[test]
fn cards_of_a_row_end_together_and_follow_their_contents() {
    let lines = Shared::new(4);
    let heights = Shared::new([0.0_f32; 3]);
    let mut h = harness([700.0, 400.0], Theme::Dark, |ui| {
        desk_uikit::card::grid(ui, 3, 300.0, |ui, i, width| {
            let card = ui.scope(|ui| {
                Card::titled("Runs").width(width).show(ui, |ui| {
                    for _ in 0..if i == 0 { lines.get() } else { 1 } {
                        text::body(ui, "one line");
                    }
                });
            });
            let mut all = heights.get();
            all[i] = card.response.rect.height();
            heights.set(all);
        });
    });
    h.run_steps(2);
    let tall = heights.get();
    assert!(tall[0] == tall[1] && tall[0] > tall[2], "{tall:?}");
    lines.set(1);
    h.run_steps(3);
    let low = heights.get();
    assert!(low[0] == low[1] && low[0] == low[2] && low[0] < tall[0], "{low:?}");
}

#[test]
fn arrows_move_between_tabs() {
    let current = Shared::new(0);
    let mut h = harness([300.0, 60.0], Theme::Dark, |ui| {
        let items = [(0, "Overview"), (1, "Test"), (2, "Explain")];
        if let Some(chosen) = Tabs::new(&items).show(ui, current.get()) {
            current.set(chosen);
        }
    });
    h.get_by_role_and_label(Role::Tab, "Explain").click();
    h.run_steps(2);
    assert_eq!(current.get(), 2);
    h.get_by_role_and_label(Role::Tab, "Explain").focus();
    h.run_steps(2);
    h.key_press(Key::ArrowLeft);
    h.run_steps(2);
    assert_eq!(current.get(), 1);
}

fn people() -> MemTable {
    let columns = vec![Column::text("name"), Column::number("age")];
    let rows = [("Ada", 36.0), ("Grace", 85.0), ("Alan", 41.0)];
    MemTable::new(columns, rows.map(|(name, age)| vec![Cell::text(name), Cell::number(age)]).to_vec())
}

fn wide(lesser: u8) -> MemTable {
    let names = ["one", "two", "three", "four"];
    let columns = names.map(|name| Column::number(name).lesser(if name == "one" { 0 } else { lesser }));
    let row = || names.map(|_| Cell::text("a long number of things")).to_vec();
    MemTable::new(columns.to_vec(), vec![row(), row(), row()])
}

#[test]
fn columns_of_lesser_weight_are_hidden_where_there_is_no_room() {
    let mut table = wide(1);
    let mut h = harness([420.0, 200.0], Theme::Dark, |ui| {
        Table::list("things", "Things").show_mem(ui, &mut table);
    });
    h.run_steps(3);
    let heads: Vec<String> =
        h.query_all_by_role(Role::ColumnHeader).filter_map(|head| head.accesskit_node().label()).collect();
    assert_eq!(heads, ["one", "two"]);
    let edge = h.get_by_role(Role::Table).rect().right();
    assert!(h.query_all_by_role(Role::Cell).all(|cell| cell.rect().right() <= edge));
}

#[test]
fn a_scroll_bar_below_a_table_does_not_lie_over_its_last_row() {
    let mut table = wide(0);
    let mut h = harness([420.0, 200.0], Theme::Dark, |ui| {
        Table::list("things", "Things").show_mem(ui, &mut table);
    });
    h.run_steps(3);
    let end = h.get_by_role(Role::Table).rect().bottom();
    let last = h.query_all_by_role(Role::Cell).map(|cell| cell.rect().bottom()).fold(0.0, f32::max);
    assert!(end - last >= 8.0, "the table ends at {end} and its last row at {last}");
}

#[test]
fn a_table_is_sorted_selected_and_copied_by_pointer_and_keyboard() {
    let mut table = people();
    let last: Shared<Option<Sort>> = Shared::new(None);
    let activated = Shared::new(None);
    let copied: Shared<Option<Copied>> = Shared::new(None);
    let mut h = harness([400.0, 240.0], Theme::Dark, |ui| {
        let output = Table::data("people", "People").show_mem(ui, &mut table);
        if let Some(sort) = output.sort {
            last.set(sort);
        }
        if output.activated.is_some() {
            activated.set(output.activated);
        }
        if output.copied.is_some() {
            copied.set(output.copied);
        }
    });
    h.get_by_role_and_label(Role::ColumnHeader, "age").click();
    h.run_steps(2);
    assert_eq!(last.get(), Some(Sort { column: 1, descending: true }));
    h.get_by_role_and_label(Role::ColumnHeader, "age, largest first");

    // Sorted: Grace, Alan, Ada. Two cells of the first column, then both columns.
    h.get_by_role_and_label(Role::Cell, "Grace").click();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    h.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    h.run_steps(2);
    h.event(egui::Event::Copy);
    h.step();
    assert_eq!(copied.take().map(|c| c.text).as_deref(), Some("Grace\t85\nAlan\t41"));

    h.key_press_modifiers(Modifiers::COMMAND, Key::A);
    h.step();
    h.event_modifiers(egui::Event::Copy, Modifiers::SHIFT);
    h.step();
    assert_eq!(copied.take().map(|c| c.text).as_deref(), Some("name,age\nGrace,85\nAlan,41\nAda,36"));

    h.key_press_modifiers(Modifiers::COMMAND, Key::End);
    h.key_press(Key::Enter);
    h.run_steps(2);
    assert_eq!(activated.get(), Some(0), "Enter opens the row as it was inserted");
}

#[test]
fn a_cells_menu_copies_as_markdown() {
    let mut table = people();
    let text: Shared<Option<Copied>> = Shared::new(None);
    let mut h = harness([400.0, 300.0], Theme::Dark, |ui| {
        if let Some(copied) = Table::data("people", "People").show_mem(ui, &mut table).copied {
            text.set(Some(copied));
        }
    });
    h.get_by_role_and_label(Role::Cell, "Alan").click_secondary();
    h.run_steps(3);
    h.get_by_label("Copy as Markdown").click();
    h.run_steps(2);
    assert_eq!(text.take().map(|c| c.text).as_deref(), Some("| name |\n| --- |\n| Alan |"));
}

#[test]
fn a_cells_menu_asks_for_its_row_value_and_column_and_gives_the_keyboard_back() {
    use desk_uikit::table::{Head, HeadAction, RowAction, TableOutput};
    let table = people();
    let got: Shared<Option<TableOutput>> = Shared::new(None);
    let heads = [Head { can_sort: true, ..Head::default() }; 2];
    let actions = [RowAction { label: "Explain this row", icon: Icon::Explain }];
    let mut h = harness([700.0, 400.0], Theme::Dark, |ui| {
        let output = Table::data("people", "People").heads(&heads, 0).row_actions(&actions).show(ui, &table);
        let asked = output.only.is_some() || output.row_action.is_some() || output.head.is_some();
        if asked || output.copied.is_some() {
            got.set(Some(output));
        }
    });
    let mut choose = |line: &str| {
        h.get_by_role_and_label(Role::Cell, "Alan").click_secondary();
        h.run_steps(4);
        let row = h.get_by_label(line);
        assert!(row.rect().width() < 300.0, "the menu is as wide as its lines: {:?}", row.rect());
        row.click();
        h.run_steps(3);
        let focused = h.query_all_by_role(Role::Table).any(|table| table.accesskit_node().is_focused());
        assert!(focused, "after {line} the keyboard is in the table");
        got.take().expect("something was asked")
    };
    assert_eq!(choose("Explain this row").row_action, Some((2, 0)));
    assert_eq!(choose("Only name = Alan").only.map(|at| (at.row, at.column)), Some((2, 0)));
    assert_eq!(choose("Sort descending").head, Some((0, HeadAction::Sort(Some(true)))));
    assert_eq!(choose("Hide column").head, Some((0, HeadAction::Hide)));
    assert_eq!(choose("Copy").copied.map(|copied| copied.text).as_deref(), Some("Alan"));
}

#[test]
fn a_cells_menu_opens_by_keys_below_the_cell_and_takes_the_keyboard() {
    let mut table = people();
    let text: Shared<Option<Copied>> = Shared::new(None);
    let mut h = harness([400.0, 500.0], Theme::Dark, |ui| {
        if let Some(copied) = Table::data("people", "People").show_mem(ui, &mut table).copied {
            text.set(Some(copied));
        }
    });
    let cell = h.get_by_role_and_label(Role::Cell, "Alan");
    cell.click();
    let below = cell.rect().bottom();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    h.run_steps(3);
    let first = h.get_by_label("Copy");
    assert!(first.rect().top() >= below - 1.0 && first.accesskit_node().is_focused(), "{:?}", first.rect());
    h.key_press(Key::Escape);
    h.run_steps(3);
    assert!(h.query_by_label("Copy").is_none());
    h.key_press(Key::Menu);
    h.run_steps(3);
    h.key_press(Key::Enter);
    h.run_steps(2);
    assert_eq!(text.take().map(|c| c.text).as_deref(), Some("Alan"));
}

#[test]
fn a_long_notice_is_two_lines_and_leads_to_its_details() {
    use desk_uikit::Tone;
    use desk_uikit::toast::{Toast, Toasts};
    let mut toasts = Toasts::<()>::default();
    let long = "one cause after another ".repeat(60);
    let number = toasts.push(Toast { kept: true, ..Toast::new(Tone::Err, "It failed").body(long) });
    let asked = Shared::new(None);
    let mut h = harness([600.0, 500.0], Theme::Dark, |ui| {
        toasts.show(ui.ctx(), egui::pos2(600.0, 500.0));
        asked.set(toasts.take_details().or(asked.get()));
    });
    h.run_steps(2);
    let height = h.get_by_role_and_label(Role::Alert, "It failed").rect().height();
    assert!(height < 110.0, "{height}");
    h.get_by_role_and_label(Role::Button, "Details").click();
    h.run_steps(3);
    assert_eq!(asked.get(), Some(number));
}

/// A million rows that count how many cells were asked for.
struct Endless {
    columns: Vec<Column>,
    asked: Shared<usize>,
}

impl TableSource for Endless {
    fn row_count(&self) -> usize {
        1_000_000
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self.asked.set(self.asked.get() + 1);
        Cell::number((row * 8 + column) as f64)
    }
}

#[test]
fn a_million_rows_cost_no_more_than_a_screenful() {
    let columns = (0..8).map(|i| Column::number(format!("column {i}"))).collect();
    let source = Endless { columns, asked: Shared::new(0) };
    let mut h = harness([1000.0, 700.0], Theme::Dark, |ui| {
        Table::data("endless", "Endless").show(ui, &source);
    });
    h.run_steps(3);
    h.get_by_role_and_label(Role::Table, "Endless, 1\u{202f}000\u{202f}000 rows");
    source.asked.set(0);
    h.run_steps(10);
    let per_frame = source.asked.get() / 10;
    // Work and not seconds: a busy machine is slow, a table that lays out what nobody sees is wrong.
    let rows = (700.0 - HEADER) / 24.0 + 2.0;
    assert!((100..=8 * rows as usize).contains(&per_frame), "{per_frame} cells a frame");
    let cells = h.query_all_by_role(Role::Cell).count();
    assert!((100..=8 * rows as usize).contains(&cells), "{cells} cells laid out");
    let shapes = h.output().shapes.len();
    assert!(shapes < 8 * 8 * rows as usize, "{shapes} shapes drawn");

    h.get_by_role_and_label(Role::Cell, "8").click();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::COMMAND, Key::End);
    h.run_steps(6);
    h.get_by_label("7\u{202f}999\u{202f}999");
}

#[test]
fn the_palette_filters_and_enter_chooses() {
    let entries: Vec<Entry<&str>> = [("Import model…", "import"), ("Switch to dark", "dark"), ("Settings", "settings")]
        .into_iter()
        .map(|(title, action)| Entry {
            action,
            icon: Icon::Command,
            title: title.to_owned(),
            detail: String::new(),
            shortcut: String::new(),
        })
        .collect();
    let mut palette = Palette::open();
    let outcome = Shared::new(None);
    let mut h = harness([700.0, 400.0], Theme::Dark, |ui| {
        if let Outcome::Chosen(action) = palette.show(ui.ctx(), &entries) {
            outcome.set(Some(action));
        }
    });
    h.run_steps(2);
    h.get_by_label("Search commands").type_text("s");
    h.run_steps(2);
    assert!(h.query_by_label("Import model…").is_none());
    h.key_press(Key::ArrowDown);
    h.run_steps(2);
    h.key_press(Key::Enter);
    h.run_steps(2);
    assert_eq!(outcome.get(), Some("settings"));
}

#[test]
fn a_number_counts_only_within_its_limits() {
    let value = Shared::new(64_u32);
    let mut h = harness([300.0, 120.0], Theme::Dark, |ui| {
        let mut number = value.get();
        Field::new("Batch").show_number(ui, &mut number, Range { limits: 1..=1024, step: 1.0 }, "rows");
        value.set(number);
    });
    h.get_by_label("Batch").focus();
    h.run_steps(2);
    h.key_press_modifiers(Modifiers::COMMAND, Key::A);
    h.run_steps(1);
    h.get_by_role(Role::TextInput).type_text("128");
    h.run_steps(2);
    assert_eq!(value.get(), 128);
    h.get_by_role(Role::TextInput).type_text("9");
    h.run_steps(2);
    h.get_by_label("Not a number between 1 and 1024");
    assert_eq!(value.get(), 64, "1289 is over the limit, and its beginning was not meant");
    h.key_press(Key::ArrowDown);
    h.run_steps(2);
    assert_eq!(value.get(), 63);
}

#[test]
fn a_confirmation_wants_the_name() {
    let mut confirm = modal::Confirm {
        title: "Remove target edge-01?".into(),
        body: "It is forgotten here.".into(),
        yes: "Remove target".into(),
        type_to_confirm: Some("edge-01".into()),
        ..modal::Confirm::default()
    };
    let answer = Shared::new(None);
    let mut h = harness([600.0, 400.0], Theme::Dark, |ui| {
        if let Some(said) = confirm.show(ui.ctx()) {
            answer.set(Some(said));
        }
    });
    h.run_steps(3);
    assert!(h.get_by_role_and_label(Role::Button, "Remove target").accesskit_node().is_disabled());
    h.get_by_role(Role::TextInput).type_text("edge-01");
    h.run_steps(2);
    h.get_by_role_and_label(Role::Button, "Remove target").click();
    h.run_steps(2);
    assert_eq!(answer.get(), Some(modal::Answer::Yes));
}

#[test]
fn the_highlight_follows_what_is_selected_and_not_its_row() {
    let names = std::cell::RefCell::new(vec!["penguins"]);
    let selected: Shared<Option<&str>> = Shared::new(None);
    let mut h = harness([400.0, 240.0], Theme::Dark, |ui| {
        let names = names.borrow();
        let rows = names.iter().map(|name| vec![Cell::text((*name).to_owned())]).collect();
        let mut table = MemTable::new(vec![Column::text("Name")], rows);
        let mut now = selected.get();
        Table::list("list", "Models").show_keyed(ui, &mut table, &names, &mut now);
        selected.set(now);
    });
    let highlighted = |h: &egui_kittest::Harness<'_>| -> Vec<String> {
        let cells = h
            .query_all_by_role(Role::Cell)
            .filter(|cell| cell.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True));
        cells.filter_map(|cell| cell.accesskit_node().label()).collect()
    };
    h.run_steps(2);
    assert_eq!((selected.get(), highlighted(&h)), (Some("penguins"), vec!["penguins".to_owned()]));
    *names.borrow_mut() = vec!["digits", "penguins", "tumour"];
    h.run_steps(2);
    assert_eq!((selected.get(), highlighted(&h)), (Some("penguins"), vec!["penguins".to_owned()]));
    h.get_by_role_and_label(Role::ColumnHeader, "Name").click();
    h.run_steps(2);
    h.get_by_role_and_label(Role::ColumnHeader, "Name, smallest first").click();
    h.run_steps(2);
    assert_eq!((selected.get(), highlighted(&h)), (Some("penguins"), vec!["penguins".to_owned()]));
    *names.borrow_mut() = vec!["digits", "tumour"];
    h.run_steps(2);
    let now = selected.get().expect("something is selected");
    assert!(now != "penguins" && highlighted(&h) == [now.to_owned()], "{now}");
}

#[test]
fn a_column_is_dragged_wider_at_the_end_of_its_heading() {
    let mut table = people();
    let mut h = harness([500.0, 240.0], Theme::Dark, |ui| {
        Table::data("people", "People").show_mem(ui, &mut table);
    });
    h.run_steps(3);
    let end = |h: &egui_kittest::Harness<'_>| h.get_by_role_and_label(Role::ColumnHeader, "name").rect().right();
    let (before, y) = (end(&h), h.get_by_role_and_label(Role::ColumnHeader, "name").rect().center().y);
    let grip = egui::pos2(before + 1.0, y);
    h.drag_at(grip);
    h.run_steps(2);
    h.hover_at(grip - egui::vec2(60.0, 0.0));
    h.run_steps(2);
    h.drop_at(grip - egui::vec2(60.0, 0.0));
    h.run_steps(3);
    assert!((before - end(&h) - 60.0).abs() < 3.0, "from {before} to {}", end(&h));
    let sorted = h.query_all_by_label("name, smallest first").count();
    assert_eq!(sorted, 0, "dragging does not sort");
}

#[test]
fn a_caption_keeps_away_from_the_buttons_of_a_narrow_card() {
    for (width, beside) in [(420.0, true), (260.0, false)] {
        let mut h = harness([460.0, 160.0], Theme::Light, |ui| {
            let actions = |ui: &mut egui::Ui| {
                ui.add(Button::icon_only(Icon::More, "More"));
                ui.add(Button::icon_only(Icon::Table, "As a table"));
            };
            let card = Card::titled("Calibration").caption("predicted against observed").width(width);
            card.show_with_actions(ui, actions, |ui| text::body(ui, "The chart"));
        });
        h.run_steps(3);
        let rect = |label: &str| h.get_by_label(label).rect();
        let (title, caption, button) = (rect("Calibration"), rect("predicted against observed"), rect("As a table"));
        assert_eq!((caption.center().y - title.center().y).abs() < 4.0, beside, "{width}: {title:?}, {caption:?}");
        assert!(caption.right() + 8.0 <= button.left() || caption.top() >= title.bottom(), "{caption:?}, {button:?}");
        assert!(caption.right() <= width && caption.bottom() <= rect("The chart").top(), "{caption:?}");
    }
}
