//! The screens: what stands in the centre, and what the inspector says about it.

mod activity;
mod answers;
mod compare;
mod credentials;
mod deployments;
mod home;
mod model;
mod models;
mod settings;
mod targets;
mod version;

use desk_uikit::{fonts, text};
use egui::{Align, Layout, Margin, Ui};

use crate::cx::Cx;
use crate::route::{Route, VersionTab};
pub use version::{WayBack, method_name, place, rollout_there, trust};

/// What every screen remembers while another one is on show.
#[derive(Default)]
pub struct Screens {
    home: home::Home,
    models: models::Models,
    model: model::Model,
    version: version::Version,
    compare: compare::Compare,
    deployments: deployments::Deployments,
    targets: targets::Targets,
    credentials: credentials::Credentials,
    activity: activity::Activity,
    settings: settings::Settings,
}

impl Screens {
    /// Draws the screen of the place where the window is.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        match cx.route {
            Route::Home => self.home.show(ui, cx),
            Route::Models => self.models.show(ui, cx),
            Route::Model(name) => self.model.show(ui, cx, name),
            Route::Version { model, number, tab } => self.version.show(ui, cx, model, *number, *tab),
            Route::Within { model, number, .. } => self.version.show(ui, cx, model, *number, VersionTab::Graph),
            Route::Compare { first, second } => self.compare.show(ui, cx, first, second),
            Route::Deployments => self.deployments.show(ui, cx),
            Route::Deployment(id) => self.deployments.show_one(ui, cx, id),
            Route::Targets => self.targets.show(ui, cx),
            Route::Credentials => self.credentials.show(ui, cx),
            Route::Activity => self.activity.show(ui, cx),
            Route::Job(id) => self.activity.show_job(ui, cx, id),
            Route::Settings(section) => self.settings.show(ui, cx, *section),
        }
    }

    /// This place has something to say at the right.
    pub fn has_inspector(&self, cx: &Cx<'_>) -> bool {
        match cx.route {
            Route::Models => !models::is_empty(cx),
            Route::Deployments => !empty(&cx.lists.deployments.value),
            Route::Targets => !empty(&cx.lists.targets.value),
            Route::Credentials => self.credentials.has_some(),
            Route::Model(_) | Route::Version { .. } | Route::Within { .. } => true,
            _ => false,
        }
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        match cx.route {
            Route::Models => self.models.inspector(ui, cx),
            Route::Model(name) => model::Model::inspector(ui, cx, name),
            Route::Version { .. } | Route::Within { .. } => self.version.inspector(ui, cx),
            Route::Deployments => self.deployments.inspector(ui, cx),
            Route::Targets => self.targets.inspector(ui, cx),
            Route::Credentials => self.credentials.inspector(ui, cx),
            _ => {}
        }
    }
}

/// Known to be empty: there is nothing to inspect.
fn empty<T>(list: &desk_uikit::Loadable<Vec<T>>) -> bool {
    list.value().is_some_and(Vec::is_empty)
}

/// The margin round every screen.
const MARGIN: i8 = 20;

/// A screen's frame: a heading with actions at its right end, and below it a part that scrolls.
fn page(ui: &mut Ui, heading: &str, actions: impl FnOnce(&mut Ui), body: impl FnOnce(&mut Ui)) {
    titled(ui, heading, actions);
    crate::shell::scroll(ui, heading, |ui| inset(ui, body));
}

/// Facts and steps are not read across a whole screen: what belongs together in a line stays in sight together.
const READABLE: f32 = 960.0;

/// The same as [`page`] for facts, steps and texts.
fn readable_page(ui: &mut Ui, heading: &str, actions: impl FnOnce(&mut Ui), body: impl FnOnce(&mut Ui)) {
    page(ui, heading, actions, |ui| {
        ui.vertical(|ui| {
            ui.set_max_width(ui.available_width().min(READABLE));
            body(ui);
        });
    });
}

/// A screen's frame whose body fills the rest of the height by itself (tables).
fn filled_page(ui: &mut Ui, heading: &str, actions: impl FnOnce(&mut Ui), body: impl FnOnce(&mut Ui)) {
    titled(ui, heading, actions);
    inset(ui, body);
}

/// A heading of text with its actions beside it, or below it where there is no room for both.
fn titled(ui: &mut Ui, heading: &str, actions: impl FnOnce(&mut Ui)) {
    let id = ui.make_persistent_id(("actions of", heading));
    // As wide as they were when they stood in one line.
    let known: Option<f32> = ui.data(|data| data.get_temp(id));
    let font = fonts::semibold(fonts::size::TITLE);
    let title = ui.painter().layout_no_wrap(heading.to_owned(), font, egui::Color32::PLACEHOLDER).size().x;
    let room = ui.available_width() - 2.0 * f32::from(MARGIN);
    if known.is_none_or(|known| title + known + ui.spacing().item_spacing.x <= room) {
        header(
            ui,
            |ui| drop(text::title(ui, heading)),
            |ui| {
                actions(ui);
                let wide = ui.min_rect().width();
                ui.data_mut(|data| data.insert_temp(id, wide));
                if known.is_none() {
                    ui.ctx().request_discard("the room for the actions is known now");
                }
            },
        );
        return;
    }
    frame_of_header().show(ui, |ui| {
        text::title(ui, heading);
        ui.horizontal_wrapped(actions);
    });
}

fn frame_of_header() -> egui::Frame {
    egui::Frame::new().inner_margin(Margin { left: MARGIN, right: MARGIN, top: 16, bottom: 6 })
}

fn header(ui: &mut Ui, heading: impl FnOnce(&mut Ui), actions: impl FnOnce(&mut Ui)) {
    frame_of_header().show(ui, |ui| {
        ui.horizontal(|ui| {
            heading(ui);
            ui.with_layout(Layout::right_to_left(Align::Center), actions);
        });
    });
}

fn inset(ui: &mut Ui, body: impl FnOnce(&mut Ui)) {
    let frame = egui::Frame::new().inner_margin(Margin { left: MARGIN, right: MARGIN, top: 6, bottom: 16 });
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        body(ui);
    });
}

/// What the inspector says when nothing is selected.
fn nothing_selected(ui: &mut Ui, what: &str) {
    ui.add_space(4.0);
    text::sub(ui, format!("Select {what} to see its details"));
}
