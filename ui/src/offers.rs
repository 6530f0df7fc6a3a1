//! What the palette offers: what was visited last, commands, models with their tabs and comparisons, targets, deployments, jobs.

use desk_uikit::Icon;
use desk_uikit::palette::Entry;
use egui::Context;

use crate::background::Jobs;
use crate::command::UiCommand;
use crate::cx::Lists;
use crate::fault::words;
use crate::recent::{Recent, Shown};
use crate::route::{Route, VersionTab};

/// Something that the palette offers.
#[derive(Debug, Clone)]
pub enum Choice {
    /// One of the window's own commands.
    Ui(UiCommand),
    /// A place.
    Go(Route),
}

impl Choice {
    /// The place that it leads to.
    fn route(&self) -> Option<Route> {
        match self {
            Self::Ui(command) => command.route(),
            Self::Go(route) => Some(route.clone()),
        }
    }
}

/// So many of the places that were visited stand first.
const VISITED: usize = 6;

/// The tabs of so many models are entries of their own; with more they would hide the rest.
const WITH_TABS: usize = 50;
/// So many former versions have entries of their own.
const FORMER: usize = 200;
/// The newest of so many deployments and jobs are offered.
const NEWEST: usize = 50;

/// Everything that can be chosen now.
pub fn entries(ctx: &Context, lists: &Lists, jobs: &Jobs, recent: &Recent) -> Vec<Entry<Choice>> {
    let all = everything(ctx, lists, jobs);
    let visited = recent.shown(lists);
    let is_visited =
        |entry: &Entry<Choice>| visited.iter().any(|shown| entry.action.route().as_ref() == Some(&shown.route));
    let mut rest: Vec<Entry<Choice>> = all.into_iter().filter(|entry| !is_visited(entry)).collect();
    let mut entries: Vec<Entry<Choice>> = visited.iter().take(VISITED).map(recently).collect();
    entries.append(&mut rest);
    entries
}

/// A place that was visited; found by `recent`, too.
fn recently(shown: &Shown) -> Entry<Choice> {
    let detail = if shown.detail.is_empty() { "recent".to_owned() } else { format!("{}, recent", shown.detail) };
    let (action, icon, title) = (Choice::Go(shown.route.clone()), shown.icon(), shown.title.clone());
    Entry { action, icon, title, detail, shortcut: String::new() }
}

fn everything(ctx: &Context, lists: &Lists, jobs: &Jobs) -> Vec<Entry<Choice>> {
    let mut entries: Vec<Entry<Choice>> = UiCommand::ALL
        .into_iter()
        .filter(|command| *command != UiCommand::Palette)
        .map(|command| Entry {
            action: Choice::Ui(command),
            icon: command.icon(),
            title: command.text().to_owned(),
            detail: command.also().to_owned(),
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
    let (mut tabs_left, mut former_left) = (WITH_TABS, FORMER);
    for model in lists.models.value.value().into_iter().flatten() {
        let name = model.name.to_string();
        entries.push(place(Icon::Model, name.clone(), "model", Route::Model(model.name.clone())));
        if tabs_left == 0 {
            continue;
        }
        tabs_left -= 1;
        // The latest first; the former ones, too, while they are not too many.
        for number in (1..=model.latest).rev() {
            if number != model.latest {
                if former_left == 0 {
                    break;
                }
                former_left -= 1;
            }
            for (tab, label) in VersionTab::ALL {
                let route = Route::Version { model: model.name.clone(), number, tab };
                entries.push(place(Icon::Version, format!("{name} v{number}"), &label.to_lowercase(), route));
            }
        }
        if model.latest > 1 {
            let side = |number| (model.name.clone(), number);
            let route = Route::Compare { first: side(model.latest - 1), second: side(model.latest) };
            let title = format!("Compare {name} v{} and v{}", model.latest - 1, model.latest);
            entries.push(place(Icon::Differs, title, "side by side", route));
        }
    }
    for target in lists.targets.value.value().into_iter().flatten() {
        entries.push(place(Icon::Target, target.name.clone(), "target", Route::Targets));
    }
    for deployment in lists.deployments.value.value().into_iter().flatten().take(NEWEST) {
        let title = format!("{} v{} on {}", deployment.model, deployment.version, deployment.target);
        let state = crate::fault::deployment_state(deployment.state).1.to_lowercase();
        let detail = format!("{}, {state}", deployment.action);
        entries.push(place(Icon::Deploy, title, &detail, Route::Deployment(deployment.id.clone())));
    }
    for job in jobs.list.iter().take(NEWEST) {
        let state = crate::fault::job_state(job.state).1.to_lowercase();
        let detail = format!("job, {state}");
        entries.push(place(Icon::Activity, words(&job.title), &detail, Route::Job(job.id.clone())));
    }
    entries
}
