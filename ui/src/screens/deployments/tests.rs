//! A deployment whose target cannot be asked: what the list and the inspector say, and how it looks.

use desk_app::query::DeploymentItem;
use desk_core::state::DeploymentState;
use desk_uikit::Loadable;
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable as _;

use super::Deployments;
use crate::cx::{Cx, Lists};
use crate::fixtures::{THEMES, deployment, stage};

/// So many hours ago; ages are shown in hours then, the same on each run.
fn hours_ago(hours: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(hours * 60 + 5)).to_string()
}

/// A deployment of a few hours ago; `unknown` when its target has not answered for a while.
fn aged(version: u32, state: DeploymentState, unknown: bool) -> DeploymentItem {
    DeploymentItem {
        at: hours_ago(9 - i64::from(version)),
        unknown_since: unknown.then(|| hours_ago(5)),
        ..deployment(version, state)
    }
}

/// Draws the list and its inspector side by side, as the window does.
fn draw(cx: &Cx<'_>, screen: &mut Deployments, ui: &mut egui::Ui) {
    let whole = ui.max_rect();
    let (list, inspector) = whole.split_left_right_at_x(whole.right() - 300.0);
    screen.show(&mut ui.new_child(egui::UiBuilder::new().max_rect(list)), cx);
    screen.inspector(&mut ui.new_child(egui::UiBuilder::new().max_rect(inspector.shrink(16.0))), cx);
}

#[test]
fn a_target_that_cannot_be_asked_is_unknown_and_can_be_checked() {
    let mut results = SnapshotResults::new();
    for (theme, name) in THEMES {
        let mut lists = Lists::default();
        let items = vec![
            aged(3, DeploymentState::Running, true),
            aged(2, DeploymentState::Live, true),
            aged(1, DeploymentState::Superseded, false),
        ];
        lists.deployments.value = Loadable::Ready(items);
        let mut screen = Deployments::default();
        let mut harness = stage([1100.0, 400.0], theme, lists, move |ui, cx| draw(cx, &mut screen, ui));
        harness.run_steps(4);
        assert_eq!(harness.query_all_by_label("Unknown for 5 h").count(), 3, "two rows and the inspector");
        harness.get_by_label("Check the target");
        // The moment itself is another one on each run, and not always as wide.
        let moment = harness.get_by_label_contains("20").rect().min;
        harness.mask(egui::Rect::from_min_size(moment, egui::vec2(150.0, 18.0)));
        harness.snapshot(format!("deployment_unknown_{name}"));
        results.extend_harness(&mut harness);
    }
}

#[test]
fn no_difference_is_said_as_such_wherever_a_step_says_it() {
    let said = super::readable("16 rows, largest difference 0.00e0, on port 36593");
    assert_eq!(said, "16 rows, exactly the same answers, on port 36593");
    assert_eq!(super::readable("16 rows, largest difference 0.00e0"), "16 rows, exactly the same answers");
    assert_eq!(super::readable("16 rows, largest difference 1.20e-7"), "16 rows, largest difference 1.20e-7");
}
