//! What the window does when a view, a key or the palette asks for something.

use desk_app::Command;
use desk_uikit::palette::Palette;
use desk_uikit::{Appearance, Tone};
use egui::Context;

use super::{Submitted, Workbench};
use crate::background::Pending;
use crate::command::UiCommand;
use crate::cx::Action;
use crate::dialogs::Dialog;
use crate::fault::words;

impl Workbench {
    /// Does what a view, a key or the palette asked for.
    pub(super) fn apply(&mut self, ctx: &Context, action: Action) {
        let begins = matches!(action, Action::Go(_) | Action::Run(_) | Action::Cancel(_) | Action::Open(_));
        if begins && self.clicks.is_second(ctx) {
            return;
        }
        match action {
            Action::Go(route) => {
                self.history.go(route);
                self.memory.changed();
            }
            Action::Run(command) => {
                if matches!(*command, Command::Import(_)) {
                    self.import_from = Some(self.history.here().clone());
                }
                let title = format!("{} could not be started", words(&command.title()));
                let twice = self.background.jobs().running().any(|job| job.command == *command);
                if twice || self.submitted.iter().any(|(other, pending)| *other == title && pending.is_running()) {
                    // Pressed again, or a key held: once is enough.
                    return;
                }
                let mut pending = Pending::default();
                pending.start(&self.background, move |desk| {
                    if desk.needs_passphrase(&command)? {
                        return Ok(Submitted::Locked(command));
                    }
                    desk.submit(*command).map(|_| Submitted::Started)
                });
                self.submitted.push((title, pending));
            }
            Action::Cancel(id) => {
                let mut pending = Pending::default();
                pending.start(&self.background, move |desk| desk.cancel(&id).map(|()| Submitted::Started));
                self.submitted.push(("It could not be cancelled".to_owned(), pending));
            }
            Action::Open(dialog) => self.dialog = Some(*dialog),
            Action::Toast(toast) => match toast.tone {
                Tone::Warn | Tone::Err => self.notices.tell(toast),
                // What a view says of itself nobody needs later.
                _ => self.notices.whisper(toast),
            },
            Action::Notices(act) => self.notices.act(act),
            Action::Tour(act) => self.tour.act(act),
            Action::Wish(wish) => {
                self.wishes.begin(ctx, wish, &self.background, self.picker.as_ref(), &mut self.notices);
            }
            Action::SaveValues(run, name) => self.wishes.save_values(ctx, run, &name, self.picker.as_ref()),
            Action::Look(look) => {
                self.look = look;
                look.apply(ctx);
                self.memory.changed();
            }
            Action::Ui(command) => self.run_ui(ctx, command),
        }
        ctx.request_repaint();
    }

    fn run_ui(&mut self, ctx: &Context, command: UiCommand) {
        if let Some(route) = command.route() {
            self.shell.enter_view(ctx);
            return self.apply(ctx, Action::Go(route));
        }
        if let Some(tab) = command.tab() {
            self.shell.enter_view(ctx);
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
            UiCommand::Tour => self.tour.toggle(),
            UiCommand::Notices => self.dialog = Some(Dialog::notices()),
            UiCommand::Help => self.dialog = Some(Dialog::help(self.history.here())),
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
}
