//! The drawer at the bottom: running and finished jobs of this window.

use desk_uikit::{Button, Icon, text};
use egui::{Align, Layout, Ui};

use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::jobs;

/// Draws the drawer.
pub fn show(ui: &mut Ui, cx: &Cx<'_>) {
    ui.horizontal(|ui| {
        text::section(ui, "Jobs");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Button::icon_only(Icon::Close, "Close the list of jobs")).clicked() {
                cx.act(Action::Ui(UiCommand::ToggleDrawer));
            }
            if ui.add(Button::ghost("All activity")).clicked() {
                cx.act(Action::Ui(UiCommand::GoActivity));
            }
        });
    });
    super::scroll_in_margin(ui, "drawer", |ui| {
        if cx.jobs.list.is_empty() {
            text::sub(ui, "Nothing has run since this window was opened");
        }
        for job in cx.jobs.list.iter() {
            jobs::line(ui, cx, job);
        }
    });
}
