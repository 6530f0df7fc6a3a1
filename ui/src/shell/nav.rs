//! The navigation at the left: models below each other, what runs, what is connected.

use desk_uikit::{Icon, Row, Tokens, fonts, format};
use egui::{RichText, Ui};

use crate::cx::Cx;
use crate::route::{Route, Section, VersionTab};

/// So many models are listed at least, where the column is short; the rest is in the models' view and in the palette.
const AT_LEAST: usize = 5;
/// Rows beside the models: home, all models, and two places below each of the two headings.
const OTHERS: f32 = 6.0;
/// Height of the two headings with what is between them and the rows.
const HEADINGS: f32 = 2.0 * 38.0;
const GAP: f32 = 2.0;

/// How many of `models` are listed: all where there is room, else as many as fit with a row for the rest.
fn listed(models: usize, height: f32, row: f32) -> usize {
    let room = ((height - HEADINGS) / (row + GAP) - OTHERS).floor().max(0.0) as usize;
    if models <= room.max(AT_LEAST) { models } else { room.saturating_sub(1).max(AT_LEAST) }
}

/// Draws the navigation.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, open: bool) {
    ui.spacing_mut().item_spacing.y = GAP;
    let bottom = ui.max_rect().bottom() - 30.0;
    let height = bottom - ui.cursor().top();
    egui::ScrollArea::vertical().max_height(height).auto_shrink(false).show(ui, |ui| {
        workspace(ui, cx, open, height);
        heading(ui, "Operate", open);
        let live = cx
            .lists
            .deployments
            .value
            .value()
            .map_or(0, |list| list.iter().filter(|d| d.state == desk_core::state::DeploymentState::Live).count());
        let silent = cx.lists.silent().count();
        let live = match (silent, live) {
            (0, 0) => String::new(),
            (0, live) => format!("{live} live"),
            (silent, _) => format!("{silent} silent"),
        };
        let at = matches!(cx.route, Route::Deployments | Route::Deployment(_));
        place(ui, cx, Icon::Deploy, "Deployments", &live, at, Route::Deployments, open);
        let running = cx.jobs.running().count();
        let running = if running > 0 { format!("{running} running") } else { String::new() };
        let at = matches!(cx.route, Route::Activity | Route::Job(_));
        place(ui, cx, Icon::Activity, "Activity", &running, at, Route::Activity, open);
        heading(ui, "Connect", open);
        let targets = count(cx.lists.targets.value.value().map(Vec::len));
        place(ui, cx, Icon::Target, "Targets", &targets, *cx.route == Route::Targets, Route::Targets, open);
        place(ui, cx, Icon::Credential, "Credentials", "", *cx.route == Route::Credentials, Route::Credentials, open);
    });
    let at = matches!(cx.route, Route::Settings(_));
    place(ui, cx, Icon::Settings, "Settings", "", at, Route::Settings(Section::Appearance), open);
}

fn count(n: Option<usize>) -> String {
    n.filter(|n| *n > 0).map(|n| format::count(n as u64)).unwrap_or_default()
}

fn heading(ui: &mut Ui, text: &str, open: bool) {
    ui.add_space(12.0);
    if open {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.add_space(8.0);
            ui.label(RichText::new(text).font(fonts::medium(fonts::size::CAPTION)).color(Tokens::of(ui).sub));
        });
        ui.add_space(2.0);
    }
}

#[expect(clippy::too_many_arguments, reason = "one row of a private list")]
fn place(ui: &mut Ui, cx: &Cx<'_>, icon: Icon, label: &str, trailing: &str, here: bool, to: Route, open: bool) {
    let row = Row::new(label).icon(icon).trailing(trailing).selected(here).compact(!open);
    if ui.add(row).clicked() {
        cx.go(to);
    }
}

fn workspace(ui: &mut Ui, cx: &Cx<'_>, open: bool, height: f32) {
    place(ui, cx, Icon::Home, "Home", "", *cx.route == Route::Home, Route::Home, open);
    let models = cx.lists.models.value.value().map(Vec::as_slice).unwrap_or_default();
    let all = count(Some(models.len()));
    place(ui, cx, Icon::Models, "Models", &all, *cx.route == Route::Models, Route::Models, open);
    if !open {
        return;
    }
    let here = cx.route.model();
    let room = listed(models.len(), height, desk_uikit::tokens::row_height(ui));
    let mut rows: Vec<_> = models.iter().take(room).collect();
    // The model on show is always listed.
    if let Some(more) = models.iter().skip(room).find(|model| Some(&model.name) == here) {
        rows.push(more);
    }
    let shown = rows.len();
    for model in rows {
        let name = model.name.to_string();
        let latest = format!("v{}", model.latest);
        let row = Row::new(&name).icon(Icon::Model).trailing(&latest).indent(1).selected(here == Some(&model.name));
        if ui.add(row).clicked() {
            let tab = VersionTab::Overview;
            cx.go(Route::Version { model: model.name.clone(), number: model.latest, tab });
        }
    }
    if models.len() > shown {
        let more = format!("{} more…", models.len() - shown);
        if ui.add(Row::new(&more).indent(1)).clicked() {
            cx.go(Route::Models);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_used_before_models_are_left_out() {
        assert_eq!(listed(15, 726.0, 28.0), 15, "all where they fit");
        let many = listed(200, 726.0, 28.0);
        assert!((12..20).contains(&many), "{many}");
        let rows = (many + 1) as f32 + OTHERS;
        let used = rows * (28.0 + GAP) + HEADINGS;
        assert!(used <= 726.0 && used > 726.0 - 60.0, "{used}");
        assert_eq!(listed(200, 100.0, 28.0), AT_LEAST, "a short column scrolls");
        assert_eq!(listed(0, 726.0, 28.0), 0);
    }
}
