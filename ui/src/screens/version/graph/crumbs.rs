//! The way from the main graph to the one that is on show.

use desk_core::GraphPath;
use desk_uikit::{Button, Icon, fonts, text};
use egui::Ui;

use super::whole::{Crumb, Whole};

/// Shows the way; gives the part of it that was chosen.
pub fn show(ui: &mut Ui, whole: &Whole, path: &GraphPath) -> Option<Crumb> {
    let crumbs = whole.crumbs(path);
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let up = Button::icon_only(Icon::Back, "Up to the graph around this one");
        let none = path.is_main().then_some("This is the main graph");
        if ui.add(up.tooltip("The graph around this one (Backspace)").disabled_if(none)).clicked() {
            chosen = above(whole, path);
        }
        for (i, crumb) in crumbs.iter().enumerate() {
            if i > 0 {
                ui.label(Icon::Right.rich(fonts::size::CAPTION, desk_uikit::Tokens::of(ui).sub));
            }
            if i + 1 == crumbs.len() {
                text::strong(ui, crumb.name.as_str());
            } else if ui.add(Button::ghost(&crumb.name)).clicked() {
                chosen = Some(crumb.clone());
            }
        }
        if path.is_main() {
            let within = desk_uikit::format::plural(whole.levels.len() as u64 - 1, "graph", "graphs");
            text::caption(ui, format!("{within} within it: a double click on a node with the sign opens them"));
        }
    });
    ui.add_space(4.0);
    chosen
}

/// The graph around one, with the node that led to it.
pub fn above(whole: &Whole, path: &GraphPath) -> Option<Crumb> {
    let mut crumbs = whole.crumbs(path);
    crumbs.pop();
    crumbs.pop()
}
