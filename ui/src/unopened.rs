//! The window where the folder with everything in it cannot be opened: why, what helps, and another try.

use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use desk_app::{Desk, DeskOptions};
use desk_core::Fault;
use desk_uikit::{Appearance, ErrorText, Tokens, error_view, text};
use egui::{CentralPanel, Context, Frame, Ui};

/// Width of the card: lines of a length that reads well.
const WIDTH: f32 = 600.0;

/// A home that could not be opened.
pub struct Unopened {
    options: DeskOptions,
    error: ErrorText,
    /// Another try, while it is under way.
    opening: Option<Receiver<Result<Desk, Fault>>>,
    /// The last try ended as the one before.
    as_before: bool,
}

impl Unopened {
    /// Of how it was to be opened, and why it could not be; `ctx` must not have drawn yet.
    pub fn new(ctx: &Context, options: DeskOptions, fault: &Fault) -> Self {
        desk_uikit::install(ctx);
        Appearance::default().apply(ctx);
        let error = error_of(&options.home, fault);
        Self { options, error, opening: None, as_before: false }
    }

    /// Draws it; the desk once another try has succeeded.
    pub fn show(&mut self, ui: &mut Ui) -> Option<Desk> {
        let desk = self.opened();
        let t = Tokens::of(ui);
        let again = CentralPanel::default().frame(Frame::new().fill(t.bg)).show(ui, |ui| {
            let width = WIDTH.min(ui.available_width() - 48.0);
            let side = (ui.available_width() - width) / 2.0;
            let top = ui.available_height() * 0.2;
            ui.add_space(top);
            ui.horizontal_top(|ui| {
                ui.add_space(side);
                ui.vertical(|ui| self.card(ui, width)).inner
            })
            .inner
        });
        if again.inner && self.opening.is_none() {
            self.open(ui.ctx());
        }
        desk
    }

    /// True when another try is asked for.
    fn card(&self, ui: &mut Ui, width: f32) -> bool {
        ui.set_width(width);
        let again = error_view(ui, &self.error, Some("Try again"));
        ui.add_space(8.0);
        if self.opening.is_some() {
            text::caption(ui, "Trying again…");
        } else if self.as_before {
            text::caption(ui, "Tried again: it is as before");
        }
        again
    }

    /// A folder that hangs must not stop the window.
    fn open(&mut self, ctx: &Context) {
        let (sender, receiver) = channel();
        let (options, ctx) = (self.options.clone(), ctx.clone());
        let spawned = std::thread::Builder::new().name("open".into()).spawn(move || {
            // The window may have been closed meanwhile.
            let _closed = sender.send(Desk::open(options)).is_err();
            ctx.request_repaint();
        });
        self.opening = spawned.is_ok().then_some(receiver);
    }

    fn opened(&mut self) -> Option<Desk> {
        let result = match self.opening.as_ref()?.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(Fault::bug("the thread that opens the folder stopped")),
        };
        self.opening = None;
        let fault = match result {
            Ok(desk) => return Some(desk),
            Err(fault) => fault,
        };
        let error = error_of(&self.options.home, &fault);
        self.as_before = error.message == self.error.message;
        self.error = error;
        None
    }
}

fn error_of(home: &Path, fault: &Fault) -> ErrorText {
    let mut error = crate::fault::error_text(fault).titled("The folder with your models cannot be opened");
    // There is no window behind this one in which a place could be shown.
    error.links.clear();
    error.details.push(format!("Folder: {}", home.display()));
    error
}
