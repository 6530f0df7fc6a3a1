//! An explanation that was stopped: what of it is kept, and how it goes on.

use desk_app::{Command, finished_rows};
use desk_uikit::{Button, Card, Icon, text};
use egui::Ui;

use crate::cx::Cx;
use crate::fault::sentence;
use crate::jobs;

/// Tells of the newest explanation where it was stopped with rows finished, until it goes on or that was said to be enough.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, enough: &mut Option<String>, mine: impl Fn(&Command) -> bool) {
    let Some(job) = jobs::newest(cx, mine) else { return };
    if !job.state.is_final() || enough.as_ref() == Some(&job.id) {
        return;
    }
    let (Some(kept), Command::Explain(asked)) = (job.fault.as_ref().and_then(finished_rows), &job.command) else {
        return;
    };
    Card::titled("Stopped").show(ui, |ui| {
        text::body(ui, sentence(kept));
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            let on = Command::Explain(desk_app::command::Explain { finished: false, ..asked.clone() });
            if ui.add(Button::secondary("Go on").icon(Icon::Run)).clicked() {
                cx.run(on.clone());
            }
            cx.copy_command(ui, &on);
            let alone = Command::Explain(desk_app::command::Explain { finished: true, ..asked.clone() });
            if ui.add(Button::secondary("Show the finished rows")).clicked() {
                cx.run(alone);
            }
            if ui.add(Button::ghost("Dismiss")).clicked() {
                *enough = Some(job.id.clone());
            }
        });
    });
    ui.add_space(10.0);
}
