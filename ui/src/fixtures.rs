//! What tests of single views share: made-up targets and deployments, and a stage to draw on.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::mpsc;

use desk_app::outcome::TargetView;
use desk_app::query::{DeploymentItem, ModelItem};
use desk_app::{Command, Desk, DeskOptions, JobView, SecretsChoice};
use desk_core::state::{DeploymentState, JobState};
use desk_uikit::{Appearance, ThemeChoice, Tokens};
use egui::Ui;
use egui_kittest::{Harness, SnapshotOptions};

use crate::background::{Background, Jobs};
use crate::cx::{Cx, Lists};
use crate::notices::Notices;
use crate::picker::{FilePicker, Purpose};
use crate::recent::Recent;
use crate::route::Route;
use crate::tour::Tour;

/// Nobody is asked for a file.
pub struct NoPicker;

impl FilePicker for NoPicker {
    fn pick(&self, _purpose: Purpose, _done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        mpsc::channel().1
    }

    fn save(&self, _name: &str, _done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        mpsc::channel().1
    }
}

/// A machine by SSH that was never asked.
pub fn target() -> TargetView {
    TargetView {
        name: "edge-01".into(),
        kind: "ssh".into(),
        address: "deploy@edge-01:22".into(),
        config: Vec::new(),
        credential: Some("edge".into()),
        trusted_key: None,
        offered_key: None,
        capabilities: Vec::new(),
        reachable: None,
        checked_at: None,
        checks: Vec::new(),
        under_way: None,
        live: Vec::new(),
        not_answering_since: None,
        fault: None,
    }
}

/// A model that was changed an hour ago.
pub fn model(name: &str, versions: u32) -> ModelItem {
    ModelItem {
        name: name.parse().expect("a name"),
        latest: versions,
        versions,
        aliases: Vec::new(),
        live: 0,
        family: None,
        size_bytes: 12_000,
        updated_at: (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(65)).to_string(),
        archived: false,
    }
}

/// A version of `tumour` on that machine.
pub fn deployment(version: u32, state: DeploymentState) -> DeploymentItem {
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
        far: None,
        was: None,
        rollback_to: None,
        forward_to: None,
        at: "2026-01-01T00:00:00Z".into(),
        seconds: 1.5,
        parity: None,
        steps: Vec::new(),
        fault: None,
        unknown_since: None,
        not_answering_since: None,
        ended_at: None,
        changed_nothing: None,
    }
}

/// A job that runs.
pub fn running(command: Command) -> JobView {
    JobView {
        id: "job-1".into(),
        title: command.title(),
        command,
        state: JobState::Running,
        progress: None,
        fault: None,
        outcome: None,
        started_at: "2026-01-01T00:00:00Z".into(),
        seconds: 0.5,
    }
}

/// Draws a view as the window does, over an empty desk; what it asks for is thrown away.
pub fn stage(
    size: [f32; 2],
    theme: ThemeChoice,
    lists: Lists,
    draw: impl FnMut(&mut Ui, &Cx<'_>) + 'static,
) -> Harness<'static> {
    working(size, theme, lists, Vec::new(), draw)
}

/// As [`stage`], while these jobs run.
pub fn working(
    size: [f32; 2],
    theme: ThemeChoice,
    lists: Lists,
    jobs: Vec<JobView>,
    mut draw: impl FnMut(&mut Ui, &Cx<'_>) + 'static,
) -> Harness<'static> {
    let (jobs, notices, recent, tour) = (Jobs::now(jobs), Notices::default(), Recent::default(), Tour::default());
    let home = tempfile::tempdir().expect("a folder");
    let options = DeskOptions { secrets: SecretsChoice::Memory, ..DeskOptions::for_home(home.path().join("home")) };
    let desk = Desk::open(options).expect("opens");
    let look = Appearance { theme, reduce_motion: true, ..Appearance::default() };
    let mut background = None;
    Harness::builder()
        .wgpu()
        .with_size(egui::vec2(size[0], size[1]))
        .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_render_cursor(false)
        .with_options(SnapshotOptions::new().threshold(1.0).max_failed_pixels(20))
        .with_context_setup(move |ctx| {
            desk_uikit::install(ctx);
            look.apply(ctx);
        })
        .build_ui(move |ui| {
            // The desk's folder stays as long as the view.
            let _home = &home;
            let made = || Background::new(desk.clone(), ui.ctx().clone()).expect("threads start");
            let (actions, dropped) = (RefCell::default(), RefCell::default());
            let keys: [Cell<bool>; 5] = Default::default();
            let whole = ui.ctx().content_rect();
            ui.painter().rect_filled(whole, 0.0, Tokens::of(ui).bg);
            let cx = Cx {
                background: background.get_or_insert_with(made),
                jobs: &jobs,
                lists: &lists,
                notices: &notices,
                recent: &recent,
                tour: &tour,
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
            draw(ui, &cx);
        })
}

/// Both themes, as the names of pictures say them.
pub const THEMES: [(ThemeChoice, &str); 2] = [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")];
