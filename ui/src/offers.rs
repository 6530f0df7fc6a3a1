//! What the palette offers: commands, models with their tabs, targets.

use desk_uikit::Icon;
use desk_uikit::palette::Entry;
use egui::Context;

use crate::command::UiCommand;
use crate::cx::Lists;
use crate::route::{Route, VersionTab};

/// Something that the palette offers.
#[derive(Debug, Clone)]
pub enum Choice {
    /// One of the window's own commands.
    Ui(UiCommand),
    /// A place.
    Go(Route),
}

/// The tabs of so many models are entries of their own; with more they would hide the rest.
const WITH_TABS: usize = 50;

/// Everything that can be chosen now.
pub fn entries(ctx: &Context, lists: &Lists) -> Vec<Entry<Choice>> {
    let mut entries: Vec<Entry<Choice>> = UiCommand::ALL
        .into_iter()
        .filter(|command| *command != UiCommand::Palette)
        .map(|command| Entry {
            action: Choice::Ui(command),
            icon: command.icon(),
            title: command.text().to_owned(),
            detail: String::new(),
            shortcut: command.shortcut_text(ctx),
        })
        .collect();
    let place = |icon, title: String, detail: &str, route| Entry {
        action: Choice::Go(route),
        icon,
        title,
        detail: detail.to_owned(),
        shortcut: String::new(),
    };
    let mut tabs_left = WITH_TABS;
    for model in lists.models.value.value().into_iter().flatten() {
        let name = model.name.to_string();
        entries.push(place(Icon::Model, name.clone(), "model", Route::Model(model.name.clone())));
        if tabs_left == 0 {
            continue;
        }
        tabs_left -= 1;
        for (tab, label) in VersionTab::ALL {
            let route = Route::Version { model: model.name.clone(), number: model.latest, tab };
            entries.push(place(Icon::Version, format!("{name} v{}", model.latest), &label.to_lowercase(), route));
        }
    }
    for target in lists.targets.value.value().into_iter().flatten() {
        entries.push(place(Icon::Target, target.name.clone(), "target", Route::Targets));
    }
    entries
}
