//! A deployment whose target cannot be asked: what the list and the inspector say, and how it looks.

use std::cell::{Cell, RefCell};
use std::sync::mpsc;

use desk_app::query::DeploymentItem;
use desk_app::{Desk, DeskOptions, SecretsChoice};
use desk_core::state::DeploymentState;
use desk_uikit::{Appearance, Loadable, ThemeChoice, Tokens};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};

use super::Deployments;
use crate::background::{Background, Jobs};
use crate::cx::{Cx, Lists};
use crate::picker::{FilePicker, Purpose};
use crate::route::Route;

/// Nobody is asked for a file here.
struct NoPicker;

impl FilePicker for NoPicker {
    fn pick(&self, _purpose: Purpose, _done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<std::path::PathBuf>> {
        mpsc::channel().1
    }
}

/// So many hours ago; ages are shown in hours then, the same on each run.
fn hours_ago(hours: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(hours * 60 + 5)).to_string()
}

fn deployment(version: u32, state: DeploymentState, unknown: bool) -> DeploymentItem {
    DeploymentItem {
        id: format!("id-{version}"),
        target: "edge-01".into(),
        model: "tumour".parse().expect("a name"),
        version,
        digest: desk_core::Digest::of(version.to_string()),
        state,
        revision: u64::from(version),
        action: "deploy".into(),
        url: None,
        was: None,
        at: hours_ago(9 - i64::from(version)),
        seconds: 1.5,
        parity: None,
        steps: Vec::new(),
        fault: None,
        unknown_since: unknown.then(|| hours_ago(5)),
    }
}

/// Draws the list and its inspector side by side, as the window does.
fn draw(cx: &Cx<'_>, screen: &mut Deployments, ui: &mut egui::Ui) {
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, Tokens::of(ui).bg);
    let (list, inspector) = whole.split_left_right_at_x(whole.right() - 300.0);
    screen.show(&mut ui.new_child(egui::UiBuilder::new().max_rect(list)), cx);
    screen.inspector(&mut ui.new_child(egui::UiBuilder::new().max_rect(inspector.shrink(16.0))), cx);
}

#[test]
fn a_target_that_cannot_be_asked_is_unknown_and_can_be_checked() {
    let mut results = SnapshotResults::new();
    for (theme, name) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        let home = tempfile::tempdir().expect("a folder");
        let options = DeskOptions { secrets: SecretsChoice::Memory, ..DeskOptions::for_home(home.path().join("home")) };
        let desk = Desk::open(options).expect("opens");
        let mut lists = Lists::default();
        let items = vec![
            deployment(3, DeploymentState::Running, true),
            deployment(2, DeploymentState::Live, true),
            deployment(1, DeploymentState::Superseded, false),
        ];
        lists.deployments.value = Loadable::Ready(items);
        let look = Appearance { theme, reduce_motion: true, ..Appearance::default() };
        let mut background = None;
        let mut screen = Deployments::default();
        let mut harness = Harness::builder()
            .wgpu()
            .with_size(egui::vec2(1100.0, 400.0))
            .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
            .with_options(SnapshotOptions::new().threshold(1.0).max_failed_pixels(20))
            .with_context_setup(move |ctx| {
                desk_uikit::install(ctx);
                look.apply(ctx);
            })
            .build_ui(move |ui| {
                let made = || Background::new(desk.clone(), ui.ctx().clone()).expect("threads start");
                let (actions, dropped) = (RefCell::default(), RefCell::default());
                let keys: [Cell<bool>; 5] = Default::default();
                let cx = Cx {
                    background: background.get_or_insert_with(made),
                    jobs: &Jobs::default(),
                    lists: &lists,
                    route: &Route::Deployments,
                    look,
                    picker: &NoPicker,
                    actions: &actions,
                    primary: &keys[0],
                    copy_primary: &keys[1],
                    find: &keys[2],
                    rename: &keys[3],
                    remove: &keys[4],
                    dropped: &dropped,
                };
                draw(&cx, &mut screen, ui);
            });
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
