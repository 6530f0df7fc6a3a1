//! The rows of a test: filtered, sorted, with chosen columns, copied and written, by mouse and by keys.

use std::path::{Path, PathBuf};

use desk_app::Command;
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Event, Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, labels};

const SIZE: [f32; 2] = [1280.0, 900.0];

/// The sample's rows, so often; every tenth has lost its `mean_radius`.
fn data(window: &Window, times: usize) -> PathBuf {
    let text = include_str!("../../../assets/samples/tumour/heldout.csv");
    let (head, body) = text.split_once('\n').expect("a header");
    let body: Vec<&str> = body.lines().collect();
    let rows = body.iter().cycle().take(body.len() * times).enumerate();
    let row = |(i, line): (usize, &&str)| match line.split_once(',') {
        Some((_, rest)) if i % 10 == 3 => format!(",{rest}"),
        _ => (*line).to_owned(),
    };
    let lines: Vec<String> = std::iter::once(head.to_owned()).chain(rows.map(row)).collect();
    let path = window.home.path().join("rows.csv");
    std::fs::write(&path, lines.join("\n")).expect("written");
    path
}

/// One column of a file, as texts.
fn column(path: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the file");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let at = lines.next().expect("a header").iter().position(|other| other == name).expect(name);
    lines.map(|cells| cells[at].clone()).collect()
}

/// The rows of a test of the tumour sample on that file.
fn tested(window: &mut Window, times: usize) -> PathBuf {
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the samples are imported");
    let path = data(window, times);
    window.go("models/tumour/1/test");
    window.wait_for_text("Not tested yet");
    window.fill("Data file", &path.display().to_string());
    window.score();
    window.wait_for("Results");
    let rows = desk_uikit::format::count(171 * times as u64);
    window.press_role(Role::RadioButton, &format!("Side: Rows {rows}"));
    window.wait_for(&format!("Scored rows, {rows} rows"));
    path
}

/// The cells of a shown column from above to below, by the place of its heading.
fn shown(window: &Window, heading: &str) -> Vec<String> {
    let heads = window.harness.query_all_by_role(Role::ColumnHeader);
    let head = heads.into_iter().find(|node| is(node, heading)).expect(heading);
    let x = head.rect().center().x;
    let cells = window.harness.query_all_by_role(Role::Cell).filter(|cell| cell.rect().x_range().contains(x));
    let mut cells: Vec<(f32, String)> =
        cells.map(|cell| (cell.rect().top(), cell.accesskit_node().label().unwrap_or_default())).collect();
    cells.sort_by(|a, b| a.0.total_cmp(&b.0));
    cells.into_iter().map(|(_, text)| text).collect()
}

/// The heading is of this column, however it is sorted and filtered.
fn is(node: &egui_kittest::Node<'_>, name: &str) -> bool {
    let label = node.accesskit_node().label().unwrap_or_default();
    label == name || label.strip_prefix(name).is_some_and(|rest| rest.starts_with(", "))
}

fn headings(harness: &egui_kittest::Harness<'static, modeldesk_workbench::Workbench>) -> Vec<String> {
    let mut heads: Vec<(f32, String)> = harness
        .query_all_by_role(Role::ColumnHeader)
        .map(|head| (head.rect().left(), head.accesskit_node().label().unwrap_or_default()))
        .collect();
    heads.sort_by(|a, b| a.0.total_cmp(&b.0));
    heads.into_iter().map(|(_, name)| name).collect()
}

/// Opens the menu of a heading and presses one of its lines.
fn menu(window: &mut Window, heading: &str, line: &str) {
    let heads = window.harness.query_all_by_role(Role::ColumnHeader);
    heads.into_iter().find(|node| is(node, heading)).expect(heading).click_secondary();
    window.harness.run_steps(3);
    window.press_role(Role::ListBoxOption, line);
}

fn choose(window: &mut Window, field: &str, value: &str) {
    window.press_role(Role::ComboBox, field);
    window.press_role(Role::ListBoxOption, value);
}

/// Numbers as they stand in a column; nothing for missing ones.
fn numbers(texts: &[String]) -> Vec<Option<f64>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

#[test]
fn rows_are_filtered_and_sorted_and_the_count_is_right() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    let path = tested(&mut window, 1);
    let radius = numbers(&column(&path, "mean_radius"));
    window.wait_for_text("171 rows · Enter explains");

    // Sorted by a press of the menu: the file's own numbers in their order, missing ones last.
    menu(&mut window, "mean_radius", "Sort descending");
    window.wait("the order", |h| h.query_all_by_label("mean_radius, largest first").next().is_some());
    let mut wanted: Vec<f64> = radius.iter().flatten().copied().collect();
    wanted.sort_by(|a, b| b.total_cmp(a));
    let found = numbers(&shown(&window, "mean_radius"));
    assert!(found.len() > 10, "{found:?}");
    let first: Vec<Option<f64>> = wanted.iter().take(found.len()).map(|x| Some(*x)).collect();
    assert_eq!(found, first);

    // A range by the form.
    menu(&mut window, "mean_radius", "Filter…");
    window.wait("the form", |h| h.query_all_by_role_and_label(Role::TextInput, "From").next().is_some());
    window.picture("rows_form_dark");
    window.fill("From", "14");
    window.fill("To", "15.5");
    window.press("Apply filter");
    let count = radius.iter().flatten().filter(|x| (14.0..=15.5).contains(*x)).count();
    window.wait_for(&format!("Scored rows, {count} rows"));
    window.wait_for_text(&format!("{count} of 171 rows"));
    assert!(window.shows("Filter: mean_radius ≥ 14") && window.shows("Filter: mean_radius ≤ 15.5"));
    window.picture("rows_chips_dark");

    // One end of it is taken away, the other one is changed.
    window.press("Remove filter: mean_radius ≤ 15.5");
    let count = radius.iter().flatten().filter(|x| **x >= 14.0).count();
    window.wait_for(&format!("Scored rows, {count} rows"));
    window.press("Filter: mean_radius ≥ 14");
    choose(&mut window, "Condition", "is missing");
    window.press("Apply filter");
    let count = radius.iter().filter(|x| x.is_none()).count();
    window.wait_for(&format!("Scored rows, {count} rows"));
    assert!(numbers(&shown(&window, "mean_radius")).iter().all(Option::is_none));

    // Texts are chosen from the most common ones.
    window.press("Clear filters");
    window.wait_for("Scored rows, 171 rows");
    window.press("Filter…");
    choose(&mut window, "Column to filter", "diagnosis");
    let malignant = column(&path, "diagnosis").iter().filter(|text| *text == "malignant").count();
    window.press_role(Role::CheckBox, &format!("malignant  {malignant}"));
    window.picture("rows_values_dark");
    window.press("Apply filter");
    window.wait_for(&format!("Scored rows, {malignant} rows"));
    assert!(window.shows("Filter: diagnosis: malignant"));

    // Nothing is left, and the way back.
    menu(&mut window, "mean_radius", "Filter…");
    choose(&mut window, "Condition", "is less than");
    window.fill("Value", "0");
    window.press("Apply filter");
    window.wait_for("Nothing matches");
    window.wait_for_text("0 of 171 rows");
    window.picture("rows_nothing_dark");
    window.press("Clear filters");
    window.wait_for("Scored rows, 171 rows");
    menu(&mut window, "mean_radius", "Do not sort");
    window.wait("the file's order", |h| h.query_all_by_label("mean_radius").next().is_some());
    let found = numbers(&shown(&window, "mean_radius"));
    assert_eq!(found, radius[..found.len()]);
}

#[test]
fn columns_are_chosen_moved_and_remembered() {
    let mut window = Window::with(SIZE, ThemeChoice::Light, None);
    tested(&mut window, 1);
    let first = |window: &Window| headings(&window.harness).into_iter().take(5).collect::<Vec<_>>();
    let usual = ["Row", "label", "probability_benign", "probability_malignant", "diagnosis"];
    assert_eq!(first(&window), usual);
    menu(&mut window, "probability_benign", "Hide");
    assert_eq!(first(&window)[..4], ["Row", "label", "probability_malignant", "diagnosis"]);
    menu(&mut window, "diagnosis", "Move left");
    assert_eq!(first(&window)[..4], ["Row", "label", "diagnosis", "probability_malignant"]);
    menu(&mut window, "mean_texture", "Pin first");
    assert_eq!(first(&window)[..4], ["Row", "mean_texture", "label", "diagnosis"]);
    window.press("Columns 33 of 34");
    window.wait_for("Find a column");
    window.picture("rows_chooser_light");
    window.fill("Find a column", "worst");
    window.press("Hide these");
    window.harness.key_press(Key::Escape);
    window.wait_for("Columns 23 of 34");

    // By dragging a heading behind the next one but one.
    let at = |window: &Window, name: &str| {
        let heads = window.harness.query_all_by_role(Role::ColumnHeader);
        heads.into_iter().find(|node| is(node, name)).expect(name).rect()
    };
    let (from, to) = (at(&window, "label").center(), at(&window, "probability_malignant").right_center());
    window.harness.hover_at(from);
    window.harness.drag_at(from);
    window.harness.run_steps(2);
    for part in [0.3, 0.7, 0.98] {
        window.harness.hover_at(from.lerp(to, part));
        window.harness.run_steps(1);
    }
    window.picture("rows_dragged_light");
    window.harness.drop_at(from.lerp(to, 0.98));
    window.harness.run_steps(3);
    let moved = ["Row", "mean_texture", "diagnosis", "probability_malignant", "label"];
    assert_eq!(first(&window), moved);

    // Another version has its own columns; this one has them again when it is opened anew.
    window.go("models/tumour/2/test");
    window.wait_for_text("Not tested yet");
    window.go("models/tumour/1/test");
    window.wait("the rows", |h| h.query_all_by_label("Scored rows, 171 rows").next().is_some());
    // What was kept is read off the frame.
    window.wait("the columns as they were left", |h| headings(h).starts_with(&moved.map(str::to_owned)));
    menu(&mut window, "label", "Reset columns");
    assert_eq!(first(&window), usual);
}

#[test]
fn the_keyboard_sorts_filters_and_comes_back() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    tested(&mut window, 1);
    let keys = |window: &mut Window, modifiers: Modifiers, key: Key| {
        window.harness.key_press_modifiers(modifiers, key);
        window.harness.run_steps(3);
    };
    window.harness.query_all_by_role_and_label(Role::Cell, "malignant").next().expect("a cell").click();
    window.harness.run_steps(3);
    keys(&mut window, Modifiers::ALT, Key::ArrowDown);
    window.wait("the menu", |h| h.query_all_by_role_and_label(Role::ListBoxOption, "Sort ascending").next().is_some());
    window.picture("rows_menu_dark");
    keys(&mut window, Modifiers::NONE, Key::Enter);
    window.wait("the order", |h| h.query_all_by_label("label, smallest first").next().is_some());
    assert_eq!(shown(&window, "label")[0], "benign");
    // The table has the keyboard again.
    keys(&mut window, Modifiers::NONE, Key::ArrowDown);
    window.wait("a row", |h| enabled(h, "Explain row"));
    keys(&mut window, Modifiers::COMMAND, Key::F);
    window.wait_for("Apply filter");
    keys(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Apply filter"), "Escape closes the form");
    window.harness.check_accessibility();
}

fn enabled(harness: &egui_kittest::Harness<'static, modeldesk_workbench::Workbench>, begins: &str) -> bool {
    let mut buttons = harness.query_all_by_role(Role::Button);
    buttons.any(|node| {
        let node = node.accesskit_node();
        !node.is_disabled() && node.label().is_some_and(|label| label.starts_with(begins))
    })
}

#[test]
fn all_rows_are_copied_and_written_not_only_those_on_the_screen() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::with(SIZE, ThemeChoice::Dark, Some(folder.path().to_owned()));
    let path = tested(&mut window, 8);
    window.harness.query_all_by_role_and_label(Role::Cell, "malignant").next().expect("a cell").click();
    window.harness.run_steps(3);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.harness.run_steps(2);
    window.harness.event(Event::Copy);
    let mut copied = None;
    for _ in 0..400 {
        window.harness.step();
        let commands = &window.harness.output().platform_output.commands;
        copied = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if copied.is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let copied = copied.expect("the rows are in the clipboard");
    let lines: Vec<&str> = copied.lines().collect();
    assert_eq!(lines.len(), 171 * 8);
    assert!(!copied.contains('…'), "every row was read");
    assert!(lines.iter().zip(1..).all(|(line, number)| line.starts_with(&format!("{number}\t"))), "in their order");
    window.wait_for(&format!("Copied {} rows", desk_uikit::format::count(171 * 8)));

    menu(&mut window, "mean_radius", "Filter…");
    window.fill("From", "20");
    window.press("Apply filter");
    let radius = numbers(&column(&path, "mean_radius"));
    let large: Vec<usize> = (0..radius.len()).filter(|i| radius[*i] >= Some(20.0)).collect();
    window.wait_for(&format!("Scored rows, {} rows", large.len()));
    menu(&mut window, "probability_benign", "Hide");
    window.press("Export…");
    let out = folder.path().join("tumour-v1-rows.csv");
    window.wait_for_text("rows written");
    let rows: Vec<usize> = column(&out, "row").iter().map(|row| row.parse().expect("a number")).collect();
    assert_eq!(rows, large.iter().map(|i| i + 1).collect::<Vec<_>>());
    let header = std::fs::read_to_string(&out).expect("written");
    assert!(header.starts_with("row,label,probability_malignant,diagnosis,"), "{}", &header[..80]);
    let line = labels(&window.harness);
    assert!(line.iter().any(|label| label == "Button: Copy as command"), "{line:?}");
}

fn pictured(theme: ThemeChoice, suffix: &str) {
    let mut window = Window::with(SIZE, theme, None);
    tested(&mut window, 1);
    menu(&mut window, "mean_radius", "Filter…");
    window.fill("From", "14");
    window.press("Apply filter");
    window.press_role(Role::CheckBox, "Wrong answers only");
    window.wait_for_text("of 171 rows, the most certain first");
    window.compare(&format!("rows_filtered_{suffix}"));
    let heads = window.harness.query_all_by_role(Role::ColumnHeader);
    heads.into_iter().find(|node| is(node, "mean_radius")).expect("a heading").click_secondary();
    window.compare(&format!("rows_menu_{suffix}"));
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(2);
    window.press("Filter: mean_radius ≥ 14");
    window.fill("Value", "much");
    window.wait_for("much is not a number");
    window.compare(&format!("rows_form_{suffix}"));
    window.fill("Value", "1400");
    window.harness.key_press(Key::Enter);
    window.wait_for("Nothing matches");
    window.compare(&format!("rows_nothing_{suffix}"));
}

#[test]
fn filtered_rows_dark() {
    pictured(ThemeChoice::Dark, "dark");
}

#[test]
fn filtered_rows_light() {
    pictured(ThemeChoice::Light, "light");
}

/// The heading of a column.
fn head<'w>(window: &'w Window, name: &str) -> egui_kittest::Node<'w> {
    let heads = window.harness.query_all_by_role(Role::ColumnHeader);
    heads.into_iter().find(|node| is(node, name)).expect(name)
}

#[test]
fn rows_are_sorted_by_several_columns_and_the_choice_is_kept() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    tested(&mut window, 1);
    head(&window, "label").click();
    window.wait("the first key", |h| h.query_all_by_label("label, smallest first").next().is_some());
    head(&window, "probability_benign").click_modifiers(Modifiers::SHIFT);
    window
        .wait("the second key", |h| h.query_all_by_label("probability_benign, largest first, key 2").next().is_some());
    assert!(window.shows("label, smallest first, key 1"));
    assert!(window.shows("Order: label, smallest first") && window.shows("Order: probability_benign, largest first"));
    let labels_shown = shown(&window, "label");
    let sure = numbers(&shown(&window, "probability_benign"));
    assert!(labels_shown.iter().all(|label| label == "benign") && sure.is_sorted_by(|a, b| a >= b), "{sure:?}");
    window.picture("rows_two_keys_dark");
    // Its chip turns a key round; by keys it is added from the menu.
    window.press("Order: probability_benign, largest first");
    window.wait("turned round", |h| h.query_all_by_label("probability_benign, smallest first, key 2").next().is_some());
    menu(&mut window, "mean_radius", "Then by this descending");
    window.wait("a third key", |h| h.query_all_by_label("mean_radius, largest first, key 3").next().is_some());
    menu(&mut window, "probability_benign", "Do not sort");
    window.wait("two keys again", |h| h.query_all_by_label("mean_radius, largest first, key 2").next().is_some());

    // What is filtered and sorted by is there again with the next window.
    menu(&mut window, "mean_radius", "Filter…");
    window.wait("the form", |h| h.query_all_by_role_and_label(Role::TextInput, "From").next().is_some());
    window.fill("From", "14");
    window.press("Apply filter");
    window.wait_for("Filter: mean_radius ≥ 14");
    let kept = |desk: &desk_app::Desk| {
        let kept = desk.setting("window/rows/tumour@1").expect("read").unwrap_or_default();
        kept["filters"].as_array().is_some_and(|filters| filters.len() == 1)
    };
    window.open_again(kept);
    window.go("models/tumour/1/test");
    window.press_role(Role::RadioButton, "Side: Rows 171");
    window.wait("the same order", |h| {
        h.query_all_by_label_contains("mean_radius, largest first, key 2").next().is_some()
    });
    assert!(window.shows("Filter: mean_radius ≥ 14"));
    window.press("Remove order: label, smallest first");
    window.wait("one key", |h| h.query_all_by_label_contains("mean_radius, largest first").next().is_some());
    window.press("Clear filters");
    window.wait_for("Scored rows, 171 rows");
}

#[test]
#[cfg(target_os = "linux")]
fn a_slow_sort_says_how_far_it_is_and_can_be_cancelled() {
    let mut window = Window::with(SIZE, ThemeChoice::Dark, None);
    let path = tested(&mut window, 60);
    window.harness.run_steps(4);
    let before = shown(&window, "mean_radius");
    let held = crate::held::Held::newest_answers(window.home.path());
    menu(&mut window, "mean_radius", "Sort descending");
    window.wait_for("Looking through the rows");
    window.wait_for_text("The rows stay as they are when you cancel");
    // The table is lower while the work is told above it.
    let meanwhile = shown(&window, "mean_radius");
    assert!(meanwhile.len() > 5 && before.starts_with(&meanwhile), "the former rows are there: {meanwhile:?}");
    window.picture("rows_slow_dark");
    window.press("Cancel");
    window.wait("the end", |h| h.query_all_by_label("Looking through the rows").next().is_none());
    assert_eq!(shown(&window, "mean_radius"), before);
    assert!(window.shows("mean_radius"), "and they are not sorted");
    drop(held);
    menu(&mut window, "mean_radius", "Sort descending");
    window.wait("the order", |h| h.query_all_by_label("mean_radius, largest first").next().is_some());
    let largest = numbers(&column(&path, "mean_radius")).into_iter().flatten().fold(0.0, f64::max);
    assert_eq!(numbers(&shown(&window, "mean_radius"))[0], Some(largest));
}
