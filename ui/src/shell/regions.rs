//! F6: the keyboard's focus goes from one region of the window to the next.

use egui::{Context, FocusDirection, Rect, Ui, UiBuilder};

/// Where the regions are, and which one the focus shall enter.
#[derive(Default)]
pub struct Regions {
    /// Those of the last frame, in reading order.
    shown: Vec<(&'static str, Rect)>,
    now: Vec<(&'static str, Rect)>,
    entering: Option<Entering>,
}

#[derive(Debug, Clone, Copy)]
struct Entering {
    region: &'static str,
    forward: bool,
    /// Regions in which nothing takes the focus are passed over, once round at most.
    tries: usize,
    began: bool,
}

impl Regions {
    /// Asks for the next region, or for the one before.
    pub fn ask(&mut self, ctx: &Context, forward: bool) {
        let focused = ctx.memory(egui::Memory::focused).and_then(|id| ctx.read_response(id));
        let here = focused.and_then(|response| {
            let at = response.rect.center();
            // The inspector may lie over the view: the later one is on top.
            self.shown.iter().rposition(|(_, rect)| rect.expand(16.0).contains(at))
        });
        let count = self.shown.len();
        let next = match (here, forward) {
            (None, true) => 0,
            (None, false) => count.saturating_sub(1),
            (Some(i), true) => (i + 1) % count,
            (Some(i), false) => (i + count - 1) % count,
        };
        if let Some((region, _)) = self.shown.get(next) {
            self.entering = Some(Entering { region, forward, tries: count, began: false });
            ctx.request_repaint();
        }
    }

    /// The focus enters a region by its name, or none where nothing there takes it.
    pub fn enter(&mut self, ctx: &Context, region: &'static str) {
        self.entering = Some(Entering { region, forward: true, tries: 1, began: false });
        ctx.request_repaint();
    }

    /// Before the first region of a frame.
    pub fn begin(&mut self) {
        self.now.clear();
    }

    /// Draws a region in its space.
    pub fn region(&mut self, ui: &mut Ui, name: &'static str, rect: Rect, add: impl FnOnce(&mut Ui)) {
        let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(name));
        let enters = self.entering.as_mut().filter(|entering| entering.region == name);
        if let Some(entering) = enters {
            entering.began = true;
            // As if Tab was pressed with nothing before: the first thing that can takes the focus.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
                memory.move_focus(FocusDirection::Next);
            });
        }
        add(&mut child);
        self.now.push((name, rect));
        if self.entering.is_some_and(|entering| entering.region == name) {
            let found = ui.memory_mut(|memory| {
                memory.move_focus(FocusDirection::None);
                memory.focused().is_some()
            });
            if found {
                self.entering = None;
            }
        }
    }

    /// After the last region of a frame.
    pub fn end(&mut self, ctx: &Context) {
        std::mem::swap(&mut self.shown, &mut self.now);
        let Some(entering) = self.entering else { return };
        let at = self.shown.iter().position(|(name, _)| *name == entering.region);
        let count = self.shown.len();
        self.entering = match at {
            // It is drawn in the next frame.
            Some(_) if !entering.began => Some(entering),
            Some(i) if entering.tries > 1 => {
                let next = if entering.forward { i + 1 } else { i + count - 1 } % count;
                Some(Entering { region: self.shown[next].0, tries: entering.tries - 1, began: false, ..entering })
            }
            _ => None,
        };
        if self.entering.is_some() {
            ctx.request_repaint();
        }
    }
}
