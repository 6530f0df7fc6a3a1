//! What the tab decides and asks, from values made here.

use std::cell::RefCell;
use std::rc::Rc;

use desk_app::Command;
use desk_app::command::{Deploy as Request, Permissions};
use desk_app::outcome::TargetView;
use desk_app::query::DeploymentItem;
use desk_core::state::DeploymentState;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::confirm::{self, Plan};
use super::roll_back::WayBack;
use super::trust;
use crate::cx::{Action, Lists};
use crate::dialogs::Dialog;
use crate::fixtures::{deployment, stage, target};

fn offering(key: &str) -> TargetView {
    TargetView { offered_key: Some(key.to_owned()), ..target() }
}

fn after(was: Option<u32>, version: u32, state: DeploymentState) -> DeploymentItem {
    DeploymentItem { was, ..deployment(version, state) }
}

#[test]
fn an_offered_key_is_trusted_only_by_pressing_the_button() {
    let asked: Rc<RefCell<Option<Command>>> = Rc::default();
    let seen = Rc::clone(&asked);
    let view = offering("SHA256:abc");
    let mut harness =
        Harness::builder().with_size([700.0, 400.0]).with_context_setup(desk_uikit::install).build_ui(move |ui| {
            if let Some(command) = trust::panel(ui, &view, "SHA256:abc") {
                *seen.borrow_mut() = Some(command);
            }
        });
    harness.run_steps(2);
    assert!(harness.query_by_label("SHA256:abc").is_some(), "the fingerprint is on the screen");
    assert!(asked.borrow().is_none());
    harness.get_by_label("Trust this key").click();
    harness.run_steps(2);
    let line = asked.borrow().as_ref().map(Command::to_cli);
    assert_eq!(line.as_deref(), Some("modeldesk target trust edge-01 SHA256:abc"));
}

#[test]
fn what_speaks_against_a_deployment_is_shown_and_is_part_of_the_command() {
    let change = desk_core::SignatureChange {
        part: "input".into(),
        name: "x".into(),
        was: Some("float32 [?, 30]".into()),
        is: Some("float32 [?, 29]".into()),
    };
    let version = "tumour@2".parse().expect("a version");
    let plan = Plan {
        request: Request {
            permissions: Permissions { allow_signature_change: true, allow_unproven: true, replace_other: true },
            ..Request::new(version, "edge-01")
        },
        number: 2,
        changes: vec![change],
        replaces: Some("deployed as tumour@7 by ann on north at noon".into()),
        unprovable: Some("it draws random numbers".into()),
    };
    assert!(!plan.is_clear());
    let line = "modeldesk deploy tumour@2 --to edge-01 --allow-signature-change --allow-unproven --replace-other";
    assert_eq!(plan.command().to_cli(), line);
    let mut harness = Harness::builder()
        .with_size([700.0, 400.0])
        .with_context_setup(desk_uikit::install)
        .build_ui(move |ui| confirm::body(ui, &plan));
    harness.run_steps(2);
    let replaced = "Deployed as tumour v7 by ann on north at noon";
    for said in ["Input “x” was float32 [?, 30] and is float32 [?, 29]", "It draws random numbers", replaced] {
        assert!(harness.query_by_label(said).is_some(), "{said:?} is not on the screen");
    }
}

#[test]
fn the_way_back_names_the_version_and_refuses_what_never_served() {
    let all = [
        after(Some(2), 3, DeploymentState::Undone),
        // It was taken down and deployed again: what was live just before is the same version.
        DeploymentItem { rollback_to: Some(1), ..after(Some(2), 2, DeploymentState::Live) },
        after(None, 1, DeploymentState::Stopped),
    ];
    let model = "tumour".parse().expect("a name");
    let way = WayBack::former(&all, &model, "edge-01").expect("v1 was live before");
    assert_eq!((way.from, way.to), (2, 1));
    assert_eq!(way.command().to_cli(), "modeldesk rollback edge-01/tumour --to 1");
    assert_eq!(WayBack::former(&all, &model, "elsewhere"), None);
    let list: Vec<&DeploymentItem> = all.iter().collect();
    assert_eq!(WayBack::to(&list, &all[2]).map(|way| way.to), Ok(1));
    assert_eq!(WayBack::to(&list, &all[1]), Err("This version is live there now"));
    assert!(WayBack::to(&list, &all[0]).is_err());
}

#[test]
fn forward_again_is_not_called_a_way_back() {
    let live = DeploymentItem { forward_to: Some(2), ..after(Some(2), 1, DeploymentState::Live) };
    let all = [live, after(Some(1), 2, DeploymentState::Superseded)];
    let model = "tumour".parse().expect("a name");
    assert_eq!(WayBack::former(&all, &model, "edge-01"), None, "it served before, and is no way back");
    let ahead = WayBack::ahead(&all, &model, "edge-01").expect("v2 was left");
    assert!((ahead.to, ahead.forward) == (2, true), "{ahead:?}");
    let list: Vec<&DeploymentItem> = all.iter().collect();
    assert_eq!(WayBack::to(&list, &all[1]), Ok(ahead.clone()));
}

/// A harness over both buttons of a target and the dialogs that they open.
fn asking(all: Vec<DeploymentItem>) -> (Harness<'static>, Rc<RefCell<Vec<String>>>) {
    let mut lists = Lists::default();
    lists.deployments.value = desk_uikit::Loadable::Ready(all);
    let ran: Rc<RefCell<Vec<String>>> = Rc::default();
    let (seen, mut open) = (Rc::clone(&ran), None::<Dialog>);
    let harness = stage([700.0, 400.0], desk_uikit::ThemeChoice::Dark, lists, move |ui, cx| {
        super::roll_back_buttons(ui, cx, &"tumour".parse().expect("a name"), "edge-01");
        if open.as_mut().is_some_and(|dialog| dialog.show(ui.ctx(), cx)) {
            open = None;
        }
        for action in cx.actions.take() {
            match action {
                Action::Open(dialog) => open = Some(*dialog),
                Action::Run(command) => seen.borrow_mut().push(command.to_cli()),
                _ => {}
            }
        }
    });
    (harness, ran)
}

#[test]
fn back_and_forward_both_ask_first_wherever_their_buttons_stand() {
    let live = DeploymentItem { rollback_to: Some(1), forward_to: Some(3), ..after(Some(3), 2, DeploymentState::Live) };
    let left = after(Some(2), 3, DeploymentState::Superseded);
    let (mut harness, ran) = asking(vec![live, left, after(None, 1, DeploymentState::Superseded)]);
    for (button, question, later, yes, line) in [
        ("Roll back to v1…", "Roll back tumour to v1?", "go forward to it again", "Roll back to v1", "--to 1"),
        ("Go forward to v3…", "Go forward with tumour to v3?", "roll back to it again", "Go forward to v3", "--to 3"),
    ] {
        harness.run_steps(3);
        harness.get_by_label(button).click();
        harness.run_steps(3);
        assert!(ran.borrow().is_empty(), "{button}: it asks first");
        assert!(harness.query_all_by_label(question).next().is_some(), "{question}");
        assert!(harness.query_by_label_contains(later).is_some());
        harness.get_by_label(yes).click();
        harness.run_steps(3);
        let lines = ran.take();
        assert!(lines.len() == 1 && lines[0].ends_with(line), "{lines:?}");
    }
}
