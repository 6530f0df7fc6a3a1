//! A deployment whose target cannot be asked: what the list and the inspector say, and how it looks.

use std::cell::RefCell;
use std::rc::Rc;

use desk_app::outcome::{FarSide, StepView};
use desk_app::query::DeploymentItem;
use desk_core::state::{DeploymentState, StepState};
use desk_core::{Fault, FaultKind};
use desk_uikit::{Loadable, Tone};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::{Answers, Deployments, shown_state, still_holds};
use crate::cx::{Action, Cx, Lists};
use crate::fixtures::{THEMES, deployment, running, stage, working};

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

#[test]
fn what_was_refused_before_anything_changed_is_not_called_undone() {
    let step = |state| StepView { name: "Check target".into(), state, seconds: 0.1, detail: None };
    let failed = |kind| DeploymentItem {
        steps: vec![step(StepState::Failed), step(StepState::Pending)],
        fault: Some(Fault::new(kind, "no")),
        was: Some(1),
        ..deployment(2, DeploymentState::Undone)
    };
    let refused = failed(FaultKind::Policy);
    assert_eq!(shown_state(&refused), (desk_uikit::Tone::Err, "Refused".to_owned()));
    assert_eq!(still_holds(&refused), "Nothing was changed; v1 is still serving");
    assert_eq!(shown_state(&failed(FaultKind::Target)).1, "Failed");
    let undone =
        DeploymentItem { steps: vec![step(StepState::Undone), step(StepState::Failed)], ..failed(FaultKind::Target) };
    assert_eq!(shown_state(&undone).1, "Undone");
    assert_eq!(still_holds(&undone), "Every step was undone; v1 is still serving");
}

#[test]
fn what_answers_on_another_machine_says_so_and_how_to_reach_it() {
    let tunnel = "ssh -N -L 8300:127.0.0.1:8300 -p 22 deploy@edge-01";
    let live = DeploymentItem {
        url: Some("http://127.0.0.1:8300/v2/models/tumour".into()),
        far: Some(FarSide { host: "edge-01".into(), tunnel: tunnel.into() }),
        ..deployment(2, DeploymentState::Live)
    };
    let mut answers = Answers::default();
    let draw = move |ui: &mut egui::Ui, cx: &Cx<'_>| answers.show(ui, cx, &live);
    let mut harness = stage([700.0, 500.0], THEMES[0].0, Lists::default(), draw);
    harness.run_steps(3);
    harness.get_by_label("Copy Address: http://127.0.0.1:8300/v2/models/tumour");
    harness.get_by_label("on edge-01 (its own loopback address)");
    harness.get_by_label(&format!("Copy From here: {tunnel}"));
}

#[test]
fn what_does_not_answer_or_was_taken_down_can_be_deployed_again() {
    let silent = DeploymentItem { not_answering_since: Some(hours_ago(2)), ..deployment(2, DeploymentState::Live) };
    assert_eq!(shown_state(&silent), (Tone::Err, "Not answering".to_owned()));
    let stopped = DeploymentItem { ended_at: Some(hours_ago(3)), ..deployment(2, DeploymentState::Stopped) };
    let live = deployment(3, DeploymentState::Live);
    for (all, again) in [
        (vec![silent], true),
        (vec![stopped.clone()], true),
        (vec![deployment(2, DeploymentState::Live)], false),
        (vec![live, stopped], false),
    ] {
        let mut lists = Lists::default();
        lists.deployments.value = Loadable::Ready(all.clone());
        let mut screen = Deployments::default();
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let seen = Rc::clone(&asked);
        let draw = move |ui: &mut egui::Ui, cx: &Cx<'_>| {
            screen.show_one(ui, cx, "id-2");
            for action in cx.actions.borrow().iter() {
                if let Action::Run(command) = action {
                    seen.borrow_mut().push(command.to_cli());
                }
            }
        };
        let mut harness = stage([1000.0, 600.0], THEMES[0].0, lists, draw);
        harness.run_steps(3);
        assert_eq!(harness.query_by_label("Deploy again").is_some(), again, "{all:?}");
        if again {
            harness.get_by_label("Deploy again").click();
            harness.run_steps(2);
            assert_eq!(*asked.borrow(), ["modeldesk deploy tumour@2 --to edge-01"]);
        }
        if all.iter().any(|d| d.ended_at.is_some()) {
            harness.get_by_label_contains("stopped 3 h ago");
        }
    }
}

#[test]
fn nothing_is_rolled_back_or_taken_down_while_a_rollout_runs_there() {
    use desk_app::Command;
    use desk_app::command::{Deploy, Rollback};
    let live = DeploymentItem { rollback_to: Some(1), ..deployment(2, DeploymentState::Live) };
    let version = || "tumour@3".parse().expect("a version");
    let back = |named: &str| Command::Rollback(Rollback { deployment: named.into(), to: None });
    let cases = [
        (Command::Deploy(Deploy::new(version(), "edge-01")), true),
        (back("edge-01/tumour"), true),
        (back("edge-01"), true),
        (back("id-2"), true),
        (back("edge-02/tumour"), false),
        (Command::Deploy(Deploy::new(version(), "edge-02")), false),
    ];
    for (command, busy) in cases {
        let mut lists = Lists::default();
        lists.deployments.value = Loadable::Ready(vec![live.clone()]);
        let what = command.to_cli();
        let mut screen = Deployments { selected: Some("id-2".into()), ..Deployments::default() };
        let draw = move |ui: &mut egui::Ui, cx: &Cx<'_>| screen.inspector(ui, cx);
        let mut harness = working([300.0, 700.0], THEMES[0].0, lists, vec![running(command)], draw);
        harness.run_steps(3);
        for label in ["Roll back to v1…", "Take down…"] {
            let node = harness.get_by_label(label);
            let node = node.accesskit_node();
            let why = node.data().description().map(str::to_owned);
            let said = busy.then(|| "A rollout on edge-01 is under way".to_owned());
            assert_eq!((node.is_disabled(), why), (busy, said), "{label} while {what}");
        }
    }
}
