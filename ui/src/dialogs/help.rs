//! F1: what the view below can do, and its keys.

use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, Tokens, kv, text};
use egui::Context;

use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::help::{self, Help};
use crate::route::Route;

/// The state of the dialog.
pub struct HelpDialog {
    help: Help,
}

impl HelpDialog {
    /// About a place.
    pub fn new(route: &Route) -> Self {
        Self { help: help::of(route) }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) -> bool {
        let help = self.help;
        let mut done = false;
        let output = Frame::new("help", help.name).width(520.0).show(
            ctx,
            |ui| {
                for line in help.lines {
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = 6.0;
                        let mark = Icon::Right.rich(13.0, Tokens::of(ui).sub).line_height(Some(18.0));
                        ui.label(mark);
                        text::body(ui, *line);
                    });
                }
                ui.add_space(8.0);
                text::section(ui, "Keys");
                keys(ui, help);
            },
            |ui, ()| {
                if ui.add(Button::primary("Close")).clicked() {
                    done = true;
                }
                if !cx.tour.is_open() && ui.add(Button::ghost("Take the tour").icon(Icon::Hint)).clicked() {
                    cx.act(Action::Ui(UiCommand::Tour));
                    done = true;
                }
                if ui.add(Button::secondary("All shortcuts").icon(Icon::Keyboard)).clicked() {
                    cx.act(Action::Ui(UiCommand::Shortcuts));
                    done = true;
                }
            },
        );
        done || output.closed
    }
}

/// The keys of the view's commands and of its table, then what works everywhere.
fn keys(ui: &mut egui::Ui, help: Help) {
    let ctx = ui.ctx().clone();
    let everywhere = [UiCommand::Palette, UiCommand::NextRegion, UiCommand::Help];
    let more = everywhere.iter().filter(|command| !help.keys.contains(command));
    let commands = help.keys.iter().chain(more).filter(|command| !command.shortcuts().is_empty());
    let mut lines: Vec<(String, &str)> = commands.map(|command| (command.keys_text(&ctx), command.text())).collect();
    if help.table {
        lines.extend(help::table_keys(&ctx).map(|(what, keys, _)| (keys, what)));
    }
    let names: Vec<&str> = lines.iter().map(|(keys, _)| keys.as_str()).collect();
    kv::named(ui, &names, |kv| {
        for (keys, what) in &lines {
            kv.text(keys, what);
        }
    });
}
