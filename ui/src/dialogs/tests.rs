//! How the small dialogs look, in both themes, from values made here.

use desk_app::Command;
use desk_app::command::TargetName;
use desk_app::outcome::TargetView;
use desk_app::query::DeploymentItem;
use desk_core::state::DeploymentState;
use desk_uikit::ThemeChoice;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotResults};

use super::Dialog;
use crate::cx::{Action, Lists};
use crate::fixtures::{THEMES, deployment, stage, target};
use crate::route::Route;
use crate::screens::WayBack;

/// A fingerprint of the length that machines have.
const KEY: &str = "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDzUHCo4gH2qA3TLmA";

/// Compares the dialog with its pictures after `act`.
fn looks(
    results: &mut SnapshotResults,
    name: &str,
    size: [f32; 2],
    make: fn() -> Dialog,
    act: fn(&mut Harness<'static>),
) {
    for (theme, suffix) in THEMES {
        let mut harness = shown(size, theme, make());
        act(&mut harness);
        harness.run_steps(3);
        harness.snapshot(format!("dialog_{name}_{suffix}"));
        results.extend_harness(&mut harness);
    }
}

fn shown(size: [f32; 2], theme: ThemeChoice, mut dialog: Dialog) -> Harness<'static> {
    let mut harness = stage(size, theme, Lists::default(), move |ui, cx| {
        dialog.show(ui.ctx(), cx);
    });
    harness.run_steps(3);
    harness
}

#[test]
fn unlock() {
    let mut results = SnapshotResults::new();
    let make = || {
        let check = Command::TargetCheck(TargetName { name: "edge-01".into() });
        Dialog::unlock(Some(Action::Run(Box::new(check))))
    };
    looks(&mut results, "unlock", [560.0, 300.0], make, |_| {});
}

#[test]
fn a_host_key() {
    let mut results = SnapshotResults::new();
    looks(&mut results, "trust", [680.0, 400.0], || Dialog::trust(&target(), KEY), |_| {});
    let make = || {
        let former = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM".to_owned();
        let (trusted_key, offered_key) = (Some(former), Some(KEY.to_owned()));
        Dialog::trust(&TargetView { trusted_key, offered_key, ..target() }, KEY)
    };
    looks(&mut results, "trust_changed", [680.0, 560.0], make, |harness| {
        assert!(harness.query_all_by_label("The host key of edge-01 has changed").next().is_some());
        assert!(harness.query_by_label_contains("another key than the one that is trusted").is_some());
    });
}

#[test]
fn take_down() {
    let mut results = SnapshotResults::new();
    let make = || Dialog::take_down(&deployment(2, DeploymentState::Live));
    looks(&mut results, "take_down", [600.0, 320.0], make, |_| {});
    looks(&mut results, "take_down_gone", [600.0, 320.0], make, |harness| {
        let gone = "The machine is gone for good: only note it here";
        harness.get_by_role_and_label(egui::Role::CheckBox, gone).click();
    });
}

#[test]
fn remove() {
    let mut results = SnapshotResults::new();
    looks(&mut results, "remove_target", [560.0, 260.0], || Dialog::remove_target("edge-01"), |_| {});
    looks(&mut results, "remove_credential", [560.0, 300.0], || Dialog::remove_credential("edge"), |_| {});
}

#[test]
fn alias() {
    let mut results = SnapshotResults::new();
    let make = || Dialog::alias("tumour@2".parse().expect("a version"), vec![("champion".to_owned(), 1)]);
    looks(&mut results, "alias", [560.0, 320.0], make, |_| {});
}

#[test]
fn quit() {
    let mut results = SnapshotResults::new();
    looks(&mut results, "quit", [560.0, 260.0], || Dialog::quit("2 jobs are"), |_| {});
}

/// Every dialog, as it opens.
fn all() -> Vec<(&'static str, Dialog)> {
    let offered = TargetView { offered_key: Some(KEY.to_owned()), ..target() };
    let live = DeploymentItem { rollback_to: Some(1), ..deployment(2, DeploymentState::Live) };
    let name = live.model.clone();
    let way = WayBack::former(std::slice::from_ref(&live), &name, "edge-01").expect("a way back");
    vec![
        ("import", Dialog::Import(Box::default())),
        ("new target", Dialog::new_target()),
        ("edit target", Dialog::edit_target(&target())),
        ("new credential", Dialog::new_credential()),
        ("replace credential", Dialog::replace_credential("edge", "password")),
        ("trust", Dialog::trust(&offered, KEY)),
        ("alias", Dialog::alias("tumour@2".parse().expect("a version"), vec![("champion".to_owned(), 1)])),
        ("make vault", Dialog::make_vault()),
        ("unlock", Dialog::unlock(None)),
        ("remove target", Dialog::remove_target("edge-01")),
        ("remove credential", Dialog::remove_credential("edge")),
        ("roll back", Dialog::roll_back(way)),
        ("take down", Dialog::take_down(&live)),
        ("help", Dialog::help(&Route::Models)),
        ("quit", Dialog::quit("2 jobs are")),
    ]
}

#[test]
fn tab_walks_through_every_dialog_and_back_at_either_size() {
    let mut found = Vec::new();
    for (size, zoom) in [([1280.0, 800.0], 1.0), ([900.0, 600.0], 1.0), ([1280.0, 800.0], 2.0), ([900.0, 600.0], 2.0)] {
        for (name, dialog) in all() {
            let mut harness = shown(size, ThemeChoice::Dark, dialog);
            harness.ctx.set_zoom_factor(zoom);
            harness.run_steps(4);
            let problems = crate::walk::problems(&mut harness);
            found.extend(problems.into_iter().map(|problem| format!("{name} in {size:?} at {zoom}: {problem}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_scroll_bar_of_a_low_dialog_has_room_of_its_own() {
    let mut results = SnapshotResults::new();
    for (theme, suffix) in THEMES {
        for (zoom, size) in [(1.0, "small"), (2.0, "large")] {
            let mut harness = shown([900.0, 600.0], theme, Dialog::edit_target(&target()));
            harness.ctx.set_zoom_factor(zoom);
            harness.run_steps(4);
            let place = |harness: &Harness<'static>| {
                let fields = harness.query_all_by_role(egui::Role::TextInput).map(|field| field.rect());
                fields.reduce(egui::Rect::union).expect("fields")
            };
            let (fields, close) = (place(&harness), harness.get_by_role_and_label(egui::Role::Button, "Close").rect());
            assert!((fields.right() - close.right()).abs() < 2.0, "as wide as the dialog: {fields:?} {close:?}");
            if zoom > 1.0 {
                // The bar is in the margin.
                let bar = egui::pos2(close.right() + 10.0, close.bottom() + 16.0);
                harness.drag_at(bar);
                harness.run_steps(3);
                harness.hover_at(bar + egui::vec2(0.0, 20.0));
                harness.run_steps(3);
                harness.drop_at(bar + egui::vec2(0.0, 20.0));
                harness.run_steps(6);
                assert!(place(&harness).top() < fields.top() - 10.0, "the bar is dragged: {fields:?}");
            }
            harness.snapshot(format!("dialog_low_{size}_{suffix}"));
            results.extend_harness(&mut harness);
        }
    }
}
