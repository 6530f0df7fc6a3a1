//! The main job through the window: import, test, explain, deploy, a second version, roll back.

use std::path::PathBuf;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;

use crate::support::Window;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/samples").join(name)
}

fn import(window: &mut Window, file: &str) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.harness.run_steps(3);
    window.fill("Model file", &sample(file).to_string_lossy());
    window.wait_for_text("ONNX, opset");
    window.fill("Name", "tumour");
    let golden = sample("tumour/heldout.csv");
    window.fill("Golden rows from", &golden.to_string_lossy());
    window.press("Import");
}

#[test]
fn import_test_explain_deploy_and_roll_back() {
    let mut window = Window::new();
    window.wait_for("Welcome to Modeldesk");

    import(&mut window, "tumour/v1.onnx");
    window.wait("the new version", |h| h.state().route().to_string() == "models/tumour/1/overview");
    window.wait_for("Imported as tumour v1");
    window.wait_for_text("from your data");
    window.picture("job_1_overview");

    window.press_role(Role::Tab, "Test");
    window.fill("Data file", &sample("tumour/heldout.csv").to_string_lossy());
    window.wait_for_text("31 columns");
    window.picture("job_2_test_form");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(3);
    window.wait_for("Accuracy");
    window.picture("job_3_test_result");

    window.press_role(Role::Tab, "Explain");
    window.harness.run_steps(3);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.harness.run_steps(3);
    window.wait_for_text("Row 1");
    window.wait("the chart", |h| h.query_all_by_role(Role::Image).next().is_some());
    window.picture("job_4_explain");

    window.press_role(Role::Tab, "Deploy");
    window.picture("job_5_deploy_empty");
    window.press("Use this computer");
    window.press("Deploy v1 to here");
    window.wait_for("tumour v1 is live on here");
    window.wait("the proof", |h| h.query_all_by_label_contains("Live").next().is_some());
    window.picture("job_6_deploy_live");

    import(&mut window, "tumour/v2.onnx");
    window.wait("the second version", |h| h.state().route().to_string() == "models/tumour/2/overview");
    window.press_role(Role::Tab, "Deploy");
    window.press("Deploy v2 to here");
    window.wait_for("tumour v2 is live on here");
    window.picture("job_7_second_live");

    window.press("Roll back to v1…");
    window.wait("the rollback", |h| {
        h.query_all_by_label("Roll back to v1").next().is_some()
            || h.query_all_by_label_contains("v1 is live").next().is_some()
    });
    if window.shows("Roll back to v1") {
        window.press("Roll back to v1");
    }
    window.wait_for("tumour v1 is live on here");
    window.picture("job_8_rolled_back");

    let deployments = window.desk.deployments(None).expect("the list");
    let live: Vec<u32> =
        deployments.iter().filter(|d| d.state == desk_core::state::DeploymentState::Live).map(|d| d.version).collect();
    assert_eq!(live, [1], "{deployments:#?}");
}
