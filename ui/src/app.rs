//! The application: state, and what happens between two frames. Drawing is in `shell` and `screens`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;

use desk_app::{Command, Desk, JobView, Outcome};
use desk_core::state::JobState;
use desk_uikit::palette::{Outcome as PaletteOutcome, Palette};
use desk_uikit::toast::{Toast, Toasts};
use desk_uikit::{Appearance, Tone};
use egui::{Context, Ui};

use crate::background::{Background, Jobs, Pending, Slot, Topic};
use crate::command::UiCommand;
use crate::cx::{Action, Cx, Lists, ToastAction};
use crate::dialogs::{Dialog, import::ImportDialog};
use crate::fault::words;
use crate::jobs;
use crate::offers::{Choice, entries};
use crate::picker::FilePicker;
use crate::route::{History, Route, VersionTab};
use crate::screens::Screens;
use crate::shell::Shell;
use crate::undo::Undoing;

/// Settings that the window keeps in the store.
const LOOK: &str = "window/appearance";
const PLACE: &str = "window/route";

/// The window over one desk.
pub struct Workbench {
    background: Background,
    picker: Box<dyn FilePicker>,
    history: History,
    look: Appearance,
    shell: Shell,
    screens: Screens,
    lists: Lists,
    dialog: Option<Dialog>,
    palette: Option<Palette>,
    toasts: Toasts<ToastAction>,
    remembered: Slot<(), Remembered>,
    restored: bool,
    saving: Pending<()>,
    /// Something changed since the settings were last written.
    unsaved: bool,
    /// Where the window was when an import was started: it leads on from there only.
    import_from: Option<Route>,
    submitted: Vec<Pending<Submitted>>,
    states: HashMap<String, JobState>,
    quit_asked: bool,
    undoing: Undoing,
    /// The palette asked for the view's next step, or for its command line.
    from_palette: Option<UiCommand>,
}

/// What became of a command that was asked for.
enum Submitted {
    Started,
    /// The encrypted file of secrets must be opened first.
    Locked(Box<Command>),
}

/// What the window had when it was closed.
struct Remembered {
    look: Appearance,
    route: Option<Route>,
}

impl Workbench {
    /// A window over a desk; `ctx` must not have drawn yet.
    pub fn new(ctx: &Context, desk: Desk, picker: Box<dyn FilePicker>) -> std::io::Result<Self> {
        desk_uikit::install(ctx);
        let look = Appearance::default();
        look.apply(ctx);
        Ok(Self {
            background: Background::new(desk, ctx.clone())?,
            picker,
            history: History::default(),
            look,
            shell: Shell::default(),
            screens: Screens::default(),
            lists: Lists::default(),
            dialog: None,
            palette: None,
            toasts: Toasts::default(),
            remembered: Slot::default(),
            restored: false,
            saving: Pending::default(),
            unsaved: false,
            import_from: None,
            submitted: Vec::new(),
            states: HashMap::new(),
            quit_asked: false,
            undoing: Undoing::default(),
            from_palette: None,
        })
    }

    /// Where the window is.
    pub fn route(&self) -> &Route {
        self.history.here()
    }

    /// Goes to a place, as links and tests do.
    pub fn open(&mut self, route: Route) {
        self.restored = true;
        self.history.go(route);
    }

    /// Changes how the window looks, as the settings do.
    pub fn set_look(&mut self, ctx: &Context, look: Appearance) {
        self.restored = true;
        self.look = look;
        look.apply(ctx);
    }

    /// Once, as soon as the store has answered: looks and place of the last time.
    fn restore(&mut self, ctx: &Context) {
        if self.restored {
            return;
        }
        let value = self.remembered.ensure(&self.background, (), Topic::Fixed, |desk| {
            let look = desk.setting(LOOK)?.and_then(|value| serde_json::from_value(value).ok());
            let route = desk.setting(PLACE)?.and_then(|value| value.as_str().and_then(|text| text.parse().ok()));
            Ok(Remembered { look: look.unwrap_or_default(), route })
        });
        if let Some(found) = value.value() {
            self.restored = true;
            self.look = found.look;
            self.look.apply(ctx);
            if let Some(route) = found.route.clone().filter(|_| !self.history.can_go_back()) {
                self.history = History::at(route);
            }
        }
    }

    /// Writes looks and place when they have changed and nothing is being written.
    fn remember(&mut self) {
        if !self.unsaved || self.saving.is_running() {
            return;
        }
        self.unsaved = false;
        let (look, route) = (self.look, self.history.here().to_string());
        self.saving.start(&self.background, move |desk| {
            let look = serde_json::to_value(look).map_err(|e| desk_core::Fault::bug(e.to_string()))?;
            desk.set_setting(LOOK, &look)?;
            desk.set_setting(PLACE, &serde_json::Value::String(route))
        });
    }

    /// Draws one frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        // Ages such as "2 min ago" go on in a window that nobody touches.
        ctx.request_repaint_after_secs(60.0);
        self.restore(&ctx);
        self.lists.refresh(&self.background);
        let jobs = self.background.jobs();
        self.notice_changes(&jobs);

        let [primary, copy_primary, find, rename, remove] = [(); 5].map(|()| Cell::new(false));
        let mut pressed = Vec::new();
        if self.palette.is_none() {
            pressed = UiCommand::pressed(&ctx);
        }
        pressed.extend(self.from_palette.take());
        // Keys meant for a dialog do not reach the view below it.
        let modal = self.dialog.is_some() || self.palette.is_some();
        pressed.retain(|command| {
            let asked = match command {
                UiCommand::RunPrimary => &primary,
                UiCommand::CopyCommand => &copy_primary,
                UiCommand::Find => &find,
                UiCommand::Rename => &rename,
                UiCommand::Remove => &remove,
                // What lies below a dialog stays as it is.
                UiCommand::Undo | UiCommand::Redo | UiCommand::NextRegion | UiCommand::PreviousRegion => return !modal,
                _ => return true,
            };
            asked.set(true);
            false
        });
        let dropped = RefCell::new(dropped_file(&ctx));
        let actions = RefCell::new(pressed.into_iter().map(Action::Ui).collect::<Vec<_>>());
        let cx = Cx {
            background: &self.background,
            jobs: &jobs,
            lists: &self.lists,
            route: self.history.here(),
            look: self.look,
            picker: self.picker.as_ref(),
            actions: &actions,
            primary: &primary,
            copy_primary: &copy_primary,
            find: &find,
            rename: &rename,
            remove: &remove,
            dropped: &dropped,
        };
        if modal {
            let held = (primary.take(), copy_primary.take());
            for key in [&find, &rename, &remove] {
                key.set(false);
            }
            self.shell.show(ui, &cx, &mut self.screens, &self.history, self.toasts.height());
            primary.set(held.0);
            copy_primary.set(held.1);
        } else {
            self.shell.show(ui, &cx, &mut self.screens, &self.history, self.toasts.height());
        }
        if self.dialog.as_mut().is_some_and(|dialog| dialog.show(&ctx, &cx)) {
            self.dialog = None;
        }
        self.show_palette(&ctx, &actions);
        // Escape closes a dialog first, and stays with a text that is being edited.
        let escape = !modal && !ctx.text_edit_focused() && ctx.input(|input| input.key_pressed(egui::Key::Escape));
        if escape {
            self.toasts.dismiss();
        }
        if let Some(action) = self.toasts.show(&ctx, self.shell.notices) {
            actions.borrow_mut().push(match action {
                ToastAction::Go(route) => Action::Go(route),
                ToastAction::Run(command) => Action::Run(command),
            });
        }
        if let Some(path) = dropped.take() {
            self.dialog = Some(Dialog::Import(Box::new(ImportDialog::for_path(&path))));
        }
        drop_hint(&ctx, self.history.here());
        for action in actions.into_inner() {
            self.apply(&ctx, action);
        }
        if let Some(action) = self.undoing.found() {
            self.apply(&ctx, action);
        }
        if self.picker.failed() {
            let toast = Toast::new(Tone::Warn, "The system's file dialog did not open");
            self.toasts.push(toast.body("Type or paste the path, or drop the file on this window"));
        }
        self.look_after_submitted();
        self.ask_before_quitting(&ctx, &jobs);
    }

    fn show_palette(&mut self, ctx: &Context, actions: &RefCell<Vec<Action>>) {
        let Some(palette) = &mut self.palette else { return };
        let entries = entries(ctx, &self.lists);
        match palette.show(ctx, &entries) {
            PaletteOutcome::Open => {}
            PaletteOutcome::Closed => self.palette = None,
            PaletteOutcome::Chosen(Choice::Ui(command)) => {
                actions.borrow_mut().push(Action::Ui(command));
                self.palette = None;
            }
            PaletteOutcome::Chosen(Choice::Go(route)) => {
                actions.borrow_mut().push(Action::Go(route));
                self.palette = None;
            }
        }
    }

    fn apply(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::Go(route) => {
                self.history.go(route);
                self.unsaved = true;
            }
            Action::Run(command) => {
                if matches!(*command, Command::Import(_)) {
                    self.import_from = Some(self.history.here().clone());
                }
                let mut pending = Pending::default();
                pending.start(&self.background, move |desk| {
                    if desk.needs_passphrase(&command)? {
                        return Ok(Submitted::Locked(command));
                    }
                    desk.submit(*command).map(|_| Submitted::Started)
                });
                self.submitted.push(pending);
            }
            Action::Cancel(id) => {
                let mut pending = Pending::default();
                pending.start(&self.background, move |desk| desk.cancel(&id).map(|()| Submitted::Started));
                self.submitted.push(pending);
            }
            Action::Open(dialog) => self.dialog = Some(*dialog),
            Action::Toast(toast) => self.toasts.push(toast),
            Action::Look(look) => {
                self.look = look;
                look.apply(ctx);
                self.unsaved = true;
            }
            Action::Ui(command) => self.run_ui(ctx, command),
        }
        ctx.request_repaint();
    }

    fn run_ui(&mut self, ctx: &Context, command: UiCommand) {
        if let Some(route) = command.route() {
            return self.apply(ctx, Action::Go(route));
        }
        if let Some(tab) = command.tab() {
            return self.apply(ctx, Action::Go(self.history.here().with_tab(tab)));
        }
        if let Some(theme) = command.theme() {
            return self.apply(ctx, Action::Look(Appearance { theme, ..self.look }));
        }
        let zoom = |steps| Action::Look(self.look.zoomed(steps));
        match command {
            UiCommand::Palette => self.palette = Some(Palette::open()),
            UiCommand::Import => self.dialog = Some(Dialog::Import(Box::default())),
            UiCommand::AddSamples => self.apply(ctx, Action::Run(Box::new(Command::Sample))),
            UiCommand::NewTarget => self.dialog = Some(Dialog::new_target()),
            UiCommand::NewCredential => self.dialog = Some(Dialog::new_credential()),
            UiCommand::CancelJob => {
                let jobs = self.background.jobs();
                let newest = jobs.running().next().map(|job| job.id.clone());
                if let Some(id) = newest {
                    self.apply(ctx, Action::Cancel(id));
                }
            }
            UiCommand::Refresh => self.background.refresh_all(),
            UiCommand::Back => {
                self.history.back();
            }
            UiCommand::Forward => {
                self.history.forward();
            }
            UiCommand::ToggleNav => self.shell.nav_open = !self.shell.nav_open,
            UiCommand::ToggleInspector => self.shell.toggle_inspector(ctx),
            UiCommand::ToggleDrawer => self.shell.drawer_open = !self.shell.drawer_open,
            UiCommand::NextRegion => self.shell.move_region(ctx, true),
            UiCommand::PreviousRegion => self.shell.move_region(ctx, false),
            UiCommand::Undo => self.undoing.look(&self.background),
            UiCommand::Redo => {
                if let Some(action) = self.undoing.redo() {
                    self.apply(ctx, action);
                }
            }
            UiCommand::HighContrast => {
                let high_contrast = !self.look.high_contrast;
                self.apply(ctx, Action::Look(Appearance { high_contrast, ..self.look }));
            }
            UiCommand::Density => {
                self.apply(ctx, Action::Look(Appearance { compact: !self.look.compact, ..self.look }));
            }
            UiCommand::ZoomIn => self.apply(ctx, zoom(1)),
            UiCommand::ZoomOut => self.apply(ctx, zoom(-1)),
            UiCommand::ZoomReset => self.apply(ctx, zoom(0)),
            UiCommand::Doctor => self.apply(ctx, Action::Run(Box::new(Command::Doctor))),
            UiCommand::Verify => {
                self.apply(ctx, Action::Run(Box::new(Command::Verify(desk_app::command::Verify::default()))));
            }
            UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            UiCommand::RunPrimary
            | UiCommand::CopyCommand
            | UiCommand::Find
            | UiCommand::Rename
            | UiCommand::Remove => self.from_palette = Some(command),
            // Places, tabs and themes were handled above.
            _ => {}
        }
    }

    /// Commands that could not even be started say so.
    fn look_after_submitted(&mut self) {
        let mut failed = Vec::new();
        self.submitted.retain_mut(|pending| match pending.take() {
            None => pending.is_running(),
            Some(Ok(Submitted::Started)) => false,
            Some(Ok(Submitted::Locked(command))) => {
                self.dialog = Some(Dialog::unlock(Some(Action::Run(command))));
                false
            }
            Some(Err(fault)) => {
                failed.push(fault);
                false
            }
        });
        for fault in failed {
            let toast = Toast::new(Tone::Err, "The command could not be started").body(fault.message);
            self.toasts.push(toast);
        }
        if let Some(Err(fault)) = self.saving.take() {
            tracing::warn!("settings of the window were not kept: {}", fault.message);
        }
        self.remember();
    }

    /// A notice for each job that ended, unless the view on show says it already.
    fn notice_changes(&mut self, jobs: &Jobs) {
        for job in jobs.list.iter().rev() {
            let before = self.states.insert(job.id.clone(), job.state);
            if job.state.is_final() && before.is_none_or(|state| !state.is_final()) {
                self.job_ended(job);
            }
        }
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
                        self.toasts.push(toast);
                        self.history.go(route);
                    }
                    Some(route) => self.toasts.push(toast.action("Open", ToastAction::Go(route))),
                    None => self.toasts.push(toast),
                }
            }
            (JobState::Done, Some(Outcome::Samples(_))) => {
                self.toasts.push(Toast::new(Tone::Ok, "The samples are here, with data to try them"));
                if *here == Route::Home {
                    self.history.go(Route::Models);
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
                    self.toasts.push(toast.action("Undo", ToastAction::Run(Box::new(command))));
                } else if !seen {
                    let open = route.unwrap_or_else(|| Route::Job(job.id.clone()));
                    self.toasts.push(toast.action("Open", ToastAction::Go(open)));
                } else if matches!(outcome, Some(Outcome::Deploy(_))) {
                    self.toasts.push(toast);
                }
            }
            (JobState::Failed, _) if !seen => {
                let message = job.fault.as_ref().map(|fault| fault.message.clone()).unwrap_or_default();
                let toast = Toast::new(Tone::Err, format!("{} failed", words(&job.title))).body(message);
                self.toasts.push(toast.action("Show what to do", ToastAction::Go(Route::Job(job.id.clone()))));
            }
            (JobState::Cancelled, _) => {
                self.toasts.push(Toast::new(Tone::Neutral, format!("{}: cancelled", words(&job.title))));
            }
            _ => {}
        }
    }

    /// Closing while jobs run asks first: they would be stopped and undone.
    fn ask_before_quitting(&mut self, ctx: &Context, jobs: &Jobs) {
        let closing = ctx.input(|input| input.viewport().close_requested());
        if closing && !self.quit_asked && jobs.running().next().is_some() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            let count = jobs.running().count() as u64;
            self.dialog = Some(Dialog::quit(&desk_uikit::format::plural(count, "job", "jobs")));
        }
        if let Some(Dialog::Quit(quit)) = &self.dialog
            && quit.agreed
        {
            self.quit_asked = true;
            self.background.cancel_all();
            self.dialog = None;
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }
}

impl eframe::App for Workbench {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.background.cancel_all();
    }
}

fn dropped_file(ctx: &Context) -> Option<PathBuf> {
    ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_path_buf()))
}

/// While a file hovers over the window: what will happen when it is let go.
fn drop_hint(ctx: &Context, here: &Route) {
    if !ctx.input(|input| !input.raw.hovered_files.is_empty()) {
        return;
    }
    let t = desk_uikit::Tokens::of_ctx(ctx);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop-hint"));
    let painter = ctx.layer_painter(layer);
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, t.bg.gamma_multiply(0.85));
    painter.rect_stroke(rect.shrink(12.0), 8.0, egui::Stroke::new(2.0, t.accent), egui::StrokeKind::Inside);
    // The words stand on a plate: what lies below would run through them.
    let plate = egui::Rect::from_center_size(rect.center() + egui::vec2(0.0, 14.0), egui::vec2(380.0, 96.0));
    painter.rect(plate, 8.0, t.raised, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Inside);
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        "Drop to import a model",
        desk_uikit::fonts::semibold(desk_uikit::fonts::size::TITLE),
        t.strong,
    );
    let data = matches!(here, Route::Version { tab: VersionTab::Test | VersionTab::Explain, .. });
    painter.text(
        rect.center() + egui::vec2(0.0, 28.0),
        egui::Align2::CENTER_CENTER,
        if data { "A data file goes into this view" } else { "An ONNX file, or a folder with one" },
        desk_uikit::fonts::regular(desk_uikit::fonts::size::BODY),
        t.text,
    );
}
