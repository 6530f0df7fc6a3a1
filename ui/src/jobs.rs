//! How jobs look: running ones with progress and cancel, failed ones with what to do.

use desk_app::{Command, JobView, Outcome};
use desk_core::VersionRef;
use desk_core::state::JobState;
use desk_uikit::progress::{self, Work};
use desk_uikit::{Badge, Button, Card, Icon, error_view, format, paint, text};
use egui::{Align, Layout, Ui};

use crate::cx::Cx;
use crate::fault::{error_text, job_state, words};
use crate::route::{Route, VersionTab};

/// What is kept when a job of this sort is cancelled.
fn keeps(command: &Command) -> &'static str {
    match command {
        Command::Deploy(_) | Command::Rollback(_) => "Cancelling undoes the finished steps",
        Command::Import(_) => "Nothing is stored when you cancel",
        // Exact methods for trees and linear models are over before anybody could cancel them.
        Command::Explain(_) => "Finished rows are kept when you cancel",
        _ => "Nothing is kept when you cancel",
    }
}

/// A running job: stage, bar, amount, time left, cancel.
pub fn running(ui: &mut Ui, cx: &Cx<'_>, job: &JobView) {
    let seconds = cx.jobs.seconds(job);
    let none = desk_core::Progress::default();
    let p = job.progress.as_ref().unwrap_or(&none);
    let stage = if p.stage.is_empty() { "Starting" } else { p.stage.as_str() };
    let work = Work {
        stage,
        done: p.done,
        total: p.total,
        about: p.about,
        unit: &p.unit,
        elapsed_secs: seconds,
        cancel_keeps: Some(keeps(&job.command)),
    };
    if paint::keyed(ui, &job.id, |ui| progress::work(ui, &work, true)) {
        cx.act(crate::cx::Action::Cancel(job.id.clone()));
    }
    // Times go on between two reports.
    ui.ctx().request_repaint_after_secs(0.5);
}

/// The newest job that fits, running or not.
pub fn newest<'c>(cx: &'c Cx<'_>, fits: impl Fn(&Command) -> bool) -> Option<&'c JobView> {
    cx.jobs.list.iter().find(|job| fits(&job.command))
}

/// The state of the newest job that fits, above a view's results: its progress while it runs, its
/// error when it failed. Returns true while it runs.
pub fn above_results(
    ui: &mut Ui,
    cx: &Cx<'_>,
    dismissed: &mut Option<String>,
    fits: impl Fn(&Command) -> bool,
) -> bool {
    let Some(job) = newest(cx, fits) else { return false };
    match job.state {
        JobState::Queued | JobState::Running => {
            Card::new().show(ui, |ui| running(ui, cx, job));
            ui.add_space(10.0);
            return true;
        }
        JobState::Failed if dismissed.as_ref() != Some(&job.id) => {
            if let Some(fault) = &job.fault {
                let error = error_text(fault).titled(format!("{} failed", words(&job.title)));
                if error_view(ui, &error, Some("Dismiss")) {
                    *dismissed = Some(job.id.clone());
                }
                ui.add_space(10.0);
            }
        }
        JobState::Failed | JobState::Cancelled | JobState::Done => {}
    }
    false
}

/// One line for lists: state, title, time; a click goes to what it made.
pub fn line(ui: &mut Ui, cx: &Cx<'_>, job: &JobView) {
    let (tone, word) = job_state(job.state);
    ui.horizontal(|ui| {
        ui.add(Badge::new(tone, word));
        text::strong(ui, words(&job.title));
        if let Some(progress) = job.progress.as_ref().filter(|_| !job.state.is_final()) {
            let percent = progress.fraction().map(|f| format!(", {}", format::percent(f64::from(f))));
            text::caption(ui, format!("{}{}", progress.stage, percent.unwrap_or_default()));
        }
        if let Some(fault) = &job.fault {
            let message = egui::RichText::new(&fault.message).color(desk_uikit::Tokens::of(ui).sub);
            ui.add(egui::Label::new(message).truncate());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            paint::keyed(ui, &job.id, |ui| {
                if job.state.is_final() {
                    if ui.add(Button::ghost("Details")).clicked() {
                        cx.go(Route::Job(job.id.clone()));
                    }
                } else if ui.add(Button::secondary("Cancel")).clicked() {
                    cx.act(crate::cx::Action::Cancel(job.id.clone()));
                }
            });
            text::caption(ui, format::duration(cx.jobs.seconds(job)));
        });
    });
}

/// Where a job's result is to be seen.
pub fn result_route(job: &JobView) -> Option<Route> {
    let tab = |version: &VersionRef, tab| match version.selector {
        desk_core::Selector::Number(number) => Some(Route::Version { model: version.model.clone(), number, tab }),
        _ => Some(Route::Model(version.model.clone())),
    };
    match (&job.command, &job.outcome) {
        (_, Some(Outcome::Import(imported))) => {
            Some(Route::Version { model: imported.model.clone(), number: imported.version, tab: VersionTab::Overview })
        }
        (_, Some(Outcome::Deploy(deployed))) => Some(Route::Deployment(deployed.deployment.clone())),
        (Command::Predict(c), _) => tab(&c.version, VersionTab::Test),
        (Command::ExportRows(c), _) => tab(&c.version, VersionTab::Test),
        (Command::ExportTensor(c), _) => tab(&c.version, VersionTab::Graph),
        (Command::Explain(c), _) => tab(&c.version, VersionTab::Explain),
        (Command::Importance(c), _) => tab(&c.version, VersionTab::Explain),
        (Command::Dependence(c), _) => tab(&c.version, VersionTab::Explain),
        (Command::Surrogate(c), _) => tab(&c.version, VersionTab::Explain),
        (Command::Deploy(c), _) => tab(&c.version, VersionTab::Deploy),
        (Command::Rollback(_) | Command::Undeploy(_), _) => Some(Route::Deployments),
        (Command::TargetAdd(_) | Command::TargetCheck(_) | Command::TargetTrust(_), _) => Some(Route::Targets),
        (Command::Sample, _) => Some(Route::Models),
        _ => None,
    }
}

/// The place shows the job by itself, so that no notice is needed.
pub fn shown_at(job: &JobView, here: &Route) -> bool {
    match (here, &job.command) {
        (Route::Job(id), _) => *id == job.id,
        (Route::Version { model, tab: VersionTab::Deploy, .. }, Command::Deploy(c)) => c.version.model == *model,
        (
            Route::Version { tab: VersionTab::Deploy, .. },
            Command::Rollback(_) | Command::TargetCheck(_) | Command::TargetTrust(_),
        )
        | (Route::Deployment(_), Command::Rollback(_)) => true,
        (Route::Targets, c) => {
            matches!(
                c,
                Command::TargetAdd(_) | Command::TargetCheck(_) | Command::TargetTrust(_) | Command::TargetRemove(_)
            )
        }
        (Route::Settings(_), c) => matches!(c, Command::Doctor | Command::Verify(_) | Command::Gc(_)),
        _ => false,
    }
}

/// The icon of a command's sort.
pub fn icon(command: &Command) -> Icon {
    match command {
        Command::Import(_) => Icon::Import,
        Command::Sample => Icon::Sample,
        Command::Predict(_) => Icon::Test,
        Command::ExportRows(_) | Command::ExportTensor(_) => Icon::Export,
        Command::Explain(_) | Command::Importance(_) | Command::Dependence(_) | Command::Surrogate(_) => Icon::Explain,
        Command::Deploy(_) => Icon::Deploy,
        Command::Rollback(_) | Command::Undeploy(_) | Command::Undo(_) => Icon::Undo,
        Command::TargetAdd(_) | Command::TargetCheck(_) | Command::TargetRemove(_) | Command::TargetTrust(_) => {
            Icon::Target
        }
        Command::CredentialRemove(_) => Icon::Credential,
        Command::Alias(_) => Icon::Alias,
        Command::Pin(_) => Icon::Pin,
        Command::Unpin(_) => Icon::Unpin,
        Command::Archive(_) | Command::Gc(_) => Icon::Archive,
        Command::Verify(_) => Icon::Proof,
        Command::Doctor => Icon::Runtime,
    }
}
