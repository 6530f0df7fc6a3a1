//! The application: state, and what happens between two frames. Drawing is in `shell` and `screens`.

mod acts;
mod clicks;
mod dropped;
mod ended;
mod memory;
mod wishes;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use desk_app::Desk;
use desk_core::state::JobState;
use desk_uikit::palette::{Outcome as PaletteOutcome, Palette};
use desk_uikit::toast::Toast;
use desk_uikit::{Appearance, Tone};
use egui::{Context, OutputCommand, Ui};

use crate::ages::Ages;
use crate::background::{Background, Jobs, Pending};
use crate::command::UiCommand;
use crate::cx::{Action, Cx, Lists, ToastAction};
use crate::dialogs::{Dialog, import::ImportDialog};
use crate::notices::Notices;
use crate::offers::{Choice, entries};
use crate::picker::FilePicker;
use crate::recent::Recent;
use crate::route::{History, NoSuchPlace, Route};
use crate::screens::Screens;
use crate::shell::Shell;
use crate::tour::Tour;
use crate::undo::Undoing;
use clicks::Clicks;
use dropped::{drop_hint, dropped_file};
use ended::Submitted;
use memory::{FocusBefore, Memory};
use wishes::Wishes;

/// The window over one desk.
pub struct Workbench {
    background: Background,
    picker: Box<dyn FilePicker>,
    history: History,
    look: Appearance,
    /// The zoom that the least size of the window was worked out for.
    limited_for: f32,
    shell: Shell,
    screens: Screens,
    lists: Lists,
    dialog: Option<Dialog>,
    palette: Option<Palette>,
    notices: Notices,
    recent: Recent,
    tour: Tour,
    memory: Memory,
    /// Where the window was when an import was started: it leads on from there only.
    import_from: Option<Route>,
    /// What was asked for, with how it is called where it cannot be started.
    submitted: Vec<(String, Pending<Submitted>)>,
    states: HashMap<String, JobState>,
    /// Live deployments that are known not to answer; none before the list is read.
    silent: Option<HashSet<String>>,
    quit_asked: bool,
    undoing: Undoing,
    ages: Ages,
    wishes: Wishes,
    clicks: Clicks,
    focus: FocusBefore,
    /// What the window is cleared with.
    ground: egui::Color32,
    /// The palette asked for the view's next step, or for its command line.
    from_palette: Option<UiCommand>,
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
            limited_for: 0.0,
            shell: Shell::default(),
            screens: Screens::default(),
            lists: Lists::default(),
            dialog: None,
            palette: None,
            notices: Notices::default(),
            recent: Recent::default(),
            tour: Tour::default(),
            memory: Memory::default(),
            focus: FocusBefore::default(),
            import_from: None,
            submitted: Vec::new(),
            states: HashMap::new(),
            silent: None,
            quit_asked: false,
            undoing: Undoing::default(),
            ages: Ages::default(),
            wishes: Wishes::default(),
            clicks: Clicks::default(),
            ground: egui::Color32::BLACK,
            from_palette: None,
        })
    }

    /// Where the window is.
    pub fn route(&self) -> &Route {
        self.history.here()
    }

    /// Goes to a place, as links and tests do.
    pub fn open(&mut self, route: Route) {
        self.memory.place_decided();
        self.history.go(route);
    }

    /// Changes how the window looks, as the settings do.
    pub fn set_look(&mut self, ctx: &Context, look: Appearance) {
        self.memory.look_decided();
        self.look = look;
        look.apply(ctx);
    }

    /// Holds what is read in the background back, or lets it come: for checks of what is shown meanwhile.
    #[doc(hidden)]
    pub fn hold_answers(&mut self, hold: bool) {
        if hold {
            self.background.hold();
        } else {
            self.background.release();
        }
    }

    /// As small as the window can be made, whatever the size of the interface: one that grew with it could become
    /// larger than the screen.
    fn limit_size(&mut self, ctx: &Context) {
        if self.limited_for != ctx.zoom_factor() {
            self.limited_for = ctx.zoom_factor();
            let least = egui::vec2(900.0, 600.0) / self.limited_for;
            ctx.send_viewport_cmd(egui::ViewportCommand::MinInnerSize(least));
        }
    }

    /// Draws one frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.ground = desk_uikit::Tokens::of(ui).bg;
        self.limit_size(&ctx);
        self.ages.begin();
        self.restore(&ctx);
        self.lists.refresh(&self.background);
        self.tour.refresh(&self.background, &self.lists);
        self.recent.visit(self.history.here());
        if ctx.input(|input| input.events.contains(&egui::Event::WindowFocused(true))) {
            self.background.look_at_files();
        }
        let jobs = self.background.jobs();
        self.notice_changes(&jobs);
        self.notice_silence();

        let [primary, copy_primary, find, rename, remove] = [(); 5].map(|()| Cell::new(false));
        let mut pressed = Vec::new();
        if self.palette.is_none() {
            let free = self.dialog.is_none();
            let typed = if free { UiCommand::Palette.typed_after(&ctx) } else { String::new() };
            pressed = UiCommand::pressed(&ctx);
            if free && pressed.contains(&UiCommand::Palette) {
                self.open_palette(&ctx, typed);
                pressed.retain(|command| *command != UiCommand::Palette);
            }
        }
        pressed.extend(self.from_palette.take());
        // Keys meant for a dialog do not reach the view below it, and none takes the dialog's place.
        let modal = self.dialog.is_some() || self.palette.is_some();
        let held = ctx.text_edit_focused() || egui::Popup::is_any_open(&ctx);
        pressed.retain(|command| !modal || command.works_over_dialogs());
        pressed.retain(|command| {
            let asked = match command {
                UiCommand::RunPrimary => &primary,
                UiCommand::CopyCommand => &copy_primary,
                UiCommand::Find => &find,
                UiCommand::Rename => &rename,
                UiCommand::Remove => &remove,
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
            notices: &self.notices,
            recent: &self.recent,
            tour: &self.tour,
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
            self.shell.show(ui, &cx, &mut self.screens, &self.history);
            primary.set(held.0);
            copy_primary.set(held.1);
        } else {
            self.shell.show(ui, &cx, &mut self.screens, &self.history);
        }
        if self.dialog.as_mut().is_some_and(|dialog| dialog.show(&ctx, &cx)) {
            self.dialog = None;
        }
        self.show_palette(&ctx, &actions);
        // Escape closes a dialog, list or menu first, and stays with a text that is being edited.
        let escape = !modal && !held && ctx.input(|input| input.key_pressed(egui::Key::Escape));
        if escape {
            self.notices.dismiss();
        }
        if let Some(action) = self.notices.show(&ctx, self.shell.notices) {
            actions.borrow_mut().push(match action {
                ToastAction::Go(route) => Action::Go(route),
                ToastAction::Run(command) => Action::Run(command),
            });
        }
        if let Some(notice) = self.notices.take_details() {
            self.dialog = Some(Dialog::notice(notice));
        }
        if let Some(path) = dropped.take() {
            self.dialog = Some(Dialog::Import(Box::new(ImportDialog::for_path(&path))));
        }
        drop_hint(&ctx, self.history.here());
        for link in pressed_links(&ctx) {
            match link.parse() {
                Ok(place) => {
                    self.dialog = None;
                    actions.borrow_mut().push(Action::Go(place));
                }
                Err(NoSuchPlace) => self.tell_no_place(&link),
            }
        }
        for action in actions.into_inner() {
            self.apply(&ctx, action);
        }
        if let Some(action) = self.undoing.found() {
            self.apply(&ctx, action);
        }
        if self.dialog.is_none() {
            self.dialog = self.picker.asked().map(Dialog::save_as);
        }
        if self.picker.failed() {
            let toast = Toast::new(Tone::Warn, "The system's file dialog did not open");
            self.notices.tell(toast.body("Type or paste the path, or drop the file on this window"));
        }
        self.wishes.go_on(&ctx, &self.background, &mut self.notices);
        self.look_after_submitted();
        self.ask_before_quitting(&ctx, &jobs);
        self.focus.keep(&ctx, self.dialog.is_some() || self.palette.is_some());
        self.ages.end(&ctx);
    }

    /// In the frame of its keys: what is typed from then on is meant for it, and for nothing in the view below.
    fn open_palette(&mut self, ctx: &Context, typed: String) {
        self.palette = Some(Palette::open_with(typed));
        ctx.memory_mut(|memory| {
            if let Some(focused) = memory.focused() {
                memory.surrender_focus(focused);
            }
        });
    }

    /// The window is cleared in [`eframe::App::clear_color`] before each frame, as those on a display are: a third of the
    /// pixels need not be painted a second time.
    pub fn is_cleared(&mut self) {
        self.shell.is_cleared = true;
    }

    /// Starts a job, as a press of its button does; a notice says so where it cannot be started.
    pub fn start(&mut self, ctx: &Context, command: desk_app::Command) {
        self.apply(ctx, Action::Run(Box::new(command)));
    }

    /// Says that a link leads nowhere in this window.
    pub fn tell_no_place(&mut self, link: &str) {
        let link = desk_uikit::text::elide_middle(link, 80);
        let toast = Toast::new(Tone::Warn, "The link leads to no place of this window");
        self.notices.tell(toast.body(format!("{link}: it may be mistyped, or made by another version of Modeldesk")));
    }

    fn show_palette(&mut self, ctx: &Context, actions: &RefCell<Vec<Action>>) {
        let Some(palette) = &mut self.palette else { return };
        let entries = entries(ctx, &self.lists, &self.background.jobs(), &self.recent);
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

    /// Closing while jobs run asks first: they would be stopped and undone.
    fn ask_before_quitting(&mut self, ctx: &Context, jobs: &Jobs) {
        let closing = ctx.input(|input| input.viewport().close_requested());
        if closing && !self.quit_asked && jobs.running().next().is_some() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            let count = jobs.running().count() as u64;
            self.dialog = Some(Dialog::quit(&desk_uikit::format::plural(count, "job is", "jobs are")));
        }
        // What it asked about has ended by itself.
        if matches!(self.dialog, Some(Dialog::Quit(_))) && jobs.running().next().is_none() {
            self.dialog = None;
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

/// Links to places of this window that were pressed in this frame; others are left to the system.
fn pressed_links(ctx: &Context) -> Vec<String> {
    let mut links = Vec::new();
    ctx.output_mut(|output| {
        output.commands.retain(|command| match command {
            OutputCommand::OpenUrl(link) if crate::route::linked(&link.url).is_some() => {
                links.push(link.url.clone());
                false
            }
            _ => true,
        });
    });
    links
}

impl eframe::App for Workbench {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.ground.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.background.cancel_all();
    }
}
