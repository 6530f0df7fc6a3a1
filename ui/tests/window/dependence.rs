//! One feature over all rows: what it contributes by its value, coloured by another one.

use desk_uikit::ThemeChoice;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, labels};

/// The chart's sentence, as it is heard.
fn sentence(window: &Window) -> String {
    let all = labels(&window.harness);
    let found = all.iter().find_map(|label| label.strip_prefix("Image: ").filter(|text| text.contains("moves the")));
    found.unwrap_or_else(|| panic!("no sentence: {all:#?}")).to_owned()
}

/// What is chosen in a field.
fn chosen(window: &Window, field: &str) -> String {
    let node = window.harness.get_by_role_and_label(Role::ComboBox, field);
    node.accesskit_node().value().unwrap_or_default()
}

fn choose(window: &mut Window, field: &str, option: &str) {
    window.harness.get_by_role_and_label(Role::ComboBox, field).click();
    window.harness.run_steps(4);
    window.press_role(Role::ListBoxOption, option);
    window.harness.run_steps(4);
}

#[test]
fn a_feature_is_chosen_and_its_colour_is_the_strongest_until_another_one_is() {
    let mut window = Window::with_samples([1280.0, 3400.0], ThemeChoice::Dark);
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let command = crate::lime::explain("tumour@1", data, "auto", 1..=100, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait_for("Dependence");
    window.harness.run_steps(4);
    let first = chosen(&window, "Feature");
    let said = sentence(&window);
    assert!(said.starts_with(&format!("{first} from ")) && said.contains("over 100 rows, coloured by "), "{said}");
    let by = said.rsplit_once("coloured by ").expect("a colour").1.to_owned();
    assert_eq!(chosen(&window, "Coloured by"), format!("Strongest: {by}"));
    window.wait_for(&format!("of {first} over 100 rows · Tree SHAP"));
    window.picture("dependence_dark");

    choose(&mut window, "Coloured by", "Nothing");
    assert!(!sentence(&window).contains("coloured"), "{}", sentence(&window));
    let other = if first == "worst_area" { "worst_perimeter" } else { "worst_area" };
    choose(&mut window, "Feature", other);
    assert!(sentence(&window).starts_with(&format!("{other} from ")), "{}", sentence(&window));
    assert!(sentence(&window).contains("coloured by"), "another feature has another strongest one");
    window.press("Dependence as a table");
    window.wait("its numbers", |h| h.query_by_role_and_label(Role::Table, "Dependence, 100 rows").is_some());
}

#[test]
fn text_has_its_categories_on_the_axis_and_lime_has_no_dependence() {
    let mut window = Window::with_samples([1280.0, 3400.0], ThemeChoice::Light);
    let data = window.desk.samples_folder().join("penguins/heldout.csv");
    let command = crate::lime::explain("penguins@1", data, "auto", 1..=60, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/penguins/1/explain");
    window.wait_for("Dependence");
    window.harness.run_steps(4);
    choose(&mut window, "Feature", "island");
    assert!(sentence(&window).starts_with("island, 3 categories: moves the "), "{}", sentence(&window));
    window.picture("dependence_text_light");
    choose(&mut window, "Feature", "bill_depth_mm");
    choose(&mut window, "Coloured by", "island");
    window.picture("dependence_by_text_light");

    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let command = crate::lime::explain("tumour@1", data, "lime", 1..=3, None);
    window.desk.run(command, &desk_core::Cancel::new(), &desk_core::NoProgress).expect("explained");
    window.go("models/tumour/1/explain");
    window.wait_for("Importance");
    assert!(!window.shows("Dependence"));
}
