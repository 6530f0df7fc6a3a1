//! What every view gets: data to read, and one way to ask for something.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::mpsc;

use desk_app::Command;
use desk_app::outcome::TargetView;
use desk_app::query::{DeploymentItem, ModelFilter, ModelItem};
use desk_core::ModelName;
use desk_core::state::DeploymentState;
use desk_uikit::plot::Wish;
use desk_uikit::toast::Toast;
use desk_uikit::{Button, Icon};
use egui::Ui;

use crate::background::{Background, Jobs, Slot, Topic};
use crate::command::UiCommand;
use crate::dialogs::Dialog;
use crate::intent::{Intent, Next};
use crate::notices::Notices;
use crate::picker::{FilePicker, Purpose};
use crate::recent::Recent;
use crate::route::Route;
use crate::tour::Tour;

/// The name of the button that copies a command line.
pub const COPY_COMMAND: &str = "Copy as command";

/// Something that a view asks the window to do; done after the frame, in order.
pub enum Action {
    /// Go to a place.
    Go(Route),
    /// Start a command as a job.
    Run(Box<Command>),
    /// Do one of the window's own commands.
    Ui(UiCommand),
    /// Ask a job to stop.
    Cancel(String),
    /// Open a dialog.
    Open(Box<Dialog>),
    /// Show a notice.
    Toast(Toast<ToastAction>),
    /// Do something with the list of notices.
    Notices(crate::notices::Act),
    /// Move on in the tour.
    Tour(crate::tour::Act),
    /// Copy or save a chart or its numbers.
    Wish(Wish),
    /// Writes a recorded explanation, of this run, to a file of about this name.
    SaveValues(String, String),
    /// Change how the window looks.
    Look(desk_uikit::Appearance),
}

/// What a button on a notice does.
#[derive(Debug, Clone, PartialEq)]
pub enum ToastAction {
    /// Go to a place.
    Go(Route),
    /// Start a command.
    Run(Box<Command>),
}

/// Lists that several parts of the window show.
#[derive(Default)]
pub struct Lists {
    /// All models that are not archived.
    pub models: Slot<(), Vec<ModelItem>>,
    /// Models that were archived.
    pub archived: Slot<(), Vec<ModelItem>>,
    /// All targets.
    pub targets: Slot<(), Vec<TargetView>>,
    /// All deployments, newest first.
    pub deployments: Slot<(), Vec<DeploymentItem>>,
}

impl Lists {
    /// A model of either list.
    pub fn model(&self, name: &ModelName) -> Option<&ModelItem> {
        let all = [&self.models, &self.archived].into_iter().filter_map(|slot| slot.value.value()).flatten();
        all.into_iter().find(|model| model.name == *name)
    }

    /// What should be live and did not answer when it was checked last.
    pub fn silent(&self) -> impl Iterator<Item = &DeploymentItem> {
        let all = self.deployments.value.value().into_iter().flatten();
        all.filter(|deployment| deployment.state == DeploymentState::Live && deployment.not_answering_since.is_some())
    }

    /// The targets on which a version of a model, or any of them, is live and silent.
    pub fn silent_on(&self, model: &ModelName, version: Option<u32>) -> Vec<&str> {
        let of_it = self.silent().filter(|d| d.model == *model && version.is_none_or(|number| number == d.version));
        of_it.map(|deployment| deployment.target.as_str()).collect()
    }

    /// Reads again what has changed.
    pub fn refresh(&mut self, background: &Background) {
        self.models.ensure(background, (), Topic::Models, |desk| desk.models(&ModelFilter::default()));
        self.archived.ensure(background, (), Topic::Models, |desk| {
            let mut models = desk.models(&ModelFilter { archived: true, ..ModelFilter::default() })?;
            models.retain(|model| model.archived);
            Ok(models)
        });
        self.targets.ensure(background, (), Topic::Targets, desk_app::Desk::targets);
        self.deployments.ensure(background, (), Topic::Deployments, |desk| desk.deployments(None));
    }
}

/// The window as a view sees it.
pub struct Cx<'a> {
    /// Where data comes from.
    pub background: &'a Background,
    /// Jobs as they were a moment ago.
    pub jobs: &'a Jobs,
    /// Lists that several parts show.
    pub lists: &'a Lists,
    /// What was told.
    pub notices: &'a Notices,
    /// What was visited last.
    pub recent: &'a Recent,
    /// Where the tour stands.
    pub tour: &'a Tour,
    /// Where the window is.
    pub route: &'a Route,
    /// How the window looks.
    pub look: desk_uikit::Appearance,
    pub(crate) picker: &'a dyn FilePicker,
    pub(crate) actions: &'a RefCell<Vec<Action>>,
    pub(crate) primary: &'a Cell<bool>,
    pub(crate) copy_primary: &'a Cell<bool>,
    /// The list's filter was asked for.
    pub(crate) find: &'a Cell<bool>,
    /// Another name for what is selected was asked for.
    pub(crate) rename: &'a Cell<bool>,
    /// What is selected shall go.
    pub(crate) remove: &'a Cell<bool>,
    pub(crate) dropped: &'a RefCell<Option<PathBuf>>,
}

impl Cx<'_> {
    /// Asks the window to do something after this frame.
    pub fn act(&self, action: Action) {
        self.actions.borrow_mut().push(action);
    }

    /// Goes to a place.
    pub fn go(&self, route: Route) {
        self.act(Action::Go(route));
    }

    /// Starts a command as a job.
    pub fn run(&self, command: Command) {
        self.act(Action::Run(Box::new(command)));
    }

    /// Opens a dialog.
    pub fn open(&self, dialog: Dialog) {
        self.act(Action::Open(Box::new(dialog)));
    }

    /// Copies or saves a chart or its numbers, when that was asked for.
    pub fn wish(&self, wish: Option<Wish>) {
        if let Some(wish) = wish {
            self.act(Action::Wish(wish));
        }
    }

    /// Opens the system's file dialog.
    pub fn pick(&self, ctx: &egui::Context, purpose: Purpose) -> mpsc::Receiver<Option<PathBuf>> {
        let ctx = ctx.clone();
        self.picker.pick(purpose, Box::new(move || ctx.request_repaint()))
    }

    /// A file that was dropped on the window, for the view that takes it first.
    pub fn take_dropped(&self, takes: impl Fn(&std::path::Path) -> bool) -> Option<PathBuf> {
        let mut dropped = self.dropped.borrow_mut();
        if dropped.as_deref().is_some_and(takes) { dropped.take() } else { None }
    }

    /// The view's next step: one primary button with a way to copy it as a command beside it.
    ///
    /// `command` says why it cannot be done when it cannot. The button also answers to its
    /// shortcut; returns true when the command was started.
    pub fn primary(&self, ui: &mut Ui, icon: Icon, label: &str, command: Result<Command, &str>) -> bool {
        self.primary_soon(ui, icon, label, command.into(), &mut Intent::default())
    }

    /// As [`Self::primary`], for a step that may have to wait a moment: a press until then is kept.
    pub fn primary_soon(&self, ui: &mut Ui, icon: Icon, label: &str, next: Next<'_>, intent: &mut Intent) -> bool {
        let started = ui.horizontal(|ui| self.step(ui, Button::primary(label).icon(icon), next, intent)).inner;
        intent.note(ui);
        started
    }

    /// A step's button, which its shortcut presses too, and its command line to copy.
    ///
    /// Both are there all the time, so that nothing moves under the pointer when the step becomes possible.
    pub fn step(&self, ui: &mut Ui, button: Button<'_>, next: Next<'_>, intent: &mut Intent) -> bool {
        intent.begin(ui);
        let mut button = button.shortcut(UiCommand::RunPrimary.shortcut_text(ui.ctx()));
        match &next {
            Next::Now(_) => {}
            Next::Soon(_) if intent.is_kept() => {
                button = button.icon(Icon::Pending).tooltip("It starts by itself; another press takes it back");
            }
            Next::Soon(reason) => button = button.tooltip(reason),
            Next::Not(reason) => button = button.disabled_because(reason),
        }
        let clicked = ui.add(button).clicked();
        let by_key = self.primary.take();
        match &next {
            Next::Now(command) => {
                self.copy_command(ui, command);
                if self.copy_primary.take() {
                    self.copied(ui, &command.to_cli());
                }
            }
            Next::Soon(reason) | Next::Not(reason) => {
                ui.add(Button::icon_only(Icon::Terminal, COPY_COMMAND).disabled_because(reason));
            }
        }
        match intent.decide(next, clicked || by_key) {
            Some(command) => {
                self.run(command);
                true
            }
            None => false,
        }
    }

    /// A small button that copies the command line which does the same.
    pub fn copy_command(&self, ui: &mut Ui, command: &Command) {
        self.copy_line(ui, &command.to_cli());
    }

    /// The same for what is no command but a question.
    pub fn copy_line(&self, ui: &mut Ui, line: &str) {
        if ui.add(Button::icon_only(Icon::Terminal, COPY_COMMAND).tooltip(line)).clicked() {
            self.copied(ui, line);
        }
    }

    fn copied(&self, ui: &Ui, line: &str) {
        ui.ctx().copy_text(line.to_owned());
        self.act(Action::Toast(Toast::new(desk_uikit::Tone::Ok, "The command is in the clipboard")));
    }
}
