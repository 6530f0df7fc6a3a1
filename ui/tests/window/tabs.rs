//! The Test, Explain and Deploy tabs: what they say, what they refuse, and what comes out.

use std::net::TcpListener;

use desk_app::Command;
use desk_app::command::{Deploy, TargetAdd};
use desk_core::{Cancel, NoProgress};
use desk_uikit::ThemeChoice;
use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Window, free_port};

const SIZE: [f32; 2] = [1280.0, 800.0];
/// High enough to see a whole page in a picture.
const TALL: [f32; 2] = [1280.0, 1500.0];

fn refused(window: &Window, label: &str) -> bool {
    let mut buttons = window.harness.query_all_by_role_and_label(Role::Button, label);
    buttons.next().is_some_and(|node| node.accesskit_node().is_disabled())
}

#[test]
fn a_threshold_says_what_it_costs_and_stands_on_the_curves() {
    let mut window = Window::with_samples([1280.0, 1900.0], ThemeChoice::Light);
    score(&mut window, "tumour");
    window.wait_for_text("malignant from a probability of 0.500 on");
    // As many of the malignant rows as are found when nobody chooses a threshold.
    let usual = |window: &Window| window.harness.query_all_by_label("55 of 64").next().is_some();
    assert!(usual(&window));
    let marked = |window: &Window| crate::support::labels(&window.harness).iter().any(|l| l.contains("; threshold at"));
    assert!(!marked(&window), "nobody has chosen one yet");
    window.harness.get_by_role_and_label(Role::Slider, "Threshold").focus();
    window.harness.run_steps(2);
    for _ in 0..80 {
        window.harness.key_press(Key::ArrowLeft);
        window.harness.run_steps(1);
    }
    window.wait_for_text("malignant from a probability of 0.100 on");
    assert!(!usual(&window), "more of them are found");
    assert!(marked(&window), "the curves say where it stands");
    window.picture("threshold_light");
}

/// A file none of whose names the model knows: the columns are taken by position, and that is said.
fn unnamed(window: &Window) -> std::path::PathBuf {
    let body: Vec<&str> = include_str!("../../../assets/samples/tumour/heldout.csv").lines().collect();
    let names: Vec<String> = (0..body[0].split(',').count()).map(|i| format!("c{i}")).collect();
    let mut lines: Vec<String> = vec![names.join(",")];
    lines.extend(body[1..40].iter().map(|line| (*line).to_owned()));
    let path = window.home.path().join("unnamed.csv");
    std::fs::write(&path, lines.join("\n")).expect("written");
    path
}

fn score(window: &mut Window, model: &str) {
    window.go(&format!("models/{model}/1/test"));
    window.wait_for_text("Not tested yet");
    window.score();
    window.wait_for("Results");
}

#[test]
fn a_test_shows_its_numbers_its_proof_and_every_row() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    score(&mut window, "tumour");
    for card in
        ["Accuracy", "F1 of malignant", "AUC of malignant", "Log loss", "Precision of malignant", "Recall of malignant"]
    {
        window.wait_for(card);
    }
    for chart in ["Confusion", "ROC curve", "Precision and recall", "Calibration"] {
        window.wait_for(chart);
    }
    window.picture("test_metrics_dark");
    window.press_role(Role::RadioButton, "Show as: Tables");
    window.wait_for("By class");
    window.picture("test_tables_dark");
    window.press_role(Role::RadioButton, "Side: How it ran");
    window.wait_for_text("1 node on CPUExecutionProvider");
    window.wait_for_text("30 columns, mean_radius to worst_fractal_dimension");
    window.picture("test_proof_dark");
    window.press_role(Role::RadioButton, "Side: Rows 171");
    window.wait_for("Scored rows, 171 rows");
    assert!(refused(&window, "Explain row"), "no row is chosen yet");
    window.wait("the rows", |h| h.query_all_by_role_and_label(Role::Cell, "malignant").next().is_some());
    window.harness.query_all_by_role_and_label(Role::Cell, "malignant").next().expect("a cell").click();
    window.harness.run_steps(3);
    window.picture("test_rows_dark");
    window.press_role(Role::CheckBox, "Wrong answers only");
    window.wait_for_text("15 of 171 rows, the most certain first");
    window.wait_for("Scored rows, 15 rows");
    assert!(refused(&window, "Explain row"), "another list, another choice");
    window.picture("test_wrong_dark");
    window.press_role(Role::CheckBox, "Wrong answers only");
    window.wait_for("Scored rows, 171 rows");
    window.harness.query_all_by_role_and_label(Role::Cell, "malignant").next().expect("a cell").click();
    window.harness.run_steps(3);
    window.press("Explain row 3");
    assert_eq!(window.place(), "models/tumour/1/explain");
    window.wait_for_text("Row 3: the raw score of malignant is");
    window.picture("explain_row_dark");
}

#[test]
fn many_rows_explain_the_model_and_can_be_copied() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    window.wait_for_text("31 columns");
    window.picture("explain_empty_light");
    window.press_role(Role::RadioButton, "Rows: Several");
    window.press("Explain rows 1 to 100");
    window.wait_for("Importance");
    window.wait_for_text("of all contributions to the raw score of malignant");
    window.wait_for_text("the model is a tree ensemble");
    window.picture("explain_global_light");
    window.press("Copy as TSV");
    window.press_role(Role::CheckBox, "Table");
    window.wait_for_text("Importances, 30 rows");
    window.picture("explain_table_light");
    window.press_role(Role::RadioButton, "View: Row");
    window.wait_for_text("Contributions, 30 rows");
    window.press("Row after");
    window.press_role(Role::CheckBox, "Table");
    window.wait_for_text("Row 2: the raw score of malignant is");
    window.press("Options");
    window.picture("explain_row_light");
}

#[test]
fn several_classes_have_a_choice_and_pictures_have_a_row_each() {
    let mut window = Window::with_samples(TALL, ThemeChoice::Light);
    score(&mut window, "penguins");
    window.picture("test_metrics_light");
    window.press_role(Role::Tab, "Explain");
    window.press("Explain row 1");
    window.wait_for_text("Row 1: the probability of");
    window.press_role(Role::RadioButton, "Class or output: Gentoo");
    window.wait_for_text("Row 1: the probability of Gentoo is");
    window.picture("explain_classes_light");
}

#[test]
fn a_rollout_shows_each_step_and_asks_before_it_goes_back() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    window.go("models/tumour/1/deploy");
    window.wait_for("No target yet");
    window.picture("deploy_no_target_dark");
    window.press("Use this computer");
    window.wait_for("What will happen");
    window.picture("deploy_plan_dark");
    window.press("Check target");
    window.wait_for_text("Reached just now");
    window.press("Deploy v1 to here");
    window.wait_for_text("Proven: 16 golden rows");
    window.wait_for_text("v1 is live there now");
    assert!(refused(&window, "Deploy v1 to here"), "it is live already");
    window.picture("deploy_live_dark");
    window.go("models/tumour/2/deploy");
    window.press("Deploy v2 to here");
    window.wait_for_text("v2 is live there now");
    window.press("Roll back to v1…");
    window.wait_for("Roll back tumour to v1?");
    window.picture("deploy_roll_back_dark");
    window.press("Roll back to v1");
    window.wait_for_text("v1 is live there now; you can roll back to it later");
    window.go("models/penguins/1/deploy");
    window.wait_for_text("Serves tumour v1");
    assert!(refused(&window, "Deploy v1 to here"), "a target serves one model");
    window.go("deployments");
    window.press("Take down…");
    window.wait_for("Take down tumour v1 from here?");
    window.picture("take_down_dark");
    window.press("Take down");
    window.wait("nothing is live", |h| h.query_all_by_role_and_label(Role::Cell, "Live").next().is_none());
    window.go("models/penguins/1/deploy");
    window.wait_for_text("Nothing is live there");
}

#[test]
fn a_failed_rollout_says_where_why_and_what_still_holds() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let add = TargetAdd {
        name: "edge".into(),
        kind: "local".into(),
        set: vec![("port".into(), port)],
        credential: None,
        replace: false,
    };
    let run = |command| window.desk.run(command, &Cancel::new(), &NoProgress);
    run(Command::TargetAdd(add)).expect("a target");
    let deploy = Deploy::new("tumour@1".parse().expect("a version"), "edge");
    run(Command::Deploy(deploy)).expect_err("the port is taken");
    window.go("models/tumour/1/deploy");
    window.wait("the failure", |h| h.query_all_by_role(Role::Alert).next().is_some());
    window.wait_for_text("step Check target failed");
    window.wait_for("Try again");
    window.picture("deploy_failed_light");
}

#[test]
fn errors_of_a_target_go_when_it_works() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let set = vec![("port".to_owned(), port)];
    let add = TargetAdd { name: "edge".into(), kind: "local".into(), set, credential: None, replace: false };
    window.desk.run(Command::TargetAdd(add), &Cancel::new(), &NoProgress).expect("a target");
    window.go("models/tumour/1/deploy");
    let told = |h: &egui_kittest::Harness<'static, modeldesk_workbench::Workbench>| {
        // Each error has one, whatever it says.
        h.query_all_by_role_and_label(Role::Button, "Copy details").count()
    };
    window.press("Deploy v1 to edge");
    window.wait_for("Try again");
    assert_eq!(told(&window.harness), 1, "one failure is told once");
    drop(taken);
    window.press("Try again");
    window.wait_for_text("v1 is live there now");
    window.wait("the error to go", |h| told(h) == 0);
    assert!(!window.shows("Try again"));
}

#[test]
fn a_check_that_failed_is_forgotten_when_a_deployment_went_there() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Dark);
    let root = window.home.path().join("elsewhere");
    std::fs::write(&root, "no folder").expect("written");
    let set = vec![("port".to_owned(), free_port()), ("folder".to_owned(), root.to_string_lossy().into_owned())];
    let add = TargetAdd { name: "edge".into(), kind: "local".into(), set, credential: None, replace: false };
    window.desk.run(Command::TargetAdd(add), &Cancel::new(), &NoProgress).expect("a target");
    window.stops.push(root.clone());
    window.go("models/tumour/1/deploy");
    window.press("Check target");
    window.wait_for("What the check found");
    std::fs::remove_file(&root).expect("removed");
    window.press("Deploy v1 to edge");
    window.wait_for_text("v1 is live there now");
    window.wait("the check to go", |h| h.query_all_by_label("What the check found").next().is_none());
    window.wait_for_text("Reached just now");
}

#[test]
fn what_a_test_warns_of_stands_above_its_numbers_once() {
    let mut window = Window::with_samples(SIZE, ThemeChoice::Light);
    let rows = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("the sample");
    let unknown = window.home.path().join("unknown.csv");
    std::fs::write(&unknown, rows.replace("Biscoe", "Atlantis")).expect("written");
    for (model, data, about) in [("tumour/2", unnamed(&window), "by position"), ("penguins/1", unknown, "Atlantis")] {
        window.go(&format!("models/{model}/test"));
        window.fill("Data file", &data.to_string_lossy());
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
        window.harness.run_steps(3);
        window.wait_for("Results");
        let job = window.desk.jobs().into_iter().find(|job| matches!(job.command, Command::Predict(_)));
        let Some(Some(desk_app::Outcome::Predict(answer))) = job.map(|job| job.outcome) else { panic!("no test") };
        assert!(answer.warnings.iter().any(|warning| warning.contains(about)), "{answer:?}");
        for warning in &answer.warnings {
            // Without its first letter, which is a capital on the screen; names are in another face, not in backticks.
            let said = warning[1..].replace('`', "");
            let found: Vec<_> = window.harness.query_all_by_label_contains(&said).collect();
            assert_eq!(found.len(), 1, "{warning}");
            let side = window.harness.get_by_role_and_label(Role::RadioButton, "Side: Metrics").rect();
            let below = found[0].rect().top() - side.bottom();
            assert!((0.0..80.0).contains(&below), "{warning} stands {below} below the results' heading");
        }
        window.press_role(Role::Tab, "Explain");
        window.harness.run_steps(3);
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
        window.harness.run_steps(3);
        window.wait_for("Explanation");
        window.wait_for_text(about);
    }
    window.picture("test_warnings_light");
}

#[test]
fn who_named_the_truth_is_said_before_and_after_a_test() {
    let mut window = Window::with_samples(TALL, ThemeChoice::Light);
    window.go("models/tumour/1/test");
    window.wait_for_text("31 columns");
    window.wait_for("truth in diagnosis (named in the model)");
    window.score();
    window.wait_for("Results");
    window.wait_for_text("against diagnosis (named in the model)");
    window.press_role(Role::RadioButton, "Side: How it ran");
    window.wait_for("diagnosis (named in the model)");
    window.press("Options");
    window.press_role(Role::ComboBox, "Column with the truth");
    window.press_role(Role::ListBoxOption, "mean_radius");
    window.press("Options");
    window.wait_for("truth in mean_radius");
}

#[test]
fn columns_that_do_not_match_by_name_are_chosen_by_hand_and_a_guess_is_marked() {
    let mut window = Window::with_samples(TALL, ThemeChoice::Light);
    let rows = std::fs::read_to_string(window.desk.samples_folder().join("penguins/heldout.csv")).expect("the sample");
    let renamed = window.home.path().join("renamed.csv");
    std::fs::write(&renamed, rows.replacen("island", "where", 1)).expect("written");
    window.go("models/penguins/1/test");
    window.fill("Data file", &renamed.to_string_lossy());
    window.press("Options");
    window.press("Columns for inputs");
    window.press_role(Role::ComboBox, "island");
    window.press_role(Role::ListBoxOption, "where");
    window.press("Options");
    window.wait_for_text("a column chosen for one input");
    window.score();
    window.wait_for("Accuracy");
    window.press_role(Role::RadioButton, "Side: How it ran");
    window.wait_for_text("column where");
    window.picture("columns_by_hand_light");

    let unnamed = unnamed(&window);
    window.go("models/tumour/2/test");
    window.fill("Data file", &unnamed.to_string_lossy());
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    window.harness.run_steps(3);
    window.wait_for("Results");
    window.wait_for_text("by position");
    window.picture("columns_by_position_light");
    window.press_role(Role::Tab, "Explain");
    window.harness.run_steps(3);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    window.harness.run_steps(3);
    window.wait_for("Explanation");
    window.wait_for_text("by position");
}
