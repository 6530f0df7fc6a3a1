//! What became of commands and jobs: notices, and where the window goes on.

use std::collections::HashSet;

use desk_app::query::DeploymentItem;
use desk_app::{Command, JobView, Outcome};
use desk_core::Fault;
use desk_core::state::JobState;
use desk_uikit::Tone;
use desk_uikit::toast::Toast;

use super::Workbench;
use crate::background::Jobs;
use crate::cx::{Action, ToastAction};
use crate::dialogs::Dialog;
use crate::fault::{sentence, words};
use crate::jobs;
use crate::route::Route;
use crate::screens::place;

/// What became of a command that was asked for.
pub(super) enum Submitted {
    Started,
    /// The encrypted file of secrets must be opened first.
    Locked(Box<Command>),
}

impl Workbench {
    /// Commands that could not even be started say so.
    pub(super) fn look_after_submitted(&mut self) {
        let mut failed = Vec::new();
        self.submitted.retain_mut(|(title, pending)| match pending.take() {
            None => pending.is_running(),
            Some(Ok(Submitted::Started)) => false,
            Some(Ok(Submitted::Locked(command))) => {
                self.dialog = Some(Dialog::unlock(Some(Action::Run(command))));
                false
            }
            Some(Err(fault)) => {
                failed.push((std::mem::take(title), fault));
                false
            }
        });
        for (title, fault) in failed {
            self.notices.tell_fault(Toast::new(Tone::Err, title), &fault);
        }
        self.remember();
    }

    /// A notice for each job that ended, unless the view on show says it already.
    pub(super) fn notice_changes(&mut self, jobs: &Jobs) {
        for job in jobs.list.iter().rev() {
            let before = self.states.insert(job.id.clone(), job.state);
            if job.state.is_final() && before.is_none_or(|state| !state.is_final()) {
                self.job_ended(job);
            }
        }
    }

    /// A notice for each live deployment that is found not to answer, unless it was known when the window opened or the
    /// view on show says it already.
    pub(super) fn notice_silence(&mut self) {
        let Some(list) = self.lists.deployments.value.value() else { return };
        let silent = list.iter().filter(|deployment| deployment.not_answering_since.is_some());
        let now: HashSet<String> = silent.clone().map(|deployment| deployment.id.clone()).collect();
        let told: Vec<_> = match &self.silent {
            Some(before) => silent.filter(|deployment| !before.contains(&deployment.id)).collect(),
            None => Vec::new(),
        };
        let toasts: Vec<_> = told.into_iter().map(|deployment| (place(deployment), gone_silent(deployment))).collect();
        self.silent = Some(now);
        for (place, toast) in toasts.into_iter().filter(|(place, _)| place != self.history.here()) {
            self.notices.tell(toast.action("Open", ToastAction::Go(place)));
        }
    }

    /// An import that was started here and failed: its form comes back with what was chosen, unless somebody is
    /// elsewhere by now. True when it did, as it says what went wrong.
    fn shows_import_again(&mut self, job: &JobView) -> bool {
        let (Command::Import(import), Some(fault)) = (&job.command, &job.fault) else { return false };
        let is_free = self.dialog.is_none() && self.palette.is_none();
        if !is_free || self.import_from.take().as_ref() != Some(self.history.here()) {
            return false;
        }
        self.dialog = Some(Dialog::import_again(import, fault));
        let title = format!("{} failed", words(&job.title));
        self.notices.note_fault(Toast::new(Tone::Err, title), fault);
        true
    }

    fn job_ended(&mut self, job: &JobView) {
        self.undoing.ended(job);
        let route = jobs::result_route(job);
        let here = self.history.here();
        let seen = route.as_ref() == Some(here) || jobs::shown_at(job, here);
        match (&job.state, &job.outcome) {
            (JobState::Done, Some(Outcome::Import(imported))) => {
                let version = format!("{} v{}", imported.model, imported.version);
                let text = if imported.created {
                    format!("Imported as {version}")
                } else {
                    format!("These bytes are {version} already")
                };
                let toast = Toast::new(Tone::Ok, text);
                match route {
                    Some(route) if self.import_from.take().as_ref() == Some(here) => {
                        self.notices.tell(toast);
                        self.history.go(route);
                    }
                    Some(route) => self.notices.tell(toast.action("Open", ToastAction::Go(route))),
                    None => self.notices.tell(toast),
                }
            }
            (JobState::Done, Some(Outcome::Samples(_))) => {
                self.notices.tell(Toast::new(Tone::Ok, "The samples are here, with data to try them"));
                if *here == Route::Home {
                    self.history.go(Route::Models);
                }
            }
            (JobState::Done, Some(Outcome::Exported(exported))) => {
                let rows = desk_uikit::format::plural(exported.rows, "row", "rows");
                let toast = Toast::new(Tone::Ok, format!("{rows} written"));
                self.notices.tell(toast.body(exported.out.display().to_string()));
            }
            (JobState::Done, Some(Outcome::Tensor(written))) => {
                let values = desk_uikit::format::plural(written.values, "value", "values");
                let toast = Toast::new(Tone::Ok, format!("{values} of {} written", written.tensor));
                self.notices.tell(toast.body(written.out.display().to_string()));
            }
            (JobState::Done, Some(Outcome::Target(target)))
                if matches!(job.command, Command::TargetCheck(_)) && target.worst().is_some() =>
            {
                let found = target.worst().map(|check| sentence(&check.detail)).unwrap_or_default();
                let toast = Toast::new(Tone::Warn, format!("{} does not work as it should", target.name));
                if !seen {
                    self.notices.tell(toast.body(words(&found)).action("Open", ToastAction::Go(Route::Targets)));
                }
            }
            (JobState::Done, outcome) => {
                let undo = match outcome {
                    Some(Outcome::Done(done)) => done.undo,
                    Some(Outcome::Alias(moved)) => moved.undo,
                    _ => None,
                };
                let text = match outcome {
                    Some(Outcome::Done(done)) => done.message.clone(),
                    Some(Outcome::Deploy(deployed)) => {
                        let stopped = deployed.state == desk_core::state::DeploymentState::Stopped;
                        let does = if stopped { "no longer served" } else { "live" };
                        format!("{} is {does} on {}", deployed.version.replace('@', " v"), deployed.target)
                    }
                    _ => format!("{}: done", words(&job.title)),
                };
                let toast = Toast::new(Tone::Ok, text);
                if let Some(operation) = undo {
                    let command = Command::Undo(desk_app::command::Undo { operation });
                    self.notices.tell(toast.action("Undo", ToastAction::Run(Box::new(command))));
                } else if !seen {
                    let open = route.unwrap_or_else(|| Route::Job(job.id.clone()));
                    self.notices.tell(toast.action("Open", ToastAction::Go(open)));
                } else if matches!(outcome, Some(Outcome::Deploy(_))) {
                    self.notices.tell(toast);
                }
            }
            (JobState::Failed, _) if self.shows_import_again(job) => {}
            (JobState::Failed, _) => {
                let toast = Toast::new(Tone::Err, format!("{} failed", words(&job.title)));
                let toast = toast.action("Show what to do", ToastAction::Go(Route::Job(job.id.clone())));
                let unknown = Fault::bug("nothing is known about why");
                let fault = job.fault.as_ref().unwrap_or(&unknown);
                if seen { self.notices.note_fault(toast, fault) } else { self.notices.tell_fault(toast, fault) }
            }
            (JobState::Cancelled, _) => {
                self.notices.tell(Toast::new(Tone::Neutral, format!("{}: cancelled", words(&job.title))));
            }
            _ => {}
        }
    }
}

/// A server that should run does not.
fn gone_silent(deployment: &DeploymentItem) -> Toast<ToastAction> {
    let what = format!("{} v{} on {} does not answer", deployment.model, deployment.version, deployment.target);
    Toast::new(Tone::Err, what).body("Deploy it again there: that starts it and proves it once more")
}
