//! The window's frame: top bar, navigation, centre, inspector, tour, drawer, status bar.

mod drawer;
mod nav;
mod regions;
mod status;
mod top;

use desk_app::Command;
use desk_app::command::Gc;
use desk_uikit::Tokens;
use egui::{CentralPanel, Frame, Margin, Panel, Pos2, Rect, Stroke, Ui, UiBuilder};

use crate::cx::Cx;
use crate::route::History;
use crate::screens::Screens;
use crate::tour;
use regions::Regions;

/// From this width on the inspector stands beside the centre.
const WIDE: f32 = 1200.0;
/// Below this width the navigation shows icons only.
const NARROW: f32 = 900.0;

/// Room for a scroll bar in the margin at the right of a region.
const BAR: f32 = 12.0;

/// Which regions are open, and where they are.
pub struct Shell {
    /// The navigation shows labels, not icons only.
    pub nav_open: bool,
    /// The user's wish; without one the width decides.
    inspector: Option<bool>,
    /// The list of jobs at the bottom.
    pub drawer_open: bool,
    focus: Regions,
    /// The lower right corner above which notices are shown.
    pub notices: Pos2,
    /// The centre is on a window that was cleared in its colour, which costs nothing, and paints no ground of its own.
    pub is_cleared: bool,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            nav_open: true,
            inspector: None,
            drawer_open: false,
            focus: Regions::default(),
            notices: Pos2::ZERO,
            is_cleared: false,
        }
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

    /// Moves the keyboard's focus to another region.
    pub fn move_region(&mut self, ctx: &egui::Context, forward: bool) {
        self.focus.ask(ctx, forward);
    }

    /// The keyboard led to another place: its focus goes there, too.
    pub fn enter_view(&mut self, ctx: &egui::Context) {
        self.focus.enter(ctx, "centre");
    }

    /// Draws the whole window.
    ///
    /// Space is given to the regions first and they are drawn afterwards, so that Tab goes through
    /// them as people read: top bar, navigation, view, inspector, tour, jobs, status bar. Notices lie over the region
    /// at the right: nothing moves when one comes or goes.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, screens: &mut Screens, history: &History) {
        let t = Tokens::of(ui);
        let width = ui.ctx().content_rect().width();
        let wants_inspector = screens.has_inspector(cx);
        let inspector = self.inspector_open(width) && wants_inspector;
        let overlay = inspector && width < WIDE;
        let nav_open = self.nav_open && width >= NARROW;
        ui.style_mut().visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, t.line);

        let top = reserve(ui, Panel::top("top").exact_size(44.0), Margin::symmetric(12, 8));
        let status = reserve(ui, Panel::bottom("status").exact_size(26.0), Margin::symmetric(12, 2));
        let nav_width = if nav_open { 220.0 } else { 48.0 };
        let nav = reserve(ui, Panel::left("nav").exact_size(nav_width), Margin::same(10));
        let drawer = self.drawer_open.then(|| {
            let height = ui.ctx().content_rect().height();
            let panel = Panel::bottom("drawer").resizable(true).default_size(200.0).size_range(120.0..=height * 0.5);
            reserve(ui, panel, Margin::symmetric(16, 10))
        });
        let tour = cx
            .tour
            .is_open()
            .then(|| reserve(ui, Panel::bottom("tour").exact_size(tour::HEIGHT), Margin::symmetric(16, 8)));
        let beside =
            (inspector && !overlay).then(|| reserve(ui, Panel::right("inspector").exact_size(300.0), Margin::same(16)));

        let open = top::Open { inspector: wants_inspector.then_some(inspector), drawer: self.drawer_open };
        let focus = &mut self.focus;
        focus.begin();
        focus.region(ui, "top", top, |ui| top::show(ui, cx, history, &open));
        focus.region(ui, "nav", nav, |ui| nav::show(ui, cx, nav_open));
        let ground = if self.is_cleared { Frame::new() } else { Frame::new().fill(t.bg) };
        CentralPanel::default().frame(ground).show(ui, |ui| {
            let whole = ui.max_rect();
            if beside.is_none() {
                self.notices = whole.right_bottom();
            }
            focus.region(ui, "centre", whole, |ui| {
                tell_gone(ui, cx);
                tell_full(ui, cx, cx.background.full().as_ref());
                screens.show(ui, cx);
            });
            if overlay {
                let area = whole.with_min_x(whole.right() - 300.0);
                ui.painter().rect_filled(area, 0.0, t.panel);
                ui.painter().vline(area.left(), area.y_range(), Stroke::new(1.0, t.line));
                focus.region(ui, "inspector", area.shrink(16.0), |ui| {
                    ui.set_clip_rect(area);
                    scroll_in_margin(ui, "inspector-over", |ui| screens.inspector(ui, cx));
                });
            }
        });
        if let Some(rect) = beside {
            self.notices = rect.expand(16.0).right_bottom();
            focus.region(ui, "inspector", rect, |ui| scroll_in_margin(ui, "inspector", |ui| screens.inspector(ui, cx)));
        }
        if let Some(rect) = tour {
            focus.region(ui, "tour", rect, |ui| tour::show(ui, cx));
        }
        if let Some(rect) = drawer {
            focus.region(ui, "drawer", rect, |ui| drawer::show(ui, cx));
        }
        focus.region(ui, "status", status, |ui| status::show(ui, cx));
        focus.end(ui.ctx());
    }
}

/// Above every view while the home is gone: what that means and what to do.
fn tell_gone(ui: &mut Ui, cx: &Cx<'_>) {
    let Some(fault) = cx.background.gone() else { return };
    let mut error = crate::fault::error_text(&fault);
    error.still_holds = Some("Nothing is written there any more; what is shown is from before".to_owned());
    Frame::new().inner_margin(Margin { left: 20, right: 20, top: 12, bottom: 0 }).show(ui, |ui| {
        desk_uikit::error_view(ui, &error, None);
    });
}

/// Above every view while the home's disk has no room: what still holds, and how room is made.
fn tell_full(ui: &mut Ui, cx: &Cx<'_>, full: Option<&desk_core::Fault>) {
    let Some(fault) = full else { return };
    let mut error = crate::fault::error_text(fault);
    error.still_holds = Some(
        "What is kept can be looked at, and what is live keeps serving; nothing new is kept until there is room"
            .to_owned(),
    );
    let gc = Command::Gc(Gc::default());
    let busy = cx.jobs.running().any(|job| matches!(job.command, Command::Gc(_)));
    Frame::new().inner_margin(Margin { left: 20, right: 20, top: 12, bottom: 0 }).show(ui, |ui| {
        if desk_uikit::error_view(ui, &error, Some("Remove unused files").filter(|_| !busy)) {
            cx.run(gc);
        }
    });
}

/// Gives a region its space; returns where its contents go.
fn reserve(ui: &mut Ui, panel: Panel, margin: Margin) -> Rect {
    let frame = Frame::new().fill(Tokens::of(ui).panel).inner_margin(margin);
    let shown = panel.frame(frame).show(ui, |ui| {
        let rect = ui.max_rect();
        ui.allocate_rect(rect, egui::Sense::hover());
        rect
    });
    shown.inner
}

/// A region that scrolls when it is too small for its contents.
pub fn scroll(ui: &mut Ui, id: &str, add: impl FnOnce(&mut Ui)) {
    egui::ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, add);
}

/// The same where the region has a margin at its right: the bar is there, and covers no contents.
fn scroll_in_margin(ui: &mut Ui, id: &str, add: impl FnOnce(&mut Ui)) {
    let rect = ui.available_rect_before_wrap();
    let mut wider = ui.new_child(UiBuilder::new().max_rect(rect.with_max_x(rect.right() + BAR)));
    scroll(&mut wider, id, |ui| {
        ui.set_max_width(rect.width());
        add(ui);
    });
    ui.allocate_rect(rect, egui::Sense::hover());
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use desk_core::{Fault, FaultKind};
    use desk_uikit::ThemeChoice;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::cx::{Action, Lists};
    use crate::fixtures::stage;

    #[test]
    fn a_full_disk_says_what_holds_and_how_room_is_made() {
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let seen = Rc::clone(&asked);
        let full = Fault::new(FaultKind::Environment, "the disk is full: /home/ada").hint("Free some space");
        let draw = move |ui: &mut Ui, cx: &Cx<'_>| {
            tell_full(ui, cx, Some(&full));
            for action in cx.actions.borrow().iter() {
                if let Action::Run(command) = action {
                    seen.borrow_mut().push(command.to_cli());
                }
            }
        };
        let mut harness = stage([800.0, 300.0], ThemeChoice::Light, Lists::default(), draw);
        harness.run_steps(3);
        harness.get_by_label_contains("what is live keeps serving");
        harness.get_by_label("Remove unused files").click();
        harness.run_steps(2);
        assert_eq!(*asked.borrow(), ["modeldesk gc"]);
    }
}
