//! The window's frame: top bar, navigation, centre, inspector, drawer, status bar.

mod drawer;
mod nav;
mod status;
mod top;

use desk_uikit::Tokens;
use egui::{CentralPanel, Frame, Margin, Panel, Stroke, Ui};

use crate::cx::Cx;
use crate::route::History;
use crate::screens::Screens;

/// From this width on the inspector stands beside the centre.
const WIDE: f32 = 1200.0;
/// Below this width the navigation shows icons only.
const NARROW: f32 = 900.0;

/// Which regions are open.
pub struct Shell {
    /// The navigation shows labels, not icons only.
    pub nav_open: bool,
    /// The user's wish; without one the width decides.
    inspector: Option<bool>,
    /// The list of jobs at the bottom.
    pub drawer_open: bool,
}

impl Default for Shell {
    fn default() -> Self {
        Self { nav_open: true, inspector: None, drawer_open: false }
    }
}

impl Shell {
    fn inspector_open(&self, width: f32) -> bool {
        self.inspector.unwrap_or(width >= WIDE)
    }

    /// Opens or closes the inspector, from what it is now.
    pub fn toggle_inspector(&mut self, ctx: &egui::Context) {
        self.inspector = Some(!self.inspector_open(ctx.content_rect().width()));
    }

    /// Draws the whole window.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, screens: &mut Screens, history: &History) {
        let t = Tokens::of(ui);
        let width = ui.ctx().content_rect().width();
        let bar = |margin: Margin| Frame::new().fill(t.panel).inner_margin(margin);
        let wants_inspector = Screens::has_inspector(cx);
        let inspector = self.inspector_open(width) && wants_inspector;
        ui.style_mut().visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, t.line);

        Panel::top("top").exact_size(44.0).frame(bar(Margin::symmetric(12, 8))).show(ui, |ui| {
            top::show(ui, cx, history, inspector, wants_inspector);
        });
        Panel::bottom("status").exact_size(26.0).frame(bar(Margin::symmetric(12, 2))).show(ui, |ui| {
            status::show(ui, cx);
        });
        let nav_open = self.nav_open && width >= NARROW;
        let nav_width = if nav_open { 220.0 } else { 48.0 };
        Panel::left("nav").exact_size(nav_width).frame(bar(Margin::same(10))).show(ui, |ui| {
            nav::show(ui, cx, nav_open);
        });
        if self.drawer_open {
            let height = ui.ctx().content_rect().height();
            Panel::bottom("drawer")
                .resizable(true)
                .default_size(200.0)
                .size_range(120.0..=height * 0.5)
                .frame(bar(Margin::symmetric(16, 10)))
                .show(ui, |ui| drawer::show(ui, cx));
        }
        let overlay = width < WIDE;
        if inspector && !overlay {
            Panel::right("inspector").exact_size(300.0).frame(bar(Margin::same(16))).show(ui, |ui| {
                scroll(ui, "inspector", |ui| screens.inspector(ui, cx));
            });
        }
        CentralPanel::default().frame(Frame::new().fill(t.bg)).show(ui, |ui| {
            let whole = ui.max_rect();
            screens.show(ui, cx);
            if inspector && overlay {
                let area = whole.with_min_x(whole.right() - 300.0);
                ui.painter().rect_filled(area, 0.0, t.panel);
                ui.painter().vline(area.left(), area.y_range(), Stroke::new(1.0, t.line));
                let inside = egui::UiBuilder::new().max_rect(area.shrink(16.0));
                let mut child = ui.new_child(inside);
                child.set_clip_rect(area);
                scroll(&mut child, "inspector-over", |ui| screens.inspector(ui, cx));
            }
        });
    }
}

/// A region that scrolls when it is too small for its contents.
pub fn scroll(ui: &mut Ui, id: &str, add: impl FnOnce(&mut Ui)) {
    egui::ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, add);
}
