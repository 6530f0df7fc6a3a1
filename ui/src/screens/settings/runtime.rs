//! Settings of the runtime: which library, whether it works in a worker, and choosing another one.

use std::path::PathBuf;

use desk_app::query::{LibraryRule, RuntimeView};
use desk_app::{Command, Outcome};
use desk_core::Cancel;
use desk_uikit::field::Field;
use desk_uikit::loadable::loadable_view;
use desk_uikit::{Button, Card, ErrorText, Icon, Tone, error_view, kv, text};
use egui::Ui;

use crate::background::{Pending, Slot, Topic};
use crate::command::UiCommand;
use crate::cx::Cx;
use crate::fault::error_text;
use crate::jobs;
use crate::picker::{Picked, Purpose};
use crate::screens::targets::checks;

/// What the section remembers.
#[derive(Default)]
pub struct Runtime {
    view: Slot<(), (RuntimeView, Option<PathBuf>)>,
    path: String,
    picked: Picked,
    trying: Pending<()>,
    error: Option<ErrorText>,
    dismissed: Option<String>,
}

impl Runtime {
    /// Draws the section.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.take_answers();
        self.view
            .ensure(cx.background, (), Topic::Fixed, |desk| Ok((desk.runtime(&Cancel::new()), desk.chosen_runtime()?)));
        let slot = &mut self.view;
        let mut forget = false;
        Card::titled("ONNX Runtime").show(ui, |ui| {
            let retry = loadable_view(ui, &slot.value, |ui, (view, chosen)| {
                state(ui, view);
                if let Some(path) = chosen.as_ref().filter(|_| view.rule != Some(LibraryRule::Settings)) {
                    text::caption_wrapped(
                        ui,
                        format!("The choice of these settings, {}, waits until that is gone", path.display()),
                    );
                }
                forget = chosen.is_some() && ui.add(Button::ghost("Forget the choice").icon(Icon::Undo)).clicked();
            });
            if retry {
                slot.again();
            }
        });
        if forget {
            self.trying.start(cx.background, desk_app::Desk::forget_runtime);
        }
        ui.add_space(10.0);
        self.choose(ui, cx);
        ui.add_space(10.0);
        Card::titled("This computer").show(ui, |ui| {
            cx.primary(ui, Icon::Runtime, "Check this computer", Ok(Command::Doctor));
            text::caption(ui, UiCommand::Doctor.tooltip());
        });
        ui.add_space(8.0);
        let mine = |command: &Command| matches!(command, Command::Doctor);
        jobs::above_results(ui, cx, &mut self.dismissed, mine);
        if let Some(Outcome::Doctor(diagnosis)) = jobs::newest(cx, mine).and_then(|job| job.outcome.as_ref()) {
            Card::titled("What works here").show(ui, |ui| checks(ui, &diagnosis.checks));
        }
    }

    fn take_answers(&mut self) {
        if let Some(path) = self.picked.take() {
            self.path = path.to_string_lossy().into_owned();
        }
        match self.trying.take() {
            Some(Ok(())) => {
                self.path.clear();
                self.view.again();
            }
            Some(Err(fault)) => {
                let mut error = error_text(&fault).titled("This library cannot be used");
                error.still_holds = Some("The library that was used before is still used".to_owned());
                self.error = Some(error);
            }
            None => {}
        }
    }

    fn choose(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        Card::titled("Use another library").show(ui, |ui| {
            if let Some(error) = self.error.clone()
                && error_view(ui, &error, Some("Dismiss"))
            {
                self.error = None;
            }
            let field = Field::new("Library file or folder")
                .help("It is tried in a worker process first and kept only when it works there");
            let output = field.show_path(ui, &mut self.path, "/path/to/libonnxruntime.so");
            if output.browse {
                self.picked.wait(cx.pick(ui.ctx(), Purpose::Library));
            }
            ui.add_space(4.0);
            let reason = self.path.trim().is_empty().then_some("Choose a library first");
            let reason = self.trying.is_running().then_some("It is being tried").or(reason);
            ui.horizontal(|ui| {
                let button = Button::secondary("Try and use it").icon(Icon::Check).disabled_if(reason);
                if ui.add(button).clicked() {
                    self.error = None;
                    let path = PathBuf::from(self.path.trim());
                    self.trying
                        .start(cx.background, move |desk| desk.choose_runtime(&path, &Cancel::new()).map(|_| ()));
                }
                text::caption(ui, "The environment variable MODELDESK_ORT_LIB goes before this choice");
            });
        });
    }
}

fn state(ui: &mut Ui, view: &RuntimeView) {
    if let Some(fault) = &view.fault {
        error_view(ui, &error_text(fault).titled("The runtime cannot be used"), None);
        return;
    }
    kv::properties(ui, |kv| {
        kv.status("State", Tone::Ok, "Works, in a worker process of its own");
        kv.text("Version", view.version.as_deref().unwrap_or("not looked at yet"));
        if let Some(library) = &view.library {
            kv.copyable("Library", library);
        }
        if let Some(rule) = view.rule {
            kv.text("Chosen", rule.words());
        }
        if view.sandbox_losses.is_empty() {
            kv.status("Sandbox", Tone::Ok, "Workers see only their files and have no network");
        }
        for loss in &view.sandbox_losses {
            kv.status("Sandbox", Tone::Warn, loss);
        }
    });
}
