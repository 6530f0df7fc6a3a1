//! What the window keeps for the next time: how it looks, where it is and was, what it told, where the tour stands.

use desk_app::Desk;
use desk_core::Fault;
use desk_uikit::Appearance;
use egui::{Context, Id};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Workbench;
use crate::background::{Pending, Slot, Topic};
use crate::notices::Notice;
use crate::recent::Visit;
use crate::route::{History, Route};
use crate::tour;

/// Settings that the window keeps in the store.
const LOOK: &str = "window/appearance";
const PLACE: &str = "window/route";
const NOTICES: &str = "window/notices";
const RECENT: &str = "window/recent";
const TOUR: &str = "window/tour";

/// What the window had when it was closed.
#[derive(Clone)]
struct Remembered {
    look: Appearance,
    route: Option<Route>,
    notices: Vec<Notice>,
    recent: Vec<Visit>,
    tour: tour::Place,
}

/// What was read of the last time, and what is to be written for the next one.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Memory {
    remembered: Slot<(), Remembered>,
    /// The looks are those of this time: somebody chose them before the store had answered.
    look_decided: bool,
    /// So is the place.
    place_decided: bool,
    /// The store has answered; nothing is written before that, or it would be lost.
    read: bool,
    saving: Pending<()>,
    /// Looks or place changed since they were last written.
    unsaved: bool,
}

impl Memory {
    /// The looks were chosen: those of the last time do not count.
    pub fn look_decided(&mut self) {
        self.look_decided = true;
    }

    /// The place was chosen: that of the last time does not count.
    pub fn place_decided(&mut self) {
        self.place_decided = true;
    }

    /// Looks or place changed.
    pub fn changed(&mut self) {
        self.unsaved = true;
    }
}

impl Workbench {
    /// Once, as soon as the store has answered: what the window had the last time.
    pub(super) fn restore(&mut self, ctx: &Context) {
        if self.memory.read {
            return;
        }
        let value = self.memory.remembered.ensure(&self.background, (), Topic::Fixed, |desk| {
            let route = desk.setting(PLACE)?.and_then(|value| value.as_str().and_then(|text| text.parse().ok()));
            Ok(Remembered {
                look: read(desk, LOOK)?,
                route,
                notices: read(desk, NOTICES)?,
                recent: read(desk, RECENT)?,
                tour: read(desk, TOUR)?,
            })
        });
        let Some(found) = value.value().cloned() else { return };
        self.memory.read = true;
        self.notices.recall(found.notices);
        self.recent.recall(found.recent);
        self.tour.recall(found.tour);
        if !self.memory.look_decided {
            self.look = found.look;
            self.look.apply(ctx);
        }
        let here = self.memory.place_decided || self.history.can_go_back();
        if let Some(route) = found.route.filter(|_| !here) {
            self.history = History::at(route);
        }
    }

    /// Writes what has changed, when nothing is being written.
    pub(super) fn remember(&mut self) {
        if let Some(Err(fault)) = self.memory.saving.take() {
            tracing::warn!("settings of the window were not kept: {}", fault.message);
        }
        if self.memory.saving.is_running() {
            return;
        }
        let mut changed: Vec<(&str, Result<Value, Fault>)> = Vec::new();
        // What was not read yet would be lost.
        if self.memory.read && std::mem::take(&mut self.memory.unsaved) {
            changed.push((LOOK, json(&self.look)));
            changed.push((PLACE, Ok(Value::String(self.history.here().to_string()))));
        }
        if self.memory.read {
            changed.extend(self.notices.take_changed().map(|notices| (NOTICES, json(&notices))));
            changed.extend(self.recent.take_changed().map(|recent| (RECENT, json(&recent))));
            changed.extend(self.tour.take_changed().map(|place| (TOUR, json(&place))));
        }
        if changed.is_empty() {
            return;
        }
        self.memory.saving.start(&self.background, move |desk| {
            for (key, value) in changed {
                desk.set_setting(key, &value?)?;
            }
            Ok(())
        });
        if !self.memory.saving.is_running() {
            // The queue is full: once more at the next frame.
            self.memory.unsaved = true;
            self.notices.not_written();
            self.recent.not_written();
            self.tour.not_written();
        }
    }
}

/// A setting; the default where it was never written, or by another version in another form.
fn read<T: DeserializeOwned + Default>(desk: &Desk, key: &str) -> Result<T, Fault> {
    Ok(desk.setting(key)?.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
}

fn json(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::bug(error.to_string()))
}

/// What had the keyboard's focus before a dialog opened: it has it again afterwards.
#[derive(Default)]
pub(super) struct FocusBefore {
    before: Option<Id>,
    open: bool,
    /// Frames since the dialog has closed.
    closed: u8,
}

/// So long nothing below a dialog takes the focus after it has closed.
const CLOSING: u8 = 2;

impl FocusBefore {
    /// At the end of a frame; `open` while a dialog or the palette is.
    pub fn keep(&mut self, ctx: &Context, open: bool) {
        let focused = ctx.memory(egui::Memory::focused);
        match (std::mem::replace(&mut self.open, open), open) {
            (false, true) => (self.before, self.closed) = (focused.or(self.before), 0),
            (_, false) if self.before.is_some() => {
                self.closed += 1;
                if self.closed > CLOSING {
                    // Unless something else has it by now, as the filter that the palette went to.
                    let before = self.before.take().filter(|_| focused.is_none());
                    ctx.memory_mut(|memory| before.into_iter().for_each(|id| memory.request_focus(id)));
                }
                ctx.request_repaint();
            }
            _ => {}
        }
    }
}
